package main

import (
	"context"
	"encoding/json"
	"strings"

	billingapi "github.com/jdcloud-api/jdcloud-sdk-go/services/billing/apis"
	billing "github.com/jdcloud-api/jdcloud-sdk-go/services/billing/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
)

// What a price is asked for.
const (
	priceNew    = 1
	priceRenew  = 2
	priceResize = 3
)

// The cloud's numbers for ways to pay and for units of time.
const (
	billHour    = 1
	billTraffic = 2
	billTerm    = 3

	unitHour  = 1
	unitMonth = 3
	unitYear  = 4
)

// pricing is one question for a price.
type pricing struct {
	change       int
	kind         int // the way to pay
	span, unit   int
	count        int
	lines        []priced
	region, zone string
}

// pricingOf is a term in the cloud's numbers.
func (c *cloud) pricingOf(change int, t provider.Term) (*pricing, error) {
	q := &pricing{change: change, count: max(t.Quantity, 1), span: max(t.Periods, 1), region: c.region, zone: c.zone}
	t.Quantity = 1
	spec, err := chargeOf(t)
	if err != nil {
		return nil, err
	}
	switch {
	case *spec.ChargeMode != prepaid:
		q.kind, q.span, q.unit = billHour, 1, unitHour
	case t.Period == provider.PeriodYear:
		q.kind, q.unit = billTerm, unitYear
	default:
		q.kind, q.unit = billTerm, unitMonth
	}
	return q, nil
}

// part is a part of a product: so and so much of what the key names. The SDK's
// own type has binary fractions.
type part struct {
	Key    string `json:"key"`
	Value  int    `json:"value"`
	Number int    `json:"number"`
}

// priced is a product with its parts.
type priced struct {
	billing.OrderPriceProtocol

	Parts []part `json:"formula"` // goes before the SDK's field of that name
}

// priceRequest is the SDK's request with our products in it.
type priceRequest struct {
	*billingapi.CalculateTotalPriceRequest

	Products []priced `json:"orderList"` // goes before the SDK's field of that name
}

func formula(key string, amount int) part { return part{Key: key, Value: amount, Number: 1} }

// add puts a product into the question.
func (q *pricing) add(app, service, resource string, parts ...part) *priced {
	one := 1
	q.lines = append(q.lines, priced{Parts: parts, OrderPriceProtocol: billing.OrderPriceProtocol{
		AppCode: &app, ServiceCode: &service, Region: &q.region, Az: optional(q.zone), BillingType: &q.kind,
		TimeSpan: &q.span, TimeUnit: &q.unit, Count: &one, ResourceId: optional(resource),
	}})
	return &q.lines[len(q.lines)-1]
}

// total is an amount in the answer. The SDK's type reads it as a binary fraction.
type total struct {
	List json.Number `json:"totalPrice"`
	Net  json.Number `json:"discountedTotalPrice"`
}

// price asks for the price of everything in the question together.
func (c *cloud) price(ctx context.Context, q *pricing) (provider.Quote, error) {
	req := billingapi.NewCalculateTotalPriceRequestWithoutParam()
	req.SetRegionId(c.region)
	req.SetCmd(q.change)
	req.SetPackageCount(q.count)
	if q.change == priceRenew {
		req.SetRenewMode(0)
	}
	answer, err := read[total](ctx, c, serviceBilling, priceRequest{CalculateTotalPriceRequest: req, Products: q.lines})
	if err != nil {
		return provider.Quote{}, err
	}
	list, err := amount(answer.List)
	if err != nil {
		return provider.Quote{}, err
	}
	net, err := amount(answer.Net)
	return provider.Quote{Currency: currency, List: list, Net: net}, err
}

// Quote asks the cloud's price of a change.
func (p *plugin) Quote(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	c, err := p.openIn(req.Call)
	if err != nil {
		return provider.Quote{}, err
	}
	switch req.Kind + " " + string(req.Change) {
	case "instance create":
		return c.quoteServer(ctx, req)
	case "instance resize":
		return c.quoteResize(ctx, req)
	case "disk create":
		return c.quoteDisk(ctx, req)
	case "eip create":
		return c.quoteAddress(ctx, req)
	case "instance renew", "disk renew", "eip renew":
		return c.quoteRenewal(ctx, req)
	case "vpc create", "subnet create", "security_group create":
		return provider.Quote{Currency: currency, List: "0.00", Net: "0.00"}, nil
	}
	return provider.Quote{}, fault.Unsupported("the cloud does not price the %s of the kind %q", req.Change, req.Kind)
}

// specOf reads the spec of a quote.
func specOf[Spec any](raw json.RawMessage) (Spec, error) {
	s, err := schema.Decode[Spec](raw)
	if err != nil {
		return s, fault.Invalid("spec", "is not a spec of this kind")
	}
	return s, nil
}

// noFormula is the setting of what has no price here.
const noFormula = "-"

// keyed is a key of the price formulas, which the cloud does not document.
func keyed(template, kind string) (string, error) {
	if template == noFormula {
		return "", fault.Unsupported("prices of this kind are not configured: give the key of its formula in the account's settings")
	}
	return strings.ReplaceAll(template, "{type}", kind), nil
}

