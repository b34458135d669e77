package quote_test

import (
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/provider/providertest"
	"tradewind.example/core/quote"
)

func TestListAmountFromTheCloud(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := quote.ListInput{BuyerOrg: w.Customer.ID, ProductID: w.product.ID, Term: w.month(3, 1), Region: "r9"}
	got, err := w.quotes.ListAmount(t.Context(), in)
	wantClass(t, "the plugin quotes", err, 0)
	if got.Amount.String() != "3000" || got.Source != quote.SourcePlugin || got.Currency != "CNY" {
		t.Errorf("listed %+v", got)
	}
	q := w.Cloud.Questions()[0]
	if q.Call.Org != w.Customer.ID || q.Call.Region != "r9" || q.Kind != "instance" || q.Change != contract.ChangeCreate ||
		string(q.Spec) != `{"flavour":"small"}` || q.Term != in.Term || q.Call.Account.Credentials["private_key"].IsZero() {
		t.Errorf("the cloud was asked %+v", q)
	}
	asked := func(reason string, want int) {
		t.Helper()
		if n := len(w.Cloud.Questions()); n != want {
			t.Errorf("%s: the cloud was asked %d times, want %d", reason, n, want)
		}
	}
	again := func(edit func(*quote.ListInput)) {
		x := in
		edit(&x)
		_, err := w.quotes.ListAmount(t.Context(), x)
		wantClass(t, "ask again", err, 0)
	}
	again(func(*quote.ListInput) {})
	asked("the same question", 1)
	again(func(x *quote.ListInput) { x.BuyerOrg = w.Second.ID })
	asked("the same question by another buyer of the same account", 1)
	again(func(x *quote.ListInput) { x.Spec = json.RawMessage(`{"flavour":"large"}`) })
	asked("another spec", 2)
	again(func(x *quote.ListInput) { x.Term = w.month(3, 2) })
	asked("another term", 3)
	again(func(x *quote.ListInput) { x.Change, x.ResourceID = contract.ChangeRenew, "i-1" })
	asked("another change", 4)
	w.Clock.Advance(time.Minute)
	again(func(*quote.ListInput) {})
	asked("after its time the answer is asked for again", 5)
}

func TestListAmountRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unpriced := w.newProduct(t, "p2", "")
	answer := func(q contract.Quote, err error) func() {
		return func() {
			w.Cloud.Set(func(c *providertest.Cloud) {
				c.Desc.Capabilities = []contract.Capability{contract.CapQuote}
				c.OnQuote = func(contract.QuoteRequest) (contract.Quote, error) { return q, err }
			})
		}
	}
	steps := []struct {
		reason string
		cloud  func()
		edit   func(*quote.ListInput)
		class  fault.Class
		want   string
		source quote.Source
	}{
		{"another currency is not mixed in", answer(contract.Quote{Currency: "USD", List: "1"}, nil), nil, fault.ClassPrecondition, "", ""},
		{"a part without a price makes no price", answer(contract.Quote{Currency: "CNY", List: "1", Lines: []contract.QuoteLine{{Name: "disk", Problem: "sold out"}}}, nil), nil, fault.ClassPrecondition, "", ""},
		{"an unreadable price is the plugin's fault", answer(contract.Quote{Currency: "CNY", List: "1e9"}, nil), nil, fault.ClassInternal, "", ""},
		{"so is a negative one", answer(contract.Quote{Currency: "CNY", List: "-1"}, nil), nil, fault.ClassInternal, "", ""},
		{"but a refund is negative", answer(contract.Quote{Currency: "CNY", List: "-1"}, nil), func(in *quote.ListInput) { in.Change, in.ResourceID = contract.ChangeRelease, "i-1" }, 0, "-1", quote.SourcePlugin},
		{"the cloud's refusal keeps its class", answer(contract.Quote{}, fault.New(fault.ClassOutOfStock, "none left")), nil, fault.ClassOutOfStock, "", ""},
		{"what the plugin cannot quote has its list price", answer(contract.Quote{}, fault.Unsupported("no")), nil, 0, "2000", quote.SourceProduct},
		{"but not for a release", answer(contract.Quote{}, fault.Unsupported("no")), func(in *quote.ListInput) { in.Change, in.ResourceID = contract.ChangeRelease, "i-2" }, fault.ClassUnsupported, "", ""},
		{"a failure is not remembered", answer(contract.Quote{Currency: "CNY", List: "77"}, nil), nil, 0, "77", quote.SourcePlugin},
		{"without a quoting plugin the list price counts", w.noQuotes, func(in *quote.ListInput) { in.Term = w.month(5, 2) }, 0, "10000", quote.SourceProduct},
		{"a list price is for one kind of period", w.noQuotes, func(in *quote.ListInput) { in.Term.Period = contract.PeriodYear }, fault.ClassInvalid, "", ""},
		{"no price at all", w.noQuotes, func(in *quote.ListInput) { in.ProductID = unpriced.ID }, fault.ClassPrecondition, "", ""},
		{"a period that nobody knows", w.noQuotes, func(in *quote.ListInput) { in.Term.Period = "fortnight" }, fault.ClassInvalid, "", ""},
		{"a term out of bounds", w.noQuotes, func(in *quote.ListInput) { in.Term.Quantity = quote.MaxQuantity + 1 }, fault.ClassInvalid, "", ""},
		{"billing that is not offered", w.noQuotes, func(in *quote.ListInput) { in.Term.Billing = contract.BillingPostpay }, fault.ClassInvalid, "", ""},
		{"a spec that is no JSON", w.noQuotes, func(in *quote.ListInput) { in.Spec = json.RawMessage(`{`) }, fault.ClassInvalid, "", ""},
		{"a product that does not exist", w.noQuotes, func(in *quote.ListInput) { in.ProductID = "none" }, fault.ClassNotFound, "", ""},
		{"a buyer of another root", w.noQuotes, func(in *quote.ListInput) { in.BuyerOrg = w.Foreign.ID }, fault.ClassNotFound, "", ""},
		{"an org that nothing serves", w.noQuotes, func(in *quote.ListInput) { in.BuyerOrg = w.Sub.ID }, fault.ClassPrecondition, "", ""},
	}
	for _, s := range steps {
		w.Clock.Advance(time.Second)
		s.cloud()
		in := quote.ListInput{BuyerOrg: w.Customer.ID, ProductID: w.product.ID, Term: w.month(2, 1)}
		if s.edit != nil {
			s.edit(&in)
		}
		if s.class != 0 || s.source == quote.SourceProduct && s.want == "10000" {
			w.Clock.Advance(time.Hour) // forget what the plugin could
		}
		got, err := w.quotes.ListAmount(t.Context(), in)
		wantClass(t, s.reason, err, s.class)
		if err == nil && (got.Amount.String() != s.want || got.Source != s.source) {
			t.Errorf("%s: listed %s from %s", s.reason, got.Amount, got.Source)
		}
	}
}

func TestForeignProductIsAsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.product.ID
	text := func(product string) string {
		_, err := w.quotes.Create(t.Context(), w.As(w.Foreign), quote.Input{ProductID: product})
		if err == nil {
			t.Fatal("another root's product was priced")
		}
		return strings.ReplaceAll(err.Error(), product, "ID")
	}
	if here, nowhere := text(id), text("019a0000-0000-7000-8000-000000000000"); here != nowhere {
		t.Errorf("another root's product answers %q, a missing one %q", here, nowhere)
	}
}

func TestListAmountSingleFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const callers = 16
	inside, goOn := make(chan struct{}, callers), make(chan struct{})
	w.Cloud.Set(func(c *providertest.Cloud) {
		c.OnQuote = func(contract.QuoteRequest) (contract.Quote, error) {
			inside <- struct{}{}
			<-goOn
			return contract.Quote{Currency: "CNY", List: "7"}, nil
		}
	})
	in := quote.ListInput{BuyerOrg: w.Customer.ID, ProductID: w.product.ID, Term: w.month(1, 1)}
	first, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	ask := func(ctx context.Context) {
		defer wg.Done()
		if got, err := w.quotes.ListAmount(ctx, in); err != nil || got.Amount.String() != "7" {
			t.Errorf("listed %+v, error %v", got, err)
		}
	}
	wg.Add(1)
	go ask(first)
	<-inside
	for range callers - 1 {
		wg.Add(1)
		go ask(t.Context())
	}
	stop() // the one who asks goes away: the others still get their answer
	close(goOn)
	wg.Wait()
	if n := len(w.Cloud.Questions()); n != 1 {
		t.Errorf("the cloud was asked %d times", n)
	}
}

