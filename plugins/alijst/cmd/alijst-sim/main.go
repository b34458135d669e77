// Command alijst-sim serves the simulated JST API of package sim on one
// port, its admin API on another, and the assumed sign-in on a third.
//
// It prints three lines on stdout when it is ready: the URLs of the vendor
// API, the admin API and the sign-in. It ends on SIGTERM or SIGINT after the calls
// in flight. It is not a cloud and takes no credentials on the command line:
// accounts come from the configuration file alone.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"gopkg.in/yaml.v3"

	"tradewind.example/plugins/alijst/sim"
)

// maxConfig bounds the configuration file in bytes.
const maxConfig = 4 << 20

// drain is how long calls in flight may take after the signal.
const drain = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "alijst-sim:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	listen, admin, signIn, ready, config string
	transition                           time.Duration
	speed                                int
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("alijst-sim", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.listen, "listen", "127.0.0.1:0", "`address` of the vendor API")
	fs.StringVar(&o.admin, "admin-listen", "127.0.0.1:0", "`address` of the admin API; it has no authentication")
	fs.StringVar(&o.signIn, "sign-in-listen", "127.0.0.1:0", "`address` of the assumed sign-in")
	fs.StringVar(&o.ready, "ready-file", "", "`file` to write as JSON {url, admin_url, sign_in_url, pid} when ready")
	fs.StringVar(&o.config, "config", "", "`file` with accounts and faults, YAML or JSON")
	fs.DurationVar(&o.transition, "transition", 0, "`time` of one state change; overrides the configuration")
	fs.IntVar(&o.speed, "speed", 1, "how many times faster than real time the cloud's clock runs, 1 to 100000")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: give flags only", fs.Arg(0))
	}
	if o.speed < 1 || o.speed > 100000 {
		return o, fmt.Errorf("-speed %d is not between 1 and 100000", o.speed)
	}
	if o.config == "" {
		return o, errors.New("give -config with at least one account")
	}
	return o, nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	cfg, err := load(o.config)
	if err != nil {
		return fmt.Errorf("reading %q: %w", o.config, err)
	}
	o.apply(&cfg)
	cfg.Logger = slog.New(slog.NewTextHandler(stderr, nil))
	cloud, err := sim.New(cfg)
	if err != nil {
		return err
	}
	return serve(ctx, o, cloud, stdout)
}

func (o *options) apply(cfg *sim.Config) {
	if o.transition > 0 {
		cfg.TransitionMS = max(int(o.transition.Milliseconds()), 1)
	}
	cfg.Now = fastClock(time.Now(), o.speed)
}

// fastClock runs speed times faster than real time from start on.
func fastClock(start time.Time, speed int) func() time.Time {
	return func() time.Time { return start.Add(time.Since(start) * time.Duration(speed)) }
}

// load reads YAML, of which JSON is a part.
func load(path string) (sim.Config, error) {
	var cfg sim.Config
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return cfg, err
	}
	defer func() { _ = f.Close() }()
	d := yaml.NewDecoder(io.LimitReader(f, maxConfig))
	d.KnownFields(true)
	return cfg, d.Decode(&cfg)
}

// serve owns the servers and returns when all have ended.
func serve(ctx context.Context, o options, cloud *sim.Cloud, stdout io.Writer) error {
	var open net.ListenConfig
	var listeners []net.Listener
	for _, address := range []string{o.listen, o.admin, o.signIn} {
		l, err := open.Listen(ctx, "tcp", address)
		if err != nil {
			for _, l := range listeners {
				_ = l.Close()
			}
			return fmt.Errorf("listening on %q: %w", address, err)
		}
		listeners = append(listeners, l)
	}
	servers := []*http.Server{sim.NewHTTPServer(cloud), sim.NewHTTPServer(cloud.Admin()), sim.NewHTTPServer(cloud.SignIn())}
	done := make(chan error, len(servers))
	for i, l := range listeners {
		go func() { done <- servers[i].Serve(l) }()
	}
	err := announce(o.ready, listeners, stdout)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-done:
			done <- err // counted again below
		}
	}
	return errors.Join(err, shutdown(ctx, servers, done))
}

// shutdown lets calls in flight end and waits for the servers.
func shutdown(ctx context.Context, servers []*http.Server, done <-chan error) error {
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	var errs []error
	for _, s := range servers {
		if err := s.Shutdown(end); err != nil {
			errs = append(errs, err, s.Close())
		}
	}
	for range servers {
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// announce writes the ready file whole, then prints the URLs.
func announce(path string, listeners []net.Listener, stdout io.Writer) error {
	var urls []string
	for _, l := range listeners {
		urls = append(urls, "http://"+l.Addr().String())
	}
	if path != "" {
		b, err := json.Marshal(map[string]any{"url": urls[0], "admin_url": urls[1], "sign_in_url": urls[2], "pid": os.Getpid()})
		if err != nil {
			return err
		}
		tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
		if err := os.WriteFile(tmp, b, 0o600); err != nil {
			return fmt.Errorf("writing the ready file: %w", err)
		}
		if err := os.Rename(tmp, path); err != nil {
			return fmt.Errorf("writing the ready file: %w", err)
		}
	}
	_, err := fmt.Fprintln(stdout, urls[0]+"\n"+urls[1]+"\n"+urls[2])
	return err
}
