// Package widget keeps the priced parts that a compute centre sells, and their
// stock in each cluster: what there is, what is taken, and the taking and giving
// back. It computes no price (package price does) and knows no workload; taking
// is a part of somebody's transaction.
//
// A [Book] is safe for concurrent use. Amounts are kept in a type's smallest
// unit and shown in the widget's own.
package widget

import (
	"context"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// Book is the widgets of one account.
type Book struct {
	Area area.Area
	Now  time.Time // by the broker's clock
}

// Spec is what the operator says of a widget.
type Spec struct {
	CentreID  string           `json:"centre_id,omitempty" title:"Centre" doc:"The call's region goes before it"`
	ClusterID string           `json:"cluster_id,omitempty" title:"Cluster" doc:"Where the stock is; the call's zone goes before it"`
	Type      price.Type       `json:"type" required:"true" enum:"cpu,memory,disk,gpu" title:"Type"`
	Model     string           `json:"model,omitempty" min:"1" max:"128" default:"STANDARD" title:"Model" doc:"Of disks DATA or SYS"`
	UnitPrice provider.Decimal `json:"unit_price" required:"true" title:"Price of a unit"`
	Unit      price.Unit       `json:"resource_unit,omitempty" enum:"核,m,Mi,Gi,卡" title:"Unit" doc:"Empty is 核 for cpu, Gi for memory and disks, 卡 for gpu"`
	Every     price.Span       `json:"charge_unit,omitempty" enum:"秒,分钟,小时,天" default:"小时" title:"Charged for each"`
	Coin      price.Coin       `json:"account_unit,omitempty" enum:"元,角,分" default:"元" title:"Unit of the price"`
	Stock     int64            `json:"stock,omitempty" min:"0" max:"1000000000" title:"Stock" doc:"In the widget's unit; an update leaves it"`
	AddStock  bool             `json:"add_stock,omitempty" title:"Add to the stock of a widget that exists"`
}

// Widget is one priced part, as it is shown.
type Widget struct {
	ID        string           `json:"id" title:"Widget"`
	CentreID  string           `json:"centre_id" title:"Centre"`
	Type      price.Type       `json:"type" title:"Type"`
	Model     string           `json:"model" title:"Model"`
	UnitPrice provider.Decimal `json:"unit_price" title:"Price of a unit"`
	Unit      price.Unit       `json:"resource_unit" title:"Unit"`
	Every     price.Span       `json:"charge_unit" title:"Charged for each"`
	Coin      price.Coin       `json:"account_unit" title:"Unit of the price"`
	Stock     provider.Decimal `json:"stock" title:"Stock" doc:"Of all clusters, in the widget's unit"`
	Consumed  provider.Decimal `json:"consumed" title:"Taken"`
	Clusters  []InCluster      `json:"clusters" title:"In each cluster"`
	Token     string           `json:"token" title:"Token it was made with"`
	Created   time.Time        `json:"created" title:"Made"`
	Updated   time.Time        `json:"updated" title:"Changed"`
}

// InCluster is a widget's stock in one cluster, as it is shown.
type InCluster struct {
	ClusterID string           `json:"cluster_id" title:"Cluster"`
	Stock     provider.Decimal `json:"stock" title:"Stock"`
	Consumed  provider.Decimal `json:"consumed" title:"Taken"`
}

// row is a widget as it is kept.
type row struct {
	ID        string     `json:"id"`
	CentreID  string     `json:"centre_id"`
	Type      price.Type `json:"type"`
	Model     string     `json:"model"`
	UnitPrice string     `json:"unit_price"`
	Unit      price.Unit `json:"unit"`
	Every     price.Span `json:"every"`
	Coin      price.Coin `json:"coin"`
	Shares    []share    `json:"shares"`
	Token     string     `json:"token"`
	Created   time.Time  `json:"created"`
	Updated   time.Time  `json:"updated"`
}

// share is what one cluster has, in the type's smallest unit. Consumed is never
// more than Stock.
type share struct {
	ClusterID string `json:"cluster_id"`
	Stock     int64  `json:"stock"`
	Consumed  int64  `json:"consumed"`
}

// made says which widget a token made or added to.
type made struct {
	ID string `json:"id"`
}

var (
	widgets = area.Table[row]{Name: "widget"}
	tokens  = area.Table[made]{Name: "widget-token"}
)

// mostWidgets bounds how many widgets are read for one answer.
const mostWidgets = 10_000

// idOf is the id of a widget: there is one of each centre, type and model.
func idOf(centreID string, t price.Type, model string) string {
	return area.IDOf("widget", strings.Join([]string{centreID, string(t), model}, "\x00"))
}

func (r row) rate() price.Rate {
	return price.Rate{Price: r.UnitPrice, Per: r.Unit, Every: r.Every, Coin: r.Coin}
}

func (r row) shown() Widget {
	in := func(n int64) provider.Decimal { return provider.Decimal(price.In(r.Type, n, r.Unit)) }
	out := Widget{
		ID: r.ID, CentreID: r.CentreID, Type: r.Type, Model: r.Model, UnitPrice: provider.Decimal(r.UnitPrice),
		Unit: r.Unit, Every: r.Every, Coin: r.Coin, Clusters: []InCluster{}, Token: r.Token, Created: r.Created, Updated: r.Updated,
	}
	var stock, consumed int64
	for _, s := range r.Shares {
		stock, consumed = stock+s.Stock, consumed+s.Consumed
		out.Clusters = append(out.Clusters, InCluster{ClusterID: s.ClusterID, Stock: in(s.Stock), Consumed: in(s.Consumed)})
	}
	out.Stock, out.Consumed = in(stock), in(consumed)
	return out
}

// share returns what a cluster has of the widget, nil when nothing.
func (r *row) share(clusterID string) *share {
	for i := range r.Shares {
		if r.Shares[i].ClusterID == clusterID {
			return &r.Shares[i]
		}
	}
	return nil
}

// available is what is left in a cluster, "" in all of them.
func (r *row) available(clusterID string) int64 {
	var n int64
	for _, s := range r.Shares {
		if clusterID == "" || s.ClusterID == clusterID {
			n += s.Stock - s.Consumed
		}
	}
	return n
}

// complete checks a spec and fills in what depends on its type.
func (s Spec) complete() (Spec, error) {
	if s.Unit == "" {
		s.Unit = map[price.Type]price.Unit{price.CPU: price.Core, price.Memory: price.Gi, price.Disk: price.Gi, price.GPU: price.Card}[s.Type]
	}
	if s.Type == price.Disk && s.Model != "DATA" && s.Model != "SYS" {
		return s, fault.Invalid("spec.model", "must be DATA or SYS for disks")
	}
	if s.CentreID == "" || s.ClusterID == "" {
		return s, fault.Invalid("spec.cluster_id", "is required, with the centre, when the call has no zone")
	}
	return s, price.Rate{Price: string(s.UnitPrice), Per: s.Unit, Every: s.Every, Coin: s.Coin}.Check(s.Type, "spec.")
}

// Add makes a widget, or with AddStock adds to the stock of the one that has
// this identity, once per token. check runs in the change, and may add to it.
func (b Book) Add(ctx context.Context, token string, s Spec, check func(context.Context, *area.Change) error) (Widget, error) {
	if token == "" {
		return Widget{}, fault.Invalid("token", "a create needs a token")
	}
	s, err := s.complete()
	if err != nil {
		return Widget{}, err
	}
	more, err := price.Smallest(s.Type, s.Stock, s.Unit)
	if err != nil {
		return Widget{}, err
	}
	id, tokenID := idOf(s.CentreID, s.Type, s.Model), area.IDOf("widget", token)
	err = b.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		if earlier, err := tokens.Find(ctx, b.Area, tokenID); err != nil || earlier.Revision != 0 {
			return c, err
		}
		old, err := widgets.Find(ctx, b.Area, id)
		if err != nil {
			return c, err
		}
		next, err := b.added(old, s, more, token)
		if err != nil {
			return c, err
		}
		next.ID = id
		c.Once("add-widget", token)
		c.Replace(widgets.Key(id), old.Revision, next)
		c.Replace(tokens.Key(tokenID), 0, made{ID: id})
		return c, check(ctx, &c)
	})
	if err != nil {
		return Widget{}, err
	}
	return b.Widget(ctx, id)
}

