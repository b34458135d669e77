package tenant_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/core/tenant"
	"tradewind.example/core/tenant/password"
	"tradewind.example/core/tenant/throttle"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

const goodPassword = "correct horse battery"

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// cheap hashes at no cost worth waiting for.
func cheap() password.Params {
	return password.Params{MemoryKiB: 8, Passes: 1, Lanes: 1, Concurrency: 4}
}

// world is an operator with a reseller, a sub-reseller, customers and a
// provider, and a second root beside it.
type world struct {
	t     testing.TB
	ctx   context.Context
	store store.Store
	clock *clock.Fake
	svc   *tenant.Service
	root  tenant.Root
	other tenant.Root
	org   map[string]tenant.Org
	super access.Caller
}

func newWorld(t testing.TB, change ...func(*tenant.Config)) *world {
	t.Helper()
	w := newWorldBare(t, change...)
	other, err := w.svc.CreateRoot(w.ctx, tenant.RootInput{OperatorName: "Other operator", Login: "other"})
	w.other = must(t, other, err)
	w.super = w.signIn("admin", w.root.Password)
	w.org["operator"] = w.root.Org
	w.org["other"] = w.other.Org
	w.add("operator", "reseller", tenant.KindReseller)
	w.add("reseller", "sub", tenant.KindReseller)
	w.add("operator", "direct", tenant.KindCustomer)
	w.add("reseller", "shop", tenant.KindCustomer)
	w.add("reseller", "mill", tenant.KindCustomer)
	w.add("sub", "farm", tenant.KindCustomer)
	w.add("operator", "cloud", tenant.KindProvider)
	w.add("operator", "rival", tenant.KindReseller)
	w.add("rival", "stranger", tenant.KindCustomer)
	return w
}

// newWorldBare is a world of one root only.
func newWorldBare(t testing.TB, change ...func(*tenant.Config)) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), store: storetest.Open(t), clock: clock.NewFake(start), org: map[string]tenant.Org{}}
	storetest.Check(t, w.store, audit.Verify)
	cfg := tenant.Config{Store: w.store, Clock: w.clock, Logger: slog.New(slog.DiscardHandler), Passwords: cheap(),
		SignIn: throttle.Config{IPBurst: 10000, LoginBurst: 10000}}
	for _, f := range change {
		f(&cfg)
	}
	svc, err := tenant.New(cfg)
	w.svc = must(t, svc, err)
	root, err := w.svc.Bootstrap(w.ctx, tenant.RootInput{OperatorName: "Operator"})
	w.root = must(t, root, err)
	return w
}

// must returns v, or ends the test when there is an error.
func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (w *world) signIn(login string, p secret.Value) access.Caller {
	w.t.Helper()
	return w.caller(w.bearer(login, p))
}

func (w *world) bearer(login string, p secret.Value) string {
	w.t.Helper()
	in, err := w.svc.SignIn(w.ctx, tenant.SignInInput{Login: login, Password: p, IP: "127.0.0.1"})
	return must(w.t, in, err).Bearer.Reveal()
}

func (w *world) caller(bearer string) access.Caller {
	w.t.Helper()
	c, err := w.svc.Authenticate(w.ctx, bearer)
	c = must(w.t, c, err)
	c.RequestID = "req-1"
	return c
}

func (w *world) add(parent, name string, k tenant.Kind) {
	w.t.Helper()
	doc, err := w.svc.CreateOrg(w.ctx, w.super, tenant.CreateOrgInput{ParentID: w.org[parent].ID, Kind: k,
		Profile: tenant.Profile{Name: name}})
	w.org[name] = must(w.t, doc, err).Value
}

// newUser makes a user of the org and returns it.
func (w *world) newUser(org, login string, roles ...access.Role) store.Doc[tenant.User] {
	w.t.Helper()
	doc, err := w.svc.CreateUser(w.ctx, w.super, tenant.CreateUserInput{OrgID: w.org[org].ID, Login: login, Name: login,
		Roles: roles, Password: secret.New(goodPassword)})
	return must(w.t, doc, err)
}

// as makes a user with the roles and signs it in.
func (w *world) as(org, login string, roles ...access.Role) access.Caller {
	w.t.Helper()
	w.newUser(org, login, roles...)
	return w.signIn(login, secret.New(goodPassword))
}

// wantClass fails the test unless err is a fault of the class; 0 wants none.
func wantClass(t testing.TB, reason string, err error, want fault.Class) {
	t.Helper()
	if got := fault.ClassOf(err); got != want {
		t.Errorf("%s: got %v (%v), want %v", reason, got, err, want)
	}
}

func goodSecret() secret.Value { return secret.New(goodPassword) }

// bearerOf makes a user with the roles and returns the bearer of its session.
func (w *world) bearerOf(org, login string, roles ...access.Role) string {
	w.t.Helper()
	w.newUser(org, login, roles...)
	return w.bearer(login, goodSecret())
}

func (w *world) view(fn func(store.Reader)) {
	w.t.Helper()
	err := w.store.View(w.ctx, func(r store.Reader) error {
		fn(r)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// newEmpty returns a service over another, empty store.
func newEmpty(t testing.TB, w *world) *tenant.Service {
	t.Helper()
	svc, err := tenant.New(tenant.Config{Store: storetest.Open(t), Clock: w.clock, Logger: slog.New(slog.DiscardHandler), Passwords: cheap()})
	return must(t, svc, err)
}
