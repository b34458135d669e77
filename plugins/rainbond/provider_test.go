package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/rainbond/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := func(key string) *world {
		out := *w
		out.key = key
		return &out
	}
	for name, tc := range map[string]struct {
		reason  string
		w       *world
		ok      bool
		account string
		problem string
		detail  string
	}{
		"Good":    {"key, team and store", w, true, "Blue", "", "Simulated store"},
		"Admin":   {"administrators need not belong to the team", w.admin(), true, "Blue", "", ""},
		"NoStore": {"nothing is on sale without a store", w.with("market_url", ""), true, "Blue", "", "nothing is on sale"},
		"Unknown": {"the console does not know the key", other(strings.Repeat("9", 40)), false, "", "refuses the access key", ""},
		"Expired": {"the key is too old", other(oldKey), false, "", "refuses the access key", ""},
		"Foreign": {"the user is not in the team", w.with("team", "red"), false, "", "does not belong to the team", ""},
		"Team":    {"there is no such team", w.with("team", "none"), false, "", "cannot be found", ""},
		"Key":     {"the store refuses its key", w.with("store key", "wrong-key"), false, "", "market_access_key", ""},
		"Denied":  {"the store's key has no rights", w.with("store key", noKey), false, "", "does not allow", ""},
		"Away":    {"a store that is away is no mistake of the account's", w.with("market_url", "http://127.0.0.1:1"), true, "Blue", "", "does not answer"},
	} {
		got, err := w.Check(t.Context(), provider.CheckRequest{Call: tc.w.call()})
		if err != nil || got.OK != tc.ok || got.Account != tc.account || !strings.Contains(got.Problem, tc.problem) || !strings.Contains(strings.Join(got.Details, ";"), tc.detail) {
			t.Errorf("%s: %s: %+v, %v", name, tc.reason, got, err)
		}
	}
	w.faults(t, sim.Fault{Kind: sim.KindHTTP})
	_, err := w.Check(t.Context(), provider.CheckRequest{Call: w.call()})
	want(t, "the console is away", err, fault.ClassUnavailable, fault.OutcomeNotDone)
}

func TestConfigsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tc := range map[string]struct {
		reason string
		change func(*provider.Call)
		path   string
	}{
		"PlainConsole": {"keys are sent as they are", func(c *provider.Call) {
			delete(c.Account.Settings, "plain_http")
			delete(c.Account.Settings, "market_url")
		}, "account.endpoint"},
		"PlainStore": {"keys are sent as they are", func(c *provider.Call) {
			delete(c.Account.Settings, "plain_http")
			c.Account.Endpoint = "https://console.example"
		}, "account.settings.market_url"},
		"NoConsole": {"there is no default", func(c *provider.Call) { c.Account.Endpoint = "" }, "account.endpoint"},
		"User":      {"no credentials in addresses", func(c *provider.Call) { c.Account.Endpoint = "https://a:b@console.example" }, "account.endpoint"},
		"Team":      {"a team is one part of a path", func(c *provider.Call) { c.Account.Settings["team"] = "../red" }, "account.settings.team"},
		"Price":     {"a price is an exact number", func(c *provider.Call) { c.Account.Settings["core_price"] = "1e3" }, "account.settings.core_price"},
	} {
		call := w.call()
		tc.change(&call)
		_, err := w.Check(t.Context(), provider.CheckRequest{Call: call})
		if e := fault.As(err); e == nil || e.Class != fault.ClassInvalid || !slices.ContainsFunc(e.Fields, func(f fault.Field) bool { return f.Path == tc.path }) {
			t.Errorf("%s: %s: %v", name, tc.reason, err)
		}
	}
	if n := len(w.sim.Calls(10)); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestRegionsAndTeams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got, err := w.Regions(t.Context(), provider.RegionsRequest{Call: w.call()})
	if d := cmp.Diff([]provider.Region{{ID: home, Name: "Default cluster"}, {ID: edge, Name: "Edge cluster"}}, got); err != nil || d != "" {
		t.Errorf("%v, (-want +got):\n%s", err, d)
	}
	for _, r := range w.list(t, kindRegion) {
		if s := decoded[RegionState](t, r.State); s.Details || s.TotalCPU != "" || r.Status != provider.StatusUnknown {
			t.Errorf("a member is told %+v", s)
		}
	}
	top := w.admin()
	r := top.get(t, kindRegion, home)
	if s := decoded[RegionState](t, r.State); !s.Details || s.TotalCPU != "64" || s.TotalMemory != "262144" || s.TCPDomain == "" || s.Health != "ok" || r.Status != provider.StatusRunning {
		t.Errorf("an administrator is told %+v", s)
	}
	top.region = ""
	if all := top.list(t, kindRegion); !slices.Equal(ids(all), []string{edge, home}) {
		t.Errorf("regions %v", ids(all))
	}
	_, err = w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kindRegion, ID: "none"})
	want(t, "there is no such region", err, fault.ClassNotFound, fault.OutcomeNotDone)
	if all := w.list(t, kindTeam); len(all) != 1 || all[0].Name != "Blue" || !decoded[TeamState](t, all[0].State).Own {
		t.Errorf("a member sees %+v", all)
	}
	if all := top.list(t, kindTeam); len(all) != 2 {
		t.Errorf("an administrator sees %+v", all)
	}
	if s := decoded[TeamState](t, w.get(t, kindTeam, "blue").State); s.TenantName != "blue" || !slices.Equal(s.Regions, []string{home, edge}) {
		t.Errorf("the team is %+v", s)
	}
	_, err = w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kindTeam, ID: ".."})
	want(t, "no path leads elsewhere", err, fault.ClassNotFound, fault.OutcomeNotDone)
}

