package host_test

import (
	"bytes"
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"tradewind.example/host"
	"tradewind.example/host/guard"
	"tradewind.example/host/hosttest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// talk is one open console.
type talk struct {
	in    chan provider.ConsoleInput
	ready chan struct{} // closed when something came
	ended chan error
}

// openConsole opens a console that echoes.
func openConsole(ctx context.Context, p *host.Plugin, org string, command ...string) *talk {
	c := &talk{in: make(chan provider.ConsoleInput, 1), ready: make(chan struct{}), ended: make(chan error, 1)}
	go func() {
		first := true
		call := settings()
		call.Org = org
		_, err := p.Console(ctx, provider.ConsoleRequest{Call: call, Kind: "note", ID: "n1", Command: command}, c.in, func(provider.ConsoleOutput) error {
			if first {
				close(c.ready)
			}
			first = false
			return nil
		})
		c.ended <- err
	}()
	return c
}

func (c *talk) await(t *testing.T) {
	t.Helper()
	select {
	case <-c.ready:
	case err := <-c.ended:
		t.Fatalf("the console ended: %v", err)
	case <-time.After(hosttest.Bound):
		t.Fatal("the console says nothing")
	}
}

func (c *talk) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-c.ended:
		return err
	case <-time.After(hosttest.Bound):
		t.Fatal("the console does not end")
		return nil
	}
}

// TestConsolesStandBesideTheCalls: open ones take no slot of the calls and are
// bounded by themselves; one that is closed makes room.
func TestConsolesStandBesideTheCalls(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Limits = guard.Limits{Concurrent: 1, Streams: 4, StreamsPerOrg: 3}
	_, p, _ := started(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var open []*talk
	for range 3 {
		c := openConsole(ctx, p, "one")
		c.await(t)
		open = append(open, c)
	}
	if _, err := ask(t.Context(), p, "echo", "x"); err != nil {
		t.Errorf("an ordinary call beside them: %v", err)
	}
	if err := openConsole(ctx, p, "one").end(t); !fault.Is(err, fault.ClassThrottled) {
		t.Errorf("a fourth of the same org: %v, want throttled", err)
	}
	openConsole(ctx, p, "two").await(t)
	if err := openConsole(ctx, p, "three").end(t); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("one more than there are slots: %v, want unavailable", err)
	}
	if l := p.Streams(); l.Busy != 4 || l.Refused != 2 {
		t.Errorf("streams: %+v", l)
	}
	open[0].in <- provider.ConsoleInput{End: true}
	if err := open[0].end(t); err != nil {
		t.Errorf("the end of the input: %v", err)
	}
	hosttest.Eventually(t, "the slot is free", func() bool { return p.Streams().Busy == 3 })
	openConsole(ctx, p, "one").await(t)
}

// TestAConsoleEndsWithItsProcess: by a crash and by a stop, which does not wait
// for it.
func TestAConsoleEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	c := openConsole(t.Context(), p, "one")
	c.await(t)
	if err := syscall.Kill(status(h).PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := c.end(t); !fault.Is(err, fault.ClassUnavailable) || fault.OutcomeOf(err) != fault.OutcomeNotDone {
		t.Errorf("after a crash: %v", err)
	}
	hosttest.Eventually(t, "it serves again", func() bool { _, err := ask(t.Context(), p); return err == nil })
	c = openConsole(t.Context(), p, "one")
	c.await(t)
	began := time.Now()
	if err := h.Stop(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > hosttest.Bound/2 {
		t.Errorf("the stop waited %s for a console", took)
	}
	if err := c.end(t); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("after a stop: %v", err)
	}
	if l := p.Streams(); l.Busy != 0 {
		t.Errorf("slots are lost: %+v", l)
	}
}

// TestWhoLeavesAConsoleSpeaksIllOfNobody: neither the breaker nor the account's
// health hears of users that come and go.
func TestWhoLeavesAConsoleSpeaksIllOfNobody(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Breaker = guard.BreakerPolicy{Failures: 1, OpenFor: time.Hour, MaxOpen: time.Hour}
	h, p, _ := started(t, cfg)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		c := openConsole(ctx, p, "one")
		c.await(t)
		cancel()
		if err := c.end(t); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if states := p.BreakerStates(); len(states) != 0 {
		t.Errorf("breakers: %+v", states)
	}
	if s := status(h); len(s.Accounts) != 0 {
		t.Errorf("accounts: %+v", s.Accounts)
	}
}

// TestSilenceEndsAConsole: typing keeps it open.
func TestSilenceEndsAConsole(t *testing.T) {
	t.Parallel()
	const idle = 300 * time.Millisecond
	cfg := dev()
	cfg.Deadlines = map[string]guard.Times{"StreamsService/Console": {Idle: idle}}
	_, p, _ := started(t, cfg)
	c := openConsole(t.Context(), p, "one")
	c.await(t)
	began := time.Now()
	tick := time.NewTicker(idle / 6)
	defer tick.Stop()
	for time.Since(began) < 2*idle {
		<-tick.C
		c.in <- provider.ConsoleInput{Data: []byte("x")}
	}
	typed := time.Now()
	err := c.end(t)
	if f := fault.As(err); f == nil || f.Class != fault.ClassUnavailable || f.Source != fault.SourceHost || time.Since(typed) < idle/2 {
		t.Errorf("%s after the last letter: %v", time.Since(typed), err)
	}
}

func TestALogComesThrough(t *testing.T) {
	t.Parallel()
	_, p, _ := started(t, dev())
	var out bytes.Buffer
	if err := p.Logs(t.Context(), provider.LogsRequest{Call: settings(), Kind: "note", ID: "n1"}, &out); err != nil || out.String() != "1.0.0\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	code, err := p.Console(t.Context(), provider.ConsoleRequest{Call: settings(), Kind: "note", ID: "n1", Command: []string{"exit"}}, nil,
		func(provider.ConsoleOutput) error { return nil })
	if code != 9 || err != nil {
		t.Errorf("code %d, %v", code, err)
	}
}

// TestASlowReaderHoldsNoMemory: neither side collects what nobody takes.
func TestASlowReaderHoldsNoMemory(t *testing.T) {
	const most = 8 << 20
	h, p, _ := started(t, dev())
	enough := errors.New("enough")
	flood := func(wait time.Duration, look func()) {
		_, err := p.Console(t.Context(), provider.ConsoleRequest{Call: settings(), Kind: "note", ID: "n1", Command: []string{"flood"}}, nil,
			func(provider.ConsoleOutput) error {
				<-time.After(wait)
				look()
				return enough
			})
		if !errors.Is(err, enough) {
			t.Fatal(err)
		}
	}
	flood(0, func() {})
	pid := status(h).PID
	heap, far := heapInUse(), resident(t, pid)
	flood(300*time.Millisecond, func() {
		if grown, farGrown := heapInUse()-heap, resident(t, pid)-far; grown > most || farGrown > 4*most {
			t.Errorf("the host grew by %d KiB, the plugin by %d KiB", grown>>10, farGrown>>10)
		}
	})
}
