package sim

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's scheme
	"encoding/base64"
	"strings"
	"testing"
)

func hmacSHA1(text, secret string) string {
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, method, want, begins string
		values                       map[string]string
	}{
		"Documentation": {
			reason: "the vector that the vendor published", method: "GET", want: "OLeaidS1JvxuMvnyHOwuJ+uX5qY=", begins: "GET&%2F&AccessKeyId%3Dtestid",
			values: map[string]string{
				"AccessKeyId": "testid", "Action": "DescribeRegions", "Format": "XML", "SignatureMethod": "HMAC-SHA1",
				"SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", "SignatureVersion": "1.0",
				"Timestamp": "2016-02-23T12:46:24Z", "Version": "2014-05-26", "Signature": "left out",
			},
		},
		"Escapes": {
			reason: "body and query together, empty values, and every escape", method: "POST", want: "WSm7IsZOmVggFYQBPGbpwu9Blfs=",
			begins: "POST&%2F&AccessKeyId%3Dtestid%26Action%3DCreateApp%26Format%3DJSON",
			values: map[string]string{
				"AccessKeyId": "testid", "Action": "CreateApp", "Format": "JSON", "RegionId": "cn-zhangjiakou", "SignatureMethod": "HMAC-SHA1",
				"SignatureNonce": "n-1", "SignatureType": "", "SignatureVersion": "1.0", "Timestamp": "2020-02-20T08:00:00Z",
				"Version": "2018-03-13", "Title": "a b*~+/中", "UserRoles.1.RoleName": "Owner",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := toSign(c.method, c.values)
			if got := sign(text, "testsecret"); got != c.want {
				t.Errorf("%s: got %s, want %s for %s", c.reason, got, c.want, text)
			}
			if got := signature(c.method, c.values, "testsecret"); got != c.want {
				t.Errorf("%s: the tests' own signer: got %s, want %s", c.reason, got, c.want)
			}
			if !strings.HasPrefix(text, c.begins) {
				t.Errorf("%s: got %s", c.reason, text)
			}
		})
	}
}

func TestGatewayRefusals(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, name, value string
		status              int
		code                string
	}{
		"NoAction":      {"a call names an action", "Action", "", 400, "MissingAction"},
		"NoNonce":       {"a nonce is common to all calls", "SignatureNonce", "", 400, "MissingSignatureNonce"},
		"UnknownAction": {"only documented actions exist", "Action", "CreateAppGroup", 404, "InvalidAction.NotFound"},
		"Version":       {"the version is that of the product", "Version", "2020-01-01", 400, "InvalidVersion"},
		"Key":           {"keys are known", "AccessKeyId", "nobody", 404, "InvalidAccessKeyId.NotFound"},
		"TimeForm":      {"times are ISO 8601 in UTC", "Timestamp", "yesterday", 400, "InvalidTimeStamp.Format"},
		"TimeOff":       {"times are at most 15 minutes off", "Timestamp", "2020-02-20T07:44:59Z", 400, "InvalidTimeStamp.Expired"},
		"Method":        {"there is one method", "SignatureMethod", "HMAC-SHA256", 400, "IncompleteSignature"},
		"Signature":     {"a wrong signature is refused", "Signature", "d3Jvbmc=", 400, "SignatureDoesNotMatch"},
		"Token":         {"a token that is not the account's is refused", "SecurityToken", "x", 400, "InvalidSecurityToken.Mismatch"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newLab(t).call("ListApp", c.name, c.value)
			if r.status != c.status || r.code() != c.code || r.body["RequestId"] == "" || r.body["HostId"] != "retailcloud.aliyuncs.com" {
				t.Errorf("%s: HTTP %d %s", c.reason, r.status, r.raw)
			}
			if text, _ := r.body["Message"].(string); c.code == "SignatureDoesNotMatch" && !strings.Contains(text, "server string to sign is:GET&%2F&") {
				t.Errorf("the text that was signed helps to find the mistake: %s", r.raw)
			}
		})
	}
}
