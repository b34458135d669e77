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
	// Emit hands an event to the core, which keeps it durably and acts on it soon.
	// The event's Cursor identifies it within the scope: a second one with the same
	// Cursor changes nothing and succeeds. It needs a Type, at most 64 characters.
	//
	// An event only hastens: the core reads the truth from the plugin, and works
	// without events too. More than the core takes is a throttled fault.
	Emit(ctx context.Context, scope Scope, e Event) error
}

// Scope says whose area of the storage a call works on.
type Scope struct{ RootOrg string }

// Storage is an ordered key/value area in the core's store, private to the
// plugin and to one root org. A scope without an existing root org is a not_found
// fault. Keys and values have bounded sizes (see [MaxStorageKey] and the others):
// larger ones are invalid faults. A full area is a quota fault; deleting makes room.
type Storage interface {
	// Get reads one key; a missing one is a not_found fault.
	Get(ctx context.Context, s Scope, key string) (value []byte, revision uint64, err error)
	// Scan yields the range in the order of its keys. A long one is read in pages:
	// each is consistent in itself, writes between two of them may show. Values that
	// were written sealed are left empty.
	Scan(ctx context.Context, s Scope, r KeyRange, yield func(KeyValue) error) error
	// Apply performs all writes or none: when one expectation does not hold, it
	// returns a conflict fault and changes nothing.
	Apply(ctx context.Context, s Scope, t Transaction) error
}

// The bounds of the storage.
const (
	MaxStorageKey    = 512     // bytes of a key or a token, which is valid UTF-8
	MaxStorageValue  = 1 << 20 // bytes of a value
	MaxStorageWrites = 1000    // expectations and writes in one transaction
)

// MinTokenLife is the shortest time for which the core remembers a
// [Transaction]'s token.
const MinTokenLife = 30 * 24 * time.Hour

// KeyRange is half-open: From <= key < To; To "" means to the end.
type KeyRange struct {
	From, To string
	Reverse  bool
	Limit    int // 0: all
}

// KeyValue is one stored pair.
type KeyValue struct {
	Key      string
	Value    []byte // empty when Sealed: Get reads it
	Revision uint64
	Sealed   bool
}

// Transaction is a list of expectations and writes. It writes each key once.
type Transaction struct {
	// Token makes the transaction idempotent: a second one with the same token
	// changes nothing and succeeds, whatever it says. The core remembers tokens for
	// at least [MinTokenLife]. "" is no token.
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
