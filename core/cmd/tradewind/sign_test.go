package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnsigned wants unsigned plugins refused where signatures are required, by
// the settings that the broker has as well.
func TestUnsigned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"author.pub":                 []byte(base64.StdEncoding.EncodeToString(public) + "\n"),
		"tradewind-provider-harbour": []byte("no program at all"),
	}
	install := func(settings map[string]any) error {
		text, err := json.Marshal(map[string]any{
			"data_dir": filepath.Join(dir, "data"), "keyset_file": filepath.Join(dir, "keys.json"), "plugins": settings,
		})
		if err != nil {
			t.Fatal(err)
		}
		files["tradewind.yaml"] = text
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := root()
		cmd.SetOut(&bytes.Buffer{})
		cmd.SetArgs([]string{"plugin", "install", filepath.Join(dir, "tradewind-provider-harbour"), "--accept", "--config", filepath.Join(dir, "tradewind.yaml")})
		return cmd.ExecuteContext(t.Context())
	}
	plugins := filepath.Join(dir, "plugins")
	for reason, tc := range map[string]struct {
		settings map[string]any
		want     string
	}{
		"nobody has signed it":        {map[string]any{"dir": plugins, "signing_keys": []string{filepath.Join(dir, "author.pub")}, "require_signature": true}, "not signed"},
		"signatures are not required": {map[string]any{"dir": plugins, "signing_keys": []string{filepath.Join(dir, "author.pub")}}, "not a usable plugin"},
		"there is no such key":        {map[string]any{"dir": plugins, "signing_keys": []string{filepath.Join(dir, "none.pub")}}, "none.pub"},
		"no key is given":             {map[string]any{"dir": plugins, "require_signature": true}, "plugins.signing_keys"},
	} {
		if err := install(tc.settings); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: want %q, got %v", reason, tc.want, err)
		}
	}
}
