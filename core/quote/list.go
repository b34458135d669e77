package quote

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/catalog"
	"tradewind.example/core/memo"
	"tradewind.example/core/money"
	"tradewind.example/core/provider"
	"tradewind.example/core/schema"
	"tradewind.example/core/store"
)

// listKey names one question to a cloud: the same question by the same account
// has the same answer for a short while.
type listKey struct {
	account    string
	kind       string
	region     string
	zone       string
	change     contract.ChangeKind
	resourceID string
	spec       [sha256.Size]byte
	term       contract.Term
}

// fitKey names a specification that was held against its kind's schema.
type fitKey struct {
	plugin, kind string
	change       contract.ChangeKind
	spec         [sha256.Size]byte
}

// lists remembers the clouds' answers for a while and lets one caller ask for
// all who ask the same at the same time.
type lists struct {
	amounts *memo.Cache[listKey, timed[Listed]]
	quoting *memo.Cache[fitKey, timed[bool]] // the specification fits -> the plugin can quote
	schemas *schema.Cache

	mu      sync.Mutex
	flights map[listKey]*flight
}

type timed[T any] struct {
	value T
	until time.Time
}

type flight struct {
	done chan struct{}
	out  Listed
	err  error
}

func newLists(limit int) *lists {
	return &lists{
		amounts: memo.NewCache[listKey, timed[Listed]](limit),
		quoting: memo.NewCache[fitKey, timed[bool]](limit),
		schemas: schema.NewCache(),
		flights: map[listKey]*flight{},
	}
}

func (l *lists) get(k listKey, now time.Time) (Listed, bool) {
	v, ok := l.amounts.Get(k, 0)
	return v.value, ok && now.Before(v.until)
}

// join returns the flight for the question; lead is set for the one who asks.
func (l *lists) join(k listKey) (f *flight, lead bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f, ok := l.flights[k]; ok {
		return f, false
	}
	// Until it has landed a flight has failed: if it never lands, nobody must
	// take the empty answer for a price of zero.
	f = &flight{done: make(chan struct{}), err: fault.Unavailable("the cloud's price is not known: try again")}
	l.flights[k] = f
	return f, true
}

func (l *lists) land(k listKey, f *flight) {
	l.mu.Lock()
	delete(l.flights, k)
	l.mu.Unlock()
	close(f.done)
}

// asked is one list question, with what is needed to answer it.
type asked struct {
	in      ListInput
	product *catalog.Product // shared
	at      time.Time
	route   provider.Route
	key     listKey
}

// ListAmount finds the list amount of a change: the plugin's quote where the
// plugin quotes, else the product's list price × quantity × periods. It may call
// the cloud: never use it inside a transaction.
func (s *Service) ListAmount(ctx context.Context, in ListInput) (Listed, error) {
	var q asked
	err := s.Store.View(ctx, func(r store.Reader) error {
		var err error
		q, err = s.question(r, in)
		return err
	})
	if err != nil {
		return Listed{}, err
	}
	if out, ok := s.known(&q); ok {
		return out, nil
	}
	return s.ask(ctx, q)
}

// question reads what a list question needs, with all refusals that need no
// cloud.
func (s *Service) question(r store.Reader, in ListInput) (asked, error) {
	q := asked{in: in, at: s.Clock.Now()}
	if err := checkSpec(in.Spec); err != nil {
		return q, err
	}
	var err error
	if q.product, err = s.Catalog.SharedTx(r, in.ProductID); err != nil {
		return q, err
	}
	if q.in.Change == "" {
		q.in.Change = contract.ChangeCreate
	}
	if q.in.Term, err = TermFor(q.product, in.Term); err != nil && q.in.Change == contract.ChangeCreate {
		return q, err
	}
	q.complete()
	q.route, err = s.route(r, &q)
	if fault.Is(err, fault.ClassNotFound) {
		// The product is another root's: for this buyer it does not exist.
		return q, fault.NotFound("product", in.ProductID)
	}
	if err != nil {
		return q, err
	}
	q.key = listKey{
		account: q.route.AccountID, kind: q.product.Kind, region: q.in.Region, zone: q.in.Zone, change: q.in.Change,
		resourceID: in.ResourceID, spec: sha256.Sum256(q.in.Spec), term: q.in.Term,
	}
	return q, nil
}

// route tells through which account the cloud is asked.
func (s *Service) route(r store.Reader, q *asked) (provider.Route, error) {
	if q.in.EnablementID != "" {
		return s.Providers.RouteViaTx(r, q.in.BuyerOrg, q.in.EnablementID, q.purpose())
	}
	return s.Providers.RouteTx(r, q.in.BuyerOrg, q.product.ProviderID, q.purpose())
}

func (s *Service) open(ctx context.Context, r store.Reader, q *asked) (provider.Access, error) {
	if q.in.EnablementID != "" {
		return s.Providers.CallVia(ctx, r, q.in.BuyerOrg, q.in.EnablementID, q.purpose())
	}
	return s.Providers.CallFor(ctx, r, q.in.BuyerOrg, q.product.ProviderID, q.purpose())
}

func (q *asked) complete() {
	if q.in.Region == "" {
		q.in.Region = q.product.Region
	}
	if q.in.Zone == "" {
		q.in.Zone = q.product.Zone
	}
	if len(q.in.Spec) == 0 {
		q.in.Spec = q.product.Spec
	}
}

func (q *asked) purpose() provider.Purpose {
	if q.in.Change == contract.ChangeRelease {
		return provider.PurposeWindDown
	}
	return provider.PurposeOrder
}

