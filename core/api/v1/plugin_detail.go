package v1

import (
	"time"

	"tradewind.example/core/plugin"
)

// PluginDetail is everything that is known of a plugin at one moment. Where its
// fields tell of one process, that is the shared one of the active version.
type PluginDetail struct {
	Plugin
	Health   PluginHealth       `json:"health"`
	NextTry  *time.Time         `json:"next_try,omitempty" doc:"When it is started again by itself"`
	Active   string             `json:"active" doc:"The version that serves all orgs without a pin"`
	Previous string             `json:"previous,omitempty" doc:"The version that a rollback brings back"`
	Declared bool               `json:"declared" doc:"By the configuration or a file: changed there alone"`
	Source   string             `json:"source" doc:"Where it is declared"`
	Revision uint64             `json:"revision" doc:"Of versions and selection; the ETag"`
	Versions []PluginVersion    `json:"versions" nullable:"false"`
	Pins     []PluginPin        `json:"pins" nullable:"false"`
	Edits    []PluginEdit       `json:"edits" nullable:"false" doc:"The last changes of versions and selection, oldest first"`
	Runs     []PluginRun        `json:"runs" nullable:"false" doc:"Each is one version kept running, for many orgs or for one"`
	Changes  []PluginChange     `json:"changes" nullable:"false" doc:"The last upgrades, rollbacks and reloads with their phases, oldest first"`
	History  []PluginTransition `json:"history" nullable:"false" doc:"The last changes of state, oldest first"`
	Accounts []PluginAccount    `json:"accounts" nullable:"false" doc:"Accounts at the cloud that are not well"`
	Load     PluginLoad         `json:"load"`
	Breakers PluginCircuits     `json:"breakers"`
	LogLevel string             `json:"log_level,omitempty" doc:"From which its log is shown; absent while the plugin decides"`
	Crashes  int64              `json:"crashes" doc:"Since the broker started"`
	Storage  PluginStorage      `json:"storage"`
	Private  int                `json:"private_runs" doc:"Processes that serve one org alone"`
}

// PluginHealth tells three levels apart. Each means something only when the one
// before it is ok.
type PluginHealth struct {
	Process    string     `json:"process" enum:"unknown,ok,failed" doc:"It lives"`
	Connection string     `json:"connection" enum:"unknown,ok,failed" doc:"It can be dialled and answers"`
	Provider   string     `json:"provider" enum:"unknown,ok,failed" doc:"It says that it is well"`
	At         *time.Time `json:"at,omitempty"`
	Detail     string     `json:"detail,omitempty" doc:"Why a level failed"`
}

// PluginRun is one version kept running.
type PluginRun struct {
	Role      string          `json:"role" enum:"active,pinned,private,attached,candidate,leaving"`
	Version   string          `json:"version"`
	SHA256    string          `json:"sha256"`
	OrgID     string          `json:"org_id,omitempty" doc:"Whom it serves alone"`
	State     string          `json:"state"`
	Since     time.Time       `json:"since"`
	Reason    string          `json:"reason,omitempty"`
	PID       int             `json:"pid,omitempty"`
	Health    PluginHealth    `json:"health"`
	Restarts  int             `json:"restarts"`
	LastError string          `json:"last_error,omitempty"`
	NextTry   *time.Time      `json:"next_try,omitempty"`
	Calls     int             `json:"calls" doc:"At work"`
	Done      int64           `json:"done" doc:"Calls that have ended"`
	Failed    int64           `json:"failed" doc:"Of these, calls that it could not serve"`
	Process   *PluginProcess  `json:"process,omitempty" doc:"What it takes; absent when it does not run"`
	Isolation PluginIsolation `json:"isolation" doc:"What holds for it"`
	Start     []PluginPhase   `json:"start" nullable:"false" doc:"How long the phases of its last start took"`
}

// PluginProcess is what a process takes.
type PluginProcess struct {
	At            time.Time `json:"at"`
	ResidentBytes int64     `json:"resident_bytes"`
	CPUMillis     int64     `json:"cpu_ms" doc:"Processor time since its start"`
	OpenFiles     int       `json:"open_files"`
	Threads       int       `json:"threads"`
}

// PluginIsolation bounds what a process may take; 0 sets no bound.
type PluginIsolation struct {
	MemoryBytes  int64    `json:"memory_bytes"`
	CPUMillis    int      `json:"cpu_millis" doc:"Thousandths of a processor"`
	MaxProcesses int      `json:"max_processes"`
	OpenFiles    int      `json:"open_files"`
	UID          int      `json:"uid,omitempty"`
	GID          int      `json:"gid,omitempty"`
	BeforeExec   bool     `json:"before_exec,omitempty" doc:"The limits held before the first instruction"`
	Cgroup       string   `json:"cgroup,omitempty"`
	Missing      []string `json:"missing,omitempty" doc:"What was asked for and does not hold, with the reason"`
}