// added is a widget with more stock in one cluster.
func (b Book) added(old area.Row[row], s Spec, more int64, token string) (row, error) {
	next := old.Value
	rate := price.Rate{Price: string(s.UnitPrice), Per: s.Unit, Every: s.Every, Coin: s.Coin}
	switch {
	case old.Revision == 0:
		next = row{
			CentreID: s.CentreID, Type: s.Type, Model: s.Model, UnitPrice: string(s.UnitPrice), Unit: s.Unit, Every: s.Every, Coin: s.Coin,
			Token: token, Created: b.Now,
		}
	case !s.AddStock:
		return next, fault.Conflict("该部件已存在,请前往编辑!")
	case next.rate() != rate:
		return next, fault.Invalid("spec.unit_price", "differs from that of the widget that exists: change its price by an update")
	}
	next.Updated = b.Now
	next.Shares = append([]share(nil), next.Shares...)
	if at := next.share(s.ClusterID); at != nil {
		at.Stock += more
	} else {
		next.Shares = append(next.Shares, share{ClusterID: s.ClusterID, Stock: more})
	}
	return next, nil
}

// Widget returns one widget.
func (b Book) Widget(ctx context.Context, id string) (Widget, error) {
	r, err := widgets.Get(ctx, b.Area, id)
	if err != nil {
		return Widget{}, err
	}
	return r.Value.shown(), nil
}

