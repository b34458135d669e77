package sdk_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	goplugin "github.com/hashicorp/go-plugin"

	"tradewind.example/sdk/handshake"
)

func TestDevelopmentModeCanBeAttachedTo(t *testing.T) {
	t.Parallel()
	cmd, _, stderr := plugin(t, nil, handshake.DevArg)
	cmd.Stdout = nil
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	var where handshake.Reattach
	if err := json.Unmarshal(line, &where); err != nil {
		t.Fatalf("%v: %q", err, line)
	}
	if st, err := os.Stat(where.Addr); err != nil || st.Mode().Perm() != 0o600 || where.PID != cmd.Process.Pid {
		t.Errorf("socket %v, %v, process %d; want one that only its owner can open", st, err, where.PID)
	}
	attach(t, where)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v; want a plain exit\n%s", err, stderr)
	}
	if _, err := os.Stat(filepath.Dir(where.Addr)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's folder is still there: %v", err)
	}
}

func attach(t *testing.T, where handshake.Reattach) {
	t.Helper()
	at, err := where.GoPlugin()
	if err != nil {
		t.Fatal(err)
	}
	host := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshake.Config(),
		Plugins:          goplugin.PluginSet{handshake.PluginName: connection{}},
		Reattach:         at,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
	})
	defer host.Kill()
	checkChatty(t, dispensed(t, host))
}

func TestReattachIsChecked(t *testing.T) {
	t.Parallel()
	good := handshake.Reattach{Network: "unix", Addr: "s", PID: 1, ProtocolVersion: 1}
	for name, tc := range map[string]struct {
		change func(*handshake.Reattach)
		ok     bool
		reason string
	}{
		"good":    {func(*handshake.Reattach) {}, true, "what a plugin prints"},
		"tcp":     {func(r *handshake.Reattach) { r.Network = "tcp" }, false, "a port is open to everyone on the machine"},
		"nobody":  {func(r *handshake.Reattach) { r.PID = 0 }, false, "go-plugin needs the process"},
		"nowhere": {func(r *handshake.Reattach) { r.Network = "" }, false, "not a plugin's line"},
	} {
		r := good
		tc.change(&r)
		if _, err := r.GoPlugin(); (err == nil) != tc.ok {
			t.Errorf("%s: %v; %s", name, err, tc.reason)
		}
	}
}
