package plugintest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// marker must appear in no log and in no error.
const marker = "hunter2-marker"

var call = provider.Call{
	Org: "org", RootOrg: "root", Region: "r1", Zone: "z1",
	Account: provider.Account{ID: "acc", Credentials: map[string]secret.Value{"k": secret.New(marker)}},
}

func create(spec string) provider.CreateRequest {
	return provider.CreateRequest{Call: call, Token: "tok", Kind: "thing", Name: "n", Spec: []byte(spec)}
}

func TestDescription(t *testing.T) {
	t.Parallel()
	d, err := plugintest.Start(t, newFull()).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(provider.Capabilities(newFull()), d.Capabilities); diff != "" || len(d.Capabilities) != 16 {
		t.Errorf("%d capabilities, want all 16 (-want +got):\n%s", len(d.Capabilities), diff)
	}
	if len(d.Kinds) != 1 || len(d.Kinds[0].Verbs) != 6 || len(d.Kinds[0].Actions) != 1 {
		t.Errorf("kinds: %+v; want one with six verbs and an action", d.Kinds)
	}
}

// TestEveryMethodArrives walks all methods of the client once.
func TestEveryMethodArrives(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newFull())
	ctx := t.Context()
	for name, do := range map[string]func() (any, error){
		"check":  func() (any, error) { r, err := c.Check(ctx, provider.CheckRequest{Call: call}); return r.OK, err },
		"health": func() (any, error) { return true, c.Health(ctx) },
		"regions": func() (any, error) {
			r, err := c.Regions(ctx, provider.RegionsRequest{Call: call})
			return r[0].Zones[0].ID == "z1", err
		},
		"quote": func() (any, error) {
			r, err := c.Quote(ctx, provider.QuoteRequest{Call: call, Kind: "other"})
			return r.List == "12.50", err
		},
		"place": func() (any, error) { r, err := c.Place(ctx, provider.PlaceRequest{Call: call}); return r.OK, err },
		"get": func() (any, error) {
			r, err := c.Get(ctx, provider.GetRequest{Kind: "thing", ID: "x"})
			return r.ID == "x" && r.Created.Year() == 2026, err
		},
		"balance": func() (any, error) {
			r, err := c.Balance(ctx, provider.BalanceRequest{})
			return r.Available == "100.00", err
		},
		"sub": func() (any, error) {
			r, err := c.EnsureAccount(ctx, provider.EnsureAccountRequest{Token: "t", Name: "a"})
			return r.Credentials["k"].Reveal() == "sub-secret", err
		},
		"sign-in": func() (any, error) {
			r, err := c.SignInLink(ctx, provider.SignInLinkRequest{Target: "x"})
			return strings.HasSuffix(r.URL.Reveal(), "?t=x"), err
		},
		"pay": func() (any, error) {
			r, err := c.PayVendorOrder(ctx, provider.VendorOrderChange{Token: "t", ID: "o"})
			return r.State == "paid", err
		},
		"cancel": func() (any, error) {
			r, err := c.CancelVendorOrder(ctx, provider.VendorOrderChange{Token: "t", ID: "o"})
			return r.State == "cancelled", err
		},
		"refund": func() (any, error) {
			r, err := c.RefundVendorOrder(ctx, provider.VendorOrderChange{Token: "t", ID: "o"})
			return r.State == "refunded", err
		},
		"find": func() (any, error) {
			r, err := c.FindByToken(ctx, provider.FindRequest{Kind: "thing", Token: "t"})
			return r.Settled && r.Resources[0].Token == "t", err
		},
		"update": func() (any, error) {
			r, err := c.Update(ctx, provider.UpdateRequest{Kind: "thing", Token: "t", ID: "x", Spec: []byte(`{"size_gb":2}`)})
			return r.Resource.ID == "x", err
		},
		"delete": func() (any, error) {
			r, err := c.Delete(ctx, provider.DeleteRequest{Kind: "thing", Token: "t", ID: "x"})
			return r.Operation == "delete-x", err
		},
		"renew": func() (any, error) {
			r, err := c.Renew(ctx, provider.RenewRequest{Token: "t", ID: "x", Term: provider.Term{Periods: 1}})
			return r.Operation == "renew-x" && r.Cost == "1.00", err
		},
		"act": func() (any, error) {
			r, err := c.Act(ctx, provider.ActionRequest{Kind: "thing", Token: "t", ID: "x", Action: "stop"})
			return string(r.Output) == `{"stopped":"x","force":true}`, err
		},
		"operate": func() (any, error) {
			r, err := c.Operation(ctx, provider.OperationRequest{ID: "op"})
			return fault.Is(r.Failure, fault.ClassOutOfStock), err
		},
		"offer": func() (any, error) {
			return count(func(y func(provider.Offering) error) error {
				return c.Offerings(ctx, provider.OfferingsRequest{Kinds: []string{"a", "b"}}, y)
			}, 2)
		},
		"orders": func() (any, error) {
			return count(func(y func(provider.VendorOrder) error) error {
				return c.VendorOrders(ctx, provider.VendorOrdersRequest{}, y)
			}, 1)
		},
		"usage": func() (any, error) {
			return count(func(y func(provider.UsageRecord) error) error { return c.Usage(ctx, provider.PeriodRequest{}, y) }, 1)
		},
		"import": func() (any, error) {
			return count(func(y func(provider.Resource) error) error { return c.Import(ctx, provider.ImportRequest{}, y) }, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ok, err := do()
			if err != nil || ok != true {
				t.Errorf("answer as expected: %v, error: %v", ok, err)
			}
		})
	}
}

