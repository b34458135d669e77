package protocol

import (
	"encoding/binary"
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

const bucketTimeline store.Bucket = "protocol.timeline" // seller, buyer, slot, ref, from → row

// slot is what a timeline is about. The letters are part of stored keys.
type slot string

const (
	slotProduct slot = "p"
	slotClass   slot = "c"
	slotDefault slot = "d"
	slotUnified slot = "u" // buyer is empty: it holds for all
)

// track names one timeline.
type track struct {
	seller, buyer string
	slot          slot
	ref           string // product or class; empty for the default
}

func (t track) prefix() []byte { return store.Key(t.seller, t.buyer, string(t.slot), t.ref) }

// row is one window of a track. It carries all that pricing needs.
type row struct {
	from, to             time.Time // zero to: open
	mode                 pricing.Mode
	settle               pricing.SettleMode
	rate, price          money.Decimal
	protocolID, sourceID string // sourceID: the line's or the discount's; empty for a protocol's default rate
}

func trackOf(l Line) track {
	switch {
	case l.ProductID != "":
		return track{seller: l.Seller, buyer: l.Buyer, slot: slotProduct, ref: l.ProductID}
	case l.Class != "":
		return track{seller: l.Seller, buyer: l.Buyer, slot: slotClass, ref: l.Class}
	}
	return track{seller: l.Seller, buyer: l.Buyer, slot: slotDefault}
}

func unifiedTrack(seller, product string) track {
	return track{seller: seller, slot: slotUnified, ref: product}
}

// rowOf cuts the line's window to its protocol's.
func rowOf(p Protocol, l Line) row {
	r := row{
		from: later(l.From, p.Start), to: earlier(l.To, p.End), mode: l.Mode, settle: p.Settle,
		protocolID: p.ID, sourceID: l.ID,
	}
	if l.Rate != nil {
		r.rate = *l.Rate
	}
	if l.Price != nil {
		r.price = *l.Price
	}
	return r
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earlier returns the earlier end; a zero end is open.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// holds reports whether the window contains the instant.
func (r row) holds(t time.Time) bool {
	return !t.Before(r.from) && (r.to.IsZero() || t.Before(r.to))
}

// empty reports whether no instant is in the window.
func (r row) empty() bool { return !r.to.IsZero() && !r.from.Before(r.to) }

// at returns the row that applies at an instant. Windows are disjoint, so it is
// the last that begins at or before it, or none.
func (t track) at(r store.Reader, at time.Time) (row, bool, error) {
	found, ok, err := t.lastBefore(r, at.Add(1)) // 1 ns: times of keys are whole nanoseconds
	return found, ok && found.holds(at), err
}

// lastBefore returns the row with the latest from before the instant, or the
// latest of all for the zero time.
func (t track) lastBefore(r store.Reader, before time.Time) (row, bool, error) {
	prefix := t.prefix()
	rng := store.PrefixOf(prefix)
	if !before.IsZero() {
		rng.To = append(prefix[:len(prefix):len(prefix)], store.Key(before)...)
	}
	var last row
	found := false
	err := r.Scan(bucketTimeline, rng.Last(1), func(k, v []byte) (err error) {
		found = true
		last, err = decodeRow(v)
		return err
	})
	return last, found, err
}

// clash returns a row of the track whose window overlaps [from, to).
func (t track) clash(r store.Reader, from, to time.Time) (row, bool, error) {
	last, found, err := t.lastBefore(r, to)
	overlaps := found && (last.to.IsZero() || last.to.After(from))
	return last, overlaps, err
}

func (t track) key(from time.Time) []byte { return append(t.prefix(), store.Key(from)...) }

// put stores a row; an empty window is removed instead.
func (t track) put(tx store.Tx, r row) error {
	if err := timelineStamp().Touch(tx); err != nil {
		return err
	}
	if r.empty() {
		return tx.Delete(bucketTimeline, t.key(r.from))
	}
	return tx.Put(bucketTimeline, t.key(r.from), encodeRow(r))
}

const rowVersion = 1

func encodeRow(r row) []byte {
	b := make([]byte, 0, 128)
	b = append(b, rowVersion)
	b = binary.AppendVarint(b, nanos(r.from))
	b = binary.AppendVarint(b, nanos(r.to))
	for _, s := range [...]string{
		string(r.mode), string(r.settle), r.rate.String(), r.price.String(), r.protocolID, r.sourceID,
	} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

func decodeRow(b []byte) (row, error) {
	damaged := fault.Internal(nil, "a row of the price timeline cannot be read; restore the store from a backup")
	if len(b) == 0 || b[0] != rowVersion {
		return row{}, damaged
	}
	b = b[1:]
	var times [2]time.Time
	for i := range times {
		v, n := binary.Varint(b)
		if n <= 0 {
			return row{}, damaged
		}
		times[i], b = instant(v), b[n:]
	}
	var texts [6]string
	for i := range texts {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > uint64(len(b)-n) {
			return row{}, damaged
		}
		texts[i], b = string(b[n:n+int(v)]), b[n+int(v):] //nolint:gosec // bounded by the slice's length
	}
	rate, errRate := money.ParseDecimal(texts[2])
	price, errPrice := money.ParseDecimal(texts[3])
	if errRate != nil || errPrice != nil || len(b) != 0 {
		return row{}, damaged
	}
	return row{
		from: times[0], to: times[1], mode: pricing.Mode(texts[0]), settle: pricing.SettleMode(texts[1]),
		rate: rate, price: price, protocolID: texts[4], sourceID: texts[5],
	}, nil
}

// nanos writes the zero time as 0; no protocol was made in the first nanosecond of 1970.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func instant(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
