package tenant

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"tradewind.example/core/access"
)

type bearerHash = [sha256.Size]byte

// callerCache remembers who stands behind a bearer. It is bounded: when full,
// arbitrary entries leave. An entry counts only in the generation it was read
// in, so one increment makes all of them stale.
type callerCache struct {
	size       int
	generation atomic.Uint64
	mu         sync.RWMutex
	entries    map[bearerHash]*cachedCaller
}

type cachedCaller struct {
	caller     access.Caller
	generation uint64
	until      time.Time    // end of this entry, or of the session or token if sooner
	touchAt    atomic.Int64 // UnixNano from which the use is to be written down
}

func newCallerCache(size int) *callerCache {
	return &callerCache{size: size, entries: make(map[bearerHash]*cachedCaller)}
}

func (c *callerCache) invalidate() { c.generation.Add(1) }

func (c *callerCache) get(h bearerHash, now time.Time) (*cachedCaller, bool) {
	c.mu.RLock()
	e, ok := c.entries[h]
	c.mu.RUnlock()
	if !ok || e.generation != c.generation.Load() || !now.Before(e.until) {
		return nil, false
	}
	return e, true
}

func (c *callerCache) put(h bearerHash, e *cachedCaller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.entries {
		if len(c.entries) < c.size {
			break
		}
		delete(c.entries, k)
	}
	c.entries[h] = e
}