func count[T any](stream func(func(T) error) error, want int) (any, error) {
	n := 0
	err := stream(func(T) error { n++; return nil })
	return n == want, err
}

func TestCreateOutcomes(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	c := plugintest.Start(t, newFull(), plugintest.WithLogger(slog.New(slog.NewTextHandler(&lockedWriter{w: &logged}, nil))))
	for name, tc := range map[string]struct {
		req    provider.CreateRequest
		want   fault.Error
		reason string
	}{
		"panic":         {create(`{"size_gb":1,"mode":"panic"}`), fault.Error{Class: fault.ClassInternal, Source: fault.SourcePlugin, Outcome: fault.OutcomeUnknown}, "a crash may come after the purchase"},
		"runtime panic": {create(`{"size_gb":1,"mode":"panic-nil-map"}`), fault.Error{Class: fault.ClassInternal, Source: fault.SourcePlugin, Outcome: fault.OutcomeUnknown}, "a crash may come after the purchase"},
		"plain error":   {create(`{"size_gb":1,"mode":"error"}`), fault.Error{Class: fault.ClassInternal, Source: fault.SourcePlugin, Outcome: fault.OutcomeUnknown}, "nobody vouched that nothing happened"},
		"fault":         {create(`{"size_gb":1,"mode":"fault"}`), fault.Error{Class: fault.ClassOutOfStock, Source: fault.SourceCloud, CloudCode: "8320", RequestID: "req-1"}, "the author's fault arrives as it is"},
		"no token":      {provider.CreateRequest{Call: call, Kind: "thing", Spec: []byte(`{"size_gb":1}`)}, fault.Error{Class: fault.ClassInvalid, Source: fault.SourcePlugin}, "a change without a token cannot be found again"},
		"no kind":       {provider.CreateRequest{Call: call, Token: "t", Kind: "nothing"}, fault.Error{Class: fault.ClassUnsupported, Source: fault.SourcePlugin}, "an unknown kind is declared, not guessed"},
		"not JSON":      {create(`{`), fault.Error{Class: fault.ClassInvalid, Source: fault.SourcePlugin}, "broken input stops before the author's code"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Create(t.Context(), tc.req)
			e := fault.As(err)
			if e == nil {
				t.Fatalf("no error: %s", tc.reason)
			}
			got := fault.Error{Class: e.Class, Source: e.Source, Outcome: e.Outcome, CloudCode: e.CloudCode, RequestID: e.RequestID}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			if strings.Contains(err.Error(), marker) {
				t.Errorf("a secret is in the error: %v", err)
			}
		})
	}
	if err := c.Health(t.Context()); err != nil {
		t.Errorf("the plugin did not survive its crashes: %v", err)
	}
	for _, want := range []string{"call crashed", "call failed", "connection reset", "cloud_test.go"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}

