package protocol_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/core/trade/tradetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// desk is a service over a store, with a clock that stands still.
type desk struct {
	*protocol.Service
	t     testing.TB
	st    store.Store
	clock *clock.Fake
	world *tradetest.World
}

func begin() time.Time { return time.Date(2030, 3, 1, 8, 0, 0, 0, time.UTC) }

// day returns the instant n days after the beginning.
func day(n int) time.Time { return begin().AddDate(0, 0, n) }

func open(t testing.TB, change ...func(*protocol.Config)) desk {
	t.Helper()
	st := storetest.Open(t)
	storetest.Check(t, st, audit.Verify)
	w, c := tradetest.New(t), clock.NewFake(begin())
	cfg := protocol.Config{Store: st, Clock: c, Access: w.Access, Pairs: w.Pairs}
	for _, f := range change {
		f(&cfg)
	}
	s, err := protocol.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return desk{Service: s, t: t, st: st, clock: c, world: w}
}

func dec(t testing.TB, s string) *money.Decimal {
	t.Helper()
	d, err := money.ParseDecimal(s)
	if err != nil {
		t.Fatalf("decimal %q: %v", s, err)
	}
	return &d
}

// seller is somebody at the reseller, who sells to the sub-reseller.
func (d desk) seller() access.Caller {
	return d.world.Caller(tradetest.Reseller, access.RoleResellerAdmin)
}

// protocol makes one between reseller and sub-reseller.
func (d desk) protocol(mode pricing.Mode, change ...func(*protocol.CreateInput)) protocol.Protocol {
	d.t.Helper()
	in := protocol.CreateInput{
		Seller: tradetest.Reseller, Buyer: tradetest.Sub, Mode: mode, Settle: pricing.SettlePeriod, Start: begin(),
	}
	for _, f := range change {
		f(&in)
	}
	saved, err := d.Create(d.t.Context(), d.seller(), in)
	if err != nil {
		d.t.Fatal(err)
	}
	return saved.Value
}

func (d desk) line(in protocol.LineInput) protocol.SavedLine {
	d.t.Helper()
	saved, err := d.AddLine(d.t.Context(), d.seller(), in)
	if err != nil {
		d.t.Fatal(err)
	}
	return saved
}

// terms asks for the terms between reseller and sub-reseller.
func (d desk) terms(product, class string, at time.Time) pricing.Terms {
	d.t.Helper()
	var got pricing.Terms
	err := d.st.View(d.t.Context(), func(r store.Reader) (err error) {
		got, err = d.TermsTx(r, protocol.TermsQuery{
			Seller: tradetest.Reseller, Buyer: tradetest.Sub, ProductID: product, Class: class, At: at,
		})
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return got
}

func (d desk) setDiscount(product, rate string) store.Doc[protocol.Discount] {
	d.t.Helper()
	doc, err := d.SetDiscount(d.t.Context(), d.seller(), protocol.DiscountInput{ProductID: product, Rate: *dec(d.t, rate)})
	if err != nil {
		d.t.Fatal(err)
	}
	return doc
}

func TestWhichLineApplies(t *testing.T) {
	t.Parallel()
	d := open(t)
	p := d.protocol(pricing.ModeDiscount, func(in *protocol.CreateInput) { in.DefaultRate = dec(t, "0.9") })
	d.line(protocol.LineInput{ProtocolID: p.ID, ProductID: "named", Rate: dec(t, "0.7")})
	d.line(protocol.LineInput{ProtocolID: p.ID, Class: "small", Rate: dec(t, "0.8")})
	d.setDiscount("named", "0.95")
	d.setDiscount("other", "0.96")
	cases := map[string]struct {
		reason         string
		product, class string
		want           string
		found          pricing.Found
	}{
		"Product":     {reason: "the product's line comes first", product: "named", class: "small", want: "0.7", found: pricing.FoundProduct},
		"Class":       {reason: "then the class", product: "other", class: "small", want: "0.8", found: pricing.FoundClass},
		"Default":     {reason: "then the protocol's default, before the unified discount", product: "other", class: "big", want: "0.9", found: pricing.FoundDefault},
		"NoClass":     {reason: "a product without a class has no class line", product: "other", want: "0.9", found: pricing.FoundDefault},
		"LikeAClass":  {reason: "a product named like a class is not that class", product: "small", want: "0.9", found: pricing.FoundDefault},
		"NoProductId": {reason: "nothing is named", want: "0.9", found: pricing.FoundDefault},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := d.terms(tc.product, tc.class, begin())
			if got.Rate.String() != tc.want || got.Found != tc.found || got.Settle != pricing.SettlePeriod || got.ProtocolID != p.ID || got.LineID == "" {
				t.Errorf("%s: got %+v, want rate %s found as %s", tc.reason, got, tc.want, tc.found)
			}
		})
	}
}

