package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func TestAServerIsBoughtSeenAndGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.order("tok-1")
	req.Spec = json.RawMessage(`{"cpu":2,"memory_mb":8192,"image_id":"m-ubuntu2204","boot_disk":{"type":"hp1","size_gb":40},"data_disks":[{"size_gb":100}]}`)
	r := w.bought(t, req)
	if r.Status != provider.StatusRunning || r.RawStatus != "Running" || r.Token != "tok-1" || r.Zone != zone || r.Billing != provider.BillingPrepaid {
		t.Errorf("the server is %+v", r)
	}
	if want := epoch().AddDate(0, 1, 0); !r.Expires.Equal(want) || !r.Created.Equal(epoch()) {
		t.Errorf("the term is %v to %v; want to %v", r.Created, r.Expires, want)
	}
	var state InstanceState
	if err := json.Unmarshal(r.State, &state); err != nil {
		t.Fatal(err)
	}
	if state.CPU != 2 || state.MemoryMB != 8192 || state.Flavour != "bcc.g5.c2m8" || len(state.Addresses) != 1 || len(state.Disks) != 1 || state.Disks[0].SizeGB != 100 {
		t.Errorf("the state is %+v", state)
	}
	before := w.sim.Report(10).Accounts["one"]
	w.gone(t, "instance", r.ID)
	after := w.sim.Report(10)
	if after.Volumes != 0 || after.Accounts["one"].Refunded <= before.Refunded {
		t.Errorf("what came with the server is left, or no money came back: %+v", after)
	}
	f := w.find(t, "instance", provider.ChangeRelease, "del", r.ID, epoch())
	if !f.Done || !f.Settled {
		t.Errorf("the release is found as %+v", f)
	}
}

func TestAHourlyServerIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.order("tok-h")
	req.Term = hourly()
	r := w.bought(t, req)
	if r.Billing != provider.BillingPostpay || !r.Expires.IsZero() {
		t.Errorf("the server is %+v", r)
	}
	w.gone(t, "instance", r.ID)
	if n := w.calls("BatchRefundResource"); n != 0 {
		t.Errorf("what is paid by the hour was given back %d times", n)
	}
}

func TestOneTokenBuysOneServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	change, err := w.Create(t.Context(), w.order("tok-1"))
	if err != nil || change.Resource.ID != id || change.Operation != "" {
		t.Errorf("again: %+v, %v", change, err)
	}
	long := w.order("a token with spaces, and longer than a tag may be: 0123456789012345678901234567890123456789")
	other := w.bought(t, long)
	if other.ID == id || other.Token == "" {
		t.Errorf("another token: %+v", other)
	}
	if diff := cmp.Diff(2, len(w.list(t, "instance"))); diff != "" {
		t.Errorf("servers (-want +got): %s", diff)
	}
	f := w.find(t, "instance", provider.ChangeCreate, long.Token, "", epoch())
	if !f.Done || !f.Settled || len(f.Resources) != 1 || f.Resources[0].ID != other.ID {
		t.Errorf("found %+v", f)
	}
}

func TestALostCreateIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{"CreateInstanceBySpec"}, Count: 1})
	_, err := w.Create(t.Context(), w.order("tok-1"))
	want(t, "a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	f := w.find(t, "instance", provider.ChangeCreate, "tok-1", "", w.clock.Now())
	if len(f.Resources) != 1 || f.Operation == "" || f.Done || !f.Settled {
		t.Fatalf("found %+v", f)
	}
	if op := w.finish(t, f.Operation); op.State != provider.OperationSucceeded {
		t.Errorf("the operation is %+v", op)
	}
	if n := w.sim.BoughtInstances(tagKey + ":tok-1"); n.Resources != 1 {
		t.Errorf("bought %+v", n)
	}
}

// TestARepeatBeforeTheCloudShowsTheServer: the client token holds where the
// list is behind.
func TestARepeatBeforeTheCloudShowsTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.HideNewHostPolls = 3 })
	first, err := w.Create(t.Context(), w.order("tok-1"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Create(t.Context(), w.order("tok-1"))
	if err != nil || again.Resource.ID != first.Resource.ID {
		t.Errorf("again: %+v, %v", again, err)
	}
	if n := w.sim.BoughtInstances(tagKey + ":tok-1"); n.Resources != 1 {
		t.Errorf("bought %+v", n)
	}
	other := w.order("tok-1")
	other.Name = "other"
	_, err = w.Create(t.Context(), other)
	want(t, "the same token with another order", err, fault.ClassConflict, fault.OutcomeUnknown)
}

func TestAbsenceIsFinalOnlyLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	since := w.clock.Now()
	if f := w.find(t, "instance", provider.ChangeCreate, "tok-none", "", since); f.Settled || f.Done {
		t.Errorf("at once: %+v", f)
	}
	w.clock.Advance(2 * time.Minute)
	if f := w.find(t, "instance", provider.ChangeCreate, "tok-none", "", since); !f.Settled || f.Done {
		t.Errorf("later: %+v", f)
	}
}

func TestAServerThatFailsIsGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindInstallFail})
	change, err := w.Create(t.Context(), w.order("tok-1"))
	if err != nil {
		t.Fatal(err)
	}
	op := w.finish(t, change.Operation)
	if op.State != provider.OperationFailed || !fault.Is(op.Failure, fault.ClassUnavailable) || fault.OutcomeOf(op.Failure) != fault.OutcomeNotDone {
		t.Errorf("the operation is %+v", op)
	}
	if r := w.sim.Report(10); r.Hosts != 0 || r.Accounts["one"].Balance != r.Accounts["one"].Start {
		t.Errorf("the failed server is left: %+v", r)
	}
}

func TestWrongOrdersAreRefusedBeforeTheCloud(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for reason, c := range map[string]struct {
		change func(*provider.CreateRequest)
		path   string
	}{
		"an unknown region":     {func(r *provider.CreateRequest) { r.Call.Region = "nowhere" }, "call.region"},
		"a region that is none": {func(r *provider.CreateRequest) { r.Call.Region = "bj.evil.example/" }, "call.region"},
		"no region":             {func(r *provider.CreateRequest) { r.Call.Region = "" }, "call.region"},
		"no zone":               {func(r *provider.CreateRequest) { r.Call.Zone = "" }, "spec.zone"},
		"two of one token":      {func(r *provider.CreateRequest) { r.Term.Quantity = 2 }, "term.quantity"},
		"eleven months":         {func(r *provider.CreateRequest) { r.Term.Periods = 11 }, "term.periods"},
		"a day":                 {func(r *provider.CreateRequest) { r.Term.Period = provider.PeriodDay }, "term.period"},
		"once":                  {func(r *provider.CreateRequest) { r.Term.Billing = provider.BillingOnce }, "term.billing"},
		"a flavour of another size": {func(r *provider.CreateRequest) {
			r.Spec = json.RawMessage(`{"flavour":"bcc.g5.c2m8","cpu":1,"memory_mb":8192,"image_id":"m-ubuntu2204","boot_disk":{"size_gb":20}}`)
		}, "spec.flavour"},
		"a size that is not sold": {func(r *provider.CreateRequest) {
			r.Spec = json.RawMessage(`{"cpu":3,"memory_mb":8192,"image_id":"m-ubuntu2204","boot_disk":{"size_gb":20}}`)
		}, "spec.cpu"},
	} {
		req := w.order("tok-wrong")
		c.change(&req)
		_, err := w.Create(t.Context(), req)
		want(t, reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
		if e := fault.As(err); len(e.Fields) != 1 || e.Fields[0].Path != c.path {
			t.Errorf("%s: refused at %+v; want %q", reason, e.Fields, c.path)
		}
	}
	if n := w.calls("CreateInstanceBySpec"); n != 0 {
		t.Errorf("%d wrong orders went to the cloud", n)
	}
}

func TestAServerIsPriced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for reason, c := range map[string]struct {
		term      provider.Term
		list, net provider.Decimal
	}{
		// 2 cores, 8 GB: 252.00 a month, 20 GB of system disk 20.00; the account pays 80 %.
		"a month":          {month(1), "272.00", "217.60"},
		"three months":     {month(3), "816.00", "652.80"},
		"a year":           {provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodYear, Periods: 1, Quantity: 1}, "2720.00", "2176.00"},
		"two for a month":  {provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: 1, Quantity: 2}, "544.00", "435.20"},
		"paid by the hour": {hourly(), "0.58", "0.46"},
	} {
		q, err := w.Quote(t.Context(), provider.QuoteRequest{
			Call: w.call(), Change: provider.ChangeCreate, Kind: "instance", Spec: json.RawMessage(serverSpec), Term: c.term,
		})
		if err != nil || q.List != c.list || q.Net != c.net || q.Currency != "CNY" {
			t.Errorf("%s: %+v, %v; want %s and %s", reason, q, err, c.list, c.net)
		}
	}
}

// TestTheQuoteIsWhatTheCloudTakes holds a quote against the books.
func TestTheQuoteIsWhatTheCloudTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := json.RawMessage(`{"cpu":4,"memory_mb":8192,"image_id":"m-ubuntu2204","boot_disk":{"type":"hp1","size_gb":33},"data_disks":[{"size_gb":101},{"type":"ssd","size_gb":7}]}`)
	q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeCreate, Kind: "instance", Spec: spec, Term: month(5)})
	if err != nil {
		t.Fatal(err)
	}
	req := w.order("tok-1")
	req.Spec, req.Term = spec, month(5)
	w.bought(t, req)
	if spent := provider.Decimal(w.sim.Report(10).Accounts["one"].Spent.String()); spent != q.Net {
		t.Errorf("the quote is %s, the cloud took %s", q.Net, spent)
	}
}