// PluginPhase is how long a phase of a start took.
type PluginPhase struct {
	Phase  string `json:"phase"`
	TookMS int64  `json:"took_ms"`
}

// PluginChange is one upgrade, rollback or reload.
type PluginChange struct {
	Kind   string             `json:"kind" enum:"upgrade,rollback,automatic,reload" doc:"automatic: back again, because the new version failed more calls"`
	From   string             `json:"from"`
	To     string             `json:"to"`
	Reason string             `json:"reason,omitempty"`
	State  string             `json:"state" enum:"running,swapped,watching,done,failed,rolled_back"`
	Begin  time.Time          `json:"begin"`
	End    *time.Time         `json:"end,omitempty"`
	Error  string             `json:"error,omitempty"`
	Phases []PluginChangeStep `json:"phases" nullable:"false" doc:"In order, up to the running one"`
}

// PluginChangeStep is one phase of a change as it went.
type PluginChangeStep struct {
	Phase   string     `json:"phase" enum:"start,describe,validate,health,shadow,swap,drain,stop,watch"`
	Outcome string     `json:"outcome" enum:"running,done,skipped,failed"`
	Begin   time.Time  `json:"begin"`
	End     *time.Time `json:"end,omitempty"`
	Note    string     `json:"note,omitempty" doc:"What was found, or why it was skipped or failed"`
}

// PluginTransition is one change of state.
type PluginTransition struct {
	At     time.Time `json:"at"`
	From   string    `json:"from"`
	Event  string    `json:"event"`
	To     string    `json:"to"`
	Reason string    `json:"reason,omitempty"`
}

