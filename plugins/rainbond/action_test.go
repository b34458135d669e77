package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/rainbond/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// of writes an input that names a component.
func of(service, more string) string {
	return fmt.Sprintf(`{"service_id":%q%s}`, service, more)
}

// statuses are the console's words for an app's components, sorted.
func (w *world) statuses(t *testing.T, id string) string {
	t.Helper()
	var out []string
	for _, x := range w.parts(t, id) {
		out = append(out, x.RawStatus)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestOperations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.install(t, "tok-1", nil).ID
	web := w.parts(t, id)["blog"]
	for _, tc := range []struct{ action, input, want string }{
		{"stop", `{}`, "closed closed"},
		{"stop", `{}`, "closed closed"},
		{"start", fmt.Sprintf(`{"service_ids":[%q]}`, web.ServiceID), "closed running"},
		{"start", `{}`, "running running"},
		{"roll", `{}`, "running running"},
		{"deploy", `{}`, "running running"},
		{"stop", fmt.Sprintf(`{"service_ids":[%q]}`, web.ServiceID), "closed running"},
	} {
		w.acts(t, id, tc.action, tc.input)
		if got := w.statuses(t, id); got != tc.want {
			t.Errorf("after %s of %s they are %q, want %q", tc.action, tc.input, got, tc.want)
		}
	}
	if r := w.get(t, kindApp, id); r.Status != provider.StatusRunning || r.RawStatus != rawPart {
		t.Errorf("it is %s, %q", r.Status, r.RawStatus)
	}
	_, err := w.act(t, id, "start", `{"service_ids":["none"]}`)
	want(t, "there is no such component", err, fault.ClassNotFound, fault.OutcomeNotDone)
	_, err = w.act(t, "none", "start", `{}`)
	want(t, "there is no such app", err, fault.ClassNotFound, fault.OutcomeNotDone)
}

// TestRestart stops everything, then starts it again, also when another process
// takes over in the middle.
func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.install(t, "tok-1", nil).ID
	before := w.count("operate")
	w.acts(t, id, "restart", `{}`)
	if got := w.statuses(t, id); got != "running running" || w.count("operate") != before+2 {
		t.Errorf("they are %q after %d operations", got, w.count("operate")-before)
	}
	change, err := w.Act(t.Context(), provider.ActionRequest{Call: w.call(), Token: "r", Kind: kindApp, ID: id, Action: "restart", Input: json.RawMessage(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(transition)
	if _, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: change.Operation}); err != nil {
		t.Fatal(err)
	}
	w.plugin.phases.ids = nil
	if op := w.finish(t, change.Operation); op.State != provider.OperationSucceeded || w.statuses(t, id) != "running running" {
		t.Errorf("%+v, %q", op, w.statuses(t, id))
	}
	c, err := w.plugin.openIn(w.call())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := numberOf(id)
	hidden := provider.OperationRequest{Call: w.call(), ID: w.plugin.begin(c, verbRestart, n, "").String()}
	for _, state := range []provider.OperationState{provider.OperationRunning, provider.OperationSucceeded} {
		if op, err := w.Operation(t.Context(), hidden); err != nil || op.State != state {
			t.Errorf("a stop that does not show is no end of a restart: %+v, %v, want %s", op, err, state)
		}
		w.clock.Advance(stopShows)
	}
	w.faults(t, sim.Fault{Kind: sim.KindSoldOut, Actions: []string{"operate"}, Skip: 1})
	_, err = w.act(t, id, "restart", `{}`)
	want(t, "the cluster was filled meanwhile", err, fault.ClassOutOfStock, fault.OutcomeNotDone)
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.install(t, "tok-1", nil).ID
	got := decoded[Installs](t, w.acts(t, id, "versions", `{}`)).Installs
	if len(got) != 1 || got[0].Version != "1.0" || !slices.Equal(got[0].Upgrades, []string{"1.1", "2.0"}) {
		t.Fatalf("versions %+v", got)
	}
	for name, input := range map[string]string{"NotOffered": `{"app_model_version":"0.9"}`, "Unknown": `{"app_model_version":"7"}`} {
		_, err := w.act(t, id, "upgrade", input)
		want(t, name, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	_, err := w.act(t, id, "upgrade", `{"app_model_version":"1.1","app_model_id":"other"}`)
	want(t, "it is not in the app", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	for range 2 {
		w.acts(t, id, "upgrade", `{"app_model_version":"1.1"}`)
	}
	if n := w.count("upgrade"); n != 1 {
		t.Errorf("the console was asked %d times", n)
	}
	w.lose(t, "upgrade")
	_, err = w.act(t, id, "upgrade", `{"app_model_version":"2.0"}`)
	want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	w.acts(t, id, "upgrade", `{"app_model_version":"2.0"}`)
	parts := w.parts(t, id)
	if n := w.count("upgrade"); n != 2 || len(parts) != 3 || parts["cache"].RawStatus != "running" || parts["blog"].Version != "2.0" {
		t.Errorf("after %d upgrades it has %+v", n, parts)
	}
	if s := decoded[AppState](t, w.get(t, kindApp, id).State); s.Version != "1.0" || s.Installs[0].Version != "2.0" || len(s.Installs[0].Upgrades) != 0 {
		t.Errorf("it is %+v", s)
	}
}

// TestAnUpgradeThatAddsComponents fails at some consoles, which is told.
func TestAnUpgradeThatAddsComponents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.install(t, "tok-1", nil).ID
	w.faults(t, sim.Fault{Kind: sim.KindUpgradeAdds})
	_, err := w.act(t, id, "upgrade", `{"app_model_version":"2.0"}`)
	want(t, "the console fails", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	if text := err.Error(); !strings.Contains(text, "more components") || strings.Contains(text, "positional") || strings.Contains(text, "Traceback") {
		t.Errorf("it says %q", text)
	}
	w.acts(t, id, "upgrade", `{"app_model_version":"1.1"}`)
	w.acts(t, id, "stop", `{}`)
	w.faults(t, sim.Fault{Kind: sim.KindDeployLost})
	w.acts(t, id, "upgrade", `{"app_model_version":"2.0"}`)
}

func TestInstallsIntoAnApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.more = true
	id := w.install(t, "tok-1", nil).ID
	more := fmt.Sprintf(`{"app_model_id":%q,"app_model_version":"7.2"}`, cacheID)
	_, err := w.act(t, id, "install", more)
	want(t, "nobody is billed for it", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	rich := w.with("allow_resize", "true")
	_, err = rich.with("market_url", "").act(t, id, "install", more)
	want(t, "there is no store", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	before := w.count("install")
	w.lose(t, "install")
	_, err = rich.act(t, id, "install", more)
	want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	for range 2 {
		rich.acts(t, id, "install", more)
	}
	if n := w.count("install") - before; n != 1 || len(w.parts(t, id)) != 3 {
		t.Errorf("after %d installs it has %+v", n, w.parts(t, id))
	}
	_, err = w.act(t, id, "upgrade", `{"app_model_version":"2.0"}`)
	want(t, "which of both", err, fault.ClassInvalid, fault.OutcomeNotDone)
	w.acts(t, id, "upgrade", fmt.Sprintf(`{"app_model_version":"1.1","app_model_id":%q}`, blog))
	other := rich.install(t, "tok-2", map[string]any{"app_model_id": cacheID, "app_model_version": "7.2"}).ID
	rich.acts(t, other, "install", fmt.Sprintf(`{"app_model_id":%q,"app_model_version":"1.0","is_deploy":false}`, blog))
	if got := w.statuses(t, other); got != "running undeploy undeploy" {
		t.Errorf("they are %q", got)
	}
}

// TestAnInstallThatIsLostOnItsWay is not repeated while it may still come.
func TestAnInstallThatIsLostOnItsWay(t *testing.T) {
	t.Parallel()
	base := newWorld(t)
	base.more = true
	w := base.with("allow_resize", "true")
	id := w.install(t, "tok-1", nil).ID
	more := fmt.Sprintf(`{"app_model_id":%q,"app_model_version":"7.2"}`, cacheID)
	w.faults(t, sim.Fault{Kind: sim.KindDrop, Actions: []string{"install"}, Count: 1})
	for range 3 {
		_, err := w.act(t, id, "install", more)
		want(t, "it is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	}
	if n := w.count("install"); n != 2 {
		t.Errorf("%d installs", n)
	}
	w.clock.Advance(10 * time.Minute)
	w.acts(t, id, "install", more)
}

func TestScale(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.install(t, "tok-1", nil).ID
	web := w.parts(t, id)["blog"].ServiceID
	_, err := w.act(t, id, "scale", of(web, `,"nodes":2`))
	want(t, "nobody is billed for it", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	rich := w.with("allow_resize", "true")
	for range 2 {
		rich.acts(t, id, "scale", of(web, `,"memory_mb":1024,"cpu_milli":750,"gpu_memory_mb":64,"nodes":3`))
	}
	w.clock.Advance(transition)
	if x := w.parts(t, id)["blog"]; x.MemoryMB != 1024 || x.CPU != 750 || x.GPU != 64 || x.Nodes != 3 {
		t.Errorf("it has %+v", x)
	}
	if n, m := w.count("scale_vertical"), w.count("scale_horizontal"); n != 1 || m != 1 {
		t.Errorf("the console was asked %d and %d times", n, m)
	}
	rich.acts(t, id, "scale", of(web, `,"cpu_milli":500`))
	w.clock.Advance(transition)
	if x := w.parts(t, id)["blog"]; x.MemoryMB != 1024 || x.CPU != 500 {
		t.Errorf("it has %+v", x)
	}
	w.faults(t, sim.Fault{Kind: sim.KindSoldOut, Actions: []string{"scale_horizontal"}})
	_, err = rich.act(t, id, "scale", of(web, `,"memory_mb":512,"nodes":4`))
	want(t, "half of it was done", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	_, err = rich.act(t, id, "scale", of(web, `,"nodes":4`))
	want(t, "nothing was done", err, fault.ClassOutOfStock, fault.OutcomeNotDone)
	_, err = rich.act(t, id, "scale", of("none", `,"nodes":4`))
	want(t, "there is no such component", err, fault.ClassNotFound, fault.OutcomeNotDone)
}

func TestComponentsOfAnApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.install(t, "tok-1", nil).ID
	web := w.parts(t, id)["blog"].ServiceID
	out := w.acts(t, id, "set_envs", of(web, `,"envs":[{"name":"PASSWORD","value":"hidden-value-77"}]`))
	if strings.Contains(string(out), "hidden") || strings.Contains(w.logs.String(), "hidden") {
		t.Errorf("the value is shown: %s", out)
	}
	_, err := w.act(t, id, "remove_component", of(web, ""))
	want(t, "it runs", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	w.acts(t, id, "stop", fmt.Sprintf(`{"service_ids":[%q]}`, web))
	for range 2 {
		w.acts(t, id, "remove_component", of(web, ""))
	}
	if parts := w.parts(t, id); len(parts) != 1 {
		t.Errorf("it has %+v", parts)
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.install(t, "tok-1", nil).ID
	web := w.parts(t, id)["blog"].ServiceID
	ports := func() map[int]Port {
		out := map[int]Port{}
		for _, p := range decoded[Ports](t, w.acts(t, id, "ports", of(web, ""))).Ports {
			out[p.Number] = p
		}
		return out
	}
	if p := ports()[80]; !p.Inner || p.Outer || p.Protocol != "http" || p.Alias == "" || p.K8sName == "" {
		t.Errorf("port %+v", p)
	}
	for range 2 {
		w.acts(t, id, "set_port", of(web, `,"port":80,"protocol":"tcp","inner":false,"outer":true`))
	}
	if p := ports()[80]; p.Inner || !p.Outer || p.Protocol != "tcp" || w.count("update_port") != 3 {
		t.Errorf("port %+v after %d changes", p, w.count("update_port"))
	}
	w.acts(t, id, "set_port", of(web, `,"port":80,"outer":false`))
	w.acts(t, id, "set_port", of(web, `,"port":9000,"outer":true,"inner":true`))
	if p := ports()[9000]; !p.Inner || !p.Outer || p.Protocol != "http" {
		t.Errorf("port %+v", p)
	}
	w.faults(t, sim.Fault{Kind: sim.KindDrop, Actions: []string{"update_port"}})
	_, err := w.act(t, id, "set_port", of(web, `,"port":9001,"outer":true`))
	want(t, "the port is there and closed", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	w.faults(t)
	w.acts(t, id, "set_port", of(web, `,"port":9001,"outer":true`))
	if p := ports()[9001]; !p.Outer {
		t.Errorf("port %+v", p)
	}
}

func TestGatewayRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.install(t, "tok-1", nil).ID
	parts := w.parts(t, id)
	web, data := parts["blog"].ServiceID, parts["database"].ServiceID
	rules := func() Rules { return decoded[Rules](t, w.acts(t, id, "rules", `{}`)) }
	shop := of(web, `,"port":80,"domain_name":"shop.example","domain_cookie":"a:b","rule_extensions":[{"key":"lb-type","value":"cookie"}]`)
	first := decoded[RuleID](t, w.acts(t, id, "add_http_rule", shop)).ID
	if again := decoded[RuleID](t, w.acts(t, id, "add_http_rule", shop)).ID; again != first || first == "" || w.count("create_http_rule") != 1 {
		t.Errorf("rules %q, %q", first, again)
	}
	r := rules().HTTP[0]
	if r.ID != first || r.Domain != "shop.example" || r.Path != "/" || r.Cookie != "a:b" || r.Protocol != "http" || r.Weight != 100 || !r.Open || r.ServiceID != web {
		t.Errorf("rule %+v", r)
	}
	w.acts(t, id, "set_http_rule", fmt.Sprintf(`{"rule_id":%q,"domain_name":"new.example","certificate_id":7,"weight":40,"domain_header":"x:y"}`, first))
	if r = rules().HTTP[0]; r.Domain != "new.example" || r.Protocol != "https" || r.CertificateID != 7 || r.Weight != 40 || r.Header != "x:y" || r.Cookie != "" || r.Port != 80 {
		t.Errorf("rule %+v", r)
	}
	if got := w.parts(t, id)["blog"].Addresses; !slices.Equal(got, []string{"https://new.example/"}) {
		t.Errorf("reached at %v", got)
	}
	tcp := of(data, `,"port":3306,"end_point":"192.0.2.10:30306"`)
	second := decoded[RuleID](t, w.acts(t, id, "add_tcp_rule", tcp)).ID
	if again := decoded[RuleID](t, w.acts(t, id, "add_tcp_rule", tcp)).ID; again != second || second == "" || w.count("create_tcp_rule") != 1 {
		t.Errorf("rules %q, %q", second, again)
	}
	if all := rules(); len(all.TCP) != 1 || all.TCP[0] != (TCPRule{second, data, 3306, "192.0.2.10:30306"}) {
		t.Errorf("rules %+v", all)
	}
	for name, input := range map[string]string{"Host": `"shop.example:80"`, "Port": `"192.0.2.10:99999"`, "None": `"192.0.2.10"`} {
		_, err := w.act(t, id, "add_tcp_rule", of(data, `,"port":3306,"end_point":`+input))
		want(t, name, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	other := w.install(t, "tok-2", nil).ID
	taken := of(w.parts(t, other)["blog"].ServiceID, `,"port":80,"domain_name":"new.example","certificate_id":9,"domain_header":"x:y"`)
	_, err := w.act(t, other, "add_http_rule", taken)
	want(t, "another app has it", err, fault.ClassConflict, fault.OutcomeNotDone)
	for range 2 {
		w.acts(t, id, "remove_rule", fmt.Sprintf(`{"rule_id":%q}`, first))
		w.acts(t, id, "remove_rule", fmt.Sprintf(`{"rule_id":%q}`, second))
	}
	if all := rules(); len(all.HTTP)+len(all.TCP) != 0 {
		t.Errorf("left: %+v", all)
	}
	_, err = w.act(t, id, "set_http_rule", fmt.Sprintf(`{"rule_id":%q,"domain_name":"new.example"}`, first))
	want(t, "it is gone", err, fault.ClassNotFound, fault.OutcomeNotDone)
}

// TestLostAnswersOfActions: the outcome is unknown, and the repeat finds the
// work done or does it again without harm.
func TestLostAnswersOfActions(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		vendor string
		once   bool // the repeat finds it done
		input  func(web, rule, address string) string
	}{
		"start":            {"operate", false, func(string, string, string) string { return `{}` }},
		"stop":             {"operate", false, func(string, string, string) string { return `{}` }},
		"restart":          {"operate", false, func(string, string, string) string { return `{}` }},
		"deploy":           {"operate", false, func(string, string, string) string { return `{}` }},
		"roll":             {"operate", false, func(string, string, string) string { return `{}` }},
		"upgrade":          {"upgrade", true, func(string, string, string) string { return `{"app_model_version":"1.1"}` }},
		"scale":            {"scale_vertical", true, func(web, _, _ string) string { return of(web, `,"memory_mb":256`) }},
		"set_envs":         {"put_envs", false, func(web, _, _ string) string { return of(web, `,"envs":[{"name":"A","value":"1"}]`) }},
		"set_port":         {"update_port", true, func(web, _, _ string) string { return of(web, `,"port":80,"protocol":"tcp"`) }},
		"add_http_rule":    {"create_http_rule", true, func(web, _, _ string) string { return of(web, `,"port":80,"domain_name":"new.example"`) }},
		"set_http_rule":    {"update_http_rule", false, func(_, rule, _ string) string { return fmt.Sprintf(`{"rule_id":%q,"domain_name":"b.example"}`, rule) }},
		"add_tcp_rule":     {"create_tcp_rule", true, func(web, _, _ string) string { return of(web, `,"port":80,"end_point":"192.0.2.1:30001"`) }},
		"remove_rule":      {"delete_http_rule", true, func(_, rule, _ string) string { return fmt.Sprintf(`{"rule_id":%q}`, rule) }},
		"remove_tcp":       {"delete_tcp_rule", true, func(_, _, address string) string { return fmt.Sprintf(`{"rule_id":%q}`, address) }},
		"remove_component": {"delete_component", false, func(web, _, _ string) string { return of(web, "") }},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).with("allow_resize", "true")
			id := w.install(t, "tok-1", nil).ID
			web := w.parts(t, id)["blog"].ServiceID
			rule := decoded[RuleID](t, w.acts(t, id, "add_http_rule", of(web, `,"port":80,"domain_name":"a.example"`))).ID
			address := decoded[RuleID](t, w.acts(t, id, "add_tcp_rule", of(web, `,"port":80,"end_point":"192.0.2.1:30000"`))).ID
			if name == "remove_component" || name == "start" {
				w.acts(t, id, "stop", `{}`)
			}
			action, before := strings.Replace(name, "remove_tcp", "remove_rule", 1), w.count(tc.vendor)
			w.lose(t, tc.vendor)
			_, err := w.act(t, id, action, tc.input(web, rule, address))
			want(t, "the answer is lost", err, fault.ClassUnavailable, fault.OutcomeUnknown)
			w.clock.Advance(transition)
			if _, err := w.act(t, id, action, tc.input(web, rule, address)); err != nil {
				t.Errorf("the repeat: %v", err)
			}
			if n := w.count(tc.vendor) - before; tc.once && n != 1 {
				t.Errorf("the console was asked %d times", n)
			}
		})
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.install(t, "tok-1", nil).ID
	parts := w.parts(t, id)
	web, data := parts["blog"].ServiceID, parts["database"].ServiceID
	w.acts(t, id, "stop", `{}`)
	all := decoded[Events](t, w.acts(t, id, "events", of(web, "")))
	if all.Total != 2 || len(all.Events) != 2 || all.Events[0].What != "stop" || all.Events[0].Status != "success" || all.Events[0].Began == "" {
		t.Fatalf("events %+v", all)
	}
	if second := decoded[Events](t, w.acts(t, id, "events", of(web, `,"page":2,"page_size":1`))); len(second.Events) != 1 || second.Events[0] != all.Events[1] {
		t.Errorf("its second page is %+v", second)
	}
	log := decoded[EventLog](t, w.acts(t, id, "event_log", of(web, fmt.Sprintf(`,"event_id":%q`, all.Events[0].ID))))
	if len(log.Lines) != 2 || !strings.HasPrefix(log.Lines[0].Message, "stop") {
		t.Errorf("its log is %+v", log)
	}
	_, err := w.act(t, id, "event_log", of(data, fmt.Sprintf(`,"event_id":%q`, all.Events[0].ID)))
	want(t, "it is of another component", err, fault.ClassNotFound, fault.OutcomeNotDone)
}

// TestAPermissionThatIsMissing is the user's, not the key's.
func TestAPermissionThatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.Users[1].Deny = []string{"stop"} })
	id := w.install(t, "tok-1", nil).ID
	_, err := w.act(t, id, "stop", `{}`)
	want(t, "the user may not stop", err, fault.ClassForbidden, fault.OutcomeNotDone)
	_, err = w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kindApp, ID: id})
	want(t, "nor release", err, fault.ClassForbidden, fault.OutcomeNotDone)
}

// TestLostAnswersWithinOperations: a step that happened without an answer is
// found done, and the operation goes on.
func TestLostAnswersWithinOperations(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, w *world, id string) error {
		t.Helper()
		_, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: id})
		return err
	}
	t.Run("Restart", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.install(t, "tok-1", nil).ID
		before := w.count("operate")
		change, err := w.Act(t.Context(), provider.ActionRequest{Call: w.call(), Token: "r", Kind: kindApp, ID: id, Action: "restart", Input: json.RawMessage(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(transition)
		w.lose(t, "operate")
		want(t, "the start's answer is lost", ask(t, w, change.Operation), fault.ClassUnavailable, fault.OutcomeUnknown)
		if op := w.finish(t, change.Operation); op.State != provider.OperationSucceeded || w.count("operate") != before+2 || w.statuses(t, id) != "running running" {
			t.Errorf("%+v, %d operations, %q", op, w.count("operate")-before, w.statuses(t, id))
		}
	})
	t.Run("Delete", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.install(t, "tok-1", nil).ID
		change, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kindApp, ID: id})
		if err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(transition)
		w.lose(t, "delete_app")
		want(t, "the delete's answer is lost", ask(t, w, change.Operation), fault.ClassUnavailable, fault.OutcomeUnknown)
		if op := w.finish(t, change.Operation); op.State != provider.OperationSucceeded || w.count("delete_app") != 1 {
			t.Errorf("%+v, %d deletes", op, w.count("delete_app"))
		}
	})
	t.Run("TakenBack", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.faults(t, sim.Fault{Kind: sim.KindAbnormal}, sim.Fault{Kind: sim.KindDrop, After: true, Actions: []string{"purge_app"}, Count: 1})
		change, err := w.Create(t.Context(), w.order(t, "tok-1", nil))
		if err != nil {
			t.Fatal(err)
		}
		op := w.finish(t, change.Operation)
		want(t, "it is gone all the same", op.Failure, fault.ClassPrecondition, fault.OutcomeNotDone)
		if left := w.list(t, kindApp); len(left) != 0 || w.count("purge_app") != 1 {
			t.Errorf("left: %v after %d deletes", ids(left), w.count("purge_app"))
		}
	})
}
