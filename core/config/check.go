package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// problems collects what is wrong, each with its path.
type problems struct{ fields []fault.Field }

func (p *problems) add(path, format string, args ...any) {
	p.fields = append(p.fields, fault.Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

// addOthers adds what is wrong with places of which nothing is told yet: a
// value that cannot be read is not judged as well.
func (p *problems) addOthers(fields []fault.Field) {
	told := map[string]bool{}
	for _, f := range p.fields {
		told[f.Path] = true
	}
	for _, f := range fields {
		if !told[f.Path] {
			p.fields = append(p.fields, f)
		}
	}
}

func (p *problems) err() error {
	if len(p.fields) == 0 {
		return nil
	}
	e := fault.New(fault.ClassInvalid, "the configuration is not valid")
	e.Fields = p.fields
	return e
}

// Validate returns a fault that names every problem with its path.
func (cfg Config) Validate() error {
	p := problems{fields: cfg.problems()}
	return p.err()
}

func (cfg Config) problems() []fault.Field {
	var p problems
	p.listen(cfg.Listen)
	p.files(cfg)
	p.operator(cfg.Operator)
	p.positive(cfg)
	p.plugins(cfg.Plugins)
	p.passwords(cfg.Passwords)
	p.hour("resources.compare_hour", cfg.Resources.CompareHour)
	if cfg.Dev.ClockOffset < 0 {
		p.add("dev.clock_offset", "must not be negative: time does not run backwards")
	}
	p.oneOf("log.level", cfg.Log.Level, "debug", "info", "warn", "error")
	p.oneOf("log.format", cfg.Log.Format, "json", "text")
	if cfg.Rate.PerSecond < 0 {
		p.add("rate.per_second", "must not be negative; 0 means no limit")
	}
	if cfg.Rate.PerSecond > 0 && cfg.Rate.Burst < 1 {
		p.add("rate.burst", "must be at least 1")
	}
	if cfg.Catalogue.SyncEvery != 0 && cfg.Catalogue.SyncEvery < time.Minute {
		p.add("catalogue.sync_every", "must be at least 1m, or 0 for only when asked")
	}
	if cfg.Sessions.Idle > cfg.Sessions.Life {
		p.add("sessions.idle", "must not be longer than sessions.life")
	}
	if cfg.SignIn.LockFirst > cfg.SignIn.LockMax {
		p.add("sign_in.lock_first", "must not be longer than sign_in.lock_max")
	}
	if least := provider.MinTokenLife; cfg.Plugins.Storage.KeepTokens < least {
		p.add("plugins.storage.keep_tokens", "must be at least %s: a plugin may repeat a change for so long", least)
	}
	if cfg.Plugins.PerOrg < 0 {
		p.add("plugins.per_org", "must not be negative; 0 means all")
	}
	p.streams(cfg.Plugins.Streams)
	if b := cfg.Plugins.Breaker; b.OpenFor > b.MaxOpen {
		p.add("plugins.breaker.open_for", "must not be longer than plugins.breaker.max_open")
	}
	p.watch(cfg.Plugins.Watch)
	p.isolation("plugins.isolation", cfg.Plugins.Isolation)
	if c := cfg.Plugins.Cgroup; c != "" && !filepath.IsAbs(c) {
		p.add("plugins.cgroup", "must be an absolute path below /sys/fs/cgroup")
	}
	p.url("telemetry.otlp_endpoint", cfg.Telemetry.OTLPEndpoint)
	if cfg.Quotes.Life > cfg.Quotes.Keep {
		p.add("quotes.keep", "must not be shorter than quotes.life")
	}
	return p.fields
}

// longestStream is how long a log or console lasts at most.
const longestStream = 12 * time.Hour

func (p *problems) streams(s Streams) {
	if s.Concurrent > 0 && s.PerOrg > s.Concurrent {
		p.add("plugins.streams.per_org", "must not be more than plugins.streams.concurrent")
	}
	for _, x := range []struct {
		path string
		idle time.Duration
	}{{"console_idle", s.ConsoleIdle}, {"log_idle", s.LogIdle}} {
		if x.idle > longestStream {
			p.add("plugins.streams."+x.path, "must be at most %s, which is the longest that one lasts", longestStream)
		}
	}
}

func (p *problems) watch(w PluginWatch) {
	if w.Window < 0 {
		p.add("plugins.watch.window", "must not be negative; 0 means no comparison")
	}
	if w.Floor > 100 {
		p.add("plugins.watch.floor", "must be at most 100")
	}
}

func (p *problems) listen(addr string) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		p.add("listen", "must be host:port, not %q", addr)
		return
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		p.add("listen", "must end with a port from 0 to 65535, not %q", port)
	}
}

