package quote

import (
	"encoding/binary"
	"slices"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/id"
	"tradewind.example/core/store"
)

// Quotes are stored in sheaves: one row holds those of one flush, in the order
// of their ids, each as a frame of id, length and document. Sheaves of one
// process follow each other; those of several processes may overlap.
const (
	rows  store.Bucket = "quote/sheaf"     // Key(id of the last quote) -> frames
	byOrg store.Bucket = "quote/sheaf/org" // Key(org of a chain, id of the last quote) -> where its frames begin

	sheafQuotes = 512
	sheafBytes  = 256 << 10 // of documents, after which a sheaf is full
	frameHead   = id.Len + 4
	placeLen    = 4

	// maxOverlap bounds how many sheaves are looked at for one quote.
	maxOverlap = 64
)

// sheaf is a row while it is made.
type sheaf struct {
	last   string
	frames []byte
	places map[string][]byte // org -> offsets of frames, each a big-endian uint32
}

// bind makes sheaves of quotes that are in the order of their ids.
func bind(batch []*Quote) []*sheaf {
	var out []*sheaf
	for len(batch) > 0 {
		s := &sheaf{places: map[string][]byte{}}
		n := 0
		for n < len(batch) && n < sheafQuotes && len(s.frames) < sheafBytes {
			s.add(batch[n])
			if n++; n == 1 { // the others are about as long
				s.frames = slices.Grow(s.frames, min(len(batch)*len(s.frames)*9/8, sheafBytes+len(s.frames)))
			}
		}
		out, batch = append(out, s), batch[n:]
	}
	return out
}

func (s *sheaf) add(q *Quote) {
	place := len(s.frames)
	for _, org := range q.Path {
		s.places[org] = binary.BigEndian.AppendUint32(s.places[org], uint32(place))
	}
	s.frames = append(append(s.frames, q.ID...), 0, 0, 0, 0)
	s.frames = appendDocument(s.frames, q)
	binary.BigEndian.PutUint32(s.frames[place+id.Len:], uint32(len(s.frames)-place-frameHead))
	s.last = q.ID
}

func (s *sheaf) put(tx store.Tx) error {
	if err := tx.Put(rows, store.Key(s.last), s.frames); err != nil {
		return err
	}
	for org, places := range s.places {
		if err := tx.Put(byOrg, store.Key(org, s.last), places); err != nil {
			return err
		}
	}
	return nil
}

var errTorn = fault.Internal(nil, "a sheaf of quotes cannot be read")

// frameAt returns the quote's id and document at a place, and where the next
// frame begins.
func frameAt(frames []byte, place int) (quoteID string, document []byte, next int, err error) {
	if place < 0 || len(frames)-place < frameHead {
		return "", nil, 0, errTorn
	}
	head := frames[place : place+frameHead]
	begin := place + frameHead
	next = begin + int(binary.BigEndian.Uint32(head[id.Len:]))
	if next > len(frames) {
		return "", nil, 0, errTorn
	}
	return string(head[:id.Len]), frames[begin:next], next, nil
}

// load finds a stored quote.
func load(r store.Reader, quoteID string) (*Quote, bool, error) {
	if !id.Valid(quoteID) {
		return nil, false, nil
	}
	var q *Quote
	span := store.Range{From: store.Key(quoteID), Limit: maxOverlap}
	err := r.Scan(rows, span, func(_, frames []byte) error {
		raw, found, err := search(frames, quoteID)
		if err != nil || !found {
			return err
		}
		if q, err = readDocument(quoteID, raw); err != nil {
			return err
		}
		return store.Stop
	})
	return q, q != nil, err
}

func search(frames []byte, quoteID string) ([]byte, bool, error) {
	for place := 0; place < len(frames); {
		got, raw, next, err := frameAt(frames, place)
		if err != nil {
			return nil, false, err
		}
		if got >= quoteID {
			return raw, got == quoteID, nil
		}
		place = next
	}
	return nil, false, nil
}

// all decodes a whole sheaf.
func all(frames []byte) ([]*Quote, error) {
	var out []*Quote
	for place := 0; place < len(frames); {
		quoteID, raw, next, err := frameAt(frames, place)
		if err != nil {
			return nil, err
		}
		q, err := readDocument(quoteID, raw)
		if err != nil {
			return nil, err
		}
		out, place = append(out, q), next
	}
	return out, nil
}
