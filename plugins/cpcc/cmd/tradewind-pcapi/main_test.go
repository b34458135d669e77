package main

import (
	"os"
	"path/filepath"
	"testing"

	"tradewind.example/sdk/fault"
)

func TestWhichMachinesAreTrusted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hosts.txt")
	const text = "# machines\n192.0.2.1 ssh-ed25519 one\n192.0.2.2:2222 ssh-ed25519 two\n[2001:db8::1]:22 ssh-ed25519 six\n\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := knownKeys(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		addr, key string
		trusted   bool
	}{
		"a host by any port":       {"192.0.2.1:2200", "ssh-ed25519 one", true},
		"a host and port":          {"192.0.2.2:2222", "ssh-ed25519 two\n", true},
		"another port":             {"192.0.2.2:22", "ssh-ed25519 two", false},
		"another key":              {"192.0.2.1:22", "ssh-ed25519 two", false},
		"an address with colons":   {"[2001:db8::1]:22", "ssh-ed25519 six", true},
		"nobody":                   {"192.0.2.9:22", "ssh-ed25519 one", false},
		"no key at all":            {"192.0.2.9:22", "", false},
		"what is no address":       {"192.0.2.1", "ssh-ed25519 one", false},
		"a comment is no machine":  {"#:22", "machines", false},
		"an unknown host, its key": {"192.0.2.22:2222", "ssh-ed25519 two", false},
	} {
		if err := keys.trust(t.Context(), tc.addr, tc.key); (err == nil) != tc.trusted || err != nil && !fault.Is(err, fault.ClassPrecondition) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if none, err := knownKeys(""); err != nil || none.trust(t.Context(), "192.0.2.1:22", "ssh-ed25519 one") == nil {
		t.Errorf("without a file: %v", err)
	}
}
