package quote_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/access"
	"tradewind.example/core/catalog"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/provider/providertest"
	"tradewind.example/core/quote"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

func wantClass(t *testing.T, reason string, err error, class fault.Class) {
	t.Helper()
	if got := fault.ClassOf(err); got != class {
		t.Errorf("%s: error %v, want class %v", reason, err, class)
	}
}

// TestWorkedExample prices the two examples of the domain rules through real
// protocols.
func TestWorkedExample(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason          string
		middle          pricing.Mode
		rate            string
		amounts         []money.Amount
		commission      money.Amount
		margins         []money.Amount
		net             money.Amount
		resellersMargin money.Amount
	}{
		"Discounts": {
			reason: "three discounts of L = 3000.00", middle: pricing.ModeDiscount, rate: "0.75",
			amounts: []money.Amount{180000, 225000, 270000}, margins: []money.Amount{45000, 45000}, net: 180000, resellersMargin: 45000,
		},
		"Rebate": {
			reason: "a commission of 8 % in the middle", middle: pricing.ModeRebate, rate: "0.08",
			amounts: []money.Amount{180000, 270000, 270000}, commission: 21600, margins: []money.Amount{68400, 21600}, net: 180000, resellersMargin: 21600,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.noQuotes()
			w.terms(t, w.Root, w.Commercial, w.Root, pricing.ModeDiscount, "0.60")
			w.terms(t, w.Root, w.Root, w.Reseller, c.middle, c.rate)
			w.terms(t, w.Reseller, w.Reseller, w.Customer, pricing.ModeDiscount, "0.90")
			v, err := w.create(t, w.As(w.Customer), quote.Input{Term: w.month(3, 1)})
			wantClass(t, c.reason, err, 0)
			q := w.stored(t, v.ID)
			var amounts, margins []money.Amount
			for _, l := range q.Result.Legs {
				amounts = append(amounts, l.Amount)
			}
			for _, m := range q.Result.Margins {
				margins = append(margins, m.Amount)
			}
			if diff := cmp.Diff(c.amounts, amounts); diff != "" {
				t.Errorf("%s: amounts (-want +got):\n%s", c.reason, diff)
			}
			if diff := cmp.Diff(c.margins, margins); diff != "" {
				t.Errorf("%s: margins (-want +got):\n%s", c.reason, diff)
			}
			if q.Result.Legs[1].Commission != c.commission || q.Result.ProviderNet != c.net || q.Result.Check() != nil {
				t.Errorf("%s: result %+v", c.reason, q.Result)
			}
			if len(v.Price.Legs) != 1 || v.Price.Legs[0].Amount != 270000 || v.Price.Margin != nil {
				t.Errorf("%s: the customer sees %+v", c.reason, v.Price)
			}
			rv, err := w.quotes.Get(t.Context(), w.As(w.Reseller), v.ID)
			wantClass(t, "the reseller reads it", err, 0)
			if len(rv.Price.Legs) != 2 || rv.Price.Margin == nil || *rv.Price.Margin != c.resellersMargin {
				t.Errorf("%s: the reseller sees %+v", c.reason, rv.Price)
			}
			if q.Source != quote.SourceProduct || q.Expires.Sub(q.Created) != 30*time.Minute {
				t.Errorf("%s: source %s, life %v", c.reason, q.Source, q.Expires.Sub(q.Created))
			}
		})
	}
}

