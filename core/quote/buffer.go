package quote

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/id"
	"tradewind.example/core/memo"
	"tradewind.example/core/store"
)

const (
	flushBatch = 2048 // quotes stored in one transaction
	// keepRecent is how many flushed quotes stay in memory: enough for a reader
	// whose snapshot is older than the flush.
	keepRecent = 4096
)

// buffer holds the quotes that are not durable yet.
type buffer struct {
	slots  chan struct{} // one per waiting quote
	wake   chan struct{}
	recent *memo.Cache[string, *Quote]

	mu      sync.Mutex
	waiting map[string]*Quote
	queue   []*Quote

	flushing sync.Mutex // one flush at a time, so that quotes keep their order
	presses  sync.Pool  // of *press; not kept by hand, so that an idle broker has none

	stop context.CancelFunc
	done chan struct{}
}

func newBuffer(limit int) *buffer {
	return &buffer{
		slots: make(chan struct{}, limit), wake: make(chan struct{}, 1),
		recent: memo.NewCache[string, *Quote](keepRecent), waiting: map[string]*Quote{},
	}
}

// put takes a quote and gives it its id: the queue is in the order of the ids.
// It waits while the buffer is full.
func (b *buffer) put(ctx context.Context, q *Quote) error {
	select {
	case b.slots <- struct{}{}:
	default:
		select {
		case b.slots <- struct{}{}:
		case <-ctx.Done():
			return fault.Unavailable("too many quotes wait to be stored: try again").With(ctx.Err())
		}
	}
	b.mu.Lock()
	q.ID = id.New()
	b.waiting[q.ID] = q
	b.queue = append(b.queue, q)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return nil
}

// find returns a quote that is in memory.
func (b *buffer) find(quoteID string) (*Quote, bool) {
	b.mu.Lock()
	q, ok := b.waiting[quoteID]
	b.mu.Unlock()
	if ok {
		return q, true
	}
	return b.recent.Get(quoteID, 0)
}

func (b *buffer) head(n int) []*Quote {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue[:min(n, len(b.queue)):min(n, len(b.queue))]
}

// drop forgets the first n of the queue, which are durable now.
func (b *buffer) drop(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, q := range b.queue[:n] {
		b.recent.Put(q.ID, 0, q)
		delete(b.waiting, q.ID)
	}
	if b.queue = b.queue[n:]; len(b.queue) == 0 {
		b.queue = nil
	}
	for range n {
		<-b.slots
	}
}

// Start begins to write quotes behind, until ctx ends or Close is called.
func (s *Service) Start(ctx context.Context) error {
	s.buffer.mu.Lock()
	defer s.buffer.mu.Unlock()
	if s.buffer.stop != nil {
		return fault.Internal(nil, "the quotes are being written behind already")
	}
	ctx, stop := context.WithCancel(ctx)
	s.buffer.stop, s.buffer.done = stop, make(chan struct{})
	go s.behind(ctx, s.buffer.done)
	return nil
}

// behind flushes a moment after the first quote came, so that those who came
// meanwhile share its commit.
func (s *Service) behind(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	pause := s.FlushEvery
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.buffer.wake:
		}
		select {
		case <-ctx.Done():
			return
		case <-s.Clock.After(pause):
		}
		if err := s.Flush(ctx); err != nil && ctx.Err() == nil {
			s.Logger.ErrorContext(ctx, "quotes could not be stored and are tried again", slog.Any("error", err))
			pause = min(max(pause*2, 100*time.Millisecond), 5*time.Second)
			s.again()
			continue
		}
		pause = s.FlushEvery
	}
}

func (s *Service) again() {
	select {
	case s.buffer.wake <- struct{}{}:
	default:
	}
}

// Close ends the writing behind and stores what still waits.
func (s *Service) Close(ctx context.Context) error {
	s.buffer.mu.Lock()
	stop, done := s.buffer.stop, s.buffer.done
	s.buffer.stop = nil
	s.buffer.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
	return s.Flush(ctx)
}

// Flush stores the quotes that wait now.
func (s *Service) Flush(ctx context.Context) error {
	s.buffer.flushing.Lock()
	defer s.buffer.flushing.Unlock()
	for {
		batch := s.buffer.head(flushBatch)
		if len(batch) == 0 {
			return nil
		}
		if err := s.write(ctx, batch); err != nil {
			return fmt.Errorf("storing %d quotes: %w", len(batch), err)
		}
		s.buffer.drop(len(batch))
	}
}

func (s *Service) write(ctx context.Context, batch []*Quote) error {
	p, _ := s.buffer.presses.Get().(*press)
	if p == nil {
		p = &press{}
	}
	defer s.buffer.presses.Put(p) // the store copies what it is given
	sheaves := p.bind(batch)
	return s.Store.Update(ctx, func(tx store.Tx) error {
		for _, x := range sheaves {
			if err := x.put(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// trimBatch is how many quotes a transaction of Trim deletes, about.
const trimBatch = 512

// Trim deletes quotes older than Keep, a sheaf at a time when its newest is, and
// returns how many.
func (s *Service) Trim(ctx context.Context) (int, error) {
	before, total := s.Clock.Now().Add(-s.Keep), 0
	for {
		n := 0
		err := s.Store.Update(ctx, func(tx store.Tx) error {
			n = 0
			return tx.Scan(rows, store.Prefix().First(trimBatch), func(key, row []byte) error {
				quotes, err := all(row)
				if err != nil {
					return err
				}
				if n >= trimBatch || len(quotes) > 0 && !quotes[len(quotes)-1].Created.Before(before) {
					return store.Stop
				}
				n += len(quotes)
				return remove(tx, bytes.Clone(key), quotes)
			})
		})
		if total += n; err != nil || n == 0 {
			return total, err
		}
	}
}

func remove(tx store.Tx, key []byte, quotes []*Quote) error {
	orgs := map[string]bool{}
	for _, q := range quotes {
		for _, org := range q.Path {
			orgs[org] = true
		}
	}
	for org := range orgs {
		if err := tx.Delete(byOrg, append(store.Key(org), key...)); err != nil {
			return err
		}
	}
	return tx.Delete(rows, key)
}
