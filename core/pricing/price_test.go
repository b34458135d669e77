package pricing_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/sdk/fault"
)

func dec(t testing.TB, s string) money.Decimal {
	t.Helper()
	d, err := money.ParseDecimal(s)
	if err != nil {
		t.Fatalf("decimal %q: %v", s, err)
	}
	return d
}

// leg is a hop of the table tests: mode and its one number.
type leg struct {
	mode   pricing.Mode
	number string
}

func discount(d string) leg { return leg{mode: pricing.ModeDiscount, number: d} }
func rebate(r string) leg   { return leg{mode: pricing.ModeRebate, number: r} }
func floor(p string) leg    { return leg{mode: pricing.ModeFloor, number: p} }
func list() leg             { return leg{mode: pricing.ModeList, number: "0"} }

// chain names the orgs o0, o1 … along the legs.
func chain(t testing.TB, legs ...leg) []pricing.Terms {
	t.Helper()
	out := make([]pricing.Terms, len(legs))
	for i, l := range legs {
		out[i] = pricing.Terms{Seller: org(i), Buyer: org(i + 1), Mode: l.mode, Settle: pricing.SettleRealtime}
		if l.mode == pricing.ModeFloor {
			out[i].Price = dec(t, l.number)
		} else {
			out[i].Rate = dec(t, l.number)
		}
	}
	return out
}

func org(i int) string { return "o" + string(rune('0'+i)) }

