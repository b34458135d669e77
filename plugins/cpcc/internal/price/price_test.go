package price

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"tradewind.example/sdk/fault"
)

func offer(price string, per Unit, available int64) Offer {
	return Offer{Rate: Rate{Price: price, Per: per, Every: Hour, Coin: Yuan}, Available: available}
}

// shelf is the reference's; memory is the unit that memory is priced in.
func shelf(memory Unit, memoryLeft int64) Shelf {
	return Shelf{
		CPU:    {"STANDARD": offer("1.5", Core, 64_000)},
		Memory: {"STANDARD": offer("0.005", memory, memoryLeft)},
		Disk:   {"DATA": offer("0.01", Gi, 10_240*1024)},
		GPU:    {"RTX5090-32G": offer("6", Card, 8)},
	}
}

func basket(card string) []Part {
	return []Part{
		{Type: CPU, Model: "STANDARD", Amount: 4},
		{Type: Memory, Model: "STANDARD", Amount: 8192},
		{Type: Disk, Model: "DATA", Amount: 512},
		{Type: GPU, Model: card, Amount: 2},
	}
}

const plenty = 1 << 30

func TestVectors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		parts   []Part
		on      Shelf
		d       Duration
		total   string
		problem string
		reason  string
	}{
		"memory per Mi": {basket("RTX5090-32G"), shelf(Mi, plenty), Duration{1, Hour}, "64.08", "", "6 + 40.96 + 5.12 + 12"},
		"a model that is not there": {
			basket("RTX9999"), shelf(Mi, plenty), Duration{1, Hour}, "52.08", "无效的 gpu 部件型号: RTX9999", "the good lines are summed",
		},
		"short memory and a wrong model": {
			basket("RTX9999"), shelf(Mi, 1280), Duration{1, Hour}, "11.12", "memory STANDARD 库存不足 (库存: 1280, 请求: 8192)", "the first problem is told",
		},
		"short memory": {
			basket("RTX5090-32G"), shelf(Mi, 1280), Duration{1, Hour}, "23.12", "memory STANDARD 库存不足 (库存: 1280, 请求: 8192)", "6 + 5.12 + 12",
		},
		"memory per Gi":            {basket("RTX5090-32G"), shelf(Gi, plenty), Duration{1, Hour}, "23.16", "", "8 Gi × 0.005 instead of 8192 Mi"},
		"two days per Mi":          {basket("RTX5090-32G"), shelf(Mi, plenty), Duration{2, Day}, "3075.84", "", "48 × 64.08"},
		"two days per Gi":          {basket("RTX5090-32G"), shelf(Gi, plenty), Duration{2, Day}, "1111.68", "", "48 × 23.16"},
		"nothing of the type":      {[]Part{{Type: GPU, Model: "X", Amount: 1}}, Shelf{}, Duration{1, Hour}, "0.00", "没有该类型组件", "no widget of the type"},
		"short, told in Gi":        {basket("RTX5090-32G"), shelf(Gi, 1280), Duration{1, Hour}, "23.12", "memory STANDARD 库存不足 (库存: 1.25, 请求: 8)", "both in the widget's unit"},
		"a month is thirty days":   {[]Part{{Type: GPU, Model: "RTX5090-32G", Amount: 1}}, shelf(Gi, plenty), Duration{1, Month}, "4320.00", "", "720 × 6"},
		"a week":                   {[]Part{{Type: GPU, Model: "RTX5090-32G", Amount: 1}}, shelf(Gi, plenty), Duration{1, Week}, "1008.00", "", "168 × 6"},
		"twenty minutes":           {[]Part{{Type: GPU, Model: "RTX5090-32G", Amount: 1}}, shelf(Gi, plenty), Duration{20, Minute}, "2.00", "", "a third of 6"},
		"one second":               {[]Part{{Type: GPU, Model: "RTX5090-32G", Amount: 8}}, shelf(Gi, plenty), Duration{1, Second}, "0.01", "", "48/3600 rounds half up"},
		"amount in its own unit":   {[]Part{{Type: Memory, Model: "STANDARD", Amount: 8, Unit: Gi}}, shelf(Mi, plenty), Duration{1, Hour}, "40.96", "", "8 Gi are 8192 Mi"},
		"half a core":              {[]Part{{Type: CPU, Model: "STANDARD", Amount: 500, Unit: Milli}}, shelf(Mi, plenty), Duration{1, Hour}, "0.75", "", "500 m are half a core"},
		"two lines share the rest": {[]Part{{Type: GPU, Model: "RTX5090-32G", Amount: 5}, {Type: GPU, Model: "RTX5090-32G", Amount: 5}}, shelf(Mi, plenty), Duration{1, Hour}, "30.00", "gpu RTX5090-32G 库存不足 (库存: 3, 请求: 5)", "10 of 8 cannot be had in two lines either"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Calendar{}.Basket(tc.parts, tc.on, tc.d)
			if Round(got.Total) != tc.total || got.Problem != tc.problem {
				t.Errorf("%s: total %s, problem %q; want %s, %q", tc.reason, Round(got.Total), got.Problem, tc.total, tc.problem)
			}
			if (got.Fault() == nil) != (tc.problem == "") {
				t.Errorf("fault %v for the problem %q", got.Fault(), tc.problem)
			}
		})
	}
}

