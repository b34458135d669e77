// Package providertest builds a small broker for tests: a store, two roots with
// resellers and customers, and a cloud that answers as told. It is for the
// tests of the packages around providers only.
//
// A [World] belongs to one test. Its cloud is safe for concurrent use.
package providertest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/core/tenant"
	"tradewind.example/core/tenant/password"
)

// Marker is inside every secret of the world; finding it in an answer, an error
// or an audit row is a leak.
const Marker = "MARKER-7f3a"

// ConfigSchema is the config schema of the world's plugin.
const ConfigSchema = `{
  "type": "object",
  "properties": {
    "public_key": {"type": "string"},
    "private_key": {"type": "string", "minLength": 8, "x-secret": true},
    "project": {"type": "string", "enum": ["org-a", "org-b"]},
    "retries": {"type": "integer", "minimum": 0}
  },
  "required": ["private_key"],
  "additionalProperties": false
}`

// World is a broker without a host.
type World struct {
	T         testing.TB
	Store     store.Store
	Clock     *clock.Fake
	Log       *slog.Logger
	Tenants   *tenant.Service
	Jobs      *Jobs
	Cloud     *Cloud
	Sealer    *Sealer
	Providers *provider.Service

	Root, Reseller, Sub        tenant.Org // operator → reseller → sub-reseller
	Customer, SubCustomer      tenant.Org // of Reseller, of Sub
	Second                     tenant.Org // another customer of Reseller
	Commercial                 tenant.Org // the provider's org
	Foreign, ForeignCommercial tenant.Org // another root, and a provider org of it
}

// start is where the world's clock stands at first.
func start() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) }

// New builds a world.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{
		T: t, Store: storetest.Open(t), Clock: clock.NewFake(start()), Log: slog.New(slog.DiscardHandler),
		Cloud: NewCloud(), Sealer: NewSealer(t),
	}
	storetest.Check(t, w.Store, audit.Verify)
	w.Jobs = &Jobs{handlers: map[string]job.Handler{}}
	var err error
	w.Tenants, err = tenant.New(tenant.Config{
		Store: w.Store, Clock: w.Clock, Logger: w.Log,
		Passwords: password.Params{MemoryKiB: 64, Passes: 1, Lanes: 1, Concurrency: 1},
	})
	w.must(err)
	w.Providers, err = provider.New(provider.Config{
		Store: w.Store, Clock: w.Clock, Logger: w.Log, Authority: w.Tenants.Authority(), Orgs: w.Tenants,
		Plugins: Plugins[provider.Cloud]{w.Cloud}, Sealer: w.Sealer, Jobs: w.Jobs,
	})
	w.must(err)
	w.orgs()
	return w
}

func (w *World) orgs() {
	w.Root = w.root("operator")
	w.Foreign = w.root("foreign")
	w.Commercial = w.Org(w.Root, tenant.KindProvider, "cloud")
	w.ForeignCommercial = w.Org(w.Foreign, tenant.KindProvider, "foreign cloud")
	w.Reseller = w.Org(w.Root, tenant.KindReseller, "reseller")
	w.Sub = w.Org(w.Reseller, tenant.KindReseller, "sub")
	w.Customer = w.Org(w.Reseller, tenant.KindCustomer, "customer")
	w.Second = w.Org(w.Reseller, tenant.KindCustomer, "second")
	w.SubCustomer = w.Org(w.Sub, tenant.KindCustomer, "sub customer")
}

func (w *World) root(name string) tenant.Org {
	w.T.Helper()
	r, err := w.Tenants.CreateRoot(w.T.Context(), tenant.RootInput{OperatorName: name, Login: name})
	w.must(err)
	return r.Org
}

// Org makes an org below parent.
func (w *World) Org(parent tenant.Org, kind tenant.Kind, name string) tenant.Org {
	w.T.Helper()
	d, err := w.Tenants.CreateOrg(w.T.Context(), access.System(parent.RootID), tenant.CreateOrgInput{
		ParentID: parent.ID, Kind: kind, Profile: tenant.Profile{Name: name},
	})
	w.must(err)
	return d.Value
}

// As is a caller of the org with the roles; none: the org's administrator.
func (w *World) As(org tenant.Org, roles ...access.Role) access.Caller {
	if len(roles) == 0 {
		roles = []access.Role{map[tenant.Kind]access.Role{
			tenant.KindOperator: access.RoleSuperadmin, tenant.KindReseller: access.RoleResellerAdmin,
			tenant.KindCustomer: access.RoleCustomerAdmin, tenant.KindProvider: access.RoleProviderViewer,
		}[org.Kind]}
	}
	return access.Caller{UserID: "u-" + org.ID, OrgID: org.ID, RootID: org.RootID, Path: org.Path, Roles: roles, RequestID: "req-1"}
}

