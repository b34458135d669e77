package quote_test

import (
	"testing"

	"tradewind.example/sdk/clock"

	"tradewind.example/core/quote"
	"tradewind.example/core/store"
)

// priced is a world with a three-leg chain and terms on every leg.
func priced(b *testing.B) *world {
	w := newWorld(b, func(c *quote.Config) { c.Clock = clock.Real{}; c.Buffer = 1 << 20 })
	w.noQuotes()
	w.quotedChain(b)
	return w
}

// BenchmarkCreate is the whole of a quote but HTTP and the write behind.
func BenchmarkCreate(b *testing.B) {
	w := priced(b)
	c := w.As(w.Customer)
	in := quote.Input{ProductID: w.product.ID, Term: w.month(3, 1)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.quotes.Create(b.Context(), c, in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCreateFlushed includes the write behind.
func BenchmarkCreateFlushed(b *testing.B) {
	w := priced(b)
	if err := w.quotes.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	c := w.As(w.Customer)
	in := quote.Input{ProductID: w.product.ID, Term: w.month(3, 1)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.quotes.Create(b.Context(), c, in); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.quotes.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPriceTx is what an order pays for its price.
func BenchmarkPriceTx(b *testing.B) {
	w := priced(b)
	in := quote.PriceInput{BuyerOrg: w.Customer.ID, ProductID: w.product.ID, Quantity: 3, Periods: 1, List: dec(b, "3000"), At: w.Clock.Now()}
	w.View(func(r store.Reader) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := w.quotes.PriceTx(r, in); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCallFor is opening an account that is in memory.
func BenchmarkCallFor(b *testing.B) {
	w := priced(b)
	w.View(func(r store.Reader) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.Providers.CallFor(b.Context(), r, w.Customer.ID, w.provider.ID, "order"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
