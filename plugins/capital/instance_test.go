package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/capital/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

func TestAServerIsMadeReadAndDeleted(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*world{"Platform": newWorld(t), "Edge": newWorld(t).onEdge()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			subnet := w.subnet(t)
			made := w.create(t, w.order(t, "tok-1", subnet))
			if made.Name != "web" || made.Status != provider.StatusRunning || made.Zone != w.zone || made.Region != w.region ||
				made.Billing != provider.BillingPrepaid || made.Expires.Sub(made.Created) != 30*24*time.Hour {
				t.Errorf("made %+v", made)
			}
			s := state[InstanceState](t, made)
			if s.CPU != 2 || s.MemoryMB != 4096 || s.SubnetID != subnet || s.MachineType != family1 || s.OSType != "Linux" ||
				len(s.Addresses) != 1 || s.AutoRenew || len(s.Disks) != 1 || s.Disks[0].SizeGB != 40 || !s.Disks[0].Boot {
				t.Errorf("state %+v", s)
			}
			all := w.list(t, "instance")
			if len(all) != 1 || all[0].ID != made.ID || all[0].Token != made.Token || all[0].Name != "web" || all[0].Zone != w.zone {
				t.Errorf("listed %+v", all)
			}
			f := w.find(t, "instance", provider.ChangeCreate, "tok-1", "", w.clock.Now())
			if !f.Done || !f.Settled || len(f.Resources) != 1 || f.Resources[0].ID != made.ID {
				t.Errorf("found %+v", f)
			}
			w.drop(t, "instance", made.ID)
			_, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: "instance", ID: made.ID})
			want(t, "it is gone", err, fault.ClassNotFound, fault.OutcomeNotDone)
			if f := w.find(t, "instance", provider.ChangeRelease, "tok-d", made.ID, w.clock.Now()); !f.Done {
				t.Errorf("the release is not done: %+v", f)
			}
			w.drop(t, "instance", made.ID)
		})
	}
}

func TestACreateIsRepeatedWithItsToken(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		fault  []sim.Fault
	}{
		"Answered":  {"what was made is answered again", nil},
		"Lost":      {"the answer was lost after the server was made", []sim.Fault{{Kind: sim.KindDrop, After: true, Actions: []string{creates}, Count: 1}}},
		"Broken":    {"the cloud failed after the server was made", []sim.Fault{{Kind: sim.KindHTTP, Status: 502, After: true, Actions: []string{creates}, Count: 1}}},
		"Code":      {"the cloud's own error came after the server was made", []sim.Fault{{Kind: sim.KindRetCode, After: true, Actions: []string{creates}, Count: 1}}},
		"Malformed": {"the answer was no JSON", []sim.Fault{{Kind: sim.KindNonJSON, After: true, Actions: []string{creates}, Count: 1}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			req := w.order(t, "tok-1", w.subnet(t))
			w.faults(t, tc.fault...)
			_, err := w.Create(t.Context(), req)
			if tc.fault != nil {
				want(t, tc.reason, err, fault.ClassUnavailable, fault.OutcomeUnknown)
			}
			f := w.find(t, "instance", provider.ChangeCreate, "tok-1", "", w.clock.Now())
			if len(f.Resources) != 1 || f.Operation == "" || f.Done {
				t.Errorf("%s: found %+v", tc.reason, f)
			}
			again, err := w.Create(t.Context(), req)
			if err != nil || again.Operation == "" || again.Resource.ID != f.Resources[0].ID {
				t.Fatalf("%s: again %+v, %v", tc.reason, again, err)
			}
			if op := w.finish(t, again.Operation); op.State != provider.OperationSucceeded || op.Resource.Status != provider.StatusRunning {
				t.Errorf("%s: %+v", tc.reason, op)
			}
			if n := w.sim.Counts()[creates].Calls; n != 1 {
				t.Errorf("%s: the cloud was asked %d times", tc.reason, n)
			}
		})
	}
}

