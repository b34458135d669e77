package storetest

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

func limitCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Limit/EmptyKey":     {"an empty key is refused everywhere", emptyKeyRefused},
		"Limit/NilTupleKey":  {"a key of an unknown kind is refused, not stored somewhere", unknownKindRefused},
		"Limit/LongestKey":   {"the longest key is stored", longestKey},
		"Limit/KeyTooLong":   {"a longer key is refused", keyTooLong},
		"Limit/EmptyBucket":  {"a bucket has a name", emptyBucketRefused},
		"Limit/BigValue":     {"a value of 5 MB is stored", bigValue},
		"Limit/ValueTooLong": {"a longer value is refused", valueTooLong},
	}
}

func emptyKeyRefused(t *testing.T, st store.Store) { keyRefused(t, st, box, nil) }

func unknownKindRefused(t *testing.T, st store.Store) {
	keyRefused(t, st, box, store.Key("a", 1.5))
	keyRefused(t, st, box, store.Key(nil))
}

func keyTooLong(t *testing.T, st store.Store) {
	keyRefused(t, st, box, bytes.Repeat([]byte("k"), store.MaxKey+1))
}

func emptyBucketRefused(t *testing.T, st store.Store) { keyRefused(t, st, "", []byte("a")) }

func keyRefused(t *testing.T, st store.Store, b store.Bucket, key []byte) {
	t.Helper()
	wantClass(t, st.Update(t.Context(), func(tx store.Tx) error { return tx.Put(b, key, nil) }), fault.ClassInternal)
	wantClass(t, st.Update(t.Context(), func(tx store.Tx) error { return tx.Delete(b, key) }), fault.ClassInternal)
	wantClass(t, st.View(t.Context(), func(r store.Reader) error {
		_, err := r.Get(b, key)
		return err
	}), fault.ClassInternal)
	want(t, st)
}

func longestKey(t *testing.T, st store.Store) {
	key := strings.Repeat("k", store.MaxKey)
	put(t, st, key)
	want(t, st, key)
}

func bigValue(t *testing.T, st store.Store) {
	value := bytes.Repeat([]byte("0123456789abcdef"), 5<<16)
	update(t, st, func(tx store.Tx) error { return tx.Put(box, []byte("a"), value) })
	view(t, st, func(r store.Reader) error {
		if got := valueOf(t, r, "a"); got != string(value) {
			t.Errorf("read %d bytes, want %d equal ones", len(got), len(value))
		}
		return nil
	})
}

func valueTooLong(t *testing.T, st store.Store) {
	err := st.Update(t.Context(), func(tx store.Tx) error {
		return tx.Put(box, []byte("a"), make([]byte, store.MaxValue+1))
	})
	wantClass(t, err, fault.ClassInternal)
	want(t, st)
}

func undoCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Undo/Put":              {"a failed update leaves nothing", undoPut},
		"Undo/Replace":          {"a failed update brings back the old value", undoReplace},
		"Undo/ReplaceTwice":     {"undone in reverse order, to the state before", undoReplaceTwice},
		"Undo/Delete":           {"a failed update brings back what it deleted", undoDelete},
		"Undo/DeleteThenPut":    {"undone in reverse order, to the state before", undoDeleteThenPut},
		"Undo/NewBucket":        {"a bucket that only a failed update made is empty", undoNewBucket},
		"Undo/ErrorIsReturned":  {"the error comes back as it is", undoErrorReturned},
		"Undo/FaultIsReturned":  {"a fault keeps its class", undoFaultReturned},
		"Undo/Panic":            {"a panic is an internal fault and undoes its own writes", undoPanic},
		"Undo/PanicNil":         {"a panic is an internal fault and undoes its own writes", undoPanicNil},
		"Undo/Goexit":           {"a function that ends its goroutine fails alone", undoGoexit},
		"Undo/IgnoredPutError":  {"a refused Put changes nothing", undoIgnoredPut},
		"Undo/AfterFailureWork": {"the store goes on after failures", worksAfterFailures},
		"Undo/MassOfWrites":     {"a failed update of many pages leaves nothing", undoMass},
		"Undo/UseAfterEnd":      {"a transaction that has ended takes no more writes", useAfterEnd},
	}
}

// fails runs do in an update that then fails.
func fails(t *testing.T, st store.Store, do func(store.Tx) error) {
	t.Helper()
	err := st.Update(t.Context(), func(tx store.Tx) error {
		if err := do(tx); err != nil {
			t.Errorf("before the failure: %v", err)
		}
		return errBoom
	})
	if !errors.Is(err, errBoom) {
		t.Errorf("got %v, want %v", err, errBoom)
	}
}

func undoPut(t *testing.T, st store.Store) {
	put(t, st, "a")
	fails(t, st, func(tx store.Tx) error { return putAll(tx, "b", "c") })
	want(t, st, "a")
}

func undoReplace(t *testing.T, st store.Store) {
	put(t, st, "a")
	fails(t, st, func(tx store.Tx) error { return tx.Put(box, []byte("a"), []byte("new")) })
	wantValue(t, st, "a", "a")
}

func wantValue(t *testing.T, st store.Store, key, value string) {
	t.Helper()
	view(t, st, func(r store.Reader) error {
		if got := valueOf(t, r, key); got != value {
			t.Errorf("%q holds %q, want %q", key, got, value)
		}
		return nil
	})
}

func undoReplaceTwice(t *testing.T, st store.Store) {
	put(t, st, "a")
	fails(t, st, func(tx store.Tx) error {
		return errors.Join(tx.Put(box, []byte("a"), []byte("1")), tx.Put(box, []byte("a"), []byte("2")))
	})
	wantValue(t, st, "a", "a")
}

