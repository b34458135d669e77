package launch_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"tradewind.example/host/hosttest"
	"tradewind.example/host/launch"
)

// hostVariable makes this test binary act as a host that launches one process.
const hostVariable = "LAUNCH_TEST_HOST"

var program string // hosttest/process, built by TestMain

func TestMain(m *testing.M) {
	if mode := os.Getenv(hostVariable); mode != "" {
		actAsHost(mode)
	}
	flag.Parse()
	dir, err := os.MkdirTemp("", "twbin")
	if err == nil {
		program, err = hosttest.Build(dir, "process")
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func openDir(t *testing.T) *launch.Dir {
	t.Helper()
	dir, err := launch.OpenDir(hosttest.ShortDir(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return dir
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func newProcess(t *testing.T, cfg launch.Config) *launch.Process {
	t.Helper()
	if cfg.Dir == nil {
		cfg.Dir = openDir(t)
	}
	if cfg.Binary == nil {
		cfg.Binary = open(t, program)
	}
	cfg.Name = "fake"
	p, err := launch.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill(context.Background()); <-p.Done() })
	return p
}

// start launches the program and returns it with its first line of output.
func start(t *testing.T, cfg launch.Config) (*launch.Process, string) {
	t.Helper()
	p := newProcess(t, cfg)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(p.Stdout()).ReadString('\n')
	if err != nil {
		t.Fatalf("no first line: %v\n%s", err, p.Report(strings.TrimSpace))
	}
	return p, strings.TrimSpace(line)
}

func TestKillIsBounded(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]string{"Stopped": "stop", "IgnoresSignals": "sleep"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := start(t, launch.Config{Args: []string{mode}})
			if mode == "stop" {
				hosttest.Eventually(t, "process stops itself", func() bool { return hosttest.Stopped(p.PID()) })
			}
			begin := time.Now()
			if err := p.Kill(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-p.Done()
			if took := time.Since(begin); took > 2*time.Second {
				t.Errorf("kill took %s", took)
			}
			if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(p.PID()))); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("process is not reaped: %v", err)
			}
			if !strings.Contains(p.Report(strings.TrimSpace), "SIGKILL") {
				t.Errorf("report does not name the signal: %s", p.Report(strings.TrimSpace))
			}
		})
	}
}

func TestChildrenEndWithTheirLeader(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"LeaderKilled":    {"fork"},
		"LeaderEndsAlone": {"fork", "exit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, line := start(t, launch.Config{Args: args})
			child, err := strconv.Atoi(line)
			if err != nil {
				t.Fatal(err)
			}
			if len(args) == 1 {
				p.Signal()
			}
			<-p.Done()
			hosttest.Eventually(t, "child is gone", func() bool { return !hosttest.Alive(child) })
		})
	}
}

func TestHostKilledEndsPlugin(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]string{"BySignalAlone": "sleep", "ByLifelineAlone": "lifeline"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := hosttest.ShortDir(t)
			host, pid := startHost(t, run, mode)
			<-time.After(200 * time.Millisecond) // a plugin that would end by itself has ended by then
			if !hosttest.Alive(pid) {
				t.Fatal("the plugin ended before its host")
			}
			if err := host.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = host.Wait()
			hosttest.Eventually(t, "plugin is gone", func() bool { return !hosttest.Alive(pid) })
		})
	}
}

// startHost runs this test binary as a host on the run folder and returns it
// with the pid it reports.
func startHost(t *testing.T, run, mode string) (*exec.Cmd, int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	host := exec.Command(self, run, program)
	host.Env = append(os.Environ(), hostVariable+"="+mode)
	host.Stderr = os.Stderr
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Process.Kill(); _ = host.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return host, pid
}

func actAsHost(mode string) {
	must := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	dir, err := launch.OpenDir(os.Args[1], nil)
	must(err)
	binary, err := os.Open(os.Args[2])
	must(err)
	p, err := launch.New(launch.Config{Dir: dir, Name: "fake", Binary: binary, Args: []string{mode}})
	must(err)
	must(p.Start(context.Background()))
	line, err := bufio.NewReader(p.Stdout()).ReadString('\n')
	must(err)
	report := strconv.Itoa(p.PID())
	if mode == "fork" {
		report = strings.TrimSpace(line)
	}
	fmt.Println(report)
	select {}
}

