package order

import (
	"time"

	"tradewind.example/sdk/fault"
)

// State says where an order stands.
type State string

// The states of an order.
const (
	StateDraft            State = "draft"
	StateQuoted           State = "quoted"
	StateAwaitingApproval State = "awaiting_approval"
	StateHeld             State = "held"         // money held, job stored, no cloud called
	StateProvisioning     State = "provisioning" // the cloud is or was called
	StateActive           State = "active"       // delivered and charged, at least in part
	StateFailed           State = "failed"       // nothing delivered, nothing charged
	StateCancelled        State = "cancelled"
	StateRefunded         State = "refunded" // released, and the unused term given back
)

// Transition is one change of an order's state.
type Transition struct {
	From, To State
	Time     time.Time
	Actor    string
	Reason   string
}

// transitions is the state machine: from each state, where it may go.
func transitions() map[State][]State {
	return map[State][]State{
		"":                    {StateDraft},
		StateDraft:            {StateQuoted, StateCancelled},
		StateQuoted:           {StateAwaitingApproval, StateHeld, StateCancelled},
		StateAwaitingApproval: {StateHeld, StateCancelled},
		StateHeld:             {StateProvisioning, StateCancelled, StateFailed},
		StateProvisioning:     {StateActive, StateFailed, StateRefunded},
		StateActive:           {StateRefunded},
	}
}

// Final reports whether the order is decided: nothing is under way any more.
func (s State) Final() bool {
	switch s {
	case StateActive, StateFailed, StateCancelled, StateRefunded:
		return true
	}
	return false
}

// move takes the order to a state and records it; a move that the table does
// not have is a precondition fault.
func (o *Order) move(to State, at time.Time, actor, reason string) error {
	for _, next := range transitions()[o.State] {
		if next != to {
			continue
		}
		o.Transitions = append(o.Transitions, Transition{From: o.State, To: to, Time: at, Actor: actor, Reason: reason})
		o.State, o.Updated = to, at
		if to.Final() && o.Decided.IsZero() {
			o.Decided = at
		}
		return nil
	}
	return fault.Precondition("order %q is %s and cannot become %s", o.ID, o.State, to)
}