func (p *problems) files(cfg Config) {
	for _, f := range [...]struct{ path, value string }{
		{"data_dir", cfg.DataDir}, {"keyset_file", cfg.KeysetFile}, {"plugins.dir", cfg.Plugins.Dir},
	} {
		if strings.TrimSpace(f.value) == "" {
			p.add(f.path, "is required")
		}
	}
	if (cfg.TLS.CertFile == "") != (cfg.TLS.KeyFile == "") {
		p.add("tls", "needs both cert_file and key_file, or neither")
	}
	if cfg.KeysetFile != "" && cfg.DataDir != "" && within(cfg.DataDir, cfg.KeysetFile) {
		p.add("keyset_file", "must lie outside data_dir, so that a copy of the data opens no secrets")
	}
}

func within(dir, file string) bool {
	rel, err := filepath.Rel(filepath.Clean(dir), filepath.Clean(file))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func (p *problems) operator(o Operator) {
	if strings.TrimSpace(o.Name) == "" {
		p.add("operator.name", "is required")
	}
	if o.Login == "" {
		p.add("operator.login", "is required")
	}
	if _, err := time.LoadLocation(o.TimeZone); err != nil || o.TimeZone == "" || o.TimeZone == "Local" {
		p.add("operator.time_zone", "must be an IANA time zone such as Asia/Shanghai")
	}
	if len(o.Currency) != 3 || strings.ToUpper(o.Currency) != o.Currency {
		p.add("operator.currency", "must be an ISO 4217 code such as CNY")
	}
}

// positive checks the settings that are durations and counts, apart from those
// in which 0 has a meaning.
func (p *problems) positive(cfg Config) {
	zero := map[string]bool{"rate.per_second": true, "rate.burst": true, "catalogue.sync_every": true,
		"plugins.isolation.memory_bytes": true, "plugins.isolation.cpu_millis": true, "plugins.isolation.max_processes": true,
		"plugins.isolation.open_files": true, "plugins.isolation.uid": true, "plugins.isolation.gid": true,
		"resources.compare_hour": true, "dev.clock_offset": true, "plugins.per_org": true, "plugins.watch.window": true}
	for _, s := range settings(&cfg) {
		if s.value.CanInt() && !zero[s.path] && s.value.Int() <= 0 {
			p.add(s.path, "must be positive")
		}
	}
}

func (p *problems) passwords(c Passwords) {
	if c.MemoryKiB > 1<<20 {
		p.add("passwords.memory_kib", "must be at most %d", 1<<20)
	}
	if c.MemoryKiB > 0 && c.MemoryKiB < 8*c.Lanes {
		p.add("passwords.memory_kib", "must be at least 8 for each lane")
	}
	if c.Passes > 64 {
		p.add("passwords.passes", "must be at most 64")
	}
	if c.Lanes > 16 {
		p.add("passwords.lanes", "must be at most 16")
	}
}

// isolation repeats the bounds of the host, so that all that is wrong is told at once.
func (p *problems) isolation(path string, i Isolation) {
	for _, b := range [...]struct {
		name     string
		v, least int
	}{
		{"memory_bytes", i.MemoryBytes, 16 << 20}, {"cpu_millis", i.CPUMillis, 10}, {"max_processes", i.MaxProcesses, 16},
		{"open_files", i.OpenFiles, 32}, {"uid", i.UID, 1}, {"gid", i.GID, 1},
	} {
		if b.v != 0 && b.v < b.least {
			p.add(path+"."+b.name, "must be 0 or at least %d", b.least)
		}
	}
	if (i.UID == 0) != (i.GID == 0) && i.UID >= 0 && i.GID >= 0 {
		p.add(path+".gid", "goes together with uid")
	}
}

// url takes an address without a user or password in it; "" is none.
func (p *problems) url(path, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		p.add(path, "must be a URL that begins with http:// or https://, without a password in it")
	}
}

