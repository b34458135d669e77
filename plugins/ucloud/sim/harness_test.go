package sim_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ucloud/ucloud-sdk-go/services/uhost"
	"github.com/ucloud/ucloud-sdk-go/ucloud"
	"github.com/ucloud/ucloud-sdk-go/ucloud/auth"
	uerr "github.com/ucloud/ucloud-sdk-go/ucloud/error"
	"github.com/ucloud/ucloud-sdk-go/ucloud/log"
	"go.uber.org/goleak"

	"tradewind.example/plugins/ucloud/sim"
)

const (
	region   = "cn-bj2"
	zone     = "cn-bj2-04"
	linux    = "uimage-ubuntu2204"
	password = "Correct-horse-7"
	public   = "public-one"
	private  = "private-one"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// epoch is the fake clock's start: the 10th of a month of 30 days, noon in Beijing.
func epoch() time.Time { return time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC) }

func config() sim.Config {
	start := epoch()
	return sim.Config{
		Now: func() time.Time { return start },
		Accounts: []sim.Account{
			{Name: "one", PublicKey: public, PrivateKey: private, BalanceFen: 100_000_00, Projects: []sim.Project{
				{ID: "org-one", Name: "Default", Default: true}, {ID: "org-two", Name: "second"},
			}},
			{Name: "two", PublicKey: "public-two", PrivateKey: "private-two", BalanceFen: 1000},
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

// checkBooks holds every account: start + recharges - purchases + refunds = balance = what the bill items say.
func checkBooks(t testing.TB, c *sim.Cloud) {
	t.Helper()
	for name, b := range c.Report(1).Accounts {
		if want := b.Start + b.Recharged - b.Spent + b.Refunded; b.Balance != want {
			t.Errorf("account %q: balance %v, want %v", name, b.Balance, want)
		}
		if got := c.BillSum(name); got != b.Spent-b.Refunded {
			t.Errorf("account %q: bill items sum to %v, want %v", name, got, b.Spent-b.Refunded)
		}
	}
	if c.Pending() {
		t.Error("a change was not committed")
	}
}

func (w *world) sdk() (*ucloud.Config, *auth.Credential) { return sdkAt(w.url) }

func sdkAt(base string) (*ucloud.Config, *auth.Credential) {
	cfg := ucloud.NewConfig()
	cfg.BaseUrl, cfg.Region, cfg.Zone, cfg.LogLevel = base, region, zone, log.FatalLevel
	cfg.Timeout = 5 * time.Second
	cred := auth.NewCredential()
	cred.PublicKey, cred.PrivateKey = public, private
	return &cfg, &cred
}

// uhost is a fresh client with its own connections: the SDK's clients must not be shared.
func (w *world) uhost() *uhost.UHostClient {
	cfg, cred := w.sdk()
	c := uhost.NewClient(cfg, cred)
	c.GetLogger().SetOutput(io.Discard)
	tr := &http.Transport{}
	w.t.Cleanup(tr.CloseIdleConnections)
	c.SetTransport(tr)
	return c
}

func createRequest(c *uhost.UHostClient, tag string) *uhost.CreateUHostInstanceRequest {
	r := c.NewCreateUHostInstanceRequest()
	r.ImageId, r.LoginMode, r.Password = ucloud.String(linux), ucloud.String("Password"), ucloud.String(password)
	r.CPU, r.Memory, r.Tag, r.Name = ucloud.Int(2), ucloud.Int(4096), ucloud.String(tag), ucloud.String("web")
	r.ChargeType, r.Quantity = ucloud.String("Month"), ucloud.Int(1)
	r.Disks = []uhost.UHostDisk{{IsBoot: ucloud.String("True"), Size: ucloud.Int(40), Type: ucloud.String("CLOUD_SSD")}}
	return r
}

// create buys one host and returns its id.
func (w *world) create(tag string) string {
	w.t.Helper()
	c := w.uhost()
	res, err := c.CreateUHostInstance(createRequest(c, tag))
	if err != nil {
		w.t.Fatalf("creating %q: %v", tag, err)
	}
	return res.UHostIds[0]
}

// form is a raw call, for what the SDK cannot send.
func (w *world) form(values map[string]string) map[string]any {
	w.t.Helper()
	res := w.post(values)
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("status %d", res.StatusCode)
	}
	if res.Header.Get("X-UCLOUD-REQUEST-UUID") == "" {
		w.t.Error("no request UUID")
	}
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		w.t.Fatalf("reading the answer: %v", err)
	}
	return out
}

func (w *world) post(values map[string]string) *http.Response {
	w.t.Helper()
	res, err := http.Post(w.url, "application/x-www-form-urlencoded", strings.NewReader(encode(values)))
	if err != nil {
		w.t.Fatalf("calling: %v", err)
	}
	return res
}

func encode(values map[string]string) string {
	form := url.Values{}
	for k, v := range values {
		form.Set(k, v)
	}
	return form.Encode()
}

// signed adds key and signature.
func signed(values map[string]string) map[string]string {
	out := map[string]string{"PublicKey": public}
	for k, v := range values {
		out[k] = v
	}
	out["Signature"] = sim.Sign(out, private)
	return out
}

// rawCreate is a sound CreateUHostInstance with changes; an empty value removes a parameter.
func rawCreate(change map[string]string) map[string]string {
	values := map[string]string{
		"Action": "CreateUHostInstance", "Region": region, "Zone": zone, "ImageId": linux,
		"LoginMode": "Password", "Password": "Q29ycmVjdC1ob3JzZS03", "CPU": "2", "Memory": "4096",
		"Disks.0.IsBoot": "true", "Disks.0.Size": "40", "Disks.0.Type": "CLOUD_SSD", "Tag": "raw",
	}
	for k, v := range change {
		values[k] = v
		if v == "" {
			delete(values, k)
		}
	}
	return values
}

func retCode(m map[string]any) int {
	n, ok := m["RetCode"].(float64)
	if !ok {
		return -2
	}
	return int(n)
}

// codeOf is the RetCode of an SDK error; 0 without error, -1 for other failures.
func codeOf(err error) int {
	var e uerr.Error
	if err == nil {
		return 0
	}
	if errors.As(err, &e) {
		return e.Code()
	}
	return -1
}

func mustAdvance(t testing.TB, c *sim.Cloud, d time.Duration) {
	t.Helper()
	if err := c.Advance(d); err != nil {
		t.Fatalf("advancing: %v", err)
	}
}

type simConfig = sim.Config

// simFen turns a price as JSON delivers it into fen, by its decimal text.
func simFen(v any) sim.Fen {
	b, err := json.Marshal(v)
	if err != nil {
		return -1
	}
	whole, frac, _ := strings.Cut(string(b), ".")
	frac = (frac + "00")[:2]
	n, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil {
		return -1
	}
	return sim.Fen(n)
}
