package v1_test

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	v1 "tradewind.example/core/api/v1"
	"tradewind.example/core/catalog"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/provider/providertest"
	"tradewind.example/core/quote"
	"tradewind.example/core/tenant"
	"tradewind.example/core/trade"
	"tradewind.example/sdk/clock"
	contract "tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// shop is an HTTP edge over a three-leg chain whose customer can ask for quotes.
type shop struct {
	*providertest.World
	services v1.Services
	product  string
	bearer   string
}

func need[T any](b *testing.B) func(T, error) T {
	return func(v T, err error) T {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
}

func openShop(b *testing.B) *shop {
	b.Helper()
	s := &shop{World: providertest.New(b)}
	provider := s.Serve()
	s.Cloud.Set(func(c *providertest.Cloud) { c.Desc.Capabilities = []contract.Capability{contract.CapOfferings} })
	auth := s.Tenants.Authority()
	products := need[*catalog.Service](b)(catalog.New(catalog.Config{
		Store: s.Store, Clock: s.Clock, Logger: s.Log, Authority: auth, Providers: s.Providers,
		Plugins: providertest.Plugins[catalog.Cloud]{Cloud: s.Cloud}, Jobs: s.Jobs,
	}))
	pairs := need[*trade.Pairs](b)(trade.New(trade.Config{Orgs: s.Tenants, Access: auth}))
	terms := need[*protocol.Service](b)(protocol.New(protocol.Config{Store: s.Store, Clock: s.Clock, Access: auth, Pairs: pairs}))
	quotes := need[*quote.Service](b)(quote.New(quote.Config{
		Store: s.Store, Clock: clock.Real{}, Logger: s.Log, Authority: auth, Orgs: s.Tenants, Catalog: products,
		Providers: s.Providers, Terms: terms, Plugins: providertest.Plugins[quote.Cloud]{Cloud: s.Cloud},
	}))
	price := need[money.Decimal](b)(money.ParseDecimal("1000"))
	p := need[catalog.Product](b)(products.Create(b.Context(), s.As(s.Root), catalog.CreateInput{ProviderID: provider.ID, VendorID: "p1", Facts: catalog.Facts{
		Kind: "instance", Name: "p1", Class: "N", Currency: "CNY", Spec: json.RawMessage(`{"flavour":"small","disk_gb":40}`), ListPrice: &price,
		Billing: []contract.BillingMethod{contract.BillingPrepaid}, Periods: []contract.Period{contract.PeriodMonth},
	}}))
	for _, leg := range [][3]tenant.Org{{s.Root, s.Commercial, s.Root}, {s.Root, s.Root, s.Reseller}, {s.Reseller, s.Reseller, s.Customer}} {
		rate := need[money.Decimal](b)(money.ParseDecimal("0.9"))
		need[protocol.Saved](b)(terms.Create(b.Context(), s.As(leg[0]), protocol.CreateInput{
			Seller: leg[1].ID, Buyer: leg[2].ID, Mode: pricing.ModeDiscount, Settle: pricing.SettleRealtime, DefaultRate: &rate,
		}))
	}
	s.product, s.services = p.ID, v1.Services{Store: s.Store, Tenants: s.Tenants, Access: auth, Quotes: quotes}
	return s
}

// serve answers requests over connections in memory.
func (s *shop) serve(b *testing.B) *fasthttp.HostClient {
	b.Helper()
	edge := need[*api.Server](b)(api.New(api.Config{
		Auth: s.Tenants, Logger: slog.New(slog.DiscardHandler), Clock: clock.Real{}, Version: "bench", BodyLimit: 1 << 20,
		RequestTimeout: time.Minute, ReadTimeout: time.Minute, IdleTimeout: time.Minute, MaxConnections: 100, Registry: prometheus.NewRegistry(),
	}))
	v1.Bind(edge, s.services)
	l := fasthttputil.NewInmemoryListener()
	done := make(chan error, 1)
	go func() { done <- edge.Serve(l) }()
	b.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return &fasthttp.HostClient{Addr: "edge", Dial: func(string) (net.Conn, error) { return l.Dial() }}
}

// signIn makes the customer's buyer a session.
func (s *shop) signIn(b *testing.B) {
	b.Helper()
	password := secret.New("a long password of a buyer")
	_, err := s.Tenants.CreateUser(b.Context(), s.As(s.Root), tenant.CreateUserInput{
		OrgID: s.Customer.ID, Login: "buyer", Name: "buyer", Roles: []access.Role{access.RoleCustomerAdmin}, Password: password,
	})
	if err != nil {
		b.Fatal(err)
	}
	in := need[tenant.SignedIn](b)(s.Tenants.SignIn(b.Context(), tenant.SignInInput{Login: "buyer", Password: password, IP: "127.0.0.1"}))
	s.bearer = in.Bearer.Reveal()
}

// BenchmarkQuote is a quote over HTTP, from the first byte read to the last one
// written, with the writing behind and a client that costs little.
func BenchmarkQuote(b *testing.B) {
	s := openShop(b)
	s.signIn(b)
	client := s.serve(b)
	if err := s.services.Quotes.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := spent(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		req.SetRequestURI("http://edge/v1/quotes")
		req.Header.SetMethod(http.MethodPost)
		req.Header.SetContentType("application/json")
		req.Header.Set("Authorization", "Bearer "+s.bearer)
		req.SetBodyString(`{"product_id":"` + s.product + `","term":{"billing":"prepaid","period":"month","periods":1,"quantity":1}}`)
		for pb.Next() {
			if err := client.Do(req, resp); err != nil || resp.StatusCode() != http.StatusCreated {
				b.Errorf("%d %s: %v", resp.StatusCode(), resp.Body(), err)
				return
			}
		}
	})
	if err := s.services.Quotes.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(spent(b)-before)/float64(b.N), "cpu-ns/op")
}

// spent is the processor's time of this process: it counts the work of all
// goroutines, and nothing of others on the machine.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
