package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/alijst/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
)

func TestWordsOfTheCloud(t *testing.T) {
	t.Parallel()
	for want, words := range map[string][]string{envTest: {"测试", "TEST", "test", "0"}, envProd: {"生产", "production", "PRO", "online", "1"}, "": {"", "2", "staging"}} {
		for _, word := range words {
			if got := environmentTold(word); got != want {
				t.Errorf("%q is the sort %q, want %q", word, got, want)
			}
		}
	}
	if got := environmentTold("测试", "1"); got != envTest {
		t.Errorf("names go before numbers: %q", got)
	}
	cfg := Config{ZoneHours: 8}
	at := time.Date(2020, 1, 5, 9, 3, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2020-01-05T17:03:00": at, "2020-01-05 17:03:00": at, "2020-01-05T09:03Z": at, "2020-01-05T09:03:00Z": at, "2020-01-05T17:03:00+08:00": at,
		"2020-01-05T17:03": at, "": {}, "yesterday": {},
	} {
		if got := cfg.moment(text); !got.Equal(want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	if cfg.stamp(at) != "2020-01-05 17:03:00" || cfg.stamp(time.Time{}) != "" {
		t.Errorf("%v is written %q", at, cfg.stamp(at))
	}
	if userType("DINGDING_TALK") != "DING_TALK" || userType("TAOBAO") != "TAOBAO" {
		t.Error("types of users are asked for in one way")
	}
}

func TestStatesOfTheCloud(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		read func(string) provider.Status
		want map[string]provider.Status
	}{
		"Cluster": {clusterStatus, map[string]provider.Status{
			"running": provider.StatusRunning, "failed": provider.StatusError, "deleting": provider.StatusStopping, "deleted": provider.StatusDeleted,
			"stopped": provider.StatusStopped, "initial": provider.StatusPending, "": provider.StatusPending,
		}},
		"Volume": {volumeStatus, map[string]provider.Status{
			"Bound": provider.StatusBound, "Available": provider.StatusFree, "Released": provider.StatusFree, "Pending": provider.StatusPending,
			"Failed": provider.StatusError, "Odd": provider.StatusUnknown,
		}},
		"Database": {databaseStatus, map[string]provider.Status{
			"Running": provider.StatusRunning, "Creating": provider.StatusPending, "Deleting": provider.StatusStopping, "": provider.StatusUnknown,
		}},
		"Instance": {func(s string) provider.Status { return instanceStatus(s, "") }, map[string]provider.Status{
			"RUNNING": provider.StatusRunning, "Pending": provider.StatusStarting, "TERMINATING": provider.StatusStopping, "Succeeded": provider.StatusStopped,
			"FAILED": provider.StatusError, "": provider.StatusUnknown,
		}},
		"Order": {func(s string) provider.Status { return orderStatus(s[:1], s[1:]) }, map[string]provider.Status{
			"10": provider.StatusRunning, "20": provider.StatusFrozen, "31": provider.StatusStopped, "32": provider.StatusError, "34": provider.StatusError, "90": provider.StatusUnknown,
		}},
	}
	for name, tc := range cases {
		for word, want := range tc.want {
			if got := tc.read(word); got != want {
				t.Errorf("%s %q is %s, want %s", name, word, got, want)
			}
		}
	}
}

func TestCodesHaveTheirClass(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]fault.Class{
		"InvalidAccessKeyId.NotFound": fault.ClassUnauthenticated, "InvalidTimeStamp.Expired": fault.ClassUnauthenticated, "SignatureDoesNotMatch": fault.ClassUnauthenticated,
		"Forbidden.Other": fault.ClassForbidden, "NoPermission": fault.ClassForbidden, "Throttling.Other": fault.ClassThrottled, "InvalidApp.NotFound": fault.ClassNotFound,
		"QuotaExceed.App": fault.ClassQuota, "MissingTitle": fault.ClassInvalid, "InvalidTitle": fault.ClassInvalid, "ServiceUnavailable": fault.ClassUnavailable,
		"InvalidAction.NotFound": fault.ClassUnsupported,
	} {
		if got, known := classOf(code); got != want || !known {
			t.Errorf("%q is %s, want %s", code, got, want)
		}
	}
	if _, known := classOf("Strange"); known {
		t.Error("a strange code is known")
	}
	if _, err := (Config{Codes: "7=lovely"}).codes(); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a class that there is not: %v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	mark, err := markOf("token")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"shop", "a-tw-shop", "商城"} {
		if own, got := split(join(name, mark)); own != name || got != mark {
			t.Errorf("%q with a mark is taken apart into %q and %q", name, own, got)
		}
	}
	for name, want := range map[string]string{
		"My Shop": "my-shop", "9lives": "volume-9lives", "商城": "volume", "": "volume", "a_b": "a-b", strings.Repeat("x", 99): strings.Repeat("x", nameMost),
	} {
		if got := labelOf(name, "volume"); got != want || !strings.HasPrefix(got, want[:1]) {
			t.Errorf("%q is %q in Kubernetes, want %q", name, got, want)
		}
	}
	if got := nameOf("a b/商城..", "x"); got != "a-b-商城" {
		t.Errorf("name %q", got)
	}
	for _, bad := range []string{"a b", strings.Repeat("x", nameMost+1), join("x", mark)} {
		if newName(bad) == nil {
			t.Errorf("%q is a good name", bad)
		}
	}
	for _, bad := range []string{"", "c", "c/label.jst.com", "c/label.jst.com/a", "c/other/a/b", "c/label.jst.com/a/"} {
		if _, _, _, ok := splitLabel(bad); ok {
			t.Errorf("%q is the id of a label", bad)
		}
	}
}

