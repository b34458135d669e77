package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"tradewind.example/core/config"
	"tradewind.example/sdk/fault"
)

const sample = "../../configs/tradewind.yaml"

func TestSampleIsTheDefaults(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	// Parsed over nothing, so that a setting that the sample lacks shows.
	var got config.Config
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), got); diff != "" {
		t.Errorf("the sample shows other values than the defaults (-default +sample):\n%s", diff)
	}
	if _, err := config.Load(config.Sources{File: sample}); err != nil {
		t.Errorf("the sample is refused: %v", err)
	}
}

func TestSampleExplainsEverySetting(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var paths []string
	var walk func(prefix string, n *yaml.Node)
	walk = func(prefix string, n *yaml.Node) {
		for i := 0; i < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if v.Kind == yaml.MappingNode {
				walk(prefix+k.Value+".", v)
				continue
			}
			if v.LineComment == "" {
				t.Errorf("%s%s has no comment", prefix, k.Value)
			}
			if v.Kind == yaml.ScalarNode {
				paths = append(paths, prefix+k.Value)
			}
		}
	}
	walk("", doc.Content[0])
	if diff := cmp.Diff(config.Paths(), paths); diff != "" {
		t.Errorf("the settings in order (-code +sample):\n%s", diff)
	}
}

func write(t *testing.T, body string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "tradewind.yaml")
	if err := os.WriteFile(p, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLaterSourcesWin(t *testing.T) {
	t.Parallel()
	file := write(t, "listen: 127.0.0.1:1\nhttp: {body_limit: 10, idle_timeout: 7s}\nlog: {level: warn}\n")
	got, err := config.Load(config.Sources{
		File: file,
		Env: []string{"TRADEWIND_LISTEN=127.0.0.1:2", "TRADEWIND_HTTP_BODY_LIMIT=20", "HOME=x", "TRADEWIND_CONFIG=y",
			"TRADEWIND_PLUGINS_DEV=true", "TRADEWIND_PLUGINS_STREAMS_CONSOLE_IDLE=5m", "TRADEWIND_ORDERS_ATTENTION_AFTER=90s"},
		OtherEnv: []string{"TRADEWIND_CONFIG"},
		Flags:    map[string]string{"listen": "127.0.0.1:3", "plugins.streams.concurrent": "32"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Listen = "127.0.0.1:3"
	want.HTTP.BodyLimit = 20
	want.HTTP.IdleTimeout = 7 * time.Second
	want.Log.Level = "warn"
	want.Plugins.Dev = true
	want.Plugins.Streams.ConsoleIdle, want.Plugins.Streams.Concurrent = 5*time.Minute, 32
	want.Orders.AttentionAfter = 90 * time.Second
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEmptyFileIsTheDefaults(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "# nothing\n", "---\n"} {
		got, err := config.Load(config.Sources{File: write(t, body)})
		if diff := cmp.Diff(config.Default(), got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", body, err, diff)
		}
	}
}

func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ reason, body, path, names string }{
		"UnknownSetting":  {"a typing error must not be ignored", "listen: 127.0.0.1:1\n\nlissten: x\n", "lissten", "unknown setting (line 3)"},
		"UnknownInside":   {"nor one inside a section", "http:\n  nope: 1\n", "http.nope", "unknown setting (line 2)"},
		"UnknownInPlugin": {"nor one in a list", "plugins:\n  selections:\n    - nam: x\n", "plugins.selections[0].nam", "unknown setting (line 3)"},
		"UnknownInTable":  {"nor one in a table of names", "plugins:\n  deadlines: {Get: {dead: 1s}}\n", "plugins.deadlines.Get.dead", "unknown setting (line 2)"},
		"Twice":           {"one of two values would be lost", "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2\n", "listen", "set twice (line 2)"},
		"WrongType":       {"a word is not a number", "rate:\n  burst: many\n", "rate.burst", "a whole number (line 2)"},
		"WrongTruth":      {"nor a truth", "plugins:\n  dev: perhaps\n", "plugins.dev", "true or false (line 2)"},
		"WrongDuration":   {"a duration has a unit", "jobs:\n  grace: soon\n", "jobs.grace", "a duration such as 30s (line 2)"},
		"WrongSection":    {"a section is no value", "jobs: 3\n", "jobs", "a section of settings (line 1)"},
		"WrongList":       {"a list is no value", "plugins:\n  signing_keys: k.pub\n", "plugins.signing_keys", "a list (line 2)"},
		"WrongText":       {"a section is no text", "data_dir: {a: b}\n", "data_dir", "a text (line 1)"},
		"Merge":           {"sections are written out", "a: &a {}\nhttp: {<<: *a}\n", "http.<<", "unknown setting (line 2)"},
		"Endless":         {"an alias of itself ends somewhere", "plugins: &a {entries: [*a]}\n", "plugins.entries[0].entries", "unknown setting (line 1)"},
		"TwoDocuments":    {"the second one would be ignored", "listen: 127.0.0.1:1\n---\nlisten: b\n", "FILE", "one YAML document"},
		"NotYAML":         {"not YAML", "\tlisten", "FILE", "cannot start any token"},
		"List":            {"not settings", "- a\n", "FILE", "a section of settings (line 1)"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := write(t, tc.body)
			_, err := config.Load(config.Sources{File: file})
			if !fault.Is(err, fault.ClassInvalid) {
				t.Fatalf("%s: want an invalid, got %v", tc.reason, err)
			}
			want := strings.Replace(tc.path, "FILE", file, 1)
			if !slices.ContainsFunc(fault.As(err).Fields, func(f fault.Field) bool { return f.Path == want && strings.Contains(f.Message, tc.names) }) {
				t.Errorf("%s: want %q at %q, got %v", tc.reason, tc.names, want, err)
			}
			if strings.Contains(err.Error(), "config.") {
				t.Errorf("%s: the error names Go types: %v", tc.reason, err)
			}
		})
	}
	if _, err := config.Load(config.Sources{File: filepath.Join(t.TempDir(), "missing")}); err == nil {
		t.Error("a file that was named must exist")
	}
	if _, err := config.Load(config.Sources{File: write(t, strings.Repeat("#", 2<<20))}); err == nil {
		t.Error("a file is bounded")
	}
}

func TestProblemsOfAFileAreAllNamed(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.Sources{
		File:  write(t, "listen: nowhere\nhttp: {nope: 1, read_timeout: soon, body_limit: 0}\nlog: {level: loud}\nplugins: {entries: [{name: [x], path: p}]}\n"),
		Env:   []string{"TRADEWIND_JOBS_WORKERS=none"},
		Flags: map[string]string{"no.such": "1"},
	})
	var paths []string
	for _, f := range fault.As(err).Fields {
		paths = append(paths, f.Path)
	}
	slices.Sort(paths)
	want := []string{"http.body_limit", "http.nope", "http.read_timeout", "jobs.workers", "listen", "log.level", "no.such",
		"plugins.entries[0].name", "plugins.entries[0].sha256", "plugins.entries[0].version"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("every problem is named once, whatever its kind and its source (-want +got):\n%s", diff)
	}
}

