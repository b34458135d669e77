package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"tradewind.example/plugins/jdcloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, err := w.Check(t.Context(), provider.CheckRequest{Call: w.call()})
	if err != nil || !good.OK || good.Account != "pin-one" {
		t.Errorf("good keys: %+v, %v", good, err)
	}
	call := w.call()
	call.Account.Credentials = map[string]secret.Value{"secret_key": secret.New("another")}
	bad, err := w.Check(t.Context(), provider.CheckRequest{Call: call})
	if err != nil || bad.OK || !strings.Contains(bad.Problem, "keys are refused") {
		t.Errorf("bad keys: %+v, %v", bad, err)
	}
	w.faults(t, sim.Fault{Kind: sim.KindRetCode, RetCode: 403, ErrorStatus: "HTTP_FORBIDDEN"})
	if got, err := w.Check(t.Context(), provider.CheckRequest{Call: w.call()}); err != nil || got.OK || !strings.Contains(got.Problem, "DescribeUser") {
		t.Errorf("no rights: %+v, %v", got, err)
	}
	w.faults(t, sim.Fault{Kind: sim.KindRetCode, RetCode: 500, ErrorStatus: "INTERNAL"})
	_, err = w.Check(t.Context(), provider.CheckRequest{Call: w.call()})
	want(t, "the cloud fails", err, fault.ClassUnavailable, fault.OutcomeNotDone)
}

func TestWrongAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := map[string]struct {
		reason, field string
		change        func(*provider.Call)
	}{
		"NoKey":    {"the key is required", "account.settings.access_key", func(c *provider.Call) { delete(c.Account.Settings, "access_key") }},
		"NoSecret": {"the secret is required", "account.credentials.secret_key", func(c *provider.Call) { c.Account.Credentials = nil }},
		"Endpoint": {"a URL is needed", "account.endpoint", func(c *provider.Call) { c.Account.Endpoint = "vm.jdcloud-api.com" }},
		"User":     {"a URL with a user", "account.endpoint", func(c *provider.Call) { c.Account.Endpoint = "https://a:b@{service}.jdcloud.example" }},
		"Mode":     {"an unknown mode", "account.settings.account_mode", func(c *provider.Call) { c.Account.Settings["account_mode"] = "x" }},
		"Region":   {"a region is a word", "call.region", func(c *provider.Call) { c.Region = "../x" }},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := w.call()
			tc.change(&call)
			_, err := w.Check(t.Context(), provider.CheckRequest{Call: call})
			want(t, tc.reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
			if f := fault.As(err); f == nil || len(f.Fields) == 0 || f.Fields[0].Path != tc.field {
				t.Errorf("%s: %v", tc.reason, err)
			}
		})
	}
	call := w.call()
	call.Region = ""
	_, err := w.Get(t.Context(), provider.GetRequest{Call: call, Kind: kinds.Instance, ID: "i-1"})
	want(t, "a server is in a region", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	for given, wanted := range map[string]string{
		"": "https://vpc.jdcloud-api.com", "http://{service}.internal.cn-north-1.jdcloud-api.com": "http://vpc.internal.cn-north-1.jdcloud-api.com",
		"http://127.0.0.1:1/sim/{service}/": "http://127.0.0.1:1/sim/vpc",
	} {
		if got, err := endpoint(provider.Account{Endpoint: given}, serviceVPC); err != nil || got != wanted {
			t.Errorf("%q is %q, %v; want %q", given, got, err, wanted)
		}
	}
	w := newWorld(t)
	call := w.call()
	call.Account.Endpoint += "/sim/{service}"
	if _, err := w.Get(t.Context(), provider.GetRequest{Call: call, Kind: kinds.VPC, ID: "vpc-none"}); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a prefix in the path: %v", err)
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all, err := w.Regions(t.Context(), provider.RegionsRequest{Call: w.call()})
	if err != nil || len(all) != 4 || all[0].ID != region || len(all[0].Zones) != 3 || all[0].Zones[0].ID != zone {
		t.Errorf("%+v, %v", all, err)
	}
}

