package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// address is where the broker listens now; it is another one after each kill.
type address struct{ v atomic.Value }

func (a *address) set(url string) { a.v.Store(url) }

func (a *address) get() string {
	url, _ := a.v.Load().(string)
	return url
}

// client is one signed-in person. Its fields change in signIn
// alone, and nobody uses it meanwhile.
type client struct {
	at              *address
	http            *http.Client
	login, password string
	bearer, org     string
}

// newHTTP bounds every request; whoever is killed does not answer.
func newHTTP() *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
}

// refusal is an answer that is no success.
type refusal struct {
	Status int    `json:"status"`
	Type   string `json:"type"`
	Detail string `json:"detail"`
	what   string
}

// Error tells what was asked and the answer.
func (r *refusal) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", r.what, r.Status, r.Type, r.Detail)
}

// statusOf is the HTTP status of a refusal, 0 when there was no answer at all.
func statusOf(err error) int {
	var r *refusal
	if errors.As(err, &r) {
		return r.Status
	}
	return 0
}

func (c *client) do(ctx context.Context, method, path, key string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.at.get()+path, body)
	if err != nil {
		return err
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + c.bearer, "Idempotency-Key": key} {
		if value != "" && value != "Bearer " {
			req.Header.Set(name, value)
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		r := &refusal{what: method + " " + path}
		_ = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(r) // the status says enough without it
		r.Status = resp.StatusCode
		return r
	}
	if out == nil {
		out = new(any)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(out)
}

func (c *client) get(ctx context.Context, path string, out any) error {
	return c.do(ctx, http.MethodGet, path, "", nil, out)
}

func (c *client) post(ctx context.Context, path, key string, in, out any) error {
	return c.do(ctx, http.MethodPost, path, key, in, out)
}

func (c *client) signIn(ctx context.Context) error {
	var out struct {
		Token   string `json:"token"`
		Session struct {
			OrgID string `json:"org_id"`
		} `json:"session"`
	}
	c.bearer = ""
	err := c.post(ctx, "/v1/sessions", "", map[string]string{"login": c.login, "password": c.password}, &out)
	c.bearer, c.org = out.Token, out.Session.OrgID
	return err
}

// list reads every page.
func list[T any](ctx context.Context, c *client, path string) ([]T, error) {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	var all []T
	for cursor := ""; ; {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next"`
		}
		if err := c.get(ctx, path+sep+"limit=200&cursor="+cursor, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		cursor = page.Next
	}
}

// made is the answer of everything that makes something.
type made struct {
	ID string `json:"id"`
}
