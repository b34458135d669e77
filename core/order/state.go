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
	From   State `json:",omitzero"`
	To     State
	Time   time.Time
	Actor  string
	Reason string `json:",omitzero"`
}

// may is the state machine: whether an order may go from s to another state.
func (s State) may(to State) bool {
	switch s {
	case "":
		return to == StateDraft
	case StateDraft:
		return to == StateQuoted || to == StateCancelled
	case StateQuoted:
		return to == StateAwaitingApproval || to == StateHeld || to == StateCancelled
	case StateAwaitingApproval:
		return to == StateHeld || to == StateCancelled
	case StateHeld:
		return to == StateProvisioning || to == StateCancelled || to == StateFailed
	case StateProvisioning:
		return to == StateActive || to == StateFailed || to == StateRefunded || to == StateCancelled
	case StateActive:
		return to == StateRefunded
	case StateFailed, StateCancelled, StateRefunded:
	}
	return false
}

// Final reports whether the order is decided: nothing is under way any more.
func (s State) Final() bool {
	switch s {
	case StateActive, StateFailed, StateCancelled, StateRefunded:
		return true
	}
	return false
}

// unseen reports whether no cloud has seen the order: nothing of it was sent,
// or the host answered for all of it that it was not.
func (o *Order) unseen() bool {
	for i := range o.Units {
		if o.Units[i].State != UnitWaiting || o.Units[i].Calls > 0 {
			return false
		}
	}
	return true
}

// move takes the order to a state and records it; a move that the state
// machine does not have is a precondition fault.
func (o *Order) move(to State, at time.Time, actor, reason string) error {
	if !o.State.may(to) {
		return fault.Precondition("order %q is %s and cannot become %s", o.ID, o.State, to)
	}
	o.Transitions = append(o.Transitions, Transition{From: o.State, To: to, Time: at, Actor: actor, Reason: reason})
	o.State, o.Updated = to, at
	if to.Final() && o.Decided.IsZero() {
		o.Decided = at
	}
	return nil
}
