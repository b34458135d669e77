package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
    access_key: access-one
    secret_key: secret-one
    balance_fen: 10000000
transition_ms: 5
calls_per_minute: -1
`

// create orders a disk with a token and tells whether the cloud confirmed it.
func create(ctx context.Context, client *http.Client, api, token string) bool {
	body, err := json.Marshal(map[string]any{"maxCount": 1, "clientToken": token, "diskSpec": map[string]any{
		"az": "cn-north-1a", "name": "vol", "diskType": "ssd.gp1", "diskSizeGB": 20,
	}})
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/v1/regions/cn-north-1/disks", bytes.NewReader(body))
	if err != nil {
		return false
	}
	date := time.Now().UTC().Format("20060102T150405Z")
	req.Header.Set("x-jdcloud-date", date)
	req.Header.Set("x-jdcloud-nonce", api+token)
	scope := date[:8] + "/cn-north-1/disk/jdcloud2_request"
	text := "POST\n/v1/regions/cn-north-1/disks\n\nx-jdcloud-date:" + date + "\nx-jdcloud-nonce:" + api + token +
		"\n\nx-jdcloud-date;x-jdcloud-nonce\n" + digest(body)
	k := []byte("JDCLOUD2secret-one")
	for _, part := range strings.Split(scope, "/") {
		k = mac(k, part)
	}
	req.Header.Set("Authorization", "JDCLOUD2-HMAC-SHA256 Credential=access-one/"+scope+", SignedHeaders=x-jdcloud-date;x-jdcloud-nonce, Signature="+
		hex.EncodeToString(mac(k, "JDCLOUD2-HMAC-SHA256\n"+date+"\n"+scope+"\n"+digest([]byte(text)))))
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	var out struct {
		Result struct{ DiskIDs []string }
	}
	return json.NewDecoder(res.Body).Decode(&out) == nil && len(out.Result.DiskIDs) == 1
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(k []byte, s string) []byte {
	h := hmac.New(sha256.New, k)
	_, _ = h.Write([]byte(s))
	return h.Sum(nil)
}

func TestKilledCloudKeepsPurchases(t *testing.T) {
	t.Parallel()
	programtest.SurviveKills(t, programtest.Purchases{Config: configText, Buy: create, Field: "disk.token"})
}

func TestReadyFile(t *testing.T) {
	t.Parallel()
	programtest.Ready(t, simulator, configText)
}

func TestBadStarts(t *testing.T) {
	t.Parallel()
	programtest.RefuseBadStarts(t, simulator, "acounts: []\n", "acounts", nil)
}
