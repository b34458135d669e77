package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/money"
	"tradewind.example/core/paging"
	"tradewind.example/core/store"
)

// Text is what the operator says of a product; sync never touches it.
type Text struct {
	Description string
	Label       string
	Group       string
	Code        string
	SpecNote    string
	SpecPattern string
	Area        string
	SaleMode    string
	OwnerOrg    string
	From, To    time.Time // when it is on sale, half-open; a zero To is open
}

// Facts is what the provider says of a product: of a synced one, its offering.
type Facts struct {
	Kind      string
	Type      string
	Name      string
	Class     string
	Region    string
	Zone      string
	Currency  money.Currency
	ListPrice *money.Decimal
	Spec      json.RawMessage
	Billing   []contract.BillingMethod
	Periods   []contract.Period
	Attrs     map[string]string
}

// CreateInput describes a product that the operator writes by hand.
type CreateInput struct {
	ProviderID string
	VendorID   string
	Facts      Facts
	Text       Text
}

// Validate returns every wrong field.
func (in CreateInput) Validate() error {
	var f fields
	f.Text("provider_id", in.ProviderID, 1, maxName)
	f.Text("vendor_id", in.VendorID, 1, maxName)
	f.facts(in.Facts)
	f.describes(in.Text)
	return f.Err()
}

// Create adds a product by hand. Sync leaves it alone.
func (s *Service) Create(ctx context.Context, c access.Caller, in CreateInput) (Product, error) {
	if err := in.Validate(); err != nil {
		return Product{}, err
	}
	now := s.Clock.Now()
	p := Product{
		ID: id.New(), RootID: c.RootID, ProviderID: in.ProviderID, VendorID: in.VendorID,
		State: StateActive, Manual: true, Created: now, Updated: now,
	}
	in.Facts.apply(&p)
	in.Text.apply(&p)
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		if err := s.writes(tx, c); err != nil {
			return err
		}
		if err := s.known(tx, c, in.ProviderID); err != nil {
			return err
		}
		if err := s.owner(tx, c, p.OwnerOrg); err != nil {
			return err
		}
		d, err := s.products.Insert(tx, p)
		if fault.Is(err, fault.ClassConflict) {
			return fault.Conflict("the provider has a product with vendor id %q already", in.VendorID).With(err)
		}
		if err != nil {
			return err
		}
		p.Rev = d.Rev
		return s.record(tx, c, access.ProductWrite, "product", p.ID, nil, p)
	})
	if err != nil {
		return Product{}, err
	}
	return p, nil
}

func (f Facts) apply(p *Product) {
	p.Kind, p.Type, p.Name, p.Class, p.Region, p.Zone = f.Kind, f.Type, f.Name, f.Class, f.Region, f.Zone
	p.Currency, p.ListPrice, p.Spec = f.Currency, f.ListPrice, f.Spec
	p.Billing, p.Periods, p.Attrs = f.Billing, f.Periods, f.Attrs
}

func (t Text) apply(p *Product) {
	p.Description, p.Label, p.Group, p.Code = t.Description, t.Label, t.Group, t.Code
	p.SpecNote, p.SpecPattern, p.Area, p.SaleMode, p.OwnerOrg = t.SpecNote, t.SpecPattern, t.Area, t.SaleMode, t.OwnerOrg
	p.From, p.To = t.From.UTC(), t.To.UTC()
}

// writes checks that the caller may write the operator's catalogue.
func (s *Service) writes(r store.Reader, c access.Caller) error {
	return s.Authority.Check(r, c, access.ProductWrite, access.Target{OrgID: c.RootID, Thing: "org", Unnamed: true})
}

// known wants a provider of the caller's root.
func (s *Service) known(r store.Reader, c access.Caller, providerID string) error {
	p, err := s.Providers.ProviderTx(r, providerID)
	if err == nil && p.RootID != c.RootID {
		err = fault.NotFound("provider", providerID)
	}
	return err
}

// owner wants an org that the caller can see to own a product; "" is the
// operator.
func (s *Service) owner(r store.Reader, c access.Caller, org string) error {
	if org == "" {
		return nil
	}
	return s.Authority.Check(r, c, access.OrgRead, access.Target{OrgID: org, Thing: "org", ID: org})
}

// UpdateInput changes a product. Facts can be given only for products written
// by hand: those of the others come from the provider.
type UpdateInput struct {
	ID    string
	Rev   uint64 // 0: whatever it is now
	Text  Text
	Facts *Facts
}

