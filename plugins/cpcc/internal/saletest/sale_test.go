package saletest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/planetest"
)

var (
	plane    *planetest.Plane
	programs string // folder of what was built
)

// What is built, below programs and below the folder of each test.
const (
	broker = "tradewind"
	plugin = "drop/tradewind-provider-cpcc"
	centre = "centre"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tradewind-saletest-")
	if err != nil {
		panic(err)
	}
	programs = dir
	code := planetest.Run(m, &plane)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build compiles what the walks need into programs, once for all of them.
var build = sync.OnceValue(func() error {
	for _, b := range []struct{ module, pkg, out string }{
		{"../../../../core", "./cmd/tradewind", broker},
		{"../..", ".", plugin},
		{"../../../../examples", "./centre", centre},
	} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(programs, b.out), b.pkg)
		cmd.Dir = b.module
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", b.out, err, out)
		}
	}
	return nil
})

// serve starts a broker in dir and returns its URL and the first password.
func serve(t *testing.T, dir string) (url, password string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	config, err := json.Marshal(map[string]any{
		"listen": "127.0.0.1:0", "data_dir": at("data"), "keyset_file": at("keys/keyset.json"),
		"plugins": map[string]any{"dir": at("plugins"), "drop_dir": at("drop")}, "catalogue": map[string]any{"sync_every": "0s"},
		"log": map[string]any{"level": "warn"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("tradewind.yaml"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(at("broker.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(at(broker), "serve", "--config", at("tradewind.yaml"))
	cmd.Env, cmd.Stderr = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.TempDir()}, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		_ = log.Close()
		if raw, err := os.ReadFile(at("broker.log")); err == nil && t.Failed() {
			t.Logf("the broker says:\n%s", raw[max(0, len(raw)-4000):])
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "superadmin password: "); ok {
			password = rest
		}
		if rest, ok := strings.CutPrefix(lines.Text(), "serving at "); ok {
			return rest, password
		}
	}
	t.Fatal("the broker ended before it served")
	return "", ""
}

// install installs the plugin at the broker.
func install(t *testing.T, url, password, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	var session struct{ Token string }
	post(t, url+"/v1/sessions", "", map[string]string{"login": "admin", "password": password}, &session)
	post(t, url+"/v1/plugins", session.Token, map[string]string{"file": filepath.Base(file), "sha256": hex.EncodeToString(sum[:])}, nil)
}

func post(t *testing.T, url, bearer string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	req.Header.Set("Idempotency-Key", fmt.Sprintf("%x", sha256.Sum256(body)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("%s: %s", url, resp.Status)
	}
	if out != nil {
		if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
			t.Fatal(err)
		}
	}
}

var load = flag.Int("load", 20, "how many small workloads the first walk buys at the same time; 500 to measure, -v tells how many a second ran")

// TestAWorkloadIsSoldOverREST walks from an empty broker to a workload that runs
// on a real control plane, and back, and to many that are bought at the same time;
// then once more, and kills the plugin while everybody buys.
func TestAWorkloadIsSoldOverREST(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a broker")
	}
	for range 2 { // one for each walk: what the first one sold last still runs
		plane.AddNode(t, planetest.Node{CPU: "8", Memory: "32Gi", GPUs: 2})
	}
	plane.AddNode(t, planetest.Node{CPU: "8", Memory: "32Gi"})
	plane.AddNode(t, planetest.Node{CPU: "2000", Memory: "2000Gi", Pods: 2000})
	dir, url, password := open(t)
	walk(t, dir, url, "everybody who came", func() {}, "-load", strconv.Itoa(*load))
	walk(t, dir, url, "ok: its stock is there again", func() {
		if n := killPlugins(t, filepath.Join(dir, "plugins")); n == 0 {
			t.Error("there was no plugin to kill")
		}
	})
	secretFree(t, dir, password)
}

// open starts a broker with the plugin, and writes down what opens it and the
// cluster.
func open(t *testing.T) (dir, url, password string) {
	t.Helper()
	alone(t)
	dir = t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "drop"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := build(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{broker, plugin, centre} {
		if err := os.Link(filepath.Join(programs, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	url, password = serve(t, dir)
	install(t, url, password, filepath.Join(dir, plugin))
	for name, text := range map[string][]byte{"password": []byte(password), "kubeconfig": plane.AdminConfig()} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, url, password
}

// walk runs the example and calls then when it prints a line with at.
func walk(t *testing.T, dir, url, at string, then func(), more ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	args := append([]string{"-broker", url, "-rush", "64", "-password-file", filepath.Join(dir, "password"), "-kubeconfig", filepath.Join(dir, "kubeconfig")}, more...)
	cmd := exec.CommandContext(ctx, filepath.Join(dir, centre), args...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), at) {
			then()
		}
	}
	err = cmd.Wait()
	t.Logf("the walk:\n%s%s", said.String(), problems.String())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "64 came, 63 were out of stock") {
		t.Error("the last box was not sold once")
	}
	if !strings.Contains(said.String(), "the box costs 35.48 for an hour") {
		t.Error("the price is not 2 × 1.5 + 4096 × 0.005 + 2 × 6")
	}
}

// killPlugins kills the processes whose program is below dir, and counts them.
func killPlugins(t *testing.T, dir string) int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, link := range all {
		program, err := os.Readlink(link)
		pid, bad := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err == nil && bad == nil && strings.HasPrefix(program, dir) && syscall.Kill(pid, syscall.SIGKILL) == nil {
			n++
		}
	}
	return n
}

// secretFree looks for the kubeconfig's token and the password where they must
// not be: in the store and in the log.
func secretFree(t *testing.T, dir, password string) {
	t.Helper()
	marks := [][]byte{[]byte(password)}
	for line := range bytes.Lines(plane.AdminConfig()) {
		if _, token, ok := bytes.Cut(line, []byte("token: ")); ok {
			marks = append(marks, bytes.Trim(bytes.TrimSpace(token), `"`))
		}
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		name := filepath.Base(path)
		if err != nil || !d.Type().IsRegular() || name == "password" || name == "kubeconfig" {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, mark := range marks {
			if err == nil && len(mark) > 8 && bytes.Contains(raw, mark) {
				t.Errorf("%s holds a secret", name)
			}
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Error(err)
	}
}