func TestUnifiedDiscountAndListPrice(t *testing.T) {
	t.Parallel()
	d := open(t)
	doc := d.setDiscount("named", "0.95")
	d.clock.Advance(time.Hour)
	second := d.setDiscount("named", "0.85")
	want := pricing.Terms{
		Seller: tradetest.Reseller, Buyer: tradetest.Sub, Mode: pricing.ModeDiscount, Rate: *dec(t, "0.95"),
		LineID: doc.Value.ID, Found: pricing.FoundUnified, Settle: pricing.SettleRealtime,
	}
	if diff := cmp.Diff(want, d.terms("named", "", begin())); diff != "" {
		t.Errorf("a new discount leaves the past alone; -want +got:\n%s", diff)
	}
	want.Rate, want.LineID = *dec(t, "0.85"), second.Value.ID
	if diff := cmp.Diff(want, d.terms("named", "", d.clock.Now())); diff != "" {
		t.Errorf("the new discount; -want +got:\n%s", diff)
	}
	list := pricing.Terms{
		Seller: tradetest.Reseller, Buyer: tradetest.Sub, Mode: pricing.ModeList, Found: pricing.FoundList, Settle: pricing.SettleRealtime,
	}
	if diff := cmp.Diff(list, d.terms("unnamed", "", begin())); diff != "" {
		t.Errorf("nothing agreed; -want +got:\n%s", diff)
	}
	if _, err := d.CloseDiscount(t.Context(), d.seller(), protocol.CloseDiscountInput{ID: second.Value.ID}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(list, d.terms("named", "", d.clock.Now())); diff != "" {
		t.Errorf("a closed discount no longer applies; -want +got:\n%s", diff)
	}
}

func TestChangingAPriceAddsARow(t *testing.T) {
	t.Parallel()
	d := open(t)
	p := d.protocol(pricing.ModeFloor)
	first := d.line(protocol.LineInput{ProtocolID: p.ID, ProductID: "x", Price: dec(t, "10")})
	second := d.line(protocol.LineInput{ProtocolID: p.ID, ProductID: "x", Price: dec(t, "12"), From: day(10)})
	if second.Closed != first.Value.ID {
		t.Errorf("the new line closed %q, want %q", second.Closed, first.Value.ID)
	}
	for at, want := range map[time.Time]string{
		day(0): "10", day(10).Add(-time.Nanosecond): "10", day(10): "12", day(400): "12", // half-open
	} {
		if got := d.terms("x", "", at); got.Price.String() != want {
			t.Errorf("at %s the price is %s, want %s", at, got.Price, want)
		}
	}
	if got := d.terms("x", "", begin().Add(-time.Nanosecond)); got.Found != pricing.FoundList {
		t.Errorf("before the first line: %+v, want the list price", got)
	}
	page, err := d.ListLines(t.Context(), d.seller(), protocol.LinesQuery{ProtocolID: p.ID, Limit: 10})
	if err != nil || len(page.Items) != 2 || !page.Items[0].Value.To.Equal(day(10)) || !page.Items[1].Value.To.IsZero() {
		t.Errorf("both rows stay, the first closed: %+v, %v", page.Items, err)
	}
}

func TestSavesThatWouldClash(t *testing.T) {
	t.Parallel()
	d := open(t)
	discount := d.protocol(pricing.ModeDiscount, func(in *protocol.CreateInput) { in.End = day(100) })
	floor := d.protocol(pricing.ModeFloor)
	held := d.line(protocol.LineInput{ProtocolID: discount.ID, ProductID: "x", Rate: dec(t, "0.7"), From: day(10), To: day(20)}).Value
	addFloor := func(from, to time.Time) error {
		_, err := d.AddLine(t.Context(), d.seller(), protocol.LineInput{ProtocolID: floor.ID, ProductID: "x", Price: dec(t, "1"), From: from, To: to})
		return err
	}
	create := func(start, end time.Time) error {
		_, err := d.Create(t.Context(), d.seller(), protocol.CreateInput{
			Seller: tradetest.Reseller, Buyer: tradetest.Sub, Mode: pricing.ModeDiscount, Settle: pricing.SettlePeriod, Start: start, End: end,
		})
		return err
	}
	cases := map[string]struct {
		reason string
		save   func() error
		names  string // the clash that the refusal names; empty: no clash
	}{
		"SameProductOtherMode": {reason: "one line per product over all modes", save: func() error { return addFloor(day(15), day(16)) }, names: held.ID},
		"OverlapLeft":          {reason: "windows are disjoint", save: func() error { return addFloor(day(5), day(11)) }, names: held.ID},
		"OverlapRight":         {reason: "windows are disjoint", save: func() error { return addFloor(day(19), time.Time{}) }, names: held.ID},
		"Around":               {reason: "windows are disjoint", save: func() error { return addFloor(day(5), time.Time{}) }, names: held.ID},
		"SameInstant": {reason: "a row is never replaced", names: held.ID, save: func() error {
			_, err := d.AddLine(t.Context(), d.seller(), protocol.LineInput{ProtocolID: discount.ID, ProductID: "x", Rate: dec(t, "0.6"), From: day(10)})
			return err
		}},
		"SameMode":    {reason: "one protocol per mode", save: func() error { return create(day(50), time.Time{}) }, names: discount.ID},
		"ModeBefore":  {reason: "an earlier one may not run into it", save: func() error { return create(day(-20), day(1)) }, names: discount.ID},
		"Touching":    {reason: "half-open windows may touch", save: func() error { return addFloor(day(20), day(30)) }},
		"TouchBefore": {reason: "half-open windows may touch", save: func() error { return addFloor(day(5), day(10)) }},
		"NextMode":    {reason: "the next protocol begins where this one ends", save: func() error { return create(day(100), time.Time{}) }},
	}
	for _, name := range []string{
		"SameProductOtherMode", "OverlapLeft", "OverlapRight", "Around", "SameInstant", "SameMode", "ModeBefore",
		"Touching", "TouchBefore", "NextMode",
	} {
		tc := cases[name]
		err := tc.save()
		if tc.names == "" {
			if err != nil {
				t.Errorf("%s: %s: %v", name, tc.reason, err)
			}
			continue
		}
		if !fault.Is(err, fault.ClassConflict) || !strings.Contains(err.Error(), tc.names) {
			t.Errorf("%s: %s: got %v, want a conflict that names %s", name, tc.reason, err, tc.names)
		}
	}
}

func TestInvalidSaves(t *testing.T) {
	t.Parallel()
	d := open(t)
	discount := d.protocol(pricing.ModeDiscount)
	floor := d.protocol(pricing.ModeFloor, func(in *protocol.CreateInput) { in.Start, in.End = day(5), day(50) })
	rebate := d.protocol(pricing.ModeRebate)
	add := func(in protocol.LineInput) func() error {
		return func() error { _, err := d.AddLine(t.Context(), d.seller(), in); return err }
	}
	create := func(change func(*protocol.CreateInput)) func() error {
		in := protocol.CreateInput{
			Seller: tradetest.Reseller, Buyer: tradetest.Sub, Mode: pricing.ModeDiscount, Settle: pricing.SettlePeriod, Start: day(1000),
		}
		change(&in)
		return func() error { _, err := d.Create(t.Context(), d.seller(), in); return err }
	}
	cases := map[string]struct {
		reason string
		save   func() error
		path   string
	}{
		"DiscountWithoutRate": {reason: "a discount needs its rate", path: "rate", save: add(protocol.LineInput{ProtocolID: discount.ID, ProductID: "x"})},
		"DiscountWithPrice":   {reason: "a discount has no price", path: "price", save: add(protocol.LineInput{ProtocolID: discount.ID, ProductID: "x", Rate: dec(t, "1"), Price: dec(t, "1")})},
		"DiscountZero":        {reason: "0 < d", path: "rate", save: add(protocol.LineInput{ProtocolID: discount.ID, ProductID: "x", Rate: dec(t, "0")})},
		"DiscountAboveTwo":    {reason: "d <= 2", path: "rate", save: add(protocol.LineInput{ProtocolID: discount.ID, ProductID: "x", Rate: dec(t, "2.0001")})},
		"DiscountFiveDigits":  {reason: "at most 4 decimals", path: "rate", save: add(protocol.LineInput{ProtocolID: discount.ID, ProductID: "x", Rate: dec(t, "0.12345")})},
		"FloorWithoutPrice":   {reason: "a floor needs its price", path: "price", save: add(protocol.LineInput{ProtocolID: floor.ID, ProductID: "x"})},
		"FloorWithRate":       {reason: "a floor has no rate", path: "rate", save: add(protocol.LineInput{ProtocolID: floor.ID, ProductID: "x", Price: dec(t, "1"), Rate: dec(t, "1")})},
		"FloorNegative":       {reason: "0 <= f", path: "price", save: add(protocol.LineInput{ProtocolID: floor.ID, ProductID: "x", Price: dec(t, "-1")})},
		"RebateWithoutRate":   {reason: "neither line nor protocol says the rate", path: "rate", save: add(protocol.LineInput{ProtocolID: rebate.ID, ProductID: "x"})},
		"RebateOne":           {reason: "r < 1", path: "rate", save: add(protocol.LineInput{ProtocolID: rebate.ID, ProductID: "x", Rate: dec(t, "1")})},
		"RebateWithPrice":     {reason: "a rebate has no price", path: "price", save: add(protocol.LineInput{ProtocolID: rebate.ID, ProductID: "x", Rate: dec(t, "0.1"), Price: dec(t, "1")})},
		"ProductAndClass":     {reason: "one of them", path: "class", save: add(protocol.LineInput{ProtocolID: discount.ID, ProductID: "x", Class: "c", Rate: dec(t, "1")})},
		"Past":                {reason: "prices are never changed backwards", path: "from", save: add(protocol.LineInput{ProtocolID: discount.ID, ProductID: "x", Rate: dec(t, "1"), From: day(-1)})},
		"BeforeStart":         {reason: "a line lives within its protocol", path: "from", save: add(protocol.LineInput{ProtocolID: floor.ID, ProductID: "x", Price: dec(t, "1"), From: day(1)})},
		"AfterEnd":            {reason: "a line lives within its protocol", path: "from", save: add(protocol.LineInput{ProtocolID: floor.ID, ProductID: "x", Price: dec(t, "1"), From: day(50)})},
		"EmptyWindow":         {reason: "to is after from", path: "to", save: add(protocol.LineInput{ProtocolID: discount.ID, ProductID: "x", Rate: dec(t, "1"), From: day(2), To: day(2)})},
		"ControlCharacters":   {reason: "names are text", path: "product_id", save: add(protocol.LineInput{ProtocolID: discount.ID, ProductID: "a\x00b", Rate: dec(t, "1")})},
		"Mode":                {reason: "a closed list", path: "mode", save: create(func(in *protocol.CreateInput) { in.Mode = "list" })},
		"Settle":              {reason: "a closed list", path: "settle", save: create(func(in *protocol.CreateInput) { in.Settle = "" })},
		"Template":            {reason: "there is no eighth day of the week", path: "template", save: create(func(in *protocol.CreateInput) { in.Template = "weekly:8" })},
		"EndBeforeStart":      {reason: "an empty window", path: "end", save: create(func(in *protocol.CreateInput) { in.End = day(999) })},
		"FloorDefault":        {reason: "a floor has no rate", path: "default_rate", save: create(func(in *protocol.CreateInput) { in.Mode, in.DefaultRate = pricing.ModeFloor, dec(t, "0.5") })},
		"RebateDefaultOne":    {reason: "r < 1", path: "default_rate", save: create(func(in *protocol.CreateInput) { in.Mode, in.DefaultRate = pricing.ModeRebate, dec(t, "1") })},
		"NotAPair":            {reason: "a sale goes hop by hop", path: "seller", save: create(func(in *protocol.CreateInput) { in.Buyer = tradetest.Customer })},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := tc.save()
			if !fault.Is(err, fault.ClassInvalid) || fault.As(err).Fields[0].Path != tc.path {
				t.Errorf("%s: got %v, want an invalid fault at %s", tc.reason, err, tc.path)
			}
		})
	}
}

