package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ucloud/ucloud-sdk-go/services/ubill"
	"github.com/ucloud/ucloud-sdk-go/services/uhost"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// A renewal has no token at the cloud. So before it is bought, a mark with the
// token and the resource's end of term is written into the resource's remark.
// The renewal has happened exactly when the term ends later than the mark says.
// A renewal whose mark is missing was never asked for.

const (
	// maxMarks is how many renewals a remark remembers; the older ones are long decided.
	maxMarks = 3
	// maxRenewal is the most periods of one renewal.
	maxRenewal = 10
)

// marked is the head of a remark: marks like "twr0123456789abcdef0123-1700000000.",
// in the alphabet that the cloud allows in every text.
var marked = regexp.MustCompile(`^(?:twr[0-9a-f]{20}-[0-9]{1,12}\.)+`)

// mark says that a renewal was about to be bought when the term ended at end
// (unix seconds). The token is kept as a hash: it is short then, whatever it was.
type mark struct {
	token string
	end   int64
}

func newMark(token string, end time.Time) mark { return mark{token: tokenHash(token), end: end.Unix()} }

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:10])
}

// marks are a resource's renewals, oldest first.
type marks []mark

// marksOf reads the marks of a remark; what is no mark is the user's text.
func marksOf(remark string) (marks, string) {
	head := marked.FindString(remark)
	var out marks
	for one := range strings.SplitSeq(strings.TrimSuffix(head, "."), ".") {
		token, end, ok := strings.Cut(strings.TrimPrefix(one, "twr"), "-")
		n, err := strconv.ParseInt(end, 10, 64)
		if ok && err == nil {
			out = append(out, mark{token: token, end: n})
		}
	}
	return out, remark[len(head):]
}

// plainRemark is a remark without marks.
func plainRemark(remark string) string {
	_, text := marksOf(remark)
	return text
}

// with is a remark with text and marks.
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

// renewalOf is the number of periods to renew a resource by, in the unit that
// it was bought in: the cloud renews in no other.
func renewalOf(t provider.Term, charge string) (int, error) {
	want, quantity, err := chargeOf(provider.Term{Billing: provider.BillingPrepaid, Period: t.Period, Periods: t.Periods, Quantity: 1})
	switch {
	case err != nil:
		return 0, err
	case charge != chargeMonth && charge != chargeYear:
		return 0, fault.Precondition("a resource paid by %q goes on by itself and cannot be renewed", charge)
	case want != charge:
		return 0, fault.Invalid("term.period", "the resource is paid by %q and can be renewed in that unit only", charge)
	case quantity > maxRenewal:
		return 0, fault.Invalid("term.periods", "the cloud renews by at most %d periods of %q at once", maxRenewal, charge)
	}
	return quantity, nil
}

// lease is what a renewal needs to know of a resource.
type lease struct {
	charge, remark string
	end            time.Time
	resource       *provider.Resource
}

// Renew prolongs a server or an address, once per token.
func (p *plugin) Renew(ctx context.Context, req provider.RenewRequest) (provider.Change, error) {
	c, err := p.openIn(req.Call)
	if err != nil {
		return provider.Change{}, err
	}
	c = c.at(c.region, "")
	if req.Token == "" {
		return provider.Change{}, fault.Invalid("token", "is required")
	}
	// Marks are read and written back, so renewals of a resource take turns.
	end, err := p.purchases.Take(ctx, c.endpoint+"\n"+c.cfg.PublicKey+"\nrenew\n"+req.ID)
	if err != nil {
		return provider.Change{}, err
	}
	defer end()
	now, err := c.lease(ctx, req.Kind, req.ID)
	if err != nil {
		return provider.Change{}, err
	}
	quantity, err := renewalOf(req.Term, now.charge)
	if err != nil {
		return provider.Change{}, err
	}
	old, text := marksOf(now.remark)
	if _, done := old.happened(req.Token, now.end); done {
		return provider.Change{Resource: now.resource}, nil
	}
	next := old.add(newMark(req.Token, now.end))
	if err := c.remark(ctx, req.Kind, req.ID, next.with(text)); err != nil {
		return provider.Change{}, fault.NotDone(err)
	}
	return c.renew(ctx, req.Kind, req.ID, quantity)
}

func (c *cloud) renew(ctx context.Context, kind, id string, quantity int) (provider.Change, error) {
	answer, err := write(ctx, c, ubill.NewClient, func(k *ubill.UBillClient) (*ubill.CreateRenewResponse, error) {
		r := k.NewCreateRenewRequest()
		r.ResourceId, r.Quantity = &id, &quantity
		return k.CreateRenew(r)
	})
	if err != nil {
		return provider.Change{}, err
	}
	out := provider.Change{VendorOrder: answer.OrderNo}
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
	case kindInstance:
		row, err := c.host(ctx, id)
		if err != nil {
			return lease{}, err
		}
		r, err := c.hostResource(row)
		return lease{charge: row.ChargeType, remark: row.Remark, end: moment(row.ExpireTime), resource: r}, err
	case kindEIP:
		row, err := c.eip(ctx, id)
		if err != nil {
			return lease{}, err
		}
		r, err := resourceOf(kindEIP, c.address(row))
		return lease{charge: row.ChargeType, remark: row.Remark, end: moment(row.ExpireTime), resource: r}, err
	}
	return lease{}, fault.Unsupported("the kind %q cannot be renewed", kind)
}

// remark writes the remark of a resource.
func (c *cloud) remark(ctx context.Context, kind, id, text string) error {
	if kind == kindEIP {
		return c.remarkEIP(ctx, id, text)
	}
	_, err := write(ctx, c, uhost.NewClient, func(k hostClient) (*uhost.ModifyUHostInstanceRemarkResponse, error) {
		r := k.NewModifyUHostInstanceRemarkRequest()
		r.UHostId, r.Remark = &id, &text
		return k.ModifyUHostInstanceRemark(r)
	})
	return err
}

// renewal tells what became of a renewal with a token.
func (p *plugin) renewal(ctx context.Context, c *cloud, req provider.FindRequest) (done, settled bool, err error) {
	now, err := c.lease(ctx, req.Kind, req.ID)
	if fault.Is(err, fault.ClassNotFound) {
		return false, true, nil
	}
	if err != nil {
		return false, false, err
	}
	all, _ := marksOf(now.remark)
	_, done = all.happened(req.Token, now.end)
	return done, done || c.cfg.settled(req.Since, p.clock.Now()), nil
}

func (h instances) findRenewed(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[InstanceState], error) {
	out := provider.TypedFound[InstanceState]{}
	var err error
	if out.Done, out.Settled, err = h.renewal(ctx, c, req); err != nil || !out.Done {
		return out, err
	}
	row, err := c.host(ctx, req.ID)
	if err != nil {
		return provider.TypedFound[InstanceState]{}, err
	}
	out.Things = []instance{c.instance(row)}
	return out, nil
}
