package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// ErrBroken is the cause of the fault that [Verify] returns for a chain that
// does not hold.
var ErrBroken = errors.New("the audit chain is broken")

// Head is the end of the chain: the number of records and the last hash.
type Head struct {
	Seq  uint64
	Hash [sha256.Size]byte
}

func headKey() []byte { return store.Key("head") }

func (h Head) encode() []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+sha256.Size), h.Seq), h.Hash[:]...)
}

// ReadHead returns the end of the chain; the zero Head before the first record.
func ReadHead(r store.Reader) (Head, error) { return readHead(r) }

func readHead(r store.Reader) (Head, error) {
	raw, err := r.Get(chain, headKey())
	if err != nil || raw == nil {
		return Head{}, err
	}
	if len(raw) != 8+sha256.Size {
		return Head{}, fault.Internal(ErrBroken, "the head of the audit chain cannot be read")
	}
	return Head{Seq: binary.BigEndian.Uint64(raw), Hash: [sha256.Size]byte(raw[8:])}, nil
}

// link is the hash of a record whose predecessor has the hash prev.
func link(prev [sha256.Size]byte, body []byte) [sha256.Size]byte {
	buf := make([]byte, 0, len(prev)+len(body))
	return sha256.Sum256(append(append(buf, prev[:]...), body...))
}

// Verify reads the whole chain and returns an internal fault, with the cause
// [ErrBroken], that names the first record that is changed, missing or
// inserted. It keeps one record in memory at a time.
func Verify(r store.Reader) error {
	want, err := readHead(r)
	if err != nil {
		return err
	}
	var at Head
	err = r.Scan(rows, store.Prefix().All(), func(k, v []byte) error {
		at, err = follow(r, at, k, v)
		return err
	})
	if err != nil {
		return err
	}
	if at.Seq < want.Seq {
		return broken(at.Seq+1, "is missing at the end")
	}
	if at != want {
		return broken(at.Seq, "is not the one the head names")
	}
	return nil
}

// follow checks the record after prev and returns it as the new end.
func follow(r store.Reader, prev Head, k, v []byte) (Head, error) {
	seq := prev.Seq + 1
	if !bytes.Equal(k, store.Key(seq)) {
		return prev, broken(seq, "is missing")
	}
	if len(v) < sha256.Size {
		return prev, broken(seq, "is cut short")
	}
	body := v[sha256.Size:]
	sum := link(prev.Hash, body)
	if !bytes.Equal(sum[:], v[:sha256.Size]) {
		return prev, broken(seq, "does not have its hash")
	}
	var e Entry
	if err := json.Unmarshal(body, &e); err != nil || e.Seq != seq {
		return prev, broken(seq, "carries another number")
	}
	return Head{Seq: seq, Hash: sum}, listed(r, e)
}

// listed checks that the lists by org and by root show the record.
func listed(r store.Reader, e Entry) error {
	v, err := r.Get(byOrg, store.Key(e.Org, e.Seq))
	if err == nil && v != nil && e.Root != "" {
		v, err = r.Get(byRoot, store.Key(e.Root, e.Seq))
	}
	if err == nil && v == nil {
		return broken(e.Seq, "is hidden from its list")
	}
	return err
}

func broken(seq uint64, how string) error {
	return fault.Internal(fmt.Errorf("%w at record %d", ErrBroken, seq), "audit record %d %s", seq, how)
}
