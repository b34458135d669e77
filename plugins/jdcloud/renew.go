package main

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"

	charge "github.com/jdcloud-api/jdcloud-sdk-go/services/charge/models"
	diskapi "github.com/jdcloud-api/jdcloud-sdk-go/services/disk/apis"
	renewalapi "github.com/jdcloud-api/jdcloud-sdk-go/services/renewal/apis"
	renewal "github.com/jdcloud-api/jdcloud-sdk-go/services/renewal/models"
	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// A renewal has no token at the cloud. So before it is bought, a mark with the
// token and the resource's end of term is written into its description or, of an
// address, into a tag. The renewal has happened exactly when the term ends later
// than the mark says. A renewal whose mark is missing was never asked for.

const (
	// maxMarks is how many renewals a description remembers; the older ones are long decided.
	maxMarks = 3
	// maxRenewal is the most periods of one renewal.
	maxRenewal = 36
)

// marked is the head of a description: marks like "twr0123456789abcdef0123-1700000000.",
// in the alphabet that the cloud allows in every text.
var marked = regexp.MustCompile(`^(?:twr[0-9a-f]{20}-[0-9]{1,12}\.)+`)

// mark says that a renewal was about to be bought when the term ended at end
// (unix seconds). The token is kept as a hash: it is short then, whatever it was.
type mark struct {
	token string
	end   int64
}

func newMark(token string, end time.Time) mark { return mark{token: tokenHash(token), end: end.Unix()} }

// marks are a resource's renewals, oldest first.
type marks []mark

// marksOf reads the marks of a description; what is no mark is the user's text.
func marksOf(description string) (marks, string) {
	head := marked.FindString(description)
	var out marks
	for one := range strings.SplitSeq(strings.TrimSuffix(head, "."), ".") {
		token, end, ok := strings.Cut(strings.TrimPrefix(one, "twr"), "-")
		n, err := strconv.ParseInt(end, 10, 64)
		if ok && err == nil {
			out = append(out, mark{token: token, end: n})
		}
	}
	return out, description[len(head):]
}

// with is a description with text and marks.
func (m marks) with(text string) string {
	var b strings.Builder
	for _, one := range m {
		b.WriteString("twr" + one.token + "-" + strconv.FormatInt(one.end, 10) + ".")
	}
	return b.String() + text
}

// add puts a mark at the end, or renews the one its token has.
func (m marks) add(next mark) marks {
	var out marks
	for _, one := range m {
		if one.token != next.token {
			out = append(out, one)
		}
	}
	out = append(out, next)
	return out[max(len(out)-maxMarks, 0):]
}

// happened tells what became of the renewal with a token when the term now
// ends at end: the term grew between its mark and the one after it.
func (m marks) happened(token string, end time.Time) (known, done bool) {
	for i, one := range m {
		if one.token != tokenHash(token) {
			continue
		}
		later := end.Unix()
		if i+1 < len(m) {
			later = m[i+1].end
		}
		return true, later > one.end
	}
	return false, false
}

// renewalOf is a term as the number and unit of a renewal.
func renewalOf(t provider.Term, mode string) (span int, unit string, err error) {
	n := max(t.Periods, 1)
	switch {
	case mode != prepaid:
		return 0, "", fault.Precondition("a resource paid by use goes on by itself and cannot be renewed")
	case t.Period == provider.PeriodMonth:
		unit = "MONTH"
	case t.Period == provider.PeriodYear:
		unit = "YEAR"
	default:
		return 0, "", fault.Invalid("term.period", "%q cannot be had: renew by month or year", t.Period)
	}
	if n > maxRenewal {
		return 0, "", fault.Invalid("term.periods", "must be at most %d", maxRenewal)
	}
	return n, unit, nil
}

// lease is what a renewal needs to know of a resource.
type lease struct {
	charge      charge.Charge
	description string
	service     string // the serviceCode
	resource    *provider.Resource
}

// Renew prolongs a server, a disk or an address, once per token.
func (p *plugin) Renew(ctx context.Context, req provider.RenewRequest) (provider.Change, error) {
	var zero provider.Change
	c, err := p.openIn(req.Call)
	if err != nil {
		return zero, err
	}
	if req.Token == "" {
		return zero, fault.Invalid("token", "is required")
	}
	// Marks are read and written back, so renewals of a resource take turns.
	end, err := p.purchases.Take(ctx, c.key()+"\nrenew\n"+req.ID)
	if err != nil {
		return zero, err
	}
	defer end()
	now, err := c.lease(ctx, req.Kind, req.ID)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	span, unit, err := renewalOf(req.Term, now.charge.ChargeMode)
	if err != nil {
		return zero, err
	}
	old, text := marksOf(now.description)
	if _, done := old.happened(req.Token, expires(now.charge)); done {
		return provider.Change{Resource: now.resource}, nil
	}
	next := old.add(newMark(req.Token, expires(now.charge)))
	if err := c.describe(ctx, req.Kind, req.ID, next.with(text)); err != nil {
		return zero, fault.NotDone(err)
	}
	return c.renew(ctx, req.Kind, req.ID, now.service, span, unit)
}

