package app

import (
	"context"
	"time"

	"tradewind.example/core/catalog"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/sdk/fault"
)

// guardLine, guardDiscount and floorBreaks close the circle between prices and their guard:
// the guard prices chains with the quotes, which need protocols and catalogue,
// which ask the guard when something is saved.
func (a *App) guardLine(ctx context.Context, r store.Reader, p protocol.Protocol, l protocol.Line) ([]pricing.Breach, error) {
	return a.floors.Line(ctx, r, p, l)
}

func (a *App) guardDiscount(ctx context.Context, r store.Reader, d protocol.Discount) ([]pricing.Breach, error) {
	return a.floors.Discount(ctx, r, d)
}

func (a *App) floorBreaks(ctx context.Context, r store.Reader, p catalog.Product, price money.Decimal) ([]string, error) {
	return a.floors.Rise(ctx, r, p, price)
}

// productExists refuses lines for products of another root.
func (a *App) productExists(r store.Reader, root, product string) error {
	p, err := a.catalog.ProductTx(r, product)
	if err != nil {
		return err
	}
	if p.RootID != root {
		return fault.NotFound("product", product)
	}
	return nil
}

// worksFor reports whether a user belongs to an org.
func (a *App) worksFor(r store.Reader, org, user string) (bool, error) {
	u, err := a.tenants.UserTx(r, user)
	if fault.Is(err, fault.ClassNotFound) {
		return false, nil
	}
	return u.OrgID == org, err
}

// calendars tells settlement how a pair settles: the protocol's template, in
// the seller's time zone.
type calendars struct {
	protocols *protocol.Service
	tenants   *tenant.Service
}

// CalendarTx returns the pair's template and the seller's zone.
func (c calendars) CalendarTx(r store.Reader, seller, buyer string, at time.Time) (template, zone string, err error) {
	org, err := c.tenants.OrgTx(r, seller)
	if err != nil {
		return "", "", err
	}
	template, err = c.protocols.TemplateTx(r, seller, buyer, at)
	return template, org.TimeZone, err
}

// keeper returns whose staff settle for a seller: a cloud's own org stands
// outside the tree, and its root's staff keep its statements.
func (a *App) keeper(r store.Reader, seller string) (string, error) {
	org, err := a.tenants.OrgTx(r, seller)
	switch {
	case fault.Is(err, fault.ClassNotFound):
		return seller, nil // refused like what is foreign
	case err != nil:
		return "", err
	case org.Kind == tenant.KindProvider:
		return org.RootID, nil
	}
	return seller, nil
}

func currency(s string) money.Currency { return money.Currency(s) }
