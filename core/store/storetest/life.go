package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

func migrateCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Migrate/RunsInOrder":   {"each step runs once, in order", migrateOrder},
		"Migrate/Resumes":       {"a failed step is repeated, the ones before are not", migrateResumes},
		"Migrate/NewerRefused":  {"data of a newer program is refused untouched", migrateNewer},
		"Migrate/GapRefused":    {"versions count up without a gap", migrateGap},
		"Migrate/FreshIsZero":   {"a fresh store has schema version 0", migrateFresh},
		"Migrate/NothingToDo":   {"no steps, no change", migrateNothing},
		"Migrate/StepIsOneUnit": {"a step and its version are one transaction", migrateUnit},
	}
}

// steps returns migrations 1..n that record their runs under step numbers.
func steps(n int, fail int) []store.Migration {
	var out []store.Migration
	for v := 1; v <= n; v++ {
		out = append(out, store.Migration{Version: v, Name: fmt.Sprint("step ", v), Run: func(tx store.Tx) error {
			if err := add(tx, fmt.Sprint("step", v), 1); err != nil {
				return err
			}
			if v == fail {
				return errBoom
			}
			return nil
		}})
	}
	return out
}

func wantSchema(t *testing.T, st store.Store, version int) {
	t.Helper()
	view(t, st, func(r store.Reader) error {
		got, err := store.Schema(r)
		if got != version {
			t.Errorf("schema version %d, want %d", got, version)
		}
		return err
	})
}

func migrate(t *testing.T, st store.Store, list []store.Migration) {
	t.Helper()
	if err := store.Migrate(t.Context(), st, list); err != nil {
		t.Errorf("migrate: %v", err)
	}
}

func migrateOrder(t *testing.T, st store.Store) {
	migrate(t, st, steps(2, 0))
	migrate(t, st, steps(2, 0))
	migrate(t, st, steps(3, 0))
	want(t, st, "step1", "step2", "step3")
	for _, k := range []string{"step1", "step2", "step3"} {
		wantCounter(t, st, k, 1)
	}
	wantSchema(t, st, 3)
}

func migrateResumes(t *testing.T, st store.Store) {
	if err := store.Migrate(t.Context(), st, steps(3, 2)); !errors.Is(err, errBoom) {
		t.Errorf("got %v, want %v", err, errBoom)
	}
	wantSchema(t, st, 1)
	migrate(t, st, steps(3, 0))
	wantCounter(t, st, "step1", 1)
	wantCounter(t, st, "step2", 1)
	wantSchema(t, st, 3)
}

func migrateNewer(t *testing.T, st store.Store) {
	migrate(t, st, steps(3, 0))
	err := store.Migrate(t.Context(), st, steps(2, 0))
	wantClass(t, err, fault.ClassPrecondition)
	if !errors.Is(err, store.ErrNewerSchema) {
		t.Errorf("got %v, want the cause %v", err, store.ErrNewerSchema)
	}
	wantSchema(t, st, 3)
}

func migrateGap(t *testing.T, st store.Store) {
	list := steps(3, 0)
	wantClass(t, store.Migrate(t.Context(), st, list[1:]), fault.ClassInternal)
	want(t, st)
}

func migrateFresh(t *testing.T, st store.Store) { wantSchema(t, st, 0) }

func migrateNothing(t *testing.T, st store.Store) {
	migrate(t, st, nil)
	wantSchema(t, st, 0)
}

func migrateUnit(t *testing.T, st store.Store) {
	_ = store.Migrate(t.Context(), st, steps(1, 1))
	want(t, st)
	wantSchema(t, st, 0)
}

func lifeCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Life/CloseTwice":       {"closing twice is no error", closeTwice},
		"Life/UseAfterClose":    {"a closed store refuses as unavailable", useAfterClose},
		"Life/CloseWaits":       {"closing lets a running update finish", closeWaits},
		"Life/BackupNotEmpty":   {"a backup says how long it is", backupLength},
		"Life/BackupHearsCtx":   {"a backup ends with its context", backupContext},
		"Life/BackupWhileBusy":  {"a backup does not stop the writers", backupBusy},
		"Life/BackupWriteFails": {"a backup that cannot be written is an error", backupFails},
	}
}

func closeTwice(t *testing.T, st store.Store) {
	put(t, st, "a")
	if err := errors.Join(st.Close(), st.Close()); err != nil {
		t.Error(err)
	}
}

func useAfterClose(t *testing.T, st store.Store) {
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	wantClass(t, st.Update(t.Context(), func(tx store.Tx) error { return putAll(tx, "a") }), fault.ClassUnavailable)
	wantClass(t, st.View(t.Context(), func(store.Reader) error { return nil }), fault.ClassUnavailable)
	_, err := st.Backup(t.Context(), &bytes.Buffer{})
	wantClass(t, err, fault.ClassUnavailable)
}

