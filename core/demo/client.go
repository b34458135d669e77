package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// client is one signed-in person.
type client struct {
	name     string // of the org, for the account
	org      string // id
	base     string
	login    string
	password string
	bearer   string
}

// problem is a refusal of the API.
type problem struct {
	Status int    `json:"status"`
	Type   string `json:"type"`
	Detail string `json:"detail"`
	Errors []struct {
		Path    string `json:"path"`
		Message string `json:"message"`
	} `json:"errors"`
	what string
}

// Error tells what was asked and why it was refused.
func (p *problem) Error() string {
	return fmt.Sprintf("%s: %d %s: %s %v", p.what, p.Status, p.Type, p.Detail, p.Errors)
}

var httpClient = &http.Client{Timeout: 60 * time.Second}

// do sends one request; in is sent as JSON when not nil, the answer is read
// into out when not nil.
func (c *client) do(ctx context.Context, method, path string, in, out any, headers ...string) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := httpClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		p := &problem{Status: resp.StatusCode, what: method + " " + path}
		_ = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(p) // without a document the status says enough
		return p
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(out)
}

func (c *client) get(ctx context.Context, path string, out any) error {
	return c.do(ctx, http.MethodGet, path, nil, out)
}

func (c *client) post(ctx context.Context, path string, in, out any) error {
	return c.do(ctx, http.MethodPost, path, in, out)
}

// pay posts with an idempotency key.
func (c *client) pay(ctx context.Context, path, key string, in, out any) error {
	return c.do(ctx, http.MethodPost, path, in, out, "Idempotency-Key", key)
}

func (c *client) signIn(ctx context.Context) error {
	c.bearer = "" // an ended session would be refused before the sign-in
	var out struct {
		Token   string `json:"token"`
		Session struct {
			OrgID string `json:"org_id"`
		} `json:"session"`
	}
	if err := c.post(ctx, "/v1/sessions", map[string]string{"login": c.login, "password": c.password}, &out); err != nil {
		return err
	}
	c.bearer, c.org = out.Token, out.Session.OrgID
	return nil
}

// each reads all pages of a list.
func each[T any](ctx context.Context, c *client, path string, fn func(T) error) error {
	sep := "?"
	if bytes.ContainsRune([]byte(path), '?') {
		sep = "&"
	}
	for cursor := ""; ; {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next"`
		}
		if err := c.get(ctx, path+sep+"limit=200&cursor="+cursor, &page); err != nil {
			return err
		}
		for _, x := range page.Items {
			if err := fn(x); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		cursor = page.Next
	}
}

// idOf is the answer of everything that makes something.
type idOf struct {
	ID string `json:"id"`
}
