package money_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tradewind.example/core/money"
	"tradewind.example/sdk/fault"
)

func TestParse(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason   string
		currency money.Currency
		text     string
		want     money.Amount
		err      error
	}{
		"Cents":           {reason: "two decimals are fen", currency: "CNY", text: "12.50", want: 1250},
		"OneDecimal":      {reason: "missing decimals are zeros", currency: "CNY", text: "12.5", want: 1250},
		"Whole":           {reason: "no point means whole units", currency: "CNY", text: "7", want: 700},
		"Negative":        {reason: "refunds are negative", currency: "CNY", text: "-0.01", want: -1},
		"Yen":             {reason: "JPY has no minor unit", currency: "JPY", text: "1200", want: 1200},
		"YenDecimals":     {reason: "half a yen does not exist", currency: "JPY", text: "0.5", err: money.ErrSyntax},
		"Dinar":           {reason: "KWD has three decimals", currency: "KWD", text: "1.005", want: 1005},
		"NegativeZero":    {reason: "zero has no sign", currency: "CNY", text: "-0.00", want: 0},
		"TooManyDecimals": {reason: "a parse never rounds", currency: "CNY", text: "0.005", err: money.ErrSyntax},
		"Plus":            {reason: "one spelling per amount", currency: "CNY", text: "+1", err: money.ErrSyntax},
		"Exponent":        {reason: "exponents hide magnitudes", currency: "CNY", text: "1e3", err: money.ErrSyntax},
		"Separator":       {reason: "separators differ by locale", currency: "CNY", text: "1,000", err: money.ErrSyntax},
		"LeadingZero":     {reason: "one spelling per amount", currency: "CNY", text: "01", err: money.ErrSyntax},
		"BarePoint":       {reason: "digits on both sides", currency: "CNY", text: ".5", err: money.ErrSyntax},
		"EndingPoint":     {reason: "digits on both sides", currency: "CNY", text: "5.", err: money.ErrSyntax},
		"TwoPoints":       {reason: "one point at most", currency: "CNY", text: "1.2.3", err: money.ErrSyntax},
		"Empty":           {reason: "nothing is no amount", currency: "CNY", text: "", err: money.ErrSyntax},
		"Minus":           {reason: "a sign is no amount", currency: "CNY", text: "-", err: money.ErrSyntax},
		"Space":           {reason: "callers trim, or nobody does", currency: "CNY", text: " 1", err: money.ErrSyntax},
		"WideDigits":      {reason: "only ASCII digits", currency: "CNY", text: "１", err: money.ErrSyntax},
		"Greatest":        {reason: "the greatest amount fits", currency: "CNY", text: "92233720368547758.07", want: math.MaxInt64},
		"Least":           {reason: "the least amount fits", currency: "CNY", text: "-92233720368547758.08", want: math.MinInt64},
		"Above":           {reason: "one more does not", currency: "CNY", text: "92233720368547758.08", err: money.ErrRange},
		"Long":            {reason: "length is bounded", currency: "CNY", text: strings.Repeat("9", 5000), err: money.ErrRange},
		"Unknown":         {reason: "unknown decimals misread the amount", currency: "XXX", text: "1", err: money.ErrCurrency},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := money.Parse(tc.currency, tc.text)
			if !errors.Is(err, tc.err) || got != tc.want {
				t.Errorf("%s: Parse(%s, %q) = %d, %v; want %d, %v", tc.reason, tc.currency, tc.text, got, err, tc.want, tc.err)
			}
			if err != nil && !fault.Is(err, fault.ClassInvalid) {
				t.Errorf("Parse(%s, %q): class %s, want invalid", tc.currency, tc.text, fault.ClassOf(err))
			}
		})
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason   string
		amount   money.Amount
		currency money.Currency
		want     string
	}{
		"Padded":   {reason: "all decimals are written", amount: 5, currency: "CNY", want: "0.05"},
		"Negative": {reason: "the sign comes first", amount: -1250, currency: "CNY", want: "-12.50"},
		"Zero":     {reason: "zero has decimals too", amount: 0, currency: "CNY", want: "0.00"},
		"Yen":      {reason: "no point without decimals", amount: 1200, currency: "JPY", want: "1200"},
		"Dinar":    {reason: "three decimals", amount: 1, currency: "KWD", want: "0.001"},
		"Least":    {reason: "the least amount has no opposite", amount: math.MinInt64, currency: "CNY", want: "-92233720368547758.08"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.amount.Format(tc.currency); got != tc.want {
				t.Errorf("%s: got %q, want %q", tc.reason, got, tc.want)
			}
		})
	}
}

