package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
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
    access_key: ak-one
    secret_key: sk-one-0123456789
    balance_fen: 10000000
transition_ms: 5
`

// create sends a signed create and tells whether the cloud confirmed it.
func create(ctx context.Context, client *http.Client, api, name string) bool {
	body := fmt.Sprintf(`{"imageId":"m-ubuntu2204","spec":"bcc.g5.c1m4","tags":[{"tagKey":"t","tagValue":%q}]}`, name)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/v2/instanceBySpec", strings.NewReader(body))
	if err != nil {
		return false
	}
	prefix := "bce-auth-v1/ak-one/" + time.Now().UTC().Format("2006-01-02T15:04:05Z") + "/1800"
	text := "POST\n/v2/instanceBySpec\n\nhost:" + strings.ReplaceAll(req.URL.Host, ":", "%3A")
	req.Header.Set("Authorization", prefix+"/host/"+mac(mac("sk-one-0123456789", prefix), text))
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	var out struct {
		IDs []string `json:"instanceIds"`
	}
	return json.NewDecoder(res.Body).Decode(&out) == nil && res.StatusCode == http.StatusOK && len(out.IDs) == 1
}

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func TestKilledCloudKeepsPurchases(t *testing.T) {
	t.Parallel()
	programtest.SurviveKills(t, programtest.Purchases{Config: configText, Buy: create, Field: "instance.tag", Key: func(tag string) string { return "t:" + tag }})
}

func TestReadyFile(t *testing.T) {
	t.Parallel()
	file, lines := programtest.Ready(t, simulator, configText, "-regions", "gz,su")
	regions, ok := file["regions"].(map[string]any)
	if !ok || len(regions) != 2 || len(lines) != 4 || lines[2] != fmt.Sprint("gz ", regions["gz"]) || lines[3] != fmt.Sprint("su ", regions["su"]) {
		t.Errorf("regions have ports of their own: the file says %v, the program printed %q", file, lines)
	}
}

func TestBadStarts(t *testing.T) {
	t.Parallel()
	programtest.RefuseBadStarts(t, simulator, "acounts: []\n", "acounts", map[string]programtest.BadStart{
		"Region": {Reason: "regions are checked", Args: []string{"-config", programtest.File(t, configText), "-regions", "mars"}, Want: "mars"},
	})
}