func (p *problems) hour(path string, h int) {
	if h < 0 || h > 23 {
		p.add(path, "must be an hour from 0 to 23")
	}
}

func (p *problems) oneOf(path, value string, words ...string) {
	for _, w := range words {
		if value == w {
			return
		}
	}
	p.add(path, "must be one of %s, not %q", strings.Join(words, ", "), value)
}

var (
	pluginName  = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	pinGroup    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	sha256Digit = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func (p *problems) plugins(c Plugins) {
	type version struct{ name, version string }
	seen := map[version]int{}
	count := map[string]int{}
	for i, e := range c.Entries {
		at := fmt.Sprintf("plugins.entries[%d].", i)
		this := version{e.Name, e.Version}
		if !pluginName.MatchString(e.Name) {
			p.add(at+"name", "must be lower-case letters, digits, - and _, beginning with a letter")
		} else if first, twice := seen[this]; twice {
			p.add(at+"version", "is %q of %q again, as in plugins.entries[%d]", e.Version, e.Name, first)
		} else {
			seen[this] = i
			count[e.Name]++
		}
		if e.Path == "" {
			p.add(at+"path", "is required")
		}
		if !sha256Digit.MatchString(e.SHA256) && (e.SHA256 != "" || !c.Dev) {
			p.add(at+"sha256", "must be the binary's SHA-256 in lower-case hex")
		}
		if e.Version == "" && !c.Dev {
			p.add(at+"version", "is required")
		}
		p.isolation(at+"isolation", e.Isolation)
	}
	declared := func(name, v string) bool { _, ok := seen[version{name, v}]; return ok }
	p.selections(c.Selections, count, declared)
	p.signing(c)
}

// selections wants a choice for every plugin with several versions, among those
// that are declared.
func (p *problems) selections(all []PluginSelection, versions map[string]int, declared func(name, version string) bool) {
	chosen := map[string]bool{}
	for i, s := range all {
		at := fmt.Sprintf("plugins.selections[%d].", i)
		switch {
		case versions[s.Name] == 0:
			p.add(at+"name", "%q has no entry in plugins.entries", s.Name)
			continue
		case chosen[s.Name]:
			p.add(at+"name", "is %q again", s.Name)
		case !declared(s.Name, s.Active):
			p.add(at+"active", "version %q of %q has no entry in plugins.entries", s.Active, s.Name)
		}
		chosen[s.Name] = true
		for j, pin := range s.Pins {
			p.pin(fmt.Sprintf("%spins[%d].", at, j), pin, pin.Version == "" || declared(s.Name, pin.Version))
		}
	}
	for _, name := range sortedKeys(versions) {
		if versions[name] > 1 && !chosen[name] {
			p.add("plugins.selections", "must say which of the %d versions of %q is active", versions[name], name)
		}
	}
}

func (p *problems) pin(at string, pin PluginPin, declared bool) {
	if !pinGroup.MatchString(pin.Group) {
		p.add(at+"group", "must be lower-case letters, digits, ., - and _")
	}
	if len(pin.Orgs) == 0 {
		p.add(at+"orgs", "must name at least one org")
	}
	if !declared {
		p.add(at+"version", "version %q has no entry in plugins.entries", pin.Version)
	}
	if pin.Version == "" && !pin.Isolated {
		p.add(at+"version", "is required, unless the group is isolated")
	}
}

func (p *problems) signing(c Plugins) {
	for i, file := range c.SigningKeys {
		if strings.TrimSpace(file) == "" {
			p.add(fmt.Sprintf("plugins.signing_keys[%d]", i), "must be the name of a file")
		}
	}
	if c.RequireSignature && len(c.SigningKeys) == 0 {
		p.add("plugins.require_signature", "needs plugins.signing_keys: without a key nothing could run")
	}
	if c.RequireSignature && c.Dev {
		p.add("plugins.require_signature", "cannot be combined with plugins.dev, which lets anything run")
	}
}