func TestACustomersLegIsNoRebate(t *testing.T) {
	t.Parallel()
	d := open(t)
	_, err := d.Create(t.Context(), d.world.Caller(tradetest.Sub, access.RoleResellerAdmin), protocol.CreateInput{
		Seller: tradetest.Sub, Buyer: tradetest.Customer, Mode: pricing.ModeRebate, Settle: pricing.SettlePeriod,
	})
	if !fault.Is(err, fault.ClassInvalid) || fault.As(err).Fields[0].Path != "mode" {
		t.Errorf("got %v, want an invalid fault at mode", err)
	}
}

func TestARebateLineTakesTheProtocolsRate(t *testing.T) {
	t.Parallel()
	d := open(t)
	p := d.protocol(pricing.ModeRebate, func(in *protocol.CreateInput) { in.DefaultRate = dec(t, "0.08") })
	d.line(protocol.LineInput{ProtocolID: p.ID, ProductID: "x"})
	d.line(protocol.LineInput{ProtocolID: p.ID, ProductID: "y", Rate: dec(t, "0.1")})
	for product, want := range map[string]string{"x": "0.08", "y": "0.1", "z": "0.08"} {
		if got := d.terms(product, "", begin()); got.Rate.String() != want || got.Mode != pricing.ModeRebate {
			t.Errorf("%s: got %s %s, want rebate %s", product, got.Mode, got.Rate, want)
		}
	}
}
