// Package config is how the broker is set up: the settings with their defaults,
// read from a YAML file, then the environment, then flags, and checked as a
// whole before anything starts.
//
// It opens nothing and knows no other package; the composition root hands each
// setting to whoever it is for. No setting is a secret: files are named, not
// quoted, so that a configuration may be logged, and environment and argv hold
// nothing to hide. Relative paths count from the working directory.
//
// A setting's path joins its keys with dots, "http.body_limit"; in the
// environment that is TRADEWIND_HTTP_BODY_LIMIT. A [Config] is a plain value.
package config

import "time"

// Config is every setting.
type Config struct {
	Listen     string    `yaml:"listen"`      // host:port of the API
	DataDir    string    `yaml:"data_dir"`    // the store's folder
	KeysetFile string    `yaml:"keyset_file"` // the keys of stored secrets; outside DataDir
	TLS        TLS       `yaml:"tls"`
	Operator   Operator  `yaml:"operator"`
	HTTP       HTTP      `yaml:"http"`
	Rate       Rate      `yaml:"rate"`
	SignIn     SignIn    `yaml:"sign_in"`
	Sessions   Sessions  `yaml:"sessions"`
	Passwords  Passwords `yaml:"passwords"`
	Plugins    Plugins   `yaml:"plugins"`
	Store      Store     `yaml:"store"`
	Jobs       Jobs      `yaml:"jobs"`
	Quotes     Quotes    `yaml:"quotes"`
	Orders     Orders    `yaml:"orders"`
	Catalogue  Catalogue `yaml:"catalogue"`
	Resources  Resources `yaml:"resources"`
	Dev        Dev       `yaml:"dev"`
	Log        Log       `yaml:"log"`
	Telemetry  Telemetry `yaml:"telemetry"`
}

// TLS serves HTTPS when both files are given.
type TLS struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// Operator is the root org that the first start makes.
type Operator struct {
	Name     string `yaml:"name"`
	Login    string `yaml:"login"` // of its first superadmin
	TimeZone string `yaml:"time_zone"`
	Currency string `yaml:"currency"`
}

// HTTP bounds connections and requests.
type HTTP struct {
	BodyLimit      int           `yaml:"body_limit"`      // bytes of a request body
	RequestTimeout time.Duration `yaml:"request_timeout"` // longest a request may take
	ReadTimeout    time.Duration `yaml:"read_timeout"`    // longest the client may take to send one
	IdleTimeout    time.Duration `yaml:"idle_timeout"`    // longest a connection may be silent
	MaxConnections int           `yaml:"max_connections"`
	ShutdownGrace  time.Duration `yaml:"shutdown_grace"` // longest a stop waits for requests
}

// Rate bounds the requests of one caller.
type Rate struct {
	PerSecond int `yaml:"per_second"` // 0: no limit
	Burst     int `yaml:"burst"`
}

// SignIn slows down guessing.
type SignIn struct {
	LoginEvery time.Duration `yaml:"login_every"` // one more try for a login after each
	LoginBurst int           `yaml:"login_burst"`
	IPEvery    time.Duration `yaml:"ip_every"` // one more try from an address after each
	IPBurst    int           `yaml:"ip_burst"`
	LockAfter  int           `yaml:"lock_after"` // failures in a row that lock a login
	LockFirst  time.Duration `yaml:"lock_first"`
	LockMax    time.Duration `yaml:"lock_max"`
}

// Sessions bounds how long people and programs stay signed in.
type Sessions struct {
	Idle      time.Duration `yaml:"idle"`       // an unused session ends
	Life      time.Duration `yaml:"life"`       // any session ends
	TokenLife time.Duration `yaml:"token_life"` // the latest expiry of an API token
}

// Passwords is the cost of one argon2id hash.
type Passwords struct {
	MemoryKiB   int `yaml:"memory_kib"`
	Passes      int `yaml:"passes"`
	Lanes       int `yaml:"lanes"`
	Concurrency int `yaml:"concurrency"` // hashes computed at once
}

