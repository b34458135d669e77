package main

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

// TestLoadMeetsTheSimulator runs both sides for a moment.
func TestLoadMeetsTheSimulator(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"sim", "-latency", "1ms"}, nil, w) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(ctx, []string{"load", "-callers", "4", "-warm", "10ms", "-time", "100ms"}, strings.NewReader(line), &out); err != nil {
		t.Fatal(err)
	}
	var got direct.Result
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.PerSecond <= 0 || got.P50Micros <= 0 || got.P99Micros < got.P50Micros {
		t.Errorf("measured %s, %v", out.String(), err)
	}
	wrong := strings.Replace(line, "private-bench", "private-wrong", 1)
	if err := run(ctx, []string{"load", "-time", "10ms"}, strings.NewReader(wrong), io.Discard); err == nil {
		t.Error("wrong keys measured something")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the simulator: %v", err)
	}
}
