package money_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tradewind.example/core/money"
)

func decimalOf(t testing.TB, s string) money.Decimal {
	t.Helper()
	d, err := money.ParseDecimal(s)
	if err != nil {
		t.Fatalf("ParseDecimal(%q): %v", s, err)
	}
	return d
}

// drawDecimal favours short numbers and halves, where rounding is decided.
func drawDecimal(t *rapid.T, name string) money.Decimal {
	scale := rapid.IntRange(0, money.MaxScale).Draw(t, name+" scale")
	coef := rapid.OneOf(rapid.Uint64Range(0, 10_000), rapid.Uint64Range(0, 9_999_999_999_999_999_999)).Draw(t, name)
	if rapid.Bool().Draw(t, name+" half") {
		coef = coef/10*10 + 5
	}
	s := strconv.FormatUint(coef, 10)
	if pad := scale + 1 - len(s); pad > 0 {
		s = strings.Repeat("0", pad) + s
	}
	if scale > 0 {
		s = s[:len(s)-scale] + "." + s[len(s)-scale:]
	}
	if len(s)-strings.Count(s, ".") > money.MaxDigits {
		s = s[1:]
	}
	d, err := money.ParseDecimal(rapid.SampledFrom([]string{"", "-"}).Draw(t, name+" sign") + s)
	if err != nil {
		t.Skipf("%q: %v", s, err)
	}
	return d
}

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		text   string
		want   string
		err    error
	}{
		"Trimmed":     {reason: "one number has one text", text: "0.7500", want: "0.75"},
		"Whole":       {reason: "zeros of the whole stay", text: "1000.00", want: "1000"},
		"Zero":        {reason: "zero has no sign or decimals", text: "-0.000", want: "0"},
		"Greatest":    {reason: "19 digits fit", text: "9999999999999999999", want: "9999999999999999999"},
		"TooLong":     {reason: "20 digits do not", text: "10000000000000000000", err: money.ErrRange},
		"TooFine":     {reason: "9 decimals are refused, not rounded", text: "0.000000001", err: money.ErrSyntax},
		"Exponent":    {reason: "plain numbers only", text: "1e2", err: money.ErrSyntax},
		"NotANumber":  {reason: "plain numbers only", text: "NaN", err: money.ErrSyntax},
		"Infinity":    {reason: "plain numbers only", text: "Inf", err: money.ErrSyntax},
		"Underscores": {reason: "plain numbers only", text: "1_000", err: money.ErrSyntax},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := money.ParseDecimal(tc.text)
			if !errors.Is(err, tc.err) || (err == nil && got.String() != tc.want) {
				t.Errorf("%s: ParseDecimal(%q) = %s, %v; want %s, %v", tc.reason, tc.text, got, err, tc.want, tc.err)
			}
		})
	}
}

func TestDecimalMulAtTheEdge(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, a, b, want string
		err                error
	}{
		"Half":         {reason: "a zero that falls away is no 20th digit", a: "2305843009213693952", b: "0.5", want: "1152921504606846976"},
		"Negative":     {reason: "the sign stays", a: "-2305843009213693952", b: "0.5", want: "-1152921504606846976"},
		"Uneven":       {reason: "decimals that remain are kept", a: "2500000000000000.4", b: "2.5", want: "6250000000000001"},
		"Fraction":     {reason: "only the zeros fall away", a: "2000000000000000.12", b: "0.75", want: "1500000000000000.09"},
		"Greatest":     {reason: "19 nines fit", a: "9999999999999999999", b: "1", want: "9999999999999999999"},
		"TwentyDigits": {reason: "20 digits before the point do not fit", a: "9999999999999999998", b: "5", err: money.ErrRange},
		"NoZeros":      {reason: "20 significant digits are not rounded", a: "9999999999999999999", b: "1.1", err: money.ErrRange},
		"Huge":         {reason: "128 bits are no limit either", a: "9999999999999999999", b: "9999999999999999999", err: money.ErrRange},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decimalOf(t, tc.a).Mul(decimalOf(t, tc.b))
			if !errors.Is(err, tc.err) || (err == nil && got.String() != tc.want) {
				t.Errorf("%s: %s × %s = %s, %v; want %s, %v", tc.reason, tc.a, tc.b, got, err, tc.want, tc.err)
			}
		})
	}
}

