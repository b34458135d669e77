package sim

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's scheme, not a choice of ours
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxNonces bounds the nonces an account's key is remembered for; the oldest go first.
const maxNonces = 1 << 20

// sign computes the vendor's signature over all decoded query parameters but
// Signature. Host, path and body are not part of it.
func sign(method string, query map[string]string, secret string) string {
	names := make([]string, 0, len(query))
	for name := range query {
		if name != "Signature" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	pairs := make([]string, 0, len(names))
	for _, name := range names {
		pairs = append(pairs, percent(name)+"="+percent(query[name]))
	}
	text := method + "&%2F&" + percent(strings.Join(pairs, "&"))
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// percent leaves only letters, digits and -_.~ as they are.
func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func sameSignature(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// publicNames are the query parameters every call carries.
var publicNames = []string{"Action", "AccessKeyId", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp", "Version", "Signature"}

// authenticate finds the account and verifies everything about identity.
func (c *Cloud) authenticate(q *request, method string) *apiError {
	for _, name := range publicNames {
		if q.query[name] == "" {
			return refuse(400, "MissingParameter", "the query parameter %s is missing", name)
		}
	}
	for name, want := range map[string]string{"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "Version": "2019-08-08"} {
		if q.query[name] != want {
			return refuse(400, "InvalidParameter", "the query parameter %s must be %s", name, want)
		}
	}
	acct := c.accounts[q.query["AccessKeyId"]]
	if acct == nil {
		return refuse(403, "InvalidAccessKeyId", "the access key does not exist")
	}
	if !sameSignature(q.query["Signature"], sign(method, q.query, acct.SecretKey)) {
		return refuse(403, "SignatureDoesNotMatch", "the signature does not match")
	}
	if err := c.fresh(acct, q.query["Timestamp"], q.query["SignatureNonce"]); err != nil {
		return err
	}
	q.acct = acct
	return nil
}

// fresh refuses old requests and repeated ones. It reads the wall clock: a
// client's clock does not follow the cloud's when a test moves it.
func (c *Cloud) fresh(a *account, timestamp, nonce string) *apiError {
	now := c.cfg.Wall()
	at, err := time.Parse("2006-01-02T15:04:05Z", timestamp)
	if err != nil {
		return refuse(400, "InvalidParameter", "the query parameter Timestamp is not YYYY-MM-DDThh:mm:ssZ")
	}
	window := time.Duration(c.cfg.WindowSeconds) * time.Second
	if now.Sub(at).Abs() > window {
		return refuse(403, "InvalidTimestamp.Expired", "the query parameter Timestamp is more than %v from now", window)
	}
	if !a.nonces.take(nonce, now, 2*window) {
		return refuse(403, "SignatureNonceUsed", "the nonce was used before")
	}
	return nil
}

// nonceSet remembers the nonces of one key. Guarded by the Cloud's mutex.
type nonceSet struct {
	seen  map[string]bool
	queue []nonceSeen
}

type nonceSeen struct {
	nonce string
	until time.Time
}

// take remembers a nonce; false means that it is known.
func (s *nonceSet) take(nonce string, now time.Time, keep time.Duration) bool {
	for len(s.queue) > 0 && (s.queue[0].until.Before(now) || len(s.queue) >= maxNonces) {
		delete(s.seen, s.queue[0].nonce)
		s.queue = s.queue[1:]
	}
	if s.seen[nonce] {
		return false
	}
	s.seen[nonce] = true
	s.queue = append(s.queue, nonceSeen{nonce, now.Add(keep)})
	return true
}
