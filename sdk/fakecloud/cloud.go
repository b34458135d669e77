// Package fakecloud is a cloud in memory, for the tests of plugins: a REST API
// with resources of any kind, signed requests, slow life cycles, pages, and
// switches for everything that real clouds do on a bad day. It knows nothing of
// any plugin and is no model of a particular cloud. [Faults] hands its switches
// to the conformance suite.
//
// # The API
//
//	GET    /v1/account                    who the key belongs to
//	GET    /v1/regions                    {"regions": [...]}
//	POST   /v1/{kind}                     {"name", "region", "client_token", "spec"}
//	GET    /v1/{kind}                     ?region= &client_token= &limit= &page=
//	GET    /v1/{kind}/{id}
//	PATCH  /v1/{kind}/{id}                {"name", "spec"}
//	DELETE /v1/{kind}/{id}
//	POST   /v1/{kind}/{id}/{action}
//
// An answer is 200 when the change is done, 202 while it is under way, 204 for a
// finished delete. A list is {"items": [...], "next": "..."}; it ends when next
// is empty, not when a page is short. An error is {"code", "message",
// "request_id"} with the matching status. Requests are signed, see [Sign]. Each
// key sees its own resources only.
//
// # Time
//
// Without a clock in [Config] the cloud has its own, which stands still but for
// [Cloud.Advance] and [Config.Step]: a test decides when a create is done.
//
// A [Cloud] is an http.Handler, for httptest.NewServer or any other server. It
// is safe for concurrent use and has no goroutine of its own.
package fakecloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/secret"
)

// Limits and defaults of a cloud.
const (
	DefaultPageSize = 100
	MaxBodyBytes    = 1 << 20
	// LogSize is how many requests [Cloud.Requests] remembers.
	LogSize = 10_000
)

// Epoch is where the cloud's own clock stands at first.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Config describes a cloud. Keys and Kinds are needed.
type Config struct {
	// Keys are the API keys: the public part and the secret that signs.
	Keys map[string]secret.Value
	// Kinds are the resource kinds by the word in the path.
	Kinds map[string]Kind
	// Regions is where resources can be; default: east and west.
	Regions []string
	// PageSize is the most rows of a page, and what a list without a limit
	// gets; default [DefaultPageSize].
	PageSize int
	// Clock is the cloud's time; nil: a clock of its own, see [Cloud.Advance].
	Clock clock.Clock
	// Step is how far each request moves the cloud's own clock before it is
	// answered, so that polling alone brings a create to its end.
	Step time.Duration
	// Logger gets a line for each request, without its body; nil: none.
	Logger *slog.Logger
}

// Kind is how resources of a kind live. The zero Kind is made and deleted at
// once and has the status "ready".
type Kind struct {
	Ready      string        // status once made; default "ready"
	CreateTime time.Duration // "creating" for so long
	UpdateTime time.Duration // "updating" for so long
	DeleteTime time.Duration // "deleting" for so long, then gone
	Actions    map[string]Action
	Quota      int // most resources of one key; 0: no limit
}

// Action moves a resource from one status to another.
type Action struct {
	From  []string // statuses in which it is allowed; empty: any that stands still
	While string   // status for Takes
	To    string   // status afterwards; "": as before
	Takes time.Duration
}

// Cloud is one cloud.
type Cloud struct {
	cfg   Config
	clock clock.Clock
	own   *clock.Fake // nil when Config gave a clock
	log   *slog.Logger
	mux   *http.ServeMux

	mu       sync.Mutex
	last     int // number of the latest resource
	requests int // number of the latest request
	accounts map[string]*account
	switches Switches
	faults   []*Fault
	journal  []Request
}

// account is what one key owns.
type account struct {
	key     string
	byID    map[string]*resource
	byToken map[string]*resource   // kind and client token
	inOrder map[string][]*resource // by kind, oldest first
	bucket  bucket
}

// New makes a cloud.
func New(cfg Config) (*Cloud, error) {
	c := &Cloud{cfg: cfg, clock: cfg.Clock, log: cfg.Logger, accounts: map[string]*account{}}
	if len(cfg.Keys) == 0 || len(cfg.Kinds) == 0 {
		return nil, errors.New("a cloud needs a key and a kind")
	}
	if c.clock == nil {
		c.own = clock.NewFake(Epoch)
		c.clock = c.own
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if len(cfg.Regions) == 0 {
		c.cfg.Regions = []string{"east", "west"}
	}
	if cfg.PageSize <= 0 {
		c.cfg.PageSize = DefaultPageSize
	}
	c.cfg.Kinds = maps.Clone(cfg.Kinds)
	for name, k := range c.cfg.Kinds {
		if slices.Contains([]string{"", "account", "regions"}, name) {
			return nil, fmt.Errorf("a kind cannot be called %q", name)
		}
		if k.Ready == "" {
			k.Ready = "ready"
		}
		c.cfg.Kinds[name] = k
	}
	for key := range cfg.Keys {
		c.accounts[key] = &account{key: key, byID: map[string]*resource{}, byToken: map[string]*resource{}, inOrder: map[string][]*resource{}}
	}
	c.routes()
	return c, nil
}

// Now is the cloud's time.
func (c *Cloud) Now() time.Time { return c.clock.Now() }

// Advance moves the cloud's own clock. With a clock from [Config] it does nothing.
func (c *Cloud) Advance(d time.Duration) {
	if c.own != nil {
		c.own.Advance(d)
	}
}

// Owned returns what a key has of a kind now, oldest first, as it truly is:
// no switch applies.
func (c *Cloud) Owned(key, kind string) []Resource {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.accounts[key]
	if a == nil {
		return nil
	}
	var out []Resource
	for _, r := range a.inOrder[kind] {
		if v := r.now(c.clock.Now()); v != nil {
			out = append(out, *v)
		}
	}
	return out
}

// Seed gives a key n finished resources of a kind, all in the first region and
// with the same spec, for tests with long lists.
func (c *Cloud) Seed(key, kind string, n int, spec json.RawMessage) error {
	k, ok := c.cfg.Kinds[kind]
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.accounts[key]
	if a == nil || !ok {
		return fmt.Errorf("there is no key %q or no kind %q", key, kind)
	}
	for range n {
		r := c.newResource(kind, createBody{Name: "seeded", Region: c.cfg.Regions[0], Spec: spec})
		r.state.Status = k.Ready
		a.add(r, r.state)
	}
	return nil
}

func (c *Cloud) newResource(kind string, b createBody) *resource {
	c.last++
	now := c.clock.Now()
	return &resource{seq: c.last, state: &Resource{
		ID: kind + "-" + strconv.Itoa(c.last), Kind: kind, Name: b.Name, Region: b.Region, ClientToken: b.ClientToken,
		Status: "creating", Spec: b.Spec, Created: now,
	}}
}

// add files r under what v, its first state, says.
func (a *account) add(r *resource, v *Resource) {
	a.byID[v.ID] = r
	a.inOrder[v.Kind] = append(a.inOrder[v.Kind], r)
	if v.ClientToken != "" {
		a.byToken[v.Kind+" "+v.ClientToken] = r
	}
}

// readBody reads a request's body, at most MaxBodyBytes.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBodyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading a request: %w", err)
	}
	if len(body) > MaxBodyBytes {
		return nil, fmt.Errorf("reading a request: it is longer than %d bytes", MaxBodyBytes)
	}
	return body, nil
}
