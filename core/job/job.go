// Package job runs durable work: a job is enqueued in the transaction that
// makes it necessary and runs at least once, soon after that transaction is
// durable, until its handler says it is done.
//
// Handlers are idempotent: a crash between a handler's effect and the record
// of its end runs it again, with a higher Attempt. A failed job is tried again
// after a growing pause; one that failed too often is dead, stays visible and
// can be retried by hand. Named schedules enqueue one job per due time.
//
// A [Queue] is safe for concurrent use. It owns its goroutines from Start to
// Stop. It checks no rights: whoever shows jobs to users does.
package job

import (
	"context"
	"time"
)

// State says where a job stands.
type State string

// The states of a job.
const (
	// StateReady: waits for RunAt and a free worker.
	StateReady State = "ready"
	// StateRunning: its handler runs, or ran when the process died.
	StateRunning State = "running"
	// StateDone: its handler ended without an error. Kept for a while.
	StateDone State = "done"
	// StateDead: it failed for good. Kept until retried.
	StateDead State = "dead"
	// StateParked: interrupted by Stop; ready again at the next Start.
	StateParked State = "parked"
)

// Job is one piece of work.
type Job struct {
	ID      string // by Enqueue when empty
	Kind    string // names the handler
	Ref     string `json:",omitzero"` // what it is about, an order id for example
	OrgID   string `json:",omitzero"` // whose it is, for lists
	Payload []byte `json:",omitzero"` // for the handler; no secrets
	// Trace is the W3C traceparent of the request that asked for it; "" when
	// nobody wants to see that.
	Trace       string `json:",omitempty"`
	State       State
	Attempt     int `json:",omitzero"` // starts so far, stored durably before the handler runs: 1 on the first
	Failures    int `json:",omitzero"` // of the attempts, those that ended with an error
	MaxAttempts int `json:",omitzero"` // failures that make it dead; 0 = the kind's policy
	RunAt       time.Time
	Created     time.Time
	Updated     time.Time
	LastError   string `json:",omitzero"` // of the last failure, shortened
}

// Handler does the work of one kind. Its ctx ends with the kind's timeout and
// when the queue must stop. nil means done; an error is a failure and may say
// more: see [RetryAt], [Dead], [Snooze]. A panic is a failure.
type Handler func(ctx context.Context, j Job) error

// Policy is how a kind is run. Zero fields mean the defaults.
type Policy struct {
	MaxAttempts int           // failures that make a job dead; default 20
	Timeout     time.Duration // of one attempt; default 1 minute
	// Backoff is the pause after the n-th failure, n >= 1; default
	// [Exponential] from 1 second to 10 minutes.
	Backoff func(n int) time.Duration
}
