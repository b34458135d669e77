// Package directtest holds the test that the measuring command of every vendor
// has to pass: its load meets its simulator. It judges no speed.
package directtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"tradewind.example/simkit/direct"
)

// Meet runs simulator and load for a moment and holds that something was
// measured, that nothing is when secret is replaced by another one in the
// account, and that the simulator ends with its context.
func Meet(t *testing.T, p direct.Program, secret, wrong string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx, []string{"sim", "-latency", "1ms"}, nil, w) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(line, secret) {
		t.Errorf("the account %s has no %q", line, secret)
	}
	var out bytes.Buffer
	if err := p.Run(ctx, []string{"load", "-callers", "4", "-warm", "10ms", "-time", "100ms"}, strings.NewReader(line), &out); err != nil {
		t.Fatal(err)
	}
	var got direct.Result
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.PerSecond <= 0 || got.P50Micros <= 0 || got.P99Micros < got.P50Micros {
		t.Errorf("measured %s, %v", out.String(), err)
	}
	if err := p.Run(ctx, []string{"load", "-time", "10ms"}, strings.NewReader(strings.Replace(line, secret, wrong, 1)), io.Discard); err == nil {
		t.Error("wrong keys measured something")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the simulator: %v", err)
	}
}