func TestProblemsAreAllNamed(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.Sources{
		Env: []string{"TRADEWIND_LISEN=x", "TRADEWIND_RATE_BURST=many", "TRADEWIND_JOBS_WORKERS=0"},
		Flags: map[string]string{"log.level": "loud", "http.read_timeout": "-1s", "tls.cert_file": "c.pem",
			"no.such": "1", "plugins.dev": "perhaps"},
	})
	var paths []string
	for _, f := range fault.As(err).Fields {
		paths = append(paths, f.Path)
	}
	slices.Sort(paths)
	want := []string{"TRADEWIND_LISEN", "http.read_timeout", "jobs.workers", "log.level", "no.such", "plugins.dev",
		"rate.burst", "tls"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("every problem is named once (-want +got):\n%s", diff)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0", 64)
	cases := map[string]struct {
		reason string
		edit   func(*config.Config)
		path   string
	}{
		"Defaults":       {"the defaults are valid", func(*config.Config) {}, ""},
		"NoPort":         {"an address has a port", func(c *config.Config) { c.Listen = "localhost" }, "listen"},
		"BadPort":        {"and a numeric one", func(c *config.Config) { c.Listen = ":http" }, "listen"},
		"BigPort":        {"of 16 bits", func(c *config.Config) { c.Listen = ":65536" }, "listen"},
		"KeysWithData":   {"a backup of the data must not hold the keys", func(c *config.Config) { c.KeysetFile = "var/data/keys/k.json" }, "keyset_file"},
		"KeysByDetour":   {"by any spelling", func(c *config.Config) { c.KeysetFile = "var/x/../data/k.json" }, "keyset_file"},
		"KeysBeside":     {"a like name is another folder", func(c *config.Config) { c.KeysetFile = "var/data-keys/k.json" }, ""},
		"NoDataDir":      {"data has a place", func(c *config.Config) { c.DataDir = "" }, "data_dir"},
		"HalfTLS":        {"a key without its certificate", func(c *config.Config) { c.TLS.KeyFile = "k" }, "tls"},
		"LocalZone":      {"Local differs between machines", func(c *config.Config) { c.Operator.TimeZone = "Local" }, "operator.time_zone"},
		"BadCurrency":    {"currencies are codes", func(c *config.Config) { c.Operator.Currency = "yuan" }, "operator.currency"},
		"NoRateLimit":    {"0 means none", func(c *config.Config) { c.Rate = config.Rate{} }, ""},
		"RateNoBurst":    {"a rate without a burst admits nobody", func(c *config.Config) { c.Rate.Burst = 0 }, "rate.burst"},
		"NegativeRate":   {"a rate counts", func(c *config.Config) { c.Rate.PerSecond = -1 }, "rate.per_second"},
		"SyncByHand":     {"0 means when asked", func(c *config.Config) { c.Catalogue.SyncEvery = 0 }, ""},
		"SyncTooOften":   {"clouds throttle", func(c *config.Config) { c.Catalogue.SyncEvery = time.Second }, "catalogue.sync_every"},
		"Midnight":       {"0 is an hour", func(c *config.Config) { c.Resources.CompareHour = 0 }, ""},
		"Hour24":         {"24 is none", func(c *config.Config) { c.Resources.CompareHour = 24 }, "resources.compare_hour"},
		"IdleBeyondLife": {"a session cannot be idle for longer than it lives", func(c *config.Config) { c.Sessions.Idle = 48 * time.Hour }, "sessions.idle"},
		"LockOrder":      {"locks grow", func(c *config.Config) { c.SignIn.LockFirst = time.Hour }, "sign_in.lock_first"},
		"WatchWindow":    {"time does not run backwards", func(c *config.Config) { c.Plugins.Watch.Window = -1 }, "plugins.watch.window"},
		"WatchEvery":     {"a comparison takes a while", func(c *config.Config) { c.Plugins.Watch.Every = 0 }, "plugins.watch.every"},
		"WatchRatio":     {"nothing is compared with nothing", func(c *config.Config) { c.Plugins.Watch.Ratio = 0 }, "plugins.watch.ratio"},
		"WatchFloor":     {"a share of a hundred", func(c *config.Config) { c.Plugins.Watch.Floor = 101 }, "plugins.watch.floor"},
		"StreamsNone":    {"a plugin without any would have no logs", func(c *config.Config) { c.Plugins.Streams.Concurrent = 0 }, "plugins.streams.concurrent"},
		"StreamsOfOrg":   {"one org has no more than all", func(c *config.Config) { c.Plugins.Streams.PerOrg = 65 }, "plugins.streams.per_org"},
		"ConsoleIdle":    {"silence ends", func(c *config.Config) { c.Plugins.Streams.ConsoleIdle = 13 * time.Hour }, "plugins.streams.console_idle"},
		"LogIdle":        {"silence takes a while", func(c *config.Config) { c.Plugins.Streams.LogIdle = -1 }, "plugins.streams.log_idle"},
		"BreakerOrder":   {"pauses grow", func(c *config.Config) { c.Plugins.Breaker.OpenFor = time.Hour }, "plugins.breaker.open_for"},
		"QuoteKeep":      {"a quote is kept while it lives", func(c *config.Config) { c.Quotes.Keep = time.Minute }, "quotes.keep"},
		"HashMemory":     {"argon2 needs memory for each lane", func(c *config.Config) { c.Passwords.MemoryKiB = 4 }, "passwords.memory_kib"},
		"Plugin": {"a pinned plugin", func(c *config.Config) {
			c.Plugins.Entries = []config.Plugin{{Name: "ucloud", Version: "1", Path: "p", SHA256: hash}}
		}, ""},
		"PluginTwice": {"a version is declared once", func(c *config.Config) {
			e := config.Plugin{Name: "ucloud", Version: "1", Path: "p", SHA256: hash}
			c.Plugins.Entries = []config.Plugin{e, e}
		}, "plugins.entries[1].version"},
		"Versions": {"several versions stand side by side", func(c *config.Config) {
			twoVersions(c)
			c.Plugins.Selections = []config.PluginSelection{{Name: "ucloud", Active: "1", Pins: []config.PluginPin{
				{Group: "pilots", Orgs: []string{"o"}, Version: "2"}, {Group: "alone", Orgs: []string{"p"}, Isolated: true},
			}}}
		}, ""},
		"VersionsUnchosen":  {"one of them must be chosen", twoVersions, "plugins.selections"},
		"SelectionOfNone":   {"of a plugin that is declared", selecting(config.PluginSelection{Name: "other", Active: "1"}), "plugins.selections[1].name"},
		"SelectionTwice":    {"once", selecting(config.PluginSelection{Name: "ucloud", Active: "1"}), "plugins.selections[1].name"},
		"SelectionVersion":  {"in a version that is declared", choosing("9"), "plugins.selections[0].active"},
		"PinVersion":        {"pins as well", choosing("1", config.PluginPin{Group: "g", Orgs: []string{"o"}, Version: "9"}), "plugins.selections[0].pins[0].version"},
		"PinNothing":        {"a pin says what differs", choosing("1", config.PluginPin{Group: "g", Orgs: []string{"o"}}), "plugins.selections[0].pins[0].version"},
		"PinNobody":         {"and for whom", choosing("1", config.PluginPin{Group: "g", Isolated: true}), "plugins.selections[0].pins[0].orgs"},
		"PinGroup":          {"groups have names", choosing("1", config.PluginPin{Group: "A b", Orgs: []string{"o"}, Isolated: true}), "plugins.selections[0].pins[0].group"},
		"SignatureNoKey":    {"without a key nothing could run", func(c *config.Config) { c.Plugins.RequireSignature = true }, "plugins.require_signature"},
		"SignatureKey":      {"keys are files", func(c *config.Config) { c.Plugins.SigningKeys = []string{" "} }, "plugins.signing_keys[0]"},
		"SignatureRequired": {"a key and the wish", func(c *config.Config) { c.Plugins.SigningKeys, c.Plugins.RequireSignature = []string{"k.pub"}, true }, ""},
		"SignatureDev": {"development runs anything", func(c *config.Config) {
			c.Plugins.SigningKeys, c.Plugins.RequireSignature, c.Plugins.Dev = []string{"k.pub"}, true, true
		}, "plugins.require_signature"},
		"Unpinned": {"production runs what was pinned", func(c *config.Config) {
			c.Plugins.Entries = []config.Plugin{{Name: "ucloud", Version: "1", Path: "p"}}
		}, "plugins.entries[0].sha256"},
		"UnpinnedDev": {"development runs what was just built", func(c *config.Config) {
			c.Plugins.Dev, c.Plugins.Entries = true, []config.Plugin{{Name: "ucloud", Path: "p"}}
		}, ""},
		"PluginName": {"names become file names", func(c *config.Config) {
			c.Plugins.Entries = []config.Plugin{{Name: "../x", Version: "1", Path: "p", SHA256: hash}}
		}, "plugins.entries[0].name"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config.Default()
			tc.edit(&cfg)
			err := cfg.Validate()
			if tc.path == "" {
				if err != nil {
					t.Errorf("%s: %v", tc.reason, err)
				}
				return
			}
			fields := fault.As(err).Fields
			if len(fields) != 1 || fields[0].Path != tc.path {
				t.Errorf("%s: want one problem at %q, got %v", tc.reason, tc.path, err)
			}
		})
	}
}