// TestNotAdmittedIsARefusal although its code is that of a success.
func TestNotAdmittedIsARefusal(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.faults(t, sim.Fault{Kind: sim.KindNotAdmitted})
	for action, input := range map[string]string{"deploy": `{}`, "scale": `{"replicas":5}`} {
		_, err := s.act(t, kindEnvironment, s.env, action, input)
		want(t, action, err, fault.ClassPrecondition, fault.OutcomeNotDone)
		if err != nil && (!strings.Contains(err.Error(), "permit") || fault.As(err).CloudCode != "102000") {
			t.Errorf("%s: %v", action, err)
		}
	}
	s.faults(t)
	s.acts(t, kindEnvironment, s.env, "deploy", `{}`)
}

// TestDeploysThatFail say so, and one that is closed by hand says that.
func TestDeploysThatFail(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.faults(t, sim.Fault{Kind: sim.KindInstallFail, Count: 1})
	_, err := s.act(t, kindEnvironment, s.env, "deploy", `{}`)
	want(t, "the deploy failed", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	began := s.beginAs(t, "second", kindEnvironment, s.env, "deploy", `{"pause":"first"}`)
	_, err = s.act(t, kindEnvironment, s.env, "deploy", `{"package_url":"https://a.example/x","package_id":"1"}`)
	want(t, "two packages", err, fault.ClassInvalid, fault.OutcomeNotDone)
	order := output[Rollout](t, began).Order
	s.clock.Advance(transition)
	_, err = s.act(t, kindOrder, order, "close", `{"confirm":"other"}`)
	want(t, "it is not confirmed", err, fault.ClassInvalid, fault.OutcomeNotDone)
	s.acts(t, kindOrder, order, "close", confirm(order))
	op := s.finish(t, began.Operation)
	if op.Failure == nil || !strings.Contains(op.Failure.Error(), "by hand") {
		t.Errorf("operation %+v", op)
	}
	for _, id := range []string{"", "x", "deploy:deploy_order:r:1", "deploy:none:r:1:7", "sing:app:r:1:7", "create:app:r:x:7", "create:app:r:1:%zz"} {
		_, err := s.Operation(t.Context(), provider.OperationRequest{Call: s.call(), ID: id})
		if id != "" {
			want(t, id, err, fault.ClassNotFound, fault.OutcomeNotDone)
		}
	}
}

// TestChangesThatNeverEnd are in doubt after the account's limit.
func TestChangesThatNeverEnd(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id := s.made(t, kindCluster, "tok-2", aCluster).ID
	s.faults(t, sim.Fault{Kind: sim.KindStopHang})
	change := s.begin(t, kindCluster, id, "destroy", confirm(id))
	s.clock.Advance(30 * time.Minute)
	s.settings = []string{"create_minutes", "10"}
	op := s.finish(t, change.Operation)
	want(t, "it takes too long", op.Failure, fault.ClassUnavailable, fault.OutcomeUnknown)
	s.settings = nil
	s.faults(t, sim.Fault{Kind: sim.KindInstallFail, Count: 1})
	made, err := s.Create(t.Context(), s.order(kindCluster, "tok-3", aCluster))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "the cloud failed to make it", s.finish(t, made.Operation).Failure, fault.ClassUnavailable, fault.OutcomeUnknown)
}

