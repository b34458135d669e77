package quote

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
)

// Input asks for a quote.
type Input struct {
	OrgID     string // the buyer; the caller's own org when ""
	ProductID string
	Spec      json.RawMessage // the product's own when empty
	Term      contract.Term   // completed with what the product offers first
}

// Create prices a product for a buyer and keeps the quote until it expires. The
// answer is the caller's own view of it.
func (s *Service) Create(ctx context.Context, c access.Caller, in Input) (View, error) {
	if in.OrgID == "" {
		in.OrgID = c.OrgID
	}
	ask := ListInput{BuyerOrg: in.OrgID, ProductID: in.ProductID, Spec: in.Spec, Term: in.Term}
	var q *Quote
	var open asked
	err := s.Store.View(ctx, func(r store.Reader) error {
		if err := s.Authority.Check(r, c, access.QuoteCreate, access.Target{OrgID: in.OrgID, Thing: "org"}); err != nil {
			return err
		}
		var err error
		if open, err = s.question(r, ask); err != nil {
			return err
		}
		if listed, ok := s.known(&open); ok {
			q, err = s.draft(r, c, &open, listed, open.at)
		}
		return err
	})
	if err == nil && q == nil {
		q, err = s.createAsking(ctx, c, open)
	}
	if err != nil {
		return View{}, err
	}
	if err := s.buffer.put(ctx, q); err != nil {
		return View{}, err
	}
	return q.View(c.OrgID), nil
}

// createAsking asks the cloud between two transactions.
func (s *Service) createAsking(ctx context.Context, c access.Caller, open asked) (*Quote, error) {
	listed, err := s.ask(ctx, open)
	if err != nil {
		return nil, err
	}
	var q *Quote
	err = s.Store.View(ctx, func(r store.Reader) error {
		q, err = s.draft(r, c, &open, listed, s.Clock.Now())
		return err
	})
	return q, err
}

// draft prices the chain and makes the quote, which gets its id in the buffer.
func (s *Service) draft(r store.Reader, c access.Caller, open *asked, listed Listed, now time.Time) (*Quote, error) {
	p, t := open.product, open.in.Term
	if p.RootID != c.RootID {
		return nil, fault.NotFound("product", p.ID)
	}
	chain, err := s.Orgs.ChainTx(r, open.in.BuyerOrg)
	if err != nil {
		return nil, fmt.Errorf("reading the sale chain: %w", err)
	}
	path := chain[len(chain)-1].Path
	if p.OwnerOrg != "" && !slices.Contains(path, p.OwnerOrg) {
		return nil, fault.NotFound("product", p.ID)
	}
	if !p.InEffect(now) {
		return nil, fault.Precondition("product %q is not on sale now", p.ID)
	}
	result, warnings, err := s.price(r, PriceInput{
		BuyerOrg: open.in.BuyerOrg, ProductID: p.ID, Quantity: t.Quantity, Periods: t.Periods, Period: PricedPeriod(t),
		List: listed.Amount, At: now,
	}, p, chain)
	if err != nil {
		return nil, err
	}
	return &Quote{
		OrgID: open.in.BuyerOrg, RootID: c.RootID, Path: path,
		ProviderID: p.ProviderID, ProductID: p.ID, Kind: p.Kind, Spec: open.in.Spec, Term: t,
		Result: result, Warnings: warnings, Source: listed.Source,
		CreatedBy: c.UserID, Created: now, Expires: now.Add(s.Life),
	}, nil
}

// View is what one org may see of the quote: its own legs, its own margin, its
// own warnings.
func (q *Quote) View(org string) View {
	v := View{
		ID: q.ID, OrgID: q.OrgID, ProviderID: q.ProviderID, ProductID: q.ProductID, Kind: q.Kind, Spec: q.Spec, Term: q.Term,
		Price: q.Result.View(org), Created: q.Created, Expires: q.Expires,
	}
	for _, w := range q.Warnings {
		if w.Org == org {
			v.Warnings = append(v.Warnings, w)
		}
	}
	return v
}

// Get returns the caller's view of a quote. Only orgs of its sale chain have one.
func (s *Service) Get(ctx context.Context, c access.Caller, quoteID string) (View, error) {
	// Memory first: what is not there any more was durable before the
	// transaction below began.
	q, found := s.buffer.find(quoteID)
	err := s.Store.View(ctx, func(r store.Reader) error {
		var err error
		if !found {
			if q, found, err = load(r, quoteID); err != nil {
				return err
			}
		}
		if !found || !slices.Contains(q.Path, c.OrgID) {
			return fault.NotFound("quote", quoteID)
		}
		return s.Authority.Check(r, c, access.QuoteRead, access.Target{OrgID: q.OrgID, Thing: "quote", ID: quoteID})
	})
	if err != nil {
		return View{}, err
	}
	return q.View(c.OrgID), nil
}

// FindTx returns a quote with its whole trace, for the domain: it checks no
// rights. What it points to is shared: treat it as read-only.
func (s *Service) FindTx(r store.Reader, quoteID string) (Quote, bool, error) {
	q, found := s.buffer.find(quoteID)
	if !found {
		var err error
		if q, found, err = load(r, quoteID); err != nil || !found {
			return Quote{}, false, err
		}
	}
	return *q, true, nil
}
