package host_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"tradewind.example/host/hosttest"
	"tradewind.example/sdk/fault"
)

func TestDiagnose(t *testing.T) {
	t.Parallel()
	h, p, book := started(t, dev())
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { _, err := ask(ctx, p, "do", "wait"); over <- err }()
	hosttest.Eventually(t, "the call is at work", func() bool { return book.Has("waiting") })
	doing, err := h.Diagnose(t.Context(), "fake")
	if err != nil {
		t.Fatal(err)
	}
	if len(doing) != 1 || doing[0].Calls != 1 || doing[0].PID != status(h).PID || doing[0].Problem != "" {
		t.Errorf("one process works on one call, told is %d processes, first %d calls, pid %d, %q",
			len(doing), doing[0].Calls, doing[0].PID, doing[0].Problem)
	}
	if !strings.Contains(doing[0].Stacks, "fakeplugin") && !strings.Contains(doing[0].Stacks, "main.") {
		t.Errorf("the stacks do not show the author's code:\n%.2000s", doing[0].Stacks)
	}
	cancel()
	<-over
	if err := h.Stop(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Diagnose(t.Context(), "fake"); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("a stopped plugin: %v", err)
	}
	if _, err := h.Diagnose(t.Context(), "nobody"); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("an unknown plugin: %v", err)
	}
}

// TestLogLevelOutlivesTheHost: what an operator turned up stays up.
func TestLogLevelOutlivesTheHost(t *testing.T) {
	t.Parallel()
	cfg := dev()
	cfg.Dir = hosttest.ShortDir(t)
	h, _, _ := started(t, cfg)
	if err := h.SetLogLevel(t.Context(), "fake", slog.LevelDebug); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, _, _ := started(t, cfg)
	if level, set, err := again.LogLevel("fake"); level != slog.LevelDebug || !set || err != nil {
		t.Errorf("after a restart the level is %s, set %v, %v", level, set, err)
	}
	left, err := filepath.Glob(filepath.Join(cfg.Dir, ".log-levels*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDeprecationsAreWarnedOf: once per start, with what to use instead.
func TestDeprecationsAreWarnedOf(t *testing.T) {
	t.Parallel()
	h, _, book := started(t, dev("deprecates"))
	warned := func() int { return strings.Count(book.String(), "config.project: Use workspace.") }
	if warned() != 1 {
		t.Errorf("warned %d times after one start", warned())
	}
	if err := h.Restart(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if warned() != 2 {
		t.Errorf("warned %d times after two starts", warned())
	}
	_, _, quiet := started(t, dev())
	if quiet.Has("take things away") {
		t.Error("a plugin that keeps everything is warned of")
	}
}
