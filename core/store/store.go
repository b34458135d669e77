// Package store is the contract between the domain and its durable storage:
// named ordered buckets read and written in strictly serializable
// transactions, and typed documents with indexes on top of them.
//
// It holds no storage itself: store/bolt implements the contract in one file,
// and every implementation passes the suite of store/storetest. Domain code
// imports this package and does not know which implementation it runs on.
//
// A [Store] is safe for concurrent use. A [Reader] or a [Tx] belongs to the
// function it was given to, on that goroutine, until that function returns.
package store

import (
	"context"
	"errors"
	"io"
)

// NoLimit is the limit of a [Range] or [Query] that asks for everything, for
// callers that stream and keep nothing.
const NoLimit = -1

// The bounds that every implementation keeps.
const (
	// MaxKey is the longest key in bytes.
	MaxKey = 4 << 10
	// MaxValue is the longest value in bytes.
	MaxValue = 16 << 20
)

// Stop is what the function given to Scan or Each returns to end it without an error.
var Stop = errors.New("stop the scan") //nolint:revive,staticcheck // it is a signal, like io.EOF, and no failure

// Bucket names an ordered set of keys. A bucket exists from its first Put on;
// reading one that does not exist finds nothing.
type Bucket string

// Range is a bounded part of a bucket: From <= k < To, in key order.
type Range struct {
	From    []byte // nil: from the first key
	To      []byte // nil: to the last key, inclusive
	Reverse bool   // from the greatest key down
	Limit   int    // at most so many keys; 0 is refused; [NoLimit] for streams
}

// First returns the range cut to its n smallest keys.
func (r Range) First(n int) Range {
	r.Reverse, r.Limit = false, n
	return r
}

// Last returns the range cut to its n greatest keys, greatest first.
func (r Range) Last(n int) Range {
	r.Reverse, r.Limit = true, n
	return r
}

// All returns the range without a limit, for streaming.
func (r Range) All() Range {
	r.Reverse, r.Limit = false, NoLimit
	return r
}

// Reader reads one consistent state of the store.
type Reader interface {
	// Get returns the value of key, or nil when it is absent (an empty value
	// is not nil). The slice is valid until the transaction ends and must not
	// be modified.
	Get(b Bucket, key []byte) ([]byte, error)
	// Scan calls fn for each key of the range, in order. An error of fn ends
	// the scan and is returned, except [Stop], which ends it with nil. The
	// slices are valid until the transaction ends and must not be modified. In
	// an Update, fn may write: keys ahead of the scan show their new state.
	Scan(b Bucket, r Range, fn func(k, v []byte) error) error
}

// Tx reads and writes. It sees its own writes.
type Tx interface {
	Reader
	// Put sets key to value. It copies both. Empty keys are refused.
	Put(b Bucket, key, value []byte) error
	// Delete removes key; removing an absent key is no error.
	Delete(b Bucket, key []byte) error
	// OnCommit has fn run once, after the transaction is durable and before
	// Update returns; never when it fails. fn is outside the transaction, on
	// the goroutine that called Update, and may open a new one.
	OnCommit(fn func())
}

// Store runs transactions.
type Store interface {
	// View runs fn on one consistent state: everything committed before View
	// was called, nothing in parts. Its error is returned as it is.
	View(ctx context.Context, fn func(Reader) error) error
	// Update runs fn and makes its writes durable, all or none. An error of fn
	// undoes its writes and is returned as it is; a panic in fn becomes an
	// internal fault. fn may run more than once and on another goroutine: it
	// has no effects outside its Tx (see [Tx.OnCommit]) and starts no other
	// transaction. A ctx that ends before fn starts means it does not run;
	// later, Update still waits, so that the outcome is known.
	Update(ctx context.Context, fn func(Tx) error) error
	// Backup writes a consistent copy to w while the store serves, and returns
	// its length in bytes.
	Backup(ctx context.Context, w io.Writer) (int64, error)
	// Close waits for the running transactions and releases everything. Later
	// calls of View and Update are refused as unavailable.
	Close() error
}
