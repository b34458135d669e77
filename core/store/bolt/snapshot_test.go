package bolt_test

import (
	"errors"
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
)

func snapshotOf(t *testing.T, st store.Store) (out store.Snapshot) {
	t.Helper()
	err := st.View(t.Context(), func(r store.Reader) error {
		out = store.SnapshotOf(r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSnapshotsNameCommittedStates(t *testing.T) {
	t.Parallel()
	st, other := storetest.Open(t), storetest.Open(t)
	lost := errors.New("undone")
	write := func(end error) {
		t.Helper()
		err := st.Update(t.Context(), func(tx store.Tx) error {
			if err := tx.Put("b", []byte("k"), []byte("v")); err != nil {
				return err
			}
			if x := store.SnapshotOf(tx); !x.IsZero() {
				t.Errorf("an update reads the committed state %v", x)
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	first := snapshotOf(t, st)
	if first.IsZero() || first != snapshotOf(t, st) {
		t.Error("nothing was committed and the state has another name")
	}
	if first == snapshotOf(t, other) {
		t.Error("two stores have one state")
	}
	write(lost)
	if first != snapshotOf(t, st) {
		t.Error("what was undone made a new state")
	}
	write(nil)
	if first == snapshotOf(t, st) {
		t.Error("a commit left the name of the state")
	}
}
