package host_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/host/hosttest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
)

// develop runs the fake plugin as its author would, and returns what it prints.
func develop(t *testing.T) (handshake.Reattach, *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(otherBinary, handshake.DevArg)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var at handshake.Reattach
	if err := json.Unmarshal(line, &at); err != nil {
		t.Fatalf("%v: %q", err, line)
	}
	return at, cmd
}

func TestAttachTakesTheCalls(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	own := status(h).PID
	at, _ := develop(t)
	if err := h.Attach(t.Context(), "fake", at); err != nil {
		t.Fatal(err)
	}
	if v, pid := serves(t, p, "", ""); v != "2.0.0" || pid != strconv.Itoa(at.PID) || hosttest.Alive(own) {
		t.Errorf("version %s serves as pid %s, want 2.0.0 as %d", v, pid, at.PID)
	}
	if st := status(h); len(st.Runs) != 1 || st.Runs[0].Role != host.RoleAttached || st.PID != at.PID {
		t.Errorf("runs are %+v", st.Runs)
	}
	if err := h.Upgrade(t.Context(), "fake", "9", catalog.Edit{}); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("an upgrade while attached: got %v", err)
	}
	if err := h.Detach(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if v, pid := serves(t, p, "", ""); v != "1.0.0" || pid == strconv.Itoa(at.PID) {
		t.Errorf("after the detach version %s serves as pid %s", v, pid)
	}
	if !hosttest.Alive(at.PID) {
		t.Error("the attached process was ended")
	}
	if err := h.Detach(t.Context(), "fake"); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("a second detach: got %v", err)
	}
}

func TestAttachAgainAfterARestart(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	first, cmd := develop(t)
	if err := h.Attach(t.Context(), "fake", first); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	second, _ := develop(t)
	if err := h.Attach(t.Context(), "fake", second); err != nil {
		t.Fatal(err)
	}
	if _, pid := serves(t, p, "", ""); pid != strconv.Itoa(second.PID) {
		t.Errorf("pid %s serves, want %d", pid, second.PID)
	}
}

func TestAttachWithoutACatalogueEntry(t *testing.T) {
	t.Parallel()
	h, _ := open(t, host.Config{Dev: true})
	at, _ := develop(t)
	if err := h.Attach(t.Context(), "fake", at); err != nil {
		t.Fatal(err)
	}
	p, err := h.Plugin("fake")
	if err != nil {
		t.Fatal(err)
	}
	serves(t, p, "", "")
	if err := h.Detach(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if n := len(h.Statuses()); n != 0 {
		t.Errorf("%d plugins are left", n)
	}
}

func TestAttachRefuses(t *testing.T) {
	t.Parallel()
	at, _ := develop(t)
	developing, _, _ := started(t, dev())
	producing, _ := open(t, host.Config{})
	elsewhere, newer := at, at
	elsewhere.Addr, newer.ProtocolVersion = t.TempDir(), 99
	for name, tc := range map[string]struct {
		reason string
		h      *host.Host
		plugin string
		at     handshake.Reattach
		class  fault.Class
	}{
		"Production": {"only development may go without a pin and TLS", producing, "fake", at, fault.ClassForbidden},
		"NoSocket":   {"a folder is no socket", developing, "fake", elsewhere, fault.ClassUnavailable},
		"Protocol":   {"another contract cannot be spoken", developing, "fake", newer, fault.ClassUnavailable},
		"OtherName":  {"a plugin must be what it is attached as", developing, "other", at, fault.ClassUnavailable},
	} {
		if err := tc.h.Attach(t.Context(), tc.plugin, tc.at); !fault.Is(err, tc.class) {
			t.Errorf("%s: %s: got %v", name, tc.reason, err)
		}
	}
	if err := os.Chmod(at.Addr, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := developing.Attach(t.Context(), "fake", at); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("a socket that others may open: got %v", err)
	}
	if st := developing.Statuses(); len(st) != 1 || len(st[0].Runs) != 1 || st[0].Runs[0].Role != host.RoleActive {
		t.Errorf("statuses are %+v", st)
	}
}
