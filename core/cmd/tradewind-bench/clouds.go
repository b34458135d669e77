package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

const (
	pluginPrefix = "tradewind-provider-"
	directSuffix = "-direct"

	// accounts is how many accounts the callers of a cloud share, so that no
	// plugin's wish for few calls at once of one account is measured.
	accounts = 8
	// resting is how long a plugin does nothing before its memory is read.
	resting = 3 * time.Second
	// cloudTime is how long the simulator takes for an answer: as quick as a
	// cloud's API gets over the internet.
	cloudTime = 25 * time.Millisecond
)

// clouds measures every plugin beside this program: its size, its memory at
// rest and, of clouds that have a program calling the vendor's SDK alone, its
// calls beside that program's against the same simulator.
func (b *bench) clouds(ctx context.Context) error {
	found, err := filepath.Glob(filepath.Join(b.bin, pluginPrefix+"*"))
	if err != nil {
		return err
	}
	var failed error
	for _, binary := range found {
		if err := b.cloud(ctx, binary); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", filepath.Base(binary), err))
		}
	}
	return failed
}

func (b *bench) cloud(ctx context.Context, binary string) (err error) {
	name := strings.TrimPrefix(filepath.Base(binary), pluginPrefix)
	b.say("the plugin %s", name)
	binary, err = filepath.Abs(binary)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "twb") // sockets need a short path
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	h, err := host.Open(ctx, host.Config{
		Dir: dir, Dev: true, Plugins: []catalog.Entry{{Name: name, Path: binary}},
		Services: func(string) provider.HostServices { return emptyArea{} },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close(context.WithoutCancel(ctx))) }()
	if err := h.Start(ctx, name); err != nil {
		return err
	}
	if err := b.footprint(ctx, h, name, binary); err != nil {
		return err
	}
	direct := filepath.Join(b.bin, name+directSuffix)
	if _, err := os.Stat(direct); errors.Is(err, os.ErrNotExist) {
		return nil // a plugin without such a program is measured no further
	}
	return b.besideSDK(ctx, h, name, direct)
}

// emptyArea lets plugins start that keep data at the host; there is no org whose
// data it could be.
type emptyArea struct{}

var errNoOrg = fault.NotFound("org", "none")

// Get finds nothing.
func (emptyArea) Get(context.Context, provider.Scope, string) ([]byte, uint64, error) {
	return nil, 0, errNoOrg
}

// Scan finds nothing.
func (emptyArea) Scan(context.Context, provider.Scope, provider.KeyRange, func(provider.KeyValue) error) error {
	return errNoOrg
}

// Apply keeps nothing.
func (emptyArea) Apply(context.Context, provider.Scope, provider.Transaction) error { return errNoOrg }

// Now is the time of this machine.
func (emptyArea) Now(context.Context) (time.Time, error) { return time.Now(), nil }

// Emit takes nothing.
func (emptyArea) Emit(context.Context, provider.Scope, provider.Event) error { return errNoOrg }

// footprint is the size of the binary and of the process at rest. Neither has a
// target: both are what the vendor's SDK makes them.
func (b *bench) footprint(ctx context.Context, h *host.Host, name, binary string) error {
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	b.report.add(figure{Name: name + " binary", What: "size of the plugin's binary", Unit: "MB"}, []float64{float64(info.Size()) / 1e6}, nil, nil)
	t := time.NewTimer(resting)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	p, err := h.Plugin(name)
	if err != nil {
		return err
	}
	rss, err := residentMB(p.Status().PID)
	if err != nil {
		return err
	}
	b.report.add(figure{Name: name + " at rest", What: "resident memory of the plugin's process that has served nothing", Unit: "MB"}, []float64{rss}, nil, nil)
	return nil
}

// residentMB is the resident memory of a process in millions of bytes.
func residentMB(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kb * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("the process %d tells no memory", pid)
}

// direct is the program that calls a cloud's SDK alone, with an account at the
// simulator that it serves.
type direct struct {
	path string
	line []byte // the account, for its input
	call provider.Call
}

