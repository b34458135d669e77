// Package audit keeps the record of who changed what: append-only, written in
// the transaction of the change itself, each record chained to the one before
// by a hash, so that a later change, removal or insertion is found by [Verify].
//
// It is not the log of the process and holds no secrets: values of
// secret.Value and fields with telling names are masked before they are kept.
// The functions are safe for concurrent use as far as their transaction is.
//
// # The chain
//
// A record's canonical form is the JSON of its [Entry]: the fields in the
// order of the type, time in UTC as RFC 3339 with nanoseconds, Before and After
// as compact JSON with sorted map keys. Its hash is
// SHA-256(hash of the record before, canonical form), the first one over 32
// zero bytes. Hash and form are stored together and the last hash is kept
// under one key ([Head]); an operator who notes it elsewhere can later show
// that nothing was cut off the end.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// Record is one change. Time, Actor, Org and Action are required.
type Record struct {
	Time      time.Time // of the change, by the clock of the caller
	Actor     string    // user id, or "system"
	Org       string    // whose thing it is: the org that lists it
	Root      string    // the tree that Org belongs to
	Action    string    // verb of the rights table: "order.create"
	Thing     string    // kind of thing: "order"
	ID        string    // which one
	Before    any       // state before; nil for what is new
	After     any       // state after; nil for what is gone
	RequestID string
}

// Query asks for one page of records, newest first.
type Query struct {
	Org    string // records of this org; or
	Root   string // records of all orgs of this tree
	Actor  string // only of this one
	Action string
	Thing  string
	ID     string // of the thing
	From   time.Time
	To     time.Time // From ≤ time < To; zero is open
	Cursor string
	Limit  int // 1..store.MaxList

	OldestFirst bool
}

func (q *Query) admits(e *Entry) bool {
	switch {
	case q.Actor != "" && e.Actor != q.Actor, q.Action != "" && e.Action != q.Action,
		q.Thing != "" && e.Thing != q.Thing, q.ID != "" && e.ID != q.ID:
		return false
	}
	return !e.Time.Before(q.From) && (q.To.IsZero() || e.Time.Before(q.To))
}

// beyond reports whether the rest of the list, from a record of that time on, is
// out of the time that is asked for: the chain follows the clock.
func (q *Query) beyond(at time.Time) bool {
	if q.OldestFirst {
		return !q.To.IsZero() && !at.Before(q.To)
	}
	return at.Before(q.From)
}

// mostLooked bounds how many records are read to fill one page. A page that
// comes back short has a cursor to go on from.
const mostLooked = 4000

// Entry is a stored record.
type Entry struct {
	Seq       uint64 // 1, 2, 3 … over the whole store
	Time      time.Time
	Actor     string
	Org       string
	Root      string
	Action    string
	Thing     string
	ID        string
	Before    json.RawMessage // masked; null when nothing
	After     json.RawMessage // masked; null when nothing
	RequestID string
}

// Page is a part of the record. Next is "" at the end.
type Page struct {
	Items []Entry
	Next  string
}

const (
	rows   store.Bucket = "audit"       // Key(seq) -> hash, canonical entry
	byOrg  store.Bucket = "audit/org"   // Key(org, seq) -> empty
	byRoot store.Bucket = "audit/root"  // Key(root, seq) -> empty
	chain  store.Bucket = "audit/chain" // Key("head") -> seq, hash
)

// Append adds a record at the end of the chain. It costs one hash and does not
// read older records.
func Append(tx store.Tx, r Record) error {
	if r.Time.IsZero() || r.Actor == "" || r.Org == "" || r.Action == "" {
		return fault.Internal(nil, "an audit record of %q lacks its time, actor, org or action", r.Action)
	}
	head, err := readHead(tx)
	if err != nil {
		return err
	}
	e, err := entryOf(r, head.Seq+1)
	if err != nil {
		return err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return fault.Internal(err, "an audit record of %q cannot be encoded", r.Action)
	}
	next := Head{Seq: e.Seq, Hash: link(head.Hash, body)}
	if err := tx.Put(rows, store.Key(e.Seq), append(next.Hash[:], body...)); err != nil {
		return err
	}
	if err := index(tx, e); err != nil {
		return err
	}
	return tx.Put(chain, headKey(), next.encode())
}

func index(tx store.Tx, e Entry) error {
	if err := tx.Put(byOrg, store.Key(e.Org, e.Seq), nil); err != nil {
		return err
	}
	if e.Root == "" {
		return nil
	}
	return tx.Put(byRoot, store.Key(e.Root, e.Seq), nil)
}

func entryOf(r Record, seq uint64) (Entry, error) {
	before, err := masked(r.Before)
	if err != nil {
		return Entry{}, fault.Internal(err, "the state before %q cannot be encoded", r.Action)
	}
	after, err := masked(r.After)
	if err != nil {
		return Entry{}, fault.Internal(err, "the state after %q cannot be encoded", r.Action)
	}
	return Entry{
		Seq: seq, Time: r.Time.UTC(), Actor: r.Actor, Org: r.Org, Root: r.Root, Action: r.Action,
		Thing: r.Thing, ID: r.ID, Before: before, After: after, RequestID: r.RequestID,
	}, nil
}

// List returns one page of an org's or a tree's records, newest first.
func List(r store.Reader, q Query) (Page, error) {
	if q.Limit < 1 || q.Limit > store.MaxList {
		return Page{}, fault.Invalid("limit", "must be from 1 to %d", store.MaxList)
	}
	bucket, party := byOrg, q.Org
	if q.Root != "" {
		bucket, party = byRoot, q.Root
	}
	if party == "" {
		return Page{}, fault.Internal(nil, "a list of audit records names an org or a root")
	}
	span := store.Prefix(party).Last(mostLooked + 1)
	span.Reverse = !q.OldestFirst
	if q.Cursor != "" {
		last, err := strconv.ParseUint(q.Cursor, 10, 64)
		if err != nil {
			return Page{}, fault.Invalid("cursor", "is not one that this list returned: start again without it")
		}
		if q.OldestFirst {
			span.From = append(store.Key(party, last), 0)
		} else {
			span.To = store.Key(party, last)
		}
	}
	return page(r, bucket, span, &q)
}

func page(r store.Reader, bucket store.Bucket, span store.Range, q *Query) (Page, error) {
	var p Page
	looked, last := 0, uint64(0)
	err := r.Scan(bucket, span, func(k, _ []byte) error {
		if len(p.Items) == q.Limit || looked == mostLooked {
			p.Next = strconv.FormatUint(last, 10)
			return store.Stop
		}
		e, err := get(r, k[len(k)-8:])
		if err != nil {
			return err
		}
		if q.beyond(e.Time) {
			return store.Stop
		}
		if looked, last = looked+1, e.Seq; q.admits(&e) {
			p.Items = append(p.Items, e)
		}
		return nil
	})
	if err != nil {
		return Page{}, err
	}
	return p, nil
}

func get(r store.Reader, seq []byte) (Entry, error) {
	raw, err := r.Get(rows, seq)
	if err != nil {
		return Entry{}, err
	}
	var e Entry
	if len(raw) < sha256.Size {
		return e, fault.Internal(nil, "audit record %d is missing or cut short", binary.BigEndian.Uint64(seq))
	}
	if err := json.Unmarshal(raw[sha256.Size:], &e); err != nil {
		return e, fault.Internal(err, "audit record %d cannot be read", binary.BigEndian.Uint64(seq))
	}
	return e, nil
}
