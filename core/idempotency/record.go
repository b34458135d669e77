package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// record is one remembered request. It is stored as: body hash, time of the
// claim (8 bytes, Unix nanoseconds), ref.
type record struct {
	body Hash
	at   time.Time
	ref  string
}

const recordHead = sha256.Size + 8

var errRecord = errors.New("not an idempotency record")

func (r record) encode() []byte {
	out := make([]byte, 0, recordHead+len(r.ref))
	out = append(out, r.body[:]...)
	out = binary.BigEndian.AppendUint64(out, uint64(r.at.UnixNano())) //nolint:gosec // the bits are what is meant
	return append(out, r.ref...)
}

func decode(raw []byte) (record, error) {
	if len(raw) < recordHead {
		return record{}, fault.Internal(errRecord, "an idempotency record cannot be read")
	}
	r := record{ref: string(raw[recordHead:])}
	copy(r.body[:], raw)
	r.at = time.Unix(0, int64(binary.BigEndian.Uint64(raw[sha256.Size:recordHead]))).UTC() //nolint:gosec // the bits are what is meant
	return r, nil
}

// Trim forgets the keys that are older than the keeping time and returns how
// many. It works in bounded transactions and can be stopped at any point.
func (k *Keys) Trim(ctx context.Context, st store.Store) (int, error) {
	total := 0
	for {
		n, err := k.trimOnce(ctx, st)
		total += n
		if err != nil {
			return total, fmt.Errorf("forgetting old idempotency keys: %w", err)
		}
		if n < trimBatch {
			return total, nil
		}
	}
}

func (k *Keys) trimOnce(ctx context.Context, st store.Store) (int, error) {
	n := 0
	err := st.Update(ctx, func(tx store.Tx) error {
		old, err := k.old(tx)
		if err != nil {
			return err
		}
		for _, e := range old {
			if err := tx.Delete(ages, e.age); err != nil {
				return err
			}
			if err := tx.Delete(keys, e.key); err != nil {
				return err
			}
		}
		n = len(old)
		return nil
	})
	return n, err
}

type aged struct{ age, key []byte }

func (k *Keys) old(r store.Reader) ([]aged, error) {
	var out []aged
	span := store.Range{To: store.Key(k.clock.Now().Add(-k.keep)), Limit: trimBatch}
	err := r.Scan(ages, span, func(age, key []byte) error {
		out = append(out, aged{append([]byte(nil), age...), append([]byte(nil), key...)})
		return nil
	})
	return out, err
}