// besideSDK compares checks of an account through host and plugin with the
// vendor call that they make, made by the SDK alone: at a simulator that takes
// as long as a cloud does, which is judged, and at one that answers at once,
// where there is nothing but the way. That is told as details.
func (b *bench) besideSDK(ctx context.Context, h *host.Host, name, path string) error {
	p, err := h.Plugin(name)
	if err != nil {
		return err
	}
	many, one, err := b.checks(ctx, p, path, 0)
	if err != nil {
		return err
	}
	atOnce, atOnceSDK := ratesOf(one.p50), ratesOf(one.limitP50)
	details := map[string]float64{
		"at_once_per_s": ratesOf(many.values), "at_once_sdk_per_s": ratesOf(many.limits),
		"at_once_p50_us": atOnce, "at_once_sdk_p50_us": atOnceSDK, "way_us": round3(atOnce - atOnceSDK),
	}
	if many, one, err = b.checks(ctx, p, path, cloudTime); err != nil {
		return err
	}
	bare := fmt.Sprintf("the vendor's SDK in a process of its own, against the same simulator, which answers after %v", cloudTime)
	fast, soon := ratioAtLeast(0.80), ratioAtMost(1.20)
	b.report.add(figure{Name: name + " calls", What: "checks of an account through host and plugin by 64 callers", Unit: "/s", Bare: bare, Details: many.details()},
		many.values, many.limits, &fast)
	f := b.report.add(figure{Name: name + " call p50", What: "median time of one such check by one caller", Unit: "us", Bare: bare, Details: details},
		one.p50, one.limitP50, &soon)
	b.say("%s: %g us, SDK alone %g us; at a cloud that answers at once %g us and %g us", name, f.Value, f.Limit, atOnce, atOnceSDK)
	return nil
}

func ratesOf(rounds []float64) float64 {
	median, _ := summary(rounds)
	return median
}

// checks measures 64 callers and one, beside the SDK alone, at a simulator that
// takes some time for each answer.
func (b *bench) checks(ctx context.Context, p *host.Plugin, path string, latency time.Duration) (many, one pair, err error) {
	d, end, err := serveDirect(ctx, path, latency)
	if err != nil {
		return pair{}, pair{}, err
	}
	defer func() { err = errors.Join(err, end()) }()
	check := func(client, _ int) error {
		call := d.call
		call.Account.ID = "bench-" + strconv.Itoa(client%accounts)
		got, err := p.Check(ctx, provider.CheckRequest{Call: call})
		if err == nil && !got.OK {
			err = fmt.Errorf("the account is refused: %s", got.Problem)
		}
		return err
	}
	many, err = b.inTurns(
		func() (rate, error) { return load(ctx, customers, b.warm, b.round, check) },
		func() (rate, error) { return d.load(ctx, customers, b.warm, b.round) })
	if err != nil {
		return pair{}, pair{}, err
	}
	one, err = b.inTurns(
		func() (rate, error) { return load(ctx, 1, b.warm/2, b.round, check) },
		func() (rate, error) { return d.load(ctx, 1, b.warm/2, b.round) })
	return many, one, err
}

// serveDirect starts the simulator and reads its account; end ends it.
func serveDirect(ctx context.Context, path string, latency time.Duration) (*direct, func() error, error) {
	cmd := exec.CommandContext(ctx, path, "sim", "-latency", latency.String())
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("starting the simulator: %w", err)
	}
	end := func() error { return errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()) }
	d := &direct{path: path}
	if d.line, err = bufio.NewReader(out).ReadBytes('\n'); err == nil {
		d.call, err = callOf(d.line)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("reading the simulator's account: %w", err), end())
	}
	return d, end, nil
}

// callOf is a call for the account that a line of JSON describes.
func callOf(line []byte) (provider.Call, error) {
	var a struct {
		Endpoint    string                  `json:"endpoint"`
		Region      string                  `json:"region"`
		Settings    map[string]string       `json:"settings"`
		Credentials map[string]secret.Value `json:"credentials"`
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return provider.Call{}, err
	}
	return provider.Call{Org: "org", RequestID: "request", Region: a.Region, Account: provider.Account{
		ID: "bench", Endpoint: a.Endpoint, Settings: a.Settings, Credentials: a.Credentials,
	}}, nil
}

// load has the SDK's program make its calls.
func (d *direct) load(ctx context.Context, callers int, warm, took time.Duration) (rate, error) {
	cmd := exec.CommandContext(ctx, d.path, "load", "-callers", strconv.Itoa(callers), "-warm", warm.String(), "-time", took.String())
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(d.line)), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return rate{}, fmt.Errorf("calling the SDK alone: %w", err)
	}
	var said struct {
		PerSecond float64 `json:"per_second"`
		P50Micros float64 `json:"p50_us"`
		P99Micros float64 `json:"p99_us"`
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return rate{}, fmt.Errorf("reading what the SDK alone did: %w", err)
	}
	return rate{
		perSecond: said.PerSecond, p50: time.Duration(said.P50Micros * 1000), p99: time.Duration(said.P99Micros * 1000),
	}, nil
}
