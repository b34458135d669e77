package plugintest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// Host is the broker's services for a plugin, in memory. It is safe for
// concurrent use; every transaction is atomic.
type Host struct {
	// Clock is what Now answers from; set it before the plugin starts.
	Clock clock.Clock

	mu     sync.Mutex
	areas  map[string]*area
	events []Emitted
}

// Emitted is an event that the plugin handed over.
type Emitted struct {
	Scope provider.Scope
	Event provider.Event
}

// area is the storage of one root org.
type area struct {
	rows   map[string]provider.KeyValue
	sorted []string // the keys of rows, replaced and never changed; nil: to be made anew
	tokens map[string]bool
	last   uint64 // the newest revision given
}

// NewHost makes an empty host with the machine's clock.
func NewHost() *Host { return &Host{Clock: clock.Real{}, areas: map[string]*area{}} }

// Events returns what was emitted, in order.
func (h *Host) Events() []Emitted {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.events)
}

// area returns the storage of s; the caller holds mu.
func (h *Host) area(s provider.Scope) *area {
	a := h.areas[s.RootOrg]
	if a == nil {
		a = &area{rows: map[string]provider.KeyValue{}, tokens: map[string]bool{}}
		h.areas[s.RootOrg] = a
	}
	return a
}

// Get returns one value; a missing key is a not_found fault.
func (h *Host) Get(_ context.Context, s provider.Scope, key string) ([]byte, uint64, error) {
	if err := provider.CheckStorageKey(key); err != nil {
		return nil, 0, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	kv, ok := h.area(s).rows[key]
	if !ok {
		return nil, 0, fault.NotFound("key", key)
	}
	return bytes.Clone(kv.Value), kv.Revision, nil
}

// scanPage is how many rows of a scan are read at one moment.
const scanPage = 1000

// Scan yields the range in the order of the keys, page by page as the core does.
func (h *Host) Scan(ctx context.Context, s provider.Scope, r provider.KeyRange, yield func(provider.KeyValue) error) error {
	keys := h.keys(s, r)
	for len(keys) > 0 {
		page := h.rows(s, keys[:min(scanPage, len(keys))])
		keys = keys[min(scanPage, len(keys)):]
		for _, kv := range page {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := yield(kv); err != nil {
				return err
			}
		}
	}
	return nil
}

// keys returns the keys of a range in its order, which the caller must not change.
func (h *Host) keys(s provider.Scope, r provider.KeyRange) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.area(s)
	if a.sorted == nil {
		a.sorted = slices.Sorted(maps.Keys(a.rows))
	}
	from, _ := slices.BinarySearch(a.sorted, r.From)
	to := len(a.sorted)
	if r.To != "" {
		to, _ = slices.BinarySearch(a.sorted, r.To)
	}
	keys := a.sorted[from:max(from, to)]
	if r.Reverse {
		keys = slices.Clone(keys)
		slices.Reverse(keys)
	}
	if r.Limit > 0 {
		keys = keys[:min(r.Limit, len(keys))]
	}
	return keys
}

// rows returns what there is of some keys at this moment.
func (h *Host) rows(s provider.Scope, keys []string) (out []provider.KeyValue) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rows := h.area(s).rows
	for _, key := range keys {
		if kv, there := rows[key]; there {
			out = append(out, listed(kv))
		}
	}
	return out
}

// listed is a row as a scan tells it.
func listed(kv provider.KeyValue) provider.KeyValue {
	kv.Value = bytes.Clone(kv.Value)
	if kv.Sealed {
		kv.Value = nil
	}
	return kv
}

// Apply performs all writes or none.
func (h *Host) Apply(_ context.Context, s provider.Scope, t provider.Transaction) error {
	if err := t.Check(); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.area(s)
	if t.Token != "" && a.tokens[t.Token] {
		return nil
	}
	for _, e := range t.Expect {
		if got := a.rows[e.Key].Revision; got != e.Revision {
			return fault.Conflict("key %q has revision %d, not %d: read it again", e.Key, got, e.Revision)
		}
	}
	for _, w := range t.Writes {
		if _, there := a.rows[w.Key]; there == w.Delete {
			a.sorted = nil
		}
		if w.Delete {
			delete(a.rows, w.Key)
			continue
		}
		a.last++
		a.rows[w.Key] = provider.KeyValue{Key: w.Key, Value: bytes.Clone(w.Value), Revision: a.last, Sealed: w.Sealed}
	}
	if t.Token != "" {
		a.tokens[t.Token] = true
	}
	return nil
}

// Now answers from Clock.
func (h *Host) Now(context.Context) (time.Time, error) { return h.Clock.Now(), nil }

// Emit keeps the event for [Host.Events], once per cursor.
func (h *Host) Emit(_ context.Context, s provider.Scope, e provider.Event) error {
	if err := e.CheckEmitted(); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.ContainsFunc(h.events, func(old Emitted) bool { return old.Scope == s && old.Event.Cursor == e.Cursor }) {
		return nil
	}
	h.events = append(h.events, Emitted{Scope: s, Event: e})
	return nil
}
