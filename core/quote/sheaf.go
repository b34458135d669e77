package quote

import (
	"encoding/binary"
	"slices"

	"github.com/klauspost/compress/s2"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/id"
	"tradewind.example/core/store"
)

// Quotes are stored in sheaves: one row holds those of one flush, in the order
// of their ids, each as a frame of id, length and document. The frames are
// compressed, because their documents are much alike. Sheaves of one process
// follow each other; those of several processes may overlap.
const (
	rows  store.Bucket = "quote/sheaf"     // Key(id of the last quote) -> id of the first, compressed frames
	byOrg store.Bucket = "quote/sheaf/org" // Key(org of a chain, id of the last quote) -> where its frames begin

	sheafQuotes = 512
	sheafBytes  = 640 << 10 // of documents, after which a sheaf is full
	frameHead   = id.Len + 4
	placeLen    = 4

	maxFrames = 16 << 20 // bytes of frames that can be read

	// maxOverlap bounds how many sheaves are looked at for one quote.
	maxOverlap = 64
)

// sheaf is a row while it is made.
type sheaf struct {
	last   string
	row    []byte
	places map[string][]byte // org -> offsets of frames, each a big-endian uint32
}

// press is the memory in which sheaves are made. What it has made is good until
// it is used again.
type press struct {
	frames []byte
	rows   []byte // of all sheaves, one after the other
}

// bind makes sheaves of quotes that are in the order of their ids.
func (p *press) bind(batch []*Quote) []*sheaf {
	var out []*sheaf
	p.rows = p.rows[:0]
	for len(batch) > 0 {
		s := &sheaf{places: map[string][]byte{}}
		n := 0
		for p.frames = p.frames[:0]; n < len(batch) && n < sheafQuotes && len(p.frames) < sheafBytes; n++ {
			p.frames = s.add(p.frames, batch[n])
		}
		p.pack(s)
		out, batch = append(out, s), batch[n:]
	}
	return out
}

func (s *sheaf) add(frames []byte, q *Quote) []byte {
	place := len(frames)
	for _, org := range q.Path {
		s.places[org] = binary.BigEndian.AppendUint32(s.places[org], uint32(place))
	}
	frames = append(append(frames, q.ID...), 0, 0, 0, 0)
	frames = appendDocument(frames, q)
	binary.BigEndian.PutUint32(frames[place+id.Len:], uint32(len(frames)-place-frameHead))
	s.last = q.ID
	return frames
}

// pack makes the sheaf's row of the frames. Rows that were made before keep their
// memory when that of the press is replaced by more.
func (p *press) pack(s *sheaf) {
	begin := len(p.rows)
	p.rows = append(slices.Grow(p.rows, id.Len+s2.MaxEncodedLen(len(p.frames))), p.frames[:id.Len]...)
	body := begin + id.Len
	end := body + len(s2.Encode(p.rows[body:cap(p.rows)], p.frames))
	p.rows = p.rows[:end]
	s.row = p.rows[begin:end:end]
}

func (s *sheaf) put(tx store.Tx) error {
	if err := tx.Put(rows, store.Key(s.last), s.row); err != nil {
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

// framesOf is the inverse of what bind does with the frames.
func framesOf(row []byte) ([]byte, error) {
	if len(row) < id.Len {
		return nil, errTorn
	}
	if n, err := s2.DecodedLen(row[id.Len:]); err != nil || n > maxFrames {
		return nil, errTorn
	}
	frames, err := s2.Decode(nil, row[id.Len:])
	if err != nil {
		return nil, fault.Internal(err, "a sheaf of quotes cannot be read")
	}
	return frames, nil
}

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
	err := r.Scan(rows, span, func(_, row []byte) error {
		raw, found, err := search(row, quoteID)
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

func search(row []byte, quoteID string) ([]byte, bool, error) {
	if len(row) >= id.Len && string(row[:id.Len]) > quoteID {
		return nil, false, nil
	}
	frames, err := framesOf(row)
	if err != nil {
		return nil, false, err
	}
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
func all(row []byte) ([]*Quote, error) {
	frames, err := framesOf(row)
	if err != nil {
		return nil, err
	}
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
