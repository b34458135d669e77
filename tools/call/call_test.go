package call_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/tools/call"
)

const marker = "hunter2-marker"

// talker says secrets wherever a plugin can.
type talker struct{ kinds []*provider.Kind }

type state struct {
	Text  string `json:"text"`
	Link  string `json:"link" secret:"true"`
	Inner struct {
		Pin string `json:"pin" secret:"true"`
	} `json:"inner"`
}

type things struct{}

func newTalker() *talker {
	return &talker{kinds: []*provider.Kind{provider.KindOf[struct{}, state]("thing", "Thing", things{})}}
}

func (*talker) Describe(context.Context) (provider.Description, error) {
	return provider.Description{Name: "talker", Version: "1.0.0"}, nil
}

func (*talker) Check(context.Context, provider.CheckRequest) (provider.CheckResponse, error) {
	return provider.CheckResponse{OK: true, Account: marker, Details: []string{"is " + marker}}, nil
}

func (t *talker) Kinds() []*provider.Kind { return t.kinds }

func (t *talker) Operation(_ context.Context, req provider.OperationRequest) (provider.Operation, error) {
	return provider.Operation{ID: req.ID, State: provider.OperationFailed, CheckAfter: time.Second, Failure: fault.Forbidden("not with %s", marker)}, nil
}

func thing() provider.Thing[state] {
	t := provider.Thing[state]{ID: "1", RawStatus: "on", Created: time.Unix(0, 0).UTC(), State: state{Text: "a " + marker, Link: "https://one.example"}}
	t.State.Inner.Pin = "1234"
	return t
}

func (things) Get(_ context.Context, req provider.GetRequest) (provider.Thing[state], error) {
	if req.ID != "1" {
		e := fault.Invalid("id", "%s is not an id", marker)
		return provider.Thing[state]{}, e.With(errors.New(marker))
	}
	return thing(), nil
}

func (things) List(_ context.Context, _ provider.ListRequest, yield func(provider.Thing[state]) error) error {
	for range 2000 {
		if err := yield(thing()); err != nil {
			return err
		}
	}
	return nil
}

func do(t *testing.T, kind, verb, input string) (string, error) {
	t.Helper()
	in, err := call.ParseInput(input)
	if err != nil {
		t.Fatal(err)
	}
	r := call.Request{Kind: kind, Verb: verb, Input: in}
	r.Account.Credentials = map[string]secret.Value{"key": secret.New(marker), "short": secret.New("a")}
	var out bytes.Buffer
	err = call.Do(t.Context(), plugintest.Start(t, newTalker()), r, func() string { return "new-token" }, &out)
	return out.String(), err
}

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ kind, verb, input, want, reason string }{
		"answer":    {"", "check", "", `"is ******"`, "a known credential, inside a text"},
		"state":     {"thing", "get", `{"id":"1"}`, `"link": "******"`, "a field that the schema marks"},
		"inside":    {"thing", "get", `{"id":"1"}`, `"pin": "******"`, "a marked field further in"},
		"text":      {"thing", "get", `{"id":"1"}`, `"text": "a ******"`, "a known credential in a plugin's own text"},
		"failure":   {"", "operation", `{"id":"o"}`, `"failure": "forbidden: not with ******"`, "a fault inside an answer"},
		"duration":  {"", "operation", `{"id":"o"}`, `"check_after": "1s"`, "times are readable"},
		"name":      {"thing", "get", `{"id":"1"}`, `"raw_status": "on"`, "names are in one style"},
		"old times": {"thing", "get", `{"id":"1"}`, `"created": "1970-01-01T00:00:00Z"`, "times are in RFC 3339"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := do(t, tc.kind, tc.verb, tc.input)
			if err != nil || !strings.Contains(out, tc.want) || strings.Contains(out, marker) || strings.Contains(out, "1234") {
				t.Errorf("%s: %v\n%s\nwant %s", tc.reason, err, out, tc.want)
			}
		})
	}
	_, err := do(t, "thing", "get", `{"id":"2"}`)
	if e := fault.As(err); e.Class != fault.ClassInvalid || strings.Contains(err.Error(), marker) || !strings.Contains(err.Error(), "******") || errors.Unwrap(err) != nil {
		t.Errorf("an error: %v", err)
	}
}

func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]int{"": 1000, `{"limit":3}`: 3} {
		out, err := do(t, "thing", "list", input)
		if got := strings.Count(out, `"id": "1"`); err != nil || got != want {
			t.Errorf("input %q: %d rows, %v; want %d", input, got, err, want)
		}
	}
}

func FuzzParseInput(f *testing.F) {
	f.Add(`{"region":"east","term":{"periods":1},"spec":{"a":1}}`)
	f.Add(`{"account":{}}`)
	f.Add(` `)
	f.Fuzz(func(t *testing.T, text string) {
		in, err := call.ParseInput(text)
		if err != nil {
			return
		}
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call.ParseInput(string(raw)); err != nil {
			t.Errorf("what was read cannot be read again: %v\n%s", err, raw)
		}
	})
}
