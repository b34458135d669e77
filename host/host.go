package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	oteltrace "go.opentelemetry.io/otel/trace"

	"tradewind.example/host/catalog"
	"tradewind.example/host/crash"
	"tradewind.example/host/guard"
	"tradewind.example/host/launch"
	"tradewind.example/host/observe"
	"tradewind.example/host/signature"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

const (
	defaultWait        = 5 * time.Second
	defaultPrivateRuns = 16
	defaultPrivateIdle = 10 * time.Minute
)

// Config says how to run plugins. Only Dir is required.
type Config struct {
	// Dir holds the catalogue and the installed binaries, see package catalog.
	// It must not be mounted noexec.
	Dir string
	// RunDir holds sockets and working folders of running plugins; its path must
	// be short (at most 81 bytes). One host at a time may use it. Default: Dir/run.
	RunDir string
	// Plugins are entries declared by the configuration.
	Plugins []catalog.Entry
	// Selections choose among Plugins; a plugin with one entry needs none.
	Selections []catalog.Selection
	// Trust says whose signatures on manifests count; the zero value: nobody's.
	Trust signature.Trust
	// Dev lets unpinned binaries run, from anywhere. Never in production.
	Dev bool
	// Lazy starts no plugin at Open; Start does.
	Lazy bool
	// EnvAllow names the host's variables that plugins get; nil: [launch.DefaultAllow].
	EnvAllow []string
	// Services returns what is offered to the named plugin if it keeps data at
	// the host; nil offers nothing.
	Services func(plugin string) provider.HostServices
	// PrivateRuns bounds, per plugin, the processes that serve one org alone;
	// default 16. PrivateIdle is how long one is kept without a call; default 10 min.
	PrivateRuns int
	PrivateIdle time.Duration
	// WaitReady is how long a call waits for a plugin that is being started;
	// default 5 s.
	WaitReady time.Duration
	Upgrades  Upgrades
	Limits    guard.Limits // per plugin
	// Breaker says when calls for an account that is not served are held back.
	Breaker guard.BreakerPolicy
	// Deadlines replaces times of methods, by name ("ResourcesService/Create").
	Deadlines map[string]guard.Times
	Policy    supervise.Policy // per plugin
	// Isolation bounds what each plugin process may take, where its entry does
	// not say otherwise.
	Isolation launch.Isolation
	// Cgroup is a cgroup v2 folder that was delegated to the host and holds no
	// process: each plugin process gets a cgroup of its own in it. "": none.
	Cgroup string
	// Tracer makes the spans of calls and of what plugins do in them; it should
	// use [observe.IDs]. nil: nothing is traced, at no cost.
	Tracer oteltrace.TracerProvider
	Log    *slog.Logger // nil discards
}

// Host runs plugins. Make it with [Open].
type Host struct {
	cfg     Config
	log     *slog.Logger
	catalog *catalog.Catalog
	run     *launch.Dir
	rules   map[string]guard.Rule // by full method name
	crashes *crash.Store
	levels  *levels
	metrics *observe.Metrics

	work sync.WaitGroup // all supervisors

	mu      sync.RWMutex
	closed  bool
	plugins map[string]*Plugin
}

