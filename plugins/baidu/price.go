package main

import (
	"context"
	"encoding/json"
	"math/big"
	"net/http"
	"strconv"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
)

// price is what something costs for the whole of a lease.
type price struct{ list, net *big.Rat }

func noPrice() price { return price{list: new(big.Rat), net: new(big.Rat)} }

func (p price) plus(q price) price {
	return price{list: new(big.Rat).Add(p.list, q.list), net: new(big.Rat).Add(p.net, q.net)}
}

// quote is the price of n of them.
func (p price) quote(n int) provider.Quote {
	times := new(big.Rat).SetInt64(int64(max(n, 1)))
	return provider.Quote{
		Currency: currency, List: decimal(new(big.Rat).Mul(p.list, times)), Net: decimal(new(big.Rat).Mul(p.net, times)),
	}
}

// specOf reads the spec of a quote.
func specOf[Spec any](raw json.RawMessage) (Spec, error) {
	s, err := schema.Decode[Spec](raw)
	if err != nil {
		return s, fault.Invalid("spec", "is not a spec of this kind")
	}
	return s, nil
}

// Quote asks the cloud's price of a change.
func (p *plugin) Quote(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	c, err := p.openIn(ctx, req.Call)
	if err != nil {
		return provider.Quote{}, err
	}
	switch req.Kind + " " + string(req.Change) {
	case "instance create":
		return c.quoteServer(ctx, req)
	case "instance renew":
		return c.quoteServerRenewal(ctx, req)
	case "eip create":
		return c.quoteAddress(ctx, req)
	case "eip renew":
		return c.quoteAddressRenewal(ctx, req)
	case "disk create":
		return c.quoteDisk(ctx, req)
	case "vpc create", "subnet create", "security_group create":
		return quoteFree(), nil
	}
	return provider.Quote{}, fault.Unsupported("the cloud does not price the %s of the kind %q", req.Change, req.Kind)
}

// quoteServer prices one server with its disks.
func (c *cloud) quoteServer(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[InstanceSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	l, err := leaseOf(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	zone := firstText(c.zone, s.Zone)
	if zone == "" {
		return provider.Quote{}, fault.Invalid("spec.zone", "is required when the order has no zone")
	}
	flavour, err := c.flavourOf(ctx, s, zone)
	if err != nil {
		return provider.Quote{}, err
	}
	total, err := c.serverPrice(ctx, flavour.Spec, zone, append([]Disk{s.BootDisk}, s.DataDisks...), l)
	return total.quoted(err, req.Term.Quantity)
}

// quoted is quote unless there is an error.
func (p price) quoted(err error, n int) (provider.Quote, error) {
	if err != nil {
		return provider.Quote{}, err
	}
	return p.quote(n), nil
}

// serverPrice prices a specification and disks for a lease.
func (c *cloud) serverPrice(ctx context.Context, spec, zone string, all []Disk, l lease) (price, error) {
	total, err := c.specPrice(ctx, spec, zone, l)
	if err != nil {
		return price{}, err
	}
	disks, err := c.disksPrice(ctx, all, l)
	if err != nil {
		return price{}, err
	}
	return total.plus(disks), nil
}

// specPrice prices a specification.
func (c *cloud) specPrice(ctx context.Context, spec, zone string, l lease) (price, error) {
	answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*api.GetPriceBySpecResult, error) {
		return server(k).GetPriceBySpec(&api.GetPriceBySpecArgs{
			Spec: spec, ZoneName: zone, PaymentTiming: l.payment, PurchaseCount: 1, PurchaseLength: max(l.months, 1),
		})
	})
	if err != nil {
		return price{}, err
	}
	for _, group := range answer.Price {
		for _, row := range group.SpecPrices {
			if row.Spec == spec {
				return priceOf(json.Number(row.SpecPrice), json.Number(row.TradePrice))
			}
		}
	}
	return price{}, fault.Invalid("spec.flavour", "%q has no price in %q", spec, zone)
}

// priceOf reads the two amounts of a price; an absent one is no price.
func priceOf(list, net json.Number) (price, error) {
	if list == "" || net == "" {
		return price{}, fault.New(fault.ClassInternal, "the cloud tells no price").From(fault.SourceCloud)
	}
	a, err := amountOf(list)
	if err != nil {
		return price{}, err
	}
	b, err := amountOf(net)
	return price{list: a, net: b}, err
}

// disksPrice prices disks, each sort and size as one item.
func (c *cloud) disksPrice(ctx context.Context, all []Disk, l lease) (price, error) {
	total := noPrice()
	for _, d := range all {
		one, err := c.itemPrice(ctx, "CDS", d.kind(), d.SizeGB, l)
		if err != nil {
			return price{}, err
		}
		total = total.plus(one)
	}
	return total, nil
}

// chargeItem is what is measured of a product.
type chargeItem struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Scale int    `json:"scale"`
}

// priceQuery asks the price of a product by what is measured of it.
type priceQuery struct {
	ServiceType string `json:"serviceType"`
	ProductType string `json:"productType"`
	Region      string `json:"region"`
	Flavor      struct {
		ChargeItems []chargeItem `json:"chargeItems"`
	} `json:"flavor"`
	Count  int    `json:"count"`
	Period string `json:"period,omitempty"`
}

// itemPrice prices an amount of one item for a lease.
func (c *cloud) itemPrice(ctx context.Context, product, item string, scale int, l lease) (price, error) {
	q := priceQuery{ServiceType: product, ProductType: "postpay", Region: c.region, Count: 1}
	q.Flavor.ChargeItems = []chargeItem{{Name: item, Value: "1", Scale: scale}}
	path := "/v1/price/cpc"
	if l.months > 0 {
		path, q.ProductType, q.Period = "/v1/price/cpt", "prepay", "P"+strconv.Itoa(l.months)+"M"
	}
	answer, err := read(ctx, c, billing, raw[struct {
		Price        json.Number `json:"price"`
		CatalogPrice json.Number `json:"catalogPrice"`
	}](call{method: http.MethodPost, path: path, body: q}))
	if err != nil {
		return price{}, err
	}
	return priceOf(answer.CatalogPrice, answer.Price)
}

// quoteFree prices what the cloud charges nothing for.
func quoteFree() provider.Quote { return provider.Quote{Currency: currency, List: "0.00", Net: "0.00"} }
