package main

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

func TestPowerOfAServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	for _, c := range []struct {
		action, input string
		status        provider.Status
	}{
		{kinds.ActionStart, `{}`, provider.StatusRunning}, // it runs already
		{kinds.ActionStop, `{}`, provider.StatusStopped},
		{kinds.ActionStop, `{}`, provider.StatusStopped},
		{kinds.ActionStart, `{}`, provider.StatusRunning},
		{kinds.ActionReboot, `{}`, provider.StatusRunning},
		{kinds.ActionStop, `{"force":true}`, provider.StatusStopped},
	} {
		if _, err := w.act(t, kinds.Instance, id, c.action, c.input); err != nil {
			t.Fatalf("%s: %v", c.action, err)
		}
		w.clock.Advance(transition)
		if got := w.get(t, kinds.Instance, id).Status; got != c.status {
			t.Errorf("after %s %s the server is %s", c.action, c.input, got)
		}
	}
	_, err := w.act(t, kinds.Instance, id, kinds.ActionReboot, `{}`)
	want(t, "rebooting what is stopped", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = w.act(t, kinds.Instance, "i-none", kinds.ActionStop, `{}`)
	want(t, "stopping what is not there", err, fault.ClassNotFound, fault.OutcomeNotDone)
	_, err = w.act(t, kinds.Instance, "../x", kinds.ActionStop, `{}`)
	want(t, "an id that is a path", err, fault.ClassNotFound, fault.OutcomeNotDone)
}

func TestPasswordAndNameAndConsole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	for range 2 { // the SDK encrypts in place: a second time must not be twice
		if _, err := w.act(t, kinds.Instance, id, kinds.ActionResetPassword, `{"password":"Marker-44x!"}`); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(transition)
	}
	if !w.sim.PasswordIs(id, "Marker-44x!") {
		t.Error("the password is another one")
	}
	_, err := w.act(t, kinds.Instance, id, kinds.ActionResetPassword, `{"password":"onlyletters"}`)
	want(t, "a weak password", err, fault.ClassInvalid, fault.OutcomeNotDone)
	w.faults(t, sim.Fault{Kind: sim.KindRetCode, Status: 400, Code: "Odd", Message: "not Marker-44x!", Actions: []string{"ChangeInstancePass"}})
	_, err = w.act(t, kinds.Instance, id, kinds.ActionResetPassword, `{"password":"Marker-44x!"}`)
	if err == nil || strings.Contains(err.Error(), "Marker-44x!") || strings.Contains(w.logs.String(), "Marker-44x!") {
		t.Errorf("the password shows: %v", err)
	}
	if _, err := w.act(t, kinds.Instance, id, kinds.ActionRename, `{"name":"front"}`); err != nil || w.get(t, kinds.Instance, id).Name != "front" {
		t.Errorf("renaming: %v", err)
	}
	_, err = w.act(t, kinds.Instance, id, kinds.ActionRename, `{"name":"9 front"}`)
	want(t, "a wrong name", err, fault.ClassInvalid, fault.OutcomeNotDone)
	out, err := w.act(t, kinds.Instance, id, kinds.ActionConsole, `{}`)
	var console kinds.Console
	if err != nil || json.Unmarshal(out.Output, &console) != nil || console.Protocol != "url" || !strings.HasPrefix(console.URL, "https://") {
		t.Errorf("console: %s, %v", out.Output, err)
	}
}

