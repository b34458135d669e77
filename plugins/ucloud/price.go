package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/ucloud/ucloud-sdk-go/services/uhost"
	"github.com/ucloud/ucloud-sdk-go/services/unet"
	"github.com/ucloud/ucloud-sdk-go/ucloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
)

// price is one row of the cloud's answers: list and net as decimals of yuan
// with two places.
type price struct{ charge, list, net string }

// Quote asks the cloud's price of a change.
func (p *plugin) Quote(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	c, err := p.openIn(req.Call)
	if err != nil {
		return provider.Quote{}, err
	}
	switch req.Kind + " " + string(req.Change) {
	case "instance create":
		return c.quoteInstance(ctx, req)
	case "instance renew":
		return c.quoteInstanceRenewal(ctx, req)
	case "instance release":
		return c.quoteInstanceRefund(ctx, req)
	case "eip create":
		return c.quoteEIP(ctx, req)
	case "eip renew":
		return c.quoteEIPRenewal(ctx, req)
	case "instance resize":
		return c.quoteInstanceResize(ctx, req)
	case "disk create":
		return c.quoteDisk(ctx, req)
	case "vpc create", "subnet create", "security_group create":
		return quoteFree(), nil
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

// quoteInstance prices one server and multiplies, so that it does not matter
// what the cloud thinks of counts.
func (c *cloud) quoteInstance(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[InstanceSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	s = s.filled()
	charge, quantity, err := chargeOf(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	c = c.at(c.region, firstText(c.zone, s.Zone))
	answer, err := read(ctx, c, uhost.NewClient, func(k hostClient) (*uhost.GetUHostInstancePriceResponse, error) {
		r := k.NewGetUHostInstancePriceRequest()
		r.CPU, r.Memory, r.Count, r.Quantity = &s.CPU, &s.MemoryMB, ucloud.Int(1), &quantity
		r.MachineType, r.ImageId, r.ChargeType, r.Disks = &s.MachineType, optional(s.ImageID), &charge, s.disks()
		r.NetCapability = optional(s.NetCapability)
		if s.GPU > 0 {
			r.GPU, r.GpuType = &s.GPU, optional(s.GPUType)
		}
		return k.GetUHostInstancePrice(r)
	})
	if err != nil {
		return provider.Quote{}, err
	}
	rows := make([]price, 0, len(answer.PriceSet))
	for _, row := range answer.PriceSet {
		list := row.OriginalPrice
		if row.ListPrice > 0 {
			list = row.ListPrice
		}
		rows = append(rows, price{
			charge: row.ChargeType, list: strconv.FormatFloat(list, 'f', 2, 64), net: strconv.FormatFloat(row.Price, 'f', 2, 64),
		})
	}
	return quoteOf(rows, charge, max(req.Term.Quantity, 1))
}

// quoteInstanceRenewal prices one period and multiplies.
func (c *cloud) quoteInstanceRenewal(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	row, err := c.host(ctx, req.ResourceID)
	if err != nil {
		return provider.Quote{}, err
	}
	quantity, err := renewalOf(req.Term, row.ChargeType)
	if err != nil {
		return provider.Quote{}, err
	}
	answer, err := read(ctx, c, uhost.NewClient, func(k hostClient) (*uhost.GetUHostRenewPriceResponse, error) {
		r := k.NewGetUHostRenewPriceRequest()
		r.UHostId, r.ChargeType = &row.UHostId, &row.ChargeType
		return k.GetUHostRenewPrice(r)
	})
	if err != nil {
		return provider.Quote{}, err
	}
	rows := make([]price, 0, len(answer.PriceSet))
	for _, r := range answer.PriceSet {
		rows = append(rows, price{
			charge: r.ChargeType, list: strconv.FormatFloat(r.OriginalPrice, 'f', 2, 64), net: strconv.FormatFloat(r.Price, 'f', 2, 64),
		})
	}
	return quoteOf(rows, row.ChargeType, quantity)
}

// quoteInstanceRefund asks what a release gives back now. The cloud tells what
// the account gets; what that is at the list price it does not say, and for an
// account with a discount it is another amount.
func (c *cloud) quoteInstanceRefund(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	answer, err := read(ctx, c, uhost.NewClient, func(k hostClient) (*uhost.GetUHostRefundPriceResponse, error) {
		r := k.NewGetUHostRefundPriceRequest()
		r.UHostIds = []string{req.ResourceID}
		return k.GetUHostRefundPrice(r)
	})
	if err != nil {
		return provider.Quote{}, err
	}
	for _, row := range answer.RefundPriceSet {
		if row.UHostId != req.ResourceID {
			continue
		}
		if row.Code != 0 {
			return provider.Quote{}, failure{secrets: c.secrets, requestID: answer.GetRequestUUID()}.refused(row.Code, row.Message)
		}
		q, err := quoteOf([]price{{list: "0.00", net: strconv.FormatFloat(row.RefundPrice, 'f', 2, 64)}}, "", -1)
		q.List = ""
		return q, err
	}
	return provider.Quote{}, fault.NotFound("server", req.ResourceID)
}

func (c *cloud) quoteEIP(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[EIPSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	charge, quantity, err := eipCharge(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	return c.eipPrice(ctx, s, charge, quantity, max(req.Term.Quantity, 1))
}

func (c *cloud) quoteEIPRenewal(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	row, err := c.eip(ctx, req.ResourceID)
	if err != nil {
		return provider.Quote{}, err
	}
	quantity, err := renewalOf(req.Term, row.ChargeType)
	if err != nil {
		return provider.Quote{}, err
	}
	s := EIPSpec{kinds.EIPSpec{Line: eipLine(row), Bandwidth: row.Bandwidth, PayMode: row.PayMode}}
	return c.eipPrice(ctx, s, row.ChargeType, quantity, 1)
}

func (c *cloud) eipPrice(ctx context.Context, s EIPSpec, charge string, quantity, count int) (provider.Quote, error) {
	line := firstText(s.Line, lineOf(c.region))
	answer, err := read(ctx, c.at(c.region, ""), unet.NewClient, func(k netClient) (*unet.GetEIPPriceResponse, error) {
		r := k.NewGetEIPPriceRequest()
		r.OperatorName, r.Bandwidth, r.PayMode = &line, &s.Bandwidth, optional(s.PayMode)
		r.ChargeType, r.Quantity = &charge, &quantity
		return k.GetEIPPrice(r)
	})
	if err != nil {
		return provider.Quote{}, err
	}
	rows := make([]price, 0, len(answer.PriceSet))
	for _, row := range answer.PriceSet {
		rows = append(rows, price{
			charge: row.ChargeType, list: strconv.FormatFloat(row.OriginalPrice, 'f', 2, 64), net: strconv.FormatFloat(row.Price, 'f', 2, 64),
		})
	}
	return quoteOf(rows, charge, count)
}

// quoteOf picks the row of a charge type and multiplies it by n.
func quoteOf(rows []price, charge string, n int) (provider.Quote, error) {
	for _, row := range rows {
		if row.charge != charge {
			continue
		}
		list, err := times(row.list, n)
		if err != nil {
			return provider.Quote{}, err
		}
		net, err := times(row.net, n)
		return provider.Quote{Currency: currency, List: list, Net: net}, err
	}
	return provider.Quote{}, fault.Invalid("term.period", "the cloud does not sell this for the charge type %q", charge)
}

// maxFen bounds an amount so that its product with a count cannot overflow.
const maxFen = 1 << 52

// times multiplies a decimal with two places exactly.
func times(decimal string, n int) (provider.Decimal, error) {
	fen, err := fenOf(decimal)
	if err != nil || n < -1000 || n > 1000 {
		return "", notAmount(decimal)
	}
	return yuan(fen * int64(n)), nil
}

// fenOf reads a decimal of yuan with at most two places.
func fenOf(decimal string) (int64, error) {
	whole, places, _ := strings.Cut(decimal, ".")
	if len(places) > 2 {
		if strings.Trim(places[2:], "0") != "" {
			return 0, notAmount(decimal)
		}
		places = places[:2]
	}
	fen, err := strconv.ParseInt(whole+(places + "00")[:2], 10, 64)
	if whole == "" || whole == "-" || err != nil || fen < -maxFen || fen > maxFen {
		return 0, notAmount(decimal)
	}
	return fen, nil
}

func notAmount(text string) error {
	return fault.New(fault.ClassInternal, "the cloud's %q is not an amount", text).From(fault.SourceCloud)
}

// yuan writes fen as a decimal of yuan.
func yuan(fen int64) provider.Decimal {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	digits := strconv.FormatInt(fen, 10)
	for len(digits) < 3 {
		digits = "0" + digits
	}
	cut := len(digits) - 2
	return provider.Decimal(sign + digits[:cut] + "." + digits[cut:])
}
