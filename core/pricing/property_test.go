package pricing_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
)

// drawNumber draws a decimal with at most scale decimals, often a half at the end.
func drawNumber(t *rapid.T, name string, low, high int64, scale int) money.Decimal {
	n := rapid.Int64Range(low, high).Draw(t, name)
	if rapid.Bool().Draw(t, name+" half") {
		n = min(high, n/10*10+5)
	}
	digits := fmt.Sprintf("%0*d", scale+1, n)
	d, err := money.ParseDecimal(digits[:len(digits)-scale] + "." + digits[len(digits)-scale:])
	if err != nil {
		t.Fatalf("%s: %v", digits, err)
	}
	return d
}

func drawTerms(t *rapid.T, i int, last bool) pricing.Terms {
	name := fmt.Sprintf("leg %d", i+1)
	modes := []pricing.Mode{pricing.ModeDiscount, pricing.ModeFloor, pricing.ModeList, pricing.ModeRebate}
	if last {
		modes = modes[:3]
	}
	terms := pricing.Terms{
		Seller: marker("org", i), Buyer: marker("org", i+1),
		Mode:       rapid.SampledFrom(modes).Draw(t, name),
		ProtocolID: marker("protocol", i), LineID: marker("line", i),
		Found:  rapid.SampledFrom([]pricing.Found{pricing.FoundProduct, pricing.FoundClass, pricing.FoundDefault}).Draw(t, name+" found"),
		Settle: rapid.SampledFrom([]pricing.SettleMode{pricing.SettleRealtime, pricing.SettlePeriod}).Draw(t, name+" settle"),
	}
	switch terms.Mode {
	case pricing.ModeDiscount:
		terms.Rate = drawNumber(t, name+" rate", 1, 20_000, 4)
	case pricing.ModeRebate:
		terms.Rate = drawNumber(t, name+" rate", 0, 99_999_999, 8)
	case pricing.ModeFloor:
		terms.Price = drawNumber(t, name+" price", 0, 10_000_000, 5)
	}
	return terms
}

// marker is a text that occurs in no other leg's data.
func marker(kind string, i int) string { return fmt.Sprintf("<%s-%d>", kind, i) }

func drawInput(t *rapid.T) pricing.Input {
	n := rapid.OneOf(rapid.IntRange(1, 6), rapid.IntRange(7, 20)).Draw(t, "legs")
	in := pricing.Input{
		Currency: rapid.SampledFrom([]money.Currency{"CNY", "JPY", "KWD"}).Draw(t, "currency"),
		List:     drawNumber(t, "list", 0, 10_000_000_000, 5),
		Quantity: rapid.IntRange(1, 1000).Draw(t, "quantity"),
		Periods:  rapid.IntRange(1, 36).Draw(t, "periods"),
	}
	for i := range n {
		in.Legs = append(in.Legs, drawTerms(t, i, i == n-1))
	}
	return in
}

func drawResult(t *rapid.T) pricing.Result {
	r, err := pricing.Price(drawInput(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNetAndMarginsAreTheCustomersPrice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { checkSum(t, drawResult(t)) })
}

func TestRefundsNeverExceedTheCharge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawResult(t)
		whole := rapid.Int64Range(1, 1000).Draw(t, "whole")
		sums := make([]pricing.Leg, len(r.Legs))
		var done int64
		for done < whole {
			part := rapid.Int64Range(1, whole-done).Draw(t, "part")
			refund, err := r.RefundAfter(done, part, whole)
			if err != nil {
				t.Fatal(err)
			}
			checkSum(t, refund)
			for i, l := range refund.Legs {
				sums[i].Amount += l.Amount
				sums[i].Commission += l.Commission
				if l.Amount < 0 || l.Commission < 0 || sums[i].Amount > r.Legs[i].Amount || sums[i].Commission > r.Legs[i].Commission {
					t.Fatalf("leg %d: %d and %d back after %d of %d, charged %d and %d",
						i+1, sums[i].Amount, sums[i].Commission, done+part, whole, r.Legs[i].Amount, r.Legs[i].Commission)
				}
			}
			done += part
		}
		for i, l := range r.Legs {
			if sums[i].Amount != l.Amount || sums[i].Commission != l.Commission {
				t.Fatalf("leg %d: the refunds of the whole are %d and %d, charged %d and %d", i+1, sums[i].Amount, sums[i].Commission, l.Amount, l.Commission)
			}
		}
	})
}

