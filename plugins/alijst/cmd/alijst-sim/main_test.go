package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const configText = `
accounts:
  - name: one
    access_key_id: testid
    access_key_secret: testsecret
transition_ms: 5
`

func writeConfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sim.yaml")
	if err := os.WriteFile(path, []byte(configText), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadyFile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	ready := filepath.Join(t.TempDir(), "ready")
	r, w := io.Pipe()
	done := make(chan error)
	go func() { done <- run(ctx, []string{"-config", writeConfig(t), "-ready-file", ready}, w, io.Discard) }()
	lines := bufio.NewScanner(r)
	lines.Scan()
	api := lines.Text()
	b, err := os.ReadFile(ready)
	if err != nil {
		t.Fatalf("the file is there before the URL is printed: %v", err)
	}
	var got struct {
		URL string `json:"url"`
		PID int    `json:"pid"`
	}
	if err := json.Unmarshal(b, &got); err != nil || got.URL != api || got.PID != os.Getpid() {
		t.Errorf("got %s, printed %q: %v", b, api, err)
	}
	lines.Scan()
	lines.Scan()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the end of the context is a clean end: %v", err)
	}
}

func TestBadStarts(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("acounts: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"NoConfig":   {"accounts must come from somewhere", nil, "-config"},
		"Misspelled": {"unknown fields are refused", []string{"-config", bad}, "acounts"},
		"Missing":    {"the file is named", []string{"-config", "none.yaml"}, "none.yaml"},
		"Argument":   {"only flags are taken", []string{"-config", bad, "x"}, `"x"`},
		"Speed":      {"the speed is bounded", []string{"-config", bad, "-speed", "0"}, "-speed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(t.Context(), c.args, &out, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.reason, err, c.want)
			}
		})
	}
}

func TestFastClock(t *testing.T) {
	t.Parallel()
	start := time.Now().Add(-time.Second)
	if got := fastClock(start, 3600)().Sub(start); got < time.Hour {
		t.Errorf("a second at 3600 times the speed is an hour: %v", got)
	}
}
