package crash_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/host/crash"
	"tradewind.example/sdk/fault"
)

func open(t *testing.T) (*crash.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "crashes")
	s, err := crash.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func at(second int) time.Time { return time.Date(2026, 11, 22, 5, 0, second, 0, time.UTC) }

func TestReportsAreKept(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	want := crash.Report{
		Time: at(1), Plugin: "fake", Version: "1.0.0", PID: 7, Kind: crash.KindExit, Status: 2, Uptime: time.Minute,
		Message: "panic: oh", Trace: []string{"goroutine 1 [running]:"}, Calls: []crash.Call{{Method: "A/B", Input: []string{"x string(3)"}}},
	}
	id, err := s.Save(want)
	if err != nil {
		t.Fatal(err)
	}
	want.ID = id
	got, err := s.Get("fake", id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if info, e := d.Info(); e == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOldReportsGo(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	for i := range 25 {
		if _, err := s.Save(crash.Report{Time: at(i), Plugin: "fake", PID: i}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Save(crash.Report{Time: at(0), Plugin: "other"}); err != nil {
		t.Fatal(err)
	}
	got, err := s.List("fake")
	if err != nil || len(got) != crash.MaxReports {
		t.Fatalf("%d reports, %v", len(got), err)
	}
	for i, r := range got {
		if r.PID != 24-i {
			t.Errorf("report %d is of pid %d: newest come first", i, r.PID)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "fake", got[0].ID+".json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if left, err := s.List("fake"); err != nil || len(left) != crash.MaxReports-1 {
		t.Errorf("with a damaged file %d are listed, %v", len(left), err)
	}
	if none, err := s.List("never"); err != nil || len(none) != 0 {
		t.Errorf("a plugin that never crashed has %d reports, %v", len(none), err)
	}
}

func TestReportsAreBounded(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	long := make([]string, 3000)
	for i := range long {
		long[i] = strings.Repeat("x", 100)
	}
	for name, r := range map[string]crash.Report{
		"trace":   {Message: "oh", Trace: long, Output: []string{"last"}},
		"output":  {Message: "oh", Output: long, Trace: []string{"first"}},
		"calls":   {Message: "oh", Calls: []crash.Call{{Method: "A"}, {Method: "B", Input: long}}},
		"message": {Message: strings.Repeat("\x01é", 100_000)},
	} {
		r.Plugin, r.Time = name, at(1)
		id, err := s.Save(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		st, err := os.Stat(filepath.Join(dir, name, id+".json"))
		if err != nil || st.Size() > crash.MaxBytes {
			t.Errorf("%s: %d bytes, %v", name, st.Size(), err)
		}
		if got, err := s.Get(name, id); err != nil || got.Message == "" || name == "trace" && len(got.Trace) == 0 {
			t.Errorf("%s: too much was cut: %d lines, %v", name, len(got.Trace), err)
		}
	}
}

func TestNamesStayInside(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	for _, name := range []string{"", "..", "../x", "a/b", "A"} {
		if _, err := s.Save(crash.Report{Plugin: name}); err == nil {
			t.Errorf("a report of %q is kept", name)
		}
		if _, err := s.Get(name, "x"); !fault.Is(err, fault.ClassNotFound) {
			t.Errorf("plugin %q: %v", name, err)
		}
	}
	if _, err := s.Get("fake", "../../etc/passwd"); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestManySaveAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if _, err := s.Save(crash.Report{Time: at(1), Plugin: "fake"}); err != nil {
				t.Error(err)
			}
			if _, err := s.List("fake"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, err := s.List("fake"); err != nil || len(got) != crash.MaxReports {
		t.Errorf("%d reports, %v", len(got), err)
	}
}

func TestLastWords(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, in, message string
		trace               int // lines
	}{
		"Panic":    {"from the announcement to the end", "hello\npanic: oh\n\ngoroutine 1 [running]:\nmain.main()\n\tx.go:1", "panic: oh", 4},
		"Repanic":  {"a panic within a panic belongs to it", "panic: a\n\tpanic: b\ngoroutine 1 [running]:", "panic: a", 2},
		"Second":   {"what came before was survived", "panic: a\ngoroutine 1 [running]:\nback to work\npanic: b\ngoroutine 2 [running]:", "panic: b", 1},
		"Fault":    {"two announcements in a row are one", "SIGSEGV: segmentation violation\nPC=0x1\nfatal error: x\ngoroutine 1 [running]:", "SIGSEGV: segmentation violation", 3},
		"Deadlock": {"so the runtime calls it", "fatal error: all goroutines are asleep - deadlock!", "fatal error: all goroutines are asleep - deadlock!", 0},
		"Nothing":  {"an ordinary end has no words", "hello\nbye", "", 0},
	}
	for name, tc := range cases {
		var c crash.Catcher
		for line := range strings.SplitSeq(tc.in, "\n") {
			c.Line([]byte(line))
		}
		message, trace := c.Words()
		if message != tc.message || len(trace) != tc.trace {
			t.Errorf("%s: %s: got %q and %q", name, tc.reason, message, trace)
		}
	}
}

func TestLastWordsAreBounded(t *testing.T) {
	t.Parallel()
	var c crash.Catcher
	c.Line([]byte("panic: oh"))
	for i := range 100_000 {
		c.Line(fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", 10_000)))
	}
	_, trace := c.Words()
	size := 0
	for _, l := range trace {
		size += len(l)
	}
	if size > 48<<10 || size == 0 {
		t.Errorf("%d bytes are kept", size)
	}
}

func TestOrdinaryLinesCostNothing(t *testing.T) {
	var c crash.Catcher
	line := []byte(`{"@level":"info","@message":"working"}`)
	if n := testing.AllocsPerRun(100, func() { c.Line(line) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