func TestCoinsAndSpans(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rate Rate
		want string
	}{
		"yuan an hour":   {Rate{"1", Card, Hour, Yuan}, "24"},
		"jiao an hour":   {Rate{"1", Card, Hour, Jiao}, "12/5"},
		"fen an hour":    {Rate{"1", Card, Hour, Fen}, "6/25"},
		"yuan a day":     {Rate{"1", Card, Day, Yuan}, "1"},
		"fen a minute":   {Rate{"1", Card, Minute, Fen}, "72/5"},
		"fen a second":   {Rate{"1", Card, Second, Fen}, "864"},
		"smallest price": {Rate{"0.00000001", Card, Day, Fen}, "1/10000000000"},
	} {
		got, err := Calendar{}.Subtotal(GPU, 1, tc.rate, Duration{1, Day})
		want, _ := new(big.Rat).SetString(tc.want)
		if err != nil || got.Cmp(want) != 0 {
			t.Errorf("%s: %v, %v; want %s", name, got, err, tc.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	good := Rate{"1", Card, Hour, Yuan}
	for name, tc := range map[string]struct {
		typ  Type
		rate Rate
		d    Duration
	}{
		"unit of another type": {GPU, Rate{"1", Gi, Hour, Yuan}, Duration{1, Hour}},
		"exponent":             {GPU, Rate{"1e9", Card, Hour, Yuan}, Duration{1, Hour}},
		"negative":             {GPU, Rate{"-1", Card, Hour, Yuan}, Duration{1, Hour}},
		"a fraction":           {GPU, Rate{"1/3", Card, Hour, Yuan}, Duration{1, Hour}},
		"charged by the month": {GPU, Rate{"1", Card, Month, Yuan}, Duration{1, Hour}},
		"foreign coin":         {GPU, Rate{"1", Card, Hour, "USD"}, Duration{1, Hour}},
		"no time":              {GPU, good, Duration{0, Hour}},
		"unknown span":         {GPU, good, Duration{1, "年"}},
		"too long":             {GPU, good, Duration{MaxDuration + 1, Hour}},
	} {
		if _, err := (Calendar{}).Subtotal(tc.typ, 1, tc.rate, tc.d); !fault.Is(err, fault.ClassInvalid) {
			t.Errorf("%s: %v; want an invalid fault", name, err)
		}
	}
	if _, err := Smallest(CPU, MaxAmount+1, Core); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("an amount out of bounds: %v", err)
	}
}

// anyPart draws a part with its rate in any units.
func anyPart(t *rapid.T) (Type, Rate, []Unit) {
	typ := rapid.SampledFrom([]Type{CPU, Memory, Disk, GPU}).Draw(t, "type")
	units := map[Type][]Unit{CPU: {Core, Milli}, Memory: {Mi, Gi}, Disk: {Mi, Gi}, GPU: {Card}}[typ]
	return typ, Rate{
		Price: rapid.StringMatching(`[0-9]{1,6}\.[0-9]{1,8}`).Draw(t, "price"),
		Per:   rapid.SampledFrom(units).Draw(t, "per"),
		Every: rapid.SampledFrom([]Span{Second, Minute, Hour, Day}).Draw(t, "every"),
		Coin:  rapid.SampledFrom([]Coin{Yuan, Jiao, Fen}).Draw(t, "coin"),
	}, units
}

func subtotal(t *rapid.T, typ Type, amount int64, r Rate, d Duration) *big.Rat {
	got, err := Calendar{}.Subtotal(typ, amount, r, d)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestSubtotalsAreLinear: twice as much, or twice as long, costs twice as much,
// to the last digit, and parts cost together what they cost apart.
func TestSubtotalsAreLinear(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typ, rate, _ := anyPart(t)
		a, b := rapid.Int64Range(0, 1<<40).Draw(t, "a"), rapid.Int64Range(0, 1<<40).Draw(t, "b")
		n := rapid.Int64Range(1, MaxDuration/2).Draw(t, "n")
		span := rapid.SampledFrom([]Span{Second, Minute, Hour, Day, Week, Month}).Draw(t, "span")
		d := Duration{n, span}
		apart := new(big.Rat).Add(subtotal(t, typ, a, rate, d), subtotal(t, typ, b, rate, d))
		if got := subtotal(t, typ, a+b, rate, d); got.Cmp(apart) != 0 {
			t.Fatalf("together %s, apart %s", got, apart)
		}
		twice := new(big.Rat).Mul(subtotal(t, typ, a, rate, d), big.NewRat(2, 1))
		if got := subtotal(t, typ, a, rate, Duration{2 * n, span}); got.Cmp(twice) != 0 {
			t.Fatalf("twice as long costs %s, not %s", got, twice)
		}
	})
}

