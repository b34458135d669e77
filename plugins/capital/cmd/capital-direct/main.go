// Command capital-direct is the limit that the plugin is measured against: the
// vendor's SDK alone, calling the simulator that the plugin calls too.
//
// "capital-direct sim" serves the simulator, each answer as late as -latency says,
// and prints an account at it as one
// line of JSON, with which the plugin can be called as well. "capital-direct
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
	"net/url"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/capitalonline/cds-gic-sdk-go/common"
	cdshttp "github.com/capitalonline/cds-gic-sdk-go/common/http"
	"github.com/capitalonline/cds-gic-sdk-go/common/profile"

	"tradewind.example/plugins/capital/sim"
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
		fmt.Fprintln(os.Stderr, "capital-direct:", err)
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
		Name: "bench", AccessKey: public, SecretKey: private, BalanceFen: 1_000_000_00,
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
		Endpoint: "http://" + l.Addr().String(), Region: "CN_HongKong",
		Settings: map[string]string{"access_key": public}, Credentials: map[string]string{"secret_key": private},
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
	at, err := url.Parse(a.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("reading the account: %w", err)
	}
	client := new(common.Client).Init(a.Region).
		WithCredential(common.NewCredential(a.Settings["access_key"], a.Credentials["secret_key"])).
		WithProfile(profile.NewClientProfile()).WithHttpTransport(elsewhere{at, pool})
	var took []time.Duration
	for start := time.Now(); start.Before(to) && ctx.Err() == nil; {
		r := (&cdshttp.BaseRequest{}).Init().WithApiInfo("ecs/v1", "2019-08-08", "DescribeAccountSubject")
		r.SetDomain("api.capitalonline.net/ecs/v1")
		r.SetHttpMethod(http.MethodGet)
		if err := client.Send(&request{r}, &answer{BaseResponse: &cdshttp.BaseResponse{}}); err != nil {
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

// elsewhere sends what the SDK addresses to the vendor to the simulator.
type elsewhere struct {
	at   *url.URL
	next http.RoundTripper
}

// RoundTrip makes the request.
func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = e.at.Scheme, e.at.Host, e.at.Host
	return e.next.RoundTrip(r)
}

// request and answer carry an action that the SDK has no types for.
type (
	request struct{ *cdshttp.BaseRequest }
	answer  struct {
		*cdshttp.BaseResponse
		Data []struct{ Name string }
	}
)