// lockedWriter lets concurrent calls log into one buffer.
type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func TestCreateAnswers(t *testing.T) {
	t.Parallel()
	p := newFull()
	c := plugintest.Start(t, p)
	got, err := c.Create(t.Context(), create(`{"size_gb":3,"password":"`+marker+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := provider.Change{VendorOrder: "vo-1", Cost: "9.90", Currency: "EUR", Resource: &provider.Resource{
		ID: "t-1", Kind: "thing", Name: "n", Status: provider.StatusRunning, Token: "tok",
		State: []byte(`{"size_gb":3,"password":"` + secret.Mask + `"}`),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	if p.things.saw != marker {
		t.Error("the author's code did not get the password")
	}
	started, err := c.Create(t.Context(), create(`{"size_gb":3,"mode":"start"}`))
	if err != nil || started.Operation != "op-1" || started.Resource.ID != "t-1" {
		t.Errorf("started: %+v, %v; want op-1 with the id known", started, err)
	}
}

func TestSpecIsCheckedBeforeTheAuthorsCode(t *testing.T) {
	t.Parallel()
	p := newFull()
	c := plugintest.Start(t, p)
	bad := `{"mode":"fly","size_gb":1000,"colour":"red","password":"` + marker + `"}`
	_, err := c.Create(t.Context(), create(bad))
	e := fault.As(err)
	if e == nil || e.Class != fault.ClassInvalid || e.Outcome != fault.OutcomeNotDone {
		t.Fatalf("got %v; want invalid, not done", err)
	}
	paths := map[string]bool{}
	for _, f := range e.Fields {
		paths[f.Path] = true
	}
	if diff := cmp.Diff(map[string]bool{"spec.mode": true, "spec.size_gb": true, "spec.colour": true}, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if p.things.saw != "" {
		t.Error("the author's code ran on a wrong spec")
	}
	_, err = c.Act(t.Context(), provider.ActionRequest{Kind: "thing", ID: "x", Token: "t", Action: "stop", Input: []byte(`{"force":"yes"}`)})
	if e := fault.As(err); e == nil || len(e.Fields) != 1 || e.Fields[0].Path != "input.force" {
		t.Errorf("wrong input: %v; want input.force", err)
	}
	_, err = c.Quote(t.Context(), provider.QuoteRequest{Kind: "thing", Change: provider.ChangeCreate, Spec: []byte(`{}`)})
	if e := fault.As(err); e == nil || len(e.Fields) != 1 || e.Fields[0].Path != "spec.size_gb" {
		t.Errorf("quote of a wrong spec: %v; want spec.size_gb", err)
	}
}

func TestWhatIsNotOfferedIsUnsupported(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, bare{})
	ctx := t.Context()
	for name, do := range map[string]func() error{
		"regions":   func() error { _, err := c.Regions(ctx, provider.RegionsRequest{}); return err },
		"offerings": func() error { return c.Offerings(ctx, provider.OfferingsRequest{}, nil) },
		"quote":     func() error { _, err := c.Quote(ctx, provider.QuoteRequest{}); return err },
		"place":     func() error { _, err := c.Place(ctx, provider.PlaceRequest{}); return err },
		"create":    func() error { _, err := c.Create(ctx, provider.CreateRequest{Token: "t"}); return err },
		"list":      func() error { return c.List(ctx, provider.ListRequest{}, nil) },
		"operation": func() error { _, err := c.Operation(ctx, provider.OperationRequest{}); return err },
		"renew":     func() error { _, err := c.Renew(ctx, provider.RenewRequest{}); return err },
		"account":   func() error { _, err := c.EnsureAccount(ctx, provider.EnsureAccountRequest{}); return err },
		"sign-in":   func() error { _, err := c.SignInLink(ctx, provider.SignInLinkRequest{}); return err },
		"orders":    func() error { return c.VendorOrders(ctx, provider.VendorOrdersRequest{}, nil) },
		"pay":       func() error { _, err := c.PayVendorOrder(ctx, provider.VendorOrderChange{}); return err },
		"bills":     func() error { return c.BillLines(ctx, provider.PeriodRequest{}, nil) },
		"usage":     func() error { return c.Usage(ctx, provider.PeriodRequest{}, nil) },
		"balance":   func() error { _, err := c.Balance(ctx, provider.BalanceRequest{}); return err },
		"import":    func() error { return c.Import(ctx, provider.ImportRequest{}, nil) },
		"events":    func() error { return c.Events(ctx, provider.EventsRequest{}, nil) },
		"link":      func() error { return c.LinkHost(ctx, plugintest.NewHost()) },
	} {
		t.Run(name, func(t *testing.T) {
			err := do()
			if e := fault.As(err); e == nil || e.Class != fault.ClassUnsupported || e.Outcome != fault.OutcomeNotDone {
				t.Errorf("got %v; want unsupported, not done", err)
			}
		})
	}
}

func TestDeadlineReachesTheAuthorsCode(t *testing.T) {
	t.Parallel()
	p := newFull()
	c := plugintest.Start(t, p)
	seen := func() (hung, ended int) {
		p.things.mu.Lock()
		defer p.things.mu.Unlock()
		return p.things.hung, len(p.things.ended)
	}
	// On a busy machine a short deadline passes before the code is reached.
	for within := 50 * time.Millisecond; ; within *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		_, err := c.Create(ctx, create(`{"size_gb":1,"mode":"hang"}`))
		cancel()
		if e := fault.As(err); e == nil || e.Class != fault.ClassUnavailable || e.Outcome != fault.OutcomeUnknown {
			t.Errorf("got %v; want unavailable with the outcome unknown", err)
		}
		if hung, _ := seen(); hung > 0 {
			break
		}
		if within > time.Minute {
			t.Fatal("the author's code was never reached")
		}
	}
	waitFor(t, "the author's code to see the end of its context", func() bool { hung, ended := seen(); return ended == hung })
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(10 * time.Second); !ok(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("gave up waiting for %s", what)
		}
	}
}

func TestPastDeadlineIsNotSent(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newFull())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Create(ctx, create(`{"size_gb":1}`))
	if e := fault.As(err); e == nil || e.Outcome != fault.OutcomeNotDone || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want not done, because of the context", err)
	}
}

