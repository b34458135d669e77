package apitest

import (
	"context"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tradewind.example/core/app"
)

// The tests whose names begin with TestPain replay what hurt the users of other
// brokers; docs/pains.md says which is which and how it is prevented.

// shop is a broker with one chain: cloud, operator, reseller, sub-reseller,
// customer, each a step dearer than the one above it.
type shop struct {
	*broker
	boss, reseller, sub, customer *person
	cloudOrg, provider, product   string
	terms                         map[*person]string // the protocol in which it buys
}

// rates are of the list amount: what the operator, the reseller, the
// sub-reseller and the customer pay.
var rates = [...]string{"0.5", "0.7", "0.8", "0.9"}

// What nobody below the operator may read.
const upstream, contracted = "clouds upstream", "2026-01-02T03:04:05Z"

// openShop opens one; the settings are of the account that the chain buys in,
// the reseller's.
func openShop(t *testing.T, settings map[string]string) *shop {
	t.Helper()
	s := &shop{broker: start(t), terms: map[*person]string{}}
	s.boss = s.first
	s.cloudOrg = s.boss.make(t, "/v1/orgs", fields{"kind": "provider", "name": upstream})
	s.provider = s.boss.make(t, "/v1/providers", fields{"plugin_name": "sandbox", "org_id": s.cloudOrg, "title": "sandbox", "contract_from": contracted})
	s.account(t, s.boss, nil)
	s.boss.must(t, http.MethodPost, "/v1/providers/"+s.provider+"/sync", nil, nil)
	s.product = s.boss.ids(t, "/v1/products?sort=-name")[1]
	s.reseller = s.join(t, s.boss, "reseller", "harbour")
	s.sub = s.join(t, s.reseller, "reseller", "pier")
	s.customer = s.join(t, s.sub, "customer", "boat")
	s.boss.make(t, "/v1/grants", fields{"provider_id": s.provider, "to": s.reseller.org})
	s.account(t, s.reseller, settings)
	s.agree(t, s.boss, s.boss, fields{"seller": s.cloudOrg, "settle": "period", "default_rate": rates[0]})
	for i, p := range s.buyers() {
		s.agree(t, s.sellers()[i], p, fields{"settle": "realtime", "default_rate": rates[i+1]})
		s.pay(t, s.sellers()[i], p, "100000.00")
	}
	return s
}

// sellers and buyers are the legs of the chain below the cloud.
func (s *shop) sellers() []*person { return []*person{s.boss, s.reseller, s.sub} }
func (s *shop) buyers() []*person  { return []*person{s.reseller, s.sub, s.customer} }

// account enables the provider for an org with an account of its own.
func (s *shop) account(t *testing.T, who *person, settings map[string]string) {
	t.Helper()
	e := who.make(t, "/v1/enablements", fields{
		"provider_id": s.provider, "covers_all": true, "settings": settings,
		"credentials": fields{"api_key": s.secrets.credential("the account of " + who.name)},
	})
	eventually(t, "the account of "+who.name, func() bool {
		var now struct{ State string }
		who.must(t, http.MethodGet, "/v1/enablements/"+e, nil, &now)
		return now.State == "active"
	})
}

func (s *shop) join(t *testing.T, seller *person, kind, name string) *person {
	t.Helper()
	org := seller.make(t, "/v1/orgs", fields{"kind": kind, "parent_id": seller.org, "name": name})
	return hire(t, seller, org, "shop/"+name, name, kind+"_admin")
}

// agree writes what a buyer pays; terms can be replaced by more.
func (s *shop) agree(t *testing.T, by, buyer *person, more fields) {
	t.Helper()
	in := fields{"buyer": buyer.org, "mode": "discount", "template": "daily"}
	for k, v := range more {
		in[k] = v
	}
	s.terms[buyer] = by.make(t, "/v1/protocols", in)
}

func (s *shop) pay(t *testing.T, seller, buyer *person, amount string) {
	t.Helper()
	seller.make(t, "/v1/recharges", fields{"buyer": buyer.org, "currency": "CNY", "amount": amount, "reference": "slip"})
}

// purse is a wallet in fen.
type purse struct{ posted, held, credit, available int64 }

func (s *shop) wallet(t *testing.T, seller, buyer *person) purse {
	t.Helper()
	var w struct{ Posted, Held, Credit, Available string }
	buyer.must(t, http.MethodGet, "/v1/wallets/"+buyer.org+"/"+seller.org+"/CNY", nil, &w)
	return purse{fen(t, w.Posted), fen(t, w.Held), fen(t, w.Credit), fen(t, w.Available)}
}

// wallets are those of all legs, the operator's buyer first.
func (s *shop) wallets(t *testing.T) (out [3]purse) {
	t.Helper()
	for i, b := range s.buyers() {
		out[i] = s.wallet(t, s.sellers()[i], b)
	}
	return out
}

