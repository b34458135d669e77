package workload_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/sdk/fault"
)

// screen keeps what a console writes and tells when some text has come.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newScreen() *screen { return &screen{more: make(chan struct{}, 1)} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	select {
	case s.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (s *screen) shows(want string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.text.String(), want)
}

func (s *screen) await(t *testing.T, want string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for !s.shows(want) {
		select {
		case <-s.more:
		case <-late:
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Fatalf("the screen never shows %q: %q", want, s.text.String())
		}
	}
}

// TestConsole talks to a container on the real control plane: a terminal with
// its window, and a caller that leaves. kwok tells no exit codes.
func TestConsole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.node(planetest.Node{})
	s := b.spec("a", workload.StatefulSet)
	b.run(s)
	t.Run("terminal", func(t *testing.T) {
		typed, typing := io.Pipe()
		sizes := make(chan workload.Size, 1)
		sizes <- workload.Size{Width: 132, Height: 50}
		shown, ended := newScreen(), make(chan error, 1)
		go func() {
			_, err := b.m.Exec(b.ctx, s.Ref, workload.Terminal{
				Command: []string{"sh"}, Stdin: typed, Stdout: shown, TTY: true,
				Resize: func() (workload.Size, bool) { size, more := <-sizes; return size, more },
			})
			ended <- err
		}()
		say := func(text string) {
			t.Helper()
			if _, err := io.WriteString(typing, text); err != nil {
				t.Fatal(err)
			}
		}
		say("tty -s && echo a-$((6*7))-terminal\n")
		shown.await(t, "a-42-terminal")
		eventually(t, "the window has its size", func() bool {
			say("stty size\n")
			<-time.After(100 * time.Millisecond)
			return shown.shows("50 132")
		})
		say("exit\n")
		if err := <-ended; err != nil {
			t.Error(err)
		}
		close(sizes)
		_ = typing.Close()
	})
	t.Run("leaving", func(t *testing.T) {
		ctx, leave := context.WithCancel(b.ctx)
		shown, ended := newScreen(), make(chan error, 1)
		go func() {
			_, err := b.m.Exec(ctx, s.Ref, workload.Terminal{Command: []string{"sh", "-c", "echo ready; exec sleep 600"}, Stdout: shown})
			ended <- err
		}()
		shown.await(t, "ready")
		leave()
		select {
		case err := <-ended:
			if !fault.Is(err, fault.ClassUnavailable) || !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		case <-time.After(time.Second):
			t.Error("the console stays after its caller left")
		}
	})
	code, err := b.m.Exec(b.ctx, s.Ref, workload.Terminal{Container: "none", Command: []string{"true"}, Stdout: io.Discard})
	if err == nil {
		t.Errorf("a container that does not exist: code %d", code)
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// TestAFollowedLogBringsWhatComes through the real control plane.
func TestAFollowedLogBringsWhatComes(t *testing.T) {
	b := newBench(t)
	b.node(planetest.Node{})
	s := b.spec("a", workload.StatefulSet)
	b.run(s)
	line := func(text string) string {
		return time.Now().UTC().Format(time.RFC3339Nano) + " stdout F " + text + "\n"
	}
	if err := os.WriteFile(plane.LogFile(), []byte(line("first")), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(b.ctx)
	shown, ended := newScreen(), make(chan error, 1)
	go func() { ended <- b.m.Logs(ctx, s.Ref, workload.LogOptions{Follow: true, Timestamps: true}, shown) }()
	shown.await(t, "first")
	f, err := os.OpenFile(plane.LogFile(), os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(line("second"))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	shown.await(t, "Z second")
	leave()
	select {
	case <-ended:
	case <-time.After(time.Second):
		t.Error("the log is followed after its reader left")
	}
}
