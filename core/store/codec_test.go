package store

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestEnvelopeRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := envelope{rev: rapid.Uint64().Draw(t, "rev"), body: rapid.SliceOf(rapid.Byte()).Draw(t, "body")}
		for range rapid.IntRange(0, 4).Draw(t, "entries") {
			in.entries = append(in.entries, entry{
				index: rapid.String().Draw(t, "index"), unique: rapid.Bool().Draw(t, "unique"), key: rapid.SliceOf(rapid.Byte()).Draw(t, "key"),
			})
		}
		out, err := decodeEnvelope(in.encode())
		if err != nil || out.rev != in.rev || !bytes.Equal(out.body, in.body) || len(out.entries) != len(in.entries) {
			t.Fatalf("%+v became %+v, %v", in, out, err)
		}
		for i, e := range out.entries {
			if !e.in(in.entries[i : i+1]) {
				t.Errorf("entry %+v became %+v", in.entries[i], e)
			}
		}
	})
}

// FuzzEnvelope: whatever a damaged file holds, reading it is an error or a value.
func FuzzEnvelope(f *testing.F) {
	f.Add(envelope{rev: 3, entries: []entry{{index: "owner", key: []byte("k")}}, body: []byte("{}")}.encode())
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := decodeEnvelope(raw)
		if err != nil {
			return
		}
		again, err := decodeEnvelope(e.encode())
		if err != nil || again.rev != e.rev || !bytes.Equal(again.body, e.body) {
			t.Errorf("%x does not survive a round trip: %v", raw, err)
		}
	})
}

// FuzzCursor: no text that a client sends leads out of the query's range.
func FuzzCursor(f *testing.F) {
	span := PrefixOf([]byte("own"))
	f.Add(encodeCursor(7, []byte("owner")), false)
	f.Add(encodeCursor(7, []byte("zebra")), true)
	f.Add(encodeCursor(7, []byte("apple")), false)
	f.Add("!", false)
	f.Fuzz(func(t *testing.T, cursor string, reverse bool) {
		span.Reverse = reverse
		got, err := resume(span, 7, cursor)
		if err != nil {
			return
		}
		if bytes.Compare(got.From, span.From) < 0 || bytes.Compare(got.To, span.To) > 0 {
			t.Errorf("cursor %q leads to %q..%q", cursor, got.From, got.To)
		}
	})
}
