package floor_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/catalog"
	"tradewind.example/core/floor"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/provider"
	"tradewind.example/core/provider/providertest"
	"tradewind.example/core/quote"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/core/trade"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// world is an operator that buys at 0.60 of list and sells to a reseller. One
// small product lists at 100, one big one at 1000.
type world struct {
	*providertest.World
	provider  provider.Provider
	catalog   *catalog.Service
	protocols *protocol.Service
	guard     *floor.Guard
	small     catalog.Product
	big       catalog.Product
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: providertest.New(t)}
	auth := w.Tenants.Authority()
	w.provider = w.Serve()
	var err error
	w.catalog, err = catalog.New(catalog.Config{
		Store: w.Store, Clock: w.Clock, Logger: w.Log, Authority: auth, Providers: w.Providers,
		Plugins: providertest.Plugins[catalog.Cloud]{Cloud: w.Cloud}, Jobs: w.Jobs,
	})
	fatal(t, err)
	pairs, err := trade.New(trade.Config{Orgs: w.Tenants, Access: auth})
	fatal(t, err)
	w.protocols, err = protocol.New(protocol.Config{
		Store: w.Store, Clock: w.Clock, Access: auth, Pairs: pairs,
		Guard: func(ctx context.Context, r store.Reader, p protocol.Protocol, l protocol.Line) ([]pricing.Breach, error) {
			return w.guard.Line(ctx, r, p, l)
		},
		GuardDiscount: func(ctx context.Context, r store.Reader, d protocol.Discount) ([]pricing.Breach, error) {
			return w.guard.Discount(ctx, r, d)
		},
	})
	fatal(t, err)
	quotes, err := quote.New(quote.Config{
		Store: w.Store, Clock: w.Clock, Logger: w.Log, Authority: auth, Orgs: w.Tenants, Catalog: w.catalog,
		Providers: w.Providers, Terms: w.protocols, Plugins: providertest.Plugins[quote.Cloud]{Cloud: w.Cloud},
	})
	fatal(t, err)
	w.guard, err = floor.New(floor.Config{Clock: w.Clock, Pricer: quotes, Lines: w.protocols, Products: w.catalog, Buyers: w.Tenants})
	fatal(t, err)
	w.small, w.big = w.product(t, "small", "100"), w.product(t, "big", "1000")
	p := w.agree(t, w.Commercial, w.Root, pricing.ModeDiscount)
	_, err = w.add(t, p, protocol.LineInput{Rate: dec(t, "0.60")})
	fatal(t, err)
	return w
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func dec(t *testing.T, s string) *money.Decimal {
	t.Helper()
	d, err := money.ParseDecimal(s)
	fatal(t, err)
	return &d
}

func (w *world) product(t *testing.T, class, list string) catalog.Product {
	t.Helper()
	p, err := w.catalog.Create(t.Context(), w.As(w.Root), catalog.CreateInput{ProviderID: w.provider.ID, VendorID: class, Facts: catalog.Facts{
		Kind: "instance", Name: class, Class: class, Currency: "CNY", ListPrice: dec(t, list),
		Billing: []contract.BillingMethod{contract.BillingPrepaid}, Periods: []contract.Period{contract.PeriodMonth},
	}})
	fatal(t, err)
	return p
}

// agree makes a protocol that the operator keeps.
func (w *world) agree(t *testing.T, seller, buyer tenant.Org, mode pricing.Mode) string {
	t.Helper()
	p, err := w.protocols.Create(t.Context(), w.As(w.Root), protocol.CreateInput{
		Seller: seller.ID, Buyer: buyer.ID, Mode: mode, Settle: pricing.SettlePeriod,
	})
	fatal(t, err)
	return p.Value.ID
}

func (w *world) add(t *testing.T, protocolID string, in protocol.LineInput) (protocol.SavedLine, error) {
	t.Helper()
	in.ProtocolID = protocolID
	return w.protocols.AddLine(t.Context(), w.As(w.Root), in)
}

