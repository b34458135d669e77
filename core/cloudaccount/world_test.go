package cloudaccount_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/cloudaccount"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

var start = time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)

// boss works for the org whose account "e" is, stranger for another root.
var (
	boss     = access.Caller{UserID: "u", OrgID: "reseller", RootID: "root", Path: []string{"root", "reseller"}, Roles: []access.Role{access.RoleResellerAdmin}}
	operator = access.Caller{UserID: "o", OrgID: "root", RootID: "root", Path: []string{"root"}, Roles: []access.Role{access.RoleSuperadmin}}
	stranger = access.Caller{UserID: "x", OrgID: "far", RootID: "far", Path: []string{"far"}, Roles: []access.Role{access.RoleSuperadmin}}
)

// cloud is a plugin with one account.
type cloud struct {
	lines  []contract.BillLine
	orders []contract.VendorOrder
	subs   map[string]string // token by name
	links  int
	read   []string // windows that were asked for
	paid   []string // tokens of changes that reached it
	orgs   []string // for which sub-accounts were asked
	fail   func(call string) error
	late   func(call string) error // after the change has happened
}

func (c *cloud) err(f func(string) error, call string) error {
	if f == nil {
		return nil
	}
	return f(call)
}

func (c *cloud) Balance(context.Context, contract.BalanceRequest) (contract.Balance, error) {
	return contract.Balance{Currency: "CNY", Available: "12.50"}, c.err(c.fail, "balance")
}

func (c *cloud) BillLines(_ context.Context, req contract.PeriodRequest, yield func(contract.BillLine) error) error {
	c.read = append(c.read, req.From.Format("0102")+"-"+req.To.Format("0102"))
	for _, l := range c.lines {
		if l.ChargePeriodStart.Before(req.From) || !l.ChargePeriodStart.Before(req.To) {
			continue
		}
		if err := yield(l); err != nil {
			return err
		}
	}
	return c.err(c.fail, "bill_lines")
}

func (c *cloud) VendorOrders(_ context.Context, req contract.VendorOrdersRequest, yield func(contract.VendorOrder) error) error {
	for _, o := range c.orders {
		if o.Created.Before(req.From) || !o.Created.Before(req.To) {
			continue
		}
		if err := yield(o); err != nil {
			return err
		}
	}
	return c.err(c.fail, "vendor_orders")
}

func (c *cloud) SignInLink(context.Context, contract.SignInLinkRequest) (contract.SignInLink, error) {
	c.links++
	return contract.SignInLink{URL: secret.New("https://console.cloud.example/?ticket=marker-ticket"), Expires: start.Add(time.Minute)}, nil
}

func (c *cloud) change(req contract.VendorOrderChange, to string) (contract.VendorOrder, error) {
	if err := c.err(c.fail, to); err != nil {
		return contract.VendorOrder{}, err
	}
	c.paid = append(c.paid, req.Token)
	for i := range c.orders {
		if c.orders[i].ID == req.ID {
			c.orders[i].State = to
			return c.orders[i], c.err(c.late, to)
		}
	}
	return contract.VendorOrder{}, fault.NotFound("order", req.ID)
}

func (c *cloud) PayVendorOrder(_ context.Context, req contract.VendorOrderChange) (contract.VendorOrder, error) {
	return c.change(req, "paid")
}

func (c *cloud) CancelVendorOrder(_ context.Context, req contract.VendorOrderChange) (contract.VendorOrder, error) {
	return c.change(req, "cancelled")
}

func (c *cloud) RefundVendorOrder(_ context.Context, req contract.VendorOrderChange) (contract.VendorOrder, error) {
	return c.change(req, "refunded")
}

func (c *cloud) EnsureAccount(_ context.Context, req contract.EnsureAccountRequest) (contract.SubAccount, error) {
	c.orgs = append(c.orgs, req.Call.Org)
	if c.subs == nil {
		c.subs = map[string]string{}
	}
	made, found := c.subs[req.Name]
	if !found {
		c.subs[req.Name], made = req.Token, req.Token
	}
	out := contract.SubAccount{ID: "sub-" + req.Name, Name: req.Name, Created: !found, Settings: map[string]string{"public": "p"}}
	if made == req.Token {
		out.Credentials = map[string]secret.Value{"key": secret.New("marker-key")}
	}
	return out, c.err(c.late, "sub_account")
}

// world is the service with everything around it faked but store, rights and keys.
type world struct {
	*cloudaccount.Service
	store   store.Store
	clock   *clock.Fake
	cloud   *cloud
	jobs    map[string]job.Job
	ended   map[string]bool
	shared  bool
	without contract.Capability
	enabled []provider.EnableInput
	crash   string // the failpoint at which the process dies
}