func TestPrice(t *testing.T) {
	t.Parallel()
	type want struct {
		amounts, commissions, margins []money.Amount
		net                           money.Amount
	}
	cases := map[string]struct {
		reason            string
		currency          money.Currency // CNY when empty
		list              string
		quantity, periods int // 1 when 0
		legs              []leg
		want              want
	}{
		"ThreeDiscounts": {
			reason: "the first worked example of the domain rules",
			list:   "3000.00", quantity: 3, legs: []leg{discount("0.60"), discount("0.75"), discount("0.90")},
			want: want{
				amounts: []money.Amount{180000, 225000, 270000}, commissions: []money.Amount{0, 0, 0},
				margins: []money.Amount{45000, 45000}, net: 180000,
			},
		},
		"RebateInTheMiddle": {
			reason: "the second worked example of the domain rules",
			list:   "3000.00", quantity: 3, legs: []leg{discount("0.60"), rebate("0.08"), discount("0.90")},
			want: want{
				amounts: []money.Amount{180000, 270000, 270000}, commissions: []money.Amount{0, 21600, 0},
				margins: []money.Amount{68400, 21600}, net: 180000,
			},
		},
		"RebateAtTheTop": {
			reason: "the provider pays its commission from the customer's price",
			list:   "100", legs: []leg{rebate("0.1"), discount("0.9")},
			want: want{amounts: []money.Amount{9000, 9000}, commissions: []money.Amount{900, 0}, margins: []money.Amount{900}, net: 8100},
		},
		"RebatesAllTheWay": {
			reason: "the customer's amount passes through every rebate",
			list:   "100", legs: []leg{rebate("0.2"), rebate("0.1"), list()},
			want: want{
				amounts: []money.Amount{10000, 10000, 10000}, commissions: []money.Amount{2000, 1000, 0},
				margins: []money.Amount{1000, 1000}, net: 8000,
			},
		},
		"FloorTimesQuantityAndPeriods": {
			reason: "a floor is per unit and period, not per list amount",
			list:   "1", quantity: 3, periods: 12, legs: []leg{floor("1.005"), list()},
			want: want{amounts: []money.Amount{3618, 100}, commissions: []money.Amount{0, 0}, margins: []money.Amount{-3518}, net: 3618},
		},
		"FloorZero": {
			reason: "a floor of nothing is a price",
			list:   "10", legs: []leg{floor("0"), discount("1")},
			want: want{amounts: []money.Amount{0, 1000}, commissions: []money.Amount{0, 0}, margins: []money.Amount{1000}},
		},
		"RebateZero": {
			reason: "a rebate of nothing passes the amount through",
			list:   "10", legs: []leg{rebate("0"), discount("0.5")},
			want: want{amounts: []money.Amount{500, 500}, commissions: []money.Amount{0, 0}, margins: []money.Amount{0}, net: 500},
		},
		"DiscountTwo": {
			reason: "a discount may double the list price",
			list:   "10.01", legs: []leg{list(), discount("2")},
			want: want{amounts: []money.Amount{1001, 2002}, commissions: []money.Amount{0, 0}, margins: []money.Amount{1001}, net: 1001},
		},
		"HalfCentUp": {
			reason: "half a cent rounds away from zero, once per leg",
			list:   "0.01", legs: []leg{discount("0.4999"), discount("0.5")},
			want: want{amounts: []money.Amount{0, 1}, commissions: []money.Amount{0, 0}, margins: []money.Amount{1}},
		},
		"ListIsRounded": {
			reason: "a list amount finer than a cent is rounded on its leg",
			list:   "0.005", legs: []leg{list(), discount("0.99")},
			want: want{amounts: []money.Amount{1, 0}, commissions: []money.Amount{0, 0}, margins: []money.Amount{-1}, net: 1},
		},
		"CommissionIsRoundedOnce": {
			reason: "the commission is of the rounded amount of the leg below",
			list:   "0.05", legs: []leg{rebate("0.1"), discount("1")},
			want: want{amounts: []money.Amount{5, 5}, commissions: []money.Amount{1, 0}, margins: []money.Amount{1}, net: 4},
		},
		"Yen": {
			reason: "yen have no decimals", currency: "JPY",
			list: "1001", legs: []leg{discount("0.5"), rebate("0.05"), list()},
			want: want{amounts: []money.Amount{501, 1001, 1001}, commissions: []money.Amount{0, 50, 0}, margins: []money.Amount{450, 50}, net: 501},
		},
		"OneLeg": {
			reason: "the operator itself may be the customer",
			list:   "3", legs: []leg{discount("0.5")},
			want: want{amounts: []money.Amount{150}, commissions: []money.Amount{0}, margins: []money.Amount{}, net: 150},
		},
		"NothingToPay": {
			reason: "a free product is priced like any other",
			list:   "0", legs: []leg{discount("0.5"), rebate("0.5"), list()},
			want: want{amounts: []money.Amount{0, 0, 0}, commissions: []money.Amount{0, 0, 0}, margins: []money.Amount{0, 0}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := pricing.Input{
				Currency: "CNY", List: dec(t, tc.list), Quantity: max(tc.quantity, 1), Periods: max(tc.periods, 1), Legs: chain(t, tc.legs...),
			}
			if tc.currency != "" {
				in.Currency = tc.currency
			}
			r, err := pricing.Price(in)
			if err != nil {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			got := want{amounts: []money.Amount{}, commissions: []money.Amount{}, margins: []money.Amount{}, net: r.ProviderNet}
			for _, l := range r.Legs {
				got.amounts, got.commissions = append(got.amounts, l.Amount), append(got.commissions, l.Commission)
			}
			for _, m := range r.Margins {
				got.margins = append(got.margins, m.Amount)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("%s: -want +got:\n%s", tc.reason, diff)
			}
			if err := r.Check(); err != nil {
				t.Errorf("%s: %v", tc.reason, err)
			}
		})
	}
}

// TestEveryPairOfModes prices every mode above every mode that may be below it.
func TestEveryPairOfModes(t *testing.T) {
	t.Parallel()
	modes := []leg{discount("0.6"), floor("0.333"), rebate("0.075"), list()}
	for _, top := range modes {
		for _, middle := range modes {
			for _, last := range modes {
				in := pricing.Input{Currency: "CNY", List: dec(t, "10.05"), Quantity: 3, Periods: 2, Legs: chain(t, top, middle, last)}
				r, err := pricing.Price(in)
				if last.mode == pricing.ModeRebate {
					if !fault.Is(err, fault.ClassInvalid) {
						t.Errorf("%v: a rebate on the customer's leg was priced: %v", in.Legs, err)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s %s %s: %v", top.mode, middle.mode, last.mode, err)
					continue
				}
				checkSum(t, r)
			}
		}
	}
}

type errorer interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkSum is the invariant, spelled out apart from Result.Check.
func checkSum(t errorer, r pricing.Result) {
	t.Helper()
	sum := r.ProviderNet
	for _, m := range r.Margins {
		sum += m.Amount
	}
	if last := r.Legs[len(r.Legs)-1].Amount; sum != r.CustomerPrice || last != r.CustomerPrice {
		t.Errorf("net and margins are %d, the customer's price %d, its leg %d", sum, r.CustomerPrice, last)
	}
	if err := r.Check(); err != nil {
		t.Errorf("Check: %v", err)
	}
}

func TestPriceRefuses(t *testing.T) {
	t.Parallel()
	good := func() pricing.Input {
		return pricing.Input{
			Currency: "CNY", List: dec(t, "10"), Quantity: 1, Periods: 1,
			Legs: chain(t, discount("0.5"), rebate("0.1"), discount("0.9")),
		}
	}
	cases := map[string]struct {
		reason string
		spoil  func(*pricing.Input)
		path   string
	}{
		"Currency":        {reason: "unknown decimals", spoil: func(in *pricing.Input) { in.Currency = "XXX" }, path: "currency"},
		"NegativeList":    {reason: "refunds are not priced, they are shares", spoil: func(in *pricing.Input) { in.List = dec(t, "-1") }, path: "list"},
		"NoQuantity":      {reason: "nothing is not sold", spoil: func(in *pricing.Input) { in.Quantity = 0 }, path: "quantity"},
		"NoPeriods":       {reason: "nothing is not sold", spoil: func(in *pricing.Input) { in.Periods = -1 }, path: "periods"},
		"NoLegs":          {reason: "nobody sells", spoil: func(in *pricing.Input) { in.Legs = nil }, path: "legs"},
		"BrokenChain":     {reason: "a gap loses money", spoil: func(in *pricing.Input) { in.Legs[1].Seller = "x" }, path: "legs[1].seller"},
		"Circle":          {reason: "an org twice in the chain would see more than its legs", spoil: func(in *pricing.Input) { in.Legs[2].Buyer = "o0" }, path: "legs[2].buyer"},
		"SelfSale":        {reason: "nobody sells to itself", spoil: func(in *pricing.Input) { in.Legs[0].Seller = "o1" }, path: "legs[0].buyer"},
		"LastIsRebate":    {reason: "a rebate has no amount of its own", spoil: func(in *pricing.Input) { in.Legs[2] = in.Legs[1]; in.Legs[2].Seller, in.Legs[2].Buyer = "o2", "o3" }, path: "legs[2].mode"},
		"DiscountZero":    {reason: "d > 0", spoil: func(in *pricing.Input) { in.Legs[0].Rate = dec(t, "0") }, path: "legs[0].rate"},
		"DiscountAbove":   {reason: "d <= 2", spoil: func(in *pricing.Input) { in.Legs[0].Rate = dec(t, "2.0001") }, path: "legs[0].rate"},
		"DiscountTooFine": {reason: "at most 4 decimals", spoil: func(in *pricing.Input) { in.Legs[0].Rate = dec(t, "0.00001") }, path: "legs[0].rate"},
		"RebateOne":       {reason: "r < 1", spoil: func(in *pricing.Input) { in.Legs[1].Rate = dec(t, "1") }, path: "legs[1].rate"},
		"RebateNegative":  {reason: "r >= 0", spoil: func(in *pricing.Input) { in.Legs[1].Rate = dec(t, "-0.1") }, path: "legs[1].rate"},
		"FloorNegative":   {reason: "f >= 0", spoil: func(in *pricing.Input) { in.Legs[0].Mode, in.Legs[0].Price = pricing.ModeFloor, dec(t, "-1") }, path: "legs[0].price"},
		"NoMode":          {reason: "a row without a mode is damaged", spoil: func(in *pricing.Input) { in.Legs[0].Mode = "" }, path: "legs[0].mode"},
	}
	if _, err := pricing.Price(good()); err != nil {
		t.Fatalf("the unspoiled input: %v", err)
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := good()
			tc.spoil(&in)
			_, err := pricing.Price(in)
			if !fault.Is(err, fault.ClassInvalid) || fault.As(err).Fields[0].Path != tc.path {
				t.Errorf("%s: got %v, want an invalid fault at %s", tc.reason, err, tc.path)
			}
		})
	}
}

func TestAmountsThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	in := pricing.Input{Currency: "CNY", List: dec(t, "99999999999999999"), Quantity: 1, Periods: 1, Legs: chain(t, discount("2"))}
	if r, err := pricing.Price(in); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("got %d, %v; want an invalid fault", r.CustomerPrice, err)
	}
	in = pricing.Input{Currency: "CNY", List: dec(t, "1"), Quantity: 1 << 30, Periods: 1 << 30, Legs: chain(t, floor("9999"))}
	if r, err := pricing.Price(in); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("got %d, %v; want an invalid fault", r.CustomerPrice, err)
	}
}

func TestVeryLongChain(t *testing.T) {
	t.Parallel()
	legs := make([]leg, pricing.MaxLegs)
	for i := range legs {
		legs[i] = []leg{discount("0.3333"), rebate("0.0777"), floor("0.105"), list()}[i%4]
	}
	r, err := pricing.Price(pricing.Input{Currency: "CNY", List: dec(t, "777.77"), Quantity: 7, Periods: 5, Legs: chain(t, legs...)})
	if err != nil {
		t.Fatal(err)
	}
	checkSum(t, r)
	legs = append(legs, list())
	if _, err := pricing.Price(pricing.Input{Currency: "CNY", List: dec(t, "1"), Quantity: 1, Periods: 1, Legs: chain(t, legs...)}); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a chain beyond the limit was priced: %v", err)
	}
}