func TestAnotherSize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	resize := func(size string) error {
		_, err := w.Act(t.Context(), provider.ActionRequest{
			Call: w.call("allow_resize", "true"), Token: "r-" + size, Kind: kinds.Instance, ID: id, Action: kinds.ActionResize, Input: json.RawMessage(size),
		})
		return err
	}
	_, err := w.act(t, kinds.Instance, id, kinds.ActionResize, `{"cpu":4,"memory_mb":16384}`)
	want(t, "without leave", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	want(t, "while it runs", resize(`{"cpu":4,"memory_mb":16384}`), fault.ClassPrecondition, fault.OutcomeNotDone)
	want(t, "a size that is not sold", resize(`{"cpu":3,"memory_mb":16384}`), fault.ClassInvalid, fault.OutcomeNotDone)
	if _, err := w.act(t, kinds.Instance, id, kinds.ActionStop, `{}`); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(transition)
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Count: 1, Actions: []string{"ResizeInstanceBySpec"}})
	want(t, "a lost answer", resize(`{"cpu":4,"memory_mb":16384}`), fault.ClassUnavailable, fault.OutcomeUnknown)
	if err := resize(`{"cpu":4,"memory_mb":16384}`); err != nil {
		t.Errorf("again: %v", err)
	}
	if s := stateOf[InstanceState](t, w.get(t, kinds.Instance, id)); s.Flavour != "bcc.g5.c4m16" || s.CPU != 4 {
		t.Errorf("the server is %+v", s)
	}
	if n := w.calls("ResizeInstanceBySpec"); n != 3 { // one while it ran
		t.Logf("resized %d times", n)
	}
}

func TestRenewals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.order("tok-1")
	req.Spec = json.RawMessage(`{"cpu":2,"memory_mb":8192,"image_id":"m-ubuntu2204","boot_disk":{"type":"hp1","size_gb":40},"data_disks":[{"size_gb":100}]}`)
	server := w.bought(t, req)
	eip := w.made(t, kinds.EIP, "tok-e", `{"bandwidth_mbps":7}`, month(1))
	for kind, r := range map[string]provider.Resource{kinds.Instance: server, kinds.EIP: eip} {
		w.clock.Advance(time.Hour)
		q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeRenew, Kind: kind, ResourceID: r.ID, Term: month(2)})
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		before := w.sim.Report(10).Accounts["one"].Spent
		since := w.clock.Now()
		renew := provider.RenewRequest{Call: w.call(), Token: "renew-" + kind, Kind: kind, ID: r.ID, Term: month(2)}
		action := map[string]string{kinds.Instance: "RenewInstance", kinds.EIP: "RenewEip"}[kind]
		if f := w.find(t, kind, provider.ChangeRenew, renew.Token, r.ID, since); f.Done || f.Settled {
			t.Errorf("%s: found before: %+v", kind, f)
		}
		w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Count: 1, Actions: []string{action}})
		_, err = w.Renew(t.Context(), renew)
		want(t, kind+": a lost answer", err, fault.ClassUnavailable, fault.OutcomeUnknown)
		if f := w.find(t, kind, provider.ChangeRenew, renew.Token, r.ID, since); !f.Done || !f.Settled {
			t.Errorf("%s: found after: %+v", kind, f)
		}
		if _, err = w.Renew(t.Context(), renew); err != nil {
			t.Errorf("%s again: %v", kind, err)
		}
		if got := w.get(t, kind, r.ID).Expires; !got.Equal(r.Expires.AddDate(0, 2, 0)) {
			t.Errorf("%s: ends %v, was %v", kind, got, r.Expires)
		}
		if paid := provider.Decimal((w.sim.Report(10).Accounts["one"].Spent - before).String()); paid != q.Net {
			t.Errorf("%s: the quote is %s, the cloud took %s", kind, q.Net, paid)
		}
		other := w.clock.Now().Add(time.Minute)
		w.clock.Advance(10 * time.Minute)
		if f := w.find(t, kind, provider.ChangeRenew, "renew-other", r.ID, other); f.Done || !f.Settled {
			t.Errorf("%s: another renewal: %+v", kind, f)
		}
	}
	disks := w.list(t, kinds.Disk)
	if len(disks) != 1 || !disks[0].Expires.Equal(server.Expires.AddDate(0, 2, 0)) {
		t.Errorf("the disk that came with the server: %+v", disks)
	}
	if f := w.find(t, kinds.Instance, provider.ChangeRenew, "any", server.ID, time.Time{}); f.Done || f.Settled {
		t.Errorf("without a beginning nothing is final: %+v", f)
	}
	hour := w.order("tok-h")
	hour.Term = hourly()
	id := w.bought(t, hour).ID
	_, err := w.Renew(t.Context(), provider.RenewRequest{Call: w.call(), Token: "r", Kind: kinds.Instance, ID: id, Term: month(1)})
	want(t, "what is paid by the hour", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = w.Renew(t.Context(), provider.RenewRequest{Call: w.call(), Token: "r", Kind: kinds.VPC, ID: "vpc-1", Term: month(1)})
	want(t, "what has no term", err, fault.ClassUnsupported, fault.OutcomeNotDone)
}