func fen(t *testing.T, amount string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.Replace(amount, ".", "", 1), 10, 64)
	if err != nil || len(amount) < 4 || amount[len(amount)-3] != '.' {
		t.Fatalf("the amount %q has no two places", amount)
	}
	return n
}

// share is a rate with one place of an amount, rounded half away from zero.
func share(amount int64, rate string) int64 {
	n, err := strconv.ParseInt(strings.Replace(rate, ".", "", 1), 10, 64)
	if err != nil || len(rate) != 3 {
		return math.MinInt64
	}
	return (amount*n + 5) / 10
}

// sale is an order as its buyer reads it.
type sale struct {
	ID, State   string
	ResourceIDs []string `json:"resource_ids"`
	Units       []struct {
		State    string
		VendorID string `json:"vendor_id"`
	}
	Price    priced
	Refunded []priced
}

type priced struct {
	Margin string
	Legs   []struct{ Seller, Buyer, Found, Rate, Amount string }
}

// leg is the amount between two orgs; the test fails when it is not shown.
func (p priced) leg(t *testing.T, seller, buyer string) int64 {
	t.Helper()
	for _, l := range p.Legs {
		if l.Seller == seller && l.Buyer == buyer {
			return fen(t, l.Amount)
		}
	}
	t.Fatalf("no leg from %s to %s in %+v", seller, buyer, p)
	return 0
}

// list is the list amount of one unit for a month.
func (s *shop) list(t *testing.T) int64 {
	t.Helper()
	var q struct{ Price priced }
	s.boss.must(t, http.MethodPost, "/v1/quotes", fields{"product_id": s.product, "org_id": s.customer.org}, &q)
	return 2 * q.Price.leg(t, s.cloudOrg, s.boss.org)
}

// buy orders as the customer and waits until it is decided.
func (s *shop) buy(t *testing.T) sale {
	t.Helper()
	return s.ended(t, s.customer.make(t, "/v1/orders", fields{"product_id": s.product}))
}

func (s *shop) order(t *testing.T, id string) (o sale) {
	t.Helper()
	s.customer.must(t, http.MethodGet, "/v1/orders/"+id, nil, &o)
	return o
}

func (s *shop) ended(t *testing.T, id string) (o sale) {
	t.Helper()
	eventually(t, "the end of order "+id, func() bool {
		o = s.order(t, id)
		return o.State != "held" && o.State != "provisioning"
	})
	return o
}

// operate stops or starts the plugin.
func (s *shop) operate(t *testing.T, verb string) {
	t.Helper()
	s.boss.must(t, http.MethodPost, "/v1/plugins/sandbox/"+verb, nil, nil)
	if verb == "start" {
		s.ready(t, 0)
	}
}

// ready waits until another process of the plugin than old serves.
func (s *shop) ready(t *testing.T, old int) (pid int) {
	t.Helper()
	eventually(t, "the plugin to be ready", func() bool {
		var p struct {
			State string
			PID   int
		}
		s.boss.must(t, http.MethodGet, "/v1/plugins/sandbox", nil, &p)
		pid = p.PID
		return p.State == "ready" && p.PID != old && p.PID != 0
	})
	return pid
}

// reopen ends the broker and starts another one on what it left.
func (s *shop) reopen(t *testing.T) {
	t.Helper()
	s.stop()
	ctx, cancel := context.WithCancel(t.Context())
	a, err := app.Open(ctx, s.cfg, app.Options{Clock: s.clock, Logger: slog.New(slog.NewJSONHandler(s.log, nil)), Version: "test"})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, l) }()
	s.app, s.client.base = a, "http://"+l.Addr().String()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
		if err := a.Close(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	t.Cleanup(s.stop)
}

// finish is what every pain ends with: each book sums to zero.
func (s *shop) finish(t *testing.T) {
	t.Helper()
	for _, p := range []*person{s.boss, s.reseller, s.sub, s.customer} {
		sums := map[string]int64{}
		for _, a := range rowsAt[struct{ Book, Currency, Balance string }](t, p, "/v1/ledger/accounts") {
			sums[a.Book+" "+a.Currency] += fen(t, a.Balance)
		}
		for book, sum := range sums {
			if sum != 0 {
				t.Errorf("%s: the book %s sums to %d fen", p.name, book, sum)
			}
		}
		if len(sums) == 0 {
			t.Errorf("%s has no book", p.name)
		}
	}
}

// rowsAt reads a whole list.
func rowsAt[T any](t *testing.T, p *person, path string) (all []T) {
	t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for cursor := ""; ; {
		var page struct {
			Items []T
			Next  string
		}
		p.must(t, http.MethodGet, path+sep+"limit=500&cursor="+cursor, nil, &page)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}
