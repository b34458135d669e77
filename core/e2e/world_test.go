package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// world is one simulated cloud, one broker at a time on one store, and a chain
// of orgs: cloud, operator, reseller, sub-reseller, customers.
type world struct {
	t      *testing.T
	bin    binaries
	dir    string
	at     address
	cloud  *process
	simURL string
	admin  *client // of the simulator's switches
	broker *process
	offset time.Duration // by which the broker's clock runs ahead
	// settled says that statements were agreed to: they pay the commissions.
	settled bool

	operator, reseller, sub, viewer *client
	customers                       []*client
	providerOrg, provider           string
	products                        []string
	recharged                       map[[2]string]string // buyer, seller: amount
}

const cloudKey, cloudSecret = "e2e-public", "e2e-private"

// newWorld starts everything and returns when orders can be placed.
func newWorld(t *testing.T, bin binaries) *world {
	t.Helper()
	w := &world{t: t, bin: bin, dir: t.TempDir(), recharged: map[[2]string]string{}}
	for _, dir := range []string{"drop", "logs"} {
		if err := os.MkdirAll(filepath.Join(w.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.startCloud()
	w.writeConfig()
	first := w.firstStart()
	w.operator = &client{at: &w.at, http: newHTTP(), login: "admin", password: first}
	w.must(w.operator.signIn(t.Context()))
	w.connect()
	w.people()
	w.prices()
	w.payIn()
	t.Cleanup(func() {
		if t.Failed() {
			w.keepLogs()
		}
	})
	return w
}

// keepLogs copies the ends of the logs where they outlive the test.
func (w *world) keepLogs() {
	for _, name := range []string{"broker.log", "cloud.log"} {
		b, err := os.ReadFile(filepath.Join(w.dir, "logs", name))
		if err != nil {
			continue
		}
		w.t.Logf("the end of %s:\n%s", name, b[max(0, len(b)-4000):])
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// startCloud starts the one simulator of the test. New hosts show at once: how
// late a cloud may show them is told in seconds, how late this one does in
// questions, and a broker that was dead for long asks only once.
func (w *world) startCloud() {
	text, err := json.Marshal(map[string]any{
		"transition_ms": 30, "call_log_size": 1000,
		"accounts": []map[string]any{{"name": "operator", "public_key": cloudKey, "private_key": cloudSecret, "balance_fen": 1_000_000_000_00}},
	})
	w.must(err)
	file := filepath.Join(w.dir, "sim.json")
	w.must(os.WriteFile(file, text, 0o600))
	w.cloud = start(w.t, filepath.Join(w.dir, "logs", "cloud.log"), nil, w.bin.cloud, "-config", file, "-state", filepath.Join(w.dir, "sim.state"))
	w.simURL, err = w.cloud.line(10*time.Second, "")
	w.must(err)
	url, err := w.cloud.line(10*time.Second, "")
	w.must(err)
	w.admin = &client{at: &address{}, http: newHTTP()}
	w.admin.at.set(url)
}

// faults sets what the cloud does wrong from now on.
func (w *world) faults(all ...map[string]any) {
	if all == nil {
		all = []map[string]any{}
	}
	w.must(w.admin.do(w.t.Context(), "PUT", "/faults", "", all, nil))
}

// callTimeout is short so that a call that was cut off is soon certain to be
// over; settleSeconds is longer than any answer of this cloud takes.
const (
	callTimeout   = 2 * time.Second
	settleSeconds = "3"
)

func (w *world) writeConfig() {
	at := func(parts ...string) string { return filepath.Join(append([]string{w.dir}, parts...)...) }
	w.must(os.Link(w.bin.plugin, at("drop", "tradewind-provider-ucloud")))
	text, err := json.MarshalIndent(map[string]any{
		"listen": "127.0.0.1:0", "data_dir": at("data"), "keyset_file": at("keys", "keyset.json"),
		"plugins":   map[string]any{"dir": at("plugins"), "drop_dir": at("drop")},
		"rate":      map[string]any{"per_second": 0},
		"orders":    map[string]any{"call_timeout": callTimeout.String(), "retry_for": "1h", "attention_after": "1h"},
		"catalogue": map[string]any{"sync_every": "0s"},
		"log":       map[string]any{"level": "warn"},
	}, "", " ")
	w.must(err)
	w.must(os.WriteFile(at("tradewind.yaml"), text, 0o600))
}

func (w *world) firstStart() string {
	p := w.launch("")
	password, err := p.line(20*time.Second, "superadmin password: ")
	w.must(err)
	w.must(w.serving(p))
	return password
}

// launch starts the broker; with a failpoint it dies there.
func (w *world) launch(failpoint string) *process {
	env := []string{}
	if failpoint != "" {
		env = append(env, "TRADEWIND_FAILPOINT="+failpoint)
	}
	w.broker = start(w.t, filepath.Join(w.dir, "logs", "broker.log"), env, w.bin.broker,
		"serve", "--config", filepath.Join(w.dir, "tradewind.yaml"), "--set", "dev.clock_offset="+w.offset.String())
	return w.broker
}

// serving waits until the broker listens. A broker that died at its failpoint
// before it could say so is no error: errEnded tells.
func (w *world) serving(p *process) error {
	url, err := p.line(20*time.Second, "serving at ")
	if err == nil {
		w.at.set(url)
	}
	return err
}

// start starts the broker without a failpoint.
func (w *world) start() {
	w.t.Helper()
	if err := w.serving(w.launch("")); err != nil {
		w.t.Fatalf("the broker does not start again: %v", err)
	}
}

// command runs an offline command of the broker on the stopped store.
func (w *world) command(args ...string) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 60*time.Second)
	defer cancel()
	p := start(w.t, filepath.Join(w.dir, "logs", "command.log"), nil, w.bin.broker, append(args, "--config", filepath.Join(w.dir, "tradewind.yaml"))...)
	select {
	case <-p.done:
	case <-ctx.Done():
		p.kill()
	}
	if p.ended == nil {
		return nil
	}
	b, _ := os.ReadFile(filepath.Join(w.dir, "logs", "command.log")) // the error says enough without it
	return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), p.ended, b)
}

// connect installs the plugin and registers the cloud.
func (w *world) connect() {
	ctx, op := w.t.Context(), w.operator
	b, err := os.ReadFile(w.bin.plugin)
	w.must(err)
	sum := sha256.Sum256(b)
	w.must(op.post(ctx, "/v1/plugins", "", map[string]string{"file": "tradewind-provider-ucloud", "sha256": hex.EncodeToString(sum[:])}, nil))
	var org, prov made
	w.must(op.post(ctx, "/v1/orgs", "", map[string]string{"kind": "provider", "name": "Cloud"}, &org))
	w.must(op.post(ctx, "/v1/providers", "", map[string]any{
		"plugin_name": "ucloud", "org_id": org.ID, "title": "Simulated", "settle": "period", "endpoint": w.simURL,
	}, &prov))
	w.providerOrg, w.provider = org.ID, prov.ID
	w.enable(op)
}

func (w *world) enable(who *client) {
	var e struct{ ID, State, Problem string }
	w.must(who.post(w.t.Context(), "/v1/enablements", "", map[string]any{
		"provider_id": w.provider, "covers_all": true, "credentials": map[string]string{"private_key": cloudSecret},
		"settings": map[string]string{"public_key": cloudKey, "settle_seconds": settleSeconds},
	}, &e))
	w.must(wait(20*time.Second, func() (bool, error) {
		if err := who.get(w.t.Context(), "/v1/enablements/"+e.ID, &e); err != nil {
			return false, err
		}
		if e.State == "failed" {
			return false, errors.New(e.Problem)
		}
		return e.State == "active", nil
	}))
}

// people founds the chain: two customers at each of the three levels.
func (w *world) people() {
	ctx := w.t.Context()
	w.reseller = w.join(w.operator, "reseller", "harbour")
	w.sub = w.join(w.reseller, "reseller", "pier")
	for i, seller := range []*client{w.reseller, w.sub, w.sub, w.reseller, w.sub, w.sub} {
		w.customers = append(w.customers, w.join(seller, "customer", fmt.Sprintf("customer-%d", i)))
	}
	w.viewer = w.user(w.operator, w.providerOrg, "cloud", "provider_viewer")
	w.must(w.operator.post(ctx, "/v1/grants", "", map[string]any{
		"provider_id": w.provider, "from": w.operator.org, "to": w.reseller.org, "shared_credentials": false,
	}, nil))
	w.enable(w.reseller)
	w.must(w.operator.post(ctx, "/v1/providers/"+w.provider+"/sync", "", nil, nil))
	products, err := list[made](ctx, w.operator, "/v1/products?kind=instance&sort=-name&provider_id="+w.provider)
	w.must(err)
	for _, p := range products[:min(4, len(products))] {
		w.products = append(w.products, p.ID)
	}
}

func (w *world) join(seller *client, kind, name string) *client {
	var org made
	w.must(seller.post(w.t.Context(), "/v1/orgs", "", map[string]string{"kind": kind, "parent_id": seller.org, "name": name}, &org))
	return w.user(seller, org.ID, name, kind+"_admin")
}

func (w *world) user(by *client, org, name, role string) *client {
	who := &client{at: &w.at, http: newHTTP(), login: name, password: "a long password of " + name}
	w.must(by.post(w.t.Context(), "/v1/users", "", map[string]any{
		"org_id": org, "login": who.login, "name": name, "password": who.password, "roles": []string{role},
	}, nil))
	w.must(who.signIn(w.t.Context()))
	return who
}

func (w *world) sellerOf(i int) *client {
	if i%3 == 0 {
		return w.reseller
	}
	return w.sub
}

// prices makes the protocols. The operator pays the cloud's list price, so that
// the cloud's own books and the ledger must agree to the cent.
func (w *world) prices() {
	w.agree(w.operator, w.providerOrg, w.operator.org, "discount", "period", "1")
	w.agree(w.operator, w.operator.org, w.reseller.org, "discount", "realtime", "1.05")
	w.agree(w.reseller, w.reseller.org, w.sub.org, "rebate", "realtime", "0.08")
	for i, c := range w.customers {
		s := w.sellerOf(i)
		w.agree(s, s.org, c.org, "discount", "realtime", fmt.Sprintf("1.2%d", i))
	}
}

func (w *world) agree(by *client, seller, buyer, mode, settle, rate string) {
	w.must(by.post(w.t.Context(), "/v1/protocols", "", map[string]any{
		"seller": seller, "buyer": buyer, "mode": mode, "settle": settle, "template": "monthly:1", "default_rate": rate,
		"start": time.Now().UTC().Add(-time.Hour).Format(time.RFC3339),
	}, nil))
}

// payIn recharges every pair; the last customer has money for a few orders
// only, so that some are refused.
func (w *world) payIn() {
	w.recharge(w.operator, w.reseller, "90000000.00")
	w.recharge(w.reseller, w.sub, "60000000.00")
	for i, c := range w.customers {
		amount := "9000000.00"
		if i == len(w.customers)-1 {
			amount = "3000.00"
		}
		w.recharge(w.sellerOf(i), c, amount)
	}
}

func (w *world) recharge(seller, buyer *client, amount string) {
	w.must(seller.post(w.t.Context(), "/v1/recharges", "recharge-"+buyer.login, map[string]any{
		"buyer": buyer.org, "seller": seller.org, "currency": "CNY", "amount": amount, "reference": "slip " + buyer.login,
	}, nil))
	w.recharged[[2]string{buyer.org, seller.org}] = amount
}

func (w *world) everybody() []*client {
	return append([]*client{w.operator, w.reseller, w.sub, w.viewer}, w.customers...)
}
