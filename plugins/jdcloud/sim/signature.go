package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The words of the vendor's signature scheme.
const (
	scheme      = "JDCLOUD2-HMAC-SHA256"
	scopeEnd    = "jdcloud2_request"
	dateHeader  = "x-jdcloud-date"
	nonceHeader = "x-jdcloud-nonce"
	tokenHeader = "x-jdcloud-security-token"
	dateLayout  = "20060102T150405Z"
	// anyRegion stands in the scope of services without a region in the path.
	anyRegion = "jdcloud-api"
)

// credential is a parsed Authorization header.
type credential struct {
	key, date, region, service string
	headers                    []string
	signature                  string
}

var authorizationPattern = regexp.MustCompile(
	`^` + scheme + ` Credential=([^/,\s]*)/([0-9]{8})/([^/,\s]+)/([^/,\s]+)/` + scopeEnd +
		`,\s*SignedHeaders=([A-Za-z0-9_;-]+),\s*Signature=([0-9a-f]{64})$`)

// parseAuthorization reads the header; false means that it has another form.
func parseAuthorization(h string) (credential, bool) {
	if len(h) > 4096 {
		return credential{}, false
	}
	m := authorizationPattern.FindStringSubmatch(h)
	if m == nil {
		return credential{}, false
	}
	return credential{
		key: m[1], date: m[2], region: m[3], service: m[4],
		headers: strings.Split(strings.ToLower(m[5]), ";"), signature: m[6],
	}, true
}

func (c *credential) scope() string {
	return c.date + "/" + c.region + "/" + c.service + "/" + scopeEnd
}

// canonical is the text whose digest is signed.
func canonical(r *http.Request, query string, headers []string, body []byte) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	// The vendor's SDK escapes the colon of action calls, net/url leaves it.
	path = strings.ReplaceAll(path, ":", "%3A")
	var b strings.Builder
	b.WriteString(r.Method + "\n" + path + "\n" + query + "\n")
	for _, name := range headers {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(headers, ";") + "\n" + hexDigest(body))
	return b.String()
}

// headerValue joins the values with commas, trimmed and with runs of spaces collapsed.
func headerValue(r *http.Request, name string) string {
	if name == "host" {
		return r.Host
	}
	var out []string
	for _, v := range r.Header.Values(name) {
		out = append(out, collapse(v))
	}
	return strings.Join(out, ",")
}

func collapse(s string) string {
	s = strings.Trim(s, " ")
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return s
}

// sign computes the signature of a canonical request.
func sign(secret, date string, c *credential, canonicalRequest string) string {
	text := strings.Join([]string{scheme, date, c.scope(), hexDigest([]byte(canonicalRequest))}, "\n")
	return hex.EncodeToString(mac(signingKey(secret, c), text))
}

func signingKey(secret string, c *credential) []byte {
	k := []byte("JDCLOUD2" + secret)
	for _, part := range []string{c.date, c.region, c.service, scopeEnd} {
		k = mac(k, part)
	}
	return k
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text))
	return h.Sum(nil)
}

func hexDigest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func sameText(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// verify holds a call against its signature and returns the parsed scope and
// who signed. It does not look at path or region.
func (c *Cloud) verify(r *http.Request, body []byte) (credential, *principal, *apiError) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return credential{}, nil, refuse(http.StatusUnauthorized, statusAccess, "lack of header authorization")
	}
	cred, ok := parseAuthorization(header)
	if !ok {
		return credential{}, nil, unauthenticated("the authorization header is malformed")
	}
	if cred.key == "" {
		return cred, nil, refuse(http.StatusForbidden, statusForbidden, "the access key is empty")
	}
	who := c.principalOf(cred.key)
	if who == nil {
		return cred, nil, unauthenticated("the access key does not exist")
	}
	if err := c.checkDate(r, &cred); err != nil {
		return cred, nil, err
	}
	if !cred.signs(r, who.secret, body) {
		return cred, nil, unauthenticated("the signature does not match")
	}
	if who.token != "" && !sameText(who.token, bearer(r)) {
		return cred, nil, unauthenticated("the security token is missing or wrong")
	}
	if !who.expires.IsZero() && !c.now().Before(who.expires) {
		return cred, nil, unauthenticated("the security token has expired")
	}
	if !c.nonces.take(cred.key+"/"+r.Header.Get(nonceHeader), c.cfg.Wall()) {
		return cred, nil, unauthenticated("the nonce was used before")
	}
	return cred, who, nil
}

// signs tells whether the signature is right for the query as it was sent or
// for its sorted and escaped form.
func (c *credential) signs(r *http.Request, secret string, body []byte) bool {
	for _, query := range []string{r.URL.RawQuery, canonicalQuery(r.URL.RawQuery)} {
		if sameText(sign(secret, r.Header.Get(dateHeader), c, canonical(r, query, c.headers, body)), c.signature) {
			return true
		}
	}
	return false
}

// canonicalQuery sorts the parameters and escapes all but unreserved characters.
func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.Split(raw, "&")
	for i, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		pairs[i] = escape(unescape(name)) + "=" + escape(unescape(value))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// unescape decodes what is escaped and leaves a stray percent sign as it is.
func unescape(s string) string {
	if out, err := url.PathUnescape(s); err == nil {
		return out
	}
	return s
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// bearer is the security token of a call; clients send it in base64.
func bearer(r *http.Request) string {
	v := r.Header.Get(tokenHeader)
	if plain, err := base64.StdEncoding.DecodeString(v); err == nil {
		return string(plain)
	}
	return v
}

// checkDate holds the signed time against the scope and the wall clock.
func (c *Cloud) checkDate(r *http.Request, cred *credential) *apiError {
	if !slices.Contains(cred.headers, dateHeader) || !slices.Contains(cred.headers, nonceHeader) ||
		r.Header.Get(nonceHeader) == "" || len(r.Header.Get(nonceHeader)) > 128 {
		return unauthenticated(dateHeader + " and " + nonceHeader + " must be present and signed")
	}
	date := r.Header.Get(dateHeader)
	at, err := time.Parse(dateLayout, date)
	if err != nil || date[:8] != cred.date {
		return unauthenticated(dateHeader + " does not fit the credential")
	}
	if off := c.cfg.Wall().Sub(at).Abs(); off > time.Duration(c.cfg.SkewSeconds)*time.Second {
		return unauthenticated("the request has expired")
	}
	return nil
}

// nonceSet remembers nonces for the window in which a signature is good.
// Guarded by the Cloud's mutex.
type nonceSet struct {
	window time.Duration
	seen   map[string]bool
	order  []usedNonce
}

type usedNonce struct {
	value string
	until time.Time
}

// take notes a nonce; false means that it was used before.
func (n *nonceSet) take(value string, now time.Time) bool {
	drop := 0
	for drop < len(n.order) && n.order[drop].until.Before(now) {
		delete(n.seen, n.order[drop].value)
		drop++
	}
	n.order = n.order[drop:]
	if n.seen[value] {
		return false
	}
	n.seen[value] = true
	n.order = append(n.order, usedNonce{value: value, until: now.Add(2 * n.window)})
	return true
}
