package plugin

import (
	"context"
	"fmt"

	"tradewind.example/core/access"
)

// Doing is what one process of a plugin is doing.
type Doing struct {
	Version    string
	Org        string // of a process for one org; "" when it is shared
	PID        int
	Calls      int // in the plugin's code
	Goroutines int
	Stacks     string // where they stand, without values of arguments, secrets masked
	Cut        bool   // stacks were left out
	Problem    string // why the process did not tell; "" when it did
}

// Diagnose asks a plugin's processes what they are doing. It stops each for
// milliseconds, so it takes the right to operate plugins, and is noted.
func (s *Service) Diagnose(ctx context.Context, c access.Caller, name string) ([]Doing, error) {
	if err := s.check(ctx, c, access.PluginWrite, name); err != nil {
		return nil, err
	}
	all, err := s.cfg.Crashes.Diagnose(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("looking into plugin %q: %w", name, err)
	}
	return all, s.record(ctx, c, name, "diagnose", nil, struct{ Processes int }{len(all)})
}