// Validate returns every wrong field.
func (in UpdateInput) Validate() error {
	var f fields
	f.Text("id", in.ID, 1, maxName)
	f.describes(in.Text)
	if in.Facts != nil {
		f.facts(*in.Facts)
	}
	return f.Err()
}

// Update applies an [UpdateInput].
func (s *Service) Update(ctx context.Context, c access.Caller, in UpdateInput) (Product, error) {
	if err := in.Validate(); err != nil {
		return Product{}, err
	}
	return s.change(ctx, c, in.ID, in.Rev, func(p *Product) error {
		in.Text.apply(p)
		if in.Facts == nil {
			return nil
		}
		if !p.Manual {
			return fault.Precondition("the product comes from the provider's catalogue: what it is and costs cannot be changed by hand")
		}
		in.Facts.apply(p)
		return nil
	})
}

// SetState takes a product off sale or puts it back.
func (s *Service) SetState(ctx context.Context, c access.Caller, productID string, state State, rev uint64) (Product, error) {
	if state != StateActive && state != StateDisabled {
		return Product{}, fault.Invalid("state", "must be active or disabled")
	}
	return s.change(ctx, c, productID, rev, func(p *Product) error {
		if p.State == StateWithdrawn && state == StateActive {
			return fault.Precondition("the provider does not offer this product any more")
		}
		p.State = state
		return nil
	})
}

// AcceptPrice makes the pending price the list price, whatever floors it breaks.
func (s *Service) AcceptPrice(ctx context.Context, c access.Caller, productID string, rev uint64) (Product, error) {
	return s.change(ctx, c, productID, rev, func(p *Product) error {
		if p.PendingPrice == nil {
			return fault.Precondition("no price is waiting to be accepted")
		}
		p.ListPrice, p.PendingPrice = p.PendingPrice, nil
		return nil
	})
}

func (s *Service) change(ctx context.Context, c access.Caller, productID string, rev uint64, edit func(*Product) error) (Product, error) {
	var out Product
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		if err := s.writes(tx, c); err != nil {
			return err
		}
		d, err := s.products.Get(tx, productID)
		if err != nil {
			return err
		}
		if d.Value.RootID != c.RootID {
			return fault.NotFound("product", productID)
		}
		out = d.Value
		if err := edit(&out); err != nil {
			return err
		}
		if out.OwnerOrg != d.Value.OwnerOrg {
			if err := s.owner(tx, c, out.OwnerOrg); err != nil {
				return err
			}
		}
		out.Updated = s.Clock.Now()
		now, err := s.products.Update(tx, out, rev)
		if err != nil {
			return err
		}
		out.Rev = now.Rev
		return s.record(tx, c, access.ProductWrite, "product", productID, d.Value, out)
	})
	if err != nil {
		return Product{}, err
	}
	return out, nil
}

// Product returns one product, as the caller may see it. Staff of the operator
// see all; others what they may order now, without prices: list prices are
// somebody's cost.
func (s *Service) Product(ctx context.Context, c access.Caller, productID string) (Product, error) {
	var out Product
	err := s.Store.View(ctx, func(r store.Reader) error {
		p, err := s.ProductTx(r, productID)
		if err != nil {
			return err
		}
		e := s.eyes(r, c)
		ok, err := e.see(&p)
		if err == nil && !ok {
			err = fault.NotFound("product", productID)
		}
		out = p
		return err
	})
	if err != nil {
		return Product{}, err
	}
	return out, nil
}

// eyes decides what one caller sees, within one transaction.
type eyes struct {
	s      *Service
	r      store.Reader
	c      access.Caller
	extent access.Extent
	now    time.Time
	served map[string]view // by provider
}

type view int

const (
	viewNothing view = iota
	viewOffer        // what can be ordered, without prices
	viewAll
)

func (s *Service) eyes(r store.Reader, c access.Caller) *eyes {
	return &eyes{
		s: s, r: r, c: c, extent: s.Authority.Extent(c, access.ProductRead), now: s.Clock.Now(), served: map[string]view{},
	}
}

func (e *eyes) see(p *Product) (bool, error) {
	if p.RootID != e.c.RootID {
		return false, nil
	}
	v, err := e.view(p.ProviderID)
	if err != nil || v == viewAll {
		return v == viewAll, err
	}
	if v == viewNothing || !p.InEffect(e.now) || p.OwnerOrg != "" && !slices.Contains(e.c.Path, p.OwnerOrg) {
		return false, nil
	}
	p.ListPrice, p.PendingPrice = nil, nil
	return true, nil
}

