package main

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// runCloud runs the cloud of the module's fixture and returns its address.
func runCloud(t *testing.T, module string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		cmd := root()
		cmd.SetArgs([]string{"cloud", "--fixture", filepath.Join(module, "fixture.yaml")})
		cmd.SetOut(in)
		ended <- cmd.ExecuteContext(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the cloud ended with %v", err)
		}
	})
	said := make([]byte, 200)
	n, err := out.Read(said)
	if err != nil {
		t.Fatal(err)
	}
	url, _, _ := strings.Cut(string(said[:n]), " ")
	return url
}

func TestCallThroughTheLifeOfAnInstance(t *testing.T) {
	t.Parallel()
	p := plugins(t)
	account := "endpoint: " + runCloud(t, p.module) + "\nsettings: {public_key: demo}\ncredentials: {secret_key: demo-secret-9f31}\n"
	file := write(t, "account.yaml", account, 0o600)
	if out := must(t, "", "call", p.skylark, "check", "--account", file); !strings.Contains(out, `"ok": true`) {
		t.Errorf("check: %s", out)
	}
	// The secret, given as a name, must not come back.
	out, said, err := run(t.Context(), account, "call", p.skylark, "instance", "create", "--account", "-",
		"--json", `{"region":"east","name":"demo-secret-9f31","spec":{"size":"small"}}`)
	if err != nil {
		t.Fatal(err)
	}
	var change struct {
		Operation string
		Resource  struct{ ID, Name, Token string }
	}
	if err := json.Unmarshal([]byte(out), &change); err != nil || change.Resource.Name != "******" || strings.Contains(out+said, "demo-secret") {
		t.Errorf("%v: %s%s", err, out, said)
	}
	if change.Resource.Token == "" || !strings.Contains(said, change.Resource.Token) {
		t.Errorf("the token %q is not told: %s", change.Resource.Token, said)
	}
	call := func(kind, verb, input string) string {
		args := []string{"call", p.skylark, verb, "--account", file, "--json", input}
		if kind != "" {
			args = append(args[:2:2], append([]string{kind}, args[2:]...)...)
		}
		return must(t, "", args...)
	}
	id := `"id":"` + change.Resource.ID + `"`
	for range 5 { // each request moves the cloud's time on
		if strings.Contains(call("", "operation", `{"id":"`+change.Operation+`"}`), "succeeded") {
			break
		}
	}
	for _, step := range []struct{ kind, verb, input, want string }{
		{"", "regions", `{}`, `"east"`},
		{"instance", "get", `{` + id + `}`, `"raw_status": "running"`},
		{"instance", "find", `{"token":"` + change.Resource.Token + `"}`, change.Resource.ID},
		{"instance", "list", `{"region":"east","limit":1}`, `"size": "small"`},
		{"instance", "action", `{` + id + `,"action":"stop","arguments":{}}`, `power/`},
		{"instance", "delete", `{` + id + `}`, `delete/`},
	} {
		if out := call(step.kind, step.verb, step.input); !strings.Contains(out, step.want) {
			t.Errorf("%s: %s; want %s", step.verb, out, step.want)
		}
	}
}

func TestCallRefuses(t *testing.T) {
	t.Parallel()
	p := plugins(t)
	open := write(t, "open.yaml", "credentials: {secret_key: hunter2-marker}\n", 0o644)
	odd := write(t, "odd.yaml", "credentials: [hunter2-marker]\n", 0o600)
	wrong := write(t, "wrong.yaml", "endpoint: http://127.0.0.1:1\nsettings: {public_key: k}\ncredentials: {secret_key: hunter2-marker}\n", 0o600)
	for name, tc := range map[string]struct {
		args   []string
		says   string
		reason string
	}{
		"readable file":  {[]string{p.skylark, "check", "--account", open}, "chmod 600", "others could read the credentials"},
		"odd file":       {[]string{p.skylark, "check", "--account", odd}, "is not YAML with", "and the error does not quote it"},
		"in arguments":   {[]string{p.skylark, "check", "--json", `{"account":{"credentials":{}}}`}, "account file", "arguments are for everyone to see"},
		"unknown verb":   {[]string{p.skylark, "fly"}, "is none of", "the verbs are a closed list"},
		"no kind":        {[]string{p.skylark, "get"}, "is called on a kind", "a get is of a kind"},
		"needless kind":  {[]string{p.skylark, "instance", "check"}, "on no kind", "a check is of the account"},
		"no credentials": {[]string{p.skylark, "check"}, "account.credentials.secret_key", "the plugin says what it needs"},
		"no cloud":       {[]string{p.skylark, "instance", "get", "--account", wrong, "--json", `{"id":"hunter2-marker"}`, "--timeout", "3s"}, "unavailable", "nobody listens there"},
		"not offered":    {[]string{p.hello, "balance"}, "unsupported", "hello has no balance"},
		"no plugin":      {[]string{"/bin/true", "check"}, "starting the plugin", "that is no plugin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, said, err := run(t.Context(), "", append([]string{"call"}, tc.args...)...)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v; want it to say %q", tc.reason, err, tc.says)
			}
			if strings.Contains(out+said+err.Error(), "hunter2") {
				t.Errorf("the secret is shown: %s %s %v", out, said, err)
			}
		})
	}
}
