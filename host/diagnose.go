package host

import (
	"context"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/wire/client"
)

// The bounds of looking into a process.
const (
	diagnoseTime  = 5 * time.Second
	diagnoseBytes = 1 << 20
)

// Doing is what one process of a plugin is doing.
type Doing struct {
	Version    string
	Org        string // of a private run; "" when it is shared
	PID        int
	Calls      int // in the plugin's code
	Goroutines int
	Stacks     string // where they stand, without the values of arguments, secrets masked
	Cut        bool   // stacks were left out
	Problem    string // why the process did not tell; "" when it did
}

// Diagnose asks every process of a plugin what it is doing, for who looks for a
// fault. Each answer takes a few seconds and about a mebibyte at most; it goes past the
// limits for calls, so that it also answers when they are used up. A plugin none
// of whose processes runs is a precondition fault.
func (h *Host) Diagnose(ctx context.Context, name string) ([]Doing, error) {
	p, err := h.Plugin(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	var out []Doing
	for _, r := range p.every() {
		if s, ok := r.current(); ok {
			out = append(out, p.diagnose(ctx, r, s))
		}
	}
	if len(out) == 0 {
		return nil, fault.Precondition("no process of plugin %q runs", name).From(fault.SourceHost)
	}
	return out, nil
}

func (p *Plugin) diagnose(ctx context.Context, r *run, s instance) Doing {
	out := Doing{Version: s.Description().Version, Org: r.route.Org, PID: s.PID()}
	d, err := client.New(s).Diagnose(ctx, diagnoseBytes)
	if err != nil {
		out.Problem = p.redactor.Text(err.Error())
		return out
	}
	out.Calls, out.Goroutines, out.Stacks, out.Cut = d.Calls, d.Goroutines, p.redactor.Text(d.Stacks), d.Cut
	return out
}
