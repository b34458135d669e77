package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's scheme
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/simkit/program/programtest"
)

func TestMain(m *testing.M) {
	if programtest.PlaysProgram() {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

const configText = `
accounts:
  - name: one
    access_key_id: testid
    access_key_secret: testsecret
transition_ms: 5
`

// create sends a signed CreateApp and tells whether the cloud confirmed it.
func create(ctx context.Context, client *http.Client, api, name string) bool {
	form := url.Values{}
	for _, pair := range [][2]string{
		{"Action", "CreateApp"}, {"Version", "2018-03-13"}, {"AccessKeyId", "testid"}, {"SignatureMethod", "HMAC-SHA1"}, {"SignatureVersion", "1.0"},
		{"SignatureNonce", name + time.Now().String()}, {"Timestamp", time.Now().UTC().Format("2006-01-02T15:04:05Z")},
		{"BizCode", "JST"}, {"Language", "Java"}, {"OperatingSystem", "Linux"}, {"ServiceType", "GeneralApplication"}, {"Title", name},
		{"UserRoles.1.RoleName", "Owner"}, {"UserRoles.1.UserId", "user-1"}, {"UserRoles.1.UserType", "TAOBAO"},
	} {
		form.Set(pair[0], pair[1])
	}
	escape := strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~")
	mac := hmac.New(sha1.New, []byte("testsecret&"))
	mac.Write([]byte("POST&%2F&" + escape.Replace(url.QueryEscape(escape.Replace(form.Encode())))))
	form.Set("Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/", strings.NewReader(form.Encode()))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	var out struct{ Code any }
	return json.NewDecoder(res.Body).Decode(&out) == nil && out.Code == 0.0
}

func TestKilledCloudKeepsWhatWasMade(t *testing.T) {
	t.Parallel()
	programtest.SurviveKills(t, programtest.Purchases{Config: configText, Buy: create, Field: "app", Key: func(name string) string { return "one/" + name }})
}

func TestReadyFile(t *testing.T) {
	t.Parallel()
	file, printed := programtest.Ready(t, simulator, configText)
	if len(printed) != 3 || file["sign_in_url"] != printed[2] {
		t.Errorf("the file says %v, the program printed %q", file, printed)
	}
}

func TestBadStarts(t *testing.T) {
	t.Parallel()
	programtest.RefuseBadStarts(t, simulator, "acounts: []\n", "acounts", map[string]programtest.BadStart{
		"NoAccounts": {Reason: "somebody must be served", Args: []string{"-config", programtest.File(t, "accounts: []\n")}, Want: "accounts"},
	})
}
