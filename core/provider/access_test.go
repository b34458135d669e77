package provider_test

import (
	"strings"
	"testing"
	"time"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/access"
	"tradewind.example/core/provider"
	"tradewind.example/core/provider/providertest"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// serves says which account serves a buyer: the key's name, or the class of
// the refusal.
func serves(t *testing.T, w *providertest.World, p provider.Provider, org tenant.Org, purpose provider.Purpose) string {
	t.Helper()
	var out string
	w.View(func(r store.Reader) {
		a, err := w.Providers.CallFor(t.Context(), r, org.ID, p.ID, purpose)
		if err != nil {
			out = fault.ClassOf(err).String()
			return
		}
		out = strings.TrimPrefix(a.Call.Account.Credentials["private_key"].Reveal(), providertest.Marker+"-")
		if a.Call.Org != org.ID || a.Call.RootOrg != w.Root.ID || a.Plugin != "cloud" {
			t.Errorf("the call is %+v", a)
		}
	})
	return out
}

func TestCallForNearest(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	ctx := t.Context()
	p := w.Register()
	order := func(reason string, org tenant.Org, want string) {
		t.Helper()
		if got := serves(t, w, p, org, provider.PurposeOrder); got != want {
			t.Errorf("%s: served by %q, want %q", reason, got, want)
		}
	}
	order("nothing is enabled yet", w.Customer, "precondition")
	w.Enable(p, w.Root, providertest.Key("master"), false)
	order("the operator has its own", w.Root, "master")
	order("an enablement that covers nobody else serves nobody else", w.Customer, "precondition")
	w.Grant(p, w.Root, w.Reseller, false)
	e := w.Enable(p, w.Reseller, providertest.Key("reseller"), false, w.Customer.ID)
	order("a named customer is covered", w.Customer, "reseller")
	order("the other customer is not", w.Second, "precondition")
	order("nor is the sub-reseller", w.Sub, "precondition")
	_, err := w.Providers.Change(ctx, w.As(w.Reseller), provider.ChangeInput{ID: e.ID, CoversAll: true})
	wantClass(t, "cover all", err, 0)
	order("now every customer below is", w.SubCustomer, "reseller")
	order("but a reseller below needs its own", w.Sub, "precondition")
	w.Grant(p, w.Reseller, w.Customer, true)
	shared := w.Enable(p, w.Customer, nil, false)
	order("a shared account is the granter's", w.Customer, "reseller")
	_, err = w.Providers.ReplaceCredentials(ctx, w.As(w.Customer), shared.ID, 0, providertest.Key("own"))
	wantClass(t, "resources of a shared account would be out of reach", err, fault.ClassPrecondition)
	_, err = w.Providers.Disable(ctx, w.As(w.Reseller), e.ID, 0)
	wantClass(t, "disable the owner", err, 0)
	order("with its owner disabled a shared account takes no orders", w.Customer, "precondition")
	_, err = w.Providers.Resume(ctx, w.As(w.Reseller), e.ID, 0)
	wantClass(t, "resume the owner", err, 0)
	w.Jobs.Run(t)
	w.Grant(p, w.Reseller, w.Sub, false)
	sub := w.Enable(p, w.Sub, providertest.Key("sub"), true)
	order("the nearest enablement wins", w.SubCustomer, "sub")
	_, err = w.Providers.Disable(ctx, w.As(w.Sub), sub.ID, 0)
	wantClass(t, "disable", err, 0)
	order("a disabled one is not passed over", w.SubCustomer, "precondition")
	if got := serves(t, w, p, w.SubCustomer, provider.PurposeOperate); got != "sub" {
		t.Errorf("what exists under a disabled enablement is operated by %q", got)
	}
	_, err = w.Providers.Resume(ctx, w.As(w.Sub), sub.ID, 0)
	wantClass(t, "resume", err, 0)
	order("resumed it waits for its check, and others serve meanwhile", w.SubCustomer, "reseller")
	w.Jobs.Run(t)
	order("then it serves again", w.SubCustomer, "sub")
	w.View(func(r store.Reader) {
		_, err := w.Providers.CallFor(ctx, r, w.Foreign.ID, p.ID, provider.PurposeOrder)
		wantClass(t, "another root has no such provider", err, fault.ClassNotFound)
	})
}

// TestAResellerKnowsWhatItsCustomersMayOrder also when it may not order itself.
func TestAResellerKnowsWhatItsCustomersMayOrder(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Register()
	sells := func(reason string, org tenant.Org, want bool) {
		t.Helper()
		w.View(func(r store.Reader) {
			if got, err := w.Providers.Sells(r, org.ID, p.ID); err != nil || got != want {
				t.Errorf("%s: %t, %v", reason, got, err)
			}
		})
		page, err := w.Providers.Providers(t.Context(), w.As(org), provider.ProviderFilter{Limit: 10})
		if err != nil || (len(page.Items) == 1) != want {
			t.Errorf("%s: %d providers in its list, %v", reason, len(page.Items), err)
		}
	}
	sells("nothing is enabled yet", w.Sub, false)
	w.Grant(p, w.Root, w.Reseller, false)
	e := w.Enable(p, w.Reseller, providertest.Key("reseller"), false, w.Customer.ID)
	sells("the customer that is covered is another's", w.Sub, false)
	cover := func(in provider.ChangeInput) {
		t.Helper()
		in.ID = e.ID
		if _, err := w.Providers.Change(t.Context(), w.As(w.Reseller), in); err != nil {
			t.Fatal(err)
		}
	}
	cover(provider.ChangeInput{CoversCustomers: []string{w.SubCustomer.ID}})
	sells("a customer of its own is covered", w.Sub, true)
	cover(provider.ChangeInput{CoversAll: true})
	sells("all are", w.Sub, true)
	sells("and a customer may order", w.SubCustomer, true)
	if _, err := w.Providers.Disable(t.Context(), w.As(w.Reseller), e.ID, 0); err != nil {
		t.Fatal(err)
	}
	sells("nobody is served any more", w.Sub, false)
}

func TestCallForFollowsAMove(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Register()
	w.Enable(p, w.Root, providertest.Key("master"), true)
	w.Grant(p, w.Root, w.Sub, false)
	w.Enable(p, w.Sub, providertest.Key("sub"), true)
	if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != "master" {
		t.Fatalf("before the move served by %q", got)
	}
	_, err := w.Tenants.MoveOrg(t.Context(), access.System(w.Root.ID), tenant.MoveOrgInput{OrgID: w.Customer.ID, ParentID: w.Sub.ID})
	wantClass(t, "move", err, 0)
	if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != "sub" {
		t.Errorf("after the move served by %q", got)
	}
}

func TestAFormerSellersAccountIsNotCharged(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Register()
	master := w.Enable(p, w.Root, providertest.Key("master"), true)
	w.Grant(p, w.Root, w.Sub, false)
	sub := w.Enable(p, w.Sub, providertest.Key("sub"), true)
	check := func(reason string, e provider.Enablement, purpose provider.Purpose, class fault.Class) {
		t.Helper()
		w.View(func(r store.Reader) {
			route, err := w.Providers.RouteViaTx(r, w.SubCustomer.ID, e.ID, purpose)
			wantClass(t, reason, err, class)
			if err == nil && route.AccountID != e.ID {
				t.Errorf("%s: the account is %q, want %q", reason, route.AccountID, e.ID)
			}
		})
	}
	check("the seller's account, although another one is nearer", master, provider.PurposeOrder, 0)
	check("the seller's account", sub, provider.PurposeOrder, 0)
	_, err := w.Tenants.MoveOrg(t.Context(), access.System(w.Root.ID), tenant.MoveOrgInput{OrgID: w.SubCustomer.ID, ParentID: w.Root.ID})
	wantClass(t, "move", err, 0)
	check("the account of one who is still above", master, provider.PurposeOrder, 0)
	check("nobody would pay the former seller", sub, provider.PurposeOrder, fault.ClassPrecondition)
	check("what lives there can be ended", sub, provider.PurposeWindDown, 0)
	check("what lives there can be used", sub, provider.PurposeOperate, 0)
}

func TestProviderStateAndContract(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	ctx := t.Context()
	p := w.Serve()
	check := func(reason, order, operate string) {
		t.Helper()
		if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != order {
			t.Errorf("%s: orders served by %q, want %q", reason, got, order)
		}
		if got := serves(t, w, p, w.Customer, provider.PurposeOperate); got != operate {
			t.Errorf("%s: operated by %q, want %q", reason, got, operate)
		}
	}
	check("active", "master", "master")
	_, err := w.Providers.SetProviderState(ctx, w.As(w.Root), p.ID, provider.StateDisabled, 0)
	wantClass(t, "disable", err, 0)
	check("a disabled provider takes no orders", "precondition", "master")
	_, err = w.Providers.SetProviderState(ctx, w.As(w.Root), p.ID, provider.StateActive, 0)
	wantClass(t, "resume", err, 0)
	end := w.Clock.Now().Add(time.Hour)
	_, err = w.Providers.Update(ctx, w.As(w.Root), provider.UpdateInput{ID: p.ID, ContractTo: end})
	wantClass(t, "set the contract", err, 0)
	check("within the contract", "master", "master")
	w.Clock.Set(end)
	check("the contract is half-open: its end is outside", "precondition", "master")
}
