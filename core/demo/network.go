package demo

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// lay orders what every customer needs at a cloud before servers, at clouds
// that have no network of their own.
func (p *play) lay(ctx context.Context) error {
	for _, at := range p.providers {
		if len(at.network) == 0 {
			continue
		}
		for n, who := range p.cast.customers {
			fields := map[string]any{}
			for _, x := range at.network {
				id, err := p.layNeed(ctx, at, who, x, x.specFor(n+1, fields))
				if err != nil {
					return fmt.Errorf("ordering %q for %s: %w", x.product, who.name, err)
				}
				fields[x.field] = id
			}
			at.networks[who] = fields
		}
		p.say("   each customer orders what %s need at %s, which costs nothing", at.plural(), at.title)
	}
	return nil
}

// specFor is the need's spec for the n-th customer.
func (x need) specFor(n int, fields map[string]any) map[string]any {
	out := maps.Clone(fields)
	for field, text := range x.spec {
		out[field] = strings.ReplaceAll(text, "{n}", strconv.Itoa(n))
	}
	return out
}

// layNeed orders one and returns the cloud's id of it.
func (p *play) layNeed(ctx context.Context, at *provider, who *client, x need, spec map[string]any) (string, error) {
	productID := ""
	err := each(ctx, who, "/v1/products?provider_id="+at.id, func(found product) error {
		if found.VendorID == x.product {
			productID = found.ID
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	var o idOf
	err = who.pay(ctx, "/v1/orders", x.field+"-"+at.name, map[string]any{
		"product_id": productID, "name": who.login, "spec": spec,
		"term": map[string]any{"billing": "once", "period": "none", "periods": 1, "quantity": 1},
	}, &o)
	if err != nil {
		return "", err
	}
	if err := p.until(ctx, placed{o.ID, who}, "active"); err != nil {
		return "", err
	}
	var made orderState
	if err := who.get(ctx, "/v1/orders/"+o.ID, &made); err != nil {
		return "", err
	}
	if len(made.ResourceIDs) != 1 {
		return "", fmt.Errorf("order %s made %d things, not one", o.ID, len(made.ResourceIDs))
	}
	var thing struct {
		VendorID string `json:"vendor_id"`
	}
	err = who.get(ctx, "/v1/resources/"+made.ResourceIDs[0], &thing)
	return thing.VendorID, err
}
