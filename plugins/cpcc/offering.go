package main

import (
	"context"
	"encoding/json"
	"strconv"

	"tradewind.example/plugins/cpcc/internal/bundle"
	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// The types of what is on sale.
const (
	typeCustomised  = "customize"   // a basket that the customer puts together
	typeCombination = "combination" // one that the operator did
)

// Offerings streams what the clusters sell: for each a basket to be put together,
// and the operator's bundles. A call with a place gets only that place.
func (p *plugin) Offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	o, err := p.open(ctx, req.Call)
	if err != nil || !wanted(req.Kinds, kindWorkload) {
		return err
	}
	return o.centres.Clusters(ctx, req.Call.Region, func(c centre.Cluster) error {
		if req.Call.Zone != "" && c.ID != req.Call.Zone {
			return nil
		}
		return o.sold(ctx, c, req.Types, yield)
	})
}

// sold streams what one cluster sells.
func (o *office) sold(ctx context.Context, c centre.Cluster, types []string, yield func(provider.Offering) error) error {
	home, err := o.centres.Centre(ctx, c.CentreID)
	if err != nil {
		return err
	}
	sells := c.Sells(o.centres.Today()) && home.InEffect(o.centres.Today())
	shelf, err := o.widgets.Shelf(ctx, c.CentreID, c.ID)
	if err != nil {
		return err
	}
	if wanted(types, typeCustomised) {
		item, ok, err := o.customised(c, home, shelf, sells)
		if err != nil {
			return err
		}
		if ok {
			if err := yield(item); err != nil {
				return err
			}
		}
	}
	if !wanted(types, typeCombination) {
		return nil
	}
	return o.bundles().Bundles(ctx, c.CentreID, c.ID, func(b bundle.Bundle) error {
		item, err := o.offering(c, home, b.Workload, shelf, sells)
		if err != nil {
			return err
		}
		item.ID, item.Type, item.Name = c.ID+"/"+b.ID, typeCombination, b.Name
		item.Attrs["spec_note"] = b.Note
		return yield(item)
	})
}

// customised is the basket that a customer starts from: a core and a Gi of the
// centre's parts. A centre without both sells none.
func (o *office) customised(c centre.Cluster, home centre.Centre, shelf price.Shelf, sells bool) (provider.Offering, bool, error) {
	cpu, memory := model(shelf[price.CPU]), model(shelf[price.Memory])
	if cpu == "" || memory == "" || len(o.desk.Images) == 0 {
		return provider.Offering{}, false, nil
	}
	item, err := o.offering(c, home, workload.Spec{
		Engine: workload.StatefulSet, Replicas: 1, InstanceType: "LinuxOS", Image: o.desk.Images[0], PortMode: "NodePort",
		Parts: []workload.Part{{Type: price.CPU, Model: cpu, Amount: 1}, {Type: price.Memory, Model: memory, Amount: 1024}},
	}, shelf, sells)
	item.ID, item.Type, item.Name = c.ID+"/"+typeCustomised, typeCustomised, home.Name+" "+c.Name
	return item, true, err
}

// model is the standard model of a type, else the first by name.
func model(models map[string]price.Offer) string {
	out := ""
	for name := range models {
		if name == "STANDARD" {
			return name
		}
		if out == "" || name < out {
			out = name
		}
	}
	return out
}

// offering is a workload on sale. It has no list price: a quote tells. Whether
// there is stock is told beside it, since that changes by the hour.
func (o *office) offering(c centre.Cluster, home centre.Centre, s workload.Spec, shelf price.Shelf, sells bool) (provider.Offering, error) {
	spec, err := json.Marshal(s)
	if err != nil {
		return provider.Offering{}, fault.Internal(err, "a spec cannot be encoded")
	}
	hour := o.cfg.calendar().Basket(s.Basket(), shelf, price.Duration{N: 1, Unit: price.Hour})
	return provider.Offering{
		Kind: kindWorkload, Class: home.Name, Region: c.CentreID, Zone: c.ID, Sellable: sells,
		Billing: []provider.BillingMethod{provider.BillingPrepaid}, Periods: periods(), Currency: currency, Spec: spec,
		Attrs: map[string]string{"cluster": c.Name, "in_stock": strconv.FormatBool(hour.Problem == "")},
	}, nil
}
