// Command ucloud-direct is the limit that the plugin is measured against: the
// vendor's SDK alone, calling the simulator that the plugin calls too.
//
// "ucloud-direct sim" serves the simulator, each answer as late as -latency says,
// and prints an account at it as one
// line of JSON, with which the plugin can be called as well. "ucloud-direct
// load" reads such a line from its input, makes the vendor call that the
// plugin's check makes, from several callers at once, and prints how fast that
// was. Neither is part of the plugin.
package main

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
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ucloud/ucloud-sdk-go/services/uaccount"
	"github.com/ucloud/ucloud-sdk-go/ucloud"
	"github.com/ucloud/ucloud-sdk-go/ucloud/auth"
	"github.com/ucloud/ucloud-sdk-go/ucloud/log"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/simkit/web"
)

// account is how the plugin is called for the simulator's one account.
type account struct {
	Endpoint    string            `json:"endpoint"`
	Region      string            `json:"region"`
	Settings    map[string]string `json:"settings"`
	Credentials map[string]string `json:"credentials"`
}

// result is what a load measured.
type result struct {
	PerSecond float64 `json:"per_second"`
	P50Micros float64 `json:"p50_us"`
	P99Micros float64 `json:"p99_us"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ucloud-direct:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("say sim or load")
	}
	switch args[0] {
	case "sim":
		return serve(ctx, args[1:], out)
	case "load":
		return measure(ctx, args[1:], in, out)
	}
	return fmt.Errorf("%q is unknown: say sim or load", args[0])
}

// serve is the simulator until ctx ends. The keys are good here alone.
func serve(ctx context.Context, args []string, out io.Writer) error {
	const public, private = "public-bench", "private-bench"
	fs := flag.NewFlagSet("sim", flag.ContinueOnError)
	latency := fs.Duration("latency", 0, "`time` that each answer takes longer")
	if err := fs.Parse(args); err != nil {
		return err
	}
	cfg := sim.Config{CallLogSize: 1, Accounts: []sim.Account{{
		Name: "bench", PublicKey: public, PrivateKey: private, BalanceFen: 1_000_000_00,
	}}}
	if *latency > 0 {
		cfg.Faults = []sim.Fault{{Kind: sim.KindLatency, DelayMS: int(latency.Milliseconds())}}
	}
	cloud, err := sim.New(cfg)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	err = json.NewEncoder(out).Encode(account{
		Endpoint: "http://" + l.Addr().String(), Region: "cn-bj2",
		Settings: map[string]string{"public_key": public}, Credentials: map[string]string{"private_key": private},
	})
	srv := web.NewServer(cloud)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	if err == nil {
		<-ctx.Done()
	}
	closed := srv.Close()
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, closed, cloud.Close())
}

// callers is how a load is made.
type callers struct {
	n          int
	warm, time time.Duration
}

func measure(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	var c callers
	fs := flag.NewFlagSet("load", flag.ContinueOnError)
	fs.IntVar(&c.n, "callers", 1, "how many callers there are at once")
	fs.DurationVar(&c.warm, "warm", 500*time.Millisecond, "`time` before the time that counts")
	fs.DurationVar(&c.time, "time", 2*time.Second, "`time` that counts")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if c.n < 1 || c.n > 1000 {
		return errors.New("-callers must be between 1 and 1000")
	}
	var a account
	line, err := bufio.NewReader(io.LimitReader(in, 1<<16)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the account: %w", err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("reading the account: %w", err)
	}
	r, err := c.load(ctx, a)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// load has all callers call until the time is over; they share their
// connections, but no client of the SDK, which is not made for that.
func (c callers) load(ctx context.Context, a account) (result, error) {
	pool := &http.Transport{MaxIdleConns: 2 * c.n, MaxIdleConnsPerHost: c.n}
	defer pool.CloseIdleConnections()
	from := time.Now().Add(c.warm)
	to := from.Add(c.time)
	took, errs := make([][]time.Duration, c.n), make([]error, c.n)
	var all sync.WaitGroup
	for i := range c.n {
		all.Go(func() { took[i], errs[i] = a.calls(ctx, pool, from, to) })
	}
	all.Wait()
	times := slices.Concat(took...)
	slices.Sort(times)
	if len(times) == 0 {
		return result{}, errors.Join(append(errs, errors.New("nothing was measured"))...)
	}
	micros := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	return result{
		PerSecond: float64(len(times)) / c.time.Seconds(), P50Micros: micros(times[len(times)/2]), P99Micros: micros(times[len(times)*99/100]),
	}, errors.Join(errs...)
}

// calls makes one call after another and returns how long those within the
// time that counts took.
func (a account) calls(ctx context.Context, pool http.RoundTripper, from, to time.Time) ([]time.Duration, error) {
	cfg, cred := ucloud.NewConfig(), auth.NewCredential()
	cfg.BaseUrl, cfg.LogLevel, cfg.Timeout = a.Endpoint, log.FatalLevel, 30*time.Second
	cred.PublicKey, cred.PrivateKey = a.Settings["public_key"], a.Credentials["private_key"]
	client := uaccount.NewClient(&cfg, &cred)
	client.SetTransport(pool)
	var took []time.Duration
	for start := time.Now(); start.Before(to) && ctx.Err() == nil; {
		if _, err := client.GetProjectList(client.NewGetProjectListRequest()); err != nil {
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
