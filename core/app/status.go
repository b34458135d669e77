package app

import (
	"slices"
	"strings"

	"tradewind.example/core/plugin"
	"tradewind.example/host"
	hostcatalog "tradewind.example/host/catalog"
	"tradewind.example/host/launch"
	"tradewind.example/host/rollout"
	"tradewind.example/host/supervise"
)

func pluginOf(p *host.Plugin, s host.Status) plugin.Plugin {
	d, _ := p.Description()
	return plugin.Plugin{
		Name: s.Name, Version: s.Version, SHA256: s.SHA256, State: string(s.State), Since: s.Since, Reason: s.Reason,
		Restarts: s.Restarts, LastError: s.LastError, PID: s.PID, Description: d,
	}
}

// detailOf tells what the host knows of a plugin that runs or not.
func detailOf(p *host.Plugin) plugin.Detail {
	s := p.Status()
	out := plugin.Detail{
		Plugin: pluginOf(p, s), Health: healthOf(s.Health), NextTry: s.NextTry, Crashes: s.Crashes, Load: loadOf(p), Breakers: breakersOf(p),
	}
	for _, r := range s.Runs {
		out.Runs = append(out.Runs, runOf(r))
	}
	for _, c := range s.Changes {
		out.Changes = append(out.Changes, changeOf(c))
	}
	for _, h := range s.History {
		out.History = append(out.History, plugin.Transition{At: h.At, From: string(h.From), Event: string(h.Event), To: string(h.To), Reason: h.Reason})
	}
	for _, a := range s.Accounts {
		out.Accounts = append(out.Accounts, plugin.Account{ID: a.Account, Reason: a.Reason, Since: a.Since})
	}
	return out
}

func healthOf(h supervise.Health) plugin.Health {
	return plugin.Health{
		Process: string(h.Process), Connection: string(h.Connection), Provider: string(h.Provider), At: h.At, Detail: h.Detail,
	}
}

func runOf(r host.RunStatus) plugin.Run {
	out := plugin.Run{
		Role: string(r.Role), Version: r.Version, SHA256: r.SHA256, Org: r.Org, State: string(r.State), Since: r.Since, Reason: r.Reason, PID: r.PID,
		Health: healthOf(r.Health), Restarts: r.Restarts, LastError: r.LastError, NextTry: r.NextTry, Calls: r.Calls, Done: r.Done, Failed: r.Failed,
		Figures: plugin.Figures(r.Process.Figures),
		Isolation: plugin.Applied{
			Isolation: plugin.Isolation(r.Process.Isolation.Isolation), BeforeExec: r.Process.Isolation.BeforeExec,
			Cgroup: r.Process.Isolation.Cgroup, Missing: r.Process.Isolation.Missing,
		},
	}
	for _, t := range r.Process.StartTimes {
		out.Start = append(out.Start, plugin.PhaseTime{Phase: string(t.Phase), Took: t.Took})
	}
	return out
}

func changeOf(c rollout.Progress) plugin.Change {
	out := plugin.Change{
		Kind: string(c.Kind), From: c.From, To: c.To, Reason: c.Reason, State: string(c.State), Begin: c.Begin, End: c.End, Error: c.Error,
	}
	for _, p := range c.Phases {
		out.Phases = append(out.Phases, plugin.Phase{Phase: string(p.Phase), Outcome: string(p.Outcome), Begin: p.Begin, End: p.End, Note: p.Note})
	}
	return out
}

func loadOf(p *host.Plugin) plugin.Load {
	l := p.Limits()
	out := plugin.Load{
		Concurrent: l.Limits.Concurrent, PerOrg: l.Limits.PerOrg, Queue: l.Limits.Queue, QueueWait: l.Limits.QueueWait,
		Busy: l.Busy, Waiting: l.Waiting, Refused: l.Refused, Orgs: l.Orgs,
	}
	for _, o := range l.Top {
		out.Top = append(out.Top, plugin.OrgLoad(o))
	}
	return out
}

// breakersOf lists the circuit breakers by key, so that pages of them hold still.
func breakersOf(p *host.Plugin) []plugin.Breaker {
	var out []plugin.Breaker
	for _, b := range p.BreakerStates() {
		out = append(out, plugin.Breaker{
			BreakerKey: plugin.BreakerKey(b.BreakerKey), State: string(b.State), Since: b.Since, Failures: b.Failures, Failed: b.Failed,
			Cause: b.Cause, RetryAt: b.RetryAt,
		})
	}
	slices.SortFunc(out, func(a, b plugin.Breaker) int { return strings.Compare(a.String(), b.String()) })
	return out
}

func selectionOf(s hostcatalog.Selection, declared bool) plugin.Selection {
	out := plugin.Selection{Active: s.Active, Previous: s.Previous, Revision: s.Revision, Source: s.Source, Declared: declared}
	for _, p := range s.Pins {
		out.Pins = append(out.Pins, plugin.Pin(p))
	}
	for _, c := range s.Changes {
		out.Edits = append(out.Edits, plugin.PastEdit(c))
	}
	return out
}

func versionOf(e hostcatalog.Entry) plugin.Version {
	out := plugin.Version{Version: e.Version, SHA256: e.SHA256, Source: e.Source, SignedBy: e.SignedBy, Disabled: e.Disabled}
	if e.Isolation != nil {
		out.Isolation = isolationOf(*e.Isolation)
	}
	return out
}

func isolationOf(i launch.Isolation) plugin.Isolation { return plugin.Isolation(i) }
