package resource

import (
	"context"
	"fmt"

	"tradewind.example/core/store"
)

// Resealed says what one pass over the stored actions did.
type Resealed struct {
	Done int // actions whose secrets are sealed with the present key now
	Left int // actions that are at the cloud at this moment: come back later
}

const resealBatch = 100

// Reseal seals what actions were told and answered again where it is not
// sealed with the present key. It is for key rotation; repeating it does no
// harm. An action at the cloud is left alone: its run must be able to store
// the cloud's answer.
func (s *Service) Reseal(ctx context.Context) (Resealed, error) {
	var total Resealed
	cursor := ""
	for {
		n, next, err := s.resealPage(ctx, cursor)
		total.Done += n.Done
		total.Left += n.Left
		if err != nil || next == "" {
			return total, err
		}
		cursor = next
	}
}

func (s *Service) resealPage(ctx context.Context, cursor string) (n Resealed, next string, err error) {
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		page, err := s.runs.List(tx, store.Query{Cursor: cursor, Limit: resealBatch})
		if err != nil {
			return err
		}
		n, next = Resealed{}, page.Next
		for _, d := range page.Items {
			v, changed, err := s.resealed(d.Value)
			switch {
			case err != nil:
				return err
			case !changed:
				continue
			case v.State == RunCalling:
				n.Left++
				continue
			}
			if _, err := s.runs.Update(tx, v, d.Rev); err != nil {
				return err
			}
			n.Done++
		}
		return nil
	})
	return n, next, err
}

func (s *Service) resealed(v run) (run, bool, error) {
	rewrite := false
	for part, text := range map[string]*[]byte{"input": &v.SealedInput, "output": &v.SealedOutput} {
		if len(*text) == 0 {
			continue
		}
		fresh, changed, err := s.cfg.Sealer.Reseal(*text, sealContext(v.ID, part))
		if err != nil {
			return v, false, fmt.Errorf("sealing the %s of action %q again: %w", part, v.ID, err)
		}
		*text, rewrite = fresh, rewrite || changed
	}
	return v, rewrite, nil
}
