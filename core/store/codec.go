package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"

	"tradewind.example/sdk/fault"
)

// A stored document is: version byte, revision (8 bytes, big endian), length of
// the index entries (uvarint), the entries, the document as JSON. The entries
// are kept so that an update removes exactly what was written, without decoding
// the old document, even when Keys was changed by a newer program.
const documentVersion = 1

var errEnvelope = errors.New("not a stored document")

// entry is one row of an index.
type entry struct {
	index  string
	unique bool
	key    []byte
}

// stored is the entry's key in the index bucket: a plain index appends the id,
// so that several documents may have the same key.
func (e entry) stored(id string) []byte {
	if e.unique {
		return e.key
	}
	return appendText(bytes.Clone(e.key), id)
}

func (e entry) in(list []entry) bool {
	for _, o := range list {
		if o.unique == e.unique && o.index == e.index && bytes.Equal(o.key, e.key) {
			return true
		}
	}
	return false
}

// envelope is a stored document whose JSON is still encoded.
type envelope struct {
	rev     uint64
	entries []entry
	body    []byte
}

func marshalValue(v any) ([]byte, error)     { return json.Marshal(v) }
func unmarshalValue(raw []byte, v any) error { return json.Unmarshal(raw, v) }
func appendSized(out []byte, s []byte) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

func (e envelope) encode() []byte {
	var rows []byte
	for _, r := range e.entries {
		rows = append(rows, flag(r.unique))
		rows = appendSized(rows, []byte(r.index))
		rows = appendSized(rows, r.key)
	}
	out := make([]byte, 0, 1+8+binary.MaxVarintLen64+len(rows)+len(e.body))
	out = append(out, documentVersion)
	out = binary.BigEndian.AppendUint64(out, e.rev)
	out = appendSized(out, rows)
	return append(out, e.body...)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// split reads revision and body and leaves the entries encoded.
func split(raw []byte) (rev uint64, rows, body []byte, err error) {
	if len(raw) < 10 || raw[0] != documentVersion {
		return 0, nil, nil, errEnvelope
	}
	rows, body, ok := cutSized(raw[9:])
	if !ok {
		return 0, nil, nil, errEnvelope
	}
	return binary.BigEndian.Uint64(raw[1:9]), rows, body, nil
}

func cutSized(raw []byte) (head, rest []byte, ok bool) {
	n, w := binary.Uvarint(raw)
	if w <= 0 || n > uint64(len(raw)-w) {
		return nil, nil, false
	}
	end := w + int(n)
	return raw[w:end], raw[end:], true
}

func decodeEntries(rows []byte) ([]entry, error) {
	var out []entry
	for len(rows) > 0 {
		e := entry{unique: rows[0] == 1}
		name, rest, ok := cutSized(rows[1:])
		if !ok {
			return nil, errEnvelope
		}
		key, rest, ok := cutSized(rest)
		if !ok {
			return nil, errEnvelope
		}
		e.index, e.key, rows = string(name), key, rest
		out = append(out, e)
	}
	return out, nil
}

func decodeEnvelope(raw []byte) (envelope, error) {
	rev, rows, body, err := split(raw)
	if err != nil {
		return envelope{}, err
	}
	entries, err := decodeEntries(rows)
	return envelope{rev: rev, entries: entries, body: body}, err
}

func (c *Collection[T]) open(id string, raw []byte) (envelope, error) {
	e, err := decodeEnvelope(raw)
	if err != nil {
		return e, fault.Internal(err, "%s %q cannot be read", c.name, id)
	}
	return e, nil
}

func (c *Collection[T]) decode(id string, raw []byte) (Doc[T], error) {
	var d Doc[T]
	rev, _, body, err := split(raw)
	if err == nil {
		d.Rev, err = rev, unmarshalValue(body, &d.Value)
	}
	if err != nil {
		return Doc[T]{}, fault.Internal(err, "%s %q cannot be read", c.name, id)
	}
	return d, nil
}
