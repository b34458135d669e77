package main

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

func TestTheProviderCanBeServed(t *testing.T) {
	t.Parallel()
	if err := plugintest.Problem(t.Context(), newProvider()); err != nil {
		t.Error(err)
	}
}

// TestDescribeOfTheBinary builds what is shipped and asks it for its manifest.
func TestDescribeOfTheBinary(t *testing.T) {
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "tradewind-provider-ucloud")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), bin, "describe").Output()
	if err != nil {
		t.Fatalf("describe: %v", err)
	}
	var d provider.Description
	if err := json.Unmarshal(out, &d); err != nil {
		t.Fatalf("the manifest is no JSON: %v", err)
	}
	caps := []provider.Capability{
		provider.CapRegions, provider.CapOfferings, provider.CapQuote, provider.CapPlacement, provider.CapResources, provider.CapOperations,
		provider.CapRenew, provider.CapAccounts, provider.CapVendorOrders, provider.CapBillLines, provider.CapBalance, provider.CapImport,
	}
	if diff := cmp.Diff(caps, d.Capabilities); diff != "" || d.Name != "ucloud" || d.Currency != "CNY" || len(d.Kinds) != 6 {
		t.Errorf("manifest %s, capabilities (-want +got):\n%s", out, diff)
	}
	if strings.Contains(string(d.Kinds[0].Spec), "assword") {
		t.Error("the spec of a server has a password, which would be stored")
	}
	for _, k := range d.Kinds {
		if len(slices.DeleteFunc(k.Verbs, func(v provider.Verb) bool { return v == provider.VerbUpdate })) != 5 {
			t.Errorf("kind %q has the verbs %v", k.Name, k.Verbs)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	with := func(key string, settings ...string) provider.Call {
		c := w.call(settings...)
		c.Region, c.Zone = "", ""
		c.Account.Credentials["private_key"] = secret.New(key)
		return c
	}
	two := []string{"public_key", "public-two", "project_id", ""}
	cases := map[string]struct {
		reason, problem, account string
		call                     provider.Call
	}{
		"Good":           {"good keys", "", "org-one", with(private)},
		"DefaultProject": {"no project is the default one", "", "org-one", with(private, "project_id", "")},
		"OtherProject":   {"a project that is not the default", "", "org-two", with(private, "project_id", "org-two")},
		"WrongProject":   {"a project that does not exist", "project", "", with(private, "project_id", "org-none")},
		"WrongPrivate":   {"another private key", "keys are refused", "", with("wrong")},
		"WrongPublic":    {"an unknown public key", "keys are refused", "", with(private, "public_key", "nobody")},
		"NoChannel":      {"a channel's account without its header", "keys are refused", "", with("private-two", two...)},
		"Channel":        {"a channel's account", "", "org-two", with("private-two", append(two, "extra_headers", "channel-key=channel-two;x-more=1")...)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := w.Check(t.Context(), provider.CheckRequest{Call: tc.call})
			if err != nil || got.OK != (tc.problem == "") || !strings.Contains(got.Problem, tc.problem) || got.Account != tc.account {
				t.Errorf("%s: %+v, %v", tc.reason, got, err)
			}
		})
	}
}

func TestChannelKeyIsASecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.call("public_key", "public-two", "project_id", "")
	call.Account.Credentials = map[string]secret.Value{"private_key": secret.New("private-two"), "channel_key": secret.New("channel-two")}
	if got, err := w.Check(t.Context(), provider.CheckRequest{Call: call}); err != nil || !got.OK {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	endpoint := func(url string) provider.Call {
		c := w.call()
		c.Account.Endpoint = url
		return c
	}
	noKey := w.call()
	noKey.Account.Credentials = nil
	cases := map[string]struct {
		reason, path string
		call         provider.Call
	}{
		"NoPublic":  {"a key has two halves", "account.settings.public_key", w.call("public_key", "")},
		"NoPrivate": {"a key has two halves", "account.credentials.private_key", noKey},
		"Header":    {"a header is a pair", "account.settings.extra_headers", w.call("extra_headers", "channel-key")},
		"Inject":    {"a header is one line", "account.settings.extra_headers", w.call("extra_headers", "a=b\r\nc: d")},
		"Unit":      {"memory has one of two units", "account.settings.memory_unit", w.call("memory_unit", "kb")},
		"Number":    {"a number is a number", "account.settings.settle_seconds", w.call("settle_seconds", "soon")},
		"Scheme":    {"only http", "account.endpoint", endpoint("file:///x")},
		"User":      {"no password in the URL", "account.endpoint", endpoint("http://a:b@127.0.0.1/")},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := w.Check(t.Context(), provider.CheckRequest{Call: tc.call})
			want(t, tc.reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
			if f := fault.As(err); f != nil && (len(f.Fields) != 1 || f.Fields[0].Path != tc.path) {
				t.Errorf("%s: fields %+v", tc.reason, f.Fields)
			}
		})
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got, err := w.Regions(t.Context(), provider.RegionsRequest{Call: w.call()})
	if err != nil {
		t.Fatal(err)
	}
	zones := func(all ...string) (out []provider.Zone) {
		for _, z := range all {
			out = append(out, provider.Zone{ID: z, Name: z})
		}
		return out
	}
	wantRegions := []provider.Region{
		{ID: "cn-bj2", Name: "华北一 北京二", Zones: zones("cn-bj2-04", "cn-bj2-05")},
		{ID: "cn-sh2", Name: "华东 上海二", Zones: zones("cn-sh2-02", "cn-sh2-03")},
		{ID: "hk", Name: "香港", Zones: zones("hk-02")},
	}
	if diff := cmp.Diff(wantRegions, got); diff != "" {
		t.Errorf("regions (-want +got):\n%s", diff)
	}
}

// offerings collects what is on sale.
func (w *world) offerings(t *testing.T, req provider.OfferingsRequest) []provider.Offering {
	t.Helper()
	var out []provider.Offering
	err := w.Offerings(t.Context(), req, func(o provider.Offering) error { out = append(out, o); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOfferingsCanBeOrderedAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits.Stock = []sim.Stock{{Zone: "cn-bj2-05", MachineType: "C", Count: 0}}
	})
	everywhere := w.call()
	everywhere.Region, everywhere.Zone = "", ""
	seen, classes := map[string]bool{}, map[string]bool{}
	for i, o := range w.offerings(t, provider.OfferingsRequest{Call: everywhere}) {
		if seen[o.ID] {
			t.Errorf("%s is offered twice", o.ID)
		}
		seen[o.ID] = true
		soldOut := o.Zone == "cn-bj2-05" && o.Class == "C"
		if o.Sellable == soldOut {
			t.Errorf("%s: sellable %v", o.ID, o.Sellable)
		}
		key := o.Region + o.Class
		if len(o.Billing) == 0 || soldOut || classes[key] || slices.Contains(o.Billing, provider.BillingOnce) {
			continue
		}
		classes[key] = true
		w.orderAsOffered(t, i, o)
	}
	for _, id := range []string{
		"cn-bj2-04/N/2/4096", "hk-02/O/64/262144", "cn-bj2-04/G/8/32768/T4x2", "cn-bj2/uimage-ubuntu2204", "cn-bj2/Bgp", "hk/International",
		"cn-bj2-04/CLOUD_SSD", "cn-bj2/security_group", "hk/vpc", "cn-sh2/protocol/ssh",
	} {
		if !seen[id] {
			t.Errorf("%s is not offered", id)
		}
	}
	if len(classes) != 3*13 {
		t.Errorf("%d classes in all regions", len(classes))
	}
}

// orderAsOffered prices and buys an offering without adding to its spec.
func (w *world) orderAsOffered(t *testing.T, i int, o provider.Offering) {
	t.Helper()
	call := w.call()
	call.Region, call.Zone = o.Region, ""
	q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: call, Change: provider.ChangeCreate, Kind: o.Kind, Spec: o.Spec, Term: month(1)})
	if err != nil || q.List == "" || q.List == "0.00" {
		t.Errorf("%s: quote %+v, %v", o.ID, q, err)
	}
	_, err = w.Create(t.Context(), provider.CreateRequest{
		Call: call, Token: "tok-" + string(rune('A'+i%26)) + strings.ReplaceAll(o.ID, "/", "."), Kind: o.Kind, Spec: o.Spec, Term: month(1),
	})
	if err != nil {
		t.Errorf("%s: %v\n%s", o.ID, err, o.Spec)
	}
}

func TestOfferingsAreNarrowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	count := func(req provider.OfferingsRequest) map[string]int {
		out := map[string]int{}
		for _, o := range w.offerings(t, req) {
			out[o.Kind+" "+o.Type]++
			if o.Region != region || (o.Zone != "" && o.Zone != zone) {
				t.Errorf("%s is somewhere else", o.ID)
			}
		}
		return out
	}
	all := count(provider.OfferingsRequest{Call: w.call()})
	if diff := cmp.Diff(map[string]int{
		"eip line": 1, "instance image": 6, "instance flavour": 7*27 + 2*27*4, "disk flavour": 4,
		"vpc vpc": 1, "subnet subnet": 1, "security_group security_group": 1, "security_group protocol": len(protocols()),
	}, all); diff != "" {
		t.Errorf("one zone (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"eip line": 1}, count(provider.OfferingsRequest{Call: w.call(), Kinds: []string{"eip"}})); diff != "" {
		t.Errorf("one kind (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"instance image": 6}, count(provider.OfferingsRequest{Call: w.call(), Types: []string{"image"}})); diff != "" {
		t.Errorf("one type (-want +got):\n%s", diff)
	}
}

func TestOfferingsStopAtTheCallersError(t *testing.T) {
	t.Parallel()
	p := newProvider()
	w := newWorld(t)
	t.Cleanup(func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) })
	n := 0
	err := p.Offerings(t.Context(), provider.OfferingsRequest{Call: w.call()}, func(provider.Offering) error {
		if n++; n == 3 {
			return context.Canceled
		}
		return nil
	})
	if n != 3 || err == nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestBalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server(t, "tok-1")
	got, err := w.Balance(t.Context(), provider.BalanceRequest{Call: w.call()})
	if err != nil {
		t.Fatal(err)
	}
	wantBalance := provider.Balance{Currency: "CNY", Available: "999856.00", Cash: "999856.00", Credit: "0.00", Frozen: "0.00"}
	if diff := cmp.Diff(wantBalance, got); diff != "" {
		t.Errorf("balance (-want +got):\n%s", diff)
	}
}

// TestAWrongProjectIsNotTakenForAMissingResource: else a delete with a wrong
// setting would look done.
func TestAWrongProjectIsNotTakenForAMissingResource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	call := w.call("project_id", "org-none")
	_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: call, Token: "d", Kind: "instance", ID: id})
	want(t, "delete", err, fault.ClassForbidden, fault.OutcomeNotDone)
	_, err = w.FindByToken(t.Context(), provider.FindRequest{Call: call, Token: "d", Kind: "instance", ID: id, Change: provider.ChangeRelease})
	want(t, "look-up", err, fault.ClassForbidden, fault.OutcomeNotDone)
}

// TestServersArePlaced: in one zone or in all, by what the cloud still sells.
func TestServersArePlaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Limits.Stock = []sim.Stock{{Zone: zone, MachineType: "N", Count: 0}} })
	place := func(kind, spec, in string) provider.Placement {
		t.Helper()
		call := w.call()
		call.Zone = in
		p, err := w.Place(t.Context(), provider.PlaceRequest{Call: call, Kind: kind, Spec: json.RawMessage(spec), Term: month(1)})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for reason, tc := range map[string]struct {
		got provider.Placement
		ok  bool
	}{
		"sold out here":      {place("instance", `{"cpu":2,"memory_mb":4096,"image_id":"uimage-ubuntu2204","boot_disk":{"size_gb":20}}`, zone), false},
		"another type":       {place("instance", `{"cpu":2,"memory_mb":4096,"machine_type":"C","image_id":"uimage-ubuntu2204","boot_disk":{"size_gb":20}}`, zone), true},
		"no such size":       {place("instance", `{"cpu":77,"memory_mb":4096,"image_id":"uimage-ubuntu2204","boot_disk":{"size_gb":20}}`, zone), false},
		"of what has no end": {place("eip", `{"bandwidth_mbps":2}`, zone), true},
	} {
		if tc.got.OK != tc.ok || (tc.got.Reason == "") != tc.ok {
			t.Errorf("%s: %+v", reason, tc.got)
		}
	}
	_, err := w.Place(t.Context(), provider.PlaceRequest{Call: w.call(), Kind: "toy", Spec: json.RawMessage(`{}`)})
	want(t, "no such kind", err, fault.ClassUnsupported, fault.OutcomeNotDone)
}
