package sim_test

import (
	"crypto/md5" //nolint:gosec // the vendor's scheme
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/baidu/sim"
)

// The vector was computed by the vendor's signer and by two other programs.
func TestSignatureVector(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPut, "/v2/instance/i-abc?start&clientToken=a%20b%2Fc", nil)
	r.Host = "127.0.0.1:8080"
	r.Header.Set("Content-Type", "application/json;charset=utf-8")
	r.Header.Set("X-Bce-Date", "2020-02-20T08:00:00Z")
	header := "bce-auth-v1/testak/2020-02-20T08:00:00Z/1800/content-type;host;x-bce-date/" + strings.Repeat("0", 64)
	text, key, signature, err := sim.Sign(r, header, "testsk0123456789")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		strings.Join([]string{
			"PUT", "/v2/instance/i-abc", "clientToken=a%20b%2Fc&start=", "content-type:application%2Fjson%3Bcharset%3Dutf-8",
			"host:127.0.0.1%3A8080", "x-bce-date:2020-02-20T08%3A00%3A00Z",
		}, "\n"),
		"6d186d87d21ff8d937c6fe3cb0ccdd98ca85bf61c77f9de2f40b2c6ac9bdb149",
		"0554f4511d07fa91ed9067472cbe2181b89bb8ff38961c86bf322a7811b475d8",
	}
	if diff := cmp.Diff(want, []string{text, key, signature}); diff != "" {
		t.Errorf("canonical request, signing key, signature (-want +got):\n%s", diff)
	}
}

func TestSignatureRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sum := md5.Sum([]byte("{}")) //nolint:gosec // see above
	cases := map[string]struct {
		reason string
		call   call
		status int
		code   string
	}{
		"Good":        {"a right signature passes", get("/v2/zone"), 200, ""},
		"Repeated":    {"there is no nonce: the same call again is legal", get("/v2/zone"), 200, ""},
		"Anonymous":   {"a call without a header", call{method: "GET", path: "/v2/zone", unsigned: true}, 403, "AccessDenied"},
		"UnknownKey":  {"a key nobody has", get("/v2/zone").as("nobody", partnerSecret), 403, "InvalidAccessKeyId"},
		"WrongSecret": {"a wrong secret", get("/v2/zone").as(partnerKey, otherSecret), 403, "SignatureDoesNotMatch"},
		"Old":         {"validity ends", call{method: "GET", path: "/v2/zone", at: time.Now().Add(-time.Hour)}, 400, "RequestExpired"},
		"Early":       {"a clock far ahead", call{method: "GET", path: "/v2/zone", at: time.Now().Add(time.Hour)}, 400, "RequestExpired"},
		"LittleEarly": {"a clock a little ahead is tolerated", call{method: "GET", path: "/v2/zone", at: time.Now().Add(10 * time.Minute)}, 200, ""},
		"WrongScheme": {"another scheme", call{method: "GET", path: "/v2/zone", header: map[string]string{"Authorization": "bce-auth-v2/a/b/c/d/e"}}, 400, "InvalidHTTPAuthHeader"},
		"FiveParts":   {"a header that is cut", call{method: "GET", path: "/v2/zone", header: map[string]string{"Authorization": "bce-auth-v1/a/b/c/d"}}, 400, "InvalidHTTPAuthHeader"},
		"NoHost": {
			"host must be signed", call{method: "GET", path: "/v2/zone", header: map[string]string{
				"Authorization": "bce-auth-v1/" + partnerKey + "/2020-02-20T08:00:00Z/1800/x-bce-date/" + strings.Repeat("0", 64),
			}}, 400, "InvalidHTTPAuthHeader",
		},
		"AnyHost":    {"the host counts as it was received", call{method: "GET", path: "/v2/zone", host: "bcc.gz.baidubce.com"}, 200, ""},
		"UnsignedMD": {"an unsigned digest is not looked at", call{method: "POST", path: "/v2/region/describeRegions", body: "{ }", header: map[string]string{"Content-MD5": base64.StdEncoding.EncodeToString(sum[:])}}, 200, ""},
		"Session":    {"a session token belongs to temporary keys", call{method: "GET", path: "/v2/zone", session: "made-up"}, 403, "AccessDenied"},
		"Version":    {"an unknown version", get("/v9/zone"), 404, "InvalidVersion"},
		"Path":       {"an unknown path", get("/v2/nothing"), 400, "InvalidURI"},
		"Malformed":  {"a body that is no JSON", post("/v2/region/describeRegions", "{"), 400, "MalformedJSON"},
		"WrongType":  {"JSON of another shape", post("/v2/region/describeRegions", `{"region":5}`), 400, "InappropriateJSON"},
		"Unknown":    {"unknown fields are ignored", post("/v2/region/describeRegions", `{"strange":5}`), 200, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := w.do(c.call)
			if a.status != c.status || a.code != c.code {
				t.Errorf("%s: got %d %q, want %d %q (%s)", c.reason, a.status, a.code, c.status, c.code, a.raw)
			}
			if c.status != 200 && (a.body["requestId"] == "" || a.body["message"] == "") {
				t.Errorf("%s: the error body lacks requestId or message: %s", c.reason, a.raw)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("bce-auth-v1/ak/2020-02-20T08:00:00Z/1800/host/"+strings.Repeat("0", 64), "a=%20b&c&d=+")
	f.Add("", "%")
	f.Add("bce-auth-v1//////", "a=%zz&&=")
	f.Fuzz(func(t *testing.T, header, query string) {
		_, canon, err := sim.Parse(header, query)
		if err != nil {
			return
		}
		again, err := sim.Requery(canon)
		if err != nil || again != canon {
			t.Errorf("a canonical query must stay as it is: %q became %q, %v", canon, again, err)
		}
	})
}
