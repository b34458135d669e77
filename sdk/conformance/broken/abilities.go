package broken

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// BigAccount has [BigRows] usage records.
const (
	BigAccount = "big"
	BigRows    = 100_000
)

// odd reports whether a rule is broken and this is the second answer of two.
func (p *Plugin) odd(rule Flaw) bool { return p.has(rule) && p.calls.Add(1)%2 == 0 }

// Regions returns the two regions.
func (p *Plugin) Regions(context.Context, provider.RegionsRequest) ([]provider.Region, error) {
	out := []provider.Region{{ID: "east", Name: "East"}, {ID: "west", Name: "West"}}
	if p.odd("regions") {
		slices.Reverse(out)
	}
	if p.has("regions/empty") {
		out = nil
	}
	return out, nil
}

// Offerings streams two sizes.
func (p *Plugin) Offerings(_ context.Context, _ provider.OfferingsRequest, yield func(provider.Offering) error) error {
	ids := []string{"small", "large"}
	if p.odd("offerings") {
		slices.Reverse(ids)
	}
	for _, id := range ids {
		o := provider.Offering{ID: id, Kind: "disk", Type: "size", Name: id, Sellable: true, Currency: "CNY", ListPrice: "12.50"}
		if p.has("offerings/price") {
			o.ListPrice = "12,50"
		}
		if err := yield(o); err != nil {
			return err
		}
	}
	return nil
}

// Quote prices everything alike.
func (p *Plugin) Quote(context.Context, provider.QuoteRequest) (provider.Quote, error) {
	q := provider.Quote{Currency: "CNY", List: "12.50", Lines: []provider.QuoteLine{{Name: "disk", List: "12.50"}}}
	if p.has("quote") {
		q.List = "1.25e1"
	}
	if p.odd("quote/changes") {
		q.List = "12.51"
	}
	return q, nil
}

// Place has room for everything.
func (p *Plugin) Place(context.Context, provider.PlaceRequest) (provider.Placement, error) {
	return provider.Placement{OK: !p.has("placement")}, nil
}

// Operation tells that a create is done, the second time it is asked.
func (p *Plugin) Operation(_ context.Context, req provider.OperationRequest) (provider.Operation, error) {
	id, ok := strings.CutPrefix(req.ID, opPrefix)
	if !ok && p.has("operation-unknown") {
		return provider.Operation{ID: req.ID, State: provider.OperationSucceeded}, nil
	}
	polls := 0
	d, err := p.cloud.change(req.Call.Account.ID, id, func(d *disk) { d.polls++; polls = d.polls })
	if err != nil {
		return provider.Operation{}, fault.NotFound("operation", req.ID)
	}
	t := disks{p}.shown(d)
	out := provider.Operation{ID: req.ID, State: provider.OperationSucceeded, Progress: 100, Resource: &provider.Resource{
		ID: t.ID, Kind: "disk", Name: t.Name, Region: t.Region, Status: t.Status, RawStatus: t.RawStatus, Token: t.Token,
		Billing: t.Billing, Created: t.Created, Expires: t.Expires, State: raw(t.State), Parts: t.Parts,
	}}
	switch {
	case polls == 1:
		out.State, out.Progress, out.CheckAfter = provider.OperationRunning, 50, time.Millisecond
	case polls > 2 && p.has("operation-ends"):
		out.State, out.Failure = provider.OperationFailed, fault.Unavailable("forgotten")
	}
	return out, nil
}

// Renew prolongs a disk by months.
func (p *Plugin) Renew(ctx context.Context, req provider.RenewRequest) (provider.Change, error) {
	if err := p.open(ctx, req.Call); err != nil {
		return provider.Change{}, err
	}
	months := req.Term.Periods
	if p.cloud.renewed(req.Call.Account.ID, req.Token) && !p.has("renew-once") {
		months = 0
	}
	_, err := p.cloud.change(req.Call.Account.ID, req.ID, func(d *disk) { d.Expires = d.Expires.AddDate(0, months, 0) })
	return provider.Change{}, err
}

// EnsureAccount makes a sub-account.
func (p *Plugin) EnsureAccount(_ context.Context, req provider.EnsureAccountRequest) (provider.SubAccount, error) {
	return p.cloud.sub(req, !p.has("account-once")), nil
}

