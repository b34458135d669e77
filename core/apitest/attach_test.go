package apitest

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os/exec"
	"syscall"
	"testing"

	"tradewind.example/core/app"
	"tradewind.example/core/config"
)

// TestPluginsAreAttachedInDevelopment starts the sandbox as its author does, and
// lets a broker in development take it in place of its own process.
func TestPluginsAreAttachedInDevelopment(t *testing.T) {
	line := developed(t)
	const path = sandboxPath + "/attachment"
	strict := start(t)
	want(t, "attaching in production", strict.first.do(t, http.MethodPut, path, line), http.StatusPreconditionFailed)

	b := startWith(t, app.Options{}, func(c *config.Config) { c.Plugins.Dev = true })
	if b.attached(t) {
		t.Error("the broker's own process serves")
	}
	b.first.must(t, http.MethodPut, path, line, nil)
	if !b.attached(t) {
		t.Error("the attached process serves")
	}
	want(t, "detaching", b.first.do(t, http.MethodDelete, path, nil), http.StatusNoContent)
	if b.attached(t) {
		t.Error("the broker's own process serves again")
	}
	want(t, "detaching what is not attached", b.first.do(t, http.MethodDelete, path, nil), http.StatusPreconditionFailed)
	wrong := fields{"network": "unix", "addr": "/nowhere", "pid": 1, "protocol_version": 1}
	if a := b.first.do(t, http.MethodPut, path, wrong); a.status < 400 || a.status == http.StatusInternalServerError {
		t.Errorf("attaching to nothing: %d %s", a.status, a.body)
	}
	b.audited(t, "plugin.attach", "plugin.detach")
}

func (b *broker) attached(t *testing.T) bool {
	t.Helper()
	for _, r := range b.inspect(t).Runs {
		if r.Role == "attached" {
			return true
		}
	}
	return false
}

// developed starts the sandbox in development mode and returns what it prints.
func developed(t *testing.T) (line fields) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "dev")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	raw, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(raw, &line)
	}
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return line
}
