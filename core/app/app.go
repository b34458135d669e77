// Package app is the composition root: it builds the whole broker from a
// configuration, in an order that reads from top to bottom, and runs it.
//
// It is the only package that sees both the domain and the host, store and
// HTTP behind it. Nobody imports it but commands and end-to-end tests.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/api/v1"
	"tradewind.example/core/billing"
	"tradewind.example/core/catalog"
	"tradewind.example/core/cloudaccount"
	"tradewind.example/core/config"
	"tradewind.example/core/floor"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/inventory"
	"tradewind.example/core/job"
	"tradewind.example/core/ledger"
	"tradewind.example/core/order"
	"tradewind.example/core/plugin"
	"tradewind.example/core/pluginevent"
	"tradewind.example/core/pluginstore"
	"tradewind.example/core/protocol"
	"tradewind.example/core/provider"
	"tradewind.example/core/quote"
	"tradewind.example/core/resource"
	"tradewind.example/core/seal"
	"tradewind.example/core/settlement"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/core/store/outbox"
	"tradewind.example/core/telemetry"
	"tradewind.example/core/tenant"
	"tradewind.example/core/trade"
	"tradewind.example/host"
	"tradewind.example/host/guard"
	"tradewind.example/host/signature"
	"tradewind.example/sdk/clock"
	contract "tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Options are what a configuration file cannot say.
type Options struct {
	Clock   clock.Clock
	Logger  *slog.Logger
	Version string
	// Failpoint, when set, is called at named steps so that a test can end the
	// process there. It is nil in production.
	Failpoint func(name string)
	// Spans, when set, takes the traces instead of the configured collector.
	Spans sdktrace.SpanExporter
}

// App is a whole broker. Make it with Open, run it with Serve, put it away with
// Close.
type App struct {
	cfg       config.Config
	clock     clock.Clock
	log       *slog.Logger
	version   string
	failpoint func(string)
	fresh     bool // the store was made by this start; only then may keys be made

	store   *bolt.DB
	keyring *seal.Keyring
	areas   *pluginstore.Service
	trust   signature.Trust // of plugins
	host    *host.Host
	spans   sdktrace.SpanExporter
	traces  *telemetry.Telemetry // nil: nothing is traced
	access  *access.Authority
	pairs   *trade.Pairs
	keys    *idempotency.Keys
	jobs    *job.Queue
	events  *outbox.Outbox
	counted *prometheus.CounterVec // events by topic
	acted   *prometheus.CounterVec // plugins' events by plugin, type and result
	told    *pluginevent.Service

	tenants    *tenant.Service
	plugins    *plugin.Service
	providers  *provider.Service
	accounts   *cloudaccount.Service
	catalog    *catalog.Service
	protocols  *protocol.Service
	quotes     *quote.Service
	ledger     *ledger.Ledger
	ledgerUses *ledger.Service
	bills      *billing.Service
	resources  *resource.Service
	inventory  *inventory.Service
	buys       *order.Service
	statements *settlement.Service
	floors     *floor.Guard
	server     *api.Server
}

// Open builds the broker: store, keys, plugins, use-cases, routes. Nothing runs
// yet but the plugins, which start in the background.
func Open(ctx context.Context, cfg config.Config, opt Options) (*App, error) {
	a := &App{cfg: cfg, clock: opt.Clock, log: opt.Logger, version: opt.Version, failpoint: opt.Failpoint, spans: opt.Spans}
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.Close(ctx))
	}
	return a, nil
}

