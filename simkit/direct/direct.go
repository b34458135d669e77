// Package direct is the command that measures what a plugin is measured
// against: a vendor's SDK alone, calling the simulator that the plugin calls.
//
// "sim" serves the simulator, each answer as late as -latency says, and prints
// an account at it as one line of JSON, with which the plugin can be called as
// well. "load" reads such a line from its input, makes the call of the SDK from
// several callers at once, and prints how fast that was. What is called, and
// how, is the program's; nothing here knows a vendor.
package direct

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"tradewind.example/simkit/web"
)

// Account is how a plugin is called for the simulator's one account. Its keys
// are good at the simulator alone.
type Account struct {
	Endpoint    string            `json:"endpoint"`
	Region      string            `json:"region"`
	Settings    map[string]string `json:"settings"`
	Credentials map[string]string `json:"credentials"`
}

// Result is what a load measured.
type Result struct {
	PerSecond float64 `json:"per_second"`
	P50Micros float64 `json:"p50_us"`
	P99Micros float64 `json:"p99_us"`
}

// Program is what one vendor's command brings.
type Program struct {
	// Name is the program's name in messages.
	Name string
	// Start makes a simulator whose answers come so much later, with one
	// account; the endpoint is filled in later.
	Start func(latency time.Duration) (Simulator, error)
	// Caller makes one caller's client, over connections that all callers
	// share, and returns what makes one call. It must end when ctx does.
	Caller func(ctx context.Context, a Account, pool http.RoundTripper) (func() error, error)
}

// Simulator is a simulated API with an account at it.
type Simulator struct {
	API     http.Handler
	Account Account
	Close   func() error
}

// Main does what the first argument says, sim until ctx ends, and returns the
// exit code.
func (p Program) Main(ctx context.Context, args []string, in io.Reader, out, stderr io.Writer) int {
	if err := p.Run(ctx, args, in, out); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
		return 1
	}
	return 0
}

// Run does what the first argument says, sim until ctx ends.
func (p Program) Run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("say sim or load")
	}
	switch args[0] {
	case "sim":
		return p.serve(ctx, args[1:], out)
	case "load":
		return p.measure(ctx, args[1:], in, out)
	}
	return fmt.Errorf("%q is unknown: say sim or load", args[0])
}

func (p Program) serve(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("sim", flag.ContinueOnError)
	latency := fs.Duration("latency", 0, "`time` that each answer takes longer")
	if err := fs.Parse(args); err != nil {
		return err
	}
	s, err := p.Start(*latency)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, s.Close())
	}
	s.Account.Endpoint = "http://" + l.Addr().String()
	err = json.NewEncoder(out).Encode(s.Account)
	srv := web.NewServer(s.API)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	if err == nil {
		<-ctx.Done()
	}
	closed := srv.Close()
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, closed, s.Close())
}

// load is how a load is made.
type load struct {
	callers    int
	warm, time time.Duration
}

func (p Program) measure(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	var l load
	fs := flag.NewFlagSet("load", flag.ContinueOnError)
	fs.IntVar(&l.callers, "callers", 1, "how many callers there are at once")
	fs.DurationVar(&l.warm, "warm", 500*time.Millisecond, "`time` before the time that counts")
	fs.DurationVar(&l.time, "time", 2*time.Second, "`time` that counts")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if l.callers < 1 || l.callers > 1000 {
		return errors.New("-callers must be between 1 and 1000")
	}
	var a Account
	line, err := bufio.NewReader(io.LimitReader(in, 1<<16)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the account: %w", err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("reading the account: %w", err)
	}
	r, err := p.load(ctx, l, a)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// load has all callers call until the time is over; they share their
// connections, but no client, as some SDKs are not made for that.
func (p Program) load(ctx context.Context, l load, a Account) (Result, error) {
	pool := &http.Transport{MaxIdleConns: 2 * l.callers, MaxIdleConnsPerHost: l.callers}
	defer pool.CloseIdleConnections()
	from := time.Now().Add(l.warm)
	to := from.Add(l.time)
	took, errs := make([][]time.Duration, l.callers), make([]error, l.callers)
	var all sync.WaitGroup
	for i := range l.callers {
		all.Go(func() { took[i], errs[i] = p.calls(ctx, a, pool, from, to) })
	}
	all.Wait()
	times := slices.Concat(took...)
	slices.Sort(times)
	if len(times) == 0 {
		return Result{}, errors.Join(append(errs, errors.New("nothing was measured"))...)
	}
	micros := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	return Result{
		PerSecond: float64(len(times)) / l.time.Seconds(), P50Micros: micros(times[len(times)/2]), P99Micros: micros(times[len(times)*99/100]),
	}, errors.Join(errs...)
}

// calls makes one call after another and returns how long those within the
// time that counts took.
func (p Program) calls(ctx context.Context, a Account, pool http.RoundTripper, from, to time.Time) ([]time.Duration, error) {
	call, err := p.Caller(ctx, a, pool)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for start := time.Now(); start.Before(to) && ctx.Err() == nil; {
		if err := call(); err != nil {
			return took, fmt.Errorf("calling: %w", err)
		}
		end := time.Now()
		if !end.Before(from) && end.Before(to) {
			took = append(took, end.Sub(start))
		}
		start = end
	}
	return took, ctx.Err()
}