// SignInLink makes a link.
func (p *Plugin) SignInLink(context.Context, provider.SignInLinkRequest) (provider.SignInLink, error) {
	if p.has("sign-in") {
		return provider.SignInLink{URL: secret.New("http://console.example/?t=1")}, nil
	}
	return provider.SignInLink{URL: secret.New("https://console.example/?t=1"), Expires: time.Now().Add(time.Hour)}, nil
}

// VendorOrders streams two orders.
func (p *Plugin) VendorOrders(_ context.Context, _ provider.VendorOrdersRequest, yield func(provider.VendorOrder) error) error {
	for i := range 2 {
		if p.has("vendor-orders") {
			i = 0
		}
		if err := yield(provider.VendorOrder{ID: "order-" + strconv.Itoa(i), State: "paid", Amount: "12.50", Currency: "CNY"}); err != nil {
			return err
		}
	}
	return nil
}

// PayVendorOrder is not possible: all orders are paid.
func (p *Plugin) PayVendorOrder(context.Context, provider.VendorOrderChange) (provider.VendorOrder, error) {
	return provider.VendorOrder{}, fault.Precondition("the order is paid")
}

// CancelVendorOrder is not possible: all orders are paid.
func (p *Plugin) CancelVendorOrder(context.Context, provider.VendorOrderChange) (provider.VendorOrder, error) {
	return provider.VendorOrder{}, fault.Precondition("the order is paid")
}

// RefundVendorOrder is not possible: this cloud gives nothing back.
func (p *Plugin) RefundVendorOrder(context.Context, provider.VendorOrderChange) (provider.VendorOrder, error) {
	return provider.VendorOrder{}, fault.Precondition("the order cannot be given back")
}

// BillLines streams two lines of the window.
func (p *Plugin) BillLines(_ context.Context, req provider.PeriodRequest, yield func(provider.BillLine) error) error {
	for i := range 2 {
		from := req.From
		if p.has("bill-lines") {
			from = from.AddDate(1, 0, 0)
		}
		if err := yield(provider.BillLine{
			ID: "line-" + strconv.Itoa(i), ChargePeriodStart: from, ChargePeriodEnd: from.Add(time.Hour), BillingCurrency: "CNY", BilledCost: "0.10",
		}); err != nil {
			return err
		}
	}
	return nil
}

// Usage streams two records, and very many for [BigAccount].
func (p *Plugin) Usage(_ context.Context, req provider.PeriodRequest, yield func(provider.UsageRecord) error) error {
	rows := 2
	if req.Call.Account.ID == BigAccount {
		rows = BigRows
	}
	var kept []provider.UsageRecord
	give := yield
	if p.has("big-list") {
		give = func(r provider.UsageRecord) error {
			r.ResourceID = strings.Repeat("disk-", 60) + r.ID // as long as a row of a real cloud
			kept = append(kept, r)
			return nil
		}
	}
	for i := range rows {
		r := provider.UsageRecord{ID: "record-" + strconv.Itoa(i), Metric: "gb-hours", Quantity: "1.5", Start: req.From, End: req.From.Add(time.Hour)}
		if p.has("usage") {
			r.Quantity = "NaN"
		}
		if err := give(r); err != nil {
			return err
		}
	}
	for _, r := range kept {
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

// Balance is always the same.
func (p *Plugin) Balance(ctx context.Context, req provider.BalanceRequest) (provider.Balance, error) {
	if err := p.open(ctx, req.Call); err != nil {
		return provider.Balance{}, err
	}
	b := provider.Balance{Currency: "CNY", Available: "1000.00"}
	if p.has("balance") {
		b.Available = "1,000.00"
	}
	return b, nil
}

// Import streams everything the account owns.
func (p *Plugin) Import(_ context.Context, req provider.ImportRequest, yield func(provider.Resource) error) error {
	all := p.cloud.all(req.Call.Account.ID, "")
	if p.has("import-complete") && len(all) > 0 {
		all = all[:len(all)-1]
	}
	for _, d := range all {
		t := disks{p}.shown(d)
		if err := yield(provider.Resource{ID: t.ID, Kind: "disk", Name: t.Name, Region: t.Region, Status: t.Status, Created: t.Created, State: raw(t.State)}); err != nil {
			return err
		}
	}
	return nil
}

// Events streams one event and then waits.
func (p *Plugin) Events(ctx context.Context, _ provider.EventsRequest, yield func(provider.Event) error) error {
	if err := yield(provider.Event{Cursor: "1", Type: "started"}); err != nil || p.has("events-end") {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}
