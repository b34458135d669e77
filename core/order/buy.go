package order

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"tradewind.example/core/access"
	"tradewind.example/core/catalog"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/provider"
	"tradewind.example/core/quote"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Buy places an order: it is priced, its money is held on every leg that is
// paid at once, and it is stored with its token and job, all in one
// transaction or not at all. The cloud is called by the job. The same request
// with the same key returns the same order.
func (s *Service) Buy(ctx context.Context, c access.Caller, in BuyInput) (View, error) {
	if in.OrgID == "" {
		in.OrgID = c.OrgID
	}
	if err := in.Validate(); err != nil {
		return View{}, err
	}
	body, err := idempotency.HashOf(in)
	if err != nil {
		return View{}, err
	}
	q := request{
		caller: c, right: access.OrderCreate, target: access.Target{OrgID: in.OrgID, Thing: "order"},
		scope: "order.buy", key: in.IdempotencyKey, body: body,
	}
	look, err := s.lookBeforeBuying(ctx, q, in)
	if err != nil || look.earlier != nil {
		return s.answer(ctx, c, look.earlier, err)
	}
	if q.findable, err = s.checkSpec(ctx, look, in); err != nil {
		return View{}, err
	}
	if err := s.listFor(ctx, in, &look); err != nil {
		return View{}, err
	}
	o, err := s.place(ctx, q, func(tx store.Tx, o *Order) error { return s.draftBuy(tx, o, in, look) })
	return s.answer(ctx, c, &o, err)
}

// purchase is what is known of a purchase before its transaction.
type purchase struct {
	earlier *Order
	product catalog.Product
	plugin  string
	term    contract.Term
	quote   *quote.Quote
	list    money.Decimal
}

// lookBeforeBuying refuses what cannot be bought before the cloud is asked for
// a price.
func (s *Service) lookBeforeBuying(ctx context.Context, q request, in BuyInput) (purchase, error) {
	var out purchase
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		out = purchase{}
		o, found, err := s.earlier(r, q)
		if err != nil {
			return err
		}
		if found {
			out.earlier = &o
			return nil
		}
		var route provider.Route
		if out.product, out.term, route, err = s.onSale(r, in); err != nil {
			return err
		}
		out.plugin = route.Plugin
		out.quote, err = s.quoteFor(r, in, out.product, out.term)
		return err
	})
	return out, err
}

// onSale returns the product when the org may order it now, and the term
// completed by what the product offers. A product of a provider of another root,
// or of a reseller that it does not buy from, does not exist for it.
func (s *Service) onSale(r store.Reader, in BuyInput) (catalog.Product, contract.Term, provider.Route, error) {
	p, err := s.cfg.Catalog.ProductTx(r, in.ProductID)
	if err != nil {
		return p, in.Term, provider.Route{}, err
	}
	route, err := s.cfg.Accounts.RouteTx(r, in.OrgID, p.ProviderID, provider.PurposeOrder)
	if fault.Is(err, fault.ClassNotFound) {
		return p, in.Term, route, fault.NotFound("product", in.ProductID)
	}
	if err != nil {
		return p, in.Term, route, err
	}
	if err := s.owned(r, &p, in.OrgID); err != nil {
		return p, in.Term, route, err
	}
	if !p.InEffect(s.cfg.Clock.Now()) {
		return p, in.Term, route, fault.Precondition("product %q is not on sale now", in.ProductID)
	}
	term, err := quote.TermFor(&p, in.Term)
	return p, term, route, err
}

// owned hides a reseller's own product from whoever is not below that reseller.
func (s *Service) owned(r store.Reader, p *catalog.Product, buyer string) error {
	if p.OwnerOrg == "" {
		return nil
	}
	path, err := s.cfg.Directory.PathTx(r, buyer)
	if err == nil && !slices.Contains(path, p.OwnerOrg) {
		err = fault.NotFound("product", p.ID)
	}
	return err
}

// checkSpec holds the specification against the schema of the kind, so that
// nothing is held for an order that no cloud can carry out. While nobody can
// tell the schema, the plugin's own check at the purchase has to do. It also
// tells whether purchases of the kind can be found by their token.
func (s *Service) checkSpec(ctx context.Context, look purchase, in BuyInput) (findable bool, err error) {
	d, err := s.cfg.Plugins.Describe(ctx, look.plugin)
	if err != nil {
		return false, nil //nolint:nilerr // a plugin that is down does not keep its orders from being taken
	}
	i := slices.IndexFunc(d.Kinds, func(k contract.KindDescription) bool { return k.Name == look.product.Kind })
	if i < 0 {
		return false, nil
	}
	findable = slices.Contains(d.Kinds[i].Verbs, contract.VerbFindByToken)
	if _, err := s.cfg.Plugins.Plugin(look.plugin); err != nil {
		findable = false // nobody takes the call now: the order waits, held, and can be cancelled
	}
	return findable, s.schemas.Check("spec", d.Kinds[i].Spec, specOf(in, look.product))
}

