package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/provider"
)

// made are the plugins that the tests share: built once, changed by nobody.
type made struct {
	dir     string // of all
	hello   string // binary of examples/hello
	module  string // folder of a scaffolded module
	skylark string // its binary
}

var shared struct {
	once sync.Once
	made
	err string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// plugins returns the shared plugins.
func plugins(t *testing.T) made {
	t.Helper()
	if testing.Short() {
		t.Skip("builds plugins")
	}
	shared.once.Do(func() { shared.made, shared.err = build() })
	if shared.err != "" {
		t.Fatal(shared.err)
	}
	return shared.made
}

func build() (made, string) {
	dir, err := os.MkdirTemp("", "tw-tool-test-")
	if err != nil {
		return made{}, err.Error()
	}
	m := made{dir: dir, hello: filepath.Join(dir, "hello"), module: filepath.Join(dir, "module"), skylark: filepath.Join(dir, "skylark")}
	for _, step := range [][]string{
		{"../../examples/hello", m.hello},
		{m.module, m.skylark},
	} {
		if step[0] == m.module {
			if _, said, err := run(context.Background(), "", "new", "skylark", "--dir", m.module, "--sdk-replace", "../../sdk"); err != nil {
				return m, err.Error() + "\n" + said
			}
		}
		cmd := exec.Command("go", "build", "-o", step[1], ".")
		cmd.Dir, cmd.Env = step[0], append(os.Environ(), "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return m, err.Error() + "\n" + string(out)
		}
	}
	return m, ""
}

// run runs the tool in this process.
func run(ctx context.Context, stdin string, args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err = cmd.ExecuteContext(ctx)
	return out.String(), errs.String(), err
}

func must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, said, err := run(t.Context(), stdin, args...)
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, out, said)
	}
	return out
}

func TestNewPassesItsTestsAndTheCheck(t *testing.T) {
	t.Parallel()
	p := plugins(t)
	out := must(t, "", "test", p.module, "--race=false")
	if !strings.Contains(out, "ok    plugin.example/skylark") || !strings.Contains(out, " 0 failed") || strings.Contains(out, "0 rules passed") {
		t.Errorf("test says:\n%s", out)
	}
	out = must(t, "", "check", p.skylark, "--fixture", filepath.Join(p.module, "fixture.yaml"), "--json")
	var report conformance.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if !report.Passed() || report.Count(conformance.Pass) < 35 || report.Way != "binary" {
		t.Errorf("%d passed, %d failed, reached by %q", report.Count(conformance.Pass), report.Count(conformance.Fail), report.Way)
	}
	must(t, "", "docs", "--check", p.module)
	vet := exec.CommandContext(t.Context(), "go", "vet", "./...")
	vet.Dir, vet.Env = p.module, append(os.Environ(), "GOWORK=off")
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
	gofmt := exec.CommandContext(t.Context(), "gofmt", "-l", p.module)
	if out, err := gofmt.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("gofmt: %v\n%s", err, out)
	}
	if _, _, err := run(t.Context(), "", "new", "skylark", "--dir", p.module); err == nil {
		t.Error("new wrote over a module")
	}
}

func TestCheckFailsForABrokenRule(t *testing.T) {
	t.Parallel()
	p := plugins(t)
	raw, err := os.ReadFile(filepath.Join(p.module, "fixture.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// Credentials that are said to be wrong and are good break the rule.
	file := write(t, "f.yaml", strings.Replace(string(raw), "wrong-secret-0000", "demo-secret-9f31", 1), 0o600)
	out, _, err := run(t.Context(), "", "check", p.skylark, "--fixture", file, "--only", "check-wrong,health", "--quiet")
	if err == nil || !strings.Contains(out, "check-wrong") || strings.Contains(out, "pass") && !strings.Contains(out, "1 rules passed, 1 failed") {
		t.Errorf("%v\n%s", err, out)
	}
	out = must(t, "", "check", p.hello)
	if !strings.Contains(out, "describe-same") || !strings.Contains(out, "skip") || !strings.Contains(out, " 0 failed") {
		t.Errorf("without a fixture:\n%s", out)
	}
	if _, _, err := run(t.Context(), "", "check", filepath.Join(p.dir, "missing")); err == nil {
		t.Error("checked what is not there")
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	p := plugins(t)
	var d provider.Description
	if err := json.Unmarshal([]byte(must(t, "", "describe", p.hello, "--json")), &d); err != nil || d.Name != "hello" {
		t.Errorf("%+v, %v", d, err)
	}
	if out := must(t, "", "describe", p.skylark); !strings.Contains(out, "### Kind `instance`: Server") {
		t.Errorf("for people:\n%s", out)
	}
	if _, _, err := run(t.Context(), "", "describe", "/bin/true"); err == nil {
		t.Error("described what is no plugin")
	}
}

func TestDocsAreChecked(t *testing.T) {
	t.Parallel()
	dir := copyModule(t, plugins(t).module)
	name := filepath.Join(dir, readmeName)
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, bytes.Replace(good, []byte("10 to 2000"), []byte("1 to 2"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t.Context(), "", "docs", "--check", dir); err == nil || !strings.Contains(err.Error(), "run tradewind-plugin docs") {
		t.Errorf("an old README: %v", err)
	}
	must(t, "", "docs", dir)
	if now, err := os.ReadFile(name); err != nil || !bytes.Equal(now, good) {
		t.Errorf("docs did not renew the README: %v\n%s", err, now)
	}
	if err := os.WriteFile(name, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t.Context(), "", "docs", dir); err == nil {
		t.Error("a README without a place for the section was accepted")
	}
}

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
	return file
}

// copyModule copies a module to another place.
func copyModule(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}