func closeWaits(t *testing.T, st store.Store) {
	inside, leave := make(chan struct{}), make(chan struct{})
	updated, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		updated <- st.Update(t.Context(), func(tx store.Tx) error {
			close(inside)
			<-leave
			return putAll(tx, "a")
		})
	}()
	<-inside
	go func() { closed <- st.Close() }()
	close(leave)
	if err := errors.Join(<-updated, <-closed); err != nil {
		t.Errorf("the update that ran when the store was closed: %v", err)
	}
}

func backupLength(t *testing.T, st store.Store) {
	put(t, st, "a")
	var buf bytes.Buffer
	n, err := st.Backup(t.Context(), &buf)
	if err != nil || n == 0 || n != int64(buf.Len()) {
		t.Errorf("wrote %d, said %d: %v", buf.Len(), n, err)
	}
}

func backupContext(t *testing.T, st store.Store) {
	put(t, st, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := st.Backup(ctx, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cause %v", err, context.Canceled)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func backupBusy(t *testing.T, st store.Store) {
	put(t, st, "a")
	n := 0
	_, err := st.Backup(t.Context(), writerFunc(func(p []byte) (int, error) {
		n++
		put(t, st, fmt.Sprint("during", n))
		return len(p), nil
	}))
	if err != nil || n == 0 {
		t.Errorf("%d writes: %v", n, err)
	}
}

func backupFails(t *testing.T, st store.Store) {
	put(t, st, "a")
	_, err := st.Backup(t.Context(), writerFunc(func([]byte) (int, error) { return 0, errBoom }))
	if !errors.Is(err, errBoom) {
		t.Errorf("got %v, want %v", err, errBoom)
	}
}

func modelCases() map[string]suiteCase {
	return map[string]suiteCase{
		"Model/RandomTransactions": {"any sequence of transactions leaves what a map would hold", modelRun},
	}
}

func modelRun(t *testing.T, st store.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		b := store.Bucket("model/" + rapid.StringMatching(`[a-z]{12}`).Draw(rt, "bucket"))
		m := map[string]string{}
		rt.Repeat(map[string]func(*rapid.T){
			"transact": func(rt *rapid.T) { m = transact(rt, t, st, b, m) },
			"":         func(rt *rapid.T) { compare(rt, t, st, b, m) },
		})
	})
}

// transact runs a random transaction on store and model; when it fails, the
// model stays as it was.
func transact(rt *rapid.T, t *testing.T, st store.Store, b store.Bucket, m map[string]string) map[string]string {
	keys := rapid.StringN(1, 2, 3)
	type op struct{ key, value string }
	var ops []op
	for range rapid.IntRange(1, 12).Draw(rt, "ops") {
		ops = append(ops, op{keys.Draw(rt, "key"), rapid.StringN(0, 4, 80).Draw(rt, "value")})
	}
	fail := rapid.IntRange(0, 2).Draw(rt, "fail") == 0
	next := map[string]string{}
	for k, v := range m {
		next[k] = v
	}
	err := st.Update(t.Context(), func(tx store.Tx) error {
		for _, o := range ops {
			if o.value == "" {
				if err := tx.Delete(b, []byte(o.key)); err != nil {
					return err
				}
				continue
			}
			if err := tx.Put(b, []byte(o.key), []byte(o.value)); err != nil {
				return err
			}
		}
		if fail {
			return errBoom
		}
		return nil
	})
	if fail != errors.Is(err, errBoom) || !fail && err != nil {
		rt.Fatalf("update: %v", err)
	}
	if fail {
		return m
	}
	for _, o := range ops {
		if delete(next, o.key); o.value != "" {
			next[o.key] = o.value
		}
	}
	return next
}

// compare scans a random range both ways and holds it against the model.
func compare(rt *rapid.T, t *testing.T, st store.Store, b store.Bucket, m map[string]string) {
	from, to := rapid.StringN(0, 2, 3).Draw(rt, "from"), rapid.StringN(0, 2, 3).Draw(rt, "to")
	span := store.Range{From: []byte(from), Limit: rapid.IntRange(1, 9).Draw(rt, "limit"), Reverse: rapid.Bool().Draw(rt, "reverse")}
	if to != "" {
		span.To = []byte(to)
	}
	var keys []string
	for k := range m {
		if k >= from && (to == "" || k < to) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	if span.Reverse {
		slices.Reverse(keys)
	}
	var expect []string
	for _, k := range keys[:min(len(keys), span.Limit)] {
		expect = append(expect, k+"="+m[k])
	}
	var got []string
	err := st.View(t.Context(), func(r store.Reader) error {
		return r.Scan(b, span, func(k, v []byte) error {
			got = append(got, string(k)+"="+string(v))
			return nil
		})
	})
	if err != nil || !slices.Equal(got, expect) {
		rt.Fatalf("scan %+v: got %q, want %q, %v", span, got, expect, err)
	}
}