// twoVersions declares a plugin in two versions.
func twoVersions(c *config.Config) {
	for _, v := range []string{"1", "2"} {
		c.Plugins.Entries = append(c.Plugins.Entries, config.Plugin{Name: "ucloud", Version: v, Path: "p", SHA256: strings.Repeat("0", 64)})
	}
}

// choosing selects one of them.
func choosing(active string, pins ...config.PluginPin) func(*config.Config) {
	return func(c *config.Config) {
		twoVersions(c)
		c.Plugins.Selections = []config.PluginSelection{{Name: "ucloud", Active: active, Pins: pins}}
	}
}

// selecting adds a selection to a good one.
func selecting(s config.PluginSelection) func(*config.Config) {
	return func(c *config.Config) {
		choosing("1")(c)
		c.Plugins.Selections = append(c.Plugins.Selections, s)
	}
}

func TestEveryCountMustBePositive(t *testing.T) {
	t.Parallel()
	free := regexp.MustCompile(`^(rate\.per_second|rate\.burst|catalogue\.sync_every|resources\.compare_hour)$`)
	for _, path := range config.Paths() {
		for _, text := range []string{"-1", "-1s"} {
			_, err := config.Load(config.Sources{Flags: map[string]string{path: text}})
			named := err != nil && slices.ContainsFunc(fault.As(err).Fields, func(f fault.Field) bool { return f.Path == path })
			if !named && !free.MatchString(path) && !textSetting(path) {
				t.Errorf("%s accepts %s", path, text)
			}
		}
	}
}

// textSetting reports whether a setting takes any text.
func textSetting(path string) bool {
	return slices.Contains([]string{"data_dir", "keyset_file", "operator.name", "operator.login", "plugins.dir", "plugins.run_dir", "plugins.drop_dir",
		"tls.cert_file", "tls.key_file"}, path)
}

func TestEnvironmentNamesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, path := range config.Paths() {
		name := config.EnvName(path)
		if other, twice := seen[name]; twice {
			t.Errorf("%s stands for %s and %s", name, other, path)
		}
		seen[name] = path
	}
}

func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile(sample)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("plugins: {entries: [{name: a}]}"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("plugins: &a {deadlines: *a, entries: [*a, *a]}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		cfg, err := config.Parse(raw)
		if err != nil && !fault.Is(err, fault.ClassInvalid) {
			t.Errorf("not classified: %v", err)
		}
		_ = cfg.Validate() // answers, whatever was read
	})
}
