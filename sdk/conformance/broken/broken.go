// Package broken proves that the conformance suite can fail: it holds a small
// plugin that keeps every rule, and for each rule a [Flaw] that breaks it. It is
// no example for authors, and nothing but the suite's tests should import it.
//
// A [Plugin] is safe for concurrent use. What a flaw leaves running ends with
// [Plugin.Release].
package broken

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Flaw is the id of the rule that is broken, and after a slash one of several
// ways to break it; "" breaks none.
type Flaw string

// Rule returns the id of the rule that is broken.
func (f Flaw) Rule() string {
	id, _, _ := strings.Cut(string(f), "/")
	return id
}

// Config is the account's config.
type Config struct {
	APIKey  secret.Value `json:"api_key" required:"true" title:"API key"`
	Project string       `json:"project" required:"true" title:"Project"`
	Retries int          `json:"retries" min:"0" max:"9" title:"Retries"`
	Slow    bool         `json:"slow" title:"The cloud takes a minute"`
}

// Plugin keeps all rules but one.
type Plugin struct {
	flaw     Flaw
	cloud    *Cloud
	instance int64
	kinds    []*provider.Kind
	log      *slog.Logger

	busy     atomic.Int64 // checks in work
	calls    atomic.Int64 // answers given, for what changes with time
	waiting  sync.Mutex
	together chan struct{} // closed when several creates have passed their check
	arrived  int
	release  chan struct{}
	once     sync.Once
}

// New makes a plugin with a flaw for cloud. Each instance of one target has a
// number of its own.
func New(flaw Flaw, cloud *Cloud, instance int64) *Plugin {
	p := &Plugin{
		flaw: flaw, cloud: cloud, instance: instance, log: slog.New(slog.DiscardHandler),
		together: make(chan struct{}), release: make(chan struct{}),
	}
	p.kinds = []*provider.Kind{p.diskKind(), p.partitionKind()}
	return p
}

// Release ends what the flaw keeps running.
func (p *Plugin) Release() { p.once.Do(func() { close(p.release) }) }

// has reports whether the plugin breaks a rule.
func (p *Plugin) has(rule Flaw) bool { return p.flaw == rule }

// UseLogger takes the SDK's logger.
func (p *Plugin) UseLogger(log *slog.Logger) { p.log = log }

// Describe returns the plugin's self-portrait.
func (p *Plugin) Describe(context.Context) (provider.Description, error) {
	config, err := provider.ConfigSchema[Config]()
	if err != nil {
		return provider.Description{}, err
	}
	d := provider.Description{
		Name: "broken", Version: "1.0.0", Title: "Broken", Currency: "CNY", Config: config,
		Regions: provider.RegionsModel{HasRegions: true},
	}
	if p.has("describe-same") {
		d.Summary = "instance " + strconv.FormatInt(p.instance, 10)
	}
	return d, nil
}

// Check accepts every key that does not begin with "wrong".
func (p *Plugin) Check(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	cfg, err := provider.DecodeAccount[Config](req.Call)
	if err != nil {
		if p.has("config-paths") {
			return provider.CheckResponse{}, fault.New(fault.ClassInvalid, "the config is wrong")
		}
		return provider.CheckResponse{}, err
	}
	if err := p.wait(ctx, cfg); err != nil {
		return provider.CheckResponse{}, err
	}
	if err := p.crowded(); err != nil {
		return provider.CheckResponse{}, err
	}
	if p.has("leftovers") {
		go func() { <-p.release }()
	}
	if p.has("locales") && req.Call.Locale == "en" {
		return provider.CheckResponse{}, fault.Invalid("call.locale", "must be Chinese")
	}
	if p.has("secrets") {
		p.log.InfoContext(ctx, "checking", "with", cfg.APIKey.Reveal())
	}
	wrong := strings.HasPrefix(cfg.APIKey.Reveal(), "wrong")
	if wrong && p.has("check-wrong/error") {
		return provider.CheckResponse{}, fault.Unauthenticated("the key is wrong")
	}
	if wrong != p.has("check-wrong") && wrong || p.has("check-good") {
		return provider.CheckResponse{Problem: "the key is wrong: take another one"}, nil
	}
	return provider.CheckResponse{OK: true, Account: "one"}, nil
}

// crowded fails when many checks are in work.
func (p *Plugin) crowded() error {
	if !p.has("concurrency") {
		return nil
	}
	defer p.busy.Add(-1)
	if p.busy.Add(1) > 16 {
		return fault.Unavailable("too many callers")
	}
	<-time.After(20 * time.Millisecond)
	return nil
}

// open reads a call's account and waits for the cloud.
func (p *Plugin) open(ctx context.Context, call provider.Call) error {
	cfg, err := provider.DecodeAccount[Config](call)
	if err != nil {
		return err
	}
	if strings.HasPrefix(cfg.APIKey.Reveal(), "wrong") && !p.has("calls-wrong") {
		e := fault.Unauthenticated("the key is wrong").Cloud("BadKey", "request-3")
		if p.has("secrets/error") {
			e.Message += ": " + cfg.APIKey.Reveal()
		}
		return e
	}
	if call.Region != "east" && call.Region != "west" && !p.has("region-unknown") {
		return fault.Invalid("call.region", "must be east or west")
	}
	return p.wait(ctx, cfg)
}

// wait takes as long as the cloud does.
func (p *Plugin) wait(ctx context.Context, cfg Config) error {
	d := p.cloud.slow()
	if cfg.Slow {
		d = time.Minute
	}
	if d == 0 {
		return nil
	}
	deadline, ok := ctx.Deadline()
	short := ok && time.Until(deadline) < time.Second
	if (p.has("deadline") && short) || (p.has("cancel") && !short) {
		<-p.release
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return fault.Unavailable("the cloud is slow").From(fault.SourceCloud)
	}
}

// Shutdown puts everything away, unless that is what is broken.
func (p *Plugin) Shutdown(context.Context) error {
	if p.has("shutdown") {
		go func() { <-p.release }()
	}
	return nil
}

// Kinds returns the registered kinds.
func (p *Plugin) Kinds() []*provider.Kind { return p.kinds }

// raw encodes a state that is known to have a JSON form.
func raw(s State) json.RawMessage {
	out, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	return out
}
