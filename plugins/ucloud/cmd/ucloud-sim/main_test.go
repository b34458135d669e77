package main

import (
	"context"
	"crypto/sha1" //nolint:gosec // the vendor's scheme
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

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
    public_key: public-one
    private_key: private-one
    balance_fen: 10000000
transition_ms: 5
`

// create sends a signed CreateUHostInstance and tells whether the cloud confirmed it.
func create(ctx context.Context, client *http.Client, api, tag string) bool {
	params := map[string]string{
		"Action": "CreateUHostInstance", "Region": "cn-bj2", "Zone": "cn-bj2-04", "ImageId": "uimage-ubuntu2204",
		"LoginMode": "Password", "Password": "Q29ycmVjdC1ob3JzZS03", "CPU": "1", "Memory": "1024", "Tag": tag,
		"ChargeType": "Dynamic", "Disks.0.IsBoot": "True", "Disks.0.Size": "20", "Disks.0.Type": "CLOUD_SSD", "PublicKey": "public-one",
	}
	names, text, form := []string{}, "", url.Values{}
	for k, v := range params {
		names = append(names, k)
		form.Set(k, v)
	}
	slices.Sort(names)
	for _, k := range names {
		text += k + params[k]
	}
	sum := sha1.Sum([]byte(text + "private-one")) //nolint:gosec // see above
	form.Set("Signature", hex.EncodeToString(sum[:]))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api, strings.NewReader(form.Encode()))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	var out struct{ RetCode int }
	return json.NewDecoder(res.Body).Decode(&out) == nil && out.RetCode == 0
}

func TestKilledCloudKeepsPurchases(t *testing.T) {
	t.Parallel()
	programtest.SurviveKills(t, programtest.Purchases{Config: configText, Buy: create, Field: "uhost.tag"})
}

func TestReadyFile(t *testing.T) {
	t.Parallel()
	programtest.Ready(t, simulator, configText)
}

func TestBadStarts(t *testing.T) {
	t.Parallel()
	programtest.RefuseBadStarts(t, simulator, "acounts: []\n", "acounts", nil)
}
