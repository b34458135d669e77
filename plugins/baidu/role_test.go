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
	"tradewind.example/sdk/secret"
)

// roleCall is a call for the own account of the first customer.
func (w *world) roleCall(settings ...string) provider.Call {
	return w.call(append([]string{"assume_role", "operator", "customer_account_id", "account-one", "customer_user_id", "user-one"}, settings...)...)
}

// rich gives the first customer money.
func rich(c *sim.Config) { c.Accounts[0].Customers[0].BalanceFen = 1_000_000_00 }

// TestWorkOnACustomersOwnAccount: what is bought by a role is the customer's, is
// paid by the customer, and is given back through the customer's orders.
func TestWorkOnACustomersOwnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rich)
	before := w.sim.Report(10).Accounts
	buy := w.order("tok-1")
	buy.Call = w.roleCall()
	change, err := w.Create(t.Context(), buy)
	if err != nil {
		t.Fatal(err)
	}
	id := change.Resource.ID
	w.clock.Advance(2 * transition)
	if op, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.roleCall(), ID: change.Operation}); err != nil || op.State != provider.OperationSucceeded {
		t.Fatalf("%+v, %v", op, err)
	}
	_, err = w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kinds.Instance, ID: id})
	want(t, "it is not the reseller's", err, fault.ClassNotFound, fault.OutcomeNotDone)
	_, err = w.Act(t.Context(), provider.ActionRequest{Call: w.roleCall(), Token: "p", Kind: kinds.Instance, ID: id, Action: "reset_password", Input: []byte(`{"password":"Correct-8!"}`)})
	if err != nil || !w.sim.PasswordIs(id, "Correct-8!") {
		t.Errorf("the password is not encrypted under the temporary key: %v", err)
	}
	if _, err := w.Renew(t.Context(), provider.RenewRequest{Call: w.roleCall(), Token: "ren", Kind: kinds.Instance, ID: id, Term: month(1)}); err != nil {
		t.Errorf("renewing: %v", err)
	}
	f, err := w.FindByToken(t.Context(), provider.FindRequest{Call: w.roleCall(), Token: "ren", Kind: kinds.Instance, Change: provider.ChangeRenew, ID: id, Since: w.clock.Now()})
	if err != nil || !f.Done {
		t.Errorf("the renewal is in the customer's orders: %+v, %v", f, err)
	}
	release, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.roleCall(), Token: "del", Kind: kinds.Instance, ID: id})
	for range 10 {
		if err != nil || release.Operation == "" {
			break
		}
		w.clock.Advance(transition)
		var op provider.Operation
		if op, err = w.Operation(t.Context(), provider.OperationRequest{Call: w.roleCall(), ID: release.Operation}); op.State == provider.OperationSucceeded {
			break
		}
	}
	_, gone := w.Get(t.Context(), provider.GetRequest{Call: w.roleCall(), Kind: kinds.Instance, ID: id})
	if err != nil || !fault.Is(gone, fault.ClassNotFound) {
		t.Errorf("releasing: %v, then %v", err, gone)
	}
	after := w.sim.Report(10).Accounts
	if after["one"].Balance != before["one"].Balance || after["user-one"].Spent == 0 {
		t.Errorf("the reseller had %v and has %v, the customer spent %v", before["one"].Balance, after["one"].Balance, after["user-one"].Spent)
	}
	if n := w.calls("AssumeRole"); n != 1 {
		t.Errorf("the role was assumed %d times", n)
	}
}

