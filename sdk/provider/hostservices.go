package provider

import (
	"context"
	"time"
)

// HostServices is what the host offers to a plugin that implements [HostUser].
type HostServices interface {
	Storage
	// Now is the host's clock, so that plugin and core agree on time.
	Now(ctx context.Context) (time.Time, error)
	// Emit hands an event to the core.
	Emit(ctx context.Context, scope Scope, e Event) error
}

// Scope says whose area of the storage a call works on.
type Scope struct{ RootOrg string }

// Storage is an ordered key/value area in the core's store, private to the
// plugin and to one root org.
type Storage interface {
	// Get reads one key; a missing one is a not_found fault.
	Get(ctx context.Context, s Scope, key string) (value []byte, revision uint64, err error)
	// Scan yields the range in the order of its keys. A long one is read in pages:
	// each is consistent in itself, writes between two of them may show.
	Scan(ctx context.Context, s Scope, r KeyRange, yield func(KeyValue) error) error
	// Apply performs all writes or none: when one expectation does not hold, it
	// returns a conflict fault and changes nothing.
	Apply(ctx context.Context, s Scope, t Transaction) error
}

// KeyRange is half-open: From <= key < To; To "" means to the end.
type KeyRange struct {
	From, To string
	Reverse  bool
	Limit    int // 0: all
}

// KeyValue is one stored pair.
type KeyValue struct {
	Key      string
	Value    []byte
	Revision uint64
}

// Transaction is a list of expectations and writes.
type Transaction struct {
	// Token makes the transaction idempotent: a second one with the same token
	// changes nothing and succeeds.
	Token  string
	Expect []Expectation
	Writes []Write
}

// Expectation holds when the key has this revision; 0 means absent.
type Expectation struct {
	Key      string
	Revision uint64
}

// Write puts Value at Key, or deletes Key when Delete is set.
type Write struct {
	Key    string
	Value  []byte
	Sealed bool // encrypted at rest by the core, never listed
	Delete bool
}
