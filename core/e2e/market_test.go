package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// market is a broker that sells what the example plugins have: no cloud stands
// behind them, what they tell or keep is the witness.
type market struct {
	*world
	plugins map[string]string // provider ids by the plugin's name
	goods   map[string]string // product ids by the plugin's name and the product's
}

// openMarket builds broker and plugins and starts a broker with them.
func openMarket(t *testing.T, plugins ...string) *market {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), recharged: map[[2]string]string{}}
	m := &market{world: w, plugins: map[string]string{}, goods: map[string]string{}}
	for _, dir := range []string{"drop", "logs"} {
		w.must(os.MkdirAll(filepath.Join(w.dir, dir), 0o700))
	}
	w.bin.broker = programs.program(t, "..", "failpoints", "./cmd/tradewind")
	for _, name := range plugins {
		w.must(os.Link(programs.program(t, "../../examples", "", "./"+name), filepath.Join(w.dir, "drop", pluginFile(name))))
	}
	m.configure()
	first := w.firstStart()
	w.operator = &client{at: &w.at, http: newHTTP(), login: "admin", password: first}
	w.must(w.operator.signIn(t.Context()))
	t.Cleanup(func() {
		if t.Failed() {
			w.keepLogs()
		}
	})
	return m
}

func pluginFile(name string) string { return "tradewind-provider-" + name }

func (m *market) configure() {
	at := func(name string) string { return filepath.Join(m.dir, name) }
	text, err := json.MarshalIndent(map[string]any{
		"listen": "127.0.0.1:0", "data_dir": at("data"), "keyset_file": filepath.Join(m.dir, "keys", "keyset.json"),
		"plugins":   map[string]any{"dir": at("plugins"), "drop_dir": at("drop")},
		"rate":      map[string]any{"per_second": 0},
		"orders":    map[string]any{"call_timeout": callTimeout.String(), "retry_for": "1h", "attention_after": "1h"},
		"catalogue": map[string]any{"sync_every": "0s"},
		"log":       map[string]any{"level": "warn"},
	}, "", " ")
	m.must(err)
	m.must(os.WriteFile(at("tradewind.yaml"), text, 0o600))
}

// offer installs a plugin, registers it as a provider, lets sellers sell it with
// an account each, and agrees on prices down to them.
func (m *market) offer(plugin, key string, settings map[string]map[string]string, sellers map[string]*client) {
	ctx, op := m.t.Context(), m.operator
	path := filepath.Join(m.dir, "drop", pluginFile(plugin))
	m.must(op.post(ctx, "/v1/plugins", "", map[string]string{"file": pluginFile(plugin), "sha256": m.sum(path)}, nil))
	var org, prov made
	m.must(op.post(ctx, "/v1/orgs", "", map[string]string{"kind": "provider", "name": plugin}, &org))
	m.must(op.post(ctx, "/v1/providers", "", map[string]any{
		"plugin_name": plugin, "org_id": org.ID, "title": plugin, "settle": "period",
	}, &prov))
	m.providerOrg, m.provider, m.plugins[plugin] = org.ID, prov.ID, prov.ID
	m.viewer = m.user(op, org.ID, "viewer-of-"+plugin, "provider_viewer")
	m.account(op, key, nil)
	m.agree(op, org.ID, op.org, "discount", "period", "1")
	for name, seller := range sellers {
		m.must(op.post(ctx, "/v1/grants", "", map[string]any{
			"provider_id": prov.ID, "from": op.org, "to": seller.org, "shared_credentials": false,
		}, nil))
		m.account(seller, key, settings[name])
	}
	m.must(op.post(ctx, "/v1/providers/"+prov.ID+"/sync", "", nil, nil))
	products, err := list[struct{ ID, Name string }](ctx, op, "/v1/products?provider_id="+prov.ID)
	m.must(err)
	for _, p := range products {
		m.goods[plugin+"/"+p.Name] = p.ID
	}
}

// account enables the provider for an org, with an account of its own.
func (m *market) account(who *client, key string, settings map[string]string) {
	sum := sha256.Sum256([]byte(who.login))
	var e struct{ ID, State, Problem string }
	m.must(who.post(m.t.Context(), "/v1/enablements", "", map[string]any{
		"provider_id": m.provider, "covers_all": true, "settings": settings,
		"credentials": map[string]string{key: "e2e-private-" + hex.EncodeToString(sum[:8])},
	}, &e))
	m.must(wait(20*time.Second, func() (bool, error) {
		if err := who.get(m.t.Context(), "/v1/enablements/"+e.ID, &e); err != nil {
			return false, err
		}
		if e.State == "failed" {
			return false, errors.New(e.Problem)
		}
		return e.State == "active", nil
	}))
}

// seller founds a reseller whom the operator trusts with money.
func (m *market) seller(name string) *client {
	who := m.join(m.operator, "reseller", name)
	m.agree(m.operator, m.operator.org, who.org, "discount", "realtime", "1.05")
	m.recharge(m.operator, who, "900000.00")
	return who
}

// buyer founds a customer with money.
func (m *market) buyer(seller *client, name string) *client {
	who := m.join(seller, "customer", name)
	m.agree(seller, seller.org, who.org, "discount", "realtime", "1.2")
	m.recharge(seller, who, "90000.00")
	return who
}

// again ends the broker politely and starts it anew.
func (m *market) again() {
	m.must(m.stopBroker())
	m.start()
}

// order buys one of a product and returns the order's id.
func (m *market) order(who *client, product, region string, term map[string]any) string {
	id, found := m.goods[product]
	if !found {
		m.t.Fatalf("%q is not on sale: there is %v", product, m.goods)
	}
	body := map[string]any{"product_id": id, "name": "bought", "term": term}
	if region != "" {
		body["region"] = region
	}
	var o made
	m.must(who.post(m.t.Context(), "/v1/orders", fmt.Sprintf("order-%s-%d", who.login, time.Now().UnixNano()), body, &o))
	return o.ID
}

// thing is a resource as these tests look at it.
type thing struct {
	ID       string `json:"id"`
	VendorID string `json:"vendor_id"`
	Status   string `json:"status"`
	State    struct{ Article string }
}

func (m *market) thing(who *client, id string) (r thing) {
	m.t.Helper()
	m.must(who.get(m.t.Context(), "/v1/resources/"+id, &r))
	return r
}

// delivered waits until an order is fulfilled and returns its resource.
func (m *market) delivered(who *client, order string) string {
	m.t.Helper()
	var o struct {
		State       string
		ResourceIDs []string `json:"resource_ids"`
	}
	m.must(wait(60*time.Second, func() (bool, error) {
		err := who.get(m.t.Context(), "/v1/orders/"+order, &o)
		if err == nil && (o.State == "failed" || o.State == "refunded") {
			err = fmt.Errorf("order %q is %s", order, o.State)
		}
		return o.State == "active", err
	}))
	if len(o.ResourceIDs) != 1 {
		m.t.Fatalf("order %q made %v", order, o.ResourceIDs)
	}
	return o.ResourceIDs[0]
}