// PluginAccount is an account at the cloud that is not well.
type PluginAccount struct {
	ID     string    `json:"id" doc:"Of the enablement's account"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

// PluginLoad is how much a plugin has to do, and its bounds.
type PluginLoad struct {
	Concurrent  int             `json:"concurrent" doc:"Calls at once, at most"`
	PerOrg      int             `json:"per_org" doc:"Of them, for one org"`
	Queue       int             `json:"queue" doc:"Calls that may wait"`
	QueueWaitMS int64           `json:"queue_wait_ms"`
	Busy        int             `json:"busy"`
	Waiting     int             `json:"waiting"`
	Refused     uint64          `json:"refused" doc:"Since the broker started"`
	Orgs        int             `json:"orgs" doc:"That have calls at work or waiting"`
	Top         []PluginOrgLoad `json:"top" nullable:"false" doc:"Of them, those with the most"`
}

// PluginOrgLoad is the part of one org.
type PluginOrgLoad struct {
	OrgID   string `json:"org_id,omitempty" doc:"Absent: calls that are made for no org"`
	Busy    int    `json:"busy"`
	Waiting int    `json:"waiting"`
}

// PluginCircuits counts the circuit breakers that have seen a failure lately.
type PluginCircuits struct {
	Open     int `json:"open"`
	HalfOpen int `json:"half_open"`
	Closed   int `json:"closed"`
}

// PluginStorage is what a plugin keeps in the broker's store.
type PluginStorage struct {
	Keys       int64        `json:"keys"`
	Bytes      int64        `json:"bytes"`
	QuotaKeys  int64        `json:"quota_keys" doc:"Of each root org"`
	QuotaBytes int64        `json:"quota_bytes" doc:"Of each root org"`
	Roots      int          `json:"roots" doc:"Root orgs that it keeps something for"`
	Fullest    []PluginArea `json:"fullest" nullable:"false" doc:"Of them, those with the most bytes, at most 50"`
}

// PluginArea is what a plugin keeps for one root org.
type PluginArea struct {
	RootID string `json:"root_id"`
	Keys   int64  `json:"keys"`
	Bytes  int64  `json:"bytes"`
}

func pluginDetailOf(d plugin.Detail) PluginDetail {
	out := PluginDetail{
		Plugin: pluginOf(d.Plugin), Health: pluginHealthOf(d.Health), NextTry: when(d.NextTry),
		Active: d.Selection.Active, Previous: d.Selection.Previous, Declared: d.Selection.Declared, Source: d.Selection.Source,
		Revision: d.Selection.Revision, LogLevel: d.LogLevel, Crashes: d.Crashes, Load: pluginLoadOf(d.Load),
		Versions: each(d.Versions, pluginVersionOf), Pins: each(d.Selection.Pins, pluginPinOf),
		Edits: each(d.Selection.Edits, func(e plugin.PastEdit) PluginEdit { return PluginEdit(e) }),
		Runs:  each(d.Runs, pluginRunOf), Changes: each(d.Changes, pluginChangeOf),
		History:  each(d.History, func(t plugin.Transition) PluginTransition { return PluginTransition(t) }),
		Accounts: each(d.Accounts, func(a plugin.Account) PluginAccount { return PluginAccount(a) }),
		Storage:  pluginStorageOf(d.Storage),
	}
	for _, b := range d.Breakers {
		out.Breakers.count(b.State)
	}
	for _, r := range d.Runs {
		if r.Role == "private" {
			out.Private++
		}
	}
	return out
}

func (n *PluginCircuits) count(state string) {
	switch state {
	case "open":
		n.Open++
	case "half_open":
		n.HalfOpen++
	default:
		n.Closed++
	}
}

func pluginHealthOf(h plugin.Health) PluginHealth {
	return PluginHealth{Process: h.Process, Connection: h.Connection, Provider: h.Provider, At: when(h.At), Detail: h.Detail}
}

func pluginRunOf(r plugin.Run) PluginRun {
	out := PluginRun{
		Role: r.Role, Version: r.Version, SHA256: r.SHA256, OrgID: r.Org, State: r.State, Since: r.Since, Reason: r.Reason, PID: r.PID,
		Health: pluginHealthOf(r.Health), Restarts: r.Restarts, LastError: r.LastError, NextTry: when(r.NextTry),
		Calls: r.Calls, Done: r.Done, Failed: r.Failed, Isolation: pluginIsolationOf(r.Isolation.Isolation),
		Start: each(r.Start, func(p plugin.PhaseTime) PluginPhase {
			return PluginPhase{Phase: p.Phase, TookMS: p.Took.Milliseconds()}
		}),
	}
	out.Isolation.BeforeExec, out.Isolation.Cgroup, out.Isolation.Missing = r.Isolation.BeforeExec, r.Isolation.Cgroup, r.Isolation.Missing
	if f := r.Figures; !f.At.IsZero() {
		out.Process = &PluginProcess{
			At: f.At, ResidentBytes: f.ResidentBytes, CPUMillis: f.CPU.Milliseconds(), OpenFiles: f.OpenFiles, Threads: f.Threads,
		}
	}
	return out
}

func pluginIsolationOf(i plugin.Isolation) PluginIsolation {
	return PluginIsolation{
		MemoryBytes: i.MemoryBytes, CPUMillis: i.CPUMillis, MaxProcesses: i.MaxProcesses, OpenFiles: i.OpenFiles, UID: i.UID, GID: i.GID,
	}
}

func pluginChangeOf(c plugin.Change) PluginChange {
	return PluginChange{
		Kind: c.Kind, From: c.From, To: c.To, Reason: c.Reason, State: c.State, Begin: c.Begin, End: when(c.End), Error: c.Error,
		Phases: each(c.Phases, func(p plugin.Phase) PluginChangeStep {
			return PluginChangeStep{Phase: p.Phase, Outcome: p.Outcome, Begin: p.Begin, End: when(p.End), Note: p.Note}
		}),
	}
}

func pluginLoadOf(l plugin.Load) PluginLoad {
	return PluginLoad{
		Concurrent: l.Concurrent, PerOrg: l.PerOrg, Queue: l.Queue, QueueWaitMS: l.QueueWait.Milliseconds(),
		Busy: l.Busy, Waiting: l.Waiting, Refused: l.Refused, Orgs: l.Orgs,
		Top: each(l.Top, func(o plugin.OrgLoad) PluginOrgLoad {
			return PluginOrgLoad{OrgID: o.Org, Busy: o.Busy, Waiting: o.Waiting}
		}),
	}
}

func pluginStorageOf(s plugin.Storage) PluginStorage {
	return PluginStorage{
		Keys: s.Keys, Bytes: s.Bytes, QuotaKeys: s.QuotaKeys, QuotaBytes: s.QuotaBytes, Roots: s.Roots,
		Fullest: each(s.Fullest, func(a plugin.Area) PluginArea { return PluginArea{RootID: a.RootOrg, Keys: a.Keys, Bytes: a.Bytes} }),
	}
}

// each converts a list; never to a null.
func each[D, T any](list []D, convert func(D) T) []T {
	out := make([]T, 0, len(list))
	for _, d := range list {
		out = append(out, convert(d))
	}
	return out
}
