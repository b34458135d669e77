package main

import (
	"context"
	"encoding/json"
	"strconv"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
)

// Quote asks the cloud's price of a change.
func (p *plugin) Quote(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	c, err := p.openIn(req.Call)
	if err != nil {
		return provider.Quote{}, err
	}
	if req.Change == provider.ChangeCreate && req.Kind == kinds.Instance {
		return c.quoteInstance(ctx, req)
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

// quoteInstance prices one server with its disks for the whole term and
// multiplies, so that it does not matter what the cloud thinks of counts.
func (c *cloud) quoteInstance(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[InstanceSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	t, err := termOf(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	if err := s.check(); err != nil {
		return provider.Quote{}, err
	}
	z, err := c.zoneOf(ctx, s.Zone)
	if err != nil {
		return provider.Quote{}, err
	}
	if s.MachineType == "" {
		if s.MachineType, err = c.familyFor(ctx, z.Code, s); err != nil {
			return provider.Quote{}, err
		}
	}
	total, err := c.serverPrice(ctx, z.Code, s, t)
	if err != nil {
		return provider.Quote{}, err
	}
	return c.quoted(total, t, max(req.Term.Quantity, 1)), nil
}

// quoted is a quote of n things. What is paid by use is priced for a day, and
// an hour of it is rounded up by itself.
func (c *cloud) quoted(total amount, t term, n int) provider.Quote {
	if t.method == payDemand {
		total = total.part(1, c.cfg.DayHours).rounded()
	}
	price := total.part(n, 1).decimal()
	return provider.Quote{Currency: currency, List: price, Net: price}
}

// serverPrice is that of one server: of its term, or of a day.
func (c *cloud) serverPrice(ctx context.Context, zone string, s InstanceSpec, t term) (amount, error) {
	data := []object{}
	for _, d := range s.DataDisks {
		data = append(data, d.row())
	}
	body := object{
		"AvailableZoneCode": zone, "EcsFamilyName": s.MachineType, "Cpu": s.CPU, "Ram": s.MemoryMB / 1024, "Gpu": s.GPU,
		"BillingMethod": t.method, "SystemDiskInfo": s.BootDisk.row(), "DataDiskInfo": data, "Number": 1,
	}
	if t.method == payMonthly {
		body["Duration"], body["IsToMonth"] = t.months, 0
	}
	out, err := read[struct{ TotalPrice json.Number }](ctx, c, post(ecs, "DescribePrice", body))
	if err != nil {
		return amount{}, err
	}
	return amountOf(out.TotalPrice)
}

// whole writes a number for a query.
func whole(n int) string { return strconv.Itoa(n) }
