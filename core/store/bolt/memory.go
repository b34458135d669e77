package bolt

import (
	"sync"

	"go.etcd.io/bbolt"

	"tradewind.example/core/store"
)

// memory holds the rows that are durable in the log and not in the store's file
// yet. Readers look for a row here before they look in the file.
type memory struct {
	mu      sync.Mutex
	fresh   *layer // since the last checkpoint began; guarded by mu
	sealed  *layer // what the checkpoint that runs, or failed, brings to the file; nil: none
	shared  *layer // a copy of fresh for readers; nil: none since fresh changed
	version uint64 // counts what was committed
}

// state is one committed state: the file's rows and on them those of the
// layers, the newest first.
type state struct {
	tx      *bbolt.Tx
	layers  [2]*layer // never changed any more; nil: none
	version uint64
}

func newMemory() *memory { return &memory{fresh: newLayer()} }

// open returns the committed state. The file's transaction begins while the
// layers cannot change: they go with it.
func (m *memory) open(file *bbolt.DB) (state, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx, err := file.Begin(false)
	if err != nil {
		return state{}, err
	}
	if m.shared == nil {
		m.shared = m.fresh.copy()
	}
	return state{tx: tx, layers: [2]*layer{m.shared, m.sealed}, version: m.version}, nil
}

// add takes a batch that is durable in the log. It keeps parts of rows.
func (m *memory) add(rows *layer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fresh.take(rows)
	m.shared = nil
	m.version++
}

// size is how much was committed since the last checkpoint began, in bytes.
func (m *memory) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fresh.bytes
}

// seal returns what a checkpoint has to bring to the file. New rows are kept
// apart from now on.
func (m *memory) seal() *layer {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sealed, m.fresh, m.shared = m.fresh, newLayer(), nil
	return m.sealed
}

// waiting is what an earlier checkpoint has sealed and not brought to the file.
func (m *memory) waiting() *layer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sealed
}

// forget drops what was sealed: the file has it.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sealed = nil
}

// note counts a commit that went past the memory into the file.
func (m *memory) note() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.version++
}

// snapshotKey is what a state is of: the version alone does not tell whether
// the file has a commit that went past the memory.
type snapshotKey struct {
	file *bbolt.DB
	tx   int
}

// Snapshot names the state; a transaction's number never comes back.
func (s state) Snapshot() store.Snapshot {
	return store.NewSnapshot(snapshotKey{s.tx.DB(), s.tx.ID()}, s.version)
}