func TestRefusalsHaveTheirClass(t *testing.T) {
	t.Parallel()
	code := func(status int, code string) []sim.Fault {
		return []sim.Fault{{Kind: sim.KindRetCode, Status: status, RetCode: sim.RetCode(code), Message: "refused " + private, Actions: []string{creates}}}
	}
	cases := map[string]struct {
		faults  []sim.Fault
		class   fault.Class
		outcome fault.Outcome
	}{
		"SoldOut":       {[]sim.Fault{{Kind: sim.KindSoldOut}}, fault.ClassOutOfStock, 0},
		"NoMoney":       {[]sim.Fault{{Kind: sim.KindNoMoney}}, fault.ClassInsufficientBalance, 0},
		"Quota":         {[]sim.Fault{{Kind: sim.KindQuota}}, fault.ClassQuota, 0},
		"BadSignature":  {[]sim.Fault{{Kind: sim.KindBadSignature, Actions: []string{creates}}}, fault.ClassUnauthenticated, 0},
		"Throttled":     {[]sim.Fault{{Kind: sim.KindThrottle, Actions: []string{creates}}}, fault.ClassThrottled, 0},
		"Invalid":       {code(400, "InvalidParameter"), fault.ClassInvalid, 0},
		"Status":        {code(403, codeWrongStatus), fault.ClassPrecondition, 0},
		"NoUser":        {code(404, "InvalidUser.NotFound"), fault.ClassForbidden, 0},
		"Number":        {code(200, "50002"), fault.ClassNotFound, 0},
		"UnknownWord":   {code(400, "SomethingElse"), fault.ClassInternal, fault.OutcomeUnknown},
		"UnknownQuota":  {code(400, "NewLimitExceeded"), fault.ClassQuota, 0},
		"SuccessAt500":  {code(500, "Success"), fault.ClassUnavailable, fault.OutcomeUnknown},
		"InternalError": {code(500, "InternalError"), fault.ClassUnavailable, fault.OutcomeUnknown},
		"Gateway":       {[]sim.Fault{{Kind: sim.KindHTTP, Status: 504, Actions: []string{creates}}}, fault.ClassUnavailable, fault.OutcomeUnknown},
		"Forbidden":     {[]sim.Fault{{Kind: sim.KindHTTP, Status: 403, Actions: []string{creates}}}, fault.ClassUnauthenticated, 0},
		"NoSuchPath":    {[]sim.Fault{{Kind: sim.KindHTTP, Status: 404, Actions: []string{creates}}}, fault.ClassInternal, 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			req := w.order(t, "tok-1", w.subnet(t))
			w.faults(t, tc.faults...)
			_, err := w.Create(t.Context(), req)
			want(t, name, err, tc.class, tc.outcome)
			if strings.Contains(err.Error(), private) || strings.Contains(w.logs.String(), private) {
				t.Errorf("the secret is told: %v", err)
			}
		})
	}
}

func TestAServerThatFailsIsGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.order(t, "tok-1", w.subnet(t))
	w.faults(t, sim.Fault{Kind: sim.KindInstallFail})
	change, err := w.Create(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	op := w.finish(t, change.Operation)
	if op.State != provider.OperationFailed {
		t.Fatalf("the create is %+v", op)
	}
	want(t, "nothing is left", op.Failure, fault.ClassUnavailable, fault.OutcomeNotDone)
	if all := w.list(t, "instance"); len(all) != 0 {
		t.Errorf("left: %+v", all)
	}
}

func TestOrdersThatTheCloudDoesNotHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	subnet := w.subnet(t)
	cases := map[string]struct {
		fields map[string]any
		change func(*provider.CreateRequest)
		class  fault.Class
	}{
		"NoNetwork": {map[string]any{}, nil, fault.ClassInvalid},
		"NoSubnet":  {map[string]any{"subnet_id": "sub-none"}, nil, fault.ClassInvalid},
		"HalfGB":    {map[string]any{"subnet_id": subnet, "memory_mb": 1536}, nil, fault.ClassInvalid},
		"Mixed":     {map[string]any{"subnet_id": subnet, "data_disks": []any{map[string]any{"type": "local", "size_gb": 40}}}, nil, fault.ClassInvalid},
		"Size":      {map[string]any{"subnet_id": subnet, "cpu": 3}, nil, fault.ClassInvalid},
		"NoFamily":  {map[string]any{"subnet_id": subnet, "cpu": 3, "machine_type": nil}, nil, fault.ClassInvalid},
		"Months":    {map[string]any{"subnet_id": subnet}, func(r *provider.CreateRequest) { r.Term = month(13) }, fault.ClassInvalid},
		"Two":       {map[string]any{"subnet_id": subnet}, func(r *provider.CreateRequest) { r.Term.Quantity = 2 }, fault.ClassInvalid},
		"Once":      {map[string]any{"subnet_id": subnet}, func(r *provider.CreateRequest) { r.Term = forOnce() }, fault.ClassInvalid},
		"Daily": {map[string]any{"subnet_id": subnet}, func(r *provider.CreateRequest) {
			r.Term = provider.Term{Billing: provider.BillingPostpay, Period: provider.PeriodDay, Periods: 1}
		}, fault.ClassInvalid},
		"OtherZone": {map[string]any{"subnet_id": subnet}, func(r *provider.CreateRequest) { r.Call.Zone = "CN_Hongkong_B" }, fault.ClassInvalid},
		"NoZone":    {map[string]any{"subnet_id": subnet}, func(r *provider.CreateRequest) { r.Call.Zone = "CN_None" }, fault.ClassInvalid},
		"NoImage":   {map[string]any{"subnet_id": subnet, "image_id": "img-none"}, nil, fault.ClassNotFound},
	}
	for name, tc := range cases {
		req := w.order(t, "tok-"+name, subnet)
		req.Spec = spec(t, tc.fields)
		if tc.change != nil {
			tc.change(&req)
		}
		_, err := w.Create(t.Context(), req)
		want(t, name, err, tc.class, fault.OutcomeNotDone)
	}
	if all := w.list(t, "instance"); len(all) != 0 {
		t.Errorf("made: %+v", all)
	}
}

func TestASharedSubnetAndAFamilyAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	subnet := w.subnet(t)
	req := w.order(t, "tok-1", subnet)
	req.Call, req.Spec, req.Term = w.call("shared_subnets", "other; "+subnet), spec(t, map[string]any{"machine_type": nil}), hourly()
	made := w.create(t, req)
	if s := state[InstanceState](t, made); s.SubnetID != subnet || s.MachineType != family1 || made.Billing != provider.BillingPostpay || !made.Expires.IsZero() {
		t.Errorf("made %+v, %+v", made, s)
	}
}

func TestAServerIsPriced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := map[string]struct {
		term provider.Term
		want provider.Decimal
	}{
		// 2*30 + 4*12 + 40*0.6 = 132 yuan a month, of which the account pays 80 %.
		"Month":     {month(1), "105.60"},
		"TwoMonths": {month(2), "211.20"},
		"Year":      {provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodYear, Periods: 1, Quantity: 1}, "1056.00"},
		"Three":     {provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: 1, Quantity: 3}, "316.80"},
		"Hour":      {hourly(), "0.22"}, // a day is 5.28
	}
	for name, tc := range cases {
		q, err := w.Quote(t.Context(), provider.QuoteRequest{
			Call: w.call(), Change: provider.ChangeCreate, Kind: "instance", Spec: spec(t, nil), Term: tc.term,
		})
		if err != nil || q.List != tc.want || q.Net != tc.want || q.Currency != "CNY" {
			t.Errorf("%s: %+v, %v; want %s", name, q, err, tc.want)
		}
	}
	_, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeRenew, Kind: "instance", Spec: spec(t, nil), Term: month(1)})
	want(t, "renewals have no price", err, fault.ClassUnsupported, fault.OutcomeNotDone)
}

