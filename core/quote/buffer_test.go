package quote_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/money"
	"tradewind.example/core/quote"
	"tradewind.example/core/store"
)

func TestWriteBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noQuotes()
	ctx := t.Context()
	v, err := w.create(t, w.As(w.Customer), quote.Input{})
	fatal(t, err)
	before := w.stored(t, v.ID)
	fatal(t, w.quotes.Close(ctx))
	fresh, err := quote.New(w.quotes.Config)
	fatal(t, err)
	w.View(func(r store.Reader) {
		q, ok, err := fresh.FindTx(r, v.ID)
		if err != nil || !ok {
			t.Fatalf("after Close the quote is not stored: %v", err)
		}
		if diff := cmp.Diff(before, q, cmp.Comparer(func(a, b money.Decimal) bool { return a.Equal(b) })); diff != "" {
			t.Errorf("stored differently (-memory +store):\n%s", diff)
		}
	})
	got, err := fresh.Get(ctx, w.As(w.Customer), v.ID)
	if err != nil || got.Price.Legs[0].Amount != v.Price.Legs[0].Amount {
		t.Errorf("read back %+v, error %v", got, err)
	}
	w.Clock.Advance(31 * time.Minute)
	if q := w.stored(t, v.ID); !q.Expired(w.Clock.Now()) {
		t.Error("the quote binds after its time")
	}
	if n, err := fresh.Trim(ctx); err != nil || n != 0 {
		t.Errorf("trimmed %d too early, error %v", n, err)
	}
	w.Clock.Advance(8 * 24 * time.Hour)
	if n, err := fresh.Trim(ctx); err != nil || n != 1 {
		t.Errorf("trimmed %d, error %v", n, err)
	}
	_, err = fresh.Get(ctx, w.As(w.Customer), v.ID)
	wantClass(t, "trimmed it is gone", err, fault.ClassNotFound)
	page, err := fresh.List(ctx, w.As(w.Customer), quote.Query{Limit: 5})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("its index rows stay: %d, error %v", len(page.Items), err)
	}
}

// failing refuses writes until told otherwise.
type failing struct {
	store.Store
	mu    sync.Mutex
	fails int
}

func (f *failing) Update(ctx context.Context, fn func(store.Tx) error) error {
	f.mu.Lock()
	f.fails--
	broken := f.fails >= 0
	f.mu.Unlock()
	if broken {
		return fault.Unavailable("the disk is full")
	}
	return f.Store.Update(ctx, fn)
}

func TestFlusherRetriesAndStops(t *testing.T) {
	t.Parallel()
	bad := &failing{fails: 1}
	w := newWorld(t, func(c *quote.Config) {
		bad.Store = c.Store
		c.Store = bad
	})
	w.noQuotes()
	fatal(t, w.quotes.Start(t.Context()))
	if err := w.quotes.Start(t.Context()); err == nil {
		t.Error("started twice")
	}
	v, err := w.create(t, w.As(w.Customer), quote.Input{})
	fatal(t, err)
	durable := func() (ok bool) {
		fresh, err := quote.New(w.quotes.Config)
		fatal(t, err)
		w.View(func(r store.Reader) {
			_, ok, err = fresh.FindTx(r, v.ID)
			fatal(t, err)
		})
		return ok
	}
	for end := time.Now().Add(10 * time.Second); !durable(); {
		if time.Now().After(end) {
			t.Fatal("the quote was never stored")
		}
		if w.Clock.Waiters() > 0 {
			w.Clock.Advance(time.Second)
		}
	}
	last, err := w.create(t, w.As(w.Customer), quote.Input{})
	fatal(t, err)
	fatal(t, w.quotes.Close(t.Context()))
	v = last
	if !durable() {
		t.Error("Close lost a quote")
	}
}

func TestFullBufferMakesCreateWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *quote.Config) { c.Buffer = 2 })
	w.noQuotes()
	for range 2 {
		_, err := w.create(t, w.As(w.Customer), quote.Input{})
		fatal(t, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		_, err := w.quotes.Create(ctx, w.As(w.Customer), quote.Input{ProductID: w.product.ID})
		stopped <- err
	}()
	stop()
	if err := <-stopped; err == nil {
		t.Error("a full buffer took a third quote")
	}
	fatal(t, w.quotes.Flush(t.Context()))
	_, err := w.create(t, w.As(w.Customer), quote.Input{})
	wantClass(t, "after a flush there is room", err, 0)
}

func TestQuotesFlushedWhileRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noQuotes()
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 40 {
				v, err := w.quotes.Create(context.WithoutCancel(t.Context()), w.As(w.Customer), quote.Input{ProductID: w.product.ID})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := w.quotes.Get(t.Context(), w.As(w.Customer), v.ID); err != nil {
					t.Errorf("a quote vanished: %v", err)
				}
			}
		}()
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for open := true; open; {
		select {
		case <-done:
			open = false
		default:
			if err := w.quotes.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	page, err := w.quotes.List(t.Context(), w.As(w.Customer), quote.Query{Limit: 1000})
	if err != nil || len(page.Items) != 320 {
		t.Errorf("listed %d of 320, error %v", len(page.Items), err)
	}
}
