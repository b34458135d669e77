package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"tradewind.example/sdk/handshake"
)

// dev runs a plugin in development mode and returns the line it prints.
func dev(t *testing.T, what string) (line handshake.Reattach, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		cmd := root()
		cmd.SetArgs([]string{"dev", what})
		cmd.SetOut(in)
		cmd.SetErr(io.Discard)
		err := cmd.ExecuteContext(ctx)
		_ = in.CloseWithError(io.EOF)
		ended <- err
	}()
	raw, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		cancel()
		t.Fatalf("%v: %v", err, <-ended)
	}
	if err := json.Unmarshal(raw, &line); err != nil {
		t.Error(err)
	}
	return line, func() error { cancel(); return <-ended }
}

func TestDevPrintsOneLineForTheBroker(t *testing.T) {
	t.Parallel()
	p := plugins(t)
	for name, what := range map[string]string{"binary": p.hello, "folder": p.module} {
		line, stop := dev(t, what)
		if line.Network != "unix" || line.PID == 0 || line.ProtocolVersion != handshake.ProtocolVersion {
			t.Errorf("%s: %+v", name, line)
		}
		if st, err := os.Stat(line.Addr); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: socket %v, %v", name, st, err)
		}
		if err := stop(); err != nil {
			t.Errorf("%s: ended with %v", name, err)
		}
		if _, err := os.Stat(line.Addr); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the socket is still there", name)
		}
	}
	if _, _, err := run(t.Context(), "", "dev", "/bin/false"); err == nil || !strings.Contains(err.Error(), "the plugin ended") {
		t.Errorf("a program that ends at once: %v", err)
	}
}

func TestTestShowsFailures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module m.example\n\ngo 1.26.0\n",
		"a_test.go": "package m\n\nimport \"testing\"\n\nfunc TestConformance(t *testing.T) {\n" +
			"\tt.Run(\"good\", func(t *testing.T) {})\n\tt.Run(\"bad\", func(t *testing.T) { t.Error(\"it is broken\") })\n\tt.Run(\"none\", func(t *testing.T) { t.Skip() })\n}\n",
	} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, _, err := run(t.Context(), "", "test", dir, "--race=false")
	if !errors.Is(err, errFailed) || !strings.Contains(out, "it is broken") || !strings.Contains(out, "1 rules passed, 1 failed, 1 not proved") {
		t.Errorf("%v\n%s", err, out)
	}
	out, _, err = run(t.Context(), "", "test", dir, "--race=false", "--conformance", "TestOther")
	if err == nil || !strings.Contains(out, "no conformance") {
		t.Errorf("%v\n%s", err, out)
	}
}
