package sim_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/jdcloud/sim"
)

// The vendor publishes this request with its signature in its manual.
func TestSignatureVector(t *testing.T) {
	t.Parallel()
	const want = "2a98f83c074e7bee260bfc8ef64f009c07595bd93f7f0c3f4e156bf6479ed9bf"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://127.0.0.1/v1/resource:action", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.RawQuery = "p1=p1&p0=p0&o=%&u=u"
	req.Header["X-Jdcloud-Date"] = []string{"20190214T104514Z"}
	req.Header["X-Jdcloud-Nonce"] = []string{"testnonce"}
	req.Header["X-My-Header"] = []string{"test"}
	req.Header["X-My-Header_blank"] = []string{" blank"}
	req.Header.Set("Authorization", "JDCLOUD2-HMAC-SHA256 Credential=TESTAK/20190214/cn-north-1/test/jdcloud2_request, "+
		"SignedHeaders=x-jdcloud-date;x-jdcloud-nonce;x-my-header;x-my-header_blank, Signature="+want)
	hash, signature, signingKey, right := sim.Verify(req, "TESTSK", []byte("body data"))
	for name, c := range map[string]struct{ got, want string }{
		"canonical request": {hash, "fb2e317056269590681d091f8eb22272967c0b922b2deda887312215ea4eed4c"},
		"signing key":       {signingKey, "a4e50bcb6001be0008696b173c30172b5ce22a77db00d21c6a9d69de2ba33b7d"},
		"signature":         {signature, want},
	} {
		if c.got != c.want {
			t.Errorf("%s of the manual: got %s, want %s", name, c.got, c.want)
		}
	}
	if !right {
		t.Error("the manual's request must pass")
	}
	if _, _, _, right := sim.Verify(req, "OTHER", []byte("body data")); right {
		t.Error("another secret must not pass")
	}
	if _, _, _, right := sim.Verify(req, "TESTSK", []byte("body date")); right {
		t.Error("another body must not pass")
	}
}

func TestGatewayRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vm := scope{"vm", region}
	list := func() *http.Request { return w.request(vm, "GET", vmPath, nil) }
	with := func(change func(r *http.Request)) *http.Request {
		r := list()
		change(r)
		return r
	}
	signedBy := func(at scope, path, key, secret, token string, now time.Time) *http.Request {
		r := list()
		r.URL.Path = path
		signWith(r, at, key, secret, token, now, nil)
		return r
	}
	authorization := func(r *http.Request) string { return r.Header.Get("Authorization") }
	cases := map[string]struct {
		reason string
		req    *http.Request
		code   int
		status string
	}{
		"None":      {"unsigned calls are refused", with(func(r *http.Request) { r.Header.Del("Authorization") }), 401, "ACCESS_ERROR"},
		"Malformed": {"another form is refused", with(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }), 401, "UNAUTHENTICATED"},
		"Wrong": {"a wrong signature is refused", with(func(r *http.Request) {
			r.Header.Set("Authorization", authorization(r)[:len(authorization(r))-4]+"0000")
		}), 401, "UNAUTHENTICATED"},
		"Query":      {"the query is signed", with(func(r *http.Request) { r.URL.RawQuery = "pageSize=10" }), 401, "UNAUTHENTICATED"},
		"UnknownKey": {"an unknown key", signedBy(vm, vmPath, "nobody", secret, "", time.Now()), 401, "UNAUTHENTICATED"},
		"EmptyKey":   {"an empty key", signedBy(vm, vmPath, "", "", "", time.Now()), 403, "HTTP_FORBIDDEN"},
		"Old":        {"signatures grow old", signedBy(vm, vmPath, key, secret, "", time.Now().Add(-16*time.Minute)), 401, "UNAUTHENTICATED"},
		"Early":      {"signatures of the future do not pass", signedBy(vm, vmPath, key, secret, "", time.Now().Add(16*time.Minute)), 401, "UNAUTHENTICATED"},
		"NearlyOld":  {"the clock may be off a little", signedBy(vm, vmPath, key, secret, "", time.Now().Add(-14*time.Minute)), 200, "OK"},
		"Unsigned": {"the date must be signed", with(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(authorization(r), "x-jdcloud-date;", "", 1))
		}), 401, "UNAUTHENTICATED"},
		"NoNonce":     {"the nonce must not be empty", withoutNonce(list()), 401, "UNAUTHENTICATED"},
		"OtherRegion": {"the scope's region must be the path's", signedBy(scope{"vm", "cn-east-2"}, vmPath, key, secret, "", time.Now()), 401, "UNAUTHENTICATED"},
		"NoRegion":    {"a region must exist", signedBy(scope{"vm", "cn-west-9"}, "/v1/regions/cn-west-9/instances", key, secret, "", time.Now()), 400, "INVALID_ARGUMENT"},
		"NoService":   {"a service must exist", signedBy(scope{"nosuch", region}, vmPath, key, secret, "", time.Now()), 401, "UNAUTHENTICATED"},
		"Mounted":     {"a path prefix may name the service", signedBy(vm, "/sim/vm"+vmPath, key, secret, "", time.Now()), 200, "OK"},
		"MountedElse": {"the prefix must be the scope's service", signedBy(vm, "/sim/disk"+vmPath, key, secret, "", time.Now()), 401, "UNAUTHENTICATED"},
		"NoPath":      {"a path must exist", signedBy(vm, "/v1/regions/cn-north-1/nothing", key, secret, "", time.Now()), 404, "NOT_FOUND"},
		"NoSlash":     {"collections of vpc end with a slash", signedBy(scope{"vpc", region}, "/v1/regions/cn-north-1/vpcs", key, secret, "", time.Now()), 404, "NOT_FOUND"},
		"ScopeOnly":   {"services without a region sign another word", signedBy(scope{"user", region}, "/v1/describeUser", key, secret, "", time.Now()), 401, "UNAUTHENTICATED"},
		"Right":       {"a right call passes", list(), 200, "OK"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := decode(t, w.send(c.req))
			if got.HTTP != c.code || got.status() != c.status {
				t.Errorf("%s: got %d %s, want %d %s", c.reason, got.HTTP, got.status(), c.code, c.status)
			}
		})
	}
}

// withoutNonce signs a request anew with an empty nonce.
func withoutNonce(r *http.Request) *http.Request {
	date := r.Header.Get("x-jdcloud-date")
	r.Header.Set("x-jdcloud-nonce", "")
	scope := date[:8] + "/" + region + "/vm/jdcloud2_request"
	text := "GET\n" + r.URL.EscapedPath() + "\n\nx-jdcloud-date:" + date + "\nx-jdcloud-nonce:\n\nx-jdcloud-date;x-jdcloud-nonce\n" + sha(nil)
	k := []byte("JDCLOUD2" + secret)
	for _, part := range strings.Split(scope, "/") {
		k = hm(k, part)
	}
	sig := hex.EncodeToString(hm(k, "JDCLOUD2-HMAC-SHA256\n"+date+"\n"+scope+"\n"+sha([]byte(text))))
	r.Header.Set("Authorization", "JDCLOUD2-HMAC-SHA256 Credential="+key+"/"+scope+", SignedHeaders=x-jdcloud-date;x-jdcloud-nonce, Signature="+sig)
	return r
}

// A recorded call must not pass twice.
func TestNonceReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.request(scope{"vm", region}, "GET", vmPath, nil)
	if got := decode(t, w.send(req)); got.status() != "OK" {
		t.Fatalf("the first call: %+v", got)
	}
	if got := decode(t, w.send(req.Clone(t.Context()))); got.status() != "UNAUTHENTICATED" {
		t.Errorf("the same nonce again: got %s", got.status())
	}
}
