package sim_test

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/plugins/baidu/sim"
)

const (
	partnerKey    = "akpartner"
	partnerSecret = "sk-partner-0123456789"
	otherKey      = "akother"
	otherSecret   = "sk-other-0123456789ab"
	linux         = "m-ubuntu2204"
	spec          = "bcc.g5.c2m8"
	password      = "Correct-h0rse"
	userOne       = "user-one"
	accountOne    = "account-one"
)

// The vendor's SDK starts a goroutine when it is loaded, and never ends it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/baidubce/bce-sdk-go/util/log.NewLogger.func1"))
}

// epoch is the fake clock's start: noon in Beijing on the 10th of a month.
func epoch() time.Time { return time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC) }

func config() sim.Config {
	start := epoch()
	return sim.Config{
		Now: func() time.Time { return start },
		Accounts: []sim.Account{
			{
				Name: "partner", ID: "partner-id", AccessKey: partnerKey, SecretKey: partnerSecret, Reseller: true, BalanceFen: 100_000_00,
				Customers: []sim.Customer{
					{Name: "first", UserID: userOne, AccountID: accountOne, Email: "first@customer.example", Mobile: "00000000001", Type: "PERSONAL"},
					{Name: "second", UserID: "user-two", AccountID: "account-two", BalanceFen: 500},
				},
			},
			{Name: "other", ID: "other-id", AccessKey: otherKey, SecretKey: otherSecret, Reseller: true, BalanceFen: 1000},
		},
	}
}

// world is a cloud behind a real HTTP server.
type world struct {
	*sim.Cloud
	url string
	t   testing.TB
}

