package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// client is one signed-in person with keep-alive connections.
type client struct {
	org    string
	http   *fasthttp.HostClient
	base   string
	bearer string
}

func newClient(url string, connections int) *client {
	return &client{base: url, http: &fasthttp.HostClient{
		Addr: strings.TrimPrefix(url, "http://"), MaxConns: connections, ReadTimeout: patience, WriteTimeout: patience,
		MaxIdleConnDuration: patience, NoDefaultUserAgentHeader: true, DisablePathNormalizing: true,
	}}
}

// as is another person over the same connections.
func (c *client) as(org, bearer string) *client {
	out := *c
	out.org, out.bearer = org, bearer
	return &out
}

func (c *client) get(path string, out any) error { return c.do(fasthttp.MethodGet, path, "", nil, out) }

func (c *client) post(path string, in, out any) error {
	return c.do(fasthttp.MethodPost, path, "", in, out)
}

// pay posts with an idempotency key.
func (c *client) pay(path, key string, in, out any) error {
	return c.do(fasthttp.MethodPost, path, key, in, out)
}

func (c *client) do(method, path, key string, in, out any) error {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	if err := c.prepare(req, method, path, in); err != nil {
		return err
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	if err := c.http.Do(req, resp); err != nil {
		return err
	}
	if err := refused(req, resp); err != nil || out == nil {
		return err
	}
	return json.Unmarshal(resp.Body(), out)
}

func (c *client) prepare(req *fasthttp.Request, method, path string, in any) error {
	req.SetRequestURI(c.base + path)
	req.Header.SetMethod(method)
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	if in == nil {
		return nil
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req.Header.SetContentType("application/json")
	req.SetBodyRaw(body)
	return nil
}

func refused(req *fasthttp.Request, resp *fasthttp.Response) error {
	if resp.StatusCode() < 300 {
		return nil
	}
	return fmt.Errorf("%s %s: %d %.500s", req.Header.Method(), req.URI().Path(), resp.StatusCode(), resp.Body())
}

// shot is one prepared request that is sent again and again by one client.
type shot struct {
	http *fasthttp.HostClient
	req  fasthttp.Request
	resp fasthttp.Response
}

func (c *client) shot(path string, in any) (*shot, error) {
	s := &shot{http: c.http}
	return s, c.prepare(&s.req, fasthttp.MethodPost, path, in)
}

// fire sends the request, with a key when it is not empty.
func (s *shot) fire(key string) error {
	if key != "" {
		s.req.Header.Set("Idempotency-Key", key)
	}
	if err := s.http.Do(&s.req, &s.resp); err != nil {
		return err
	}
	return refused(&s.req, &s.resp)
}

// poll asks until done says yes.
func poll(what string, done func() (bool, error)) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok, err := done(); err != nil || ok {
			return err
		}
	}
	return fmt.Errorf("waited %s for %s", patience, what)
}
