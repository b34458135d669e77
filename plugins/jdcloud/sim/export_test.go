package sim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Verify lets the external tests reach the pieces of the signature.
func Verify(r *http.Request, secret string, body []byte) (canonicalHash, signature, signingKeyHex string, right bool) {
	cred, ok := parseAuthorization(r.Header.Get("Authorization"))
	if !ok {
		return "", "", "", false
	}
	text := canonical(r, canonicalQuery(r.URL.RawQuery), cred.headers, body)
	k := signingKey(secret, &cred)
	const digits = "0123456789abcdef"
	for _, b := range k {
		signingKeyHex += string(digits[b>>4]) + string(digits[b&15])
	}
	return hexDigest([]byte(text)), sign(secret, r.Header.Get(dateHeader), &cred, text), signingKeyHex, cred.signs(r, secret, body)
}

// ParseAuthorization lets the fuzzer reach the parser.
func ParseAuthorization(h string) bool {
	_, ok := parseAuthorization(h)
	return ok
}

// FromQuery and FromBody let the fuzzers reach the parsers.
func FromQuery(s string) (map[string]any, error) { return fromQuery(s) }

// FromBody reads a JSON body.
func FromBody(b []byte) (map[string]any, error) { return fromBody(b) }

// FindRoute runs the router.
func (c *Cloud) FindRoute(host, service, method, escaped string) string {
	_, path := c.mount(host, escaped)
	if r, _ := c.find(service, method, path); r != nil {
		return r.name
	}
	return ""
}

// ActionNames are the names of all actions with their services.
func (c *Cloud) ActionNames() []string {
	var out []string
	for _, routes := range c.routes {
		for _, r := range routes {
			out = append(out, r.full())
		}
	}
	return out
}

// Pending tells whether commits wait in memory, for invariants.
func (c *Cloud) Pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.tx.empty()
}

// BillSum adds the amounts of all bills of an account.
func (c *Cloud) BillSum(name string) Fen {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum Fen
	for _, b := range c.bills.rows {
		if b.Account == name {
			sum += b.Amount
		}
	}
	return sum
}

// Planned is how many wake-ups are queued.
func (c *Cloud) Planned() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.due)
}

// AddMonths is the calendar of prepaid terms.
func AddMonths(t time.Time, n int) time.Time { return addMonths(t, n) }

// Invoke runs the n-th action for the first account without a signature; id
// stands for every parameter in its path.
func (c *Cloud) Invoke(n int, id, query string, body []byte) {
	names := c.ActionNames()
	slices.Sort(names)
	service, name, _ := strings.Cut(names[n%len(names)], ".")
	i := slices.IndexFunc(c.routes[service], func(r *route) bool { return r.name == name })
	act, inPath := c.routes[service][i], map[string]string{}
	acct := c.accounts[c.cfg.Accounts[0].Name]
	q := &request{act: act, acct: acct, who: &principal{acct: acct}}
	for _, s := range act.segments {
		switch s.param {
		case "":
		case "regionId":
			q.region = c.cfg.Regions[0].ID
			inPath[s.param] = q.region
		default:
			inPath[s.param] = id
		}
	}
	r := &http.Request{Method: act.method, URL: &url.URL{RawQuery: query}}
	if q.read(r, inPath, body) == nil {
		_, _, _ = c.run(q)
	}
}
