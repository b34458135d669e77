package ledger

import (
	"encoding/binary"
	"slices"
	"time"

	"tradewind.example/core/money"
	"tradewind.example/sdk/fault"
)

// The stored forms are written by hand because a sale posts a dozen entries and
// their size is what a commit costs. Each value begins with its version.
const codecVersion = 1

type writer struct{ b []byte }

func newWriter(size int) *writer {
	w := &writer{b: make([]byte, 0, size)}
	w.b = append(w.b, codecVersion)
	return w
}

func (w *writer) uint(v uint64)         { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) int(v int64)           { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) time(t time.Time)      { w.int(t.UnixNano()) }
func (w *writer) amount(a money.Amount) { w.int(int64(a)) }
func (w *writer) byte(v byte)           { w.b = append(w.b, v) }
func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

// reader takes values apart; after the first failure it returns zeros and
// remembers that it failed.
type reader struct {
	b      []byte
	failed bool
}

func newReader(b []byte) *reader {
	r := &reader{b: b}
	if r.byte() != codecVersion {
		r.failed = true
	}
	return r
}

func (r *reader) fail() { r.failed, r.b = true, nil }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) time() time.Time      { return time.Unix(0, r.int()).UTC() }
func (r *reader) amount() money.Amount { return money.Amount(r.int()) }

func (r *reader) text() string { return string(r.bytes()) }

// skip passes over n texts.
func (r *reader) skip(n int) {
	for range n {
		r.bytes()
	}
}

func (r *reader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// count reads the length of a list whose items have at least one byte each, so
// that a damaged value cannot ask for more memory than it has bytes.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) end(what, id string) error {
	if r.failed || len(r.b) != 0 {
		return fault.Internal(nil, "the stored %s %q cannot be read; restore the store from a backup", what, id)
	}
	return nil
}

// names numbers the few organisations and currencies that a transaction repeats.
type names []string

func (n *names) number(s string) uint64 {
	i := slices.Index(*n, s)
	if i < 0 {
		i = len(*n)
		*n = append(*n, s)
	}
	return uint64(i)
}

func encodeTransaction(t Transaction) []byte {
	var table names
	body := writer{b: make([]byte, 0, 8*len(t.Postings))}
	for _, p := range t.Postings {
		body.uint(table.number(p.Account.Book))
		body.uint(table.number(p.Account.Party))
		body.uint(table.number(string(p.Account.Currency)))
		body.byte(p.Account.Kind.code())
		body.amount(p.Amount)
	}
	w := newWriter(256 + len(body.b))
	for _, s := range [...]string{t.Kind, t.Ref, t.Reverses, t.Key, t.Memo, t.Actor} {
		w.text(s)
	}
	w.time(t.Time)
	w.uint(uint64(len(table)))
	for _, s := range table {
		w.text(s)
	}
	w.uint(uint64(len(t.Postings)))
	return append(w.b, body.b...)
}

func decodeTransaction(id string, b []byte) (Transaction, error) {
	r := newReader(b)
	t := Transaction{ID: id}
	for _, s := range [...]*string{&t.Kind, &t.Ref, &t.Reverses, &t.Key, &t.Memo, &t.Actor} {
		*s = r.text()
	}
	t.Time = r.time()
	table := make(names, r.count())
	for i := range table {
		table[i] = r.text()
	}
	t.Postings = make([]Posting, r.count())
	for i := range t.Postings {
		t.Postings[i] = r.posting(table)
	}
	return t, r.end("transaction", id)
}

func (r *reader) posting(table names) Posting {
	a := Account{Book: r.name(table), Party: r.name(table), Currency: money.Currency(r.name(table))}
	kind, known := kindOf(r.byte())
	if !known {
		r.fail()
	}
	a.Kind = kind
	return Posting{Account: a, Amount: r.amount()}
}

func (r *reader) name(table names) string {
	i := r.uint()
	if i >= uint64(len(table)) {
		r.fail()
		return ""
	}
	return table[i]
}
