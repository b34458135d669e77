package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/billing"
	"tradewind.example/core/id"
	"tradewind.example/core/ledger"
	"tradewind.example/core/order"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/sdk/clock"
)

// growth measures the order rate again after the store has grown.
func (b *bench) growth(ctx context.Context, k *broker, c *cast, before float64) error {
	b.say("storing %d orgs", b.orgs)
	orgs, err := c.found(b.orgs)
	if err != nil {
		return err
	}
	var one made
	if err := c.customers[0].pay("/v1/orders", id.New(), c.purchase(), &one); err != nil {
		return err
	}
	if err := k.process.kill(); err != nil {
		return err
	}
	b.say("storing %d orders", b.stored)
	if err := b.fill(ctx, k.storePath(), one.ID, orgs); err != nil {
		return fmt.Errorf("storing orders: %w", err)
	}
	b.say("starting the broker on that store")
	took, err := k.start(ctx)
	if err != nil {
		return err
	}
	c.moved(k.url)
	if err := c.sees(orgs[len(orgs)-1]); err != nil {
		return err
	}
	var values []float64
	var last rate
	for range b.rounds {
		if last, err = b.orderRound(ctx, k, c, customers, false); err != nil {
			return err
		}
		values = append(values, last.perSecond)
	}
	t := ratioAtLeast(0.80)
	f := b.report.add(figure{
		Name: "orders at 64, grown", What: fmt.Sprintf("the same with %d orgs and %d orders stored", b.orgs, b.stored), Unit: "/s", Bare: "the same on the small store",
		Details: map[string]float64{"p50_us": micros(last.p50), "p99_us": micros(last.p99), "ready_s": round3(took.Seconds()), "cpu_us": micros(last.cpu)},
	}, values, []float64{before}, &t)
	b.say("%g orders/s for %v CPU each, before %g/s", f.Value, last.cpu, f.Limit)
	return nil
}

// grown is a customer org of the growth curve and the path to it.
type grown struct {
	id   string
	path []string
}

// found makes customers below the resellers over REST.
func (c *cast) found(n int) ([]grown, error) {
	out := make([]grown, n)
	errs := make([]error, customers)
	var group sync.WaitGroup
	for w := range customers {
		group.Go(func() {
			for i := w; i < n && errs[w] == nil; i += customers {
				var org made
				r := c.resellers[i%resellers]
				errs[w] = r.post("/v1/orgs", map[string]any{"kind": "customer", "parent_id": r.org, "name": "grown-" + strconv.Itoa(i), "floor_policy": "block"}, &org)
				out[i] = grown{id: org.ID, path: []string{c.operator.org, r.org, org.ID}}
			}
		})
	}
	group.Wait()
	return out, errors.Join(errs...)
}

// sees checks that the broker takes the stored orders for its own.
func (c *cast) sees(g grown) error {
	var page struct {
		Items []struct {
			State string `json:"state"`
		} `json:"items"`
	}
	if err := c.operator.get("/v1/orders?limit=10&org_id="+g.id, &page); err != nil {
		return err
	}
	if len(page.Items) == 0 || page.Items[0].State != "active" {
		return fmt.Errorf("the broker does not see the stored orders of org %s", g.id)
	}
	return nil
}

// chargedEvery is which part of the stored orders has its bills and postings
// too: all would take longer to write than the rest of the run.
const chargedEvery = 10

// filler writes orders that were delivered long ago.
type filler struct {
	orders   *store.Collection[order.Order]
	bills    *billing.Service
	template order.Order
	orgs     []grown
}

// fill stores orders like the one with that id, spread over the orgs.
func (b *bench) fill(ctx context.Context, path, like string, orgs []grown) (err error) {
	db, err := bolt.Open(bolt.Options{Path: path, Logger: slog.New(slog.DiscardHandler), LockTimeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	f, err := newFiller(ctx, db, like, orgs)
	if err != nil {
		return err
	}
	const chunk = 25_000
	for from := 0; from < b.stored; from += chunk {
		err := db.Update(ctx, func(tx store.Tx) error {
			for n := from; n < min(from+chunk, b.stored); n++ {
				if err := f.add(tx, n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
	return nil
}

func newFiller(ctx context.Context, db *bolt.DB, like string, orgs []grown) (*filler, error) {
	auth, err := access.New(access.Config{Directory: alone{}})
	if err != nil {
		return nil, err
	}
	books, err := ledger.New(ledger.Config{Clock: clock.Real{}})
	if err != nil {
		return nil, err
	}
	f := &filler{orgs: orgs, orders: orderRows()}
	if f.bills, err = billing.New(billing.Config{Store: db, Ledger: books, Authority: auth}); err != nil {
		return nil, err
	}
	return f, db.View(ctx, func(r store.Reader) error {
		d, err := f.orders.Get(r, like)
		f.template = d.Value
		return err
	})
}

// orderRows is the part of the broker's collection that orders which are over
// have entries in; [cast.sees] finds out when the two drift apart.
func orderRows() *store.Collection[order.Order] {
	return store.NewCollection("order", func(o *order.Order) string { return o.ID },
		store.Index[order.Order]{Name: "path", Keys: func(o *order.Order) [][]byte {
			out := make([][]byte, 0, len(o.Path))
			for _, org := range o.Path {
				out = append(out, store.Key(org, o.Created))
			}
			return out
		}})
}

func (f *filler) add(tx store.Tx, n int) error {
	o := f.delivered(n)
	if n%chargedEvery == 0 {
		receipt, err := f.bills.ChargeTx(tx, billing.Charge{
			Facts:     billing.Facts{RootID: o.RootID, OrderID: o.ID, ProviderID: o.ProviderID, ProductID: o.ProductID, ProductName: o.ProductName, Actor: o.Actor, Key: "order/" + o.ID + "/charge"},
			Operation: billing.OperationBuy, Held: o.Priced, Result: o.Priced,
		})
		if err != nil {
			return err
		}
		o.TransactionID = receipt.TransactionID
	}
	if _, err := f.orders.Insert(tx, o); err != nil {
		return err
	}
	return audit.Append(tx, audit.Record{
		Time: o.Created, Actor: o.Actor, Org: o.OrgID, Root: o.RootID, Action: "order.create", Thing: "order", ID: o.ID, RequestID: o.RequestID,
	})
}

// delivered is the template as an order of another org that is active.
func (f *filler) delivered(n int) order.Order {
	o, g := f.template, f.orgs[n%len(f.orgs)]
	o.ID, o.Token, o.IdempotencyKey = id.New(), "tw-"+id.New(), "grown-"+strconv.Itoa(n)
	o.OrgID, o.Path, o.HoldID = g.id, g.path, ""
	o.State, o.Created = order.StateActive, time.Now().UTC()
	o.Updated, o.Decided = o.Created, o.Created
	o.Priced.Legs = slices.Clone(o.Priced.Legs)
	for i := range o.Priced.Legs {
		l := &o.Priced.Legs[i]
		l.Buyer, l.Settle = g.path[i], pricing.SettlePeriod
		if i > 0 {
			l.Seller = g.path[i-1]
		}
	}
	o.Priced.Margins = slices.Clone(o.Priced.Margins)
	for i := range o.Priced.Margins {
		o.Priced.Margins[i].Org = g.path[i]
	}
	o.ChargedAll = true
	return o
}
