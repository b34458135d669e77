// Package memo remembers answers computed from stored rows until the rows change.
//
// A [Table] is a stamp kept in the store beside a group of rows. Whoever
// changes a row touches the stamp in the same transaction; whoever caches an
// answer keeps the stamp it was computed at. An answer is good exactly while
// its stamp is the stored one, in the very snapshot that is being read: no
// commit hook has to run in time, and a rolled-back change can leave nothing
// wrong behind, because stamps are random and never come back.
//
// It is not a general cache of foreign data: nothing here expires by time.
// All types are safe for concurrent use. Values are shared between readers and
// must not be modified.
package memo

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

const bucket store.Bucket = "memo"

// Stamp names one state of a table; 0 is the state before the first change.
type Stamp uint64

// Table is the stamp of a group of rows.
type Table struct {
	key  []byte
	last atomic.Pointer[reading]
}

// reading is the stamp of a state of the store.
type reading struct {
	of    store.Snapshot
	stamp Stamp
}

// NewTable declares the stamp of the group of that name.
func NewTable(name string) *Table { return &Table{key: store.Key(name)} }

// At returns the stamp in r's snapshot. It costs one point read, once for each
// committed state of the store.
func (t *Table) At(r store.Reader) (Stamp, error) {
	now := store.SnapshotOf(r)
	if last := t.last.Load(); last != nil && !now.IsZero() && last.of == now {
		return last.stamp, nil
	}
	stamp, err := t.read(r)
	if err == nil && !now.IsZero() {
		t.last.Store(&reading{of: now, stamp: stamp})
	}
	return stamp, err
}

func (t *Table) read(r store.Reader) (Stamp, error) {
	raw, err := r.Get(bucket, t.key)
	if err != nil || raw == nil {
		return 0, err
	}
	if len(raw) != 8 {
		return 0, fault.Internal(nil, "the stamp %q cannot be read", t.key)
	}
	return Stamp(binary.BigEndian.Uint64(raw)), nil
}

// Touch gives the table a new stamp, making every cached answer stale for
// whoever reads this transaction's result.
func (t *Table) Touch(tx store.Tx) error {
	return tx.Put(bucket, t.key, binary.BigEndian.AppendUint64(nil, rand.Uint64()))
}

// Cache keeps a bounded number of answers. It forgets in halves: when the
// newer half is full, the older half goes, except what was asked for since.
type Cache[K comparable, V any] struct {
	mu         sync.Mutex
	half       int
	young, old map[K]entry[V]
}

type entry[V any] struct {
	stamp Stamp
	value V
}

// NewCache returns a cache of at most limit answers, at least two.
func NewCache[K comparable, V any](limit int) *Cache[K, V] {
	return &Cache[K, V]{half: max(1, limit/2), young: map[K]entry[V]{}}
}

// Get returns the answer that was put for the key at exactly this stamp.
func (c *Cache[K, V]) Get(k K, at Stamp) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.young[k]
	if !ok {
		if e, ok = c.old[k]; ok && e.stamp == at {
			c.put(k, e)
		}
	}
	if !ok || e.stamp != at {
		var none V
		return none, false
	}
	return e.value, true
}

// Put keeps an answer, in place of an older one for the key.
func (c *Cache[K, V]) Put(k K, at Stamp, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(k, entry[V]{stamp: at, value: v})
}

func (c *Cache[K, V]) put(k K, e entry[V]) {
	if _, there := c.young[k]; !there && len(c.young) >= c.half {
		c.old, c.young = c.young, make(map[K]entry[V], c.half)
	}
	c.young[k] = e
}

// Clear forgets everything.
func (c *Cache[K, V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old = map[K]entry[V]{}, nil
}

// Len returns how many answers are kept.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.young)
	for k := range c.old {
		if _, twice := c.young[k]; !twice {
			n++
		}
	}
	return n
}
