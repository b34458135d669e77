package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
)

// Bounds of what a binary may take.
const (
	startTime    = 30 * time.Second
	killTime     = 5 * time.Second
	exitTime     = 2 * time.Second
	describeTime = 15 * time.Second
)

// logLevelEnv is what sdk.LogLevelEnv names. Importing that package would take
// the standard output of a program whose only argument is "describe".
const logLevelEnv = "TRADEWIND_LOG_LEVEL"

// process is a plugin started from its binary, as a host starts it: with an
// empty environment, its own folder for sockets and mutual TLS.
type process struct {
	client  *goplugin.Client
	command *exec.Cmd
	conn    *grpc.ClientConn
	dir     string
}

// startProcess starts the binary at path. What it logs goes to logs, what it
// prints on its standard output to printed.
func startProcess(ctx context.Context, path string, logs, printed io.Writer) (*process, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding the binary: %w", err)
	}
	dir, err := os.MkdirTemp("", "tw-") // short: a socket's path has about 100 bytes
	if err != nil {
		return nil, fmt.Errorf("making a folder for sockets: %w", err)
	}
	p := &process{dir: dir}
	p.command = exec.CommandContext(context.WithoutCancel(ctx), path) //nolint:gosec // the caller's binary is what is to be run
	p.command.Dir = dir
	p.command.Env = []string{goplugin.EnvUnixSocketDir + "=" + dir, "TMPDIR=" + dir, logLevelEnv + "=debug"}
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshake.Config(),
		VersionedPlugins: map[int]goplugin.PluginSet{handshake.ProtocolVersion: {handshake.PluginName: connection{}}},
		Cmd:              p.command,
		AutoMTLS:         true,
		SkipHostEnv:      true,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		StartTimeout:     startTime,
		Logger:           hclog.NewNullLogger(),
		Stderr:           logs,
		SyncStdout:       printed,
		SyncStderr:       logs,
	})
	if p.conn, err = p.dial(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", filepath.Base(path), err), p.close())
	}
	return p, nil
}

func (p *process) dial() (*grpc.ClientConn, error) {
	protocol, err := p.client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := protocol.Dispense(handshake.PluginName)
	if err != nil {
		return nil, err
	}
	conn, ok := raw.(*grpc.ClientConn)
	if !ok {
		return nil, fmt.Errorf("the plugin's connection is a %T", raw)
	}
	return conn, nil
}

// close ends the process, by force when it does not end by itself, which is an
// error: the library waits two seconds for it.
func (p *process) close() error {
	began := time.Now()
	forced := time.AfterFunc(killTime, func() {
		if p.command.Process != nil {
			_ = p.command.Process.Kill()
		}
	})
	p.client.Kill()
	var err error
	if took := time.Since(began); !forced.Stop() || took > exitTime {
		err = fmt.Errorf("the process did not end by itself and was killed after %s", took.Round(time.Second))
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

// connection is the plugin as go-plugin's client sees it.
type connection struct {
	goplugin.NetRPCUnsupportedPlugin
}

// GRPCServer is never called: the suite is no plugin.
func (connection) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the suite has no server side")
}

// GRPCClient hands the connection out.
func (connection) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// describeBinary asks the binary at path for its manifest, as a person would.
func describeBinary(ctx context.Context, path string) (provider.Description, error) {
	ctx, cancel := context.WithTimeout(ctx, describeTime)
	defer cancel()
	var stdout bytes.Buffer
	cmd := exec.CommandContext(ctx, path, handshake.DescribeArg) //nolint:gosec // the caller's binary is what is to be run
	cmd.Env, cmd.Stdout = []string{}, &stdout
	if err := cmd.Run(); err != nil {
		return provider.Description{}, fmt.Errorf("running it with %q: %w", handshake.DescribeArg, err)
	}
	return readManifest(stdout.Bytes())
}

// readManifest reads one document and refuses anything after it.
func readManifest(raw []byte) (provider.Description, error) {
	var d provider.Description
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return d, fmt.Errorf("the manifest cannot be read: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return d, errors.New("the manifest is followed by other output")
	}
	return d, nil
}
