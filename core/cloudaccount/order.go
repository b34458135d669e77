package cloudaccount

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Order is one of the cloud's own orders, kept under the cloud's number of it.
type Order struct {
	EnablementID string
	contract.VendorOrder
	ImportID string    `json:",omitzero"` // the import that told it as it is; "" after a change of ours
	Imported time.Time // when the cloud told it so
}

func newOrders() *store.Collection[Order] {
	return store.NewCollection("vendor_order", func(v *Order) string { return rowID(v.EnablementID, v.ID) },
		store.Index[Order]{Name: "created", Keys: func(v *Order) [][]byte {
			return [][]byte{store.Key(v.EnablementID, v.Created)}
		}})
}

func (s *Service) putOrder(tx store.Tx, w *importing, v contract.VendorOrder) (stored, error) {
	return s.keepOrder(tx, w.v.EnablementID, w.v.ID, v)
}

// keepOrder stores an order as the cloud tells it.
func (s *Service) keepOrder(tx store.Tx, enablementID, importID string, v contract.VendorOrder) (stored, error) {
	if v.ID == "" || len(v.ID) > MaxID {
		return unchanged, fault.Internal(nil, "the plugin tells an order whose number has not 1 to %d bytes", MaxID).From(fault.SourcePlugin)
	}
	if err := exact(v.Amount); err != nil {
		return unchanged, fmt.Errorf("reading vendor order %q: %w", v.ID, err)
	}
	v.Created = v.Created.UTC()
	row := Order{EnablementID: enablementID, VendorOrder: v, ImportID: importID, Imported: s.cfg.Clock.Now()}
	return put(tx, s.orders, row, rowID(enablementID, v.ID), func(d *Order) any { return d.VendorOrder })
}

// OrdersInput chooses vendor orders by when they were made.
type OrdersInput struct {
	ListInput
	State      string // the cloud's word
	ResourceID string // the cloud's
}

func (in *OrdersInput) admits(v *Order) bool {
	if in.ResourceID != "" && !slices.Contains(v.ResourceIDs, in.ResourceID) {
		return false
	}
	return in.State == "" || v.State == in.State
}

// Orders returns one page of the vendor orders that were imported.
func (s *Service) Orders(ctx context.Context, c access.Caller, in OrdersInput) (Page[Order], error) {
	return list(ctx, s, c, s.orders, in.ListInput, in.query("created"), in.admits)
}

// GetOrder returns one vendor order that was imported.
func (s *Service) GetOrder(ctx context.Context, c access.Caller, enablementID, number string) (Order, error) {
	var out Order
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		if _, err := s.ownTx(r, c, access.AccountRead, enablementID); err != nil {
			return err
		}
		out, err = s.orderTx(r, enablementID, number)
		return err
	})
	if err != nil {
		return Order{}, err
	}
	return out, nil
}

func (s *Service) orderTx(r store.Reader, enablementID, number string) (Order, error) {
	d, found, err := s.orders.Find(r, rowID(enablementID, number))
	if err == nil && !found {
		err = fault.NotFound("vendor_order", number)
	}
	return d.Value, err
}