func TestSettleOfTheProvidersLeg(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.Providers.Provider(t.Context(), w.As(w.Root), w.provider.ID)
	fatal(t, err)
	in := quote.PriceInput{BuyerOrg: w.Customer.ID, ProductID: w.product.ID, Quantity: 1, Periods: 1, List: dec(t, "10"), At: w.Clock.Now()}
	settle := func() (out []pricing.SettleMode) {
		w.View(func(r store.Reader) {
			res, _, err := w.quotes.PriceTx(r, in)
			fatal(t, err)
			for _, l := range res.Legs {
				out = append(out, l.Settle)
			}
		})
		return out
	}
	if p.Settle != pricing.SettleRealtime {
		t.Fatalf("the provider settles %s", p.Settle)
	}
	if diff := cmp.Diff([]pricing.SettleMode{"realtime", "realtime", "realtime"}, settle()); diff != "" {
		t.Error(diff)
	}
	if err := w.updateSettle(t, pricing.SettlePeriod); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]pricing.SettleMode{"period", "realtime", "realtime"}, settle()); diff != "" {
		t.Errorf("the provider's settle mode is for its leg alone:\n%s", diff)
	}
	w.terms(t, w.Root, w.Commercial, w.Root, pricing.ModeDiscount, "0.5")
	if diff := cmp.Diff([]pricing.SettleMode{"realtime", "realtime", "realtime"}, settle()); diff != "" {
		t.Errorf("a protocol goes before it:\n%s", diff)
	}
}

func TestFloorGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noQuotes()
	ctx := t.Context()
	w.terms(t, w.Root, w.Commercial, w.Root, pricing.ModeDiscount, "0.5")
	w.terms(t, w.Root, w.Root, w.Reseller, pricing.ModeDiscount, "0.9")
	w.terms(t, w.Reseller, w.Reseller, w.Customer, pricing.ModeDiscount, "0.8")
	_, err := w.create(t, w.As(w.Customer), quote.Input{Term: w.month(1, 1)})
	wantClass(t, "a seller that blocks does not sell below its cost", err, fault.ClassPrecondition)
	var floor *quote.FloorError
	if !errors.As(err, &floor) || floor.Breaches[0].Org != w.Reseller.ID {
		t.Errorf("operators are not told who blocks: %v", err)
	}
	if text := fault.As(err).Message; text != "not for sale at this price: ask your seller" {
		t.Errorf("the buyer is told %q", text)
	}
	w.policy(t, w.Reseller, pricing.PolicyWarn)
	v, err := w.create(t, w.As(w.Customer), quote.Input{Term: w.month(1, 1)})
	wantClass(t, "a seller that only warns sells", err, 0)
	if len(v.Warnings) != 0 {
		t.Errorf("the buyer sees the seller's warning: %+v", v.Warnings)
	}
	rv, err := w.quotes.Get(ctx, w.As(w.Reseller), v.ID)
	wantClass(t, "the seller reads it", err, 0)
	if len(rv.Warnings) != 1 || rv.Warnings[0].Code != quote.NegativeMargin || rv.Warnings[0].Margin != -10000 {
		t.Errorf("the seller is warned %+v", rv.Warnings)
	}
	op, err := w.quotes.Get(ctx, w.As(w.Root), v.ID)
	wantClass(t, "the operator reads it", err, 0)
	if len(op.Warnings) != 0 {
		t.Errorf("the operator sees the reseller's warning: %+v", op.Warnings)
	}
	w.policy(t, w.Reseller, pricing.PolicyApprove)
	_, err = w.create(t, w.As(w.Customer), quote.Input{Term: w.month(1, 1)})
	wantClass(t, "what needs an approval is not sold without", err, fault.ClassPrecondition)
}

func TestRebateHasNoPriceOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.terms(t, w.Root, w.Root, w.Reseller, pricing.ModeRebate, "0.1")
	w.View(func(r store.Reader) {
		_, _, err := w.quotes.PriceTx(r, quote.PriceInput{
			BuyerOrg: w.Reseller.ID, ProductID: w.product.ID, Quantity: 1, Periods: 1, List: dec(t, "1"), At: w.Clock.Now(),
		})
		wantClass(t, "a reseller on commission cannot buy for itself", err, fault.ClassPrecondition)
	})
}

