package order

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/paging"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// Get returns an order as the caller's org sees it.
func (s *Service) Get(ctx context.Context, c access.Caller, orderID string) (View, error) {
	var out View
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		d, err := s.orders.Get(r, orderID)
		if err != nil {
			return err
		}
		t := access.Target{OrgID: d.Value.OrgID, Thing: "order", ID: orderID}
		if err := s.cfg.Authority.Check(r, c, access.OrderRead, t); err != nil {
			return err
		}
		out = s.view(r, c, &d.Value)
		return nil
	})
	return out, err
}

// GetTx returns an order whole and without a check of rights, for code that
// already decided.
func (s *Service) GetTx(r store.Reader, orderID string) (Order, error) {
	d, err := s.orders.Get(r, orderID)
	return d.Value, err
}

// List returns one page of the orders within the caller's reach.
func (s *Service) List(ctx context.Context, c access.Caller, q Query) (Page, error) {
	var out Page
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		reach, err := s.cfg.Authority.Reach(r, c, access.OrderRead)
		if err != nil {
			return err
		}
		oldest, some, err := s.oldestWanted(r, q)
		if err != nil || !some {
			return err
		}
		page, err := paging.Until(r, s.orders, q.store(reach, oldest), func(o *Order) (bool, error) {
			if !q.OldestFirst && o.Created.Before(oldest) {
				return false, store.Stop
			}
			if !q.admits(o) {
				return false, nil
			}
			return s.cfg.Authority.Within(r, reach, o.OrgID)
		})
		if err != nil {
			return fmt.Errorf("listing orders: %w", err)
		}
		out = Page{Next: page.Next, Items: make([]View, 0, len(page.Items))}
		for i := range page.Items {
			out.Items = append(out.Items, s.view(r, c, &page.Items[i].Value))
		}
		return nil
	})
	return out, err
}

// oldestWanted returns a time before which no order fits the query, zero when
// any may, and whether one may at all. Open orders are few and young among
// those that have ended: without it, a list of them would read all of those.
func (s *Service) oldestWanted(r store.Reader, q Query) (oldest time.Time, some bool, err error) {
	if q.State == "" || q.State.Final() {
		return q.From, true, nil
	}
	err = s.orders.Each(r, store.Query{Index: "open", Limit: 1}, func(d store.Doc[Order]) error {
		oldest, some = d.Value.Created, true
		return nil
	})
	if err != nil {
		return oldest, some, fmt.Errorf("looking for the oldest open order: %w", err)
	}
	if q.From.After(oldest) {
		oldest = q.From
	}
	return oldest, some, nil
}

// store chooses the narrowest index; admits does the rest. A list that goes on
// from a cursor keeps the bounds it began with, because the cursor is in them.
func (q *Query) store(reach access.Reach, oldest time.Time) store.Query {
	sq := store.Query{Index: "path", Prefix: store.Key(reach.Org), Cursor: q.Cursor, Limit: q.Limit, Reverse: !q.OldestFirst}
	switch {
	case q.Attention:
		sq.Index = "attention"
	case q.ResourceID != "":
		sq.Index, sq.Prefix = "resource", store.Key(q.ResourceID)
	case q.OrgID != "":
		sq.Prefix = store.Key(q.OrgID)
	}
	switch {
	case q.Cursor == "" && !oldest.IsZero():
		sq.From = store.Key(oldest)
	case !q.From.IsZero():
		sq.From = store.Key(q.From)
	}
	if !q.To.IsZero() {
		sq.To = store.Key(q.To)
	}
	return sq
}

func (q *Query) admits(o *Order) bool {
	switch {
	case q.OrgID != "" && o.OrgID != q.OrgID:
		return false
	case q.State != "" && o.State != q.State:
		return false
	case q.Kind != "" && o.Kind != q.Kind:
		return false
	case q.ResourceID != "" && o.ResourceID != q.ResourceID:
		return false
	case q.ProviderID != "" && o.ProviderID != q.ProviderID, q.ProductID != "" && o.ProductID != q.ProductID:
		return false
	}
	return !q.Attention || o.Attention != nil
}

// answer turns a use-case's result into what its caller sees.
func (s *Service) answer(ctx context.Context, c access.Caller, o *Order, err error) (View, error) {
	if err != nil {
		return View{}, err
	}
	if o == nil {
		return View{}, fault.Internal(nil, "a use-case ended without an order")
	}
	var out View
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		out = s.view(r, c, o)
		return nil
	})
	return out, err
}

// view cuts the order to what the caller's org may see: its own legs, and the
// facts for a person only when the caller may decide.
func (s *Service) view(r store.Reader, c access.Caller, o *Order) View {
	v := View{
		ID: o.ID, Kind: o.Kind, OrgID: o.OrgID, ProviderID: o.ProviderID, ProductID: o.ProductID,
		ProductName: o.ProductName, ResourceKind: o.ResourceKind, Region: o.Region, Zone: o.Zone, Name: o.Name,
		Spec: o.Spec, Size: o.Size, Term: o.Term, Price: o.Priced.View(c.OrgID), ResourceID: o.ResourceID,
		ResourceIDs: slices.Clone(o.ResourceIDs), Token: o.Token, State: o.State,
		Transitions: slices.Clone(o.Transitions), Created: o.Created, Updated: o.Updated, Decided: o.Decided,
	}
	if o.OrgID == c.OrgID {
		v.QuoteID = o.QuoteID
	}
	if all := o.charged(); all != nil {
		charged := all.View(c.OrgID)
		v.Charged = &charged
	}
	for _, given := range o.Given {
		v.Refunded = append(v.Refunded, given.View(c.OrgID))
	}
	for _, u := range o.Units {
		v.Units = append(v.Units, u.view())
	}
	if o.Attention != nil {
		v.NeedsAttention = true
		t := access.Target{OrgID: o.OrgID, Thing: "order", ID: o.ID}
		if s.cfg.Authority.Check(r, c, access.OrderAttend, t) == nil {
			v.Attention = o.Attention
		}
	}
	return v
}

func (u *Unit) view() UnitView {
	v := UnitView{No: u.No, State: u.State, ResourceID: u.ResourceID}
	if u.Resource != nil {
		v.VendorID = u.Resource.ID
	}
	if u.Problem != nil {
		v.Problem, v.Class = u.Problem.Message, u.Problem.Class
	}
	return v
}
