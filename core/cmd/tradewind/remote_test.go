package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asked is what a broker was asked.
type asked struct {
	Line, Match string
	Body        map[string]any
}

// standIn is a broker that notes what it is asked.
type standIn struct {
	t    *testing.T
	list []asked
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer twt_token" {
		s.t.Errorf("%s: the token is not sent", r.URL)
	}
	a := asked{Line: r.Method + " " + r.URL.String(), Match: r.Header.Get("If-Match")}
	if raw, err := io.ReadAll(r.Body); err == nil && len(raw) > 0 {
		if err := json.Unmarshal(raw, &a.Body); err != nil {
			s.t.Error(err)
		}
	}
	s.list = append(s.list, a)
	if r.Method != http.MethodGet && r.Header.Get("Idempotency-Key") == "" {
		s.t.Errorf("%s has no key", a.Line)
	}
	w.Header().Set("ETag", `"7"`)
	answer := `{"name": "harbour", "version": "1.1.0", "state": "ready", "changes": [{"kind": "upgrade", "from": "1.0.0", "to": "1.1.0", "state": "watching"}]}`
	switch {
	case strings.Contains(r.URL.Path, "gone"):
		w.WriteHeader(http.StatusNotFound)
		answer = `{"title": "Not found", "detail": "plugin \"gone\" does not exist", "request_id": "r1", "errors": [{"path": "name", "message": "is none"}], "retry_after_seconds": 3}`
	case r.URL.Query().Has("limit") && r.URL.Query().Get("cursor") == "":
		answer = `{"items": [{"name": "alpha", "version": "1", "id": "c1", "message": "first\nsecond", "kind": "exit"}], "next": "alpha"}`
	case r.URL.Query().Has("limit"):
		answer = `{"items": [{"name": "beta", "version": "2", "id": "c2", "kind": "panic"}]}`
	}
	_, _ = io.WriteString(w, answer) // to a recorder or a client of this test
}

// tell runs a plugin command against a stand-in.
func tell(t *testing.T, args ...string) (list []asked, out string, err error) {
	t.Helper()
	s := &standIn{t: t}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("twt_token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	cmd := root()
	cmd.SetArgs(append(append([]string{"plugin"}, args...), "--url", server.URL, "--token-file", token))
	cmd.SetOut(&b)
	err = cmd.ExecuteContext(t.Context())
	return s.list, b.String(), err
}

func TestPluginCommandsAskTheBroker(t *testing.T) {
	t.Parallel()
	read := asked{Line: "GET /v1/plugins/harbour"}
	cases := map[string]struct {
		reason string
		args   []string
		want   []asked
		out    string
	}{
		"List":    {"all pages are read", []string{"list"}, []asked{{Line: "GET /v1/plugins?limit=200&cursor="}, {Line: "GET /v1/plugins?limit=200&cursor=alpha"}}, "beta 2"},
		"Install": {"from the drop folder", []string{"install", "f", "--sha256", "s", "--activate"}, []asked{{Line: "POST /v1/plugins", Body: map[string]any{"file": "f", "sha256": "s", "activate": true}}}, "harbour 1.1.0 ready"},
		"Upgrade": {"from the revision that was read", []string{"upgrade", "harbour", "1.1.0", "--reason", "why"}, []asked{read,
			{Line: "POST /v1/plugins/harbour/upgrade?wait=true", Match: `"7"`, Body: map[string]any{"version": "1.1.0", "reason": "why"}}}, "upgrade from 1.0.0 to 1.1.0: watching"},
		"Rollback": {"without waiting", []string{"rollback", "harbour", "--no-wait"}, []asked{read,
			{Line: "POST /v1/plugins/harbour/rollback", Match: `"7"`, Body: map[string]any{"reason": ""}}}, "harbour"},
		"Pin": {"a group of two", []string{"pin", "harbour", "g", "--org", "a", "--org", "b", "--version", "1.0.0"}, []asked{read,
			{Line: "PUT /v1/plugins/harbour/pins/g", Match: `"7"`, Body: map[string]any{"orgs": []any{"a", "b"}, "version": "1.0.0", "isolated": false, "reason": ""}}}, "harbour"},
		"Unpin":   {"a group", []string{"unpin", "harbour", "g"}, []asked{read, {Line: "DELETE /v1/plugins/harbour/pins/g", Match: `"7"`}}, "harbour"},
		"Remove":  {"a version", []string{"remove", "harbour", "1.0.0"}, []asked{read, {Line: "DELETE /v1/plugins/harbour/versions/1.0.0", Match: `"7"`}}, ""},
		"Disable": {"a version", []string{"disable", "harbour", "1"}, []asked{read, {Line: "PUT /v1/plugins/harbour/versions/1/state", Match: `"7"`, Body: map[string]any{"state": "disabled"}}}, ""},
		"Resume":  {"a verb", []string{"resume", "harbour"}, []asked{{Line: "POST /v1/plugins/harbour/resume"}}, "harbour"},
		"Log":     {"a level", []string{"log-level", "harbour", "debug"}, []asked{{Line: "PUT /v1/plugins/harbour/log-level", Body: map[string]any{"level": "debug"}}}, "harbour"},
		"Crashes": {"one line each", []string{"crashes", "harbour"}, []asked{{Line: "GET /v1/plugins/harbour/crashes?limit=200&cursor="}, {Line: "GET /v1/plugins/harbour/crashes?limit=200&cursor=alpha"}}, "c1 1 exit first\n"},
		"Show":    {"as JSON", []string{"show", "harbour"}, []asked{read}, `"state": "ready"`},
		"Reset": {"a breaker", []string{"reset-breaker", "harbour", "acc", "--region", "east"}, []asked{{Line: "POST /v1/plugins/harbour/breakers/reset",
			Body: map[string]any{"account": "acc", "region": "east", "changes": false}}}, "harbour"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, out, err := tell(t, tc.args...)
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", tc.reason, err, diff)
			}
			if !strings.Contains(out, tc.out) {
				t.Errorf("%s: want %q in %q", tc.reason, tc.out, out)
			}
		})
	}
}

func TestRefusalsAreTold(t *testing.T) {
	t.Parallel()
	_, _, err := tell(t, "start", "gone")
	want := `not found: plugin "gone" does not exist; name: is none; try again in 3 s (request r1)`
	if err == nil || err.Error() != want {
		t.Errorf("want %q, got %v", want, err)
	}
}

func TestTokensAreKeptFromOthers(t *testing.T) {
	t.Parallel()
	open := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(open, []byte("twt_token"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o640); err != nil {
		t.Fatal(err)
	}
	for reason, at := range map[string]remote{
		"a token that others can read":   {url: "http://127.0.0.1:1", tokenFile: open},
		"no token":                       {url: "http://127.0.0.1:1"},
		"a URL with a password":          {url: "http://me:secret@127.0.0.1:1", tokenFile: open},
		"another scheme":                 {url: "ftp://127.0.0.1", tokenFile: open},
		"a token file that is not there": {url: "http://127.0.0.1:1", tokenFile: open + "x"},
	} {
		if _, err := at.open(); err == nil || strings.Contains(err.Error(), "twt_token") || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v", reason, err)
		}
	}
}
