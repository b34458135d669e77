package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's scheme
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
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
    access_key: access-one
    secret_key: secret-one
    balance_fen: 10000000
transition_ms: 5
limits: {max_groups: 1000000}
`

// create sends a signed CreateSecurityGroup and tells whether the cloud confirmed it.
func create(ctx context.Context, client *http.Client, api, name string) bool {
	query := map[string]string{
		"Action": "CreateSecurityGroup", "AccessKeyId": "access-one", "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
		"SignatureNonce": name, "Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05Z"), "Version": "2019-08-08",
	}
	names, pairs, form := []string{}, []string{}, url.Values{}
	for k, v := range query {
		names = append(names, k)
		form.Set(k, v)
	}
	slices.Sort(names)
	for _, k := range names {
		pairs = append(pairs, k+"="+url.QueryEscape(query[k]))
	}
	mac := hmac.New(sha1.New, []byte("secret-one"))
	mac.Write([]byte("POST&%2F&" + url.QueryEscape(strings.Join(pairs, "&"))))
	form.Set("Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	body := strings.NewReader(`{"RegionCode":"CN_Suqian","SecurityGroupName":"` + name + `"}`)
	res, err := client.Post(api+"/sg/v1/?"+form.Encode(), "application/json", body)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	var out struct{ Code string }
	return json.NewDecoder(res.Body).Decode(&out) == nil && out.Code == "Success"
}

func TestKilledCloudKeepsPurchases(t *testing.T) {
	t.Parallel()
	programtest.SurviveKills(t, programtest.Purchases{Config: configText, Buy: create, Field: "sg.name"})
}

func TestReadyFile(t *testing.T) {
	t.Parallel()
	programtest.Ready(t, simulator, configText)
}

func TestBadStarts(t *testing.T) {
	t.Parallel()
	programtest.RefuseBadStarts(t, simulator, "acounts: []\n", "acounts", nil)
}