// quoteServer prices one server with its boot disk, and its other disks beside it.
func (c *cloud) quoteServer(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	var zero provider.Quote
	s, err := specOf[InstanceSpec](req.Spec)
	if err != nil {
		return zero, err
	}
	if err := s.check(); err != nil {
		return zero, err
	}
	c = c.at(c.region, firstText(c.zone, s.Zone))
	q, err := c.pricingOf(priceNew, req.Term)
	if err != nil {
		return zero, err
	}
	name, err := c.typeFor(ctx, s)
	if err != nil {
		return zero, err
	}
	parts, err := c.serverParts(name, firstText(s.BootDisk.Type, diskDefault), s.BootDisk.SizeGB)
	if err != nil {
		return zero, err
	}
	q.add(c.cfg.AppCode, c.cfg.ServerCode, "", parts...)
	for _, d := range s.DataDisks {
		key, err := keyed(c.cfg.DiskFormula, firstText(d.Type, diskDefault))
		if err != nil {
			return zero, err
		}
		q.add(c.cfg.AppCode, c.cfg.DiskCode, "", formula(key, d.SizeGB))
	}
	return c.price(ctx, q)
}

// serverParts are the parts of a server's price.
func (c *cloud) serverParts(name, bootType string, bootGB int) ([]part, error) {
	server, err := keyed(c.cfg.ServerFormula, name)
	if err != nil {
		return nil, err
	}
	boot, err := keyed(c.cfg.DiskFormula, bootType)
	if err != nil {
		return nil, err
	}
	return []part{formula(server, 1), formula(boot, bootGB)}, nil
}

// typeFor is the instance type that a create with the spec would take.
func (c *cloud) typeFor(ctx context.Context, s InstanceSpec) (string, error) {
	types, err := c.types(ctx)
	if err != nil {
		return "", err
	}
	architecture := ""
	if s.InstanceType == "" && s.ImageID != "" {
		if architecture, err = c.architecture(ctx, s.ImageID); err != nil {
			return "", err
		}
	}
	t, err := choose(types, s.wish(c.cfg, c.zone, architecture))
	return t.InstanceType, err
}

// quoteRenewal prices one renewal.
func (c *cloud) quoteRenewal(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	now, err := c.lease(ctx, req.Kind, req.ResourceID)
	if err != nil {
		return provider.Quote{}, err
	}
	span, unit, err := renewalOf(req.Term, now.charge.ChargeMode)
	if err != nil {
		return provider.Quote{}, err
	}
	q := &pricing{change: priceRenew, kind: billTerm, span: span, unit: unitMonth, count: 1, region: c.region, zone: now.resource.Zone}
	if unit == "YEAR" {
		q.unit = unitYear
	}
	q.add(c.cfg.AppCode, now.service, req.ResourceID)
	return c.price(ctx, q)
}

// quoteResize prices the rest of the term in another size.
func (c *cloud) quoteResize(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	var zero provider.Quote
	s, err := specOf[InstanceSpec](req.Spec)
	if err != nil {
		return zero, err
	}
	row, err := c.server(ctx, req.ResourceID)
	if err != nil {
		return zero, err
	}
	name, _, err := c.resized(ctx, row, kinds.InstanceSize{CPU: s.CPU, MemoryMB: s.MemoryMB})
	if err != nil {
		return zero, err
	}
	boot := row.SystemDisk.CloudDisk
	parts, err := c.serverParts(name, firstText(boot.DiskType, diskDefault), boot.DiskSizeGB)
	if err != nil {
		return zero, err
	}
	q := &pricing{change: priceResize, kind: billTerm, span: 1, unit: unitMonth, count: 1, region: c.region, zone: row.Az}
	if row.Charge.ChargeMode != prepaid {
		q.kind, q.unit = billHour, unitHour
	}
	q.add(c.cfg.AppCode, c.cfg.ServerCode, req.ResourceID, parts...)
	return c.price(ctx, q)
}

func (c *cloud) quoteDisk(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[DiskSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	key, err := keyed(c.cfg.DiskFormula, firstText(s.Type, diskDefault))
	if err != nil {
		return provider.Quote{}, err
	}
	c = c.at(c.region, firstText(c.zone, s.Zone))
	q, err := c.pricingOf(priceNew, req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	q.add(c.cfg.AppCode, c.cfg.DiskCode, "", formula(key, s.SizeGB))
	return c.price(ctx, q)
}

// quoteAddress prices one address.
func (c *cloud) quoteAddress(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[EIPSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	one := req.Term
	one.Quantity = 1
	if _, err := s.charge(one); err != nil {
		return provider.Quote{}, err
	}
	key, err := keyed(c.cfg.BandwidthFormula, "")
	if err != nil {
		return provider.Quote{}, err
	}
	q, err := c.pricingOf(priceNew, req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	operator := 2
	if s.line() != lineBGP {
		operator = 1
	}
	if s.PayMode == kinds.PayTraffic {
		q.kind = billTraffic
	}
	q.zone = "" // addresses belong to the region
	q.add(c.cfg.AppCode, c.cfg.AddressCode, "", formula(key, s.Bandwidth)).NetworkOperator = &operator
	return c.price(ctx, q)
}
