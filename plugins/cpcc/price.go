package main

import (
	"context"
	"encoding/json"
	"math/big"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
)

// periods are the terms that are sold, the usual one first.
func periods() []provider.Period {
	return []provider.Period{provider.PeriodMonth, provider.PeriodDay, provider.PeriodHour}
}

// lasting is a term in the words of prices.
func lasting(t provider.Term) (price.Duration, error) {
	unit, ok := map[provider.Period]price.Span{
		provider.PeriodHour: price.Hour, provider.PeriodDay: price.Day, provider.PeriodMonth: price.Month,
	}[t.Period]
	if !ok || t.Billing != provider.BillingPrepaid {
		return price.Duration{}, fault.Invalid("term.period", "must be prepaid hours, days or months")
	}
	if t.Periods < 1 || t.Periods > 1000 {
		return price.Duration{}, fault.Invalid("term.periods", "must be 1 to 1000")
	}
	return price.Duration{N: int64(t.Periods), Unit: unit}, nil
}

// prolong is what a term does to an end.
func prolong(t provider.Term) (func(time.Time) time.Time, error) {
	d, err := lasting(t)
	return func(end time.Time) time.Time {
		switch d.Unit {
		case price.Month:
			return end.AddDate(0, int(d.N), 0)
		case price.Day:
			return end.AddDate(0, 0, int(d.N))
		}
		return end.Add(time.Duration(d.N) * time.Hour)
	}, err
}

// basket prices what all replicas of a spec are made of, on one cluster.
func (o *office) basket(ctx context.Context, on centre.Cluster, s workload.Spec, d price.Duration) (price.Answer, error) {
	shelf, err := o.widgets.Shelf(ctx, on.CentreID, on.ID)
	if err != nil {
		return price.Answer{}, err
	}
	return o.cfg.calendar().Basket(s.Basket(), shelf, d), nil
}

// specOf reads the spec of a workload as it would be ordered.
func (o *office) specOf(raw json.RawMessage) (workload.Spec, error) {
	s, err := schema.Decode[workload.Spec](raw)
	if err != nil {
		return s, fault.Invalid("spec", "is not a workload").With(err)
	}
	return s.Complete(o.desk.Images)
}

// Quote prices a workload's basket at the centre's list, line by line. What
// cannot be priced is told in its line; the list amount is that of the others.
func (p *plugin) Quote(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	o, err := p.open(ctx, req.Call)
	if err != nil {
		return provider.Quote{}, err
	}
	if req.Kind != kindWorkload {
		return provider.Quote{}, fault.Unsupported("the kind %q is not sold", req.Kind)
	}
	d, err := lasting(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	switch req.Change {
	case provider.ChangeCreate:
		s, err := o.specOf(req.Spec)
		if err != nil {
			return provider.Quote{}, err
		}
		on, err := o.on(ctx, "")
		if err != nil {
			return provider.Quote{}, err
		}
		answer, err := o.basket(ctx, on, s, d)
		return quoted(answer, max(req.Term.Quantity, 1)), err
	case provider.ChangeRenew:
		answer, err := o.renewal(ctx, p.keeper, req.ResourceID, d)
		return quoted(answer, 1), err
	}
	return provider.Quote{}, fault.Unsupported("the %s of a workload is not priced", req.Change)
}

// renewal prices what a workload has: its stock is taken already.
func (o *office) renewal(ctx context.Context, k *workload.Keeper, id string, d price.Duration) (price.Answer, error) {
	w, err := k.Workload(ctx, o.desk, id)
	if err != nil {
		return price.Answer{}, err
	}
	shelf, err := o.widgets.Shelf(ctx, w.CentreID, w.ClusterID)
	if err != nil {
		return price.Answer{}, err
	}
	for _, c := range w.Claims {
		if on, ok := shelf[c.Type][c.Model]; ok {
			on.Available += c.Amount
			shelf[c.Type][c.Model] = on
		}
	}
	return o.cfg.calendar().Basket(w.Spec.Basket(), shelf, d), nil
}

// quoted is an answer as the broker reads it, for n of the same.
func quoted(a price.Answer, n int) provider.Quote {
	if a.Total == nil {
		return provider.Quote{}
	}
	times := func(r *big.Rat) provider.Decimal {
		return provider.Decimal(price.Round(new(big.Rat).Mul(r, big.NewRat(int64(n), 1))))
	}
	out := provider.Quote{Currency: currency, List: times(a.Total), Net: times(a.Total)}
	for _, l := range a.Lines {
		line := provider.QuoteLine{Name: l.Part.Name(), Problem: l.Problem}
		if l.Problem == "" {
			line.List = times(l.Subtotal)
		}
		out.Lines = append(out.Lines, line)
	}
	return out
}

// Place tells whether a cluster has the stock and a node for a workload now. It
// is advice: the stock is taken by the purchase, and the scheduler decides.
func (p *plugin) Place(ctx context.Context, req provider.PlaceRequest) (provider.Placement, error) {
	o, err := p.open(ctx, req.Call)
	if err != nil {
		return provider.Placement{}, err
	}
	if req.Kind != kindWorkload {
		return provider.Placement{OK: true}, nil // a row of the books needs no node
	}
	s, err := o.specOf(req.Spec)
	if err != nil {
		return provider.Placement{}, err
	}
	on, err := o.on(ctx, "")
	if err != nil {
		return provider.Placement{}, err
	}
	answer, err := o.basket(ctx, on, s, price.Duration{N: 1, Unit: price.Hour})
	if err != nil {
		return provider.Placement{}, err
	}
	if !on.Sells(o.centres.Today()) {
		return provider.Placement{Reason: "the cluster takes no workloads now"}, nil
	}
	if answer.Problem != "" {
		return provider.Placement{Reason: answer.Problem}, nil
	}
	verdicts, err := p.keeper.Fits(ctx, o.desk, on.ID, []workload.Spec{s}, nil)
	if err != nil {
		return provider.Placement{}, err
	}
	if !verdicts[0].OK {
		return provider.Placement{Reason: first(verdicts[0].Reason, "no node can hold all parts at once")}, nil
	}
	return provider.Placement{OK: true, Zones: []string{on.ID}}, nil
}