func TestDecimalMulIsExactOrAnError(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawDecimal(t, "a"), drawDecimal(t, "b")
		x, _ := new(big.Rat).SetString(a.String())
		y, _ := new(big.Rat).SetString(b.String())
		want := x.Mul(x, y)
		p, err := a.Mul(b)
		if err != nil {
			if !errors.Is(err, money.ErrRange) {
				t.Fatalf("%s × %s: %v", a, b, err)
			}
			if d, errText := money.ParseDecimal(strings.TrimSuffix(strings.TrimRight(want.FloatString(money.MaxScale), "0"), ".")); errText == nil {
				if back, _ := new(big.Rat).SetString(d.String()); back.Cmp(want) == 0 {
					t.Fatalf("%s × %s = %s fits but was refused", a, b, d)
				}
			}
			return
		}
		if got, _ := new(big.Rat).SetString(p.String()); got.Cmp(want) != 0 {
			t.Fatalf("%s × %s = %s, want %s", a, b, p, want)
		}
	})
}

func TestDecimalTravelsAsText(t *testing.T) {
	t.Parallel()
	type row struct {
		Rate  money.Decimal
		Price *money.Decimal
	}
	price := decimalOf(t, "12.3400")
	in := row{Rate: decimalOf(t, "0.75"), Price: &price}
	raw, err := json.Marshal(in)
	if err != nil || string(raw) != `{"Rate":"0.75","Price":"12.34"}` {
		t.Fatalf("Marshal = %s, %v", raw, err)
	}
	var out row
	if err := json.Unmarshal(raw, &out); err != nil || out.Rate != in.Rate || !out.Price.Equal(price) {
		t.Fatalf("Unmarshal = %+v, %v", out, err)
	}
	if got := string(price.Append([]byte("x"))); got != "x12.34" {
		t.Errorf("Append wrote %s", got)
	}
	for _, bad := range []string{`{"Rate":0.75}`, `{"Rate":"1e3"}`, `{"Rate":""}`} {
		if err := json.Unmarshal([]byte(bad), &out); err == nil {
			t.Errorf("Unmarshal(%s) was accepted", bad)
		}
	}
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"0", "0.75", "-1.005", "1e9", "00", "9999999999999999999", "0.00000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := money.ParseDecimal(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		got, _ := new(big.Rat).SetString(d.String())
		if !ok || got.Cmp(want) != 0 {
			t.Fatalf("ParseDecimal(%q) = %s", s, d)
		}
		if again, err := money.ParseDecimal(d.String()); err != nil || again != d {
			t.Fatalf("%s does not parse back to the same value: %s, %v", d, again, err)
		}
	})
}

func TestCurrencies(t *testing.T) {
	t.Parallel()
	cases := map[money.Currency]int{"CNY": 2, "USD": 2, "EUR": 2, "HKD": 2, "JPY": 0, "KRW": 0, "KWD": 3}
	for c, digits := range cases {
		if got, err := money.ParseCurrency(string(c)); err != nil || got.Digits() != digits {
			t.Errorf("%s has %d decimals, %v; want %d", c, got.Digits(), err, digits)
		}
	}
	for _, s := range []string{"", "cny", "XYZ", "CNYX", strings.Repeat("A", 500)} {
		if _, err := money.ParseCurrency(s); !errors.Is(err, money.ErrCurrency) || len(err.Error()) > 200 {
			t.Errorf("ParseCurrency(%.10q) = %v, want a short ErrCurrency", s, err)
		}
	}
}
