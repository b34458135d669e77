package launch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
)

// Runner gives the process to go-plugin, which adds the variables in env (its
// cookie, certificate and so on) and starts it. Standard error is not handed
// over: it goes to [Config.Stderr] alone.
func (p *Process) Runner(env []string) runner.Runner {
	p.cfg.Env = withVariables(append(p.cfg.Env[:len(p.cfg.Env):len(p.cfg.Env)], env...),
		plugin.EnvUnixSocketDir+"="+p.sockets())
	return &goPluginRunner{p: p}
}

// sockets is the folder of the plugin's sockets, which it must own.
func (p *Process) sockets() string {
	if p.cfg.Isolation.UID != 0 {
		return filepath.Join(p.folder, workFolder)
	}
	return p.folder
}

// goPluginRunner shows a Process the way go-plugin wants to see it.
type goPluginRunner struct{ p *Process }

func (r *goPluginRunner) Start(ctx context.Context) error { return r.p.Start(ctx) }

func (r *goPluginRunner) Wait(ctx context.Context) error { return r.p.Wait(ctx) }

func (r *goPluginRunner) Kill(ctx context.Context) error { return r.p.Kill(ctx) }

// Diagnose is left to the session, which has the report anyway.
func (r *goPluginRunner) Diagnose(context.Context) string { return "" }

func (r *goPluginRunner) Stdout() io.ReadCloser { return newFirstLine(r.p.Stdout()) }

func (r *goPluginRunner) Stderr() io.ReadCloser { return io.NopCloser(bytes.NewReader(nil)) }

func (r *goPluginRunner) Name() string { return r.p.cfg.Name }

func (r *goPluginRunner) ID() string {
	if pid := r.p.PID(); pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

// PluginToHost accepts only a socket inside the launch's own folder: a plugin
// must not be able to send the host's credentials elsewhere.
func (r *goPluginRunner) PluginToHost(network, addr string) (string, string, error) {
	if network != "unix" || filepath.Dir(filepath.Clean(addr)) != r.p.sockets() {
		return "", "", fmt.Errorf("plugin listens on %s %q instead of a socket in its folder",
			strings.ToLower(network), addr)
	}
	return network, addr, nil
}

func (r *goPluginRunner) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}