func TestOneRefundIsTheRoundedShare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawResult(t)
		whole := rapid.Int64Range(1, 1000).Draw(t, "whole")
		part := rapid.Int64Range(0, whole).Draw(t, "part")
		refund, err := r.Refund(part, whole)
		if err != nil {
			t.Fatal(err)
		}
		checkSum(t, refund)
		for i, l := range refund.Legs {
			// 2·|share·whole − amount·part| <= whole means: rounded to the nearest.
			if off := int64(l.Amount)*whole - int64(r.Legs[i].Amount)*part; 2*max(off, -off) > whole {
				t.Fatalf("leg %d: %d is not %d/%d of %d", i+1, l.Amount, part, whole, r.Legs[i].Amount)
			}
		}
	})
}

// TestViewHoldsNoForeignLeg marshals every organisation's view and searches it
// for everything that belongs to legs of others.
func TestViewHoldsNoForeignLeg(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		r, err := pricing.Price(in)
		if err != nil {
			t.Fatal(err)
		}
		plantNumbers(&r)
		for i := range len(r.Legs) + 1 {
			checkView(t, r, i)
		}
	})
}

// plantNumbers gives every number of the trace a value that occurs once, so
// that finding its digits proves a leak.
func plantNumbers(r *pricing.Result) {
	next := int64(1_000_003)
	unique := func() int64 { next += 7_000_003; return next }
	decimal := func() money.Decimal { d, _ := money.DecimalOf(unique()); return d }
	r.List, r.ProviderNet, r.CustomerPrice = decimal(), money.Amount(unique()), money.Amount(unique())
	for i := range r.Legs {
		l := &r.Legs[i]
		l.Amount, l.Commission = money.Amount(unique()), money.Amount(unique())
		l.Rate, l.Price = decimal(), decimal()
	}
	for i := range r.Margins {
		r.Margins[i].Amount = money.Amount(unique())
	}
}

func checkView(t *rapid.T, r pricing.Result, i int) {
	raw, err := json.Marshal(r.View(marker("org", i)))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	text = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(text)
	secrets := []string{r.List.String(), fmt.Sprint(r.ProviderNet), fmt.Sprint(r.CustomerPrice)}
	for j, l := range r.Legs {
		own := []string{
			fmt.Sprint(l.Amount), fmt.Sprint(l.Commission), l.Rate.String(), l.Price.String(), l.ProtocolID, l.LineID,
		}
		if j == i-1 || j == i {
			for _, s := range own {
				if !strings.Contains(text, s) {
					t.Fatalf("org %d misses %s of its own leg %d", i, s, j+1)
				}
			}
			continue
		}
		secrets = append(secrets, own...)
	}
	for j, m := range r.Margins {
		if j+1 != i {
			secrets = append(secrets, fmt.Sprint(m.Amount))
		}
	}
	for j := range len(r.Legs) + 1 {
		if j < i-1 || j > i+1 {
			secrets = append(secrets, marker("org", j))
		}
	}
	if j := slices.IndexFunc(secrets, func(s string) bool { return strings.Contains(text, s) }); j >= 0 {
		t.Fatalf("the view of org %d holds %s: %s", i, secrets[j], text)
	}
}

func TestViewOfAStrangerIsEmpty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if v := drawResult(t).View("stranger"); len(v.Legs) != 0 || v.Margin != nil {
			t.Fatalf("a stranger sees %+v", v)
		}
	})
}
