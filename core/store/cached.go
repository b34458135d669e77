package store

import (
	"bytes"
	"sync"
	"sync/atomic"

	"tradewind.example/sdk/fault"
)

// Cached reads documents of a collection and remembers the decoded ones. Every
// read still fetches the stored bytes and compares them, so that the answer is
// that of the very transaction, unless they were compared in the same [Snapshot]
// before; what it saves is the decoding.
//
// It is safe for concurrent use. Documents are shared between readers and must
// not be modified.
type Cached[T any] struct {
	c    *Collection[T]
	half int

	mu         sync.Mutex
	young, old map[string]*cachedDoc[T]
}

type cachedDoc[T any] struct {
	raw  []byte
	doc  Doc[T]
	seen atomic.Pointer[Snapshot] // in which raw was stored; nil: not known
}

// NewCached returns a reader of c that remembers about limit documents.
func NewCached[T any](c *Collection[T], limit int) *Cached[T] {
	return &Cached[T]{c: c, half: max(1, limit/2), young: map[string]*cachedDoc[T]{}}
}

// Get is [Collection.Get]. The document is shared: do not modify it.
func (k *Cached[T]) Get(r Reader, id string) (*Doc[T], error) {
	now, e := SnapshotOf(r), k.find(id)
	if e != nil && !now.IsZero() {
		if seen := e.seen.Load(); seen != nil && *seen == now {
			return &e.doc, nil
		}
	}
	raw, err := r.Get(k.c.bucket, Key(id))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, fault.NotFound(k.c.name, id)
	}
	if e != nil && bytes.Equal(e.raw, raw) {
		e.see(now)
		return &e.doc, nil
	}
	e = &cachedDoc[T]{raw: bytes.Clone(raw)}
	e.see(now)
	if e.doc, err = k.c.decode(id, raw); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.put(id, e)
	return &e.doc, nil
}

func (e *cachedDoc[T]) see(now Snapshot) {
	if !now.IsZero() {
		e.seen.Store(&now)
	}
}

func (k *Cached[T]) find(id string) *cachedDoc[T] {
	k.mu.Lock()
	defer k.mu.Unlock()
	e, ok := k.young[id]
	if !ok {
		if e, ok = k.old[id]; ok {
			k.put(id, e)
		}
	}
	return e
}

// put forgets the older half when the newer one is full.
func (k *Cached[T]) put(id string, e *cachedDoc[T]) {
	if _, there := k.young[id]; !there && len(k.young) >= k.half {
		k.old, k.young = k.young, make(map[string]*cachedDoc[T], k.half)
	}
	k.young[id] = e
}
