package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradewind.example/host"
	"tradewind.example/host/launch"
	"tradewind.example/host/signature"
	"tradewind.example/sdk/provider"
)

// TestPackedPluginServes: what pack wrote and signed is taken by a host that
// trusts that key alone, is not run to be described, and answers calls, as the
// host's user and as one of its own.
func TestPackedPluginServes(t *testing.T) {
	t.Parallel()
	plugins(t)
	key, out := filepath.Join(t.TempDir(), "sign.key"), t.TempDir()
	must(t, "", "keygen", key)
	sum, archive, _ := strings.Cut(strings.TrimSpace(must(t, "", "pack", "../../examples/hello", "--out", out, "--sign", key, "--needs-minor", "1")), "  ")
	keys, err := signature.ReadKeys(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	for name, isolation := range map[string]launch.Isolation{"HostsUser": {}, "OwnUser": {UID: 54321, GID: 54321}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if isolation.UID != 0 && os.Getuid() != 0 {
				t.Skip("only root may start a process as another user")
			}
			h, err := host.Open(t.Context(), host.Config{
				Dir: t.TempDir(), RunDir: walkable(t), Isolation: isolation,
				Trust: signature.Trust{Keys: keys, Required: true},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close(t.Context()) }()
			entry, err := h.Install(t.Context(), archive, host.InstallOptions{SHA256: sum})
			if err != nil || entry.Name != "hello" || entry.SignedBy != keys[0].ID() {
				t.Fatalf("installed %+v, %v", entry, err)
			}
			p, err := h.Plugin("hello")
			if err != nil {
				t.Fatal(err)
			}
			made, err := p.Create(t.Context(), provider.CreateRequest{
				Call: provider.Call{Org: "acme", Account: provider.Account{ID: "a1"}},
				Kind: "note", Spec: []byte(`{"text":"packed"}`), Token: "t1",
			})
			if err != nil || !strings.Contains(string(made.Resource.State), "packed") {
				t.Errorf("created %+v, %v", made, err)
			}
		})
	}
}

// walkable makes a short folder that any user may walk through.
func walkable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tw") //nolint:usetesting // the parent of a test folder is walkable by its owner only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}