func TestCheckFindsATraceThatWasChanged(t *testing.T) {
	t.Parallel()
	spoil := map[string]func(*pricing.Result){
		"Amount":     func(r *pricing.Result) { r.Legs[1].Amount++ },
		"Commission": func(r *pricing.Result) { r.Legs[1].Commission++ },
		"Net":        func(r *pricing.Result) { r.ProviderNet++ },
		"Price":      func(r *pricing.Result) { r.CustomerPrice-- },
		"Margins":    func(r *pricing.Result) { r.Margins[0].Amount++; r.Margins[1].Amount-- },
		"NoMargins":  func(r *pricing.Result) { r.Margins = nil },
		"NoLegs":     func(r *pricing.Result) { r.Legs = nil },
	}
	for name, f := range spoil {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := pricing.Price(pricing.Input{
				Currency: "CNY", List: dec(t, "10"), Quantity: 1, Periods: 1,
				Legs: chain(t, discount("0.5"), rebate("0.1"), discount("0.9")),
			})
			if err != nil {
				t.Fatal(err)
			}
			f(&r)
			if err := r.Check(); !fault.Is(err, fault.ClassInternal) {
				t.Errorf("got %v, want an internal fault", err)
			}
		})
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	r, err := pricing.Price(pricing.Input{
		Currency: "CNY", List: dec(t, "100"), Quantity: 1, Periods: 1,
		Legs: chain(t, discount("0.9"), discount("0.8"), discount("0.7"), discount("0.6"), discount("0.6")),
	})
	if err != nil {
		t.Fatal(err)
	}
	policies := map[string]pricing.Policy{"o1": pricing.PolicyWarn, "o2": "", "o3": "nonsense", "o4": pricing.PolicyBlock}
	got := pricing.Guard(r, func(org string) pricing.Policy { return policies[org] })
	want := []pricing.Breach{
		{Org: "o1", Margin: -1000, Policy: pricing.PolicyWarn},
		{Org: "o2", Margin: -1000, Policy: pricing.PolicyBlock},
		{Org: "o3", Margin: -1000, Policy: pricing.PolicyBlock},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a margin of 0 is no breach, an unknown policy blocks; -want +got:\n%s", diff)
	}
}
