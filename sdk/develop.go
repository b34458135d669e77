package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/internal/serve"
)

// Names of go-plugin's variables that decide where and how it listens.
const (
	socketDirEnv  = "PLUGIN_UNIX_SOCKET_DIR"
	clientCertEnv = "PLUGIN_CLIENT_CERT"
)

// develop serves until the process is interrupted, on a socket in a folder of
// its own that nobody else may enter, and tells out where.
func develop(server *serve.Server, out io.Writer) (err error) {
	asked, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // part of Serve, the body of main
	defer stop()
	dir, err := os.MkdirTemp("", "tw-dev-")
	if err != nil {
		return fmt.Errorf("making a folder for the socket: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := errors.Join(os.Setenv(socketDirEnv, dir), os.Unsetenv(clientCertEnv)); err != nil {
		return fmt.Errorf("preparing to serve: %w", err)
	}
	at, closed := make(chan *goplugin.ReattachConfig, 1), make(chan struct{})
	cfg := serveConfig(server)
	ctx, end := context.WithCancel(context.WithoutCancel(asked))
	context.AfterFunc(asked, func() {
		cfg.Logger.SetLevel(hclog.Off) // go-plugin calls its own end an error
		end()
	})
	cfg.Test = &goplugin.ServeTestConfig{Context: ctx, ReattachConfigCh: at, CloseCh: closed}
	go goplugin.Serve(cfg)
	select {
	case where := <-at:
		if err := announce(out, where); err != nil {
			stop()
			<-closed
			return err
		}
	case <-closed:
		return fmt.Errorf("the plugin cannot listen in %q; a shorter TMPDIR may help", dir)
	}
	<-closed
	return nil
}

// announce closes the socket to others and prints where it is.
func announce(out io.Writer, where *goplugin.ReattachConfig) error {
	if err := os.Chmod(where.Addr.String(), 0o600); err != nil {
		return fmt.Errorf("closing the socket to others: %w", err)
	}
	line := handshake.Reattach{
		Network: where.Addr.Network(), Addr: where.Addr.String(), PID: where.Pid, ProtocolVersion: where.ProtocolVersion,
	}
	if err := json.NewEncoder(out).Encode(line); err != nil {
		return fmt.Errorf("telling where the plugin listens: %w", err)
	}
	return nil
}
