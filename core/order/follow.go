package order

import (
	"context"
	"fmt"
	"slices"

	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
)

// followBatch bounds the orders of one transaction of [Service.Follow].
const followBatch = 200

// Follow puts the orders of a moved org, and of all below it, under the sellers
// that it has now, so that these find them in their lists. An order that is not
// decided is at work and is left alone; Follow reports whether there are such,
// and is to be called again then. It may be stopped at any point.
func (s *Service) Follow(ctx context.Context, org string) (left bool, err error) {
	cursor := ""
	for {
		var page store.Page[Order]
		err := s.cfg.Store.Update(ctx, func(tx store.Tx) (err error) {
			q := store.Query{Index: "path", Prefix: store.Key(org), Cursor: cursor, Limit: followBatch}
			if page, err = s.orders.List(tx, q); err != nil {
				return err
			}
			for _, d := range page.Items {
				open, err := s.follow(tx, d)
				if err != nil {
					return err
				}
				left = left || open
			}
			return nil
		})
		if err != nil {
			return left, fmt.Errorf("moving the orders of org %q: %w", org, err)
		}
		if cursor = page.Next; cursor == "" {
			return left, nil
		}
	}
}

func (s *Service) follow(tx store.Tx, d store.Doc[Order]) (open bool, err error) {
	path, err := s.cfg.Directory.PathTx(tx, d.Value.OrgID)
	if err != nil || slices.Equal(path, d.Value.Path) {
		return false, err
	}
	if d.Value.Decided.IsZero() {
		return true, nil
	}
	o := d.Value
	o.Path = slices.Clone(path)
	_, err = s.orders.Update(tx, o, d.Rev)
	return false, err
}

// Holds names what of an org keeps it from being deleted: orders that are not
// decided, by which it is going to owe or to be owed.
func (s *Service) Holds(r store.Reader, org string) ([]string, error) {
	open := 0
	err := s.orders.Each(r, store.Query{Index: "open", Limit: store.NoLimit}, func(d store.Doc[Order]) error {
		if d.Value.concerns(org) {
			open++
		}
		return nil
	})
	if err != nil || open == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("%d orders that are not decided", open)}, nil
}

// InAccount reports whether an order that is not decided uses the account of an
// enablement.
func (s *Service) InAccount(r store.Reader, enablementID string) (used bool, err error) {
	err = s.orders.Each(r, store.Query{Index: "open", Limit: store.NoLimit}, func(d store.Doc[Order]) error {
		if used = d.Value.AccountID == enablementID; used {
			return store.Stop
		}
		return nil
	})
	return used, err
}

func (o *Order) concerns(org string) bool {
	return o.OrgID == org || slices.ContainsFunc(o.Priced.Legs, func(l pricing.Leg) bool {
		return l.Seller == org || l.Buyer == org
	})
}