func (e *eyes) view(providerID string) (view, error) {
	switch {
	case e.extent == 0:
		return viewNothing, fault.Forbidden("your roles do not give the right %s", access.ProductRead)
	case e.extent&access.All != 0 || e.c.OrgID == e.c.RootID:
		return viewAll, nil
	}
	if v, ok := e.served[providerID]; ok {
		return v, nil
	}
	p, err := e.s.Providers.ProviderTx(e.r, providerID)
	if err != nil {
		return viewNothing, fmt.Errorf("reading the provider: %w", err)
	}
	v := viewNothing
	if p.OrgID == e.c.OrgID {
		v = viewAll
	} else if ok, err := e.s.Providers.Sells(e.r, e.c.OrgID, providerID); err != nil {
		return viewNothing, err
	} else if ok {
		v = viewOffer
	}
	e.served[providerID] = v
	return v, nil
}

// Filter selects products; empty fields do not restrict.
type Filter struct {
	ProviderID string
	Kind       string
	Class      string
	Region     string
	State      State
	Pending    bool   // only those with a price waiting to be accepted
	Text       string // beginning of the name, in any case
	Sort       string // [SortName], which "" is, or [SortCreated]
	Cursor     string
	Limit      int // 1..store.MaxList
	Reverse    bool
}

// What products can be sorted by.
const (
	SortName    = "name" // in any case
	SortCreated = "created"
)

func (f Filter) query(root string) (store.Query, error) {
	index, err := paging.Sorts{"": "name", SortName: "name", SortCreated: "created"}.Index(f.Sort)
	q := store.Query{Index: index, Prefix: store.Key(root), Cursor: f.Cursor, Limit: f.Limit, Reverse: f.Reverse}
	text := fold(f.Text)
	switch {
	case f.Sort == SortCreated:
	case f.ProviderID != "" && f.Kind != "" && text != "":
		q.Index, q.Prefix = "kind", beginning(f.ProviderID, f.Kind, text)
	case f.ProviderID != "" && f.Kind != "":
		q.Index, q.Prefix = "kind", store.Key(f.ProviderID, f.Kind)
	case f.ProviderID != "" && text != "":
		q.Index, q.Prefix = "provider", beginning(f.ProviderID, text)
	case f.ProviderID != "":
		q.Index, q.Prefix = "provider", store.Key(f.ProviderID)
	case text != "":
		q.Prefix = beginning(root, text)
	}
	return q, err
}

func (f Filter) keeps(p *Product) bool {
	return (f.ProviderID == "" || f.ProviderID == p.ProviderID) && (f.Kind == "" || f.Kind == p.Kind) &&
		(f.Class == "" || f.Class == p.Class) && (f.Region == "" || f.Region == p.Region) &&
		(f.State == "" || f.State == p.State) && (!f.Pending || p.PendingPrice != nil) &&
		beginsWith(fold(p.Name), fold(f.Text))
}

func beginsWith(s, head string) bool { return len(s) >= len(head) && s[:len(head)] == head }

// Page is one page of products. Next is "" at the end.
type Page struct {
	Items []Product
	Next  string
}

// Products lists the products that the caller may see. A page can be shorter
// than its limit and still have a Next.
func (s *Service) Products(ctx context.Context, c access.Caller, in Filter) (Page, error) {
	var f fields
	f.Text("text", in.Text, 0, maxName)
	if err := f.Err(); err != nil {
		return Page{}, err
	}
	q, err := in.query(c.RootID)
	if err != nil {
		return Page{}, err
	}
	var out Page
	err = s.Store.View(ctx, func(r store.Reader) error {
		e := s.eyes(r, c)
		if e.extent == 0 {
			return fault.Forbidden("your roles do not give the right %s", access.ProductRead)
		}
		var failed error
		page, err := paging.Where(r, s.products, q, func(p *Product) bool {
			if failed != nil || !in.keeps(p) {
				return false
			}
			ok, err := e.see(p)
			failed = err
			return ok
		})
		if err == nil {
			err = failed
		}
		out = pageOf(page)
		return err
	})
	if err != nil {
		return Page{}, err
	}
	return out, nil
}

func pageOf(page store.Page[Product]) Page {
	out := Page{Next: page.Next}
	for _, d := range page.Items {
		d.Value.Rev = d.Rev
		out.Items = append(out.Items, d.Value)
	}
	return out
}
