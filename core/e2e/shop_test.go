package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// shop is the customers at work: each sends one request after another, as many
// as it is allowed, and sends one again under its key until it is answered,
// however often the broker dies meanwhile.
type shop struct {
	w       *world
	permits chan struct{}
	pending atomic.Int64 // permits given and not used up
	group   sync.WaitGroup
	broken  failures

	mu       sync.Mutex
	accepted []receipt
	refused  map[int]int // by status
	resent   int         // requests whose answer did not come
}

// receipt is an acknowledged request.
type receipt struct {
	who       *client
	path, key string
	body      any
	id        string // of the order
}

// openShop starts the customers; they end with ctx.
func openShop(ctx context.Context, w *world) *shop {
	s := &shop{w: w, permits: make(chan struct{}, 1000), refused: map[int]int{}}
	for i, who := range w.customers {
		s.group.Go(func() { s.customer(ctx, i, who) })
	}
	return s
}

// allow lets the customers send n more requests.
func (s *shop) allow(n int) {
	for range n {
		s.pending.Add(1)
		s.permits <- struct{}{}
	}
}

// quiet waits until every request was answered. The broker must be up.
func (s *shop) quiet() error {
	if err := wait(time.Minute, func() (bool, error) { return s.pending.Load() == 0, s.broken.err() }); err != nil {
		return fmt.Errorf("waiting for %d requests to be answered: %w", s.pending.Load(), err)
	}
	return nil
}

func (s *shop) customer(ctx context.Context, no int, who *client) {
	//nolint:gosec // what is bought is no secret, and each run must be the same
	dice := rand.New(rand.NewPCG(1, uint64(no)))
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-s.permits:
		}
		s.send(ctx, s.choose(ctx, who, dice, fmt.Sprintf("%s-%d", who.login, n)))
		s.pending.Add(-1)
	}
}

// choose makes the next request: mostly a purchase, of one server or of three,
// at times a renewal or a release of one that the customer has.
func (s *shop) choose(ctx context.Context, who *client, dice *rand.Rand, key string) receipt {
	buy := receipt{who: who, key: key, path: "/v1/orders", body: map[string]any{
		"product_id": s.w.products[dice.IntN(len(s.w.products))], "name": key,
		"term": map[string]any{"billing": "prepaid", "period": "month", "periods": 1 + dice.IntN(2), "quantity": 1 + 2*(dice.IntN(8)/7)},
	}}
	what, which := dice.IntN(10), dice.IntN(1<<16)
	if what < 7 {
		return buy
	}
	var mine struct{ Items []made }
	if err := who.get(ctx, "/v1/resources?limit=50", &mine); err != nil || len(mine.Items) == 0 {
		return buy
	}
	path := "/v1/resources/" + mine.Items[which%len(mine.Items)].ID
	if what < 8 {
		return receipt{who: who, key: key, path: path + "/renew", body: map[string]int{"periods": 1}}
	}
	return receipt{who: who, key: key, path: path + "/release", body: map[string]string{"reason": "no longer needed"}}
}

// send repeats a request until it is answered for good.
func (s *shop) send(ctx context.Context, r receipt) {
	for tries := 0; ctx.Err() == nil; tries++ {
		var o made
		err := r.who.post(ctx, r.path, r.key, r.body, &o)
		status := statusOf(err)
		switch {
		case err == nil:
			r.id = o.ID
			s.note(func() { s.accepted = append(s.accepted, r) })
			return
		case status == http.StatusPaymentRequired, status == http.StatusConflict, status == http.StatusPreconditionFailed:
			s.note(func() { s.refused[status]++ })
			return
		case status != 0 && status < 500 && status != http.StatusTooManyRequests:
			s.broken.add("an unexpected refusal: %w", err)
			return
		case tries > 2000:
			s.broken.add("key %q is not answered: %w", r.key, err)
			return
		}
		s.note(func() { s.resent++ })
		pause(ctx, 50*time.Millisecond)
	}
}

func (s *shop) note(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

func (s *shop) receipts() []receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]receipt(nil), s.accepted...)
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
