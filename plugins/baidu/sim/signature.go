package sim

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the vendor's scheme, not a choice of ours
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// signTime is the layout of the vendor's timestamps.
const signTime = "2006-01-02T15:04:05Z"

// skew is how far a client's clock may be ahead.
const skew = 15 * time.Minute

// maxParams bounds the parameters of one query.
const maxParams = 200

var (
	errHeader = errors.New("authorization header is not a bce-auth-v1 header of six parts")
	errQuery  = errors.New("query cannot be read")
)

// authorization is the header of one call, taken apart.
type authorization struct {
	prefix    string // the first four parts, which the signing key covers
	key       string
	at        time.Time
	expire    time.Duration
	headers   []string // lower-case names; empty stands for the default ones
	signature string
}

// parseAuthorization reads bce-auth-v1/{ak}/{time}/{seconds}/{headers}/{signature}.
func parseAuthorization(s string) (authorization, error) {
	p := strings.Split(s, "/")
	if len(p) != 6 || p[0] != "bce-auth-v1" || p[1] == "" || len(s) > 4096 {
		return authorization{}, errHeader
	}
	at, err := time.Parse(signTime, p[2])
	if err != nil {
		return authorization{}, errHeader
	}
	seconds, err := strconv.ParseInt(p[3], 10, 32)
	if err != nil || seconds < 1 || len(p[5]) != 64 {
		return authorization{}, errHeader
	}
	a := authorization{
		prefix: strings.Join(p[:4], "/"), key: p[1], at: at,
		expire: time.Duration(seconds) * time.Second, signature: p[5],
	}
	if p[4] != "" {
		a.headers = strings.Split(p[4], ";")
		if !slices.Contains(a.headers, "host") {
			return authorization{}, errHeader
		}
	}
	return a, nil
}

// valid tells whether the moment lies within the header's validity.
func (a *authorization) valid(now time.Time) bool {
	return !a.at.After(now.Add(skew)) && !now.After(a.at.Add(a.expire))
}

// sign computes the signature of a request under a secret key.
func (a *authorization) sign(secret string, r *http.Request, query []param) string {
	return hmacHex(hmacHex(secret, a.prefix), canonical(r, query, a.headers))
}

func hmacHex(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	_, _ = h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func sameSignature(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// canonical is the text that is signed: method, path, query and headers.
func canonical(r *http.Request, query []param, headers []string) string {
	return r.Method + "\n" + canonicalPath(r.URL.Path) + "\n" + canonicalQuery(query) + "\n" + canonicalHeaders(r, headers)
}

func canonicalPath(path string) string {
	if path == "" {
		return "/"
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = encode(p)
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(query []param) string {
	lines := make([]string, 0, len(query))
	for _, p := range query {
		if !strings.EqualFold(p.name, "authorization") {
			lines = append(lines, encode(p.name)+"="+encode(p.value))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "&")
}

func canonicalHeaders(r *http.Request, names []string) string {
	if len(names) == 0 {
		names = defaultHeaders(r)
	}
	lines := make([]string, 0, len(names))
	for _, n := range names {
		if v := strings.TrimSpace(headerValue(r, n)); v != "" {
			lines = append(lines, encode(strings.ToLower(n))+":"+encode(v))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// defaultHeaders are signed when the header names none.
func defaultHeaders(r *http.Request) []string {
	names := []string{"host", "content-length", "content-type", "content-md5"}
	for n := range r.Header {
		if low := strings.ToLower(n); strings.HasPrefix(low, "x-bce-") {
			names = append(names, low)
		}
	}
	return names
}

// headerValue knows the two headers that Go's server takes out of the map.
func headerValue(r *http.Request, name string) string {
	switch strings.ToLower(name) {
	case "host":
		return r.Host
	case "content-length":
		if r.ContentLength < 0 {
			return ""
		}
		return strconv.FormatInt(r.ContentLength, 10)
	default:
		return r.Header.Get(name)
	}
}

// encode keeps letters, digits and -_.~ and writes every other byte as %XX.
func encode(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

// param is one parameter of the query, decoded.
type param struct{ name, value string }

// parseQuery reads a query in which a plus is a plus and a name may stand
// without an equals sign.
func parseQuery(raw string) ([]param, error) {
	if raw == "" {
		return nil, nil
	}
	if strings.Count(raw, "&") >= maxParams {
		return nil, errQuery
	}
	var out []param
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err := unescape(name)
		if err != nil {
			return nil, err
		}
		v, err := unescape(value)
		if err != nil {
			return nil, err
		}
		out = append(out, param{name: n, value: v})
	}
	return out, nil
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errQuery
		}
		one, err := hex.DecodeString(s[i+1 : i+3])
		if err != nil {
			return "", errQuery
		}
		b = append(b, one[0])
		i += 2
	}
	return string(b), nil
}

// digestOK compares a signed Content-MD5 with the body.
func digestOK(r *http.Request, names []string, body []byte) bool {
	want := r.Header.Get("Content-Md5")
	if want == "" || !slices.Contains(names, "content-md5") {
		return true
	}
	sum := md5.Sum(body) //nolint:gosec // see above
	return want == base64.StdEncoding.EncodeToString(sum[:])
}
