package quote_test

import (
	"encoding/json"
	"testing"

	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/access"
	"tradewind.example/core/catalog"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/provider"
	"tradewind.example/core/provider/providertest"
	"tradewind.example/core/quote"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/core/trade"
)

type world struct {
	*providertest.World
	catalog   *catalog.Service
	protocols *protocol.Service
	quotes    *quote.Service
	provider  provider.Provider
	product   catalog.Product
	known     map[pair]string // protocols by pair and mode
}

type pair struct {
	seller, buyer string
	mode          pricing.Mode
}

func newWorld(t testing.TB, edit ...func(*quote.Config)) *world {
	t.Helper()
	w := &world{World: providertest.New(t), known: map[pair]string{}}
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
	w.protocols, err = protocol.New(protocol.Config{Store: w.Store, Clock: w.Clock, Access: auth, Pairs: pairs})
	fatal(t, err)
	cfg := quote.Config{
		Store: w.Store, Clock: w.Clock, Logger: w.Log, Authority: auth, Orgs: w.Tenants, Catalog: w.catalog,
		Providers: w.Providers, Terms: w.protocols, Plugins: providertest.Plugins[quote.Cloud]{Cloud: w.Cloud},
	}
	for _, e := range edit {
		e(&cfg)
	}
	w.quotes, err = quote.New(cfg)
	fatal(t, err)
	w.product = w.newProduct(t, "p1", "1000")
	return w
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func dec(t testing.TB, s string) money.Decimal {
	t.Helper()
	d, err := money.ParseDecimal(s)
	fatal(t, err)
	return d
}

func (w *world) newProduct(t testing.TB, vendorID, list string) catalog.Product {
	t.Helper()
	f := catalog.Facts{
		Kind: "instance", Name: vendorID, Class: "N", Currency: "CNY", Spec: json.RawMessage(`{"flavour":"small"}`),
		Billing: []contract.BillingMethod{contract.BillingPrepaid, contract.BillingOnce},
		Periods: []contract.Period{contract.PeriodMonth, contract.PeriodYear},
	}
	if list != "" {
		d := dec(t, list)
		f.ListPrice = &d
	}
	p, err := w.catalog.Create(t.Context(), w.As(w.Root), catalog.CreateInput{ProviderID: w.provider.ID, VendorID: vendorID, Facts: f})
	fatal(t, err)
	return p
}

// terms agrees one line between two orgs for the world's product: mode and its
// rate or price.
func (w *world) terms(t testing.TB, keeper, seller, buyer tenant.Org, mode pricing.Mode, number string) protocol.Protocol {
	t.Helper()
	return w.termsFor(t, w.product.ID, keeper, seller, buyer, mode, number)
}

// quotedChain agrees discounts on every leg down to the customer.
func (w *world) quotedChain(t testing.TB) {
	t.Helper()
	w.terms(t, w.Root, w.Commercial, w.Root, pricing.ModeDiscount, "0.60")
	w.terms(t, w.Root, w.Root, w.Reseller, pricing.ModeDiscount, "0.75")
	w.terms(t, w.Reseller, w.Reseller, w.Customer, pricing.ModeDiscount, "0.90")
}

func (w *world) termsFor(t testing.TB, productID string, keeper, seller, buyer tenant.Org, mode pricing.Mode, number string) protocol.Protocol {
	t.Helper()
	d := dec(t, number)
	p, err := w.protocols.Create(t.Context(), w.As(keeper), protocol.CreateInput{
		Seller: seller.ID, Buyer: buyer.ID, Mode: mode, Settle: pricing.SettleRealtime,
	})
	fatal(t, err)
	in := protocol.LineInput{ProtocolID: p.Value.ID, ProductID: productID}
	if mode == pricing.ModeFloor {
		in.Price = &d
	} else {
		in.Rate = &d
	}
	_, err = w.protocols.AddLine(t.Context(), w.As(keeper), in)
	fatal(t, err)
	return p.Value
}

func (w *world) month(quantity, periods int) contract.Term {
	return contract.Term{Billing: contract.BillingPrepaid, Period: contract.PeriodMonth, Periods: periods, Quantity: quantity}
}

// noQuotes makes the plugin one that does not quote.
func (w *world) noQuotes() {
	w.Cloud.Set(func(c *providertest.Cloud) { c.Desc.Capabilities = []contract.Capability{contract.CapOfferings} })
}

func (w *world) create(t testing.TB, as access.Caller, in quote.Input) (quote.View, error) {
	t.Helper()
	if in.ProductID == "" {
		in.ProductID = w.product.ID
	}
	return w.quotes.Create(t.Context(), as, in)
}

// stored returns the quote with its whole trace.
func (w *world) stored(t testing.TB, id string) quote.Quote {
	t.Helper()
	var out quote.Quote
	w.View(func(r store.Reader) {
		q, ok, err := w.quotes.FindTx(r, id)
		if err != nil || !ok {
			t.Fatalf("quote %s: found %v, error %v", id, ok, err)
		}
		out = q
	})
	return out
}

// updateSettle changes the provider's settle mode.
func (w *world) updateSettle(t testing.TB, m pricing.SettleMode) error {
	t.Helper()
	_, err := w.Providers.Update(t.Context(), w.As(w.Root), provider.UpdateInput{ID: w.provider.ID, Settle: m})
	return err
}

// policy changes what an org does about a negative margin.
func (w *world) policy(t testing.TB, org tenant.Org, p pricing.Policy) {
	t.Helper()
	o, err := w.Tenants.GetOrg(t.Context(), access.System(org.RootID), org.ID)
	fatal(t, err)
	profile := o.Value.Profile
	profile.FloorPolicy = p
	_, err = w.Tenants.UpdateOrg(t.Context(), access.System(org.RootID), tenant.UpdateOrgInput{OrgID: org.ID, State: tenant.OrgActive, Profile: profile})
	fatal(t, err)
}