// TestAReleaseGivesNothingBack: the broker gives a customer what a release is
// quoted with, and the unused time only when there is no quote.
func TestAReleaseGivesNothingBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.create(t, w.order(t, "tok-1", w.subnet(t)))
	before := w.sim.Report(1000).Accounts["one"]
	for _, k := range w.plugin.Kinds() {
		kind := k.Description.Name
		ask := provider.QuoteRequest{Call: w.call(), Change: provider.ChangeRelease, Kind: kind, ResourceID: made.ID, Term: month(1)}
		if q, err := w.Quote(t.Context(), ask); err != nil || q.List != "0.00" || q.Net != "0.00" || q.Currency != currency {
			t.Errorf("%s: %+v, %v", kind, q, err)
		}
		ask.Call = w.call("refunds_releases", "true")
		_, err := w.Quote(t.Context(), ask)
		want(t, kind+" with a cloud that refunds", err, fault.ClassUnsupported, fault.OutcomeNotDone)
		ask.Call, ask.ResourceID = w.call(), ""
		_, err = w.Quote(t.Context(), ask)
		want(t, kind+" without an id", err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	_, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeRelease, Kind: "toy", ResourceID: "t-1"})
	want(t, "an unknown kind", err, fault.ClassUnsupported, fault.OutcomeNotDone)
	w.drop(t, "instance", made.ID)
	if after := w.sim.Report(1000).Accounts["one"]; after.Balance != before.Balance {
		t.Errorf("the release moved money: %v, then %v", before.Balance, after.Balance)
	}
}

func TestAccountsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, err := w.Check(t.Context(), provider.CheckRequest{Call: w.call()})
	if err != nil || !good.OK || good.Account != public || len(good.Details) != 1 || !strings.Contains(good.Details[0], "trial: 100.00") {
		t.Errorf("good: %+v, %v", good, err)
	}
	wrong := w.call()
	wrong.Account.Credentials = map[string]secret.Value{"secret_key": secret.New("wrong")}
	if bad, err := w.Check(t.Context(), provider.CheckRequest{Call: wrong}); err != nil || bad.OK || bad.Problem == "" {
		t.Errorf("bad: %+v, %v", bad, err)
	}
	_, err = w.Check(t.Context(), provider.CheckRequest{Call: w.call("timeout_seconds", "many")})
	want(t, "a wrong setting", err, fault.ClassInvalid, fault.OutcomeNotDone)
	elsewhere := w.call()
	elsewhere.Account.Endpoint = "http://127.0.0.1:1/path"
	_, err = w.Check(t.Context(), provider.CheckRequest{Call: elsewhere})
	want(t, "an endpoint with a path", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

func TestRegionsAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all, err := w.Regions(t.Context(), provider.RegionsRequest{Call: w.call()})
	if err != nil || len(all) != 5 || all[1].ID != edge || len(all[1].Zones) != 2 || all[1].Zones[1].ID != edgeZone {
		t.Errorf("%+v, %v", all, err)
	}
	call := w.call()
	call.Region = "CN_None"
	err = w.List(t.Context(), provider.ListRequest{Call: call, Kind: "instance"}, func(provider.Resource) error { return nil })
	want(t, "an unknown region", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

func TestOperationsThatAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"", "x", "ecs:event:1:create:instance:i:r:x", "ecs:event:1:create:toy:i:r:1", "ecs:event:1:sell:instance:i:r:1", "ecs:hope:1:create:instance:i:r:1"} {
		_, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: id})
		if !fault.Is(err, fault.ClassNotFound) && !fault.Is(err, fault.ClassInvalid) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, text := range []string{`{"Code":"Success","Data":{}}`, `{"code":10003,"Message":null}`, `[]`, `{"Code":{"a":1}}`, `{"Code":"OK","Msg":5}`, ``} {
		f.Add([]byte(text), 200)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		e, err := failure{writes: true}.judge(status, body)
		if err == nil && (status != 200 || !json.Valid(body) || !e.done()) {
			t.Errorf("status %d, %q is a success", status, body)
		}
	})
}