func TestReadPanicIsNoDoubt(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newFull(), plugintest.WithLogger(slog.New(slog.DiscardHandler)))
	_, err := c.Get(t.Context(), provider.GetRequest{Kind: "thing", ID: "panic"})
	if e := fault.As(err); e == nil || e.Class != fault.ClassInternal || e.Outcome != fault.OutcomeNotDone {
		t.Errorf("got %v; want internal, not done", err)
	}
	var seen []string
	err = c.List(t.Context(), provider.ListRequest{Kind: "thing"}, func(r provider.Resource) error { seen = append(seen, r.ID); return nil })
	if !fault.Is(err, fault.ClassInternal) {
		t.Errorf("a crash within a list: %v; want internal", err)
	}
}

func TestLongStreamNeedsLittleMemory(t *testing.T) {
	c := plugintest.Start(t, newFull())
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	rows, peak := 0, uint64(0)
	err := c.BillLines(t.Context(), provider.PeriodRequest{}, func(provider.BillLine) error {
		if rows++; rows%20_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
		return nil
	})
	if err != nil || rows != 100_000 {
		t.Fatalf("%d rows, %v; want 100000", rows, err)
	}
	if grown := int64(peak) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("live heap grew by %d bytes while streaming; want a few pages", grown)
	}
}

func TestYieldErrorEndsTheStream(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newFull())
	stop := errors.New("enough")
	rows := 0
	err := c.BillLines(t.Context(), provider.PeriodRequest{}, func(provider.BillLine) error {
		rows++
		return stop
	})
	if !errors.Is(err, stop) || rows != 1 {
		t.Errorf("%d rows, %v; want one and yield's own error", rows, err)
	}
}

func TestEventsArriveAtOnceAndEndWithTheCaller(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newFull())
	ctx, cancel := context.WithCancel(t.Context())
	err := c.Events(ctx, provider.EventsRequest{Cursor: "7"}, func(e provider.Event) error {
		if e.Cursor != "7+1" {
			t.Errorf("cursor %q; want 7+1", e.Cursor)
		}
		cancel()
		return nil
	})
	if !fault.Is(err, fault.ClassUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want the caller's cancellation", err)
	}
}

func TestMessagesUpTo16MiB(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newFull())
	big := func(n int) provider.CheckRequest {
		r := provider.CheckRequest{Call: call}
		r.Call.Locale = strings.Repeat("x", n)
		return r
	}
	if _, err := c.Check(t.Context(), big(15<<20)); err != nil {
		t.Errorf("15 MiB: %v", err)
	}
	if _, err := c.Check(t.Context(), big(17<<20)); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("17 MiB: %v; want invalid", err)
	}
}

func TestShutdownReachesThePlugin(t *testing.T) {
	p := newFull()
	t.Run("inner", func(t *testing.T) { plugintest.Start(t, p) })
	select {
	case <-p.closed:
	default:
		t.Error("the plugin was not shut down at the end of the test")
	}
}

func TestConcurrentCallsKeepApart(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newFull())
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() { quoteManyRegions(t, c, string(rune('A'+i))) })
	}
	all.Wait()
}

func quoteManyRegions(t *testing.T, c *client.Client, region string) {
	for range 20 {
		r, err := c.Regions(t.Context(), provider.RegionsRequest{Call: provider.Call{Region: region}})
		if err != nil || r[0].ID != region {
			t.Errorf("region %q: %v, %v", region, r, err)
			return
		}
	}
}
