package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

// pageSize is how many rows are asked for at once.
const pageSize = 100

// The roots of both APIs.
const (
	consoleRoot = "/openapi/v1"
	storeRoot   = "/app-server/openapi"
)

// cloud is one account in one region, for one call of the contract. It is
// immutable and safe for concurrent use.
type cloud struct {
	cfg     Config
	console string // base URL
	region  string
	http    *cloudhttp.Client
	retry   retry.Policy
}

// open reads the call's account; region "" is allowed.
func (p *plugin) open(call provider.Call) (*cloud, error) {
	cfg, err := provider.DecodeAccount[Config](call)
	if err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if call.Account.Endpoint == "" {
		return nil, fault.Invalid("account.endpoint", "is required: the URL of the console")
	}
	base, err := cfg.address(call.Account.Endpoint, "account.endpoint")
	if err != nil {
		return nil, err
	}
	return &cloud{cfg: cfg, console: base, region: call.Region, http: p.http, retry: p.retry}, nil
}

// openIn is open for calls that need a region.
func (p *plugin) openIn(call provider.Call) (*cloud, error) {
	if call.Region == "" {
		return nil, fault.Invalid("call.region", "is required")
	}
	return p.open(call)
}

// in is the same account in another region.
func (c *cloud) in(region string) *cloud {
	out := *c
	out.region = region
	return &out
}

// identity tells accounts apart, without a secret.
func (c *cloud) identity() string { return c.console + "\n" + c.cfg.Team }

// path joins parts, each of which is escaped: an id never leads elsewhere. One
// of dots alone, which escaping does not change, is the name of nothing.
func path(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if strings.Trim(p, ".") == "" {
			p = "-"
		}
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}

// inTeam is a place below the account's team.
func (c *cloud) inTeam(parts ...string) string { return path("teams", c.cfg.Team) + path(parts...) }

// inRegion is a place below the team in the region.
func (c *cloud) inRegion(parts ...string) string {
	return c.inTeam("regions", c.region) + path(parts...)
}

// inApp is a place below an app.
func (c *cloud) inApp(app int64, parts ...string) string {
	return c.inRegion("apps", strconv.FormatInt(app, 10)) + path(parts...)
}

// object is a JSON object that the console is asked with.
type object = map[string]any

// ask is one request: to the console, or to the store with its own key.
type ask struct {
	method  string
	at      string // path below the API's root
	query   url.Values
	body    any
	store   bool
	changes bool
	patient bool // may take as long as an install
}

// read asks the console for something, again if it fails for a passing reason,
// and decodes the answer.
func read[T any](ctx context.Context, c *cloud, at string, query url.Values) (T, error) {
	return retry.Read(ctx, c.retry, func(ctx context.Context) (T, error) {
		return invoke[T](ctx, c, ask{method: http.MethodGet, at: at, query: query})
	})
}

// readStore is read of the store.
func readStore[T any](ctx context.Context, c *cloud, at string, query url.Values) (T, error) {
	return retry.Read(ctx, c.retry, func(ctx context.Context) (T, error) {
		return invoke[T](ctx, c, ask{method: http.MethodGet, at: at, query: query, store: true})
	})
}

// write sends a change, once. A failure after which the change may have
// happened has the outcome unknown.
func write[T any](ctx context.Context, c *cloud, method, at string, query url.Values, body any) (T, error) {
	return invoke[T](ctx, c, ask{method: method, at: at, query: query, body: body, changes: true})
}

// slow is write for what may take minutes.
func slow[T any](ctx context.Context, c *cloud, at string, query url.Values, body any) (T, error) {
	return invoke[T](ctx, c, ask{method: http.MethodPost, at: at, query: query, body: body, changes: true, patient: true})
}

// invoke sends one request and decodes its answer.
func invoke[T any](ctx context.Context, c *cloud, a ask) (T, error) {
	var out T
	most := c.cfg.timeout()
	if a.patient {
		most = max(most, c.cfg.install())
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	req, err := c.request(a)
	if err != nil {
		return out, err
	}
	resp, err := c.http.Do(ctx, req)
	if err != nil {
		return out, c.clean(err)
	}
	body := bytes.TrimSpace(resp.Body)
	if e := refusedInside(body, &req); e != nil {
		return out, c.clean(e)
	}
	if err := json.Unmarshal(body, &out); err != nil {
		e := fault.Unavailable("the cloud's answer cannot be read").Cloud(strconv.Itoa(resp.Status), "").With(err)
		if a.changes {
			e.Outcome = fault.OutcomeUnknown
		}
		return out, e
	}
	return out, nil
}

// request writes a request. The key stands in the header as it is, without a
// scheme before it.
func (c *cloud) request(a ask) (cloudhttp.Request, error) {
	base, key := c.console+consoleRoot, c.cfg.AccessKey
	if a.store {
		base, key = strings.TrimRight(c.cfg.MarketURL, "/")+storeRoot, c.cfg.MarketKey
	}
	out := cloudhttp.Request{
		Method: a.method, URL: base + a.at, Query: a.query, Change: a.changes,
		Header: http.Header{"Accept": {"application/json"}, "User-Agent": {"tradewind-provider-rainbond/" + version}},
	}
	if !key.IsZero() {
		out.Header.Set("Authorization", key.Reveal())
	}
	if a.body == nil {
		return out, nil
	}
	body, err := json.Marshal(a.body)
	if err != nil {
		return out, fault.Internal(err, "a request cannot be encoded")
	}
	out.Header.Set("Content-Type", "application/json")
	out.Body = body
	return out, nil
}

// clean takes the account's keys out of a fault's message.
func (c *cloud) clean(err error) error {
	e := fault.As(err)
	text := e.Message
	for _, s := range []secret.Value{c.cfg.AccessKey, c.cfg.MarketKey} {
		if !s.IsZero() {
			text = strings.ReplaceAll(text, s.Reveal(), secret.Mask)
		}
	}
	if text == e.Message {
		return err
	}
	out := *e
	out.Message = text
	return &out
}

// envelope is what the console's newer calls put around an answer.
type envelope[Row any] struct {
	Data struct {
		List []Row `json:"list"`
	} `json:"data"`
}

// nothing is an answer that is not looked at: an object, or null.
type nothing = json.RawMessage

// moment reads a time of the store, which writes those of the standard; what is
// none is not told.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