func TestSweepEndsLeftovers(t *testing.T) {
	t.Parallel()
	run := hosttest.ShortDir(t)
	host, grandchild := startHost(t, run, "fork")
	_ = host.Process.Kill()
	_ = host.Wait()
	if !hosttest.Alive(grandchild) {
		t.Fatal("the grandchild was meant to outlive the host")
	}
	dir, err := launch.OpenDir(run, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	hosttest.Eventually(t, "grandchild is gone", func() bool { return !hosttest.Alive(grandchild) })
	if left := folders(t, run); len(left) != 0 {
		t.Errorf("launch folders left: %v", left)
	}
}

// TestSweepSparesReusedPID: a record whose pid now means another process, or is
// of another boot, must not kill anything.
func TestSweepSparesReusedPID(t *testing.T) {
	t.Parallel()
	bystander := exec.Command(program, "sleep")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
	run := hosttest.ShortDir(t)
	folder := filepath.Join(run, "0badcafe")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	rec := fmt.Sprintf(`{"pid":%d,"start_time":1,"boot_id":%q}`, bystander.Process.Pid, strings.TrimSpace(string(boot)))
	if err := os.WriteFile(filepath.Join(folder, "run.json"), []byte(rec), 0o600); err != nil {
		t.Fatal(err)
	}
	dir, err := launch.OpenDir(run, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	if !hosttest.Alive(bystander.Process.Pid) {
		t.Error("the sweep killed a process it did not start")
	}
	if left := folders(t, run); len(left) != 0 {
		t.Errorf("launch folders left: %v", left)
	}
}

func folders(t *testing.T, run string) []string {
	t.Helper()
	entries, err := os.ReadDir(run)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

func TestSurroundingsAreSealed(t *testing.T) {
	t.Setenv("TRADEWIND_TEST_SECRET", "must-not-travel")
	t.Setenv("TZ", "Asia/Shanghai")
	allowCoreDumps(t)
	dir := openDir(t)
	env := launch.Environment(launch.DefaultAllow(), map[string]string{"MODE": "x"})
	p, line := start(t, launch.Config{Dir: dir, Args: []string{"self", "two"}, Env: env})
	var got struct {
		Args, Env           []string
		Dir, DirMode, Umask string
		Core                uint64
	}
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(p.Folder(), "work")
	slices.Sort(got.Env)
	want := []string{
		"HOME=" + work, "MODE=x", "TMPDIR=" + work, "TRADEWIND_LAUNCH=" + p.Folder(),
		"TRADEWIND_LIFELINE_FD=4", "TZ=Asia/Shanghai",
	}
	for _, name := range []string{"SSL_CERT_DIR", "SSL_CERT_FILE"} {
		if v, ok := os.LookupEnv(name); ok {
			want = append(want, name+"="+v)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got.Env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"fake", "self", "two"}, got.Args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if got.Dir != work || got.DirMode != "drwx------" || got.Umask != "077" || got.Core != 0 {
		t.Errorf("dir %s %s, umask %s, core limit %d", got.Dir, got.DirMode, got.Umask, got.Core)
	}
}

// allowCoreDumps lets this process and its children dump, where it may do so.
func allowCoreDumps(t *testing.T) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1 << 20, Max: max(old.Max, 1<<20)}); err != nil {
		t.Logf("core dumps stay forbidden: %v", err)
		return
	}
	t.Cleanup(func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &old) })
}