// Open reads the catalogue, ends what an earlier host left behind, and begins
// to start all enabled plugins. It does not wait for them: [Host.Start] and the
// first call do. ctx bounds the opening only; its values reach the logs.
func Open(ctx context.Context, cfg Config) (*Host, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.WaitReady <= 0 {
		cfg.WaitReady = defaultWait
	}
	if cfg.PrivateRuns <= 0 {
		cfg.PrivateRuns = defaultPrivateRuns
	}
	if cfg.PrivateIdle <= 0 {
		cfg.PrivateIdle = defaultPrivateIdle
	}
	if cfg.Upgrades.Phase <= 0 {
		cfg.Upgrades.Phase = defaultPhase
	}
	if cfg.EnvAllow == nil {
		cfg.EnvAllow = launch.DefaultAllow()
	}
	if cfg.RunDir == "" {
		cfg.RunDir = filepath.Join(cfg.Dir, "run")
	}
	h := &Host{cfg: cfg, log: cfg.Log, plugins: map[string]*Plugin{}, metrics: observe.NewMetrics()}
	if err := cfg.Isolation.Validate(); err != nil {
		return nil, fmt.Errorf("reading the isolation of plugins: %w", err)
	}
	rules, err := guard.RulesWith(cfg.Deadlines)
	if err != nil {
		return nil, fmt.Errorf("reading the deadlines of plugin calls: %w", err)
	}
	known, err := catalog.Open(catalog.Config{
		Dir: cfg.Dir, Entries: cfg.Plugins, Selections: cfg.Selections, Dev: cfg.Dev, Trust: cfg.Trust, Running: h.running,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the plugin catalogue: %w", err)
	}
	run, err := launch.OpenDir(cfg.RunDir, cfg.Log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the plugin run folder: %w", err), known.Close())
	}
	h.catalog, h.run, h.rules = known, run, rules
	if err := h.openFolders(); err != nil {
		return nil, errors.Join(err, run.Close(), known.Close())
	}
	for _, name := range known.Names() {
		if err := h.add(ctx, name); err != nil {
			return nil, errors.Join(err, h.Close(ctx))
		}
	}
	return h, nil
}

// openFolders opens what plugins use beside catalogue and run folder. A cgroup
// that cannot be used is told of, and shows in each plugin's status.
func (h *Host) openFolders() (err error) {
	if h.crashes, err = crash.Open(filepath.Join(h.cfg.Dir, crashFolder)); err != nil {
		return err
	}
	if h.levels, err = openLevels(filepath.Join(h.cfg.Dir, levelsFile)); err != nil {
		return err
	}
	if h.cfg.Cgroup == "" {
		return nil
	}
	if err := h.run.UseCgroup(h.cfg.Cgroup); err != nil {
		h.log.Error("plugins run without cgroups", "error", err)
	}
	return nil
}

// add makes the plugin of that name, whose runs live until Close, beyond ctx.
func (h *Host) add(ctx context.Context, name string) error {
	p := h.newPlugin(name)
	if err := p.sync(ctx); err != nil {
		return fmt.Errorf("adding plugin %q: %w", name, err)
	}
	h.plugins[name] = p
	return nil
}

// Close stops all plugins at once, gently while ctx lasts and then by force,
// and waits until nothing of them is left. The Host cannot be used afterwards.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	all := slices.Collect(maps.Values(h.plugins))
	h.mu.Unlock()

	var stops sync.WaitGroup
	for _, p := range all {
		stops.Go(func() { p.close(ctx) })
	}
	stops.Wait()
	h.work.Wait()
	return errors.Join(h.run.Close(), h.catalog.Close())
}

// Plugin returns the plugin of that name, running or not; a not_found fault
// when the catalogue has none.
func (h *Host) Plugin(name string) (*Plugin, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	p, ok := h.plugins[name]
	if !ok {
		return nil, fault.NotFound("plugin", name).From(fault.SourceHost)
	}
	return p, nil
}

// Entries returns all versions of all plugins, by name and version.
func (h *Host) Entries() []catalog.Entry {
	var out []catalog.Entry
	for _, name := range h.catalog.Names() {
		out = append(out, h.catalog.Entries(name)...)
	}
	return out
}

// Versions returns all versions of one plugin, oldest first; none when there is
// no such plugin.
func (h *Host) Versions(name string) []catalog.Entry {
	all := h.catalog.Entries(name)
	for i := range all {
		all[i].SignedBy = h.catalog.SignedBy(all[i])
	}
	return all
}

// Declared reports whether a plugin comes from the configuration or a file, and
// so is changed there alone.
func (h *Host) Declared(name string) bool { return h.catalog.Declared(name) }

// Start starts a plugin that does not run and waits until it serves or has
// failed. A failed start is an unavailable fault that says why (phase, exit,
// last output); the plugin is tried again by itself.
func (h *Host) Start(ctx context.Context, name string) error {
	return h.operate(ctx, name, (*Plugin).start)
}

// Stop lets the calls at work finish, ends the plugin and waits for that. It is
// not started again before Start. Stopping a stopped plugin does nothing.
func (h *Host) Stop(ctx context.Context, name string) error {
	return h.operate(ctx, name, (*Plugin).stop)
}

// Restart is Stop, then Start. It brings an installed new version into use.
func (h *Host) Restart(ctx context.Context, name string) error {
	return h.operate(ctx, name, (*Plugin).restart)
}

// Resume lets a quarantined plugin start again and waits as Start does. In any
// other state it is a precondition fault.
func (h *Host) Resume(ctx context.Context, name string) error {
	return h.operate(ctx, name, (*Plugin).resume)
}

func (h *Host) operate(ctx context.Context, name string, do func(*Plugin, context.Context) error) error {
	p, err := h.Plugin(name)
	if err != nil {
		return err
	}
	return do(p, ctx)
}

// Statuses returns every plugin's status, by name.
func (h *Host) Statuses() []Status {
	h.mu.RLock()
	all := slices.Collect(maps.Values(h.plugins))
	h.mu.RUnlock()
	out := make([]Status, 0, len(all))
	for _, p := range all {
		out = append(out, p.Status())
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return out
}