// quoteFor returns the quote that the buyer names, when it still binds and is
// for exactly this request.
func (s *Service) quoteFor(r store.Reader, in BuyInput, p catalog.Product, term contract.Term) (*quote.Quote, error) {
	if in.QuoteID == "" {
		return nil, nil
	}
	q, found, err := s.cfg.Pricer.FindTx(r, in.QuoteID)
	if err != nil {
		return nil, err
	}
	if !found || q.OrgID != in.OrgID {
		return nil, fault.NotFound("quote", in.QuoteID)
	}
	if q.Expired(s.cfg.Clock.Now()) {
		return nil, fault.Precondition("quote %q has expired: ask for a new one", in.QuoteID)
	}
	if q.ProductID != in.ProductID || q.Term != term || !sameSpec(specOf(in, p), q.Spec, p.Spec) {
		return nil, fault.Invalid("quote_id", "is for another product, specification or term")
	}
	return &q, nil
}

func specOf(in BuyInput, p catalog.Product) json.RawMessage {
	if len(in.Spec) > 0 {
		return in.Spec
	}
	return p.Spec
}

// sameSpec compares what is ordered with what was quoted; a quote without a
// specification was for the product's own.
func sameSpec(ordered, quoted, product json.RawMessage) bool {
	if len(quoted) == 0 {
		quoted = product
	}
	var a, b bytes.Buffer
	if len(ordered) == 0 || len(quoted) == 0 {
		return len(ordered) == len(quoted)
	}
	if json.Compact(&a, ordered) != nil || json.Compact(&b, quoted) != nil {
		return false
	}
	return bytes.Equal(a.Bytes(), b.Bytes())
}

// listFor finds the list amount outside any transaction, because the cloud may
// have to be asked. A quote already holds it.
func (s *Service) listFor(ctx context.Context, in BuyInput, look *purchase) error {
	if look.quote != nil {
		return nil
	}
	p := look.product
	listed, err := s.cfg.Pricer.ListAmount(ctx, quote.ListInput{
		BuyerOrg: in.OrgID, ProductID: in.ProductID, Change: contract.ChangeCreate,
		Region: p.Region, Zone: p.Zone, Spec: specOf(in, p), Term: look.term,
	})
	if err != nil {
		return fmt.Errorf("asking for the list amount of product %q: %w", in.ProductID, err)
	}
	look.list = listed.Amount
	return nil
}

// draftBuy fills in the order. Everything that may have changed since the look
// is read again, because only this transaction counts.
func (s *Service) draftBuy(tx store.Tx, o *Order, in BuyInput, look purchase) error {
	p, term, route, err := s.onSale(tx, in)
	if err != nil {
		return err
	}
	if o.Path, err = s.cfg.Directory.PathTx(tx, in.OrgID); err != nil {
		return err
	}
	o.Kind, o.OrgID, o.ProviderID, o.EnablementID = KindBuy, in.OrgID, p.ProviderID, route.EnablementID
	o.ProductID, o.ProductName, o.ResourceKind = p.ID, p.Name, p.Kind
	o.Plugin, o.AccountID = route.Plugin, route.AccountID
	o.Region, o.Zone, o.Name, o.Spec, o.Term = p.Region, p.Zone, in.Name, specOf(in, p), term
	if look.quote != nil && sameChain(look.quote.Result, o.Path) {
		o.QuoteID, o.Priced = look.quote.ID, look.quote.Result
		return nil
	}
	if look.quote != nil {
		return fault.Precondition("quote %q was made before the org moved: ask for a new one", in.QuoteID)
	}
	o.Priced, err = s.price(tx, o, look.list)
	return err
}

// price prices the order's chain by the lines in effect now; a floor that would
// break refuses it.
func (s *Service) price(r store.Reader, o *Order, list money.Decimal) (pricing.Result, error) {
	result, _, err := s.cfg.Pricer.PriceTx(r, quote.PriceInput{
		BuyerOrg: o.OrgID, ProductID: o.ProductID, Quantity: o.Term.Quantity, Periods: o.Term.Periods,
		Period: quote.PricedPeriod(o.Term), List: list, At: s.cfg.Clock.Now(),
	})
	if err != nil {
		return result, fmt.Errorf("pricing the order: %w", err)
	}
	return result, result.Check()
}

// sameChain reports whether the priced legs still run down the buyer's path.
func sameChain(r pricing.Result, path []string) bool {
	if len(r.Legs) != len(path) {
		return false
	}
	for i, l := range r.Legs {
		if l.Buyer != path[i] {
			return false
		}
	}
	return true
}
