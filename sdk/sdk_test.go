package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	goplugin "github.com/hashicorp/go-plugin"

	"tradewind.example/sdk"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
)

// actEnv makes the test binary act as a plugin, so that tests can start one.
const actEnv = "SDK_TEST_ACT_AS_PLUGIN"

// early prints before main, like a library that is too talkative. It runs
// after the SDK has taken standard output.
var early = func() bool {
	if os.Getenv(actEnv) != "" {
		fmt.Println("printed before main")
	}
	return true
}()

func TestMain(m *testing.M) {
	if os.Getenv(actEnv) != "" {
		fmt.Println("printed in main")
		_, _ = io.WriteString(os.NewFile(1, "stdout"), "written to descriptor 1\n")
		sdk.Serve(chatty{})
		return
	}
	os.Exit(m.Run())
}

// chatty prints wherever it can.
type chatty struct{}

func (chatty) Describe(context.Context) (provider.Description, error) {
	fmt.Println("printed in describe")
	log.SetOutput(os.Stdout)
	log.Print("logged in describe")
	if os.Getenv("SDK_TEST_FAIL") != "" {
		return provider.Description{}, errors.New("no description today")
	}
	return provider.Description{Name: "chatty", Version: "1.2.3", Title: "Chatty"}, nil
}

func (chatty) Check(context.Context, provider.CheckRequest) (provider.CheckResponse, error) {
	fmt.Println("printed in check")
	return provider.CheckResponse{}, fault.Forbidden("no")
}

// plugin prepares the test binary as a plugin with the given environment.
func plugin(t *testing.T, env []string, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append([]string{actEnv + "=1", "TMPDIR=" + t.TempDir()}, env...)
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

func started() string { return handshake.CookieKey + "=" + handshake.CookieValue }

func TestDescribePrintsTheManifestAndNothingElse(t *testing.T) {
	t.Parallel()
	cmd, stdout, stderr := plugin(t, nil, handshake.DescribeArg)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	var got provider.Description
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("standard output is not one JSON document: %v\n%s", err, stdout)
	}
	if diff := cmp.Diff(provider.Description{Name: "chatty", Version: "1.2.3", Title: "Chatty"}, got); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	for _, want := range []string{"printed before main", "printed in main", "written to descriptor 1", "printed in describe"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("what was %q is lost; want it on standard error", want)
		}
	}
}

func TestRunByHandSaysWhatItIs(t *testing.T) {
	t.Parallel()
	cmd, _, stderr := plugin(t, nil)
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v; want exit status 1", err)
	}
	if !strings.Contains(stderr.String(), "is a Tradewind plugin") {
		t.Errorf("standard error does not say what the binary is:\n%s", stderr)
	}
}

func TestBadPluginSaysWhy(t *testing.T) {
	t.Parallel()
	cmd, stdout, stderr := plugin(t, []string{"SDK_TEST_FAIL=1", started()})
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v; want exit status 1", err)
	}
	if !strings.Contains(stderr.String(), "no description today") || stdout.Len() != 0 {
		t.Errorf("want the reason on standard error and nothing on output\nout: %s\nerr: %s", stdout, stderr)
	}
}

func TestOnlyTheHandshakeIsOnStandardOutput(t *testing.T) {
	t.Parallel()
	cmd, _, stderr := plugin(t, []string{started(), "PLUGIN_PROTOCOL_VERSIONS=1"})
	cmd.Stdout = nil
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "1|1|unix|") {
		t.Errorf("first line of standard output: %q, %v; want the handshake", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if !strings.Contains(stderr.String(), "printed in main") {
		t.Errorf("what main printed is lost:\n%s", stderr)
	}
}

func TestLifelineEndsThePlugin(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	cmd, _, _ := plugin(t, []string{started(), handshake.LifelineEnv + "=3"})
	cmd.Stdout = nil
	cmd.ExtraFiles = []*os.File{r}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the plugin did not start: %v", err)
	}
	_ = w.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("ended with %v; want a plain exit", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the plugin outlived its host")
	}
}

func TestBadLifelineIsRefused(t *testing.T) {
	t.Parallel()
	for _, fd := range []string{"x", "1", "-4"} {
		cmd, _, stderr := plugin(t, []string{started(), handshake.LifelineEnv + "=" + fd})
		if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), handshake.LifelineEnv) {
			t.Errorf("descriptor %q: %v, %s; want a refusal that names the variable", fd, err, stderr)
		}
	}
}

func TestThroughGoPluginWithMutualTLS(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{actEnv + "=1", "TMPDIR=" + t.TempDir()}
	host := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshake.Config(),
		VersionedPlugins: map[int]goplugin.PluginSet{handshake.ProtocolVersion: {handshake.PluginName: connection{}}},
		Cmd:              cmd,
		SkipHostEnv:      true,
		AutoMTLS:         true,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
	})
	defer host.Kill()
	checkChatty(t, dispensed(t, host))
	if !early {
		t.Error("unreachable: keeps the early printer alive")
	}
}
