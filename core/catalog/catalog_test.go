package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/catalog"
	"tradewind.example/core/money"
	"tradewind.example/core/provider"
	"tradewind.example/core/provider/providertest"
	"tradewind.example/core/store"
)

type world struct {
	*providertest.World
	catalog  *catalog.Service
	provider provider.Provider
	breaks   []string // what the floor guard finds on every rise
	writes   int      // transactions that wrote
}

// counting counts the transactions that succeed.
type counting struct {
	store.Store
	w *world
}

func (c counting) Update(ctx context.Context, fn func(store.Tx) error) error {
	err := c.Store.Update(ctx, fn)
	if err == nil {
		c.w.writes++
	}
	return err
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{World: providertest.New(t)}
	w.provider = w.Serve()
	var err error
	w.catalog, err = catalog.New(catalog.Config{
		Store: counting{w.Store, w}, Clock: w.Clock, Logger: w.Log, Authority: w.Tenants.Authority(), Providers: w.Providers,
		Plugins: providertest.Plugins[catalog.Cloud]{Cloud: w.Cloud}, Jobs: w.Jobs, Batch: 3, MaxOfferings: 2000,
		FloorBreaks: func(context.Context, store.Reader, catalog.Product, money.Decimal) ([]string, error) {
			return w.breaks, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func offering(id, price string) contract.Offering {
	return contract.Offering{
		ID: id, Kind: "instance", Type: "flavour", Name: "Flavour " + id, Class: "N", Region: "r1", Zone: "z1", Sellable: true,
		Billing: []contract.BillingMethod{contract.BillingPrepaid}, Periods: []contract.Period{contract.PeriodMonth},
		Currency: "CNY", ListPrice: contract.Decimal(price), Spec: json.RawMessage(`{ "flavour": "` + id + `" }`),
		Attrs: map[string]string{"cpu": "2"},
	}
}

func (w *world) offer(list ...contract.Offering) {
	w.Cloud.Set(func(c *providertest.Cloud) { c.Offers = list })
}

func (w *world) sync(t testing.TB) catalog.SyncReport {
	t.Helper()
	r, err := w.catalog.Sync(t.Context(), w.As(w.Root), w.provider.ID)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) all(t testing.TB, f catalog.Filter) map[string]catalog.Product {
	t.Helper()
	if f.Limit == 0 {
		f.Limit = 100
	}
	out := map[string]catalog.Product{}
	for {
		page, err := w.catalog.Products(t.Context(), w.As(w.Root), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Items {
			if _, twice := out[p.VendorID]; twice {
				t.Errorf("product %s is listed twice", p.VendorID)
			}
			out[p.VendorID] = p
		}
		if f.Cursor = page.Next; page.Next == "" {
			return out
		}
	}
}

// counts is the part of a report that can be compared.
func counts(r catalog.SyncReport) [6]int {
	return [6]int{r.Seen, r.Created, r.Updated, r.Withdrawn, r.Unchanged, r.Skipped}
}

func price(p catalog.Product) string {
	if p.ListPrice == nil {
		return ""
	}
	return p.ListPrice.String()
}

func TestSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	choice := offering("image", "1")
	choice.Sellable = false
	w.offer(offering("a", "10.5"), offering("b", ""), choice, offering("c", "3"), offering("d", "4"))
	if diff := cmp.Diff([6]int{5, 4, 0, 0, 0, 1}, counts(w.sync(t))); diff != "" {
		t.Errorf("the first sync creates what is sellable (-want +got):\n%s", diff)
	}
	got := w.all(t, catalog.Filter{})
	a := got["a"]
	if len(got) != 4 || a.Name != "Flavour a" || price(a) != "10.5" || got["b"].ListPrice != nil ||
		a.Class != "N" || a.Region != "r1" || string(a.Spec) != `{"flavour":"a"}` || a.State != catalog.StateActive || a.RootID != w.Root.ID {
		t.Errorf("after the first sync the catalogue is %+v", got)
	}
	w.writes = 0
	if diff := cmp.Diff([6]int{5, 0, 0, 0, 4, 1}, counts(w.sync(t))); diff != "" {
		t.Errorf("a repeated sync changes nothing (-want +got):\n%s", diff)
	}
	if w.writes != 1 {
		t.Errorf("a repeated sync wrote %d transactions besides its report", w.writes-1)
	}
	if again := w.all(t, catalog.Filter{}); again["a"].Rev != a.Rev {
		t.Errorf("a repeated sync wrote product a again, revision %d", again["a"].Rev)
	}
	w.offer(offering("a", "9"), offering("c", "3"))
	if diff := cmp.Diff([6]int{2, 0, 1, 2, 1, 0}, counts(w.sync(t))); diff != "" {
		t.Errorf("what is offered no more is withdrawn (-want +got):\n%s", diff)
	}
	got = w.all(t, catalog.Filter{})
	if price(got["a"]) != "9" || got["b"].State != catalog.StateWithdrawn || got["d"].State != catalog.StateWithdrawn {
		t.Errorf("after the third sync the catalogue is %+v", got)
	}
	w.offer(offering("a", "9"), offering("b", ""), offering("c", "3"))
	if diff := cmp.Diff([6]int{3, 0, 1, 0, 2, 0}, counts(w.sync(t))); diff != "" {
		t.Errorf("what is offered again comes back (-want +got):\n%s", diff)
	}
	if b := w.all(t, catalog.Filter{})["b"]; b.State != catalog.StateActive {
		t.Errorf("product b came back as %s", b.State)
	}
	w.offer()
	if r := w.sync(t); r.Withdrawn != 3 {
		t.Errorf("an empty catalogue withdraws all, got %+v", r)
	}
}

func TestSyncKeepsWhatTheOperatorDid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.offer(offering("a", "10"), offering("b", "10"))
	w.sync(t)
	got := w.all(t, catalog.Filter{})
	_, err := w.catalog.Update(ctx, w.As(w.Root), catalog.UpdateInput{ID: got["a"].ID, Text: catalog.Text{Description: "ours", Label: "hot"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.catalog.SetState(ctx, w.As(w.Root), got["b"].ID, catalog.StateDisabled, 0); err != nil {
		t.Fatal(err)
	}
	byHand, err := w.catalog.Create(ctx, w.As(w.Root), catalog.CreateInput{
		ProviderID: w.provider.ID, VendorID: "hand", Facts: catalog.Facts{Kind: "instance", Name: "By hand", Currency: "CNY"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.offer(offering("a", "8"), offering("b", "8"), offering("hand", "8"))
	w.sync(t)
	w.offer(offering("a", "8"))
	w.sync(t)
	got = w.all(t, catalog.Filter{})
	if a := got["a"]; a.Description != "ours" || a.Label != "hot" || price(a) != "8" {
		t.Errorf("sync overwrote the operator's words: %+v", a)
	}
	if b := got["b"]; b.State != catalog.StateDisabled {
		t.Errorf("a product taken off by the operator became %s", b.State)
	}
	if h := got["hand"]; h.State != catalog.StateActive || h.ID != byHand.ID || h.Name != "By hand" || h.ListPrice != nil {
		t.Errorf("a product written by hand became %+v", h)
	}
	_, err = w.catalog.Update(ctx, w.As(w.Root), catalog.UpdateInput{ID: got["a"].ID, Facts: &catalog.Facts{Kind: "instance", Name: "x", Currency: "CNY"}})
	if !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("the facts of a synced product were changed by hand: %v", err)
	}
}

func TestPriceRises(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	steps := []struct {
		reason        string
		offer         string
		breaks        []string
		list, pending string
		rises         int
	}{
		{"the first price is no rise", "10", []string{"x"}, "10", "", 0},
		{"a rise that breaks nobody's floor is applied", "11", nil, "11", "", 0},
		{"a rise that breaks a floor waits", "12", []string{"org-1"}, "11", "12", 1},
		{"and is told again while it waits", "12", []string{"org-1"}, "11", "12", 1},
		{"a further rise takes its place", "13", []string{"org-1"}, "11", "13", 1},
		{"back at the old price nothing waits", "11", []string{"org-1"}, "11", "", 0},
		{"a fall is always applied", "5", []string{"org-1"}, "5", "", 0},
		{"no price is no rise", "", []string{"org-1"}, "", "", 0},
		{"from no price to one neither", "20", []string{"org-1"}, "20", "", 0},
		{"again a rise", "25", []string{"org-1"}, "20", "25", 1},
	}
	for _, s := range steps {
		w.breaks = s.breaks
		w.offer(offering("a", s.offer))
		r := w.sync(t)
		a := w.all(t, catalog.Filter{})["a"]
		pending := ""
		if a.PendingPrice != nil {
			pending = a.PendingPrice.String()
		}
		if price(a) != s.list || pending != s.pending || r.RisesTotal != s.rises || len(r.PriceRises) != s.rises {
			t.Errorf("%s: list %q pending %q rises %d", s.reason, price(a), pending, r.RisesTotal)
		}
		if s.rises > 0 && (r.PriceRises[0].New.String() != s.offer || r.PriceRises[0].Old.String() != s.list || !cmp.Equal(r.PriceRises[0].Breaks, s.breaks)) {
			t.Errorf("%s: reported %+v", s.reason, r.PriceRises[0])
		}
	}
	a := w.all(t, catalog.Filter{Pending: true})["a"]
	if _, err := w.catalog.AcceptPrice(ctx, w.As(w.Reseller), a.ID, 0); !fault.Is(err, fault.ClassNotFound) && !fault.Is(err, fault.ClassForbidden) {
		t.Errorf("a reseller accepted the price: %v", err)
	}
	if _, err := w.catalog.AcceptPrice(ctx, w.As(w.Root), a.ID, a.Rev+1); !errors.Is(err, store.ErrStale) {
		t.Errorf("accepting by another version: %v", err)
	}
	got, err := w.catalog.AcceptPrice(ctx, w.As(w.Root), a.ID, a.Rev)
	if err != nil || price(got) != "25" || got.PendingPrice != nil {
		t.Errorf("accepted: %+v, error %v", got, err)
	}
	if _, err := w.catalog.AcceptPrice(ctx, w.As(w.Root), a.ID, 0); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("accepting nothing: %v", err)
	}
	w.offer(offering("a", "25"))
	if r := w.sync(t); r.Unchanged != 1 {
		t.Errorf("after accepting, the sync finds %+v", r)
	}
}

func TestSyncRefusesBadOfferings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := map[string]func(*contract.Offering){
		"no id":           func(o *contract.Offering) { o.ID = "" },
		"no kind":         func(o *contract.Offering) { o.Kind = "" },
		"price":           func(o *contract.Offering) { o.ListPrice = "ten" },
		"negative price":  func(o *contract.Offering) { o.ListPrice = "-1" },
		"exponent":        func(o *contract.Offering) { o.ListPrice = "1e3" },
		"currency":        func(o *contract.Offering) { o.Currency = "XXX" },
		"spec":            func(o *contract.Offering) { o.Spec = json.RawMessage(`{`) },
		"billing":         func(o *contract.Offering) { o.Billing = []contract.BillingMethod{"never"} },
		"period":          func(o *contract.Offering) { o.Periods = []contract.Period{"aeon"} },
		"control letters": func(o *contract.Offering) { o.Name = "a\x00b" },
	}
	w.offer(offering("good", "1"))
	w.sync(t)
	list := []contract.Offering{offering("good", "1"), offering("good", "2")}
	for name, edit := range bad {
		o := offering(name, "1")
		edit(&o)
		list = append(list, o)
	}
	w.offer(list...)
	r := w.sync(t)
	if r.Skipped != len(bad)+1 || len(r.Problems) != len(bad)+1 || r.Unchanged != 1 || r.Withdrawn != 0 {
		t.Errorf("report %+v", r)
	}
	broken := offering("good", "bad price")
	w.offer(broken)
	if r := w.sync(t); r.Withdrawn != 0 || len(r.Problems) != 1 {
		t.Errorf("a malformed offering withdrew its product: %+v", r)
	}
}

func TestSyncFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.offer(offering("a", "1"), offering("b", "1"), offering("c", "1"), offering("d", "1"))
	w.sync(t)
	w.Cloud.Set(func(c *providertest.Cloud) {
		c.Offers, c.OfferErr = []contract.Offering{offering("a", "2"), offering("b", "2"), offering("c", "2")}, fault.Unavailable("gone")
	})
	if _, err := w.catalog.Sync(ctx, w.As(w.Root), w.provider.ID); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("a stream that breaks: %v", err)
	}
	for id, p := range w.all(t, catalog.Filter{}) {
		if p.State != catalog.StateActive {
			t.Errorf("a broken stream withdrew %s", id)
		}
	}
	w.Cloud.Set(func(c *providertest.Cloud) { c.OfferErr = nil; c.Desc.Capabilities = nil })
	if _, err := w.catalog.Sync(ctx, w.As(w.Root), w.provider.ID); !fault.Is(err, fault.ClassUnsupported) {
		t.Errorf("a plugin without offerings: %v", err)
	}
	w.Cloud.Set(func(c *providertest.Cloud) {
		c.Desc.Capabilities = []contract.Capability{contract.CapOfferings}
		c.Offers = nil
		for i := range 2001 {
			c.Offers = append(c.Offers, contract.Offering{ID: fmt.Sprint(i)})
		}
	})
	if _, err := w.catalog.Sync(ctx, w.As(w.Root), w.provider.ID); !fault.Is(err, fault.ClassQuota) {
		t.Errorf("an endless catalogue: %v", err)
	}
	for _, c := range []struct {
		reason string
		as     access.Caller
		class  fault.Class
	}{
		{"a reseller does not sync the operator's catalogue, and is not told who the operator is", w.As(w.Reseller), fault.ClassForbidden},
		{"another root does not know the provider", w.As(w.Foreign), fault.ClassNotFound},
		{"an auditor does not sync", w.As(w.Root, access.RoleAuditor), fault.ClassForbidden},
	} {
		if _, err := w.catalog.Sync(ctx, c.as, w.provider.ID); !fault.Is(err, c.class) {
			t.Errorf("%s: %v", c.reason, err)
		}
	}
}

func TestRequestSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.offer(offering("a", "1"))
	if _, err := w.catalog.RequestSync(t.Context(), w.As(w.Root), w.provider.ID); err != nil {
		t.Fatal(err)
	}
	w.Jobs.Run(t)
	r, err := w.catalog.LastSync(t.Context(), w.As(w.Root), w.provider.ID)
	if err != nil || r.Created != 1 || r.Ended.IsZero() {
		t.Errorf("the last sync is %+v, error %v", r, err)
	}
}

func TestOneSyncAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inside, goOn := make(chan struct{}), make(chan struct{})
	blocked := &blockingCloud{Cloud: w.Cloud, inside: inside, goOn: goOn}
	svc, err := catalog.New(catalog.Config{
		Store: w.Store, Clock: w.Clock, Logger: w.Log, Authority: w.Tenants.Authority(), Providers: w.Providers,
		Plugins: blocked, Jobs: w.Jobs,
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := svc.Sync(t.Context(), w.As(w.Root), w.provider.ID)
		done <- err
	}()
	<-inside
	if _, err := svc.Sync(t.Context(), w.As(w.Root), w.provider.ID); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("a second sync at the same time: %v", err)
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type blockingCloud struct {
	*providertest.Cloud
	inside, goOn chan struct{}
}

func (b *blockingCloud) Plugin(string) (catalog.Cloud, error) { return b, nil }

func (b *blockingCloud) Describe(ctx context.Context, name string) (contract.Description, error) {
	return providertest.Plugins[catalog.Cloud]{Cloud: b.Cloud}.Describe(ctx, name)
}

func (b *blockingCloud) Offerings(context.Context, contract.OfferingsRequest, func(contract.Offering) error) error {
	close(b.inside)
	<-b.goOn
	return nil
}

func TestVisibility(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.offer(offering("a", "10"), offering("b", "10"), offering("c", "10"), offering("d", "10"))
	w.sync(t)
	got := w.all(t, catalog.Filter{})
	now := w.Clock.Now()
	for id, text := range map[string]catalog.Text{
		"b": {From: now.Add(time.Hour)},
		"c": {From: now.Add(-time.Hour), To: now},
		"d": {OwnerOrg: w.Sub.ID},
	} {
		if _, err := w.catalog.Update(ctx, w.As(w.Root), catalog.UpdateInput{ID: got[id].ID, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		reason string
		as     access.Caller
		want   []string
		priced bool
	}{
		{"the operator sees everything, with list prices", w.As(w.Root), []string{"a", "b", "c", "d"}, true},
		{"so does an auditor of the operator", w.As(w.Root, access.RoleAuditor), []string{"a", "b", "c", "d"}, true},
		{"a customer sees what it may order now, without prices", w.As(w.Customer), []string{"a"}, false},
		{"a sub-reseller's product is seen below it", w.As(w.SubCustomer), []string{"a", "d"}, false},
		{"a reseller that nobody enabled sees what its customers may order, to price it", w.As(w.Reseller), []string{"a"}, false},
		{"the provider's org sees its own products", w.As(w.Commercial), []string{"a", "b", "c", "d"}, true},
		{"another root sees nothing", w.As(w.Foreign), nil, false},
	} {
		page, err := w.catalog.Products(ctx, c.as, catalog.Filter{Limit: 50})
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
		}
		var ids []string
		for _, p := range page.Items {
			ids = append(ids, p.VendorID)
			if (p.ListPrice != nil) != c.priced {
				t.Errorf("%s: list price of %s is %v", c.reason, p.VendorID, p.ListPrice)
			}
		}
		if diff := cmp.Diff(c.want, ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
		for id, p := range got {
			_, err := w.catalog.Product(ctx, c.as, p.ID)
			seen := false
			for _, x := range c.want {
				seen = seen || x == id
			}
			if seen != (err == nil) || err != nil && !fault.Is(err, fault.ClassNotFound) {
				t.Errorf("%s: reading %s: %v", c.reason, id, err)
			}
		}
	}
	again, err := w.catalog.Product(ctx, w.As(w.Root), got["a"].ID)
	if err != nil || again.ListPrice == nil {
		t.Errorf("hiding a price from one caller hid it from all: %+v, %v", again, err)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var list []contract.Offering
	for i := range 40 {
		o := offering(fmt.Sprintf("%02d", i), "1")
		o.Name = fmt.Sprintf("%s %02d", []string{"Small", "Large"}[i%2], i)
		o.Kind, o.Class, o.Region = []string{"instance", "disk"}[i%4/2], []string{"N", "O"}[i%8/4], []string{"r1", "r2"}[i%16/8]
		list = append(list, o)
	}
	w.offer(list...)
	w.sync(t)
	for name, c := range map[string]struct {
		f    catalog.Filter
		want int
	}{
		"All":          {catalog.Filter{}, 40},
		"Provider":     {catalog.Filter{ProviderID: w.provider.ID}, 40},
		"Other":        {catalog.Filter{ProviderID: "none"}, 0},
		"Kind":         {catalog.Filter{ProviderID: w.provider.ID, Kind: "disk"}, 20},
		"KindAlone":    {catalog.Filter{Kind: "disk"}, 20},
		"Class":        {catalog.Filter{Class: "O"}, 20},
		"Region":       {catalog.Filter{Region: "r2"}, 16},
		"Text":         {catalog.Filter{Text: "sMALL"}, 20},
		"TextKind":     {catalog.Filter{ProviderID: w.provider.ID, Kind: "disk", Text: "large"}, 10},
		"TextProvider": {catalog.Filter{ProviderID: w.provider.ID, Text: "large 0"}, 5},
		"State":        {catalog.Filter{State: catalog.StateWithdrawn}, 0},
		"Everything":   {catalog.Filter{ProviderID: w.provider.ID, Kind: "disk", Class: "O", Region: "r2", Text: "small", State: catalog.StateActive}, 2},
	} {
		for _, limit := range []int{1, 7, 100} {
			c.f.Limit = limit
			if got := len(w.all(t, c.f)); got != c.want {
				t.Errorf("%s by pages of %d: %d products, want %d", name, limit, got, c.want)
			}
		}
	}
	if _, err := w.catalog.Products(t.Context(), w.As(w.Root), catalog.Filter{Limit: 5000}); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a limit out of bounds: %v", err)
	}
	if _, err := w.catalog.Products(t.Context(), w.As(w.Root), catalog.Filter{Limit: 5, Cursor: "??"}); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a wrong cursor: %v", err)
	}
}

func TestWriteRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	in := catalog.CreateInput{ProviderID: w.provider.ID, VendorID: "x", Facts: catalog.Facts{Kind: "instance", Name: "X", Currency: "CNY"}}
	for reason, as := range map[string]access.Caller{
		"a reseller":   w.As(w.Reseller),
		"a customer":   w.As(w.Customer),
		"an auditor":   w.As(w.Root, access.RoleAuditor),
		"another root": w.As(w.Foreign),
	} {
		if _, err := w.catalog.Create(ctx, as, in); !fault.Is(err, fault.ClassForbidden) && !fault.Is(err, fault.ClassNotFound) {
			t.Errorf("%s wrote a product: %v", reason, err)
		}
	}
	if _, err := w.catalog.Create(ctx, w.As(w.Root), in); err != nil {
		t.Fatal(err)
	}
	if _, err := w.catalog.Create(ctx, w.As(w.Root), in); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("the same vendor id twice: %v", err)
	}
	negative, _ := money.ParseDecimal("-1")
	_, err := w.catalog.Create(ctx, w.As(w.Root), catalog.CreateInput{Facts: catalog.Facts{Currency: "??", ListPrice: &negative}})
	if len(fault.As(err).Fields) != 6 {
		t.Errorf("all wrong fields are told at once, got %v", err)
	}
	w.View(func(r store.Reader) {
		page, err := audit.List(r, audit.Query{Org: w.Root.ID, Limit: 10})
		if err != nil || page.Items[0].Action != "product.write" || page.Items[0].RequestID != "req-1" {
			t.Errorf("the audit log begins with %+v, error %v", page.Items[0], err)
		}
	})
}

// TestSyncAgainstModel lets random catalogues follow each other: after every
// sync the active products are exactly the offered ones, at their last price.
func TestSyncAgainstModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		want := map[string]string{}
		var list []contract.Offering
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, 12), 0, 12, rapid.ID[int]).Draw(rt, "ids") {
			id, p := fmt.Sprint("m", i), fmt.Sprint(rapid.IntRange(1, 3).Draw(rt, "price"))
			want[id] = p
			list = append(list, offering(id, p))
		}
		w.offer(list...)
		r := w.sync(t)
		if r.Created+r.Updated+r.Unchanged != len(want) {
			rt.Fatalf("the counts of %+v do not add up to %d", r, len(want))
		}
		got := map[string]string{}
		for id, p := range w.all(t, catalog.Filter{State: catalog.StateActive}) {
			got[id] = price(p)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("active products (-want +got):\n%s", diff)
		}
		if again := w.sync(t); again.Unchanged != len(want) || again.Withdrawn != 0 {
			rt.Fatalf("a repeated sync changed %+v", again)
		}
	})
}

func BenchmarkProductTx(b *testing.B) {
	w := newWorld(b)
	w.offer(offering("a", "10"))
	w.sync(b)
	id := w.all(b, catalog.Filter{})["a"].ID
	w.View(func(r store.Reader) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.catalog.ProductTx(r, id); err != nil {
				b.Fatal(err)
			}
		}
	})
}