// Register puts the world's cloud on sale.
func (w *World) Register() provider.Provider {
	w.T.Helper()
	p, err := w.Providers.Register(w.T.Context(), w.As(w.Root), provider.RegisterInput{
		PluginName: "cloud", OrgID: w.Commercial.ID, Endpoint: "http://127.0.0.1:1/api",
	})
	w.must(err)
	return p
}

// Grant grants the provider.
func (w *World) Grant(p provider.Provider, from, to tenant.Org, shared bool) provider.Grant {
	w.T.Helper()
	g, err := w.Providers.Grant(w.T.Context(), w.As(from), provider.GrantInput{
		ProviderID: p.ID, To: to.ID, SharedCredentials: shared,
	})
	w.must(err)
	return g
}

// Key is a set of credentials with the marker in it.
func Key(name string) map[string]secret.Value {
	return map[string]secret.Value{"private_key": secret.New(Marker + "-" + name)}
}

// Enable enables the provider for the org and runs its check. A nil key asks
// for the granter's account.
func (w *World) Enable(p provider.Provider, org tenant.Org, key map[string]secret.Value, all bool, customers ...string) provider.Enablement {
	w.T.Helper()
	e, err := w.Providers.Enable(w.T.Context(), w.As(org), provider.EnableInput{
		ProviderID: p.ID, Credentials: key, CoversAll: all, CoversCustomers: customers,
	})
	w.must(err)
	w.Jobs.Run(w.T)
	e, err = w.Providers.Enablement(w.T.Context(), w.As(org), e.ID)
	w.must(err)
	return e
}

// Serve registers the provider and enables it for the operator with everybody
// below covered.
func (w *World) Serve() provider.Provider {
	w.T.Helper()
	p := w.Register()
	w.Enable(p, w.Root, Key("master"), true)
	return p
}

// View runs fn on one state of the store.
func (w *World) View(fn func(r store.Reader)) {
	w.T.Helper()
	w.must(w.Store.View(w.T.Context(), func(r store.Reader) error {
		fn(r)
		return nil
	}))
}

func (w *World) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// Jobs is a queue that runs when told.
type Jobs struct {
	mu       sync.Mutex
	handlers map[string]job.Handler
	ready    []job.Job
}

// Register keeps the handler.
func (q *Jobs) Register(kind string, h job.Handler, _ job.Policy) error {
	q.handlers[kind] = h
	return nil
}

// Enqueue keeps the job once the transaction is durable.
func (q *Jobs) Enqueue(tx store.Tx, j job.Job) (job.Job, error) {
	j.State = job.StateReady
	tx.OnCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.ready = append(q.ready, j)
	})
	return j, nil
}

// Take removes and returns the jobs that are ready.
func (q *Jobs) Take() []job.Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := q.ready
	q.ready = nil
	return out
}

// Run runs every ready job; a failure ends the test.
func (q *Jobs) Run(t testing.TB) {
	t.Helper()
	for _, j := range q.Take() {
		if err := q.Do(t.Context(), j); err != nil {
			t.Fatalf("job %s of %s: %v", j.Kind, j.Ref, err)
		}
	}
}

// Do runs one job once more.
func (q *Jobs) Do(ctx context.Context, j job.Job) error {
	j.Attempt++
	return q.handlers[j.Kind](ctx, j)
}

// Cloud is a plugin that answers as told. The zero functions answer well.
type Cloud struct {
	mu        sync.Mutex
	Desc      contract.Description
	OnCheck   func(contract.CheckRequest) (contract.CheckResponse, error)
	Offers    []contract.Offering
	OfferErr  error // after the offers
	OnQuote   func(contract.QuoteRequest) (contract.Quote, error)
	checks    []contract.CheckRequest
	questions []contract.QuoteRequest
}

// NewCloud is a cloud that can everything.
func NewCloud() *Cloud {
	return &Cloud{Desc: contract.Description{
		Name: "cloud", Title: "Test Cloud", Currency: "CNY", Config: json.RawMessage(ConfigSchema),
		Capabilities: []contract.Capability{contract.CapOfferings, contract.CapQuote},
	}}
}

// Set changes the cloud under its lock.
func (c *Cloud) Set(edit func(*Cloud)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	edit(c)
}