// TestTemporaryKeysAreKept: a crowd asks for them once, again before they end,
// and again when the cloud refuses them.
func TestTemporaryKeysAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rich)
	check := func() {
		if got, err := w.Check(t.Context(), provider.CheckRequest{Call: w.roleCall()}); err != nil || !got.OK {
			t.Errorf("%+v, %v", got, err)
		}
	}
	var all sync.WaitGroup
	for range crowd {
		all.Go(check)
	}
	all.Wait()
	if n := w.calls("AssumeRole"); n != 1 {
		t.Errorf("%d callers assumed the role %d times", crowd, n)
	}
	w.clock.Advance(roleSeconds*time.Second - roleMargin + time.Second)
	check()
	if n := w.calls("AssumeRole"); n != 2 {
		t.Errorf("keys near their end: assumed %d times", n)
	}
	w.faults(t, sim.Fault{Kind: sim.KindBadSignature, Count: 1, Actions: []string{"DescribeRegions"}})
	if got, err := w.Check(t.Context(), provider.CheckRequest{Call: w.roleCall()}); err != nil || got.OK {
		t.Errorf("refused keys: %+v, %v", got, err)
	}
	check()
	if n := w.calls("AssumeRole"); n != 3 {
		t.Errorf("refused keys are used again: assumed %d times", n)
	}
}

func TestRolesThatCannotBeAssumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rich)
	temporary := w.roleCall()
	temporary.Account.Credentials["security_token"] = secret.New("temporary-token-0123")
	plain := w.roleCall("access_key", "ak-two")
	plain.Account.Credentials = map[string]secret.Value{"secret_key": secret.New("sk-two-0123456789ab")}
	for reason, tc := range map[string]struct {
		call  provider.Call
		class fault.Class
	}{
		"nobody's account":   {w.call("assume_role", "operator"), fault.ClassInvalid},
		"temporary keys":     {temporary, fault.ClassInvalid},
		"no reseller":        {plain, fault.ClassForbidden},
		"another's customer": {w.roleCall("customer_account_id", "account-none"), fault.ClassForbidden},
	} {
		err := w.List(t.Context(), provider.ListRequest{Call: tc.call, Kind: kinds.Instance}, func(provider.Resource) error { return nil })
		want(t, reason, err, tc.class, fault.OutcomeNotDone)
	}
}

// TestTemporaryKeysStayHidden: also when the cloud echoes them.
func TestTemporaryKeysStayHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rich)
	c, err := w.plugin().open(w.roleCall())
	if err != nil {
		t.Fatal(err)
	}
	k := keys{access: "temporary", secret: secret.New("temporary-secret-1"), token: secret.New("temporary-token-1"), role: c.owner() + "\noperator"}
	c.roles.remember(k, w.clock.Now().Add(time.Hour))
	w.faults(t, sim.Fault{Kind: sim.KindRetCode, Code: "Odd", Status: 400, Message: "bad temporary-secret-1 temporary-token-1"})
	_, err = c.regionRows(t.Context())
	if text, _ := json.Marshal(fault.As(err)); err == nil || strings.Contains(err.Error()+string(text), "temporary-") {
		t.Errorf("%v shows them", err)
	}
}

// TestASubAccountWorksInItsOwn: with the settings that its making answers.
func TestASubAccountWorksInItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.call("customer_role", "operator", "customer_email_domain", "customer.example")
	call.Account.Credentials["customer_mobile"] = secret.New("00000000044")
	sub, err := w.EnsureAccount(t.Context(), provider.EnsureAccountRequest{Call: call, Token: "tok", Name: "reseller 8"})
	if err != nil || sub.Settings["assume_role"] != "operator" {
		t.Fatalf("%+v, %v", sub, err)
	}
	var settings []string
	for name, value := range sub.Settings {
		settings = append(settings, name, value)
	}
	_, err = w.Create(t.Context(), provider.CreateRequest{
		Call: w.call(settings...), Token: "tok-v", Kind: kinds.VPC, Name: "net", Spec: []byte(`{"cidr":"172.16.0.0/16"}`), Term: forOnce(),
	})
	if err != nil {
		t.Errorf("in its own account: %v", err)
	}
	for _, r := range w.list(t, kinds.VPC) {
		if r.Token == "tok-v" {
			t.Error("the network is the reseller's")
		}
	}
	if n := w.calls("AssumeRole"); n != 1 {
		t.Errorf("the role was assumed %d times", n)
	}
}