func TestLinesAreRehearsedAtSave(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		mode    pricing.Mode
		line    func(*testing.T, *world) protocol.LineInput
		refused bool
	}{
		"Product": {
			reason: "60 of 100 is the cost", mode: pricing.ModeFloor, refused: true,
			line: func(t *testing.T, w *world) protocol.LineInput {
				return protocol.LineInput{ProductID: w.small.ID, Price: dec(t, "59.99")}
			},
		},
		"ProductAtCost": {
			reason: "a margin of nothing is not negative", mode: pricing.ModeFloor,
			line: func(t *testing.T, w *world) protocol.LineInput {
				return protocol.LineInput{ProductID: w.small.ID, Price: dec(t, "60")}
			},
		},
		"Class": {
			reason: "a class line sells its products below their cost", mode: pricing.ModeDiscount, refused: true,
			line: func(t *testing.T, _ *world) protocol.LineInput {
				return protocol.LineInput{Class: "big", Rate: dec(t, "0.59")}
			},
		},
		"ClassFloor": {
			reason: "a floor that covers the small product does not cover the big one", mode: pricing.ModeFloor, refused: true,
			line: func(t *testing.T, _ *world) protocol.LineInput {
				return protocol.LineInput{Class: "big", Price: dec(t, "61")}
			},
		},
		"OtherClass": {
			reason: "a class without products sells nothing", mode: pricing.ModeDiscount,
			line: func(t *testing.T, _ *world) protocol.LineInput {
				return protocol.LineInput{Class: "huge", Rate: dec(t, "0.10")}
			},
		},
		"Default": {
			reason: "a default sells every product", mode: pricing.ModeDiscount, refused: true,
			line: func(t *testing.T, _ *world) protocol.LineInput {
				return protocol.LineInput{Rate: dec(t, "0.5999")}
			},
		},
		"GoodDefault": {
			reason: "above the cost it is saved", mode: pricing.ModeDiscount,
			line: func(t *testing.T, _ *world) protocol.LineInput {
				return protocol.LineInput{Rate: dec(t, "0.61")}
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, err := w.add(t, w.agree(t, w.Root, w.Reseller, tc.mode), tc.line(t, w))
			if fault.Is(err, fault.ClassPrecondition) != tc.refused || !tc.refused && err != nil {
				t.Errorf("%s: %v", tc.reason, err)
			}
		})
	}
}

// TestLinesThatDecideNothing: a default below cost is fine where a better line
// prices every product.
func TestLinesThatDecideNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.agree(t, w.Root, w.Reseller, pricing.ModeDiscount)
	for _, in := range []protocol.LineInput{
		{ProductID: w.small.ID, Rate: dec(t, "0.9")}, {Class: "big", Rate: dec(t, "0.9")}, {Rate: dec(t, "0.1")},
	} {
		if _, err := w.add(t, p, in); err != nil {
			t.Errorf("adding %+v: %v", in, err)
		}
	}
	if _, err := w.add(t, p, protocol.LineInput{Class: "small", Rate: dec(t, "0.1")}); err != nil {
		t.Errorf("a class line beside the line of its only product: %v", err)
	}
}

func TestWarningNamesTheWorstMargin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o, err := w.Tenants.GetOrg(t.Context(), w.As(w.Root), w.Root.ID)
	fatal(t, err)
	profile := o.Value.Profile
	profile.FloorPolicy = pricing.PolicyWarn
	_, err = w.Tenants.UpdateOrg(t.Context(), w.As(w.Root), tenant.UpdateOrgInput{OrgID: w.Root.ID, State: o.Value.State, Profile: profile})
	fatal(t, err)
	saved, err := w.add(t, w.agree(t, w.Root, w.Reseller, pricing.ModeDiscount), protocol.LineInput{Rate: dec(t, "0.5")})
	fatal(t, err)
	if diff := cmp.Diff([]protocol.Warning{{Margin: -100_00}}, saved.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestRisesFindEveryKindOfFloor(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]func(*world) protocol.LineInput{
		"product": func(w *world) protocol.LineInput { return protocol.LineInput{ProductID: w.small.ID} },
		"class":   func(*world) protocol.LineInput { return protocol.LineInput{Class: "small"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			in := line(w)
			in.Price = dec(t, "90")
			_, err := w.add(t, w.agree(t, w.Root, w.Reseller, pricing.ModeFloor), in)
			fatal(t, err)
			for list, want := range map[string][]string{"150": nil, "151": {w.Root.ID}} {
				var got []string
				w.View(func(r store.Reader) {
					got, err = w.guard.Rise(t.Context(), r, w.small, *dec(t, list))
				})
				fatal(t, err)
				if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
					t.Errorf("a rise to %s over a floor of 90 (-want +got):\n%s", list, diff)
				}
			}
		})
	}
}

func TestUnifiedDiscountsAreRehearsed(t *testing.T) {
	t.Parallel()
	for rate, refused := range map[string]bool{"0.59": true, "0.60": false} {
		t.Run(rate, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, err := w.protocols.SetDiscount(t.Context(), w.As(w.Root), protocol.DiscountInput{ProductID: w.small.ID, Rate: *dec(t, rate)})
			if fault.Is(err, fault.ClassPrecondition) != refused || !refused && err != nil {
				t.Errorf("a unified discount of %s at a cost of 0.60: %v", rate, err)
			}
		})
	}
}
