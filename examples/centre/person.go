package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// person is somebody who is signed in. It is used by one goroutine.
type person struct {
	broker, login, password string
	bearer, org             string
	http                    *http.Client
	run                     string // part of every key: another walk makes other things
	keys                    int
}

// answerTime bounds one request.
const answerTime = 40 * time.Second

func newPerson(broker, login, password string) *person {
	return &person{broker: broker, login: login, password: password, http: &http.Client{Timeout: answerTime}, run: rand.Text()}
}

func (p *person) signIn(ctx context.Context) error {
	var out struct {
		Token   string
		Session struct {
			OrgID string `json:"org_id"`
		}
	}
	err := p.send(ctx, http.MethodPost, "/v1/sessions", map[string]string{"login": p.login, "password": p.password}, &out)
	p.bearer, p.org = out.Token, out.Session.OrgID
	return err
}

func (p *person) get(ctx context.Context, path string, out any) error {
	return p.send(ctx, http.MethodGet, path, nil, out)
}

func (p *person) post(ctx context.Context, path string, in, out any) error {
	return p.send(ctx, http.MethodPost, path, in, out)
}

// send makes one request, with a key of its own; an answer that is no success is
// an error with what the broker says.
func (p *person) send(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encoding a request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.broker+path, body)
	if err != nil {
		return err
	}
	p.keys++
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", fmt.Sprintf("%s-%d", p.run, p.keys))
	if p.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+p.bearer)
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		var problem struct {
			Detail string
			Errors []struct{ Path, Message string }
		}
		_ = json.Unmarshal(raw, &problem) // the status says enough without it
		return fmt.Errorf("%s %s: %d %s %v", method, path, resp.StatusCode, problem.Detail, problem.Errors)
	}
	if out == nil || len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// until asks for something twice a second until it is so.
func until(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