func TestListAmountFromTheCloud(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := quote.ListInput{BuyerOrg: w.Customer.ID, ProductID: w.product.ID, Term: w.month(3, 1), Region: "r9"}
	got, err := w.quotes.ListAmount(t.Context(), in)
	wantClass(t, "the plugin quotes", err, 0)
	if got.Amount.String() != "3000" || got.Source != quote.SourcePlugin || got.Currency != "CNY" {
		t.Errorf("listed %+v", got)
	}
	q := w.Cloud.Questions()[0]
	if q.Call.Org != w.Customer.ID || q.Call.Region != "r9" || q.Kind != "instance" || q.Change != contract.ChangeCreate ||
		string(q.Spec) != `{"flavour":"small"}` || q.Term != in.Term || q.Call.Account.Credentials["private_key"].IsZero() {
		t.Errorf("the cloud was asked %+v", q)
	}
	asked := func(reason string, want int) {
		t.Helper()
		if n := len(w.Cloud.Questions()); n != want {
			t.Errorf("%s: the cloud was asked %d times, want %d", reason, n, want)
		}
	}
	again := func(edit func(*quote.ListInput)) {
		x := in
		edit(&x)
		_, err := w.quotes.ListAmount(t.Context(), x)
		wantClass(t, "ask again", err, 0)
	}
	again(func(*quote.ListInput) {})
	asked("the same question", 1)
	again(func(x *quote.ListInput) { x.BuyerOrg = w.Second.ID })
	asked("the same question by another buyer of the same account", 1)
	again(func(x *quote.ListInput) { x.Spec = json.RawMessage(`{"flavour":"large"}`) })
	asked("another spec", 2)
	again(func(x *quote.ListInput) { x.Term = w.month(3, 2) })
	asked("another term", 3)
	again(func(x *quote.ListInput) { x.Change, x.ResourceID = contract.ChangeRenew, "i-1" })
	asked("another change", 4)
	w.Clock.Advance(time.Minute)
	again(func(*quote.ListInput) {})
	asked("after its time the answer is asked for again", 5)
}

func TestListAmountRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unpriced := w.newProduct(t, "p2", "")
	answer := func(q contract.Quote, err error) func() {
		return func() {
			w.Cloud.Set(func(c *providertest.Cloud) {
				c.Desc.Capabilities = []contract.Capability{contract.CapQuote}
				c.OnQuote = func(contract.QuoteRequest) (contract.Quote, error) { return q, err }
			})
		}
	}
	steps := []struct {
		reason string
		cloud  func()
		edit   func(*quote.ListInput)
		class  fault.Class
		want   string
		source quote.Source
	}{
		{"another currency is not mixed in", answer(contract.Quote{Currency: "USD", List: "1"}, nil), nil, fault.ClassPrecondition, "", ""},
		{"a part without a price makes no price", answer(contract.Quote{Currency: "CNY", List: "1", Lines: []contract.QuoteLine{{Name: "disk", Problem: "sold out"}}}, nil), nil, fault.ClassPrecondition, "", ""},
		{"an unreadable price is the plugin's fault", answer(contract.Quote{Currency: "CNY", List: "1e9"}, nil), nil, fault.ClassInternal, "", ""},
		{"so is a negative one", answer(contract.Quote{Currency: "CNY", List: "-1"}, nil), nil, fault.ClassInternal, "", ""},
		{"but a refund is negative", answer(contract.Quote{Currency: "CNY", List: "-1"}, nil), func(in *quote.ListInput) { in.Change, in.ResourceID = contract.ChangeRelease, "i-1" }, 0, "-1", quote.SourcePlugin},
		{"the cloud's refusal keeps its class", answer(contract.Quote{}, fault.New(fault.ClassOutOfStock, "none left")), nil, fault.ClassOutOfStock, "", ""},
		{"what the plugin cannot quote has its list price", answer(contract.Quote{}, fault.Unsupported("no")), nil, 0, "2000", quote.SourceProduct},
		{"but not for a release", answer(contract.Quote{}, fault.Unsupported("no")), func(in *quote.ListInput) { in.Change, in.ResourceID = contract.ChangeRelease, "i-2" }, fault.ClassUnsupported, "", ""},
		{"a failure is not remembered", answer(contract.Quote{Currency: "CNY", List: "77"}, nil), nil, 0, "77", quote.SourcePlugin},
		{"without a quoting plugin the list price counts", w.noQuotes, func(in *quote.ListInput) { in.Term = w.month(5, 2) }, 0, "10000", quote.SourceProduct},
		{"a list price is for one kind of period", w.noQuotes, func(in *quote.ListInput) { in.Term.Period = contract.PeriodYear }, fault.ClassInvalid, "", ""},
		{"no price at all", w.noQuotes, func(in *quote.ListInput) { in.ProductID = unpriced.ID }, fault.ClassPrecondition, "", ""},
		{"a term out of bounds", w.noQuotes, func(in *quote.ListInput) { in.Term.Quantity = 1001 }, fault.ClassInvalid, "", ""},
		{"billing that is not offered", w.noQuotes, func(in *quote.ListInput) { in.Term.Billing = contract.BillingPostpay }, fault.ClassInvalid, "", ""},
		{"a spec that is no JSON", w.noQuotes, func(in *quote.ListInput) { in.Spec = json.RawMessage(`{`) }, fault.ClassInvalid, "", ""},
		{"a product that does not exist", w.noQuotes, func(in *quote.ListInput) { in.ProductID = "none" }, fault.ClassNotFound, "", ""},
		{"a buyer of another root", w.noQuotes, func(in *quote.ListInput) { in.BuyerOrg = w.Foreign.ID }, fault.ClassNotFound, "", ""},
		{"an org that nothing serves", w.noQuotes, func(in *quote.ListInput) { in.BuyerOrg = w.Sub.ID }, fault.ClassPrecondition, "", ""},
	}
	for _, s := range steps {
		w.Clock.Advance(time.Second)
		s.cloud()
		in := quote.ListInput{BuyerOrg: w.Customer.ID, ProductID: w.product.ID, Term: w.month(2, 1)}
		if s.edit != nil {
			s.edit(&in)
		}
		if s.class != 0 || s.source == quote.SourceProduct && s.want == "10000" {
			w.Clock.Advance(time.Hour) // forget what the plugin could
		}
		got, err := w.quotes.ListAmount(t.Context(), in)
		wantClass(t, s.reason, err, s.class)
		if err == nil && (got.Amount.String() != s.want || got.Source != s.source) {
			t.Errorf("%s: listed %s from %s", s.reason, got.Amount, got.Source)
		}
	}
}

func TestForeignProductIsAsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.product.ID
	text := func(product string) string {
		_, err := w.quotes.Create(t.Context(), w.As(w.Foreign), quote.Input{ProductID: product})
		if err == nil {
			t.Fatal("another root's product was priced")
		}
		return strings.ReplaceAll(err.Error(), product, "ID")
	}
	if here, nowhere := text(id), text("019a0000-0000-7000-8000-000000000000"); here != nowhere {
		t.Errorf("another root's product answers %q, a missing one %q", here, nowhere)
	}
}

func TestListAmountSingleFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const callers = 16
	inside, goOn := make(chan struct{}, callers), make(chan struct{})
	w.Cloud.Set(func(c *providertest.Cloud) {
		c.OnQuote = func(contract.QuoteRequest) (contract.Quote, error) {
			inside <- struct{}{}
			<-goOn
			return contract.Quote{Currency: "CNY", List: "7"}, nil
		}
	})
	in := quote.ListInput{BuyerOrg: w.Customer.ID, ProductID: w.product.ID, Term: w.month(1, 1)}
	first, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	ask := func(ctx context.Context) {
		defer wg.Done()
		if got, err := w.quotes.ListAmount(ctx, in); err != nil || got.Amount.String() != "7" {
			t.Errorf("listed %+v, error %v", got, err)
		}
	}
	wg.Add(1)
	go ask(first)
	<-inside
	for range callers - 1 {
		wg.Add(1)
		go ask(t.Context())
	}
	stop() // the one who asks goes away: the others still get their answer
	close(goOn)
	wg.Wait()
	if n := len(w.Cloud.Questions()); n != 1 {
		t.Errorf("the cloud was asked %d times", n)
	}
}

func TestCreateRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noQuotes()
	for _, c := range []struct {
		reason string
		as     access.Caller
		org    string
		class  fault.Class
	}{
		{"a customer for itself", w.As(w.Customer), "", 0},
		{"its user too", w.As(w.Customer, access.RoleCustomerUser), "", 0},
		{"its reseller for it", w.As(w.Reseller), w.Customer.ID, 0},
		{"the operator for it", w.As(w.Root), w.Customer.ID, 0},
		{"not another customer", w.As(w.Second), w.Customer.ID, fault.ClassNotFound},
		{"not the sub-reseller", w.As(w.Sub), w.Customer.ID, fault.ClassNotFound},
		{"not another root", w.As(w.Foreign), w.Customer.ID, fault.ClassNotFound},
		{"not finance", w.As(w.Root, access.RoleFinance), w.Customer.ID, fault.ClassForbidden},
		{"not for a provider", w.As(w.Root), w.Commercial.ID, fault.ClassPrecondition},
	} {
		_, err := w.create(t, c.as, quote.Input{OrgID: c.org, Term: w.month(1, 1)})
		wantClass(t, c.reason, err, c.class)
	}
	_, err := w.create(t, w.As(w.Customer), quote.Input{ProductID: "none"})
	wantClass(t, "no such product", err, fault.ClassNotFound)
	if _, err := w.catalog.SetState(t.Context(), w.As(w.Root), w.product.ID, catalog.StateDisabled, 0); err != nil {
		t.Fatal(err)
	}
	_, err = w.create(t, w.As(w.Customer), quote.Input{Term: w.month(1, 1)})
	wantClass(t, "a product off sale", err, fault.ClassPrecondition)
}

func TestOwnedProductIsForItsBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noQuotes()
	_, err := w.catalog.Update(t.Context(), w.As(w.Root), catalog.UpdateInput{ID: w.product.ID, Text: catalog.Text{OwnerOrg: w.Sub.ID}})
	fatal(t, err)
	_, err = w.create(t, w.As(w.SubCustomer), quote.Input{Term: w.month(1, 1)})
	wantClass(t, "below its owner", err, 0)
	_, err = w.create(t, w.As(w.Customer), quote.Input{Term: w.month(1, 1)})
	wantClass(t, "beside its owner it does not exist", err, fault.ClassNotFound)
}