func TestRoundHalfAwayFromZero(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason   string
		value    string
		currency money.Currency
		want     money.Amount
	}{
		"HalfCent":         {reason: "half goes up", value: "0.005", currency: "CNY", want: 1},
		"NegativeHalfCent": {reason: "half goes away from zero", value: "-0.005", currency: "CNY", want: -1},
		"EvenHalf":         {reason: "not to even", value: "0.025", currency: "CNY", want: 3},
		"OddHalf":          {reason: "not to even", value: "0.015", currency: "CNY", want: 2},
		"JustBelow":        {reason: "below half goes down", value: "0.00499999", currency: "CNY", want: 0},
		"JustAbove":        {reason: "above half goes up", value: "0.00500001", currency: "CNY", want: 1},
		"NegativeBelow":    {reason: "below half goes to zero", value: "-0.00499999", currency: "CNY", want: 0},
		"HalfYen":          {reason: "the unit is the currency's", value: "0.5", currency: "JPY", want: 1},
		"NegativeYen":      {reason: "the unit is the currency's", value: "-1.5", currency: "JPY", want: -2},
		"Dinar":            {reason: "the unit is the currency's", value: "0.0005", currency: "KWD", want: 1},
		"Exact":            {reason: "nothing to round", value: "3000", currency: "CNY", want: 300000},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := money.Round(decimalOf(t, tc.value), tc.currency)
			if err != nil || got != tc.want {
				t.Errorf("%s: Round(%s, %s) = %d, %v; want %d", tc.reason, tc.value, tc.currency, got, err, tc.want)
			}
		})
	}
}

func TestProductsAreExactBeforeTheyAreRounded(t *testing.T) {
	t.Parallel()
	// 20 significant digits: an implementation that cuts the product to 19
	// sees …5.0 and rounds up.
	got, err := money.RoundProduct(decimalOf(t, "99999999999999.49"), decimalOf(t, "0.9999"), "CNY")
	if want := money.Amount(9998999999999949); err != nil || got != want {
		t.Errorf("RoundProduct = %d, %v; want %d", got, err, want)
	}
}

func TestOverflowIsRefused(t *testing.T) {
	t.Parallel()
	big, least := money.Amount(math.MaxInt64), money.Amount(math.MinInt64)
	cases := map[string]func() (money.Amount, error){
		"Add":         func() (money.Amount, error) { return big.Add(1) },
		"AddNegative": func() (money.Amount, error) { return least.Add(-1) },
		"Sub":         func() (money.Amount, error) { return least.Sub(1) },
		"SubLeast":    func() (money.Amount, error) { return money.Amount(0).Sub(least) },
		"Neg":         func() (money.Amount, error) { return least.Neg() },
		"Sum":         func() (money.Amount, error) { return money.Sum(big, 1, -1) },
		"Times":       func() (money.Amount, error) { return big.Times(decimalOf(t, "1.1")) },
		"Round":       func() (money.Amount, error) { return money.Round(decimalOf(t, "9999999999999999999"), "CNY") },
		"RoundYen":    func() (money.Amount, error) { return money.Round(decimalOf(t, "9999999999999999999"), "JPY") },
		"RoundProduct": func() (money.Amount, error) {
			return money.RoundProduct(decimalOf(t, "9999999999999999999"), decimalOf(t, "9999999999999999999"), "CNY")
		},
		"NoWhole":      func() (money.Amount, error) { return big.Share(1, 0) },
		"NegativePart": func() (money.Amount, error) { return big.Share(-1, 2) },
		"GreatShare":   func() (money.Amount, error) { return big.Share(3, 2) },
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := f(); !errors.Is(err, money.ErrRange) {
				t.Errorf("got %d, %v; want ErrRange", got, err)
			}
		})
	}
}