// Checks returns the check requests so far.
func (c *Cloud) Checks() []contract.CheckRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]contract.CheckRequest(nil), c.checks...)
}

// Questions returns the quote requests so far.
func (c *Cloud) Questions() []contract.QuoteRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]contract.QuoteRequest(nil), c.questions...)
}

// Check is the plugin's.
func (c *Cloud) Check(_ context.Context, req contract.CheckRequest) (contract.CheckResponse, error) {
	c.mu.Lock()
	c.checks = append(c.checks, req)
	answer := c.OnCheck
	c.mu.Unlock()
	if answer != nil {
		return answer(req)
	}
	return contract.CheckResponse{OK: true, Account: "acct-1"}, nil
}

// Offerings is the plugin's.
func (c *Cloud) Offerings(_ context.Context, _ contract.OfferingsRequest, yield func(contract.Offering) error) error {
	c.mu.Lock()
	offers, end := c.Offers, c.OfferErr
	c.mu.Unlock()
	for _, o := range offers {
		if err := yield(o); err != nil {
			return err
		}
	}
	return end
}

// Quote is the plugin's. An answer that comes after the end of ctx is lost.
func (c *Cloud) Quote(ctx context.Context, req contract.QuoteRequest) (contract.Quote, error) {
	c.mu.Lock()
	c.questions = append(c.questions, req)
	answer := c.OnQuote
	c.mu.Unlock()
	if answer != nil {
		out, err := answer(req)
		if ctx.Err() != nil {
			return contract.Quote{}, fault.Unavailable("the caller went away")
		}
		return out, err
	}
	return contract.Quote{Currency: "CNY", List: "3000.00"}, nil
}

// Plugins shows the cloud to a package under the interface it declares.
type Plugins[C any] struct{ Cloud *Cloud }

// Plugin returns the cloud.
func (p Plugins[C]) Plugin(name string) (C, error) {
	var none C
	if name != p.Cloud.Desc.Name {
		return none, fault.NotFound("plugin", name)
	}
	out, ok := any(p.Cloud).(C)
	if !ok {
		return none, fault.Unsupported("the test cloud lacks a method")
	}
	return out, nil
}

// Describe returns the cloud's description.
func (p Plugins[C]) Describe(_ context.Context, name string) (contract.Description, error) {
	p.Cloud.mu.Lock()
	defer p.Cloud.mu.Unlock()
	if name != p.Cloud.Desc.Name {
		return contract.Description{}, fault.NotFound("plugin", name)
	}
	return p.Cloud.Desc, nil
}

// Sealer seals with keys in memory.
type Sealer struct {
	mu    sync.Mutex
	keys  []cipher.AEAD // the last one seals
	opens int
}

// NewSealer returns a sealer with one key.
func NewSealer(t testing.TB) *Sealer {
	s := &Sealer{}
	s.Rotate(t)
	return s
}

// Rotate adds a key that seals from now on.
func (s *Sealer) Rotate(t testing.TB) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, aead)
}

// Forget drops every key but the last.
func (s *Sealer) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = s.keys[len(s.keys)-1:]
}

// Opens is how often something was opened.
func (s *Sealer) Opens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opens
}

// Seal encrypts.
func (s *Sealer) Seal(plaintext, context []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[len(s.keys)-1]
	nonce := make([]byte, k.NonceSize())
	_, _ = rand.Read(nonce)
	return k.Seal(nonce, nonce, plaintext, context), nil
}

// Open decrypts.
func (s *Sealer) Open(sealed, context []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opens++
	for _, k := range s.keys {
		if len(sealed) < k.NonceSize() {
			continue
		}
		if out, err := k.Open(nil, sealed[:k.NonceSize()], sealed[k.NonceSize():], context); err == nil {
			return out, nil
		}
	}
	return nil, errors.New("no key opens it")
}

// Reseal seals again what another key than the last sealed.
func (s *Sealer) Reseal(sealed, context []byte) (fresh []byte, changed bool, err error) {
	s.mu.Lock()
	k := s.keys[len(s.keys)-1]
	s.mu.Unlock()
	if n := k.NonceSize(); len(sealed) >= n {
		if _, err := k.Open(nil, sealed[:n], sealed[n:], context); err == nil {
			return sealed, false, nil
		}
	}
	plain, err := s.Open(sealed, context)
	if err != nil {
		return nil, false, err
	}
	fresh, err = s.Seal(plain, context)
	return fresh, true, err
}
