package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"tradewind.example/core/app"
	"tradewind.example/core/config"
	"tradewind.example/sdk/clock"
)

func serveCommand() *cobra.Command {
	var from source
	var addressFile string
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the API, run jobs and plugins", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := from.load()
			if err != nil {
				return err
			}
			return serve(cmd, cfg, addressFile)
		},
	}
	from.flags(cmd)
	cmd.Flags().StringVar(&addressFile, "address-file", "", "`file` to write the URL to when serving")
	return cmd
}

// ahead is the real clock, moved: to try out what happens at a month's end.
type ahead struct {
	clock.Real
	by time.Duration
}

// Now returns the moved time.
func (a ahead) Now() time.Time { return a.Real.Now().Add(a.by) }

func clockOf(cfg config.Config) clock.Clock {
	if cfg.Dev.ClockOffset == 0 {
		return clock.Real{}
	}
	return ahead{by: cfg.Dev.ClockOffset}
}

func serve(cmd *cobra.Command, cfg config.Config, addressFile string) (err error) {
	ctx := cmd.Context()
	debug.SetGCPercent(400) // the broker's heap is small; fewer collections cost little memory
	a, err := app.Open(ctx, cfg, app.Options{Clock: clockOf(cfg), Logger: logger(cfg.Log, os.Stderr), Version: version, Failpoint: failpoint(os.Environ())})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close(ctx)) }()
	login, password, err := a.FirstStart(ctx)
	if err != nil {
		return fmt.Errorf("making the first superadmin: %w", err)
	}
	if !password.IsZero() {
		debug.FreeOSMemory() // hashing took as much as the whole broker needs at rest
	}
	l, scheme, err := listen(ctx, cfg)
	if err != nil {
		return err
	}
	url := scheme + "://" + l.Addr().String()
	out := cmd.OutOrStdout()
	if !password.IsZero() {
		fmt.Fprintf(out, "first start: superadmin login: %s\nsuperadmin password: %s\nthe password is shown this once: change it after signing in\n", login, password.Reveal())
	}
	fmt.Fprintf(out, "serving at %s\n", url)
	if addressFile != "" {
		if err := os.WriteFile(addressFile, []byte(url), 0o600); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	return a.Serve(ctx, l)
}

func listen(ctx context.Context, cfg config.Config) (net.Listener, string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, "", fmt.Errorf("listening at %q: %w", cfg.Listen, err)
	}
	if cfg.TLS.CertFile == "" {
		return l, "http", nil
	}
	pair, err := tls.LoadX509KeyPair(cfg.TLS.CertFile, cfg.TLS.KeyFile)
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("reading the certificate: %w", err), l.Close())
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), "https", nil
}
