package protocol

import (
	"context"
	"fmt"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/id"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// SetDiscount sets a seller's unified discount for a product from an instant
// that is not past, and closes the one that applied until then.
func (s *Service) SetDiscount(ctx context.Context, c access.Caller, in DiscountInput) (store.Doc[Discount], error) {
	if in.Seller == "" {
		in.Seller = c.OrgID
	}
	if err := in.Validate(); err != nil {
		return store.Doc[Discount]{}, err
	}
	var out store.Doc[Discount]
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		err := s.cfg.Access.Check(tx, c, access.DiscountWrite, access.Target{OrgID: in.Seller, Thing: "discount"})
		if err != nil {
			return err
		}
		if s.cfg.Product != nil {
			if err := s.cfg.Product(tx, c.RootID, in.ProductID); err != nil {
				return err
			}
		}
		if out, err = s.insertDiscount(tx, c, in); err != nil {
			return err
		}
		return s.guardDiscount(ctx, tx, out.Value)
	})
	if err != nil {
		return store.Doc[Discount]{}, fmt.Errorf("setting a unified discount: %w", err)
	}
	return out, nil
}

func (s *Service) insertDiscount(tx store.Tx, c access.Caller, in DiscountInput) (store.Doc[Discount], error) {
	var none store.Doc[Discount]
	now := s.now()
	d := Discount{
		ID: id.New(), Seller: in.Seller, ProductID: in.ProductID, Rate: in.Rate,
		From: exact(in.From), To: exact(in.To), Actor: c.Actor(), Created: now,
	}
	if d.From.IsZero() {
		d.From = now
	}
	switch {
	case d.From.Before(now):
		return none, fault.Invalid("from", "must not be in the past: prices are never changed backwards")
	case !d.To.IsZero() && !d.To.After(d.From):
		return none, fault.Invalid("to", "must be after from")
	}
	if err := s.closeOpenDiscount(tx, d); err != nil {
		return none, err
	}
	t := unifiedTrack(d.Seller, d.ProductID)
	if other, overlaps, err := t.clash(tx, d.From, d.To); err != nil {
		return none, err
	} else if overlaps {
		return none, clashFault(other)
	}
	doc, err := s.discounts.Insert(tx, d)
	if err != nil {
		return none, err
	}
	if err := t.put(tx, discountRow(d)); err != nil {
		return none, err
	}
	return doc, s.audit(tx, c, d.Seller, audit.Record{Action: "discount.create", Thing: "discount", ID: d.ID, After: d})
}

func discountRow(d Discount) row {
	return row{from: d.From, to: d.To, mode: pricing.ModeDiscount, rate: d.Rate, sourceID: d.ID}
}

func (s *Service) closeOpenDiscount(tx store.Tx, d Discount) error {
	t := unifiedTrack(d.Seller, d.ProductID)
	open, found, err := t.at(tx, d.From)
	if err != nil || !found {
		return err
	}
	if open.from.Equal(d.From) {
		return clashFault(open)
	}
	doc, err := s.discounts.Get(tx, open.sourceID)
	if err != nil {
		return err
	}
	doc.Value.To = d.From
	if _, err := s.discounts.Update(tx, doc.Value, doc.Rev); err != nil {
		return err
	}
	return t.put(tx, discountRow(doc.Value))
}

// CloseDiscountInput ends a unified discount.
type CloseDiscountInput struct {
	ID  string
	Rev uint64    // the revision that was read; 0: any
	At  time.Time // zero: now. Not in the past; at or before its From a scheduled one never applies
}

// CloseDiscount ends a unified discount without a successor.
func (s *Service) CloseDiscount(ctx context.Context, c access.Caller, in CloseDiscountInput) (store.Doc[Discount], error) {
	var out store.Doc[Discount]
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		doc, err := s.discounts.Get(tx, in.ID)
		if err != nil {
			return err
		}
		target := access.Target{OrgID: doc.Value.Seller, Thing: "discount", ID: in.ID}
		if err := s.cfg.Access.Check(tx, c, access.DiscountWrite, target); err != nil {
			return err
		}
		before := doc.Value
		after, err := s.closedDiscount(before, in)
		if err != nil {
			return err
		}
		if out, err = s.discounts.Update(tx, after, in.Rev); err != nil {
			return err
		}
		if err := unifiedTrack(after.Seller, after.ProductID).put(tx, discountRow(after)); err != nil {
			return err
		}
		return s.audit(tx, c, after.Seller, audit.Record{
			Action: "discount.close", Thing: "discount", ID: after.ID, Before: before, After: after,
		})
	})
	if err != nil {
		return store.Doc[Discount]{}, fmt.Errorf("closing a unified discount: %w", err)
	}
	return out, nil
}

func (s *Service) closedDiscount(d Discount, in CloseDiscountInput) (Discount, error) {
	now, at := s.now(), exact(in.At)
	if at.IsZero() {
		at = now
	}
	if at.Before(now) {
		return d, fault.Invalid("at", "must not be in the past: prices are never changed backwards")
	}
	if !d.To.IsZero() && !at.Before(d.To) {
		return d, fault.Precondition("discount %q ends at %s already", d.ID, d.To.Format(time.RFC3339))
	}
	d.To = later(at, d.From)
	return d, nil
}

// GetDiscount returns a unified discount to its seller.
func (s *Service) GetDiscount(ctx context.Context, c access.Caller, id string) (store.Doc[Discount], error) {
	var out store.Doc[Discount]
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		doc, err := s.discounts.Get(r, id)
		if err != nil {
			return err
		}
		out = doc
		return s.cfg.Access.Check(r, c, access.DiscountRead, access.Target{OrgID: doc.Value.Seller, Thing: "discount", ID: id})
	})
	if err != nil {
		return store.Doc[Discount]{}, err
	}
	return out, nil
}

// DiscountsQuery asks for a seller's unified discounts.
type DiscountsQuery struct {
	Seller    string // empty: the caller's own organisation
	ProductID string // empty: of all products
	Cursor    string
	Limit     int  // 1..store.MaxList
	Reverse   bool // by product the other way round, newest first
}

// ListDiscounts lists a seller's unified discounts by product, oldest first,
// ended ones included.
func (s *Service) ListDiscounts(ctx context.Context, c access.Caller, q DiscountsQuery) (store.Page[Discount], error) {
	if q.Seller == "" {
		q.Seller = c.OrgID
	}
	prefix := store.Key(q.Seller)
	if q.ProductID != "" {
		prefix = store.Key(q.Seller, q.ProductID)
	}
	var page store.Page[Discount]
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		err := s.cfg.Access.Check(r, c, access.DiscountRead, access.Target{OrgID: q.Seller, Thing: "discount"})
		if err != nil {
			return err
		}
		page, err = s.discounts.List(r, store.Query{Index: discountsBySeller, Prefix: prefix, Cursor: q.Cursor, Limit: q.Limit, Reverse: q.Reverse})
		return err
	})
	return page, err
}
