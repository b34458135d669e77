package sim_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"tradewind.example/plugins/capital/sim"
)

// vector is the public parameters of the reference's test vectors.
func vector(action string, more map[string]string) map[string]string {
	out := map[string]string{
		"Action": action, "AccessKeyId": "AKEXAMPLE", "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
		"SignatureNonce": "00000000-0000-4000-8000-000000000001", "Timestamp": "2025-01-02T03:04:05Z", "Version": "2019-08-08",
	}
	maps.Copy(out, more)
	return out
}

func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, method string
		query          map[string]string
		path           string
		want           string
		status         int
	}{
		"Plain": {"public parameters alone", http.MethodGet, vector("DescribeRegions", nil), ecs, "vsTocxaroezqgXs9WcZFRLOLZck=", 200},
		"Escapes": {
			"Chinese, space, star, tilde, slash and plus", http.MethodGet, vector("DescribeZoneInstanceType", map[string]string{
				"EcsFamilyName": "专业 渲染型*~/rp3+x", "AvailableZoneCode": edgeZone,
			}), ecs, "aiftwreQgbQ22grgSzrdaL7F3XI=", 200,
		},
		"Post": {"the body is not signed; the signature is right and the arguments are missing", http.MethodPost, vector("CreateVPC", nil), vpcs, "HPIZNeRZKwR113hlqpd6IDna+vA=", 400},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sim.Sign(c.method, c.query, "SKEXAMPLE"); got != c.want {
				t.Errorf("%s: the simulator signs %s, want %s", c.reason, got, c.want)
			}
			if got := mySign(c.method, c.query, "SKEXAMPLE"); got != c.want {
				t.Errorf("%s: the test signs %s, want %s", c.reason, got, c.want)
			}
			w := newWorld(t, func(cfg *sim.Config) {
				cfg.Wall = func() time.Time { return time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC) }
			})
			query := maps.Clone(c.query)
			query["Signature"] = c.want
			r, err := w.send(c.method, c.path, query, "")
			if err != nil || r.status != c.status {
				t.Errorf("%s: status %d, want %d: %s %v", c.reason, r.status, c.status, r.raw, err)
			}
			query["Signature"] = "A" + c.want[1:]
			r, err = w.send(c.method, c.path, query, "")
			if err != nil || r.status != 403 || r.code() != "SignatureDoesNotMatch" {
				t.Errorf("%s: a wrong one is refused: %d %s %v", c.reason, r.status, r.raw, err)
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change map[string]string
		secret string
		status int
		code   string
	}{
		"Sound":       {"nothing is wrong", nil, "", 200, "Success"},
		"NoKey":       {"every public parameter is required", map[string]string{"AccessKeyId": ""}, "", 400, "MissingParameter"},
		"UnknownKey":  {"a key nobody has", map[string]string{"AccessKeyId": "AKNOBODY"}, "", 403, "InvalidAccessKeyId"},
		"OtherSecret": {"a secret of another account", nil, "SKTWO", 403, "SignatureDoesNotMatch"},
		"AliyunKey":   {"the key of the older prose", nil, "SKEXAMPLE&", 403, "SignatureDoesNotMatch"},
		"SHA256":      {"an undocumented method", map[string]string{"SignatureMethod": "HmacSHA256"}, "", 400, "InvalidParameter"},
		"Version":     {"another version", map[string]string{"Version": "2019-08-09"}, "", 400, "InvalidParameter"},
		"SigVersion":  {"another version of the signature", map[string]string{"SignatureVersion": "2.0"}, "", 400, "InvalidParameter"},
		"Old":         {"an hour old", map[string]string{"Timestamp": "2026-06-10T03:00:00Z"}, "", 403, "InvalidTimestamp.Expired"},
		"Future":      {"an hour ahead", map[string]string{"Timestamp": "2026-06-10T05:00:00Z"}, "", 403, "InvalidTimestamp.Expired"},
		"WrongTime":   {"no time at all", map[string]string{"Timestamp": "noon"}, "", 400, "InvalidParameter"},
		"Edge":        {"a quarter of an hour is still right", map[string]string{"Timestamp": "2026-06-10T03:45:00Z"}, "", 200, "Success"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.secret != "" {
				w.secret = c.secret
			}
			query := w.public("DescribeRegions")
			maps.Copy(query, c.change)
			r, err := w.send(http.MethodGet, ecs, query, "")
			if err != nil || r.status != c.status || r.code() != c.code {
				t.Errorf("%s: %d %s, want %d %s (%v)", c.reason, r.status, r.raw, c.status, c.code, err)
			}
			if c.status != 200 && (text(r.body, "Msg") == "" || len(text(r.body, "RequestId")) != 32) {
				t.Errorf("%s: the body says why: %s", c.reason, r.raw)
			}
		})
	}
}

func TestNonceIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	query := w.public("DescribeRegions")
	wrong := maps.Clone(query)
	wrong["Signature"] = "wrong"
	for n, want := range []string{"SignatureDoesNotMatch", "Success", "SignatureNonceUsed"} {
		q := query
		if n == 0 {
			q = wrong
		}
		if r, err := w.send(http.MethodGet, ecs, q, ""); err != nil || r.code() != want {
			t.Errorf("call %d: %s, want %s (%v)", n, r.raw, want, err)
		}
	}
}