// newWorld starts a cloud; every test ends with the check of the books.
func newWorld(t testing.TB, change ...func(*sim.Config)) *world {
	t.Helper()
	cfg := config()
	for _, f := range change {
		f(&cfg)
	}
	cloud, err := sim.New(cfg)
	if err != nil {
		t.Fatalf("starting the cloud: %v", err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(func() {
		srv.Close()
		checkBooks(t, cloud)
		if err := cloud.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return &world{Cloud: cloud, url: srv.URL, t: t}
}

// checkBooks holds every account: start + recharges + moved in - moved out -
// purchases + refunds = balance, and the bills say the same.
func checkBooks(t testing.TB, c *sim.Cloud) {
	t.Helper()
	var in, out sim.Fen
	for name, b := range c.Report(1000).Accounts {
		if want := b.Start + b.Recharged + b.In - b.Out - b.Spent + b.Refunded; b.Balance != want {
			t.Errorf("account %q: balance %v, want %v", name, b.Balance, want)
		}
		if got := c.BillSum(name); got != b.Spent-b.Refunded {
			t.Errorf("account %q: bills sum to %v, want %v", name, got, b.Spent-b.Refunded)
		}
		if b.Refunded > b.Spent {
			t.Errorf("account %q: more came back than was paid: %+v", name, b)
		}
		in, out = in+b.In, out+b.Out
	}
	if in != out {
		t.Errorf("money moved in is %v, out %v", in, out)
	}
	if c.Pending() {
		t.Error("a change was not committed")
	}
}

// call is one signed call, made with signing code of this test alone.
type call struct {
	method, path string
	query        map[string]string
	body         any // marshalled unless it is a string
	key, secret  string
	session      string
	at           time.Time
	host         string
	header       map[string]string
	unsigned     bool
}

func (c *call) defaults() {
	if c.key == "" {
		c.key, c.secret = partnerKey, partnerSecret
	}
	if c.at.IsZero() {
		c.at = time.Now()
	}
}

// escape is the vendor's encoding, written for the test.
func escape(s string) string {
	s = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	return strings.ReplaceAll(s, "%7E", "~")
}

// authorize signs host and, with a session, the token.
func (c *call) authorize(host string) string {
	names, lines := []string{"host"}, []string{"host:" + escape(host)}
	if c.session != "" {
		names, lines = append(names, "x-bce-security-token"), append(lines, "x-bce-security-token:"+escape(c.session))
	}
	pairs := []string{}
	for k, v := range c.query {
		pairs = append(pairs, escape(k)+"="+escape(v))
	}
	slices.Sort(pairs)
	prefix := "bce-auth-v1/" + c.key + "/" + c.at.UTC().Format("2006-01-02T15:04:05Z") + "/1800"
	text := c.method + "\n" + c.path + "\n" + strings.Join(pairs, "&") + "\n" + strings.Join(lines, "\n")
	return prefix + "/" + strings.Join(names, ";") + "/" + mac(mac(c.secret, prefix), text)
}

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func (c *call) request(t testing.TB, base string) *http.Request {
	t.Helper()
	c.defaults()
	var body io.Reader
	switch v := c.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(v)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	values := url.Values{}
	for k, v := range c.query {
		values.Set(k, v)
	}
	req, err := http.NewRequestWithContext(t.Context(), c.method, base+c.path+"?"+strings.ReplaceAll(values.Encode(), "+", "%20"), body)
	if err != nil {
		t.Fatal(err)
	}
	if c.host != "" {
		req.Host = c.host
	}
	host := req.Host
	if !c.unsigned {
		req.Header.Set("Authorization", c.authorize(host))
	}
	if c.session != "" {
		req.Header.Set("x-bce-security-token", c.session)
	}
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	return req
}

// answer is what came back.
type answer struct {
	status int
	code   string
	raw    string
	body   map[string]any
}

func (w *world) do(c call) answer {
	w.t.Helper()
	res, err := http.DefaultClient.Do(c.request(w.t, w.url))
	if err != nil {
		w.t.Fatalf("calling: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.Header.Get("x-bce-request-id") == "" {
		w.t.Error("no request id")
	}
	a := answer{status: res.StatusCode, raw: string(raw)}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&a.body); err == nil {
		a.code, _ = a.body["code"].(string)
	}
	return a
}

// ok is a call that must succeed.
func (w *world) ok(c call) map[string]any {
	w.t.Helper()
	a := w.do(c)
	if a.status != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", c.method, c.path, a.status, a.raw)
	}
	return a.body
}

func post(path string, body any) call { return call{method: http.MethodPost, path: path, body: body} }
func get(path string) call            { return call{method: http.MethodGet, path: path} }

// put is a call that a parameter without a value tells apart.
func put(path, verb string, body any) call {
	return call{method: http.MethodPut, path: path, query: map[string]string{verb: ""}, body: body}
}

func (c call) with(name, value string) call {
	q := map[string]string{name: value}
	for k, v := range c.query {
		q[k] = v
	}
	q[name] = value
	c.query = q
	return c
}

func (c call) as(key, secret string) call {
	c.key, c.secret = key, secret
	return c
}

type object = map[string]any

// machine is a sound create with changes; nil removes a field.
func machine(change object) object {
	out := object{
		"imageId": linux, "spec": spec, "name": "web", "adminPass": encrypt(partnerSecret, password),
		"billing": object{"paymentTiming": "Prepaid", "reservation": object{"reservationLength": 1, "reservationTimeUnit": "month"}},
	}
	for k, v := range change {
		out[k] = v
		if v == nil {
			delete(out, k)
		}
	}
	return out
}

// postpaid is a create that is paid by the hour.
func postpaid(change object) object {
	out := machine(change)
	out["billing"] = object{"paymentTiming": "Postpaid"}
	return out
}

// buy creates instances and returns the first id and the order.
func (w *world) buy(body object) (id, order string) {
	w.t.Helper()
	out := w.ok(post("/v2/instanceBySpec", body))
	ids, _ := out["instanceIds"].([]any)
	if len(ids) == 0 {
		w.t.Fatalf("no instance: %v", out)
	}
	id, _ = ids[0].(string)
	order, _ = out["orderId"].(string)
	return id, order
}

func (w *world) status(id string) any {
	w.t.Helper()
	one, _ := w.ok(get("/v2/instance/" + id))["instance"].(map[string]any)
	return one["status"]
}

func (w *world) orderState(id string) any {
	w.t.Helper()
	return w.order(id)["status"]
}

func (w *world) order(id string) object {
	w.t.Helper()
	list, _ := w.ok(post("/v1/order/getByUuid", object{"uuids": []string{id}}))["orders"].([]any)
	if len(list) != 1 {
		w.t.Fatalf("order %s: found %d", id, len(list))
	}
	one, _ := list[0].(map[string]any)
	return one
}

// encrypt is AES-128-ECB with padding in hex, as clients send passwords.
func encrypt(secret, plain string) string {
	block, err := aes.NewCipher([]byte(secret[:16]))
	if err != nil {
		return ""
	}
	n := 16 - len(plain)%16
	b := append([]byte(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	for i := 0; i < len(b); i += 16 {
		block.Encrypt(b[i:], b[i:])
	}
	return hex.EncodeToString(b)
}

func (w *world) advance(d time.Duration) {
	w.t.Helper()
	if err := w.Advance(d); err != nil {
		w.t.Fatalf("advancing: %v", err)
	}
}

func (w *world) arm(faults ...sim.Fault) {
	w.t.Helper()
	if err := w.SetFaults(faults...); err != nil {
		w.t.Fatalf("arming: %v", err)
	}
}