func undoDelete(t *testing.T, st store.Store) {
	put(t, st, "a", "b")
	fails(t, st, func(tx store.Tx) error { return tx.Delete(box, []byte("a")) })
	want(t, st, "a", "b")
}

func undoDeleteThenPut(t *testing.T, st store.Store) {
	put(t, st, "a")
	fails(t, st, func(tx store.Tx) error {
		return errors.Join(tx.Delete(box, []byte("a")), tx.Put(box, []byte("a"), []byte("1")), tx.Delete(box, []byte("a")))
	})
	wantValue(t, st, "a", "a")
}

func undoNewBucket(t *testing.T, st store.Store) {
	fails(t, st, func(tx store.Tx) error { return putAll(tx, "a") })
	want(t, st)
	put(t, st, "b")
	want(t, st, "b")
}

func undoErrorReturned(t *testing.T, st store.Store) {
	err := st.Update(t.Context(), func(store.Tx) error { return errBoom })
	if err != errBoom { //nolint:errorlint // the very error is promised
		t.Errorf("got %v, want the same error", err)
	}
}

func undoFaultReturned(t *testing.T, st store.Store) {
	wantClass(t, st.Update(t.Context(), func(store.Tx) error { return fault.NotFound("order", "1") }), fault.ClassNotFound)
	wantClass(t, st.View(t.Context(), func(store.Reader) error { return fault.NotFound("order", "1") }), fault.ClassNotFound)
}

func undoPanic(t *testing.T, st store.Store) { panicsWith(t, st, "at the disco") }

func undoPanicNil(t *testing.T, st store.Store) { panicsWith(t, st, nil) }

func panicsWith(t *testing.T, st store.Store, value any) {
	t.Helper()
	put(t, st, "a")
	err := st.Update(t.Context(), func(tx store.Tx) error {
		_ = putAll(tx, "b")
		panic(value)
	})
	wantClass(t, err, fault.ClassInternal)
	put(t, st, "c")
	want(t, st, "a", "c")
}

func undoGoexit(t *testing.T, st store.Store) {
	put(t, st, "a")
	done := make(chan error, 1)
	go func() {
		err := errors.New("update did not return")
		defer func() { done <- err }()
		err = st.Update(ctxOf(t), func(tx store.Tx) error {
			_ = putAll(tx, "b")
			runtime.Goexit()
			return nil
		})
	}()
	if err := <-done; err == nil {
		t.Error("a function that ended its goroutine counts as a success")
	}
	put(t, st, "c")
	want(t, st, "a", "c")
}

func undoIgnoredPut(t *testing.T, st store.Store) {
	update(t, st, func(tx store.Tx) error {
		_ = tx.Put(box, nil, nil)
		return putAll(tx, "a")
	})
	want(t, st, "a")
}

func worksAfterFailures(t *testing.T, st store.Store) {
	for range 50 {
		fails(t, st, func(tx store.Tx) error { return putAll(tx, "x", "y") })
	}
	put(t, st, "a")
	want(t, st, "a")
}

func undoMass(t *testing.T, st store.Store) {
	put(t, st, "a")
	fails(t, st, func(tx store.Tx) error {
		for i := range 3000 {
			if err := tx.Put(box, store.Key("mass", i), bytes.Repeat([]byte("v"), 100)); err != nil {
				return err
			}
		}
		return tx.Delete(box, []byte("a"))
	})
	want(t, st, "a")
}

func useAfterEnd(t *testing.T, st store.Store) {
	var kept store.Tx
	update(t, st, func(tx store.Tx) error {
		kept = tx
		return nil
	})
	if err := kept.Put(box, []byte("late"), nil); err == nil {
		t.Error("a put after the end is accepted")
	}
	want(t, st)
}

func contextCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Context/EndedBeforeUpdate": {"what has not begun does not begin", endedBeforeUpdate},
		"Context/EndedBeforeView":   {"what has not begun does not begin", endedBeforeView},
		"Context/EndsInUpdate":      {"what has begun has a known outcome", endsInUpdate},
		"Context/EndsInQueue":       {"an update that still waits when its context ends does not run", endsInQueue},
	}
}

func endedBeforeUpdate(t *testing.T, st store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := st.Update(ctx, func(tx store.Tx) error { return putAll(tx, "a") })
	if !errors.Is(err, context.Canceled) || fault.OutcomeOf(err) != fault.OutcomeNotDone {
		t.Errorf("got %v, want a fault with the cause %v and the outcome not done", err, context.Canceled)
	}
	wantClass(t, err, fault.ClassUnavailable)
	want(t, st)
}

func endedBeforeView(t *testing.T, st store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := st.View(ctx, func(store.Reader) error { return errBoom })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cause %v", err, context.Canceled)
	}
}

func endsInUpdate(t *testing.T, st store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	err := st.Update(ctx, func(tx store.Tx) error {
		cancel()
		return putAll(tx, "a")
	})
	if err != nil {
		t.Errorf("got %v, want the outcome, which is success", err)
	}
	want(t, st, "a")
}

func endsInQueue(t *testing.T, st store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	inside, leave := make(chan struct{}), make(chan struct{})
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		first <- st.Update(t.Context(), func(tx store.Tx) error {
			close(inside)
			<-leave
			return putAll(tx, "a")
		})
	}()
	<-inside
	go func() { second <- st.Update(ctx, func(tx store.Tx) error { return putAll(tx, "b") }) }()
	cancel()
	close(leave)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cause %v", err, context.Canceled)
	}
	want(t, st, "a")
}
