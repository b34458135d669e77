package cloudaccount

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// batch is how many rows one transaction of an import stores, and the most it
// keeps in memory.
const batch = 200

// ImportPolicy is how the queue runs imports. A run ends after the window in
// which its time is up.
func (s *Service) ImportPolicy() job.Policy {
	return job.Policy{MaxAttempts: 200, Timeout: 2 * s.limits.ReadTimeout, Backoff: job.Exponential(time.Second, 10*time.Minute)}
}

// importing is one run of an import's job.
type importing struct {
	job job.Job
	v   Import
	rev uint64
}

// WorkImport is the handler of [ImportJobKind] jobs. It reads the import's time
// window by window; one that was begun and not ended is read again, which
// changes nothing of what was stored.
func (s *Service) WorkImport(ctx context.Context, j job.Job) error {
	w, err := s.loadImport(ctx, j)
	if err != nil || w == nil {
		return err
	}
	for w.v.Reached.Before(w.v.To) {
		if end, limited := ctx.Deadline(); ctx.Err() != nil || limited && time.Until(end) < s.limits.ReadTimeout {
			return job.Snooze(0)
		}
		if err := s.readWindow(ctx, w); err != nil {
			return s.importFailed(ctx, w, err)
		}
		s.reached("after_window")
	}
	return s.endImport(ctx, w, ImportDone, nil)
}

func (s *Service) loadImport(ctx context.Context, j job.Job) (*importing, error) {
	w := &importing{job: j}
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		d, err := s.imports.Get(r, j.Ref)
		w.v, w.rev = d.Value, d.Rev
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading import %q: %w", j.Ref, err)
	}
	if !w.v.Ended.IsZero() {
		return nil, nil
	}
	return w, nil
}

// windowEnd is the end of the window that begins at t: clouds keep their bills
// by the month, so no window goes beyond one.
func windowEnd(t, to time.Time) time.Time {
	next := time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	if next.After(to) {
		return to
	}
	return next
}

func (s *Service) readWindow(ctx context.Context, w *importing) error {
	var e provider.Enablement
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		e, err = s.cfg.Accounts.EnablementTx(r, w.v.RootID, w.v.EnablementID)
		return err
	})
	if err != nil {
		return err
	}
	o, err := s.open(ctx, e, provider.PurposeWindDown, w.v.Subject.needs())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.ReadTimeout)
	defer cancel()
	end := windowEnd(w.v.Reached, w.v.To)
	seen, err := s.stream(ctx, w, o, w.v.Reached, end)
	if err != nil {
		return err
	}
	w.v.Reached, w.v.Seen, w.v.Tries, w.v.Problem, w.v.Class = end, w.v.Seen+seen, 0, "", ""
	return s.saveImport(ctx, w, nil)
}

// stream stores what the cloud tells of a window, in batches.
func (s *Service) stream(ctx context.Context, w *importing, o opened, from, to time.Time) (seen int, err error) {
	if w.v.Subject == SubjectVendorOrders {
		rows := rowsOf(s, w, func(tx store.Tx, v contract.VendorOrder) (stored, error) { return s.putOrder(tx, w, v) })
		err := o.cloud.VendorOrders(ctx, contract.VendorOrdersRequest{Call: o.call, From: from, To: to}, rows.take(ctx))
		return rows.seen, errors.Join(err, rows.flush(ctx))
	}
	rows := rowsOf(s, w, func(tx store.Tx, v contract.BillLine) (stored, error) { return s.putLine(tx, w, v) })
	err = o.cloud.BillLines(ctx, contract.PeriodRequest{Call: o.call, From: from, To: to}, rows.take(ctx))
	return rows.seen, errors.Join(err, rows.flush(ctx))
}

// stored says what became of a row.
type stored int

const (
	unchanged stored = iota
	added
	changed
)

// rows gathers rows of a stream and stores them a batch at a time, together
// with the counts.
type rows[T any] struct {
	s    *Service
	w    *importing
	put  func(store.Tx, T) (stored, error)
	have []T
	seen int
}

func rowsOf[T any](s *Service, w *importing, put func(store.Tx, T) (stored, error)) *rows[T] {
	return &rows[T]{s: s, w: w, put: put, have: make([]T, 0, batch)}
}

func (b *rows[T]) take(ctx context.Context) func(T) error {
	return func(v T) error {
		b.seen++
		if b.have = append(b.have, v); len(b.have) < batch {
			return nil
		}
		return b.flush(ctx)
	}
}

func (b *rows[T]) flush(ctx context.Context) error {
	if len(b.have) == 0 {
		return nil
	}
	before := b.w.v
	err := b.s.saveImport(ctx, b.w, func(tx store.Tx) error {
		b.w.v = before
		for _, v := range b.have {
			what, err := b.put(tx, v)
			if err != nil {
				return err
			}
			switch what {
			case added:
				b.w.v.Added++
			case changed:
				b.w.v.Changed++
			case unchanged:
			}
		}
		return nil
	})
	if err != nil {
		b.w.v = before
		return err
	}
	b.have = b.have[:0]
	b.s.reached("after_batch")
	return nil
}

// saveImport stores the import as it is in memory, together with what also does.
func (s *Service) saveImport(ctx context.Context, w *importing, also func(store.Tx) error) error {
	return s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		w.v.State, w.v.Updated = ImportRunning, s.cfg.Clock.Now()
		d, err := s.imports.Update(tx, w.v, w.rev)
		if err == nil {
			tx.OnCommit(func() { w.rev = d.Rev })
		}
		return err
	})
}

// importFailed reads again later what may pass, for a bounded time.
func (s *Service) importFailed(ctx context.Context, w *importing, err error) error {
	if errors.Is(err, store.ErrStale) || ctx.Err() != nil {
		return job.Snooze(time.Second) // another run is at it, or this one must end
	}
	w.v.Tries++
	w.v.note(err)
	if !passing(err) || s.cfg.Clock.Now().Sub(w.v.Created) > s.limits.ImportFor {
		return s.endImport(ctx, w, ImportFailed, err)
	}
	if err := s.saveImport(ctx, w, nil); err != nil {
		return err
	}
	return job.Snooze(max(s.pause(w.v.Tries), fault.As(err).RetryAfter))
}

func (v *Import) note(err error) {
	f := fault.As(err)
	v.Problem, v.Class = f.Message, f.Class.String()
}

// endImport stores the outcome together with the job's end.
func (s *Service) endImport(ctx context.Context, w *importing, state ImportState, failure error) error {
	err := s.cfg.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		v := w.v
		v.State, v.Ended, v.Updated = state, s.cfg.Clock.Now(), s.cfg.Clock.Now()
		if _, err := s.imports.Update(tx, v, w.rev); err != nil {
			return err
		}
		return s.cfg.Jobs.Complete(tx, w.job)
	})
	if err != nil {
		return fmt.Errorf("ending import %q: %w", w.v.ID, err)
	}
	if failure != nil {
		s.cfg.Logger.WarnContext(ctx, "import failed", "import_id", w.v.ID, "enablement_id", w.v.EnablementID, "error", failure)
	}
	return nil
}