func TestShareOfGrowingPartsNeverShrinks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount(rapid.Int64Range(0, math.MaxInt64).Draw(t, "amount"))
		whole := rapid.Int64Range(1, math.MaxInt64).Draw(t, "whole")
		first := rapid.Int64Range(0, whole).Draw(t, "first")
		second := rapid.Int64Range(first, whole).Draw(t, "second")
		x, errX := a.Share(first, whole)
		y, errY := a.Share(second, whole)
		all, errAll := a.Share(whole, whole)
		if err := errors.Join(errX, errY, errAll); err != nil {
			t.Fatal(err)
		}
		if x > y || y > a || all != a {
			t.Fatalf("shares %d and %d of %d, whole %d", x, y, a, all)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "12.50", "-0.01", "1e3", "92233720368547758.07", "0.005", "１", "--1"} {
		f.Add(s, uint8(0))
		f.Add(s, uint8(1))
	}
	f.Fuzz(func(t *testing.T, s string, which uint8) {
		c := [...]money.Currency{"CNY", "JPY", "KWD"}[which%3]
		a, err := money.Parse(c, s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok || ratOf(a, c).Cmp(want) != 0 {
			t.Fatalf("Parse(%s, %q) = %d, which is not the number", c, s, a)
		}
		if again, err := money.Parse(c, a.Format(c)); err != nil || again != a {
			t.Fatalf("%q does not parse back: %d, %v", a.Format(c), again, err)
		}
	})
}

func FuzzRoundProduct(f *testing.F) {
	f.Add("0.005", "1", uint8(0))
	f.Add("-0.005", "1", uint8(0))
	f.Add("99999999999999.49", "0.9999", uint8(0))
	f.Add("9999999999999999999", "0.00000001", uint8(1))
	f.Add("0.00000001", "0.00000001", uint8(2))
	f.Fuzz(func(t *testing.T, x, y string, which uint8) {
		c := [...]money.Currency{"CNY", "JPY", "KWD"}[which%3]
		a, errA := money.ParseDecimal(x)
		b, errB := money.ParseDecimal(y)
		if errA != nil || errB != nil {
			return
		}
		checkRounded(t, c, a, b)
	})
}

func TestRoundProductAgainstRationals(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom([]money.Currency{"CNY", "JPY", "KWD"}).Draw(t, "currency")
		checkRounded(t, c, drawDecimal(t, "a"), drawDecimal(t, "b"))
	})
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkRounded compares with half-away-from-zero on exact rationals.
func checkRounded(t fataler, c money.Currency, a, b money.Decimal) {
	t.Helper()
	got, err := money.RoundProduct(a, b, c)
	x, _ := new(big.Rat).SetString(a.String())
	y, _ := new(big.Rat).SetString(b.String())
	want := roundedRat(x.Mul(x, y), c)
	switch {
	case !want.IsInt64() && !errors.Is(err, money.ErrRange):
		t.Fatalf("%s × %s = %d, %v; want ErrRange", a, b, got, err)
	case want.IsInt64() && (err != nil || int64(got) != want.Int64()):
		t.Fatalf("%s × %s = %d, %v; want %s", a, b, got, err, want)
	}
}

func roundedRat(x *big.Rat, c money.Currency) *big.Int {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Digits())), nil)
	x = new(big.Rat).Mul(x, new(big.Rat).SetInt(unit))
	num := new(big.Int).Abs(x.Num())
	num.Mul(num, big.NewInt(2)).Add(num, x.Denom())
	q := num.Quo(num, new(big.Int).Mul(x.Denom(), big.NewInt(2)))
	if x.Sign() < 0 {
		q.Neg(q)
	}
	return q
}

func ratOf(a money.Amount, c money.Currency) *big.Rat {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Digits())), nil)
	return new(big.Rat).SetFrac(big.NewInt(int64(a)), unit)
}