func TestFolderLivesAsLongAsTheProcess(t *testing.T) {
	t.Parallel()
	p, _ := start(t, launch.Config{Args: []string{"sleep"}})
	st, err := os.Stat(p.Folder())
	if err != nil || st.Mode().Perm() != 0o700 {
		t.Fatalf("launch folder: %v, %v", st, err)
	}
	if err := os.WriteFile(filepath.Join(p.Folder(), "plugin1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Signal()
	<-p.Done()
	if _, err := os.Stat(p.Folder()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("launch folder is left: %v", err)
	}
}

func TestBinaryIsVerified(t *testing.T) {
	t.Parallel()
	hash, err := launch.Hash(open(t, program))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		change func(t *testing.T, path string)
		pin    string
		want   error
	}{
		"Pinned":   {reason: "an untouched file runs", pin: hash},
		"Tampered": {reason: "one more byte is another program", change: appendByte, pin: hash, want: launch.ErrHash},
		"WrongPin": {reason: "the pin decides, not the file", pin: strings.Repeat("0", 64), want: launch.ErrHash},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			path := copyProgram(t)
			if tc.change != nil {
				tc.change(t, path)
			}
			p, err := launch.New(launch.Config{Dir: openDir(t), Name: "fake", Binary: open(t, path), SHA256: tc.pin})
			if !errors.Is(err, tc.want) {
				t.Fatalf("%s: got %v, want %v", tc.reason, err, tc.want)
			}
			if p != nil {
				p.Signal()
			}
		})
	}
}

// TestSwappedBinary: what was verified runs, also when the path has come to
// name something else between check and start.
func TestSwappedBinary(t *testing.T) {
	t.Parallel()
	path := copyProgram(t)
	p := newProcess(t, launch.Config{Binary: open(t, path), Args: []string{"sleep"}})
	evil := path + ".evil"
	if err := os.WriteFile(evil, []byte("#!/bin/sh\necho evil\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(evil, path); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(p.Stdout()).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Errorf("got %q, %v; want the verified program's output", line, err)
	}
}

func copyProgram(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(path, raw, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func appendByte(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte{0}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRunFolder(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	if _, err := launch.OpenDir(dir.Path(), nil); !errors.Is(err, launch.ErrLocked) {
		t.Errorf("second host on one folder: got %v, want %v", err, launch.ErrLocked)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("long/", 20))
	if _, err := launch.OpenDir(long, nil); !errors.Is(err, launch.ErrPathTooLong) {
		t.Errorf("long folder: got %v, want %v", err, launch.ErrPathTooLong)
	}
}

func TestReportAndWait(t *testing.T) {
	t.Parallel()
	p := newProcess(t, launch.Config{Args: []string{"fail"}})
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := p.Wait(t.Context())
	if !errors.Is(err, launch.ErrEnded) || !strings.Contains(err.Error(), "status 3") {
		t.Errorf("wait: got %v", err)
	}
	<-p.Done()
	report := p.Report(strings.TrimSpace)
	if !strings.Contains(report, "complaint 29") || strings.Contains(report, "complaint 9\n") {
		t.Errorf("report holds not the last 20 lines:\n%s", report)
	}
	if err := p.Start(t.Context()); !errors.Is(err, launch.ErrEnded) {
		t.Errorf("second start: got %v, want %v", err, launch.ErrEnded)
	}
}

func TestKilledBeforeStartNeverStarts(t *testing.T) {
	t.Parallel()
	p := newProcess(t, launch.Config{Args: []string{"sleep"}})
	p.Signal()
	if err := p.Start(t.Context()); !errors.Is(err, launch.ErrEnded) {
		t.Errorf("got %v, want %v", err, launch.ErrEnded)
	}
	if _, err := os.Stat(p.Folder()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("launch folder is left: %v", err)
	}
}

func TestNothingLeaks(t *testing.T) {
	dir := openDir(t)
	cycle := func() {
		p, _ := start(t, launch.Config{Dir: dir, Args: []string{"sleep"}})
		p.Signal()
		_, _ = io.Copy(io.Discard, p.Stdout())
		<-p.Done()
	}
	cycle()
	before, files := goleak.IgnoreCurrent(), hosttest.OpenFiles(t)
	for range 50 {
		cycle()
	}
	goleak.VerifyNone(t, before)
	if after := hosttest.OpenFiles(t); after > files+2 {
		t.Errorf("open descriptors grew from %d to %d", files, after)
	}
}

type countWriter struct{ n chan int }

func (w countWriter) Write(b []byte) (int, error) {
	select {
	case w.n <- len(b):
	default:
	}
	return len(b), nil
}

func TestStderrIsForwarded(t *testing.T) {
	t.Parallel()
	w := countWriter{make(chan int, 1)}
	start(t, launch.Config{Args: []string{"flood"}, Stderr: w})
	for range 10 {
		<-w.n
	}
}
