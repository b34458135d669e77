package resource_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/id"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

var (
	start   = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	errBoom = errors.New("boom")
)

const operator, customer, stranger = "org-operator", "org-customer", "org-stranger"

type world struct {
	t      testing.TB
	ctx    context.Context
	store  store.Store
	clock  *clock.Fake
	svc    *resource.Service
	cloud  *cloud
	jobs   *jobs
	sealer *sealer
	user   access.Caller
	staff  access.Caller
	gone   bool // the provider was revoked
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), store: storetest.Open(t), clock: clock.NewFake(start), cloud: &cloud{}, sealer: &sealer{}}
	storetest.Check(t, w.store, audit.Verify)
	w.jobs = &jobs{w: w}
	w.limits(resource.Limits{})
	w.user, w.staff = caller(customer, access.RoleCustomerAdmin), caller(operator, access.RoleSuperadmin)
	return w
}

// limits gives the world a service with limits.
func (w *world) limits(l resource.Limits) {
	w.svc = must(resource.New(resource.Config{
		Store: w.store, Clock: w.clock, Logger: slog.New(slog.DiscardHandler),
		Authority: must(access.New(access.Config{Directory: orgs{}})), Accounts: w,
		Keys: must(idempotency.New(idempotency.Config{Clock: w.clock})), Sealer: w.sealer, Jobs: w.jobs, Plugins: plugins{w.cloud}, Limits: l,
	}))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func caller(org string, roles ...access.Role) access.Caller {
	path, _ := orgs{}.PathTx(nil, org)
	return access.Caller{UserID: "user", OrgID: org, RootID: operator, Path: path, Roles: roles}
}

// add stores a resource and its twin at the cloud.
func (w *world) add(vendorID string) resource.Resource {
	w.t.Helper()
	r := resource.Resource{
		ID: id.New(), RootID: operator, OrgID: customer, Path: []string{operator, customer}, ProviderID: "provider",
		EnablementID: "shared", AccountID: "enablement", Plugin: "fake", Kind: "instance", VendorID: vendorID, Region: "north",
		Status: contract.StatusRunning, Billing: contract.BillingPrepaid, Start: start, End: start.AddDate(0, 1, 0),
		Cost: resource.CostBasis{Currency: "CNY", Amount: "600.00"}, Created: start,
	}
	if err := w.store.Update(w.ctx, func(tx store.Tx) error { return w.svc.InsertTx(tx, r, nil) }); err != nil {
		w.t.Fatal(err)
	}
	w.cloud.things = append(w.cloud.things, contract.Resource{
		ID: vendorID, Kind: "instance", Region: "north", Status: contract.StatusRunning, Expires: r.End,
		Billing: contract.BillingPrepaid,
	})
	return r
}

func (w *world) CallVia(_ context.Context, _ store.Reader, org, enablementID string, p provider.Purpose) (provider.Access, error) {
	if w.gone && p != provider.PurposeWindDown {
		return provider.Access{}, fault.Precondition("the provider was revoked")
	}
	return provider.Access{Call: contract.Call{Org: org}, Plugin: "fake", EnablementID: enablementID}, nil
}

type orgs struct{}

func (orgs) PathTx(_ store.Reader, org string) ([]string, error) {
	switch org {
	case operator:
		return []string{operator}, nil
	case customer, stranger:
		return []string{operator, org}, nil
	}
	return nil, fault.NotFound("org", org)
}

func (orgs) AssignedTx(store.Reader, string) ([]string, error) { return nil, nil }

// sealer marks texts with the key of the moment, which rotate changes; forget
// leaves only that one.
type sealer struct{ key, oldest atomic.Int64 }

func (s *sealer) rotate() { s.key.Add(1) }
func (s *sealer) forget() { s.oldest.Store(s.key.Load()) }

func sealMark(key int64, ad []byte) string {
	return fmt.Sprintf("%d|%s|", key, strings.ToUpper(string(ad)))
}

func (s *sealer) Seal(p, ad []byte) ([]byte, error) {
	return append([]byte(sealMark(s.key.Load(), ad)), mixed(p)...), nil
}

func (s *sealer) Open(sealed, ad []byte) ([]byte, error) {
	for key := s.oldest.Load(); key <= s.key.Load(); key++ {
		if rest, ok := strings.CutPrefix(string(sealed), sealMark(key, ad)); ok {
			return mixed([]byte(rest)), nil
		}
	}
	return nil, errBoom
}

func (s *sealer) Reseal(sealed, ad []byte) ([]byte, bool, error) {
	if strings.HasPrefix(string(sealed), sealMark(s.key.Load(), ad)) {
		return sealed, false, nil
	}
	p, err := s.Open(sealed, ad)
	if err != nil {
		return nil, false, err
	}
	fresh, err := s.Seal(p, ad)
	return fresh, true, err
}

// mixed is its own inverse.
func mixed(p []byte) []byte {
	out := make([]byte, len(p))
	for i := range p {
		out[i] = p[i] ^ 0x55
	}
	return out
}

// jobs keeps jobs in the store and runs them as soon as they are durable, as a
// free worker would.
type jobs struct {
	w    *world
	mu   sync.Mutex
	hold bool // keep them waiting
	wg   sync.WaitGroup
	turn sync.Mutex // of the one worker

	busy     bool     // all are at work
	hastened []string // jobs that were to be made due
	results  []error  // of the attempts
}

const jobBucket store.Bucket = "test/job"

func (q *jobs) Enqueue(tx store.Tx, j job.Job) (job.Job, error) {
	j.ID = id.New()
	raw, err := json.Marshal(j)
	if err != nil {
		return j, err
	}
	tx.OnCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if !q.hold {
			q.wg.Go(q.drain)
		}
	})
	return j, tx.Put(jobBucket, store.Key(j.ID), raw)
}

