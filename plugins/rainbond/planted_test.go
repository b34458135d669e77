package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tradewind.example/plugins/rainbond/sim"
	"tradewind.example/sdk/provider"
)

// planted begins every secret that [planting] puts into answers.
const planted = "planted-secret"

// planting is the simulator behind a server that puts certificates, keys and
// tokens into every object of every answer, as the console does with some.
func planting(t *testing.T, cloud *sim.Cloud) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		cloud.ServeHTTP(rec, r)
		var body any
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err == nil {
			plant(body)
			raw, err := json.Marshal(body)
			if err != nil {
				t.Error(err)
			}
			rec.Body.Reset()
			_, _ = rec.Body.Write(raw)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func plant(at any) {
	switch at := at.(type) {
	case []any:
		for _, v := range at {
			plant(v)
		}
	case map[string]any:
		for _, v := range at {
			plant(v)
		}
		for _, name := range []string{"ssl_ca_cert", "cert_file", "key_file", "token", "access_key", "password", "private_key", "certificate", "error_trace", "docker_cmd", "env"} {
			at[name] = planted + " " + name
		}
	}
}

// TestPlantedSecretsAreStripped makes every call that answers something.
func TestPlantedSecretsAreStripped(t *testing.T) {
	t.Parallel()
	w := newWorld(t).admin()
	w.url = planting(t, w.sim)
	var shown []any
	keep := func(v any, err error) { shown = append(shown, v, fmt.Sprint(err)) }
	r := w.install(t, "tok-1", map[string]any{"app_note": "a note"})
	shown = append(shown, r)
	web := w.parts(t, r.ID)["blog"].ServiceID
	for _, kind := range []string{kindApp, kindComponent, kindModel, kindTeam, kindRegion} {
		all := w.list(t, kind)
		shown = append(shown, all, w.get(t, kind, all[0].ID))
		keep(w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: kind, ID: "999"}))
	}
	rule := decoded[RuleID](t, w.acts(t, r.ID, "add_http_rule", of(web, `,"port":80,"domain_name":"a.example"`))).ID
	events := decoded[Events](t, w.acts(t, r.ID, "events", of(web, "")))
	for action, input := range map[string]string{
		"versions": `{}`, "rules": `{}`, "ports": of(web, ""), "events": of(web, ""), "event_log": of(web, fmt.Sprintf(`,"event_id":%q`, events.Events[0].ID)),
		"set_envs": of(web, `,"envs":[{"name":"A","value":"1"}]`), "add_tcp_rule": of(web, `,"port":80,"end_point":"192.0.2.1:30000"`),
		"set_http_rule": fmt.Sprintf(`{"rule_id":%q,"domain_name":"b.example"}`, rule), "restart": `{}`, "upgrade": `{"app_model_version":"1.1"}`,
		"remove_component": of(web, ""), "scale": of("none", `,"nodes":2`), "start": `{"service_ids":["none"]}`,
	} {
		keep(w.act(t, r.ID, action, input))
	}
	keep(w.Check(t.Context(), provider.CheckRequest{Call: w.call()}))
	keep(w.Regions(t.Context(), provider.RegionsRequest{Call: w.call()}))
	keep(w.EnsureAccount(t.Context(), provider.EnsureAccountRequest{Call: w.call(), Token: "t", Name: "Pier"}))
	keep(nil, w.Offerings(t.Context(), provider.OfferingsRequest{Call: w.call()}, func(o provider.Offering) error { shown = append(shown, o); return nil }))
	keep(nil, w.Import(t.Context(), provider.ImportRequest{Call: w.call()}, func(r provider.Resource) error { shown = append(shown, r); return nil }))
	keep(w.Create(t.Context(), w.order(t, "tok-2", map[string]any{"app_model_version": "9"})))
	text, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) < 10_000 {
		t.Errorf("only %d bytes were answered", len(text))
	}
	for _, secret := range []string{planted, sim.ClusterSecret, adminKey, storeKey} {
		if strings.Contains(string(text), secret) || strings.Contains(w.logs.String(), secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}
