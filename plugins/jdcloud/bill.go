package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	billingapi "github.com/jdcloud-api/jdcloud-sdk-go/services/billing/apis"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// billItem is what is used of the cloud's bill items. The SDK's own type reads
// money as binary fractions.
type billItem struct {
	Pin          string      `json:"pin"`
	Service      string      `json:"serviceCode"`
	ServiceName  string      `json:"serviceCodeName"`
	WayToPay     string      `json:"billingTypeName"`
	Resource     string      `json:"resourceId"`
	ResourceName string      `json:"resourceName"`
	Region       string      `json:"region"`
	Action       string      `json:"actionTypeName"`
	Formula      string      `json:"formula"`
	Start        string      `json:"startTime"`
	End          string      `json:"endTime"`
	Billed       string      `json:"billTime"`
	Total        json.Number `json:"totalFee"`
	Real         json.Number `json:"realTotalFee"`

	n      int // place in the list
	billed time.Time
}

type billList struct {
	Pagination struct {
		Total int `json:"numberRecords"`
	} `json:"pagination"`
	Rows []billItem `json:"result"`
}

const (
	// billPage is how many items are asked for at once.
	billPage = 1000
	// mostBillMonths bounds the months of one window.
	mostBillMonths = 240
)

// bills streams the items that were billed in a window, month by month as the
// cloud wants to be asked. Its months are those of Beijing.
func (c *cloud) bills(ctx context.Context, from, to time.Time, yield func(billItem) error) error {
	for range mostBillMonths {
		if !from.Before(to) {
			return nil
		}
		local := from.In(beijing())
		end := time.Date(local.Year(), local.Month()+1, 1, 0, 0, 0, 0, beijing())
		if end.After(to) {
			end = to
		}
		if err := c.billMonth(ctx, from, end, yield); err != nil {
			return err
		}
		from = end
	}
	return fault.Invalid("to", "the window must have at most %d months", mostBillMonths)
}

func (c *cloud) billMonth(ctx context.Context, from, to time.Time, yield func(billItem) error) error {
	last := to.Add(-time.Nanosecond) // the cloud's windows have whole seconds and include their last one
	fetch := func(ctx context.Context, number, size int) ([]billItem, int, error) {
		req := billingapi.NewDescribeBillDetailsRequest(c.region, from.In(beijing()).Format(time.DateTime), last.In(beijing()).Format(time.DateTime))
		req.SetPageIndex(number)
		req.SetPageSize(size)
		answer, err := read[billList](ctx, c, serviceBilling, req)
		for i := range answer.Rows {
			row := &answer.Rows[i]
			row.n, row.billed = (number-1)*size+i, row.moment()
		}
		return answer.Rows, answer.Pagination.Total, err
	}
	return pages(ctx, billPage, fetch, func(b billItem) string { return strconv.Itoa(b.n) }, func(b billItem) error {
		if at := b.billed; at.Before(from) || !at.Before(to) {
			return nil
		}
		return yield(b)
	})
}

// moment is when an item was charged: the cloud's moment for it or, where it
// tells none, when the time begins that it is for.
func (b *billItem) moment() time.Time {
	if at := moment(b.Billed); !at.IsZero() {
		return at
	}
	return moment(b.Start)
}

// key is what tells items apart, but for equal ones: the cloud gives no ids.
func (b billItem) key() string {
	return strings.Join([]string{b.Service, b.Resource, b.Action, b.Billed, b.Start, b.End, b.Formula}, "/")
}

// category is an action in the words of FOCUS.
func (b billItem) category(cost provider.Decimal) string {
	switch {
	case strings.HasPrefix(string(cost), "-"):
		return "Credit"
	case b.Action == "USE":
		return "Usage"
	}
	return "Purchase"
}

// BillLines streams what the cloud charged in a window. A line belongs to the
// moment it was charged at; the time it pays for is in its tags, because a
// renewal pays for a time that is yet to come. Equal items get numbers.
func (p *plugin) BillLines(ctx context.Context, req provider.PeriodRequest, yield func(provider.BillLine) error) error {
	c, err := p.open(req.Call)
	if err != nil {
		return err
	}
	// Sums of ids, not ids: a month may have very many. Two ids with one sum get
	// different numbers, which does no harm.
	seen, local := map[uint64]int32{}, beijing()
	var year int
	var month time.Month
	return c.home().bills(ctx, req.From, req.To, func(b billItem) error {
		if y, m, _ := b.billed.In(local).Date(); y != year || m != month {
			year, month, seen = y, m, map[uint64]int32{} // the moment is in every id
		}
		line, err := b.line(req.Call.Account.ID)
		if err != nil {
			return err
		}
		sum := fnv.New64a()
		_, _ = sum.Write([]byte(line.ID))
		id := sum.Sum64()
		if n := seen[id]; n > 0 {
			line.ID = fmt.Sprintf("%s#%d", line.ID, n)
		}
		seen[id]++
		return yield(line)
	})
}

func (b billItem) line(account string) (provider.BillLine, error) {
	billed, err := amount(b.Real)
	if err != nil {
		return provider.BillLine{}, err
	}
	full, err := amount(b.Total)
	if err != nil {
		return provider.BillLine{}, err
	}
	tags := map[string]string{"charge_type": b.WayToPay, "resource_name": b.ResourceName}
	for name, text := range map[string]string{"term_start": b.Start, "term_end": b.End} {
		if at := moment(text); !at.IsZero() {
			tags[name] = at.Format(time.RFC3339)
		}
	}
	return provider.BillLine{
		ID: b.key(), BillingAccountID: account, SubAccountID: b.Pin, ResourceID: b.Resource, ResourceType: b.Service,
		ServiceName: firstText(b.ServiceName, b.Service), ChargeCategory: b.category(billed), ChargeDescription: b.Action,
		ChargePeriodStart: b.billed, ChargePeriodEnd: b.billed.Add(time.Second), BillingCurrency: currency,
		BilledCost: billed, EffectiveCost: billed, ListCost: full, RegionID: b.Region, Tags: tags,
	}, nil
}