// TestWhatIsRefusedBeforeTheCloudIsAsked names the field.
func TestWhatIsRefusedBeforeTheCloudIsAsked(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	env := `"environment_id":"` + s.env + `",`
	cases := map[string]struct{ kind, spec, path string }{
		"TwoWorkloads":  {kindConfig, `{"app_id":"1","deployment":"a","stateful_set":"b"}`, "spec.stateful_set"},
		"AppID":         {kindConfig, `{"app_id":"x"}`, "spec.app_id"},
		"ConfigID":      {kindEnvironment, `{"app_id":"1","deploy_config_id":"abc","replicas":1}`, "spec.deploy_config_id"},
		"OtherApp":      {kindEnvironment, `{"app_id":"1","deploy_config_id":"2/3","replicas":1}`, "spec.deploy_config_id"},
		"Environment":   {kindClaim, `{"environment_id":"abc","capacity":"1Gi","storage_class":"a"}`, "spec.environment_id"},
		"Timeout":       {kindPoint, `{` + env + `"balancer_id":"l","port":1,"target_port":1,"protocol":"UDP","established_timeout":20}`, "spec.established_timeout"},
		"Sticky":        {kindPoint, `{` + env + `"balancer_id":"l","port":1,"target_port":1,"sticky":true}`, "spec.sticky"},
		"Cookie":        {kindPoint, `{` + env + `"balancer_id":"l","port":1,"target_port":1,"cookie_timeout":9}`, "spec.cookie_timeout"},
		"Certificate":   {kindPoint, `{` + env + `"balancer_id":"l","port":1,"target_port":1,"protocol":"HTTP","certificate_id":"c"}`, "spec.certificate_id"},
		"Headless":      {kindService, `{` + env + `"service_type":"NodePort","headless":true,"ports":[` + aPort + `]}`, "spec.headless"},
		"NodePort":      {kindService, `{` + env + `"ports":[{"name":"a","port":1,"target_port":"1","node_port":30000}]}`, "spec.ports[0].node_port"},
		"Keys":          {kindCluster, `{"vpc_id":"v","vswitch_ids":["w"],"pod_cidr":"c","service_cidr":"c"}`, "spec.key_pair"},
		"PodCIDR":       {kindCluster, `{"vpc_id":"v","vswitch_ids":["w"],"key_pair":"k"}`, "spec.pod_cidr"},
		"ServiceCIDR":   {kindCluster, `{"vpc_id":"v","vswitch_ids":["w"],"key_pair":"k","pod_cidr":"c"}`, "spec.service_cidr"},
		"Logging":       {kindCluster, `{"cluster_type":"Serverless","vpc_id":"v","vswitch_ids":["w"],"key_pair":"k","logging":true}`, "spec.logging"},
		"OtherInstance": {kindDatabase, `{"db_instance_id":"rm-other","db_name":"shop","character_set":"utf8"}`, "spec.db_instance_id"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := s.Create(t.Context(), s.order(tc.kind, "tok-bad", tc.spec))
			f := fault.As(err)
			if !fault.Is(err, fault.ClassInvalid) || len(f.Fields) != 1 || f.Fields[0].Path != tc.path || f.Outcome != fault.OutcomeNotDone {
				t.Errorf("%v, want one at %s", err, tc.path)
			}
		})
	}
	many := s.order(kindApp, "tok-bad", `{}`)
	many.Term.Quantity = 2
	_, err := s.Create(t.Context(), many)
	want(t, "one token makes one", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

// TestWhatCannotBeChanged is refused by an update.
func TestWhatCannotBeChanged(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	point := s.made(t, kindPoint, "tok-p", creations()[kindPoint].spec(s)).ID
	service := s.made(t, kindService, "tok-s", creations()[kindService].spec(s)).ID
	ap := `"balancer_id":"lb-sim-internet","port":81,"target_port":8080`
	cases := map[string]struct{ kind, id, spec, path string }{
		"Stateful":        {kindApp, s.app, `{"stateful":true}`, "spec.stateful"},
		"Business":        {kindApp, s.app, `{"business_code":"SUPPLY"}`, "spec.business_code"},
		"ConfigApp":       {kindConfig, s.config, `{"app_id":"7"}`, "spec.app_id"},
		"ConfigType":      {kindConfig, s.config, `{"app_id":"` + s.app + `","env_type":"test"}`, "spec.env_type"},
		"EnvironmentApp":  {kindEnvironment, s.env, `{"app_id":"7","deploy_config_id":"7/8","replicas":1}`, "spec.app_id"},
		"EnvironmentType": {kindEnvironment, s.env, strings.Replace(s.environment(1), `"replicas"`, `"env_type":"test","replicas"`, 1), "spec.env_type"},
		"PointPlace":      {kindPoint, point, `{"environment_id":"7/8",` + ap + `}`, "spec.environment_id"},
		"PointPort":       {kindPoint, point, s.in(strings.Replace(ap, "81", "82", 1)), "spec.port"},
		"PointProtocol":   {kindPoint, point, s.in(ap + `,"protocol":"UDP"`), "spec.protocol"},
		"PointBalancer":   {kindPoint, point, s.in(strings.Replace(ap, "internet", "intranet", 1)), "spec.balancer_id"},
		"ServicePlace":    {kindService, service, `{"environment_id":"7/8","ports":[` + aPort + `]}`, "spec.environment_id"},
		"ServiceType":     {kindService, service, s.in(`"service_type":"NodePort","ports":[` + aPort + `]`), "spec.service_type"},
		"ServiceHeadless": {kindService, service, s.in(`"headless":true,"ports":[` + aPort + `]`), "spec.headless"},
	}
	for name, tc := range cases {
		_, err := s.Update(t.Context(), provider.UpdateRequest{Call: s.call(), Token: "u", Kind: tc.kind, ID: tc.id, Spec: json.RawMessage(tc.spec)})
		if f := fault.As(err); !fault.Is(err, fault.ClassInvalid) || len(f.Fields) != 1 || f.Fields[0].Path != tc.path {
			t.Errorf("%s: %v, want one at %s", name, err, tc.path)
		}
	}
}

// TestNobodyGetsMoreReplicasThanWereOrdered, by an update or by scaling; fewer
// and back again is free.
func TestNobodyGetsMoreReplicasThanWereOrdered(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.settings = []string{"allow_scale_up", "false"}
	_, err := s.Update(t.Context(), provider.UpdateRequest{Call: s.call(), Token: "u", Kind: kindEnvironment, ID: s.env, Spec: json.RawMessage(s.environment(3))})
	want(t, "an update to more", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = s.act(t, kindEnvironment, s.env, "scale", `{"replicas":3}`)
	want(t, "scaling to more", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	for _, n := range []string{"1", "2"} {
		s.acts(t, kindEnvironment, s.env, "scale", `{"replicas":`+n+`}`)
	}
	e := s.get(t, kindEnvironment, s.env)
	if st := state[EnvironmentState](t, e); e.Name != "thing" || st.Ordered == nil || *st.Ordered != 2 || *st.Replicas != 2 {
		t.Errorf("the environment is %+v, %s", e, e.State)
	}
	if own, mark, n := sized("live-x3"); own != "live-x3" || mark != "" || n != nil {
		t.Error("a name that was given elsewhere says nothing of an order")
	}
}

// TestPlainDeletesAreNotForced: the cloud refuses while there is anything, but
// for accounts that say otherwise.
func TestPlainDeletesAreNotForced(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.acts(t, kindEnvironment, s.env, "deploy", `{}`)
	for kind, id := range map[string]string{kindApp: s.app, kindEnvironment: s.env} {
		_, err := s.Delete(t.Context(), provider.DeleteRequest{Call: s.call(), Token: "d", Kind: kind, ID: id})
		want(t, kind, err, fault.ClassConflict, fault.OutcomeNotDone)
		_, err = s.act(t, kind, id, "destroy", `{"confirm":"yes"}`)
		want(t, kind+" is not confirmed", err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	s.settings = []string{"force_release", "true"}
	s.drop(t, kindEnvironment, s.env)
	s.drop(t, kindApp, s.app)
	for _, c := range s.sim.Calls(1000) {
		if c.Action == "DeleteNodeLabel" && c.Params["Force"] == "true" {
			t.Error("a plain delete of a label is forced")
		}
	}
}

// TestOfferingsAndPrices: the price of an environment is that of its replicas.
func TestOfferingsAndPrices(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var all []provider.Offering
	call := s.call("sizes", "1;3")
	err := s.Offerings(t.Context(), provider.OfferingsRequest{Call: call, Kinds: []string{kindEnvironment, kindApp}}, func(o provider.Offering) error {
		all = append(all, o)
		return nil
	})
	i := slices.IndexFunc(all, func(o provider.Offering) bool { return o.ID == home+"/environment/prod/3" })
	if err != nil || len(all) != 5 || i < 0 || all[i].ListPrice != "299.70" || string(all[i].Spec) != `{"env_type":"prod","replicas":3}` {
		t.Errorf("offerings %+v, %v", all, err)
	}
	quote := func(change provider.ChangeKind, kind, spec string, term provider.Term, settings ...string) (provider.Quote, error) {
		return s.Quote(t.Context(), provider.QuoteRequest{Call: s.call(settings...), Change: change, Kind: kind, Spec: json.RawMessage(spec), Term: term})
	}
	year := provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodYear, Periods: 2, Quantity: 2}
	if q, err := quote(provider.ChangeCreate, kindEnvironment, s.environment(3), year); err != nil || q.List != "14385.60" || q.Currency != currency {
		t.Errorf("quote %+v, %v", q, err)
	}
	if q, err := quote(provider.ChangeCreate, kindApp, `{}`, forOnce()); err != nil || q.List != "0.00" {
		t.Errorf("an application costs %+v, %v", q, err)
	}
	_, err = quote(provider.ChangeRelease, kindEnvironment, ``, month(1))
	want(t, "the unused time is the broker's to pay back", err, fault.ClassUnsupported, fault.OutcomeNotDone)
	_, err = quote(provider.ChangeCreate, kindEnvironment, s.environment(3), month(1), "replica_price", "")
	want(t, "the product has the price", err, fault.ClassUnsupported, fault.OutcomeNotDone)
	_, err = quote(provider.ChangeRenew, kindEnvironment, s.environment(3), month(1))
	want(t, "no terms at the cloud", err, fault.ClassUnsupported, fault.OutcomeNotDone)
	_, err = quote(provider.ChangeCreate, kindEnvironment, s.environment(3), forOnce())
	want(t, "prepaid only", err, fault.ClassInvalid, fault.OutcomeNotDone)
	if small, err := amountOf("0.0001"); err != nil || yuan(small) != "0.01" {
		t.Errorf("amounts are rounded up to the fen: %v", err)
	}
}

// TestPlacesOfThings: lists show those of the call's region.
func TestPlacesOfThings(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, kind := range []string{kindEnvironment, kindCluster, kindNode} {
		if len(s.list(t, kind)) == 0 {
			t.Errorf("%s: there is none at home", kind)
		}
	}
	s.region = other
	for _, kind := range []string{kindEnvironment, kindCluster, kindNode} {
		if all := s.list(t, kind); len(all) != 0 {
			t.Errorf("%s: elsewhere there are %v", kind, all)
		}
	}
	_, err := s.Get(t.Context(), provider.GetRequest{Call: s.call(), Kind: kindEnvironment, ID: s.env})
	want(t, "it is in another region", err, fault.ClassNotFound, fault.OutcomeNotDone)
	s.region = ""
	_, err = s.Get(t.Context(), provider.GetRequest{Call: s.call(), Kind: kindEnvironment, ID: s.env})
	want(t, "a region is needed", err, fault.ClassInvalid, fault.OutcomeNotDone)
	seen := map[string]int{}
	err = s.Import(t.Context(), provider.ImportRequest{Call: s.call()}, func(r provider.Resource) error {
		seen[r.Kind]++
		return nil
	})
	if err != nil || seen[kindApp] != 1 || seen[kindEnvironment] != 1 || seen[kindBackup] != 35 || seen[kindAccount] != 2 || seen[kindUser] != 3 {
		t.Errorf("imported %v, %v", seen, err)
	}
}

// TestAPageThatComesAgain ends a walk instead of turning for ever.
func TestAPageThatComesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := `{"RequestId":"r","Code":0,"TotalCount":9999,"Data":[{"AppId":1,"Title":"a"}]}`
	url, _ := plugintest.Answering(t, 200, nil, page)
	p := newPlugin(w.clock, retry.Policy{Attempts: 1})
	defer func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) }()
	call := w.call()
	call.Account.Endpoint = url
	c, err := p.open(call)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = walkApps(t.Context(), c, "", func(app) error { n++; return nil })
	want(t, "the page came twice", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	if n != 1 {
		t.Errorf("%d rows", n)
	}
}

// TestDatabasesAndTheirAccounts are those of the account's instances alone.
func TestDatabasesAndTheirAccounts(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	db := s.made(t, kindDatabase, "tok-1", `{"db_instance_id":"rm-sim-mysql","db_name":"shop","character_set":"utf8","description":"orders"}`)
	if d := state[DatabaseState](t, db); d.Description != "orders" || d.Engine != "MySQL" || db.Status != provider.StatusRunning {
		t.Errorf("database %+v, %+v", db, d)
	}
	s.acts(t, kindAccount, rds+"/app", "grant", `{"db_name":"shop","privilege":"ReadWrite"}`)
	a := state[AccountState](t, s.get(t, kindAccount, rds+"/app"))
	if len(a.Privileges) != 1 || a.Privileges[0] != (Privilege{Database: "shop", Privilege: "ReadWrite"}) {
		t.Errorf("account %+v", a)
	}
	if d := state[DatabaseState](t, s.get(t, kindDatabase, db.ID)); len(d.Accounts) != 1 || d.Accounts[0].Account != "app" {
		t.Errorf("database %+v", d)
	}
	for kind, id := range map[string]string{kindAccount: "rm-sim-sqlserver/app", kindBackup: "rm-sim-sqlserver/500000", kindDatabase: "x"} {
		_, err := s.Get(t.Context(), provider.GetRequest{Call: s.call(), Kind: kind, ID: id})
		want(t, "the account does not name the instance", err, fault.ClassNotFound, fault.OutcomeNotDone)
	}
	s.settings = []string{"rds_instances", "rm-sim-sqlserver"}
	s.made(t, kindDatabase, "tok-2", `{"db_instance_id":"rm-sim-sqlserver","db_name":"shop","character_set":"SQL_Latin1_General_CS_AS"}`)
	calls := s.sim.Calls(1000)
	i := slices.IndexFunc(calls, func(c sim.Call) bool { return c.Action == "CreateDb" && c.Params["DbInstanceId"] == "rm-sim-sqlserver" })
	if i < 0 || calls[i].Params["CharacterSetName"] != "SQL_Latin1_General_CP1_CS_AS" {
		t.Error("the collation is written in its one right way")
	}
}

// TestAnAllocationElsewhere is a conflict, not another one.
func TestAnAllocationElsewhere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	spec := creations()[kindAllocation].spec(s)
	first := s.made(t, kindAllocation, "tok-1", spec)
	if again := s.made(t, kindAllocation, "tok-2", spec); again.ID != first.ID {
		t.Errorf("%s and %s", first.ID, again.ID)
	}
	second := s.made(t, kindCluster, "tok-3", aCluster).ID
	_, err := s.Create(t.Context(), s.order(kindAllocation, "tok-4", strings.Replace(spec, s.cluster, second, 1)))
	want(t, "it has room on another cluster", err, fault.ClassConflict, fault.OutcomeNotDone)
}

// TestOwners of applications: the spec's, the account's, or the cloud's first user.
func TestOwners(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := func(token, spec string) Role {
		t.Helper()
		return state[AppState](t, w.get(t, kindApp, w.made(t, kindApp, token, spec).ID)).Users[0]
	}
	if r := owner("a", `{}`); r.User != "user-1" || r.Role != "Owner" {
		t.Errorf("the first user: %+v", r)
	}
	if r := owner("b", `{"users":[{"user_id":"user-3"}]}`); r.User != "user-3" || r.Type != "TAOBAO" || r.Role != "Owner" {
		t.Errorf("the spec's: %+v", r)
	}
	w.settings = []string{"owner_user_id", "user-2"}
	if r := owner("c", `{}`); r.User != "user-2" {
		t.Errorf("the account's: %+v", r)
	}
}

// TestRegions are named in the caller's language; one that is sold out is not told.
func TestRegions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := func(locale string, settings ...string) []string {
		t.Helper()
		call := w.call(settings...)
		call.Locale = locale
		all, err := w.Regions(t.Context(), provider.RegionsRequest{Call: call})
		if err != nil {
			t.Fatal(err)
		}
		out := []string{}
		for _, r := range all {
			out = append(out, r.Name)
		}
		return out
	}
	if got := names("en-US"); len(got) != 5 || got[0] != "China (Hangzhou)" {
		t.Errorf("in English %v", got)
	}
	if got := names("ja-JP", "resource_type", "scu"); len(got) != 4 || got[0] != "中国 (杭州)" {
		t.Errorf("in Japanese, where there are units of storage, %v", got)
	}
	if got := names("fr"); !strings.Contains(got[0], "华东") {
		t.Errorf("otherwise %v", got)
	}
}

