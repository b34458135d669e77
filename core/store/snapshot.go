package store

// Snapshot names one committed state of one store: readers of equal snapshots
// read the same rows, so that what was found out from one holds for the other.
// The zero Snapshot names none and equals nothing worth remembering.
type Snapshot struct {
	of      any
	version uint64
}

// NewSnapshot is for implementations: of is the store, comparable and the same
// for all its readers, version the state, which never comes back.
func NewSnapshot(of any, version uint64) Snapshot { return Snapshot{of: of, version: version} }

// IsZero reports whether x names no state.
func (x Snapshot) IsZero() bool { return x.of == nil }

// SnapshotOf returns the state that r reads; zero when it is none that was
// committed, as inside an update, or when the store does not tell.
func SnapshotOf(r Reader) Snapshot {
	if x, ok := r.(interface{ Snapshot() Snapshot }); ok {
		return x.Snapshot()
	}
	return Snapshot{}
}