func TestFromHoursToMonths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.order("tok-h")
	req.Term = hourly()
	req.Spec = json.RawMessage(`{"cpu":2,"memory_mb":8192,"image_id":"m-ubuntu2204","boot_disk":{"size_gb":20},"data_disks":[{"size_gb":30}]}`)
	id := w.bought(t, req).ID
	change := func(months string, settings ...string) error {
		_, err := w.Act(t.Context(), provider.ActionRequest{
			Call: w.call(settings...), Token: "m", Kind: kinds.Instance, ID: id, Action: "to_prepaid", Input: json.RawMessage(`{"months":` + months + `}`),
		})
		return err
	}
	want(t, "without leave", change("2"), fault.ClassPrecondition, fault.OutcomeNotDone)
	want(t, "ten months", change("10", "allow_resize", "true"), fault.ClassInvalid, fault.OutcomeNotDone)
	apart := w.made(t, kinds.Disk, "apart", `{"size_gb":20}`, hourly()).ID
	w.clock.Advance(transition)
	if _, err := w.act(t, kinds.Disk, apart, kinds.ActionAttach, `{"instance_id":"`+id+`"}`); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(transition)
	want(t, "with a disk bought apart", change("2", "allow_resize", "true"), fault.ClassPrecondition, fault.OutcomeNotDone)
	if _, err := w.act(t, kinds.Disk, apart, kinds.ActionDetach, `{}`); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(transition)
	w.faults(t, sim.Fault{Kind: sim.KindDrop, After: true, Count: 1, Actions: []string{"ChangeToPrepaid"}})
	want(t, "a lost answer", change("2", "allow_resize", "true"), fault.ClassUnavailable, fault.OutcomeUnknown)
	if err := change("2", "allow_resize", "true"); err != nil {
		t.Errorf("again: %v", err)
	}
	got := w.get(t, kinds.Instance, id)
	if got.Billing != provider.BillingPrepaid || !got.Expires.Equal(w.clock.Now().AddDate(0, 2, 0)) || w.calls("ChangeToPrepaid") != 1 {
		t.Errorf("the server is %+v after %d calls", got, w.calls("ChangeToPrepaid"))
	}
}

// TestRenewalsAtOnce: callers with one token renew once, those with two renew
// twice, however they meet: the cloud takes a client token once.
func TestRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for kind, id := range map[string]string{
		kinds.Instance: w.server(t, "tok-1"), kinds.EIP: w.made(t, kinds.EIP, "tok-e", `{"bandwidth_mbps":2}`, month(1)).ID,
	} {
		start := w.get(t, kind, id).Expires
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				req := provider.RenewRequest{Call: w.call(), Token: []string{"ren-1", "ren-2"}[i%2], Kind: kind, ID: id, Term: month(1)}
				if _, err := w.Renew(t.Context(), req); err != nil {
					t.Errorf("%s %d: %v", kind, i, err)
				}
			})
		}
		all.Wait()
		if r := w.get(t, kind, id); !r.Expires.Equal(start.AddDate(0, 2, 0)) {
			t.Errorf("%s: two tokens moved the end from %v to %v", kind, start, r.Expires)
		}
	}
}