// TestCheck tells bad keys, missing rights, and a cloud that does not answer apart.
func TestCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, err := w.Check(t.Context(), provider.CheckRequest{Call: w.call()})
	if err != nil || !good.OK || good.Account != public {
		t.Errorf("good keys: %+v, %v", good, err)
	}
	bad, err := w.Check(t.Context(), provider.CheckRequest{Call: w.call("access_key_id", "key-none")})
	if err != nil || bad.OK || !strings.Contains(bad.Problem, "refused") {
		t.Errorf("bad keys: %+v, %v", bad, err)
	}
	w.faults(t, sim.Fault{Kind: sim.KindNumericCode})
	bad, err = w.Check(t.Context(), provider.CheckRequest{Call: w.call()})
	if err != nil || bad.OK || !strings.Contains(bad.Problem, "ListApp") {
		t.Errorf("no right: %+v, %v", bad, err)
	}
	w.faults(t, sim.Fault{Kind: sim.KindHTTP})
	_, err = w.Check(t.Context(), provider.CheckRequest{Call: w.call()})
	want(t, "the cloud is down", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	for _, endpoint := range []string{"ftp://x", "http://u@x", "http://x/path", "http://x?q=1", "::"} {
		call := w.call()
		call.Account.Endpoint = endpoint
		_, err := w.Check(t.Context(), provider.CheckRequest{Call: call})
		want(t, endpoint, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
}

// signingIn is a world whose account can sign people in, and its sign-in.
func signingIn(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	login := httptest.NewServer(w.sim.SignIn())
	t.Cleanup(login.Close)
	w.settings = []string{"sign_in_url", login.URL, "sign_in_app_id", "app-one", "sign_in_targets", "https://mall.example/shop; https://other.example"}
	return w
}

// TestSignIn: an org gets a link that is good once, and nothing of it is kept.
func TestSignIn(t *testing.T) {
	t.Parallel()
	w := signingIn(t)
	link, err := w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: w.call(), Target: "https://mall.example/shop/orders"})
	if err != nil {
		t.Fatal(err)
	}
	if link.Expires.IsZero() || strings.Contains(w.logs.String(), link.URL.Reveal()) {
		t.Errorf("the link ends at %v", link.Expires)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	for i, status := range []int{http.StatusFound, http.StatusUnauthorized} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link.URL.Reveal(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != status || i == 0 && resp.Header.Get("Location") != "https://mall.example/shop/orders" {
			t.Errorf("use %d: %d to %q", i+1, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
	again, err := w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: w.call()})
	if err != nil || again.URL.Reveal() == link.URL.Reveal() {
		t.Errorf("the first page, by another link: %v", err)
	}
}

// TestSignInRefusals each have their class, and their reason.
func TestSignInRefusals(t *testing.T) {
	t.Parallel()
	w := signingIn(t)
	cases := map[string]struct {
		settings []string
		target   string
		class    fault.Class
	}{
		"NotConfigured": {[]string{"sign_in_url", ""}, "", fault.ClassPrecondition},
		"NoPage":        {[]string{"sign_in_targets", ""}, "", fault.ClassInvalid},
		"OtherPage":     {nil, "https://evil.example/", fault.ClassInvalid},
		"Above":         {nil, "https://mall.example/shop/../x", fault.ClassInvalid},
		"NotSecure":     {nil, "http://mall.example/shop", fault.ClassInvalid},
		"NotAllowed":    {nil, "https://other.example/", fault.ClassForbidden},
		"WrongApp":      {[]string{"sign_in_app_id", "app-two"}, "", fault.ClassUnauthenticated},
		"WrongPath":     {[]string{"sign_in_users_path", "/none"}, "", fault.ClassInternal},
		"WrongURL":      {[]string{"sign_in_url", "ftp://x"}, "", fault.ClassInvalid},
		"OtherHost":     {[]string{"sign_in_page_url", "https://elsewhere.example"}, "", fault.ClassUnavailable},
	}
	for name, tc := range cases {
		_, err := w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: w.call(tc.settings...), Target: tc.target})
		want(t, name, err, tc.class, fault.OutcomeNotDone)
	}
	for body, class := range map[string]fault.Class{
		`{"status":5,"msg":"busy"}`: fault.ClassPrecondition, `{"status":0,"data":{}}`: fault.ClassUnavailable, `{}`: fault.ClassUnavailable, `<html>`: fault.ClassUnavailable,
	} {
		url, _ := plugintest.Answering(t, 200, nil, body)
		_, err := w.SignInLink(t.Context(), provider.SignInLinkRequest{Call: w.call("sign_in_url", url)})
		want(t, body, err, class, fault.OutcomeNotDone)
	}
}
