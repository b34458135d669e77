package widget

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/sdk/fault"
)

// Claim is an amount of one widget in one cluster that somebody has taken, in
// the type's smallest unit.
type Claim struct {
	WidgetID  string     `json:"widget_id"`
	ClusterID string     `json:"cluster_id"`
	Type      price.Type `json:"type"`
	Model     string     `json:"model"`
	Amount    int64      `json:"amount"`
}

// Claims are what n times the parts take from a cluster, one for each widget.
func Claims(centreID, clusterID string, parts []price.Part, n int64) ([]Claim, error) {
	sums := map[string]Claim{}
	for i, p := range parts {
		amount, err := p.Smallest()
		if err != nil {
			return nil, fault.Invalid(fmt.Sprintf("spec.parts[%d]", i), "%s", fault.As(err).Message)
		}
		id := idOf(centreID, p.Type, p.Model)
		sum := sums[id]
		sums[id] = Claim{WidgetID: id, ClusterID: clusterID, Type: p.Type, Model: p.Model, Amount: sum.Amount + amount*n}
	}
	out := make([]Claim, 0, len(sums))
	for _, id := range slices.Sorted(maps.Keys(sums)) {
		if sums[id].Amount > 0 {
			out = append(out, sums[id])
		}
	}
	return out, nil
}

// Move adds to a change that what was claimed is given back and what is wanted is
// taken. Too little stock is an out_of_stock fault. It succeeds only with the
// rest of the change, and only while nobody else moved the same widgets.
func (b Book) Move(ctx context.Context, c *area.Change, claimed, wanted []Claim) error {
	type place struct{ widget, cluster string }
	differs := map[place]int64{}
	names := map[place]Claim{}
	for _, x := range claimed {
		differs[place{x.WidgetID, x.ClusterID}] -= x.Amount
		names[place{x.WidgetID, x.ClusterID}] = x
	}
	for _, x := range wanted {
		differs[place{x.WidgetID, x.ClusterID}] += x.Amount
		names[place{x.WidgetID, x.ClusterID}] = x
	}
	rows := map[string]area.Row[row]{}
	for at, n := range differs {
		if n == 0 {
			continue
		}
		r, seen := rows[at.widget]
		if !seen {
			var err error
			if r, err = widgets.Find(ctx, b.Area, at.widget); err != nil {
				return err
			}
		}
		if err := r.Value.take(r.Revision, names[at], n); err != nil {
			return err
		}
		rows[at.widget] = r
	}
	for id, r := range rows {
		c.Replace(widgets.Key(id), r.Revision, r.Value)
	}
	return nil
}

// take changes what is taken by n, which is negative for giving back.
func (r *row) take(revision uint64, x Claim, n int64) error {
	if revision == 0 {
		return fault.Precondition("无效的 %s 部件型号: %s", x.Type, x.Model)
	}
	r.Shares = slices.Clone(r.Shares)
	at := r.share(x.ClusterID)
	switch {
	case at == nil:
		return r.short(0, n)
	case n > 0 && at.Stock-at.Consumed < n:
		return r.short(at.Stock-at.Consumed, n)
	case at.Consumed+n < 0:
		return fault.Internal(nil, "more of widget %q is given back than was taken", r.ID)
	}
	at.Consumed += n
	return nil
}

func (r *row) short(left, wanted int64) error {
	return fault.OutOfStock("%s %s 库存不足 (库存: %s, 请求: %s)", r.Type, r.Model, price.In(r.Type, left, r.Unit), price.In(r.Type, wanted, r.Unit))
}

// Shelf is what a centre sells now, from one cluster or, for "", from all.
func (b Book) Shelf(ctx context.Context, centreID, clusterID string) (price.Shelf, error) {
	all, err := widgets.All(ctx, b.Area, mostWidgets, func(r row) bool { return r.CentreID == centreID })
	out := price.Shelf{}
	for _, r := range all {
		v := r.Value
		if out[v.Type] == nil {
			out[v.Type] = map[string]price.Offer{}
		}
		out[v.Type][v.Model] = price.Offer{Rate: v.rate(), Available: v.available(clusterID)}
	}
	return out, err
}

// CardsOn is how many cards of each model are left, in one cluster or, for "",
// in all of the centre's.
func (b Book) CardsOn(ctx context.Context, centreID, clusterID string) (map[string]int64, error) {
	shelf, err := b.Shelf(ctx, centreID, clusterID)
	out := map[string]int64{}
	for model, o := range shelf[price.GPU] {
		out[model] = o.Available
	}
	return out, err
}

// Held says whether a centre or a cluster has widgets with stock that is taken,
// or widgets at all; "" is nothing.
func (b Book) Held(ctx context.Context, centreID string) (string, error) {
	all, err := widgets.All(ctx, b.Area, mostWidgets, func(r row) bool { return r.CentreID == centreID })
	if err != nil || len(all) == 0 {
		return "", err
	}
	return "widgets", nil
}

// Withdraw removes the stock of a cluster that is gone.
func (b Book) Withdraw(ctx context.Context, clusterID string) error {
	all, err := widgets.All(ctx, b.Area, mostWidgets, func(r row) bool { return r.share(clusterID) != nil })
	if err != nil {
		return err
	}
	for _, w := range all {
		err := b.Area.Try(ctx, func() (area.Change, error) {
			var c area.Change
			r, err := widgets.Find(ctx, b.Area, w.Value.ID)
			if err != nil || r.Revision == 0 {
				return c, err
			}
			r.Value.Shares = slices.DeleteFunc(slices.Clone(r.Value.Shares), func(s share) bool { return s.ClusterID == clusterID && s.Consumed == 0 })
			c.Replace(widgets.Key(w.Value.ID), r.Revision, r.Value)
			return c, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