func TestGetAndList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noQuotes()
	ctx := t.Context()
	var ids []string
	for range 7 {
		v, err := w.create(t, w.As(w.Customer), quote.Input{})
		fatal(t, err)
		ids = append(ids, v.ID)
	}
	other, err := w.create(t, w.As(w.Second), quote.Input{})
	fatal(t, err)
	for _, c := range []struct {
		reason string
		as     access.Caller
		class  fault.Class
		want   int
	}{
		{"the buyer", w.As(w.Customer), 0, 7},
		{"its seller sees its buyers'", w.As(w.Reseller), 0, 8},
		{"the operator sees all", w.As(w.Root), 0, 8},
		{"another customer", w.As(w.Second), fault.ClassNotFound, 1},
		{"an org beside", w.As(w.Sub), fault.ClassNotFound, 0},
		{"another root", w.As(w.Foreign), fault.ClassNotFound, 0},
		{"a salesperson without customers sees only its own org's", w.As(w.Reseller, access.RoleResellerSales), fault.ClassNotFound, 0},
	} {
		v, err := w.quotes.Get(ctx, c.as, ids[0])
		wantClass(t, c.reason, err, c.class)
		if err == nil && len(v.Price.Legs) == 0 {
			t.Errorf("%s: sees no leg", c.reason)
		}
		page, err := w.quotes.List(ctx, c.as, quote.Query{Limit: 50})
		if err != nil || len(page.Items) != c.want || page.Next != "" {
			t.Errorf("%s: lists %d, next %q, error %v", c.reason, len(page.Items), page.Next, err)
		}
	}
	for _, reverse := range []bool{false, true} {
		var got []string
		q := quote.Query{Limit: 3, Reverse: reverse, OrgID: w.Customer.ID}
		for {
			page, err := w.quotes.List(ctx, w.As(w.Reseller), q)
			fatal(t, err)
			for _, v := range page.Items {
				got = append(got, v.ID)
			}
			if q.Cursor = page.Next; page.Next == "" {
				break
			}
		}
		want := append([]string(nil), ids...)
		if reverse {
			for i, j := 0, len(want)-1; i < j; i, j = i+1, j-1 {
				want[i], want[j] = want[j], want[i]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages, reverse %v (-want +got):\n%s", reverse, diff)
		}
	}
	_, err = w.quotes.List(ctx, w.As(w.Customer), quote.Query{Limit: 0})
	wantClass(t, "no limit", err, fault.ClassInvalid)
	_, err = w.quotes.List(ctx, w.As(w.Customer), quote.Query{Limit: 1, Cursor: "x"})
	wantClass(t, "a wrong cursor", err, fault.ClassInvalid)
	_, err = w.quotes.Get(ctx, w.As(w.Customer), other.ID+"x")
	wantClass(t, "no such quote", err, fault.ClassNotFound)
}

func TestWriteBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noQuotes()
	ctx := t.Context()
	v, err := w.create(t, w.As(w.Customer), quote.Input{})
	fatal(t, err)
	before := w.stored(t, v.ID)
	fatal(t, w.quotes.Close(ctx))
	fresh, err := quote.New(w.quotes.Config)
	fatal(t, err)
	w.View(func(r store.Reader) {
		q, ok, err := fresh.FindTx(r, v.ID)
		if err != nil || !ok {
			t.Fatalf("after Close the quote is not stored: %v", err)
		}
		if diff := cmp.Diff(before, q, cmp.Comparer(func(a, b money.Decimal) bool { return a.Equal(b) })); diff != "" {
			t.Errorf("stored differently (-memory +store):\n%s", diff)
		}
	})
	got, err := fresh.Get(ctx, w.As(w.Customer), v.ID)
	if err != nil || got.Price.Legs[0].Amount != v.Price.Legs[0].Amount {
		t.Errorf("read back %+v, error %v", got, err)
	}
	w.Clock.Advance(31 * time.Minute)
	if q := w.stored(t, v.ID); !q.Expired(w.Clock.Now()) {
		t.Error("the quote binds after its time")
	}
	if n, err := fresh.Trim(ctx); err != nil || n != 0 {
		t.Errorf("trimmed %d too early, error %v", n, err)
	}
	w.Clock.Advance(8 * 24 * time.Hour)
	if n, err := fresh.Trim(ctx); err != nil || n != 1 {
		t.Errorf("trimmed %d, error %v", n, err)
	}
	_, err = fresh.Get(ctx, w.As(w.Customer), v.ID)
	wantClass(t, "trimmed it is gone", err, fault.ClassNotFound)
	page, err := fresh.List(ctx, w.As(w.Customer), quote.Query{Limit: 5})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("its index rows stay: %d, error %v", len(page.Items), err)
	}
}

// failing refuses writes until told otherwise.
type failing struct {
	store.Store
	mu    sync.Mutex
	fails int
}

func (f *failing) Update(ctx context.Context, fn func(store.Tx) error) error {
	f.mu.Lock()
	f.fails--
	broken := f.fails >= 0
	f.mu.Unlock()
	if broken {
		return fault.Unavailable("the disk is full")
	}
	return f.Store.Update(ctx, fn)
}

