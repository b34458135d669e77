package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/core/audit"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

var (
	epoch   = time.Date(2026, 1, 2, 3, 4, 5, 600, time.FixedZone("east", 8*3600))
	errBoom = errors.New("boom")
)

func record(i int) audit.Record {
	return audit.Record{
		Time: epoch.Add(time.Duration(i) * time.Second), Actor: "user-1", Org: fmt.Sprint("org-", i%2), Root: "root",
		Action: "order.create", Thing: "order", ID: fmt.Sprint("order-", i), After: map[string]any{"state": "held", "n": i}, RequestID: "req",
	}
}

func add(t *testing.T, st store.Store, records ...audit.Record) {
	t.Helper()
	for _, rec := range records {
		if err := st.Update(t.Context(), func(tx store.Tx) error { return audit.Append(tx, rec) }); err != nil {
			t.Fatal(err)
		}
	}
}

func filled(t *testing.T, n int) store.Store {
	t.Helper()
	st := storetest.Open(t)
	for i := range n {
		add(t, st, record(i))
	}
	return st
}

func list(t *testing.T, st store.Store, q audit.Query) audit.Page {
	t.Helper()
	var p audit.Page
	err := st.View(t.Context(), func(r store.Reader) (err error) {
		p, err = audit.List(r, q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func verify(t *testing.T, st store.Store) error {
	t.Helper()
	return st.View(t.Context(), audit.Verify)
}

func TestAppendAndList(t *testing.T) {
	t.Parallel()
	st := filled(t, 5)
	storetest.Check(t, st, audit.Verify)
	cases := map[string]struct {
		reason string
		query  audit.Query
		want   string
	}{
		"Org":     {"one org's records, newest first", audit.Query{Org: "org-0"}, "5 3 1"},
		"Other":   {"another's", audit.Query{Org: "org-1"}, "4 2"},
		"Root":    {"the records of the whole tree", audit.Query{Root: "root"}, "5 4 3 2 1"},
		"Foreign": {"a foreign tree sees nothing", audit.Query{Root: "elsewhere"}, ""},
		"Prefix":  {"an org whose id begins alike sees nothing", audit.Query{Org: "org-"}, ""},
	}
	for name, tc := range cases {
		var got []string
		tc.query.Limit = 2
		for {
			p := list(t, st, tc.query)
			for _, e := range p.Items {
				got = append(got, fmt.Sprint(e.Seq))
			}
			if tc.query.Cursor = p.Next; tc.query.Cursor == "" {
				break
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %s: got %v, want %q", name, tc.reason, got, tc.want)
		}
	}
}

func TestEntryKeepsTheRecord(t *testing.T) {
	t.Parallel()
	st := filled(t, 1)
	e := list(t, st, audit.Query{Org: "org-0", Limit: 1}).Items[0]
	want := audit.Entry{
		Seq: 1, Time: epoch.UTC(), Actor: "user-1", Org: "org-0", Root: "root", Action: "order.create", Thing: "order",
		ID: "order-0", Before: json.RawMessage("null"), After: json.RawMessage(`{"n":0,"state":"held"}`), RequestID: "req",
	}
	if fmt.Sprintf("%+v", e) != fmt.Sprintf("%+v", want) {
		t.Errorf("got %+v, want %+v", e, want)
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	st := filled(t, 1)
	cases := map[string]struct {
		reason string
		query  audit.Query
		class  fault.Class
	}{
		"NoLimit":   {"no list without a limit", audit.Query{Org: "org-0"}, fault.ClassInvalid},
		"OverLimit": {"a page is bounded", audit.Query{Org: "org-0", Limit: store.MaxList + 1}, fault.ClassInvalid},
		"Cursor":    {"a cursor is a number", audit.Query{Org: "org-0", Limit: 1, Cursor: "x"}, fault.ClassInvalid},
		"NoScope":   {"no query without an org scope", audit.Query{Limit: 1}, fault.ClassInternal},
	}
	for name, tc := range cases {
		err := st.View(t.Context(), func(r store.Reader) error {
			_, err := audit.List(r, tc.query)
			return err
		})
		if !fault.Is(err, tc.class) {
			t.Errorf("%s: %s: got %v", name, tc.reason, err)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	cases := map[string]struct {
		reason string
		spoil  func(*audit.Record)
	}{
		"Time":     {"a record has its time", func(r *audit.Record) { r.Time = time.Time{} }},
		"Actor":    {"a record says who", func(r *audit.Record) { r.Actor = "" }},
		"Org":      {"a record belongs to an org", func(r *audit.Record) { r.Org = "" }},
		"Action":   {"a record says what", func(r *audit.Record) { r.Action = "" }},
		"Encoding": {"a state is data", func(r *audit.Record) { r.After = func() {} }},
	}
	for name, tc := range cases {
		rec := record(0)
		tc.spoil(&rec)
		err := st.Update(t.Context(), func(tx store.Tx) error { return audit.Append(tx, rec) })
		if !fault.Is(err, fault.ClassInternal) {
			t.Errorf("%s: %s: got %v", name, tc.reason, err)
		}
	}
	if err := verify(t, st); err != nil {
		t.Error(err)
	}
}

func TestRolledBackRecordLeavesTheChainWhole(t *testing.T) {
	t.Parallel()
	st := filled(t, 2)
	err := st.Update(t.Context(), func(tx store.Tx) error { return errors.Join(audit.Append(tx, record(9)), errBoom) })
	if !errors.Is(err, errBoom) {
		t.Error(err)
	}
	add(t, st, record(2))
	if err := verify(t, st); err != nil {
		t.Error(err)
	}
}

func TestConcurrentAppendsMakeOneChain(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			for range 10 {
				if err := st.Update(t.Context(), func(tx store.Tx) error { return audit.Append(tx, record(i)) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	err := st.View(t.Context(), func(r store.Reader) error {
		h, err := audit.ReadHead(r)
		if h.Seq != 320 {
			t.Errorf("the chain has %d records, want 320", h.Seq)
		}
		return errors.Join(err, audit.Verify(r))
	})
	if err != nil {
		t.Error(err)
	}
}

func TestVerifyNamesTheFirstBrokenRecord(t *testing.T) {
	t.Parallel()
	const rows = store.Bucket("audit")
	edit := func(tx store.Tx, seq uint64, change func(v []byte) []byte) error {
		v, err := tx.Get(rows, store.Key(seq))
		if err != nil {
			return err
		}
		return tx.Put(rows, store.Key(seq), change(bytes.Clone(v)))
	}
	cases := map[string]struct {
		reason string
		tamper func(tx store.Tx) error
		want   string
	}{
		"Content": {"a changed letter shows", func(tx store.Tx) error {
			return edit(tx, 3, func(v []byte) []byte { return bytes.Replace(v, []byte("order-2"), []byte("order-9"), 1) })
		}, "audit record 3 "},
		"Hash": {"a changed hash shows", func(tx store.Tx) error {
			return edit(tx, 3, func(v []byte) []byte { v[0] ^= 1; return v })
		}, "audit record 3 "},
		"Short":   {"a cut record shows", func(tx store.Tx) error { return edit(tx, 3, func(v []byte) []byte { return v[:10] }) }, "audit record 3 "},
		"Removed": {"a removed record shows", func(tx store.Tx) error { return tx.Delete(rows, store.Key(uint64(3))) }, "audit record 3 "},
		"First":   {"the first record can be missed too", func(tx store.Tx) error { return tx.Delete(rows, store.Key(uint64(1))) }, "audit record 1 "},
		"Tail":    {"a cut end shows", func(tx store.Tx) error { return tx.Delete(rows, store.Key(uint64(5))) }, "audit record 5 "},
		"Swapped": {"two records in each other's place show", func(tx store.Tx) error {
			a, _ := tx.Get(rows, store.Key(uint64(2)))
			b, _ := tx.Get(rows, store.Key(uint64(3)))
			a, b = bytes.Clone(a), bytes.Clone(b)
			return errors.Join(tx.Put(rows, store.Key(uint64(2)), b), tx.Put(rows, store.Key(uint64(3)), a))
		}, "audit record 2 "},
		"Inserted": {"a record after the head shows", func(tx store.Tx) error {
			v, _ := tx.Get(rows, store.Key(uint64(5)))
			return tx.Put(rows, store.Key(uint64(6)), bytes.Clone(v))
		}, "audit record 6 "},
		"HeadGone": {"a lost head shows", func(tx store.Tx) error { return tx.Delete("audit/chain", store.Key("head")) }, "audit record 5 "},
		"Hidden":   {"a record hidden from its org's list shows", func(tx store.Tx) error { return tx.Delete("audit/org", store.Key("org-1", uint64(4))) }, "audit record 4 "},
		"HiddenR":  {"a record hidden from its tree's list shows", func(tx store.Tx) error { return tx.Delete("audit/root", store.Key("root", uint64(4))) }, "audit record 4 "},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := filled(t, 5)
			if err := verify(t, st); err != nil {
				t.Fatal(err)
			}
			if err := st.Update(t.Context(), tc.tamper); err != nil {
				t.Fatal(err)
			}
			err := verify(t, st)
			if !errors.Is(err, audit.ErrBroken) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: got %v, want it to name %q", tc.reason, err, tc.want)
			}
		})
	}
}

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	const marker = "m4rk3r"
	type login struct {
		Name         string
		PasswordHash string
		Bearer       *string
	}
	text := marker
	cases := map[string]struct {
		reason string
		state  any
	}{
		"SecretValue": {"a secret value masks itself", struct{ Anything secret.Value }{secret.New(marker)}},
		"Password":    {"by name", login{Name: "x", PasswordHash: marker}},
		"Pointer":     {"through pointers", login{Bearer: &text}},
		"Nested":      {"at any depth", map[string]any{"a": []any{map[string]any{"access_key_secret": marker}}}},
		"Token":       {"tokens", map[string]any{"Token": marker}},
		"Object":      {"whole objects", map[string]any{"Credentials": map[string]any{"any": marker}}},
		"Bytes":       {"bytes", struct{ PrivateKey []byte }{[]byte(marker)}},
		"Raw":         {"raw JSON", json.RawMessage(`{"apiKey":"` + marker + `"}`)},
	}
	st := storetest.Open(t)
	for name, tc := range cases {
		rec := record(0)
		rec.Before, rec.After = tc.state, tc.state
		add(t, st, rec)
		e := list(t, st, audit.Query{Org: "org-0", Limit: 1}).Items[0]
		for _, state := range []json.RawMessage{e.Before, e.After} {
			if bytes.Contains(state, []byte(marker)) || bytes.Contains(state, []byte("bTRyazNy")) || !bytes.Contains(state, []byte(secret.Mask)) {
				t.Errorf("%s: %s: kept %s", name, tc.reason, state)
			}
		}
	}
	rec := record(0)
	rec.After = json.RawMessage(`{"TokenID":"kept","Password":"","Amount":12345678901234567890,"Key":"kept"}`)
	add(t, st, rec)
	e := list(t, st, audit.Query{Org: "org-0", Limit: 1}).Items[0]
	if got := string(e.After); got != `{"Amount":12345678901234567890,"Key":"kept","Password":"","TokenID":"kept"}` {
		t.Errorf("what is no secret is kept exactly: got %s", got)
	}
}

func BenchmarkAppend(b *testing.B) {
	st := storetest.Open(b)
	rec := record(0)
	b.ReportAllocs()
	err := st.Update(b.Context(), func(tx store.Tx) error {
		for b.Loop() {
			if err := audit.Append(tx, rec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
