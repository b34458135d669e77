package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
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

const key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

const configText = `
users:
  - {name: one, key: ` + key + `, admin: true}
teams:
  - {name: blue, regions: [rainbond]}
transition_ms: 5
`

// create makes an app and tells whether the console confirmed it.
func create(ctx context.Context, client *http.Client, api, name string) bool {
	body := strings.NewReader(fmt.Sprintf(`{"app_name":%q}`, name))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/openapi/v1/teams/blue/regions/rainbond/apps", body)
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", key)
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil && res.StatusCode == http.StatusCreated
}

func TestKilledConsoleKeepsApps(t *testing.T) {
	t.Parallel()
	programtest.SurviveKills(t, programtest.Purchases{Config: configText, Buy: create, Field: "app.name"})
}

func TestReadyFile(t *testing.T) {
	t.Parallel()
	programtest.Ready(t, simulator, configText)
}

func TestBadStarts(t *testing.T) {
	t.Parallel()
	programtest.RefuseBadStarts(t, simulator, "usres: []\n", "usres", nil)
}
