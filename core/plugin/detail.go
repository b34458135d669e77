package plugin

import "time"

// Detail is everything that is known of a plugin at one moment. Where its
// [Plugin] tells of one run, that is the shared one of the active version.
type Detail struct {
	Plugin
	Health    Health
	NextTry   time.Time // when it is started again by itself; zero when that is not due
	Selection Selection
	Versions  []Version // installed or declared, oldest version first
	Runs      []Run     // the active one first
	Changes   []Change  // the last upgrades, rollbacks and reloads, oldest first
	History   []Transition
	Accounts  []Account // those at the cloud that are not well
	Load      Load
	Breakers  []Breaker // those that have seen a failure lately, by key
	LogLevel  string    // "": the plugin decides
	Crashes   int64     // since the broker started
	Storage   Storage
}

// Health tells three levels apart: ok, failed or unknown. Each means something
// only when the one before it is ok.
type Health struct {
	Process    string
	Connection string
	Provider   string
	At         time.Time
	Detail     string // why a level failed
}

// Selection says which versions are in use by whom.
type Selection struct {
	Active   string
	Previous string // what a rollback brings back; "": nothing
	Pins     []Pin
	Revision uint64
	Source   string // where the plugin is declared
	Declared bool   // by the configuration or a file: changed there alone
	Edits    []PastEdit
}

// Pin lets a group of orgs be served by another version, or alone.
type Pin struct {
	Group    string
	Orgs     []string
	Version  string // "": the active one
	Isolated bool   // each org has a process of its own
}

// PastEdit is one past change of versions or selection.
type PastEdit struct {
	Revision uint64
	Time     time.Time
	Who      string
	Reason   string
	What     string
}

// Version is one version of a plugin.
type Version struct {
	Version   string
	SHA256    string // of the binary
	Source    string
	Signature string // trusted, untrusted (its key is not trusted any more) or none
	SignedBy  string // id of the key
	Disabled  bool
	Active    bool
	Groups    []string // that are pinned to it
	Isolation Isolation
}

// Run is one version kept running, for all its orgs or for one.
type Run struct {
	Role      string // active, pinned, private, attached, candidate, leaving
	Version   string
	SHA256    string
	Org       string // of a private run
	State     string
	Since     time.Time
	Reason    string
	PID       int
	Health    Health
	Restarts  int
	LastError string
	NextTry   time.Time
	Calls     int   // at work
	Done      int64 // calls that have ended
	Failed    int64 // of these, calls that it could not serve
	Figures   Figures
	Isolation Applied
	Start     []PhaseTime // of its last start
}

// Figures are what a process takes; At is zero when it does not run.
type Figures struct {
	At            time.Time
	ResidentBytes int64
	CPU           time.Duration
	OpenFiles     int
	Threads       int
}

// Isolation bounds what a process may take; 0 sets no bound.
type Isolation struct {
	MemoryBytes  int64
	CPUMillis    int
	MaxProcesses int
	OpenFiles    int
	UID          int
	GID          int
}

// Applied is what of an isolation holds.
type Applied struct {
	Isolation
	BeforeExec bool // the limits held before the first instruction
	Cgroup     string
	Missing    []string // what was asked for and does not hold, with the reason
}

// PhaseTime is how long a phase of a start took.
type PhaseTime struct {
	Phase string
	Took  time.Duration
}

// Change is one upgrade, rollback or reload.
type Change struct {
	Kind   string // upgrade, rollback, automatic, reload
	From   string
	To     string
	Reason string
	State  string
	Begin  time.Time
	End    time.Time // zero while anything of it is going on
	Error  string
	Phases []Phase
}

// Phase is one phase of a change as it went.
type Phase struct {
	Phase   string
	Outcome string // running, done, skipped, failed
	Begin   time.Time
	End     time.Time
	Note    string
}

// Transition is one change of state.
type Transition struct {
	At     time.Time
	From   string
	Event  string
	To     string
	Reason string
}

// Account is an account at the cloud that is not well.
type Account struct {
	ID     string
	Reason string
	Since  time.Time
}

// Load is how much a plugin has to do, and its bounds.
type Load struct {
	Concurrent int // calls at once
	PerOrg     int
	Queue      int
	QueueWait  time.Duration
	Busy       int
	Waiting    int
	Refused    uint64 // since the start
	Orgs       int    // that have calls in or waiting
	Top        []OrgLoad
}

// OrgLoad is the part of one org.
type OrgLoad struct {
	Org     string // "": calls that are made for no org
	Busy    int
	Waiting int
}

// BreakerKey says what a circuit breaker shuts off.
type BreakerKey struct {
	Account string // id of ours
	Region  string // "" where calls have none
	Change  bool   // changes, or else reads
}

// String is the key in one word, for lists.
func (k BreakerKey) String() string {
	class := "read"
	if k.Change {
		class = "change"
	}
	return k.Account + "/" + k.Region + "/" + class
}

// Breaker is one circuit breaker.
type Breaker struct {
	BreakerKey
	State    string // open, half_open, closed
	Since    time.Time
	Failures int
	Failed   time.Time
	Cause    string
	RetryAt  time.Time // zero unless it is open
}

// Storage is what a plugin keeps in the broker's store.
type Storage struct {
	Keys       int64
	Bytes      int64
	QuotaKeys  int64 // of each root
	QuotaBytes int64
	Roots      int
	Fullest    []Area // of the roots with the most bytes
}

// Area is what a plugin keeps for one root org.
type Area struct {
	RootOrg string
	Keys    int64
	Bytes   int64
}

// Crash is the report of one crash.
type Crash struct {
	ID            string
	Time          time.Time
	Version       string
	SHA256        string
	PID           int
	Kind          string // start, exit, lost, panic
	Status        int
	Signal        string
	OutOfMemory   bool
	Uptime        time.Duration
	ResidentBytes int64
	Message       string
	Trace         []string
	Output        []string // secrets masked
	Calls         []CrashCall
}

// CrashCall is a call that was at work: its input's shape, never its values.
type CrashCall struct {
	Method string
	Input  []string
}