// TestUnitsDoNotMatter: the same amount costs the same in whatever unit it is
// asked for, and a week costs seven days.
func TestUnitsDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typ, rate, units := anyPart(t)
		large, small := units[0], units[len(units)-1]
		if typ == Memory || typ == Disk {
			large, small = Gi, Mi
		}
		amount := rapid.Int64Range(0, 100_000).Draw(t, "amount")
		whole, err := Smallest(typ, amount, large)
		if err != nil {
			t.Fatal(err)
		}
		fine, err := Smallest(typ, whole, small)
		if err != nil {
			t.Fatal(err)
		}
		if whole != fine {
			t.Fatalf("%d %s are %d, or %d", amount, large, whole, fine)
		}
		week, days := subtotal(t, typ, whole, rate, Duration{1, Week}), subtotal(t, typ, whole, rate, Duration{7, Day})
		if week.Cmp(days) != 0 {
			t.Fatalf("a week costs %s, seven days %s", week, days)
		}
	})
}

func TestIn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		typ  Type
		n    int64
		u    Unit
		want string
	}{
		{Memory, 1536, Gi, "1.5"}, {Memory, 1, Gi, "0.0009765625"}, {Memory, 2048, Gi, "2"}, {CPU, 500, Core, "0.5"},
		{CPU, 10_000, Core, "10"}, {GPU, 20, Card, "20"}, {GPU, 0, Card, "0"},
	} {
		if got := In(tc.typ, tc.n, tc.u); got != tc.want {
			t.Errorf("%d of %s in %s: %q, want %q", tc.n, tc.typ, tc.u, got, tc.want)
		}
	}
}
