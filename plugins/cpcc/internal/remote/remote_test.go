package remote_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/plugins/cpcc/internal/remote"
	"tradewind.example/plugins/cpcc/internal/sshtest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

func TestMain(m *testing.M) {
	sshtest.Act()
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func dial(t *testing.T, cfg remote.Config) *remote.Machine {
	t.Helper()
	m, err := remote.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatalf("%v, because %v", err, fault.As(err).Cause)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestRunAsRoot(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, user string
		asks         bool
	}{
		"Root":         {"root needs no sudo", "root", false},
		"SudoFree":     {"sudo asks nobody", "operator", false},
		"SudoPassword": {"sudo asks for the password", "operator", true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := sshtest.Start(t, sshtest.Options{Asks: tc.asks})
			m := dial(t, at.Config(tc.user))
			out, err := m.Run(t.Context(), "word="+remote.Quote("it's $HOME")+"\necho \"$word\"; id -u >&2\necho oops >&2; exit 7\n")
			if err != nil || out.Code != 7 || out.Stdout != "it's $HOME\n" || !strings.HasSuffix(out.Stderr, "oops\n") {
				t.Errorf("%s: %+v, %v", tc.reason, out, err)
			}
			if used := strings.Contains(at.Calls(t), "sudo -k"); used != (tc.user != "root") {
				t.Errorf("%s: calls %q", tc.reason, at.Calls(t))
			}
			at.Stop()
			for where, text := range map[string]string{"command lines": at.Calls(t), "server's log": at.Log(t)} {
				if strings.Contains(text, sshtest.Password) {
					t.Errorf("the password stands in the %s", where)
				}
			}
		})
	}
}

func TestWhoIsRefused(t *testing.T) {
	t.Parallel()
	at, other := sshtest.Start(t, sshtest.Options{Asks: true}), sshtest.Start(t, sshtest.Options{})
	wrong := errors.New("no room for it")
	nobody, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := nobody.Addr().String()
	nobody.Close()
	cases := map[string]struct {
		reason string
		change func(*remote.Config)
		class  fault.Class
	}{
		"Password":   {"a wrong password", func(c *remote.Config) { c.Password = secret.New("wrong") }, fault.ClassUnauthenticated},
		"User":       {"no such user", func(c *remote.Config) { c.User = "nobody" }, fault.ClassUnauthenticated},
		"OtherKey":   {"another machine answers in its place", func(c *remote.Config) { c.HostKey = other.HostKey }, fault.ClassPrecondition},
		"OtherSort":  {"it had a key of another sort before", func(c *remote.Config) { c.HostKey = "ssh-rsa AAAA" }, fault.ClassPrecondition},
		"FirstUse":   {"nobody says that it may be trusted", func(c *remote.Config) { c.HostKey = "" }, fault.ClassPrecondition},
		"NotStored":  {"the key could not be stored", func(c *remote.Config) { c.HostKey, c.Trust = "", func(context.Context, string) error { return wrong } }, fault.ClassInternal},
		"NotThere":   {"nobody listens", func(c *remote.Config) { c.Addr = gone }, fault.ClassUnavailable},
		"LetsUsWait": {"somebody listens and says nothing", func(c *remote.Config) { c.Addr, c.Timeout = silent(t), 300*time.Millisecond }, fault.ClassUnavailable},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := at.Config("operator")
			tc.change(&cfg)
			_, err := remote.Dial(t.Context(), cfg)
			if !fault.Is(err, tc.class) {
				t.Errorf("%s: want %s, got %v (%v)", tc.reason, tc.class, err, errors.Unwrap(err))
			}
			if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, sshtest.Password) {
				t.Error("the fault shows the password")
			}
		})
	}
	if strings.Contains(at.Calls(t), "sudo") {
		t.Error("a refused user got to run something")
	}
}

// silent accepts connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestFirstUse(t *testing.T) {
	t.Parallel()
	at := sshtest.Start(t, sshtest.Options{})
	cfg, told := at.Config("root"), ""
	cfg.HostKey, cfg.Trust = "", func(_ context.Context, key string) error { told = key; return nil }
	m := dial(t, cfg)
	if told != at.HostKey || m.HostKey() != at.HostKey {
		t.Errorf("told %q, the key is %q", told, at.HostKey)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	at := sshtest.Start(t, sshtest.Options{})
	m := dial(t, at.Config("root"))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := m.Run(ctx, "sleep 30")
	if !fault.Is(err, fault.ClassUnavailable) || fault.OutcomeOf(err) != fault.OutcomeUnknown || time.Since(begin) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
}

func TestMachineGoesAway(t *testing.T) {
	t.Parallel()
	at := sshtest.Start(t, sshtest.Options{})
	m := dial(t, at.Config("root"))
	ended := make(chan error, 1)
	go func() {
		_, err := m.Run(t.Context(), "touch /etc/begun; sleep 30")
		ended <- err
	}()
	deadline := time.After(10 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		if _, err := os.Stat(at.Path("begun")); err == nil {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the script did not begin")
		}
	}
	at.Stop()
	if err := <-ended; fault.OutcomeOf(err) != fault.OutcomeUnknown || !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	at := sshtest.Start(t, sshtest.Options{})
	m := dial(t, at.Config("root"))
	if _, err := m.Run(t.Context(), "yes | head -c 3000000"); !fault.Is(err, fault.ClassInternal) {
		t.Errorf("three megabytes: %v", err)
	}
	out, err := m.Run(t.Context(), "yes | head -c 3000000 >&2; echo the end >&2")
	if err != nil || len(out.Stderr) > 16<<10 || !strings.HasSuffix(out.Stderr, "the end\n") {
		t.Errorf("%d bytes of errors, %v", len(out.Stderr), err)
	}
}
