package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// cloud is a plugin that keeps machines by token.
type cloud struct {
	rows  []contract.Resource
	calls []string // token of each change
}

func (c *cloud) Get(_ context.Context, req contract.GetRequest) (contract.Resource, error) {
	for _, r := range c.rows {
		if r.ID == req.ID {
			return r, nil
		}
	}
	return contract.Resource{}, fault.NotFound("machine", req.ID)
}

func (c *cloud) List(_ context.Context, _ contract.ListRequest, yield func(contract.Resource) error) error {
	for _, r := range c.rows {
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) Operation(_ context.Context, req contract.OperationRequest) (contract.Operation, error) {
	return contract.Operation{ID: req.ID, State: contract.OperationSucceeded}, nil
}

func (c *cloud) Create(_ context.Context, req contract.CreateRequest) (contract.Change, error) {
	c.calls = append(c.calls, req.Token)
	return contract.Change{Resource: &contract.Resource{ID: "m-1", Kind: req.Kind, State: json.RawMessage(`{}`)}}, nil
}

func (c *cloud) Update(_ context.Context, req contract.UpdateRequest) (contract.Change, error) {
	c.calls = append(c.calls, req.Token)
	return contract.Change{}, nil
}

func (c *cloud) Delete(_ context.Context, req contract.DeleteRequest) (contract.Change, error) {
	c.calls = append(c.calls, req.Token)
	return contract.Change{}, fault.NotFound("machine", req.ID)
}

func (c *cloud) Act(_ context.Context, req contract.ActionRequest) (contract.Change, error) {
	c.calls = append(c.calls, req.Token)
	return contract.Change{Output: json.RawMessage(`{"done":true}`)}, nil
}

// world is a service whose account belongs to "org".
type world struct {
	*Service
	cloud  *cloud
	shared bool
	denied access.Right
}

func (w *world) Plugin(string) (Cloud, error) { return w.cloud, nil }

func (w *world) Describe(context.Context, string) (contract.Description, error) {
	return contract.Description{Kinds: []contract.KindDescription{
		{
			Name: "machine", Managed: true, Spec: json.RawMessage(`{"type":"object","properties":{"cpu":{"type":"integer"}},"additionalProperties":false}`),
			Verbs:   []contract.Verb{contract.VerbCreate, contract.VerbGet, contract.VerbList, contract.VerbDelete},
			Actions: []contract.ActionDescription{{Name: "look", Input: json.RawMessage(`{}`)}, {Name: "drain", Input: json.RawMessage(`{}`), Changes: true}},
		},
		{Name: "server", Verbs: []contract.Verb{contract.VerbCreate, contract.VerbList}},
	}}, nil
}

func (w *world) Enablement(_ context.Context, _ access.Caller, id string) (provider.Enablement, error) {
	return provider.Enablement{ID: id, OrgID: "org", RootID: "root", Shared: w.shared}, nil
}

func (w *world) CallVia(_ context.Context, _ store.Reader, org, id string, _ provider.Purpose) (provider.Access, error) {
	return provider.Access{Plugin: "p", Call: contract.Call{Org: org, RootOrg: "root", Account: contract.Account{ID: id}}}, nil
}

func (w *world) Check(_ store.Reader, _ access.Caller, right access.Right, t access.Target) error {
	if right == w.denied || t.OrgID != "org" {
		return fault.Forbidden("no")
	}
	return nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clk := clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC))
	keys, err := idempotency.New(idempotency.Config{Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{cloud: &cloud{}}
	if w.Service, err = New(Config{Store: storetest.Open(t), Clock: clk, Authority: w, Accounts: w, Keys: keys, Plugins: w}); err != nil {
		t.Fatal(err)
	}
	return w
}

func at(kind string) Place { return Place{EnablementID: "e", Kind: kind} }

var caller = access.Caller{OrgID: "org", RootID: "root", UserID: "u"}

func TestChangesCarryTheirTokenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := ChangeInput{At: at("machine"), Spec: json.RawMessage(`{"cpu":4}`), IdempotencyKey: "k1"}
	for range 2 {
		if got, err := w.Create(t.Context(), caller, in); err != nil || got.ID != "m-1" {
			t.Fatal(got, err)
		}
	}
	if len(w.cloud.calls) != 2 || w.cloud.calls[0] != w.cloud.calls[1] || w.cloud.calls[0] == "" {
		t.Errorf("tokens %q: a repeat must reach the plugin with the same one", w.cloud.calls)
	}
	in.Spec = json.RawMessage(`{"cpu":5}`)
	if _, err := w.Create(t.Context(), caller, in); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("the same key for another spec: %v", err)
	}
	if _, err := w.Delete(t.Context(), caller, ChangeInput{At: at("machine"), ID: "gone", IdempotencyKey: "k2"}); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
	err := w.cfg.Store.View(t.Context(), func(r store.Reader) error {
		page, err := audit.List(r, audit.Query{Org: "org", Limit: 10})
		if err == nil && len(page.Items) != 2 {
			t.Errorf("%d audit records of 2 changes", len(page.Items))
		}
		for _, rec := range page.Items {
			if strings.Contains(fmt.Sprint(rec.After), "cpu") {
				t.Errorf("the audit log has a spec in it: %v", rec.After)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do     func(w *world) error
		class  fault.Class
		reason string
	}{
		"a kind that is sold": {func(w *world) error {
			_, err := w.Create(t.Context(), caller, ChangeInput{At: at("server"), IdempotencyKey: "k"})
			return err
		}, fault.ClassNotFound, "what is sold is ordered"},
		"a seller's account": {func(w *world) error {
			w.shared = true
			_, err := w.List(t.Context(), caller, ListInput{At: at("machine"), Limit: 1})
			return err
		}, fault.ClassForbidden, "only its owner looks into it"},
		"no right to write": {func(w *world) error {
			w.denied = access.EnablementWrite
			_, err := w.Delete(t.Context(), caller, ChangeInput{At: at("machine"), ID: "m", IdempotencyKey: "k"})
			return err
		}, fault.ClassForbidden, "reading is not enough"},
		"a change by who may read": {func(w *world) error {
			w.denied = access.EnablementWrite
			_, err := w.Act(t.Context(), caller, ChangeInput{At: at("machine"), ID: "m", Action: "drain", IdempotencyKey: "k"})
			return err
		}, fault.ClassForbidden, "an action that changes is a change"},
		"a spec that does not fit": {func(w *world) error {
			_, err := w.Create(t.Context(), caller, ChangeInput{At: at("machine"), Spec: json.RawMessage(`{"ram":1}`), IdempotencyKey: "k"})
			return err
		}, fault.ClassInvalid, "the schema is the plugin's"},
		"a verb that is not offered": {func(w *world) error {
			_, err := w.Update(t.Context(), caller, ChangeInput{At: at("machine"), ID: "m", IdempotencyKey: "k"})
			return err
		}, fault.ClassUnsupported, "machines are not updated"},
		"no key": {func(w *world) error {
			_, err := w.Create(t.Context(), caller, ChangeInput{At: at("machine")})
			return err
		}, fault.ClassInvalid, "a change needs a key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if err := tc.do(w); !fault.Is(err, tc.class) {
				t.Errorf("%v; want %s: %s", err, tc.class, tc.reason)
			}
			if len(w.cloud.calls) > 0 {
				t.Error("the plugin was called")
			}
		})
	}
}

func TestReadsNeedNoKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.denied = access.EnablementWrite
	got, err := w.Act(t.Context(), caller, ChangeInput{At: at("machine"), ID: "m", Action: "look"})
	if err != nil || string(got.Output) != `{"done":true}` || w.cloud.calls[0] != "" {
		t.Errorf("%s, %v, tokens %q", got.Output, err, w.cloud.calls)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 7 {
		state := fmt.Sprintf(`{"state":%q,"cpu":%d,"price":"%d.5"}`, []string{"idle", "in_use"}[i%2], 10-i, i*7)
		w.cloud.rows = append(w.cloud.rows, contract.Resource{ID: fmt.Sprint("m", i), State: json.RawMessage(state)})
	}
	for name, tc := range map[string]struct {
		in   ListInput
		want string
	}{
		"all":               {ListInput{}, "m0 m1 m2|m3 m4 m5|m6"},
		"idle":              {ListInput{Filter: map[string]string{"state": "idle"}}, "m0 m2 m4|m6"},
		"by a number":       {ListInput{Filter: map[string]string{"cpu": "8"}}, "m2"},
		"nothing":           {ListInput{Filter: map[string]string{"state": "gone"}}, ""},
		"numbers upwards":   {ListInput{Sort: "cpu"}, "m6 m5 m4|m3 m2 m1|m0"},
		"decimals in texts": {ListInput{Sort: "price", Reverse: true}, "m6 m5 m4|m3 m2 m1|m0"},
		"sorted, filtered":  {ListInput{Sort: "cpu", Filter: map[string]string{"state": "in_use"}}, "m5 m3 m1"},
		"ids downwards":     {ListInput{Reverse: true}, "m6 m5 m4|m3 m2 m1|m0"},
		"an unknown field":  {ListInput{Sort: "nothing"}, "m0 m1 m2|m3 m4 m5|m6"},
	} {
		var pages []string
		tc.in.At, tc.in.Limit = at("machine"), 3
		for {
			p, err := w.List(t.Context(), caller, tc.in)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var ids []string
			for _, item := range p.Items {
				ids = append(ids, item.ID)
			}
			pages = append(pages, strings.Join(ids, " "))
			if tc.in.Cursor = p.Next; p.Next == "" {
				break
			}
		}
		if got := strings.Join(pages, "|"); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	if _, err := w.List(t.Context(), caller, ListInput{At: at("machine"), Limit: 3, Cursor: "-1"}); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a cursor of another list: %v", err)
	}
}