// FindWidget returns the widget that a token made or added to.
func (b Book) FindWidget(ctx context.Context, token string) (Widget, bool, error) {
	t, err := tokens.Find(ctx, b.Area, area.IDOf("widget", token))
	if err != nil || t.Revision == 0 {
		return Widget{}, false, err
	}
	r, err := widgets.Find(ctx, b.Area, t.Value.ID)
	return r.Value.shown(), r.Revision != 0, err
}

// Widgets yields the widgets of a centre, "" of all, by id.
func (b Book) Widgets(ctx context.Context, centreID string, yield func(Widget) error) error {
	return widgets.Each(ctx, b.Area, func(r area.Row[row]) error {
		if centreID != "" && r.Value.CentreID != centreID {
			return nil
		}
		return yield(r.Value.shown())
	})
}

// Reprice changes a widget's price: nothing else of it may change.
func (b Book) Reprice(ctx context.Context, id string, s Spec) (Widget, error) {
	err := b.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		r, err := widgets.Get(ctx, b.Area, id)
		if err != nil {
			return c, err
		}
		if s.Type != r.Value.Type || s.Model != r.Value.Model || s.Unit != "" && s.Unit != r.Value.Unit {
			return c, fault.Invalid("spec", "only unit_price can be changed: type, model and unit stay")
		}
		r.Value.UnitPrice, r.Value.Updated = string(s.UnitPrice), b.Now
		c.Replace(widgets.Key(id), r.Revision, r.Value)
		return c, r.Value.rate().Check(s.Type, "spec.")
	})
	if err != nil {
		return Widget{}, err
	}
	return b.Widget(ctx, id)
}

// Remove removes a widget of which nothing is taken; one that is gone is fine.
func (b Book) Remove(ctx context.Context, id string) error {
	return b.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		r, err := widgets.Find(ctx, b.Area, id)
		if err != nil || r.Revision == 0 {
			return c, err
		}
		for _, s := range r.Value.Shares {
			if s.Consumed > 0 {
				return c, fault.Precondition("the widget is in use: workloads have taken of it")
			}
		}
		c.Expect(widgets.Key(id), r.Revision)
		c.Delete(widgets.Key(id))
		return c, nil
	})
}
