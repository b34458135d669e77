package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tradewind.example/core/id"
	"tradewind.example/sdk/secret"
)

const (
	remoteTimeout = 90 * time.Second // longer than the broker takes for one request
	maxAnswer     = 16 << 20
	maxToken      = 4 << 10
)

// remote are the flags that name a running broker.
type remote struct {
	url, tokenFile string
}

func (r *remote) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.url, "url", "", "`URL` of the running broker")
	cmd.Flags().StringVar(&r.tokenFile, "token-file", "", "`file` with an API token, readable for you alone")
}

// broker is a running broker and who asks it.
type broker struct {
	url   string
	token secret.Value
	http  *http.Client
}

func (r *remote) open() (*broker, error) {
	u, err := url.Parse(r.url)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("--url: give the broker's URL, http:// or https://, without a password in it")
	}
	token, err := readToken(r.tokenFile)
	if err != nil {
		return nil, err
	}
	return &broker{url: strings.TrimSuffix(r.url, "/"), token: token, http: &http.Client{Timeout: remoteTimeout}}, nil
}

func readToken(path string) (secret.Value, error) {
	if path == "" {
		return secret.Value{}, errors.New("--token-file: name a file with an API token that has the rights plugin.read and plugin.write")
	}
	f, err := os.Open(path)
	if err != nil {
		return secret.Value{}, fmt.Errorf("reading the token: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return secret.Value{}, fmt.Errorf("reading the token: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return secret.Value{}, fmt.Errorf("the token file %q is open to others: chmod 600 it", path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxToken))
	if err != nil {
		return secret.Value{}, fmt.Errorf("reading the token: %w", err)
	}
	return secret.New(strings.TrimSpace(string(raw))), nil
}

// call is one request to a broker.
type call struct {
	method, path string
	etag         string // of what is changed
	in           any    // nil: no body
}

// do sends a request and returns the answer's body and entity tag. A refusal is
// an error in the broker's own words.
func (b *broker) do(ctx context.Context, c call) (body []byte, etag string, err error) {
	var content io.Reader
	if c.in != nil {
		raw, err := json.Marshal(c.in)
		if err != nil {
			return nil, "", err
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, b.url+c.path, content)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Authorization", "Bearer "+b.token.Reveal())
	if c.in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.method != http.MethodGet {
		req.Header.Set("Idempotency-Key", id.New())
	}
	if c.etag != "" {
		req.Header.Set("If-Match", c.etag)
	}
	resp, err := b.http.Do(req)
	if err != nil {
		return nil, "", fmt.Errorf("asking the broker: %w", err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, "", fmt.Errorf("reading the broker's answer: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, "", refusal(resp.StatusCode, body)
	}
	return body, resp.Header.Get("ETag"), nil
}

// refusal makes an error of a problem document.
func refusal(status int, body []byte) error {
	var p struct {
		Title, Detail string
		RequestID     string `json:"request_id"`
		RetryAfter    int    `json:"retry_after_seconds"`
		Errors        []struct{ Path, Message string }
	}
	if err := json.Unmarshal(body, &p); err != nil || p.Title == "" {
		return fmt.Errorf("the broker answered %d and no problem document: is it the right URL?", status)
	}
	text := strings.ToLower(p.Title[:1]) + p.Title[1:]
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	for _, e := range p.Errors {
		text += fmt.Sprintf("; %s: %s", e.Path, e.Message)
	}
	if p.RetryAfter > 0 {
		text += fmt.Sprintf("; try again in %d s", p.RetryAfter)
	}
	return fmt.Errorf("%s (request %s)", text, p.RequestID)
}

// get reads a thing.
func (b *broker) get(ctx context.Context, path string, out any) (etag string, err error) {
	body, etag, err := b.do(ctx, call{method: http.MethodGet, path: path})
	if err != nil {
		return "", err
	}
	return etag, json.Unmarshal(body, out)
}

// rows reads every page of a list.
func rows[T any](ctx context.Context, b *broker, path string) ([]T, error) {
	var all []T
	for cursor := ""; ; {
		var page struct {
			Items []T
			Next  string
		}
		if _, err := b.get(ctx, path+"?limit=200&cursor="+url.QueryEscape(cursor), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" || page.Next == cursor {
			return all, nil
		}
		cursor = page.Next
	}
}

// showJSON prints an answer for people who read JSON.
func showJSON(w io.Writer, body []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}