func (a *App) open(ctx context.Context) error {
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"opening the telemetry", a.openTelemetry},
		{"opening the store", a.openStore}, {"reading the keys", a.openKeys}, {"opening the outbox", a.openEvents},
		{"building people and books", func(context.Context) error { return errors.Join(a.people(), a.books()) }},
		{"opening the plugins' storage", func(context.Context) error { return a.openAreas() }},
		{"opening the plugin host", a.openHost},
		{"building the use-cases", func(context.Context) error { return a.services() }},
		{"setting the schedules", func(context.Context) error { return a.schedules() }},
		{"building the API", func(context.Context) error { return a.openServer() }},
	}
	for _, s := range steps {
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// StorePath is the file of the embedded store.
func StorePath(cfg config.Config) string { return filepath.Join(cfg.DataDir, "tradewind.db") }

func (a *App) openStore(ctx context.Context) (err error) {
	if err := os.MkdirAll(a.cfg.DataDir, 0o700); err != nil {
		return err
	}
	_, err = os.Stat(StorePath(a.cfg))
	a.fresh = errors.Is(err, os.ErrNotExist)
	a.store, err = bolt.Open(bolt.Options{
		Path: StorePath(a.cfg), Logger: a.log, LockTimeout: a.cfg.Store.LockTimeout, MaxBatch: a.cfg.Store.MaxBatch,
	})
	if err != nil {
		return err
	}
	return migrate(ctx, a.store)
}

func (a *App) openKeys(context.Context) (err error) {
	if err := os.MkdirAll(filepath.Dir(a.cfg.KeysetFile), 0o700); err != nil {
		return err
	}
	a.keyring, err = seal.New(seal.Config{Path: a.cfg.KeysetFile, Create: a.fresh})
	return err
}

func (a *App) openHost(ctx context.Context) (err error) {
	c := a.cfg.Plugins
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	if a.trust, err = PluginTrust(a.cfg); err != nil {
		return err
	}
	a.host, err = host.Open(ctx, host.Config{
		Dir: c.Dir, RunDir: c.RunDir, Plugins: declared(c.Entries), Selections: selections(c.Selections), Trust: a.trust, Dev: c.Dev, Log: a.log,
		Isolation: bounds(c.Isolation), Cgroup: c.Cgroup, Tracer: a.tracer(),
		Services:  func(plugin string) contract.HostServices { return a.areas.Area(plugin) },
		Limits:    limits(c),
		Breaker:   guard.BreakerPolicy{Failures: c.Breaker.Failures, OpenFor: c.Breaker.OpenFor, MaxOpen: c.Breaker.MaxOpen},
		Deadlines: times(c), Upgrades: host.Upgrades{Validate: a.fitsAccounts, Shadow: a.checkThrough, Watch: watchPolicy(c.Watch)},
	})
	return err
}

func limits(c config.Plugins) guard.Limits {
	return guard.Limits{
		Concurrent: c.Concurrent, PerOrg: c.PerOrg, Queue: c.Queue, QueueWait: c.QueueWait,
		Streams: c.Streams.Concurrent, StreamsPerOrg: c.Streams.PerOrg,
	}
}

// times are what the configuration says otherwise than the built-in table.
func times(c config.Plugins) map[string]guard.Times {
	out := make(map[string]guard.Times, len(c.Deadlines)+2)
	for method, d := range c.Deadlines {
		out[method] = guard.Times{Deadline: d.Deadline, Max: d.Max}
	}
	for method, idle := range map[string]time.Duration{"StreamsService/Console": c.Streams.ConsoleIdle, "StreamsService/Logs": c.Streams.LogIdle} {
		t := out[method]
		t.Idle = idle
		out[method] = t
	}
	return out
}

func (a *App) openServer() error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), a.counted, a.acted, a.host.Collector())
	h := a.cfg.HTTP
	s, err := api.New(api.Config{
		Auth: a.tenants, Logger: a.log, Clock: a.clock, Version: a.version, BodyLimit: h.BodyLimit, RequestTimeout: h.RequestTimeout,
		ReadTimeout: h.ReadTimeout, IdleTimeout: h.IdleTimeout, MaxConnections: h.MaxConnections,
		RatePerSecond: a.cfg.Rate.PerSecond, RateBurst: a.cfg.Rate.Burst, Registry: registry, Ready: a.ready, Trace: a.traceRequest(),
		MetricsAllowed: a.mayReadMetrics,
	})
	if err != nil {
		return err
	}
	v1.Bind(s, a.bindings())
	a.server = s
	return nil
}

// mayReadMetrics reports whether the caller works for who runs the broker:
// metrics tell of all roots.
func (a *App) mayReadMetrics(ctx context.Context, c access.Caller) bool {
	return a.store.View(ctx, func(r store.Reader) error {
		return a.access.Check(r, c, access.SystemMetrics, access.Target{OrgID: c.RootID, Thing: "metrics"})
	}) == nil
}

// ready reports whether the store answers.
func (a *App) ready(ctx context.Context) error {
	return a.store.View(ctx, func(store.Reader) error { return nil })
}

// FirstStart makes the operator org and its superadmin if there is none, and
// returns its password, once; empty on every later start.
func (a *App) FirstStart(ctx context.Context) (login string, password secret.Value, err error) {
	o := a.cfg.Operator
	root, err := a.tenants.Bootstrap(ctx, tenant.RootInput{OperatorName: o.Name, Login: o.Login, TimeZone: o.TimeZone, Currency: currency(o.Currency)})
	if err != nil || !root.Created {
		return "", secret.Value{}, err
	}
	return root.User.Login, root.Password, nil
}

// CreateRoot makes a further root beside the first: a world of its own in the
// same store. It asks nobody's right: only whoever runs the broker may call it.
func (a *App) CreateRoot(ctx context.Context, in tenant.RootInput) (tenant.Root, error) {
	return a.tenants.CreateRoot(ctx, in)
}

// Serve runs jobs and answers requests on l until ctx ends, then stops in
// order: requests first, then jobs, then quotes that wait to be written.
func (a *App) Serve(ctx context.Context, l net.Listener) error {
	if err := a.quotes.Start(ctx); err != nil {
		return fmt.Errorf("starting the quotes: %w", err)
	}
	// A stop that comes this early finds everything begun and ends it in order.
	if err := a.requestReseal(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("looking for rotated keys: %w", err)
	}
	if err := a.jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("starting the jobs: %w", err)
	}
	stopEvents := a.deliverEvents(context.WithoutCancel(ctx))
	defer stopEvents()
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(l) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.HTTP.ShutdownGrace)
		err = a.server.Shutdown(grace)
		cancel()
		_ = l.Close() // the server may not have taken it yet, and would never hear of the shutdown
		err = errors.Join(err, <-served)
	}
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.Jobs.Grace+5*time.Second)
	defer cancel()
	return errors.Join(err, a.jobs.Stop(rest), a.quotes.Close(rest))
}

// Close puts plugins and store away. It may be called on a half-opened App.
func (a *App) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	var err error
	if a.host != nil {
		err = a.host.Close(ctx)
	}
	if a.plugins != nil {
		a.plugins.Wait() // the host's end has ended them
	}
	if a.traces != nil {
		err = errors.Join(err, a.traces.Close(ctx))
	}
	if a.store != nil {
		err = errors.Join(err, a.store.Close())
	}
	return err
}

// OpenAPI returns the API's document.
func (a *App) OpenAPI() ([]byte, error) { return a.server.OpenAPI() }