func (q *jobs) Complete(tx store.Tx, j job.Job) error { return tx.Delete(jobBucket, store.Key(j.ID)) }

// HastenTx notes who was to be made due.
func (q *jobs) HastenTx(_ store.Tx, id string) (bool, error) {
	q.hastened = append(q.hastened, id)
	return q.busy, nil
}

func (q *jobs) drain() {
	q.turn.Lock()
	defer q.turn.Unlock()
	for range 10 {
		open := q.ready()
		if len(open) == 0 {
			return
		}
		for _, j := range open {
			q.run(j)
		}
	}
}

// run is one attempt; a panic is the death of the process.
func (q *jobs) run(j job.Job) {
	defer func() {
		if v := recover(); v != nil && v != any(errBoom) {
			panic(v)
		}
	}()
	q.results = append(q.results, q.w.svc.Work(q.w.ctx, j))
}

func (q *jobs) ready() []job.Job {
	var out []job.Job
	_ = q.w.store.View(q.w.ctx, func(r store.Reader) error {
		return r.Scan(jobBucket, store.Prefix().All(), func(_, raw []byte) error {
			var j job.Job
			err := json.Unmarshal(raw, &j)
			out = append(out, j)
			return err
		})
	})
	return out
}

type plugins struct{ cloud *cloud }

func (p plugins) Plugin(string) (resource.Cloud, error) { return p.cloud, nil }

func (p plugins) Describe(context.Context, string) (contract.Description, error) {
	d := contract.Description{
		Name: "fake", Capabilities: []contract.Capability{contract.CapImport},
		Kinds: []contract.KindDescription{{
			Name: "instance", Verbs: []contract.Verb{contract.VerbList, contract.VerbGet, contract.VerbLogs, contract.VerbConsole},
			Actions: []contract.ActionDescription{
				{Name: "stop", Changes: true}, {Name: "reboot", Changes: true}, {Name: "console"},
				{Name: "reset_password", Changes: true, Input: json.RawMessage(`{
					"type":"object","required":["password"],"additionalProperties":false,
					"properties":{"password":{"type":"string","minLength":8}}}`)},
			},
		}, {
			Name: "app", Verbs: []contract.Verb{contract.VerbList, contract.VerbGet}, PartKinds: []string{"component"},
		}, {
			Name: "component", Managed: true, Actions: []contract.ActionDescription{{Name: "stop", Changes: true}},
		}},
	}
	if p.cloud.noImport {
		d.Capabilities = []contract.Capability{contract.CapRegions}
		d.Regions.HasRegions = true
	}
	return d, nil
}

type cloud struct {
	mu       sync.Mutex
	things   []contract.Resource
	script   []error
	hook     func()
	acts     []contract.ActionRequest
	started  bool
	polls    int
	noImport bool
	listed   []string

	answering func(context.Context) // between what a read finds and its answer
	imported  func()                // at the end of an import
}

func (c *cloud) Get(ctx context.Context, req contract.GetRequest) (contract.Resource, error) {
	c.mu.Lock()
	things, answering := c.things, c.answering
	c.mu.Unlock()
	for _, t := range things {
		if t.ID != req.ID {
			continue
		}
		if answering != nil {
			answering(ctx)
		}
		return t, nil
	}
	return contract.Resource{}, fault.NotFound("instance", req.ID)
}

func (c *cloud) Act(_ context.Context, req contract.ActionRequest) (contract.Change, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acts = append(c.acts, req)
	if c.hook != nil {
		c.hook()
	}
	if len(c.script) > 0 {
		err := c.script[0]
		c.script = c.script[1:]
		if err != nil {
			return contract.Change{}, err
		}
	}
	if c.started {
		return contract.Change{Operation: "op"}, nil
	}
	return contract.Change{Output: json.RawMessage(`{"secret":"hunter22"}`)}, nil
}

func (c *cloud) Operation(context.Context, contract.OperationRequest) (contract.Operation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.polls++; c.polls < 2 {
		return contract.Operation{State: contract.OperationRunning}, nil
	}
	return contract.Operation{State: contract.OperationSucceeded}, nil
}

func (c *cloud) Import(_ context.Context, _ contract.ImportRequest, yield func(contract.Resource) error) error {
	for _, t := range c.things {
		if err := yield(t); err != nil {
			return err
		}
	}
	if c.imported != nil {
		c.imported()
	}
	return nil
}

func (c *cloud) List(_ context.Context, req contract.ListRequest, yield func(contract.Resource) error) error {
	c.listed = append(c.listed, req.Call.Region+"/"+req.Kind)
	for _, t := range c.things {
		if t.Region != req.Call.Region {
			continue
		}
		if err := yield(t); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) Regions(context.Context, contract.RegionsRequest) ([]contract.Region, error) {
	return []contract.Region{{ID: "north"}, {ID: "south"}}, nil
}