// Plugins says where plugins are and which may run.
type Plugins struct {
	Dir        string        `yaml:"dir"`
	RunDir     string        `yaml:"run_dir"`  // sockets; empty: below Dir
	DropDir    string        `yaml:"drop_dir"` // plugins are installed over REST from here; empty: not at all
	Dev        bool          `yaml:"dev"`      // unpinned binaries may run
	Concurrent int           `yaml:"concurrent"`
	PerOrg     int           `yaml:"per_org"` // of them, at most for one org; 0: all
	Queue      int           `yaml:"queue"`
	QueueWait  time.Duration `yaml:"queue_wait"`
	Streams    Streams       `yaml:"streams"`
	Breaker    Breaker       `yaml:"breaker"`
	Watch      PluginWatch   `yaml:"watch"`
	// Deadlines replaces the built-in times of methods, by name.
	Deadlines map[string]Deadline `yaml:"deadlines"`
	Storage   PluginStorage       `yaml:"storage"`
	Isolation Isolation           `yaml:"isolation"` // of every plugin whose entry says nothing else
	Cgroup    string              `yaml:"cgroup"`    // a delegated cgroup v2 folder without processes; empty: plugins have no cgroup
	// SigningKeys are files with the public keys of those who may sign plugins.
	SigningKeys      []string          `yaml:"signing_keys"`
	RequireSignature bool              `yaml:"require_signature"` // nothing else runs
	Entries          []Plugin          `yaml:"entries"`
	Selections       []PluginSelection `yaml:"selections"` // needed for plugins with several entries
}

// Streams bounds the logs and consoles that are open at one plugin, beside its
// calls.
type Streams struct {
	Concurrent  int           `yaml:"concurrent"`
	PerOrg      int           `yaml:"per_org"`      // of them, at most for one org
	ConsoleIdle time.Duration `yaml:"console_idle"` // a console through which nothing passes ends
	LogIdle     time.Duration `yaml:"log_idle"`     // a followed log that prints nothing ends
}

// Breaker holds calls back to an account at a cloud that is not served.
type Breaker struct {
	Failures int           `yaml:"failures"` // in a row that open it
	OpenFor  time.Duration `yaml:"open_for"` // first pause, doubled with each failed probe
	MaxOpen  time.Duration `yaml:"max_open"` // longest pause
}

// PluginWatch compares a plugin's new version with the one before it, which
// comes back by itself when the new one fails more calls.
type PluginWatch struct {
	Window   time.Duration `yaml:"window"`    // from its first call on; 0: no comparison
	Every    time.Duration `yaml:"every"`     // between comparisons
	MinCalls int           `yaml:"min_calls"` // below so many calls nothing is judged
	Ratio    int           `yaml:"ratio"`     // how many times the old version's failure rate is too much
	Floor    int           `yaml:"floor"`     // failures in a hundred calls that are always accepted
}

// Deadline is how long calls of one method may take; 0 keeps the built-in time.
type Deadline struct {
	Deadline time.Duration `yaml:"deadline"` // where the caller names none
	Max      time.Duration `yaml:"max"`      // where the caller does
}

// PluginStorage bounds what one plugin may keep for one root org.
type PluginStorage struct {
	Keys            int           `yaml:"keys"`
	Bytes           int           `yaml:"bytes"`
	KeepTokens      time.Duration `yaml:"keep_tokens"`       // transactions repeated within this time are made once
	EventsPerSecond int           `yaml:"events_per_second"` // that one plugin may emit
}

// Plugin is one plugin that may run.
type Plugin struct {
	Name     string            `yaml:"name"`
	Version  string            `yaml:"version"`
	Path     string            `yaml:"path"`   // of the binary inside the plugin folder
	SHA256   string            `yaml:"sha256"` // pins the binary, lower-case hex
	Args     []string          `yaml:"args"`
	Env      map[string]string `yaml:"env"` // no secrets: they travel in the calls
	Disabled bool              `yaml:"disabled"`
	// Isolation of this plugin; what it leaves at 0 is as for all plugins.
	Isolation Isolation `yaml:"isolation"`
}

// PluginSelection says which of a plugin's entries serves whom.
type PluginSelection struct {
	Name   string      `yaml:"name"`
	Active string      `yaml:"active"` // version
	Pins   []PluginPin `yaml:"pins"`
}

// PluginPin lets a group of orgs be served by another version than the active
// one, or by processes of their own.
type PluginPin struct {
	Group    string   `yaml:"group"`   // a name of the operator's choice
	Orgs     []string `yaml:"orgs"`    // ids; a root's id means its whole tree
	Version  string   `yaml:"version"` // empty: the active one, of an isolated group
	Isolated bool     `yaml:"isolated"`
}

// Isolation bounds what one plugin process may take; 0 sets no bound.
type Isolation struct {
	MemoryBytes  int `yaml:"memory_bytes"`  // at least 16 MiB
	CPUMillis    int `yaml:"cpu_millis"`    // thousandths of a processor, at least 10
	MaxProcesses int `yaml:"max_processes"` // processes and threads, at least 16
	OpenFiles    int `yaml:"open_files"`    // at least 32; 0: 1024
	UID          int `yaml:"uid"`           // of a user of its own; needs root
	GID          int `yaml:"gid"`
}

// Store tunes the embedded store.
type Store struct {
	LockTimeout time.Duration `yaml:"lock_timeout"` // how long to wait for another process
	MaxBatch    int           `yaml:"max_batch"`    // updates that share one commit
}