// known answers from memory, for a specification that is known to fit: a recent
// answer of the cloud, or the product's list price when the plugin does not quote.
func (s *Service) known(q *asked) (Listed, bool) {
	quotes, ok := s.lists.quoting.Get(q.fit(), 0)
	switch {
	case !ok || !q.at.Before(quotes.until) || q.in.Change == contract.ChangeResize:
		return Listed{}, false // what another size costs depends on the present one
	case quotes.value:
		return s.lists.get(q.key, q.at)
	}
	out, err := q.ownList()
	return out, err == nil
}

func (q *asked) fit() fitKey {
	return fitKey{plugin: q.route.Plugin, kind: q.key.kind, change: q.in.Change, spec: q.key.spec}
}

// fits holds the specification of what would be bought against the schema of its
// kind, so that nobody gets a price for what no cloud can make.
func (s *Service) fits(d contract.Description, q *asked) error {
	if q.in.Change != contract.ChangeCreate {
		return nil
	}
	for i := range d.Kinds {
		if d.Kinds[i].Name == q.product.Kind {
			return s.lists.schemas.Check("spec", d.Kinds[i].Spec, q.in.Spec)
		}
	}
	return nil
}

// ask finds out who can answer, and asks.
func (s *Service) ask(ctx context.Context, q asked) (Listed, error) {
	d, err := s.Plugins.Describe(ctx, q.route.Plugin)
	if err != nil {
		return Listed{}, fmt.Errorf("describing plugin %q: %w", q.route.Plugin, err)
	}
	if err := s.fits(d, &q); err != nil {
		return Listed{}, err
	}
	quotes := slices.Contains(d.Capabilities, contract.CapQuote)
	s.lists.quoting.Put(q.fit(), 0, timed[bool]{value: quotes, until: s.Clock.Now().Add(s.ListLife)})
	if !quotes {
		return q.ownList()
	}
	f, lead := s.lists.join(q.key)
	if !lead {
		select {
		case <-f.done:
			return f.out, f.err
		case <-ctx.Done():
			return Listed{}, fault.Unavailable("the cloud did not answer in time: try again").With(ctx.Err())
		}
	}
	defer s.lists.land(q.key, f)
	// The others wait for this answer: it must not end with this one's caller.
	f.out, f.err = s.askCloud(context.WithoutCancel(ctx), &q)
	if fault.Is(f.err, fault.ClassUnsupported) && (q.in.Change == contract.ChangeCreate || q.in.Change == contract.ChangeRenew) {
		f.out, f.err = q.ownList()
	}
	if f.err == nil && q.in.Change != contract.ChangeResize {
		s.lists.amounts.Put(q.key, 0, timed[Listed]{value: f.out, until: s.Clock.Now().Add(s.ListLife)})
	}
	return f.out, f.err
}

func (s *Service) askCloud(ctx context.Context, q *asked) (Listed, error) {
	ctx, cancel := context.WithTimeout(ctx, s.CallTimeout)
	defer cancel()
	var a provider.Access
	err := s.Store.View(ctx, func(r store.Reader) error {
		var err error
		a, err = s.open(ctx, r, q)
		return err
	})
	if err != nil {
		return Listed{}, err
	}
	cloud, err := s.Plugins.Plugin(a.Plugin)
	if err != nil {
		return Listed{}, fmt.Errorf("finding plugin %q: %w", a.Plugin, err)
	}
	a.Call.Region, a.Call.Zone = q.in.Region, q.in.Zone
	out, err := cloud.Quote(ctx, contract.QuoteRequest{
		Call: a.Call, Change: q.in.Change, Kind: q.product.Kind, Spec: q.in.Spec, ResourceID: q.in.ResourceID, Term: q.in.Term,
	})
	if err != nil {
		return Listed{}, fmt.Errorf("asking the cloud for its price: %w", err)
	}
	return q.read(out)
}

// read takes the cloud's answer apart; only a whole price in the product's
// currency counts.
func (q *asked) read(out contract.Quote) (Listed, error) {
	for _, line := range out.Lines {
		if line.Problem != "" {
			return Listed{}, fault.Precondition("the cloud cannot price %q: %s", line.Name, line.Problem).From(fault.SourceCloud)
		}
	}
	if money.Currency(out.Currency) != q.product.Currency {
		return Listed{}, fault.Precondition("the cloud quotes in %q, the product is sold in %q: ask your seller", out.Currency, q.product.Currency)
	}
	amount, err := money.ParseDecimal(string(out.List))
	if err != nil {
		return Listed{}, fault.Internal(err, "the plugin's quote holds no usable list amount").From(fault.SourcePlugin)
	}
	if amount.Sign() < 0 && q.in.Change != contract.ChangeRelease && q.in.Change != contract.ChangeResize {
		return Listed{}, fault.Internal(nil, "the plugin's quote is negative").From(fault.SourcePlugin)
	}
	return Listed{Amount: amount, Currency: q.product.Currency, Source: SourcePlugin}, nil
}

// ownList is the product's list amount, for plugins that do not quote.
func (q *asked) ownList() (Listed, error) {
	p, t := q.product, q.in.Term
	if q.in.Change != contract.ChangeCreate && q.in.Change != contract.ChangeRenew {
		return Listed{}, fault.Unsupported("the provider's plugin does not quote a %s", q.in.Change)
	}
	if p.ListPrice == nil {
		return Listed{}, fault.Precondition("the product has no list price and the provider's plugin does not quote: ask your seller")
	}
	if t.Billing == contract.BillingPrepaid && len(p.Periods) > 0 && p.Periods[0] != t.Period {
		return Listed{}, fault.Invalid("term.period", "has no list price: %s has", p.Periods[0])
	}
	amount, err := listOf(p, t.Quantity, t.Periods)
	return Listed{Amount: amount, Currency: p.Currency, Source: SourceProduct}, err
}
