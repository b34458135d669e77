package host

import (
	"cmp"
	"slices"
	"time"

	"tradewind.example/host/rollout"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/provider"
)

// Status is what is known of a plugin at one moment. Where it tells of one run,
// that is the shared one of the active version.
type Status struct {
	Name         string
	State        supervise.State
	Since        time.Time
	Reason       string // why it came into this state
	Restarts     int    // starts after the first one
	LastError    string // with the last lines of output, secrets masked; "" when nothing ever failed
	Version      string // of what runs, or else of what would be started
	SHA256       string // of what runs, or else of what would be started
	PID          int    // 0 when it does not run
	Health       supervise.Health
	Accounts     []AccountHealth // those at the cloud that are not well, by id
	Calls        int             // at work, in all runs
	Waiting      int             // calls waiting for a slot
	Capabilities []provider.Capability
	NextTry      time.Time              // when it is started again by itself; zero when that is not due
	History      []supervise.Transition // the last ones, oldest first
	Source       string                 // where the catalogue entry comes from
	Previous     string                 // the version that a rollback brings back; "": there is none
	Runs         []RunStatus            // all of them, the active one first
	Crashes      int64                  // reported since the host started
	Changes      []rollout.Progress     // the last upgrades, rollbacks and reloads, oldest first
}

// Role is what a run is there for.
type Role string

// The roles.
const (
	RoleActive    Role = "active"    // for all orgs that no pin names
	RolePinned    Role = "pinned"    // a version that orgs are pinned to
	RolePrivate   Role = "private"   // for one org alone
	RoleAttached  Role = "attached"  // in development: somebody else's process, for all orgs
	RoleCandidate Role = "candidate" // started by an upgrade, takes no calls yet
	RoleLeaving   Role = "leaving"   // takes no calls any more and ends
)

// RunStatus is what is known of one run: one version, kept running.
type RunStatus struct {
	Role      Role
	Version   string
	SHA256    string
	Org       string // of a private run; "" when it is shared
	State     supervise.State
	Since     time.Time
	Reason    string
	PID       int // 0 when it does not run
	Health    supervise.Health
	Restarts  int
	LastError string
	NextTry   time.Time
	Calls     int // at work
	Process   Process
	Done      int64 // calls that have ended
	Failed    int64 // of these, calls that the run could not serve
}

// Status returns the plugin's status.
func (p *Plugin) Status() Status {
	active := p.activeRun()
	st, serving, ok := active.supervisor.Snapshot()
	out := Status{
		Name: p.name, State: st.State, Since: st.Since, Reason: st.Reason, Restarts: st.Restarts, Health: st.Health,
		LastError: st.LastError, NextTry: st.NextTry, History: st.History, Calls: p.bulkhead.Busy(), Waiting: p.bulkhead.Waiting(),
		Version: active.entry.Version, SHA256: active.entry.SHA256, Source: active.entry.Source,
		Accounts: p.accounts.list(), Crashes: p.observer.crashes.Load(), Runs: p.runStatuses(), Changes: p.changes(),
	}
	if c, err := p.host.choose(p.name); err == nil {
		out.Previous = c.previous
	}
	if d, ok := p.Description(); ok {
		out.Version, out.Capabilities = d.Version, d.Capabilities
	}
	if ok {
		out.PID, out.SHA256 = serving.PID(), serving.SHA256()
	}
	return out
}

func (p *Plugin) changes() []rollout.Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]rollout.Progress, 0, len(p.rollouts))
	for _, r := range p.rollouts {
		out = append(out, r.Progress())
	}
	return out
}

func (p *Plugin) runStatuses() []RunStatus {
	p.mu.Lock()
	roles := map[*run]Role{}
	for _, r := range p.all() {
		roles[r] = RolePinned
		if r.private() {
			roles[r] = RolePrivate
		}
	}
	if p.candidate != nil {
		roles[p.candidate] = RoleCandidate
	}
	for r := range p.leaving {
		roles[r] = RoleLeaving
	}
	roles[p.routes.Load().active] = RoleActive
	if p.attached != nil {
		roles[p.attached] = RoleAttached
	}
	p.mu.Unlock()
	out := make([]RunStatus, 0, len(roles))
	for r, role := range roles {
		out = append(out, r.status(role))
	}
	order := []Role{RoleActive, RoleAttached, RoleCandidate, RolePinned, RolePrivate, RoleLeaving}
	slices.SortFunc(out, func(a, b RunStatus) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Role), slices.Index(order, b.Role)),
			cmp.Compare(a.Version, b.Version), cmp.Compare(a.Org, b.Org))
	})
	return out
}

func (r *run) status(role Role) RunStatus {
	st, serving, ok := r.supervisor.Snapshot()
	out := RunStatus{
		Role: role, Version: r.entry.Version, SHA256: r.entry.SHA256, Org: r.route.Org,
		State: st.State, Since: st.Since, Reason: st.Reason, Health: st.Health, Restarts: st.Restarts,
		LastError: st.LastError, NextTry: st.NextTry, Process: r.process(), Calls: int(r.users.in.Load()), Done: r.calls.Load(), Failed: r.failures.Load(),
	}
	if ok {
		out.PID, out.SHA256, out.Version = serving.PID(), serving.SHA256(), serving.Description().Version
	}
	return out
}