// Jobs runs the background work.
type Jobs struct {
	Workers  int           `yaml:"workers"`
	KeepDone time.Duration `yaml:"keep_done"` // finished jobs stay listed
	Grace    time.Duration `yaml:"grace"`     // longest a stop waits for running jobs
}

// Quotes bounds quotes.
type Quotes struct {
	Life     time.Duration `yaml:"life"`      // how long a quote may be ordered
	Keep     time.Duration `yaml:"keep"`      // how long it stays stored
	ListLife time.Duration `yaml:"list_life"` // how long a cloud's list price is reused
}

// Orders bounds the work on one order.
type Orders struct {
	CallTimeout    time.Duration `yaml:"call_timeout"`    // of one call to a cloud
	RetryFor       time.Duration `yaml:"retry_for"`       // how long a refused call is tried again
	AttentionAfter time.Duration `yaml:"attention_after"` // an order open for longer needs a person
}

// Catalogue keeps the products up to date.
type Catalogue struct {
	SyncEvery time.Duration `yaml:"sync_every"` // 0: only when asked
}

// Resources watches what exists at the clouds.
type Resources struct {
	CompareHour int `yaml:"compare_hour"` // hour of the day, in the operator's time zone
}

// Dev is for trying the broker out, never for production.
type Dev struct {
	ClockOffset time.Duration `yaml:"clock_offset"` // the broker's clock runs ahead by so much
}

// Log is the process's log.
type Log struct {
	Level  string `yaml:"level"`  // debug info warn error
	Format string `yaml:"format"` // json text
}

// Telemetry sends traces of requests, jobs and plugin calls to a collector.
type Telemetry struct {
	OTLPEndpoint string `yaml:"otlp_endpoint"` // URL of the collector's traces; empty: nothing is traced
	SampleEvery  int    `yaml:"sample_every"`  // one of so many requests is traced
}

// Default returns every setting's default.
func Default() Config {
	return Config{
		Listen:     "127.0.0.1:8080",
		DataDir:    "var/data",
		KeysetFile: "var/keys/keyset.json",
		Operator:   Operator{Name: "Operator", Login: "admin", TimeZone: "Asia/Shanghai", Currency: "CNY"},
		HTTP: HTTP{BodyLimit: 1 << 20, RequestTimeout: 60 * time.Second, ReadTimeout: 15 * time.Second,
			IdleTimeout: 2 * time.Minute, MaxConnections: 16384, ShutdownGrace: 20 * time.Second},
		Rate: Rate{PerSecond: 200, Burst: 400},
		SignIn: SignIn{LoginEvery: 3 * time.Second, LoginBurst: 10, IPEvery: 500 * time.Millisecond, IPBurst: 60,
			LockAfter: 8, LockFirst: 30 * time.Second, LockMax: 15 * time.Minute},
		Sessions:  Sessions{Idle: 2 * time.Hour, Life: 24 * time.Hour, TokenLife: 366 * 24 * time.Hour},
		Passwords: Passwords{MemoryKiB: 19 << 10, Passes: 2, Lanes: 1, Concurrency: 2},
		Plugins: Plugins{Dir: "var/plugins", Concurrent: 128, Queue: 512, QueueWait: 10 * time.Second,
			Streams: Streams{Concurrent: 64, PerOrg: 16, ConsoleIdle: 15 * time.Minute, LogIdle: 30 * time.Minute},
			Breaker: Breaker{Failures: 5, OpenFor: 5 * time.Second, MaxOpen: time.Minute},
			Watch:   PluginWatch{Window: 5 * time.Minute, Every: time.Second, MinCalls: 20, Ratio: 3, Floor: 5}, Deadlines: map[string]Deadline{},
			SigningKeys: []string{}, Entries: []Plugin{}, Selections: []PluginSelection{},
			Storage: PluginStorage{Keys: 1_000_000, Bytes: 1 << 30, KeepTokens: 90 * 24 * time.Hour, EventsPerSecond: 200}},
		Store:     Store{LockTimeout: time.Second, MaxBatch: 512},
		Jobs:      Jobs{Workers: 128, KeepDone: time.Hour, Grace: 10 * time.Second},
		Quotes:    Quotes{Life: 30 * time.Minute, Keep: 7 * 24 * time.Hour, ListLife: time.Minute},
		Orders:    Orders{CallTimeout: 30 * time.Second, RetryFor: 10 * time.Minute, AttentionAfter: 15 * time.Minute},
		Catalogue: Catalogue{SyncEvery: 6 * time.Hour},
		Resources: Resources{CompareHour: 3},
		Log:       Log{Level: "info", Format: "json"},
		Telemetry: Telemetry{SampleEvery: 1},
	}
}
