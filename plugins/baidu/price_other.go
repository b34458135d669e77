package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/baidubce/bce-sdk-go/model"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// bootKey is the tag that tells a server's system disk, which a renewal pays
// for too and which the cloud does not always show.
const bootKey = "tradewind-boot"

// bootTag notes a system disk. No two purchases have the same tags: it ends like
// a customer's name, with what tells the token.
func bootTag(d Disk, token string) model.TagModel {
	return model.TagModel{TagKey: bootKey, TagValue: d.kind() + "-" + strconv.Itoa(d.SizeGB) + mark(token)}
}

// bootOf is a server's system disk: as the cloud shows it, or as it was noted.
func bootOf(row instanceRow) (Disk, bool) {
	for _, v := range row.Volumes {
		if v.IsSystemVolume {
			return Disk{Type: string(v.StorageType), SizeGB: v.DiskSizeInGB}, true
		}
	}
	for _, t := range row.Tags {
		kind, rest, ok := strings.Cut(t.TagValue, "-")
		size, _, _ := strings.Cut(rest, "-")
		gb, err := strconv.Atoi(size)
		if t.TagKey == bootKey && ok && err == nil && gb > 0 {
			return Disk{Type: kind, SizeGB: gb}, true
		}
	}
	return Disk{}, false
}

// quoteServerRenewal prices a server for another term, with its system disk and
// the disks that came with it.
func (c *cloud) quoteServerRenewal(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	row, err := c.instance(ctx, req.ResourceID)
	if err != nil {
		return provider.Quote{}, err
	}
	l, err := renewalOf(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	if err := prolongable(row.PaymentTiming); err != nil {
		return provider.Quote{}, err
	}
	boot, ok := bootOf(row)
	if !ok {
		return provider.Quote{}, fault.Unsupported("the cloud does not tell the system disk of this server, which a renewal pays for")
	}
	all := []Disk{boot}
	err = c.disks(ctx, diskFilter{server: row.InstanceId}, func(d diskRow) error {
		if attachedTo(d) == row.InstanceId && tokenIn(d.Tags) == "" && billingOf(d.PaymentTiming) == provider.BillingPrepaid {
			all = append(all, Disk{Type: string(d.StorageType), SizeGB: d.DiskSizeInGB})
		}
		return nil
	})
	if err != nil {
		return provider.Quote{}, err
	}
	total, err := c.serverPrice(ctx, row.Spec, row.ZoneName, all, l)
	return total.quoted(err, 1)
}

func (c *cloud) quoteAddress(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[kinds.EIPSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	_, l, err := addressBilling(req.Term, s.PayMode)
	if err != nil {
		return provider.Quote{}, err
	}
	total, err := c.addressPrice(ctx, s.Bandwidth, s.PayMode, l)
	return total.quoted(err, req.Term.Quantity)
}

// addressPrice prices the bandwidth of an address.
func (c *cloud) addressPrice(ctx context.Context, mbps int, mode string, l lease) (price, error) {
	if mode == kinds.PayTraffic {
		return price{}, fault.Unsupported("the cloud prices traffic when it has flowed")
	}
	return c.itemPrice(ctx, "EIP", c.cfg.BandwidthItem, mbps, l)
}

func (c *cloud) quoteAddressRenewal(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	row, err := c.eip(ctx, req.ResourceID)
	if err != nil {
		return provider.Quote{}, err
	}
	l, err := renewalOf(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	if err := prolongable(row.PaymentTiming); err != nil {
		return provider.Quote{}, err
	}
	total, err := c.addressPrice(ctx, row.BandWidthInMbps, kinds.PayBandwidth, l)
	return total.quoted(err, 1)
}

func (c *cloud) quoteDisk(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	s, err := specOf[kinds.DiskSpec](req.Spec)
	if err != nil {
		return provider.Quote{}, err
	}
	l, err := diskLease(req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	total, err := c.disksPrice(ctx, []Disk{{Type: s.Type, SizeGB: s.SizeGB}}, l)
	return total.quoted(err, req.Term.Quantity)
}
