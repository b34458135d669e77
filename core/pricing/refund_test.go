package pricing_test

import (
	"testing"

	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/sdk/fault"
)

func TestRefund(t *testing.T) {
	t.Parallel()
	charged, err := pricing.Price(pricing.Input{
		Currency: "CNY", List: dec(t, "3000"), Quantity: 3, Periods: 1,
		Legs: chain(t, discount("0.60"), rebate("0.08"), discount("0.90")),
	})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason            string
		done, part, whole int64
		amounts           [3]money.Amount
		commission        money.Amount // of the rebate leg
		class             fault.Class
	}{
		"Whole":     {reason: "all of it is the charge", part: 30, whole: 30, amounts: [3]money.Amount{180000, 270000, 270000}, commission: 21600},
		"Third":     {reason: "commissions go back in proportion", part: 1, whole: 3, amounts: [3]money.Amount{60000, 90000, 90000}, commission: 7200},
		"Nothing":   {reason: "nothing is left of a used-up term", part: 0, whole: 3},
		"Uneven":    {reason: "each leg is rounded once", part: 1, whole: 7, amounts: [3]money.Amount{25714, 38571, 38571}, commission: 3086},
		"LastOf7":   {reason: "the last part takes what rounding left", done: 6, part: 1, whole: 7, amounts: [3]money.Amount{25714, 38571, 38571}, commission: 3086},
		"TooMuch":   {reason: "more than was charged", part: 4, whole: 3, class: fault.ClassPrecondition},
		"AfterAll":  {reason: "nothing is left", done: 3, part: 1, whole: 3, class: fault.ClassPrecondition},
		"Negative":  {reason: "a refund is not a charge", part: -1, whole: 3, class: fault.ClassPrecondition},
		"NoWhole":   {reason: "a share of nothing", part: 0, whole: 0, class: fault.ClassPrecondition},
		"WrongDone": {reason: "more went back than there was", done: 9, part: 0, whole: 3, class: fault.ClassPrecondition},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := charged.RefundAfter(tc.done, tc.part, tc.whole)
			if fault.ClassOf(err) != tc.class {
				t.Fatalf("%s: %v, want class %s", tc.reason, err, tc.class)
			}
			if err != nil {
				return
			}
			got := [3]money.Amount{r.Legs[0].Amount, r.Legs[1].Amount, r.Legs[2].Amount}
			if got != tc.amounts || r.Legs[1].Commission != tc.commission {
				t.Errorf("%s: got %v and %d, want %v and %d", tc.reason, got, r.Legs[1].Commission, tc.amounts, tc.commission)
			}
			checkSum(t, r)
		})
	}
}

// TestHalvesAreNotPaidTwice is why a second refund counts from the first: two
// halves of one cent, each rounded by itself, would be two cents.
func TestHalvesAreNotPaidTwice(t *testing.T) {
	t.Parallel()
	charged, err := pricing.Price(pricing.Input{Currency: "CNY", List: dec(t, "0.01"), Quantity: 1, Periods: 1, Legs: chain(t, list())})
	if err != nil {
		t.Fatal(err)
	}
	first, err1 := charged.Refund(1, 2)
	second, err2 := charged.RefundAfter(1, 1, 2)
	if err1 != nil || err2 != nil || first.CustomerPrice != 1 || second.CustomerPrice != 0 {
		t.Errorf("got %d, %v and %d, %v; want 1 and 0", first.CustomerPrice, err1, second.CustomerPrice, err2)
	}
}
