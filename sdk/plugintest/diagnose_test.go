package plugintest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// patient works in Check until it is let go.
type patient struct {
	bare
	at   chan struct{}
	done chan struct{}
}

func (p patient) Check(ctx context.Context, _ provider.CheckRequest) (provider.CheckResponse, error) {
	p.wait(ctx, [8]byte{'h', 'u', 'n', 't', 'e', 'r', '2'})
	return provider.CheckResponse{OK: true}, nil
}

//go:noinline
func (p patient) wait(ctx context.Context, _ [8]byte) {
	close(p.at)
	select {
	case <-p.done:
	case <-ctx.Done():
	}
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	p := patient{at: make(chan struct{}), done: make(chan struct{})}
	c := plugintest.Start(t, p)
	over := make(chan error, 1)
	go func() { _, err := c.Check(t.Context(), provider.CheckRequest{}); over <- err }()
	<-p.at
	got := diagnose(t, c, 1<<20)
	if got.Calls != 1 || got.Goroutines < 2 || got.Cut {
		t.Errorf("with one call at work: %d calls, %d goroutines, cut %v", got.Calls, got.Goroutines, got.Cut)
	}
	if !strings.Contains(got.Stacks, "patient.wait(...)") || !strings.Contains(got.Stacks, "diagnose_test.go:") {
		t.Errorf("the stacks do not show where the call is:\n%s", got.Stacks)
	}
	// "hunter" is 68 75 6e 74 65 72 in hexadecimal digits.
	if strings.Contains(got.Stacks, "0x68") && strings.Contains(got.Stacks, "0x75, 0x6e") {
		t.Error("the stacks show the value of an argument")
	}
	if small := diagnose(t, c, 300); len(small.Stacks) > 300 || !small.Cut {
		t.Errorf("%d bytes, cut %v; want at most 300, cut", len(small.Stacks), small.Cut)
	}
	if none := diagnose(t, c, 0); none.Stacks != "" || none.Cut {
		t.Errorf("%q was not asked for", none.Stacks)
	}
	close(p.done)
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for diagnose(t, c, 0).Calls > 0 {
		select {
		case <-deadline.C:
			t.Fatal("a call that is over is still counted")
		default:
		}
	}
}

func diagnose(t *testing.T, c *client.Client, stackBytes int) client.Diagnosis {
	t.Helper()
	d, err := c.Diagnose(t.Context(), stackBytes)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