func TestPanicInFlightIsNoPrice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inside, goOn := make(chan struct{}), make(chan struct{})
	w.Cloud.Set(func(c *providertest.Cloud) {
		first := true
		c.OnQuote = func(contract.QuoteRequest) (contract.Quote, error) {
			if !first {
				return contract.Quote{}, fault.Unavailable("down")
			}
			first = false
			close(inside)
			<-goOn
			panic("a defect")
		}
	})
	in := quote.ListInput{BuyerOrg: w.Customer.ID, ProductID: w.product.ID, Term: w.month(1, 1)}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() { _ = recover() }()
		_, _ = w.quotes.ListAmount(t.Context(), in)
	})
	<-inside
	for range 32 {
		wg.Go(func() {
			got, err := w.quotes.ListAmount(t.Context(), in)
			if err == nil {
				t.Errorf("a flight that broke was taken for the price %s", got.Amount)
			}
		})
		runtime.Gosched()
	}
	close(goOn)
	wg.Wait()
}

// TestSpecificationsAreCheckedHere: a specification that does not fit the kind is
// refused by the broker with the wrong fields, whoever would have named the price.
func TestSpecificationsAreCheckedHere(t *testing.T) {
	t.Parallel()
	for name, quotes := range map[string]bool{"OwnList": false, "PluginQuotes": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.quotedChain(t)
			w.Cloud.Set(func(c *providertest.Cloud) {
				c.Desc.Capabilities = nil
				if quotes {
					c.Desc.Capabilities = []contract.Capability{contract.CapQuote}
				}
				c.Desc.Kinds = []contract.KindDescription{{Name: "instance", Spec: json.RawMessage(
					`{"type":"object","required":["flavour"],"properties":{"flavour":{"enum":["small","large"]},"cpu":{"type":"integer","maximum":8}}}`)}}
			})
			for name, tc := range map[string]struct {
				reason, spec string
				paths        []string
			}{
				"Own":     {reason: "the product's own fits"},
				"Fits":    {reason: "another that fits", spec: `{"flavour":"large","cpu":8}`},
				"TooMuch": {reason: "the wrong place is named", spec: `{"flavour":"small","cpu":9}`, paths: []string{"spec.cpu"}},
				"Both":    {reason: "all wrong places are named", spec: `{"cpu":"x"}`, paths: []string{"spec.flavour", "spec.cpu"}},
			} {
				for i := range 2 { // asked, then remembered
					_, err := w.create(t, w.As(w.Customer), quote.Input{Spec: json.RawMessage(tc.spec), Term: w.month(1, 1)})
					var paths []string
					if err != nil {
						for _, f := range fault.As(err).Fields {
							paths = append(paths, f.Path)
						}
					}
					if diff := cmp.Diff(tc.paths, paths); diff != "" || err != nil && !fault.Is(err, fault.ClassInvalid) {
						t.Errorf("%s, time %d: %s: %v (-want +got):\n%s", name, i+1, tc.reason, err, diff)
					}
				}
			}
			for _, q := range w.Cloud.Questions() {
				if strings.Contains(string(q.Spec), `"cpu":9`) {
					t.Errorf("the cloud was asked for %s", q.Spec)
				}
			}
			_, err := w.quotes.ListAmount(t.Context(), quote.ListInput{
				BuyerOrg: w.Customer.ID, ProductID: w.product.ID, Change: contract.ChangeRenew, Spec: json.RawMessage(`{"cpu":9}`), ResourceID: "i-1", Term: w.month(1, 1),
			})
			wantClass(t, "what exists is renewed as it is", err, 0)
		})
	}
}