func (w *world) offerings(t *testing.T, req provider.OfferingsRequest) []provider.Offering {
	t.Helper()
	var out []provider.Offering
	err := w.Offerings(t.Context(), req, func(o provider.Offering) error {
		out = append(out, o)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOfferings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits.Stock = []sim.Stock{{Zone: zone, MachineType: "g.n3.large", Count: 0}}
	})
	everywhere := w.call()
	everywhere.Region, everywhere.Zone = "", ""
	all := w.offerings(t, provider.OfferingsRequest{Call: everywhere})
	seen, of := map[string]bool{}, map[string]int{}
	for _, o := range all {
		if seen[o.ID+o.Kind] {
			t.Errorf("%q comes twice", o.ID)
		}
		seen[o.ID+o.Kind] = true
		of[o.Kind+" "+o.Type]++
	}
	for _, key := range []string{"instance flavour", "instance image", "disk flavour", "eip line", "vpc vpc", "subnet subnet", "security_group security_group", "security_group protocol"} {
		if of[key] == 0 {
			t.Errorf("no %s among %v", key, slices.Sorted(maps.Keys(of)))
		}
	}
	here := w.offerings(t, provider.OfferingsRequest{Call: w.call(), Kinds: []string{"instance"}, Types: []string{"flavour"}})
	for _, o := range here {
		if o.Zone != zone || o.Sellable == (o.Name == "g.n3.large") {
			t.Errorf("%+v", o)
		}
	}
	one := here[slices.IndexFunc(here, func(o provider.Offering) bool { return o.Name == "g.r1.large" })]
	req := w.order("tok-1")
	req.Spec = one.Spec
	if _, err := w.Create(t.Context(), req); err != nil {
		t.Errorf("the flavour %s cannot be ordered: %v", one.Spec, err)
	}
}

// TestQuotesAreWhatIsPaid orders what was quoted and compares the balance.
func TestQuotesAreWhatIsPaid(t *testing.T) {
	t.Parallel()
	year := provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodYear, Periods: 2, Quantity: 1}
	cases := map[string]struct {
		kind, spec string
		term       provider.Term
		list, net  provider.Decimal
	}{
		"Server":  {kinds.Instance, serverSpec, month(3), "1050.00", "840.00"},
		"Year":    {kinds.Instance, serverSpec, year, "7000.00", "5600.00"},
		"Disk":    {kinds.Disk, `{"size_gb":20}`, month(1), "14.00", "11.20"},
		"Address": {kinds.EIP, `{"bandwidth_mbps":7}`, month(2), "550.00", "440.00"},
		"Network": {kinds.VPC, `{"cidr":"10.1.0.0/16"}`, provider.Term{Billing: provider.BillingOnce, Period: provider.PeriodNone, Periods: 1, Quantity: 1}, "0.00", "0.00"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeCreate, Kind: tc.kind, Spec: json.RawMessage(tc.spec), Term: tc.term})
			if err != nil || q.List != tc.list || q.Net != tc.net || q.Currency != currency {
				t.Errorf("quote %+v, %v; want %s, %s", q, err, tc.list, tc.net)
			}
			before := w.sim.Report(1).Accounts["one"].Spent
			_, err = w.Create(t.Context(), provider.CreateRequest{Call: w.call(), Token: "tok-1", Kind: tc.kind, Name: "web", Spec: json.RawMessage(tc.spec), Term: tc.term})
			if err != nil {
				t.Fatal(err)
			}
			if paid := (w.sim.Report(1).Accounts["one"].Spent - before).String(); paid != string(q.Net) {
				t.Errorf("paid %s, quoted %s", paid, q.Net)
			}
		})
	}
}

func TestQuotesByTheHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hour := provider.Term{Billing: provider.BillingPostpay, Period: provider.PeriodHour, Periods: 1, Quantity: 3}
	for kind, spec := range map[string]string{
		kinds.Instance: serverSpec, kinds.Disk: `{"size_gb":20}`, kinds.EIP: `{"bandwidth_mbps":7,"line":"no_bgp"}`,
	} {
		q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeCreate, Kind: kind, Spec: json.RawMessage(spec), Term: hour})
		if err != nil || q.List == "0.00" || q.Net == "" {
			t.Errorf("%s: %+v, %v", kind, q, err)
		}
	}
	hour.Quantity = 1
	for key, order := range map[string][2]string{
		"server_formula": {kinds.Instance, serverSpec}, "disk_formula": {kinds.Disk, `{"size_gb":20}`}, "bandwidth_formula": {kinds.EIP, `{"bandwidth_mbps":7}`},
	} {
		_, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(key, "-"), Change: provider.ChangeCreate, Kind: order[0], Spec: json.RawMessage(order[1]), Term: hour})
		want(t, key+" without a key", err, fault.ClassUnsupported, fault.OutcomeNotDone)
	}
	_, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeRelease, Kind: kinds.Instance, ResourceID: "i-1"})
	want(t, "the cloud does not price refunds", err, fault.ClassUnsupported, fault.OutcomeNotDone)
}
