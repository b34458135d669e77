package quote_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/access"
	"tradewind.example/core/catalog"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/provider"
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

func TestFloorIsForThePeriodThatIsPriced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	months, hours := []contract.Period{contract.PeriodMonth, contract.PeriodYear, contract.PeriodHour}, []contract.Period{contract.PeriodHour, contract.PeriodDay}
	cases := map[string]struct {
		reason  string
		periods []contract.Period // that the product is offered for
		period  contract.Period
		n       int
		price   money.Amount // of a floor of 30.00
		class   fault.Class
	}{
		"Month": {reason: "the period that the price is for", periods: months, period: contract.PeriodMonth, n: 2, price: 6000},
		"Year":  {reason: "a year has twelve months", periods: months, period: contract.PeriodYear, n: 2, price: 24 * 3000},
		"Day":   {reason: "a day has 24 hours", periods: hours, period: contract.PeriodDay, n: 1, price: 24 * 3000},
		"Hour":  {reason: "an hour must not cost what a month does", periods: months, period: contract.PeriodHour, n: 1, class: fault.ClassInvalid},
	}
	for name, tc := range cases {
		facts := catalog.Facts{
			Kind: "instance", Name: name, Currency: "CNY", Spec: json.RawMessage(`{"flavour":"small"}`),
			Billing: []contract.BillingMethod{contract.BillingPrepaid}, Periods: tc.periods,
		}
		p, err := w.catalog.Create(t.Context(), w.As(w.Root), catalog.CreateInput{ProviderID: w.provider.ID, VendorID: name, Facts: facts})
		fatal(t, err)
		w.line(t, w.Root, w.Commercial, w.Root, pricing.ModeFloor, "10", p.ID)
		w.line(t, w.Root, w.Root, w.Reseller, pricing.ModeFloor, "20", p.ID)
		w.line(t, w.Reseller, w.Reseller, w.Customer, pricing.ModeFloor, "30", p.ID)
		v, err := w.create(t, w.As(w.Customer), quote.Input{
			ProductID: p.ID, Term: contract.Term{Billing: contract.BillingPrepaid, Period: tc.period, Periods: tc.n, Quantity: 1},
		})
		wantClass(t, tc.reason, err, tc.class)
		if err == nil && v.Price.Legs[0].Amount != tc.price {
			t.Errorf("%s: %d, want %d", tc.reason, v.Price.Legs[0].Amount, tc.price)
		}
	}
}

func TestWhatIsPaidByUseIsNotSold(t *testing.T) {
	t.Parallel()
	const prepaid, use = contract.BillingPrepaid, contract.BillingPostpay
	cases := map[string]struct {
		reason  string
		offered []contract.BillingMethod
		asked   contract.BillingMethod
		billing contract.BillingMethod // of the quote
		class   fault.Class
	}{
		"ByUse":    {reason: "the price of an hour must not be all that is ever paid", offered: []contract.BillingMethod{prepaid, use}, asked: use, class: fault.ClassUnsupported},
		"OnlyUse":  {reason: "nothing else is offered", offered: []contract.BillingMethod{use}, class: fault.ClassUnsupported},
		"UseFirst": {reason: "what can be sold is taken where nothing is asked for", offered: []contract.BillingMethod{use, prepaid}, billing: prepaid},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			facts := catalog.Facts{
				Kind: "instance", Name: name, Currency: "CNY", Spec: json.RawMessage(`{"flavour":"small"}`),
				Billing: tc.offered, Periods: []contract.Period{contract.PeriodMonth, contract.PeriodHour},
			}
			p, err := w.catalog.Create(t.Context(), w.As(w.Root), catalog.CreateInput{ProviderID: w.provider.ID, VendorID: name, Facts: facts})
			fatal(t, err)
			v, err := w.create(t, w.As(w.Customer), quote.Input{ProductID: p.ID, Term: contract.Term{Billing: tc.asked}})
			wantClass(t, tc.reason, err, tc.class)
			if v.Term.Billing != tc.billing {
				t.Errorf("%s: billed %q, want %q", tc.reason, v.Term.Billing, tc.billing)
			}
			if n := len(w.Cloud.Questions()); err != nil && n != 0 {
				t.Errorf("%s: the cloud was asked %d times for a price", tc.reason, n)
			}
		})
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
	for i := range 7 {
		v, err := w.create(t, w.As(w.Customer), quote.Input{})
		fatal(t, err)
		ids = append(ids, v.ID)
		if i%3 == 1 { // pages begin and end within what one flush stored
			fatal(t, w.quotes.Flush(ctx))
		}
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

func TestAChangeIsAskedInTheAccountOfTheResource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	var old string
	w.View(func(r store.Reader) {
		route, err := w.Providers.RouteTx(r, w.Customer.ID, w.provider.ID, provider.PurposeOrder)
		fatal(t, err)
		old = route.EnablementID
	})
	w.Grant(w.provider, w.Root, w.Customer, false)
	own := w.Enable(w.provider, w.Customer, providertest.Key("own"), false)
	ask := func(enablementID string) string {
		t.Helper()
		_, err := w.quotes.ListAmount(ctx, quote.ListInput{
			BuyerOrg: w.Customer.ID, ProductID: w.product.ID, Change: contract.ChangeRenew, ResourceID: "vm-1",
			EnablementID: enablementID, Term: w.month(1, 1),
		})
		fatal(t, err)
		all := w.Cloud.Questions()
		return all[len(all)-1].Call.Account.ID
	}
	if got := ask(old); got != old {
		t.Errorf("a resource of the account %q is asked for in %q", old, got)
	}
	if got := ask(""); got != own.ID {
		t.Errorf("a purchase of today is asked for in %q, want the buyer's own account %q", got, own.ID)
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

func TestMovedOrgIsListedWhereItStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noQuotes()
	v, err := w.create(t, w.As(w.Customer), quote.Input{})
	fatal(t, err)
	_, err = w.Tenants.MoveOrg(t.Context(), access.System(w.Root.ID), tenant.MoveOrgInput{OrgID: w.Customer.ID, ParentID: w.Root.ID})
	fatal(t, err)
	moved, err := w.Tenants.GetOrg(t.Context(), access.System(w.Root.ID), w.Customer.ID)
	fatal(t, err)
	for _, c := range []struct {
		reason string
		as     access.Caller
		class  fault.Class
		want   int
	}{
		{"the buyer still has what it was offered", w.As(moved.Value), 0, 1},
		{"a former seller reads it no more, and does not list it", w.As(w.Reseller), fault.ClassNotFound, 0},
	} {
		_, err := w.quotes.Get(t.Context(), c.as, v.ID)
		wantClass(t, c.reason, err, c.class)
		page, err := w.quotes.List(t.Context(), c.as, quote.Query{Limit: 10})
		if err != nil || len(page.Items) != c.want {
			t.Errorf("%s: %d, %v, want %d", c.reason, len(page.Items), err, c.want)
		}
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	fatal(t, err)
	return string(raw)
}
