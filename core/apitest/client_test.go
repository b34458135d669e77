package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// request is one HTTP request of a walk.
type request struct {
	method, path string
	bearer       string
	header       map[string]string
	body         []byte // nil: none
	contentType  string // of the body; empty: JSON
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) problem() (p struct {
	Type, Title, Detail string
	Status              int
	RequestID           string `json:"request_id"`
	Errors              []struct{ Path, Message string }
}, err error) {
	return p, json.Unmarshal(a.body, &p)
}

// isProblem reports whether the answer is an RFC 9457 problem of its status.
func (a answer) isProblem() bool {
	p, err := a.problem()
	return err == nil && p.Type != "" && p.Title != "" && p.Status == a.status &&
		strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json")
}

// client sends requests and looks at every answer.
type client struct {
	base    string
	http    *http.Client
	secrets *secrets
}

func newClient(base string, s *secrets) *client {
	return &client{base: base, secrets: s, http: &http.Client{
		Timeout:   90 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// send does one request. An answer that holds a planted secret fails the test,
// whoever asked; only sign-in and new tokens may show one, theirs.
func (c *client) send(t testing.TB, r request) answer {
	t.Helper()
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(t.Context(), r.method, c.base+r.path, body)
	if err != nil {
		t.Fatalf("%s %.200q: %v", r.method, r.path, err)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
		if r.contentType != "" {
			req.Header.Set("Content-Type", r.contentType)
		}
	}
	if r.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+r.bearer)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatalf("%s %.200q: the server did not answer: %v", r.method, r.path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %.200q: reading the answer: %v", r.method, r.path, err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: raw}
	c.secrets.inspect(t, r, a)
	return a
}

// person is a signed-in user.
type person struct {
	client          *client
	name            string // for failures: "A/R1/reseller_admin"
	org, user, role string
	login, password string
	bearer          string
	session         string
}

var keyCount counter

// do sends JSON with a fresh idempotency key and If-Match "*".
func (p *person) do(t testing.TB, method, path string, in any) answer {
	t.Helper()
	r := request{method: method, path: path, bearer: p.bearer, header: map[string]string{}}
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		r.body = raw
	}
	if method != http.MethodGet {
		r.header["Idempotency-Key"] = fmt.Sprintf("walk-%d", keyCount.next())
		r.header["If-Match"] = "*"
	}
	return p.client.send(t, r)
}

// must is do that wants a success and reads it.
func (p *person) must(t testing.TB, method, path string, in, out any) {
	t.Helper()
	a := p.do(t, method, path, in)
	if a.status >= 300 {
		t.Fatalf("%s: %s %s: %d %s", p.name, method, path, a.status, a.body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		t.Fatalf("%s: %s %s: %v: %s", p.name, method, path, err, a.body)
	}
}

// make posts and returns the id of what was made.
func (p *person) make(t testing.TB, path string, in any) string {
	t.Helper()
	var out struct{ ID string }
	p.must(t, http.MethodPost, path, in, &out)
	return out.ID
}

// ids lists the ids of a whole list.
func (p *person) ids(t testing.TB, path string) []string {
	t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	var all []string
	for cursor := ""; ; {
		var page struct {
			Items []struct{ ID string }
			Next  string
		}
		p.must(t, http.MethodGet, path+sep+"limit=500&cursor="+cursor, nil, &page)
		for _, x := range page.Items {
			all = append(all, x.ID)
		}
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

func (p *person) signIn(t testing.TB) {
	t.Helper()
	var out struct {
		Token   string
		Session struct {
			ID     string
			UserID string `json:"user_id"`
			OrgID  string `json:"org_id"`
		}
	}
	p.must(t, http.MethodPost, "/v1/sessions", map[string]string{"login": p.login, "password": p.password}, &out)
	p.bearer, p.session, p.user, p.org = out.Token, out.Session.ID, out.Session.UserID, out.Session.OrgID
	p.client.secrets.plant("the session of "+p.name, out.Token)
}