// TestNothingOfClustersIsPassedOn: the console puts certificates and keys of
// clusters beside what is asked for.
func TestNothingOfClustersIsPassedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t).admin()
	w.install(t, "tok-1", nil)
	var shown []any
	keep := func(v any, err error) {
		if err != nil {
			t.Error(err)
		}
		shown = append(shown, v)
	}
	keep(w.Regions(t.Context(), provider.RegionsRequest{Call: w.call()}))
	keep(w.Check(t.Context(), provider.CheckRequest{Call: w.call()}))
	for _, kind := range []string{kindRegion, kindTeam, kindApp, kindComponent, kindModel} {
		keep(w.list(t, kind), nil)
		keep(w.get(t, kind, w.list(t, kind)[0].ID), nil)
	}
	if w.count("get_region") == 0 {
		t.Fatal("the console was not asked for a region")
	}
	text, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{sim.ClusterSecret, adminKey, storeKey} {
		if strings.Contains(string(text), secret) || strings.Contains(w.logs.String(), secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}

func TestModelsAndOfferings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.StoreApps = catalogue(3000) })
	if all := w.list(t, kindModel); len(all) != 150 {
		t.Errorf("%d app models", len(all))
	}
	w = newWorld(t)
	s := decoded[ModelState](t, w.get(t, kindModel, blog).State)
	if len(s.Versions) != 3 || s.Versions[2].Version != "2.0" || s.Versions[2].CPU != 1750 || s.Versions[2].MemoryMB != 1792 || s.Versions[0].Updated == nil || !s.Official {
		t.Errorf("the model is %+v", s)
	}
	_, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kindModel, ID: "none"})
	want(t, "there is no such model", err, fault.ClassNotFound, fault.OutcomeNotDone)
	offers := func(w *world, region string) map[string]provider.Offering {
		out := map[string]provider.Offering{}
		call := w.call()
		call.Region = region
		err := w.Offerings(t.Context(), provider.OfferingsRequest{Call: call}, func(o provider.Offering) error {
			out[o.ID] = o
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	all := offers(w, "")
	o := all[home+"/"+blog+"/2.0"]
	if len(all) != 10 || o.Name != "Blog 2.0" || o.ListPrice != "263.38" || o.Currency != currency || o.Region != home || !o.Sellable || o.Attrs["memory_mb"] != "1792" {
		t.Errorf("%d offerings, %+v", len(all), o)
	}
	if string(o.Spec) != `{"app_model_id":"`+blog+`","app_model_version":"2.0"}` {
		t.Errorf("it is ordered as %s", o.Spec)
	}
	if n := len(offers(w, edge)); n != 5 {
		t.Errorf("%d offerings at the edge", n)
	}
	if o := offers(w.with("core_price", ""), "")[home+"/"+blog+"/2.0"]; o.ListPrice != "" {
		t.Errorf("without both prices it costs %s", o.ListPrice)
	}
	if n := len(offers(w.with("market_url", ""), "")); n != 0 {
		t.Errorf("%d offerings without a store", n)
	}
	none := func(req provider.OfferingsRequest) {
		req.Call = w.call()
		if err := w.Offerings(t.Context(), req, func(o provider.Offering) error { t.Errorf("%+v asks for %s", req, o.ID); return nil }); err != nil {
			t.Error(err)
		}
	}
	none(provider.OfferingsRequest{Kinds: []string{"instance"}})
	none(provider.OfferingsRequest{Types: []string{"flavour"}})
	if all := w.with("market_url", "").list(t, kindModel); len(all) != 0 {
		t.Errorf("%d app models without a store", len(all))
	}
	_, err = w.Get(t.Context(), provider.GetRequest{Call: w.with("market_url", "").call(), Kind: kindModel, ID: blog})
	want(t, "there is no store", err, fault.ClassPrecondition, fault.OutcomeNotDone)
}

func TestImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.install(t, "tok-1", nil)
	far := w.with()
	far.region = edge
	two := far.install(t, "tok-2", map[string]any{"app_model_id": cacheID, "app_model_version": "7.2"})
	read := func(region string, kinds ...string) []string {
		call := w.call()
		call.Region = region
		var out []provider.Resource
		if err := w.Import(t.Context(), provider.ImportRequest{Call: call, Kinds: kinds}, func(r provider.Resource) error { out = append(out, r); return nil }); err != nil {
			t.Fatal(err)
		}
		return ids(out)
	}
	if got := read("", kindApp); len(got) != 2 || !slices.Contains(got, one.ID) || !slices.Contains(got, two.ID) {
		t.Errorf("apps %v", got)
	}
	if got := read(edge, kindApp); !slices.Equal(got, []string{two.ID}) {
		t.Errorf("apps at the edge %v", got)
	}
	if got := read("", kindComponent); len(got) != 3 {
		t.Errorf("components %v", got)
	}
	if got := read(""); len(got) != 5 {
		t.Errorf("all %v", got)
	}
	if got := read("", kindTeam); len(got) != 0 {
		t.Errorf("teams %v", got)
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		core, memory string
		milli, mb    int
		want         provider.Decimal
	}{
		"Whole": {"100", "50", 2000, 2048, "300.00"}, "Part": {"100", "100", 250, 256, "50.00"}, "Up": {"0.01", "0", 1, 0, "0.01"},
		"Third": {"1", "1", 0, 1, "0.01"}, "Nothing": {"0", "0", 1000, 1024, "0.00"}, "None": {"", "1", 1000, 1024, ""},
		"Large": {"999999999.999999", "0.000001", 1000000, 1, "1000000000000.00"},
	} {
		got, err := Config{CorePrice: provider.Decimal(tc.core), MemoryPrice: provider.Decimal(tc.memory)}.price(tc.milli, tc.mb)
		if err != nil || got != tc.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, tc.want)
		}
	}
}

func TestATeamOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ensure := func(name string) (provider.SubAccount, error) {
		return w.EnsureAccount(t.Context(), provider.EnsureAccountRequest{Call: w.call(), Token: "t", Name: name})
	}
	for name, reason := range map[string]string{"": "it has no name", strings.Repeat("x", 22): "the console allows 24 characters"} {
		_, err := ensure(name)
		want(t, reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	for _, call := range []string{"create_team", "open_region"} {
		w.lose(t, call)
		_, err := ensure("Harbour")
		want(t, call+": the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	}
	got, err := ensure("Harbour")
	if err != nil || got.Created || got.Name != "tw-Harbour" || got.Settings["team"] != got.ID || len(got.Credentials) != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if n, m := w.count("create_team"), w.count("open_region"); n != 1 || m != 2 {
		t.Errorf("%d teams were made, %d regions opened", n, m)
	}
	theirs := w.with("team", got.ID)
	r := theirs.install(t, "tok-1", nil)
	if s := decoded[AppState](t, r.State); s.TeamID != got.ID || len(w.list(t, kindApp)) != 0 {
		t.Errorf("installed %+v", s)
	}
	if own, err := ensure("Blue"); err != nil || !own.Created {
		t.Errorf("a team that people made was taken: %+v, %v", own, err)
	}
	if fresh, err := ensure("Pier"); err != nil || !fresh.Created || fresh.ID == got.ID {
		t.Errorf("another one: %+v, %v", fresh, err)
	}
}

func TestPlacement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Regions = []sim.Region{{Name: home, Status: "1", MemoryMB: 2000}, {Name: edge, Status: "1"}}
	})
	place := func(w *world, region string, fields map[string]any) (provider.Placement, error) {
		call := w.call()
		call.Region = region
		return w.Place(t.Context(), provider.PlaceRequest{Call: call, Kind: kindApp, Spec: spec(t, fields), Term: month(1)})
	}
	if got, err := place(w, home, nil); err != nil || !got.OK {
		t.Errorf("it fits: %+v, %v", got, err)
	}
	w.install(t, "tok-1", nil)
	got, err := place(w, home, nil)
	if err != nil || got.OK || got.Reason != "it takes 1536 MB of memory, of which the team has 464 left here" {
		t.Errorf("the region is full: %+v, %v", got, err)
	}
	if got, err := place(w, home, map[string]any{"app_model_id": cacheID, "app_model_version": "7.2"}); err != nil || !got.OK {
		t.Errorf("a small one fits: %+v, %v", got, err)
	}
	if got, err := place(w, edge, nil); err != nil || !got.OK {
		t.Errorf("there is no bound: %+v, %v", got, err)
	}
	if got, err := place(w, edge, map[string]any{"app_model_version": "9"}); err != nil || got.OK || got.Reason == "" {
		t.Errorf("there is no such version: %+v, %v", got, err)
	}
	if got, err := place(w.with("other_stores", "true"), edge, map[string]any{"market_domain": "other"}); err != nil || !got.OK {
		t.Errorf("of another store nothing is known: %+v, %v", got, err)
	}
	_, err = place(w, "none", nil)
	want(t, "there is no such region", err, fault.ClassInvalid, fault.OutcomeNotDone)
	_, err = w.Place(t.Context(), provider.PlaceRequest{Call: w.call(), Kind: kindTeam, Spec: json.RawMessage(`{}`), Term: month(1)})
	want(t, "teams have no place", err, fault.ClassUnsupported, fault.OutcomeNotDone)
}