func (c *cloud) renew(ctx context.Context, kind, id, service string, span int, unit string) (provider.Change, error) {
	yes := true // what nobody pays by hand is cancelled
	req := renewalapi.NewRenewInstanceRequestWithoutParam()
	req.SetRegionId(c.region)
	req.SetRenewInstanceParam(&renewal.RenewInstanceParam{
		AppCode: c.cfg.AppCode, ServiceCode: service, TimeSpan: span, TimeUnit: unit, InstanceIds: id, AutoPay: &yes,
	})
	answer, err := write[renewalapi.RenewInstanceResult](ctx, c, serviceRenewal, req)
	if err != nil {
		return provider.Change{}, err
	}
	if answer.OrderNumber == "" {
		return provider.Change{}, fault.Unknown(nil, "the cloud did not name the renewal's order").From(fault.SourceCloud)
	}
	out := provider.Change{VendorOrder: answer.OrderNumber}
	// The renewal is bought; that the new end of term cannot be read now changes
	// nothing of that.
	if after, err := c.lease(ctx, kind, id); err == nil {
		out.Resource = after.resource
	}
	return out, nil
}

// lease reads what a renewal needs.
func (c *cloud) lease(ctx context.Context, kind, id string) (lease, error) {
	switch kind {
	case kinds.Instance:
		row, err := c.server(ctx, id)
		if err != nil {
			return lease{}, err
		}
		t, err := c.instance(ctx, row)
		if err != nil {
			return lease{}, err
		}
		r, err := resourceOf(kind, t)
		return lease{charge: row.Charge, description: row.Description, service: c.cfg.ServerCode, resource: r}, err
	case kinds.Disk:
		row, err := c.disk(ctx, id)
		if err != nil {
			return lease{}, err
		}
		r, err := resourceOf(kind, c.diskThing(row))
		return lease{charge: row.Charge, description: row.Description, service: c.cfg.DiskCode, resource: r}, err
	case kinds.EIP:
		row, err := c.eip(ctx, id)
		if err != nil {
			return lease{}, err
		}
		r, err := resourceOf(kind, c.address(row))
		return lease{charge: row.Charge, description: tagIn(row.Tags, renewalKey), service: c.cfg.AddressCode, resource: r}, err
	}
	return lease{}, fault.Unsupported("the kind %q cannot be renewed", kind)
}

// describe writes the description of a resource, or what stands for it.
func (c *cloud) describe(ctx context.Context, kind, id, text string) error {
	switch kind {
	case kinds.EIP:
		return c.tagAddress(ctx, id, renewalKey, text)
	case kinds.Disk:
		req := diskapi.NewModifyDiskAttributeRequest(c.region, id)
		req.SetDescription(text)
		return act(ctx, c, serviceDisk, req)
	}
	req := vmapi.NewModifyInstanceAttributeRequest(c.region, id)
	req.SetDescription(text)
	return act(ctx, c, serviceVM, req)
}

// findRenewal tells what became of a renewal with a token.
func (p *plugin) findRenewal(ctx context.Context, c *cloud, req provider.FindRequest) (done, settled bool, err error) {
	now, err := c.lease(ctx, req.Kind, req.ID)
	if fault.Is(err, fault.ClassNotFound) {
		return false, true, nil
	}
	if err != nil {
		return false, false, err
	}
	all, _ := marksOf(now.description)
	_, done = all.happened(req.Token, expires(now.charge))
	return done, done || c.cfg.settled(req.Since, p.clock.Now()), nil
}

func (h instances) findRenewed(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[InstanceState], error) {
	out := provider.TypedFound[InstanceState]{}
	var err error
	if out.Done, out.Settled, err = h.findRenewal(ctx, c, req); err != nil || !out.Done {
		return out, err
	}
	row, err := c.server(ctx, req.ID)
	if err != nil {
		return provider.TypedFound[InstanceState]{}, err
	}
	t, err := c.instance(ctx, row)
	out.Things = []instance{t}
	return out, err
}