var errCrash = errors.New("the process died")

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{store: storetest.Open(t), clock: clock.NewFake(start), cloud: &cloud{}, jobs: map[string]job.Job{}, ended: map[string]bool{}}
	authority, err := access.New(access.Config{Directory: w})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := idempotency.New(idempotency.Config{Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	w.Service, err = cloudaccount.New(cloudaccount.Config{
		Store: w.store, Clock: hasty{w.clock}, Logger: slog.New(slog.DiscardHandler), Authority: authority, Directory: w, Accounts: w, Plugins: w,
		Keys: keys, Jobs: w, Sealer: sealer{},
		Failpoint: func(name string) {
			if name == w.crash {
				panic(errCrash)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// hasty is a clock that nobody has to wait for.
type hasty struct{ *clock.Fake }

func (h hasty) After(time.Duration) <-chan time.Time {
	out := make(chan time.Time, 1)
	out <- h.Now()
	return out
}

// sealer turns a text round: it is enough to tell sealed from plain.
type sealer struct{}

func (sealer) Seal(plain, _ []byte) ([]byte, error) {
	out := make([]byte, len(plain))
	for i, b := range plain {
		out[i] = b ^ 0xFF
	}
	return out, nil
}
func (s sealer) Open(sealed, c []byte) ([]byte, error)             { return s.Seal(sealed, c) }
func (sealer) Reseal(sealed, _ []byte) ([]byte, bool, error)       { return sealed, false, nil }
func (w *world) AssignedTx(store.Reader, string) ([]string, error) { return nil, nil }

func (w *world) PathTx(_ store.Reader, org string) ([]string, error) {
	path, ok := map[string][]string{
		"root": {"root"}, "reseller": {"root", "reseller"}, "shop": {"root", "reseller", "shop"}, "rival": {"root", "rival"}, "far": {"far"},
	}[org]
	if !ok {
		return nil, fault.NotFound("org", org)
	}
	return path, nil
}

func (w *world) EnablementTx(_ store.Reader, rootID, id string) (provider.Enablement, error) {
	if rootID != "root" || id != "e" && id != "e2" {
		return provider.Enablement{}, fault.NotFound("enablement", id)
	}
	return provider.Enablement{ID: id, RootID: "root", OrgID: "reseller", ProviderID: "p", Shared: w.shared}, nil
}

func (w *world) CallVia(_ context.Context, _ store.Reader, org, id string, _ provider.Purpose) (provider.Access, error) {
	return provider.Access{Plugin: "cloud", Call: contract.Call{Org: org, RootOrg: "root", Account: contract.Account{ID: id}}}, nil
}

func (w *world) Enable(_ context.Context, _ access.Caller, in provider.EnableInput) (provider.Enablement, error) {
	w.enabled = append(w.enabled, in)
	return provider.Enablement{ID: "new", OrgID: in.OrgID}, nil
}

func (w *world) Plugin(string) (cloudaccount.Cloud, error) { return w.cloud, nil }

func (w *world) Describe(context.Context, string) (contract.Description, error) {
	var d contract.Description
	for _, c := range []contract.Capability{contract.CapBalance, contract.CapBillLines, contract.CapVendorOrders, contract.CapAccounts, contract.CapSignIn} {
		if c != w.without {
			d.Capabilities = append(d.Capabilities, c)
		}
	}
	return d, nil
}

func (w *world) Enqueue(tx store.Tx, j job.Job) (job.Job, error) {
	j.ID = fmt.Sprintf("job-%d", len(w.jobs)+1)
	tx.OnCommit(func() { w.jobs[j.ID] = j })
	return j, nil
}

func (w *world) Complete(tx store.Tx, j job.Job) error {
	tx.OnCommit(func() { w.ended[j.ID] = true })
	return nil
}

// run runs the job once, as the queue would; it reports whether the process
// died in it.
func (w *world) run(t *testing.T, id string) (died bool) {
	t.Helper()
	defer func() {
		r := recover()
		switch {
		case r == nil:
		case r == any(errCrash):
			died, w.crash = true, ""
		default:
			panic(r)
		}
	}()
	work := w.WorkChange
	if w.jobs[id].Kind == cloudaccount.ImportJobKind {
		work = w.WorkImport
	}
	// What a run returns says when to come again; the stored state says the rest.
	_ = work(t.Context(), w.jobs[id])
	return false
}
