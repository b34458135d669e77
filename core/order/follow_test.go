package order_test

import (
	"log/slog"
	"testing"

	"tradewind.example/core/access"
	"tradewind.example/core/order"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
)

const newSeller = "org-stranger"

// moved is the tree after the customer went to the other reseller.
type moved struct{ orgs }

func (m moved) PathTx(r store.Reader, org string) ([]string, error) {
	if org == customer {
		return []string{operator, newSeller, customer}, nil
	}
	return m.orgs.PathTx(r, org)
}

// move returns the services as they are after the move.
func (w *world) move() (*order.Service, *resource.Service) {
	w.t.Helper()
	auth := must(access.New(access.Config{Directory: moved{}}))
	orders := w.service(func(c *order.Config) { c.Authority, c.Directory = auth, moved{} })
	return orders, must(resource.New(resource.Config{
		Store: w.store, Clock: w.clock, Logger: slog.New(slog.DiscardHandler), Authority: auth, Accounts: w.market,
		Keys: w.idem, Sealer: plain{}, Jobs: w.jobs, Plugins: resourcePlugins{w.cloud},
	}))
}

func TestWhatAMovedOrgBoughtFollowsIt(t *testing.T) {
	t.Parallel()
	w, _ := bought(t)
	w.buy(1) // is at work
	orders, resources := w.move()
	see := func(step, org string, role access.Role, wantOrders, wantResources int) {
		t.Helper()
		c := access.Caller{UserID: "user-of-" + org, OrgID: org, RootID: operator, Roles: []access.Role{role}}
		c.Path = must(moved{}.PathTx(nil, org))
		o := must(orders.List(w.ctx, c, order.Query{Limit: 10}))
		r := must(resources.List(w.ctx, c, resource.Query{Limit: 10}))
		if len(o.Items) != wantOrders || len(r.Items) != wantResources {
			t.Errorf("%s: %s lists %d orders and %d resources, want %d and %d", step, org, len(o.Items), len(r.Items), wantOrders, wantResources)
		}
	}
	see("at once", customer, access.RoleCustomerAdmin, 2, 1)
	see("at once", reseller, access.RoleResellerAdmin, 0, 0)
	see("at once", operator, access.RoleSuperadmin, 2, 1)
	follow := func() bool {
		t.Helper()
		if err := resources.Follow(w.ctx, customer, moved{}.PathTx); err != nil {
			t.Fatal(err)
		}
		return must(orders.Follow(w.ctx, customer))
	}
	if !follow() {
		t.Error("an order that is at work is not told of")
	}
	see("while an order is at work", newSeller, access.RoleResellerAdmin, 1, 1)
	w.drain()
	if follow() {
		t.Error("all orders are decided, and one is waited for")
	}
	see("afterwards", newSeller, access.RoleResellerAdmin, 2, 2)
	see("afterwards", customer, access.RoleCustomerAdmin, 2, 2)
	see("afterwards", reseller, access.RoleResellerAdmin, 0, 0)
}

func TestAnOpenOrderKeepsItsOrgs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fund(1_000_000)
	w.buy(1)
	holds := func(org string) (out []string) {
		t.Helper()
		if err := w.store.View(w.ctx, func(r store.Reader) (err error) {
			out, err = w.orders.Holds(r, org)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for org, want := range map[string]int{customer: 1, reseller: 1, providerOrg: 1, newSeller: 0} {
		if got := holds(org); len(got) != want {
			t.Errorf("%s is held by %q while an order is open, want %d things", org, got, want)
		}
	}
	w.drain()
	if got := holds(customer); len(got) != 0 {
		t.Errorf("the buyer is held by %q when all is decided", got)
	}
}
