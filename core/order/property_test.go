package order_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/order"
	"tradewind.example/core/pricing"
)

// TestAnyChainComesBack buys at random terms from a random cloud that dies and
// lies at random, then releases everything at once: what was charged has come
// back to the cent on every leg, and every book is as before.
func TestAnyChainComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.fund(1_000_000_000)
		w.market.terms, w.market.warnOnly = drawTerms(rt), true
		w.market.list = rapid.SampledFrom([]string{"0.01", "33.37", "99.99", "1000", "7.77777777"}).Draw(rt, "list")
		w.cloud.script = rapid.SliceOfN(rapid.SampledFrom([]string{"", "lost", "vanished", "started", "started-lost", "out_of_stock", "throttled"}), 0, 6).Draw(rt, "script")
		point := rapid.SampledFrom([]string{"", "before_call", "after_call", "after_lookup", "before_result", "after_result"}).Draw(rt, "point")
		w.dieAt(point, rapid.IntRange(1, 3).Draw(rt, "nth"))
		o, err := w.orders.Buy(w.ctx, w.buyer, w.input(rapid.IntRange(1, 5).Draw(rt, "quantity")))
		if err != nil {
			rt.Fatal(err)
		}
		w.drain()
		bought := w.get(o.ID)
		if !bought.State.Final() {
			rt.Fatalf("order is %s: %+v", bought.State, bought.Attention)
		}
		w.cloud.script, w.fail = nil, nil
		w.clock.Set(w.clock.Now().Add(time.Second))
		for _, resourceID := range bought.ResourceIDs {
			w.cloud.quotes = "-1000000000"
			v, err := w.orders.Release(w.ctx, w.buyer, order.ReleaseInput{ResourceID: resourceID, IdempotencyKey: w.key()})
			if err != nil {
				rt.Fatal(err)
			}
			w.drain()
			if got := w.get(v.ID); got.State != order.StateRefunded {
				rt.Fatalf("release is %s", got.State)
			}
		}
		w.allBack(rt)
	})
}

func drawTerms(rt *rapid.T) []pricing.Terms {
	terms := chain()
	for i := range terms {
		modes := []pricing.Mode{pricing.ModeDiscount, pricing.ModeFloor, pricing.ModeRebate, pricing.ModeList}
		if i == len(terms)-1 {
			modes = []pricing.Mode{pricing.ModeDiscount, pricing.ModeFloor, pricing.ModeList}
		}
		terms[i].Mode = rapid.SampledFrom(modes).Draw(rt, "mode")
		terms[i].Settle = rapid.SampledFrom([]pricing.SettleMode{pricing.SettleRealtime, pricing.SettlePeriod}).Draw(rt, "settle")
		switch terms[i].Mode {
		case pricing.ModeFloor:
			terms[i].Rate, terms[i].Price = money.Decimal{}, must(money.ParseDecimal(rapid.SampledFrom([]string{"0", "0.005", "9.99", "2000"}).Draw(rt, "price")))
		case pricing.ModeRebate, pricing.ModeDiscount:
			terms[i].Rate = must(money.ParseDecimal(rapid.SampledFrom([]string{"0.3333", "0.08", "0.9", "0.755"}).Draw(rt, "rate")))
		case pricing.ModeList:
			terms[i].Rate = money.Decimal{}
		}
	}
	return terms
}

// allBack wants every wallet as it was funded and everything else at zero.
func (w *world) allBack(rt *rapid.T) {
	for _, k := range [][2]string{{providerOrg, operator}, {operator, reseller}, {reseller, customer}} {
		if b := w.wallet(k[1], k[0]); b.Posted != 1_000_000_000 || b.Held != 0 {
			rt.Fatalf("the wallet of %s with %s is %+v", k[1], k[0], b)
		}
	}
	page, err := w.orders.List(w.ctx, w.staff, order.Query{Attention: true, Limit: 10})
	if err != nil || len(page.Items) != 0 {
		rt.Fatalf("orders in doubt: %+v, %v", page.Items, err)
	}
	sums := map[ledger.Kind]money.Amount{}
	for _, kind := range []ledger.Kind{ledger.KindRevenue, ledger.KindCommissionExpense, ledger.KindCommissionPayable, ledger.KindAccruedReceivable} {
		for _, k := range [][2]string{{providerOrg, operator}, {operator, reseller}, {reseller, customer}} {
			sums[kind] += w.currentBalance(k, kind)
		}
		if sums[kind] != 0 {
			rt.Fatalf("%s has %d left", kind, sums[kind])
		}
	}
}
