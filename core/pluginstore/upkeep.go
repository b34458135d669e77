package pluginstore

import (
	"bytes"
	"context"

	"tradewind.example/core/seal"
	"tradewind.example/core/store"
)

// The greatest number of rows that one transaction of the upkeep touches.
const (
	trimBatch   = 1000
	resealBatch = 200
)

// Trim forgets the tokens that need not be kept any longer, and returns how many.
func (s *Service) Trim(ctx context.Context) (total int, err error) {
	for {
		n, err := s.trimOnce(ctx)
		total += n
		if err != nil || n < trimBatch {
			return total, err
		}
	}
}

func (s *Service) trimOnce(ctx context.Context) (n int, err error) {
	old := store.Range{To: store.Key(s.cfg.Clock.Now().Add(-s.cfg.Keep))}.First(trimBatch)
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		var gone [][2][]byte // of ages and of tokens
		err := tx.Scan(ages, old, func(age, at []byte) error {
			gone = append(gone, [2][]byte{bytes.Clone(age), bytes.Clone(at)})
			return nil
		})
		if err != nil {
			return err
		}
		n = len(gone)
		for _, g := range gone {
			if err := tx.Delete(ages, g[0]); err != nil {
				return err
			}
			if err := tx.Delete(tokens, g[1]); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// Reseal seals every sealed value with the primary key and returns how many it
// changed. A pass that returns 0 has found nothing left to do.
func (s *Service) Reseal(ctx context.Context) (total int, err error) {
	var from []byte
	for {
		n, next, err := s.resealPage(ctx, from)
		total += n
		if err != nil || next == nil {
			return total, err
		}
		from = next
	}
}

func (s *Service) resealPage(ctx context.Context, from []byte) (n int, next []byte, err error) {
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		n, next = 0, nil
		var page [][]byte
		err := tx.Scan(sealed, store.Range{From: from}.First(resealBatch), func(at, _ []byte) error {
			page = append(page, bytes.Clone(at))
			return nil
		})
		if err != nil {
			return err
		}
		for _, at := range page {
			changed, err := s.reseal(tx, at)
			if err != nil {
				return err
			}
			if changed {
				n++
			}
		}
		if len(page) == resealBatch {
			next = append(page[len(page)-1], 0)
		}
		return nil
	})
	return n, next, err
}

// reseal renews one row. Its revision stays: the plugin's value is the same.
func (s *Service) reseal(tx store.Tx, at []byte) (bool, error) {
	raw, err := tx.Get(rows, at)
	if err != nil {
		return false, err
	}
	r, err := decodeRow(raw)
	if err != nil {
		return false, err
	}
	fresh, changed, err := s.cfg.Sealer.Reseal(r.value, seal.Context(sealPurpose, string(at)))
	if err != nil || !changed {
		return false, err
	}
	r.value = fresh
	return true, tx.Put(rows, at, r.encode())
}
