package main

import (
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// purchase is one of the sandbox's own orders. Each is paid at once and is one
// line of the bill.
type purchase struct {
	id, kind, server string
	region           string
	fen              int64 // less than nothing came back
	at, end          time.Time
	state            string
}

// The states of the sandbox's orders.
const (
	orderPaid     = "paid"
	orderRefunded = "refunded"
)

// funds is what an account begins with, in fen.
const funds = 1_000_000_00

// bought notes an order; the caller holds the lock.
func (c *cloud) bought(kind string, sv *server, fen int64, end time.Time) {
	c.orders = append(c.orders, purchase{
		id: "so-" + strconv.Itoa(len(c.orders)+1), kind: kind, server: sv.id, region: sv.region, fen: fen, at: c.clock.Now(), end: end, state: orderPaid,
	})
}

// priceOf is what a create costs; what has no term is free.
func priceOf(req provider.TypedCreate[Spec]) (int64, error) {
	if req.Term.Period == provider.PeriodNone || req.Term.Period == "" {
		return 0, nil
	}
	return listPrice(req.Spec, req.Term)
}

// purchases returns the orders that were made in a window.
func (c *cloud) purchases(from, to time.Time) []purchase {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []purchase
	for _, o := range c.orders {
		if !o.at.Before(from) && (to.IsZero() || o.at.Before(to)) {
			out = append(out, o)
		}
	}
	return out
}

// refund gives an order back, and with a purchase its server.
func (c *cloud) refund(id string) (purchase, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.orders, func(o purchase) bool { return o.id == id })
	if i < 0 {
		return purchase{}, fault.NotFound("order", id)
	}
	o := &c.orders[i]
	if o.state == orderPaid {
		o.state = orderRefunded
		if o.kind == "create" {
			delete(c.servers, o.server)
		}
	}
	return *o, nil
}

func (o purchase) order() provider.VendorOrder {
	return provider.VendorOrder{ID: o.id, State: o.state, Kind: o.kind, ResourceIDs: []string{o.server}, Amount: yuan(o.fen), Currency: "CNY", Created: o.at}
}

// Balance returns what is left of the account's funds.
func (s *sandbox) Balance(_ context.Context, req provider.BalanceRequest) (provider.Balance, error) {
	c, err := s.open(req.Call)
	if err != nil {
		return provider.Balance{}, err
	}
	left := int64(funds)
	for _, o := range c.purchases(time.Time{}, time.Time{}) {
		if o.state == orderPaid {
			left -= o.fen
		}
	}
	return provider.Balance{Currency: "CNY", Available: yuan(left), Cash: yuan(left), Credit: "0.00", Frozen: "0.00"}, nil
}

// BillLines streams one line for each order, by when it was made.
func (s *sandbox) BillLines(_ context.Context, req provider.PeriodRequest, yield func(provider.BillLine) error) error {
	c, err := s.open(req.Call)
	if err != nil {
		return err
	}
	for _, o := range c.purchases(req.From, req.To) {
		err := yield(provider.BillLine{
			ID: "line-" + o.id, BillingAccountID: "sandbox", ResourceID: o.server, ResourceType: "instance", ServiceName: "Server",
			ChargeCategory: "Purchase", ChargeDescription: o.kind, ChargePeriodStart: o.at, ChargePeriodEnd: o.end, BillingCurrency: "CNY",
			BilledCost: yuan(o.fen), EffectiveCost: yuan(o.fen), ListCost: yuan(o.fen), VendorOrder: o.id, RegionID: o.region,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// VendorOrders streams the sandbox's own orders.
func (s *sandbox) VendorOrders(_ context.Context, req provider.VendorOrdersRequest, yield func(provider.VendorOrder) error) error {
	c, err := s.open(req.Call)
	if err != nil {
		return err
	}
	for _, o := range c.purchases(req.From, req.To) {
		if req.State != "" && o.state != req.State {
			continue
		}
		if err := yield(o.order()); err != nil {
			return err
		}
	}
	return nil
}

// PayVendorOrder finds every order paid.
func (s *sandbox) PayVendorOrder(_ context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	c, err := s.open(req.Call)
	if err != nil {
		return provider.VendorOrder{}, err
	}
	for _, o := range c.purchases(time.Time{}, time.Time{}) {
		if o.id == req.ID && o.state == orderPaid {
			return o.order(), nil
		}
	}
	return provider.VendorOrder{}, fault.Precondition("there is no such order to pay").Cloud("SandboxNoOrder", "")
}

// CancelVendorOrder finds none to cancel: the sandbox takes the money at once.
func (s *sandbox) CancelVendorOrder(context.Context, provider.VendorOrderChange) (provider.VendorOrder, error) {
	return provider.VendorOrder{}, fault.Unsupported("an order of the sandbox is paid at once: refund it")
}

// RefundVendorOrder gives an order back; a repeat finds it refunded.
func (s *sandbox) RefundVendorOrder(ctx context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	c, err := s.change(ctx, req.Call)
	if err != nil {
		return provider.VendorOrder{}, err
	}
	o, err := c.refund(req.ID)
	return o.order(), err
}

// EnsureAccount makes a sub-account with a key of its own, which only the token
// that made it is shown.
func (s *sandbox) EnsureAccount(ctx context.Context, req provider.EnsureAccountRequest) (provider.SubAccount, error) {
	if req.Token == "" || req.Name == "" {
		return provider.SubAccount{}, fault.Invalid("name", "is required, and so is a token")
	}
	c, err := s.change(ctx, req.Call)
	if err != nil {
		return provider.SubAccount{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	made, found := c.subs[req.Name]
	if !found {
		made = subAccount{token: req.Token, key: secret.New("sub-" + rand.Text())}
		c.subs[req.Name] = made
	}
	out := provider.SubAccount{ID: "sub-" + req.Name, Name: req.Name, Created: !found}
	if made.token == req.Token {
		out.Credentials = map[string]secret.Value{"api_key": made.key}
	}
	return out, nil
}

// subAccount is an account below the one whose cloud it is.
type subAccount struct {
	token string
	key   secret.Value
}

// signInLife is how long a sign-in link is good.
const signInLife = 5 * time.Minute

// SignInLink makes a link into the console that the sandbox does not have.
func (s *sandbox) SignInLink(_ context.Context, req provider.SignInLinkRequest) (provider.SignInLink, error) {
	if _, err := s.open(req.Call); err != nil {
		return provider.SignInLink{}, err
	}
	return provider.SignInLink{URL: secret.New("https://console.sandbox.example/sign-in?ticket=" + rand.Text()), Expires: s.clock.Now().Add(signInLife)}, nil
}
