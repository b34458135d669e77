// Package program is the command around a simulator: flags, configuration
// file, ports, ready file, the clock's speed and an orderly end.
//
// It serves the simulated API on one port, the admin API on another, and
// further APIs on ports of their own. When it is ready it prints one line a
// port on stdout: the URL of the API, the URL of the admin API, then those of
// the further ones. It ends when its context does, after the calls in flight.
// It takes no credentials on the command line: accounts come from the
// configuration file alone.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"gopkg.in/yaml.v3"
)

// maxConfig bounds the configuration file in bytes.
const maxConfig = 4 << 20

// Simulator is what a program runs. C is the simulator's configuration, read
// from YAML, of which JSON is a part; unknown fields are refused.
type Simulator[C any] struct {
	// Name is the program's name in messages.
	Name string
	// Needs is what a configuration must have, as in "at least one account".
	Needs string
	// Flags adds the simulator's own flags; nil adds none.
	Flags func(*flag.FlagSet)
	// Knobs shows what the program's flags change in a configuration.
	Knobs func(*C) Knobs
	// Start makes the simulator.
	Start func(C) (Running, error)
	// Ready adds to the ready file what it says of further ports, and returns
	// their lines on stdout; nil adds nothing. It gets the URLs by name.
	Ready func(urls map[string]string, file map[string]any) []string
}

// Knobs are the places in a configuration that the program's flags set.
type Knobs struct {
	// StateFile is overridden by -state; nil is a simulator without a file.
	StateFile *string
	// TransitionMS is overridden by -transition, in milliseconds.
	TransitionMS *int
	// Now is set to a clock that runs -speed times faster than real time.
	Now *func() time.Time
	// Logger is set to one that writes to stderr.
	Logger **slog.Logger
}

// Running is a simulator at work.
type Running struct {
	API, Admin http.Handler
	// More are APIs on ports of their own.
	More []Site
	// Close ends the simulator after its servers; nil is nothing to do.
	Close func() error
}

// Cloud is a simulator with two APIs.
type Cloud interface {
	http.Handler
	Admin() http.Handler
	Close() error
}

// Start returns what starts a simulator without further APIs.
func Start[C any, S Cloud](open func(C) (S, error)) func(C) (Running, error) {
	return func(c C) (Running, error) {
		cloud, err := open(c)
		if err != nil {
			return Running{}, err
		}
		return Running{API: cloud, Admin: cloud.Admin(), Close: cloud.Close}, nil
	}
}

// Site is one API on a port of its own.
type Site struct {
	// Name tells it from the others.
	Name string
	// Listen is the address, such as 127.0.0.1:0.
	Listen  string
	Handler http.Handler
}

// options are the flags of all programs.
type options struct {
	listen, admin, ready, config, state string
	transition                          time.Duration
	speed                               int
}

// Main runs a simulator until ctx ends and returns the exit code.
func Main[C any](ctx context.Context, s Simulator[C], args []string, stdout, stderr io.Writer) int {
	if err := Run(ctx, s, args, stdout, stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(stderr, "%s: %v\n", s.Name, err)
		return 1
	}
	return 0
}

// Run runs a simulator until ctx ends; args are without the program's name.
func Run[C any](ctx context.Context, s Simulator[C], args []string, stdout, stderr io.Writer) error {
	o, err := parse(s, args, stderr)
	if err != nil {
		return err
	}
	cfg, err := load[C](o.config)
	if err != nil {
		return fmt.Errorf("reading %q: %w", o.config, err)
	}
	o.apply(s.Knobs(&cfg), stderr)
	running, err := s.Start(cfg)
	if err != nil {
		return err
	}
	err = o.serve(ctx, running, s.Ready, stdout)
	if running.Close != nil {
		err = errors.Join(err, running.Close())
	}
	return err
}

func parse[C any](s Simulator[C], args []string, stderr io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet(s.Name, flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.listen, "listen", "127.0.0.1:0", "`address` of the simulated API")
	fs.StringVar(&o.admin, "admin-listen", "127.0.0.1:0", "`address` of the admin API; it has no authentication")
	fs.StringVar(&o.ready, "ready-file", "", "`file` to write as JSON when ready: url, admin_url, pid and the further URLs")
	fs.StringVar(&o.config, "config", "", "`file` with the configuration, YAML or JSON: "+s.Needs+", faults, limits")
	if s.Knobs(new(C)).StateFile != nil {
		fs.StringVar(&o.state, "state", "", "`file` that keeps the state across a kill; overrides the configuration")
	}
	fs.DurationVar(&o.transition, "transition", 0, "`time` of one state change; overrides the configuration")
	fs.IntVar(&o.speed, "speed", 1, "how many times faster than real time the simulator's clock runs, 1 to 100000")
	if s.Flags != nil {
		s.Flags(fs)
	}
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	return o, o.check(fs.Args(), s.Needs)
}

func (o *options) check(rest []string, needs string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q: give flags only", rest[0])
	case o.speed < 1 || o.speed > 100000:
		return fmt.Errorf("-speed %d is not between 1 and 100000", o.speed)
	case o.config == "":
		return fmt.Errorf("give -config with %s", needs)
	}
	return nil
}

func (o *options) apply(k Knobs, stderr io.Writer) {
	if o.state != "" {
		*k.StateFile = o.state
	}
	if o.transition > 0 {
		*k.TransitionMS = max(int(o.transition.Milliseconds()), 1)
	}
	*k.Now = fastClock(time.Now(), o.speed)
	*k.Logger = slog.New(slog.NewTextHandler(stderr, nil))
}

// fastClock runs speed times faster than real time from start on.
func fastClock(start time.Time, speed int) func() time.Time {
	return func() time.Time { return start.Add(time.Since(start) * time.Duration(speed)) }
}

func load[C any](path string) (C, error) {
	var cfg C
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return cfg, err
	}
	defer func() { _ = f.Close() }()
	d := yaml.NewDecoder(io.LimitReader(f, maxConfig))
	d.KnownFields(true)
	return cfg, d.Decode(&cfg)
}