func TestFlusherRetriesAndStops(t *testing.T) {
	t.Parallel()
	bad := &failing{fails: 1}
	w := newWorld(t, func(c *quote.Config) {
		bad.Store = c.Store
		c.Store = bad
	})
	w.noQuotes()
	fatal(t, w.quotes.Start(t.Context()))
	if err := w.quotes.Start(t.Context()); err == nil {
		t.Error("started twice")
	}
	v, err := w.create(t, w.As(w.Customer), quote.Input{})
	fatal(t, err)
	durable := func() (ok bool) {
		fresh, err := quote.New(w.quotes.Config)
		fatal(t, err)
		w.View(func(r store.Reader) {
			_, ok, err = fresh.FindTx(r, v.ID)
			fatal(t, err)
		})
		return ok
	}
	for end := time.Now().Add(10 * time.Second); !durable(); {
		if time.Now().After(end) {
			t.Fatal("the quote was never stored")
		}
		if w.Clock.Waiters() > 0 {
			w.Clock.Advance(time.Second)
		}
	}
	last, err := w.create(t, w.As(w.Customer), quote.Input{})
	fatal(t, err)
	fatal(t, w.quotes.Close(t.Context()))
	v = last
	if !durable() {
		t.Error("Close lost a quote")
	}
}

func TestFullBufferMakesCreateWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *quote.Config) { c.Buffer = 2 })
	w.noQuotes()
	for range 2 {
		_, err := w.create(t, w.As(w.Customer), quote.Input{})
		fatal(t, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		_, err := w.quotes.Create(ctx, w.As(w.Customer), quote.Input{ProductID: w.product.ID})
		stopped <- err
	}()
	stop()
	if err := <-stopped; err == nil {
		t.Error("a full buffer took a third quote")
	}
	fatal(t, w.quotes.Flush(t.Context()))
	_, err := w.create(t, w.As(w.Customer), quote.Input{})
	wantClass(t, "after a flush there is room", err, 0)
}

func TestQuotesFlushedWhileRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noQuotes()
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 40 {
				v, err := w.quotes.Create(context.WithoutCancel(t.Context()), w.As(w.Customer), quote.Input{ProductID: w.product.ID})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := w.quotes.Get(t.Context(), w.As(w.Customer), v.ID); err != nil {
					t.Errorf("a quote vanished: %v", err)
				}
			}
		}()
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for open := true; open; {
		select {
		case <-done:
			open = false
		default:
			if err := w.quotes.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	page, err := w.quotes.List(t.Context(), w.As(w.Customer), quote.Query{Limit: 1000})
	if err != nil || len(page.Items) != 320 {
		t.Errorf("listed %d of 320, error %v", len(page.Items), err)
	}
}

func TestMovedOrgSeesNoOldChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noQuotes()
	v, err := w.create(t, w.As(w.Customer), quote.Input{})
	fatal(t, err)
	_, err = w.Tenants.MoveOrg(t.Context(), access.System(w.Root.ID), tenant.MoveOrgInput{OrgID: w.Customer.ID, ParentID: w.Sub.ID})
	fatal(t, err)
	_, err = w.quotes.Get(t.Context(), w.As(w.Sub), v.ID)
	wantClass(t, "a new seller has no part in an old quote", err, fault.ClassNotFound)
	moved, err := w.Tenants.GetOrg(t.Context(), access.System(w.Root.ID), w.Customer.ID)
	fatal(t, err)
	next, err := w.create(t, w.As(moved.Value), quote.Input{})
	fatal(t, err)
	if q := w.stored(t, next.ID); len(q.Result.Legs) != 4 {
		t.Errorf("the new quote has %d legs", len(q.Result.Legs))
	}
	if strings.Contains(mustJSON(t, next), w.Root.ID) {
		t.Error("the buyer's view names an org above its seller")
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	fatal(t, err)
	return string(raw)
}
