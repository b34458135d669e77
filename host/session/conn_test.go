package session

import (
	"context"
	"slices"
	"testing"

	"google.golang.org/grpc/connectivity"
)

// course is a connection that goes through states, one at each wait.
type course struct{ left []connectivity.State }

func (c *course) GetState() connectivity.State { return c.left[0] }

func (c *course) WaitForStateChange(_ context.Context, from connectivity.State) bool {
	if c.left[0] == from {
		c.left = c.left[1:]
	}
	return true
}

// TestWhatIsStillConnectingIsNotBroken: calls pass before the state says so.
func TestWhatIsStillConnectingIsNotBroken(t *testing.T) {
	t.Parallel()
	const connecting, ready, idle, failing = connectivity.Connecting, connectivity.Ready, connectivity.Idle, connectivity.TransientFailure
	for name, tc := range map[string]struct {
		reason string
		states []connectivity.State
		left   []connectivity.State
	}{
		"Late":   {"the state comes after the calls", []connectivity.State{connecting, ready, idle}, []connectivity.State{idle}},
		"Ready":  {"the usual order", []connectivity.State{ready, idle, connecting}, []connectivity.State{idle, connecting}},
		"Broken": {"it broke before anyone looked", []connectivity.State{idle, ready}, []connectivity.State{idle, ready}},
		"Failed": {"it broke at once", []connectivity.State{connecting, failing, ready}, []connectivity.State{failing, ready}},
	} {
		c := &course{left: tc.states}
		untilBroken(t.Context(), c)
		if !slices.Equal(c.left, tc.left) {
			t.Errorf("%s: %s: %v are left, want %v", name, tc.reason, c.left, tc.left)
		}
	}
}
