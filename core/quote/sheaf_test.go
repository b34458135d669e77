package quote

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/id"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
)

// drawQuote makes any quote; most legs and margins are those of the path.
func drawQuote(rt *rapid.T) *Quote {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", `"`, "<云>", "\n"}), rapid.String())
	org := rapid.SampledFrom([]string{"root", "reseller", "customer", "elsewhere"})
	amount := rapid.Custom(func(rt *rapid.T) money.Amount { return money.Amount(rapid.Int64().Draw(rt, "amount")) })
	number := rapid.Custom(func(rt *rapid.T) money.Decimal {
		d, err := money.ParseDecimal(rapid.SampledFrom([]string{"0", "0.75", "12345.12345678", "2"}).Draw(rt, "number"))
		if err != nil {
			rt.Fatal(err)
		}
		return d
	})
	moment := rapid.Custom(func(rt *rapid.T) time.Time { return time.Unix(0, rapid.Int64().Draw(rt, "time")).UTC() })
	count := rapid.IntRange(0, 1000)
	path := rapid.SliceOfN(org, 1, 4).Draw(rt, "path")
	q := &Quote{
		ID: id.New(), OrgID: path[len(path)-1], RootID: path[0], Path: path, ProviderID: text.Draw(rt, "provider"),
		ProductID: text.Draw(rt, "product"), Kind: text.Draw(rt, "kind"), CreatedBy: text.Draw(rt, "by"),
		Term: contract.Term{
			Billing: contract.BillingMethod(text.Draw(rt, "billing")), Period: contract.Period(text.Draw(rt, "period")),
			Periods: count.Draw(rt, "periods"), Quantity: count.Draw(rt, "quantity"),
		},
		Source: SourcePlugin, Created: moment.Draw(rt, "created"), Expires: moment.Draw(rt, "expires"),
		Result: pricing.Result{
			Currency: "CNY", List: number.Draw(rt, "list"), Quantity: count.Draw(rt, "q"), Periods: count.Draw(rt, "p"),
			ProviderNet: amount.Draw(rt, "net"), CustomerPrice: amount.Draw(rt, "price"), Legs: []pricing.Leg{}, Margins: []pricing.Margin{},
		},
	}
	if spec := text.Draw(rt, "spec"); spec != "" {
		q.Spec, _ = json.Marshal(map[string]string{"size": spec}) // never fails for text
	}
	for i := range rapid.IntRange(0, 5).Draw(rt, "legs") {
		leg := pricing.Leg{Amount: amount.Draw(rt, "a"), Commission: amount.Draw(rt, "c"), Terms: pricing.Terms{
			Seller: or(at(path, i-1), "provider"), Buyer: or(at(path, i), "below"), Mode: pricing.ModeFloor, Rate: number.Draw(rt, "rate"),
			Price: number.Draw(rt, "price"), ProtocolID: text.Draw(rt, "protocol"), LineID: text.Draw(rt, "line"),
			Found: pricing.FoundClass, Settle: pricing.SettlePeriod,
		}}
		if rapid.Bool().Draw(rt, "elsewhere") {
			leg.Seller, leg.Buyer = org.Draw(rt, "seller"), org.Draw(rt, "buyer")
		}
		q.Result.Legs = append(q.Result.Legs, leg)
		q.Result.Margins = append(q.Result.Margins, pricing.Margin{Org: leg.Seller, Amount: amount.Draw(rt, "margin")})
	}
	if rapid.Bool().Draw(rt, "warned") {
		q.Warnings = []Warning{{Org: path[0], Code: NegativeMargin, Margin: amount.Draw(rt, "lost"), Text: text.Draw(rt, "text")}}
	}
	return q
}

// valid makes text what JSON can hold.
func valid(q Quote) Quote {
	clean := func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
	for _, s := range []*string{&q.ProviderID, &q.ProductID, &q.Kind, &q.CreatedBy, (*string)(&q.Term.Billing), (*string)(&q.Term.Period)} {
		*s = clean(*s)
	}
	q.Result.Legs, q.Warnings = slices.Clone(q.Result.Legs), slices.Clone(q.Warnings)
	for i := range q.Result.Legs {
		l := &q.Result.Legs[i]
		l.ProtocolID, l.LineID = clean(l.ProtocolID), clean(l.LineID)
	}
	for i := range q.Warnings {
		q.Warnings[i].Text = clean(q.Warnings[i].Text)
	}
	return q
}

func TestSheafHoldsEveryQuote(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		quotes := rapid.SliceOfN(rapid.Custom(drawQuote), 1, 5).Draw(rt, "quotes")
		slices.SortFunc(quotes, func(a, b *Quote) int { return strings.Compare(a.ID, b.ID) })
		sheaves := new(press).bind(quotes)
		if len(sheaves) != 1 || sheaves[0].last != quotes[len(quotes)-1].ID {
			rt.Fatalf("%d sheaves", len(sheaves))
		}
		got, err := all(sheaves[0].row)
		if err != nil {
			rt.Fatal(err)
		}
		same := cmp.Comparer(func(a, b money.Decimal) bool { return a.Equal(b) })
		for i, q := range quotes {
			want := valid(*q)
			if diff := cmp.Diff(&want, got[i], same); diff != "" {
				rt.Errorf("stored differently (-want +got):\n%s", diff)
			}
			raw, found, err := search(sheaves[0].row, q.ID)
			if err != nil || !found || !json.Valid(raw) {
				rt.Errorf("quote %d: found %v, error %v, document %s", i, found, err, raw)
			}
		}
		if _, found, err := search(sheaves[0].row, id.New()); found || err != nil {
			rt.Errorf("a quote made later: found %v, error %v", found, err)
		}
	})
}

func TestSheavesAreBounded(t *testing.T) {
	t.Parallel()
	var batch []*Quote
	for range sheafQuotes + 1 {
		batch = append(batch, &Quote{ID: id.New(), Path: []string{"root"}})
	}
	if got := new(press).bind(batch); len(got) != 2 || got[0].last != batch[sheafQuotes-1].ID || got[1].last != batch[sheafQuotes].ID {
		t.Errorf("%d quotes make %d sheaves", len(batch), len(got))
	}
	big := json.RawMessage(`"` + strings.Repeat("x", maxSpec) + `"`)
	for _, q := range batch {
		q.Spec = big
	}
	for _, s := range new(press).bind(batch) {
		if frames, err := framesOf(s.row); err != nil || len(frames) > sheafBytes+2*maxSpec {
			t.Errorf("a sheaf has %d bytes, error %v", len(frames), err)
		}
	}
}

func TestTornSheafIsTold(t *testing.T) {
	t.Parallel()
	whole := new(press).bind([]*Quote{{ID: id.New(), Path: []string{"root"}}})[0]
	for n := range whole.row {
		if _, err := all(whole.row[:n]); err == nil {
			t.Fatalf("%d of %d bytes of the row are read", n, len(whole.row))
		}
	}
	frames, err := framesOf(whole.row)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(frames); n++ {
		if _, _, _, err := frameAt(frames[:n], 0); !errors.Is(err, errTorn) {
			t.Fatalf("%d of %d bytes of the frames are read: %v", n, len(frames), err)
		}
	}
	if _, _, _, err := frameAt(frames, len(frames)+1); !errors.Is(err, errTorn) {
		t.Errorf("a place outside: %v", err)
	}
}

// sheaves is a reader of sheaves in the order of their keys.
type sheaves struct {
	store.Reader
	list []*sheaf
}

func (s sheaves) Scan(_ store.Bucket, span store.Range, fn func(k, v []byte) error) error {
	for _, x := range s.list {
		if key := store.Key(x.last); bytes.Compare(key, span.From) >= 0 {
			if err := fn(key, x.row); errors.Is(err, store.Stop) {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

func TestQuotesOfOverlappingSheavesAreFound(t *testing.T) {
	t.Parallel()
	var made []*Quote
	for range 6 {
		made = append(made, &Quote{ID: id.New(), Path: []string{"root"}})
	}
	r := sheaves{list: slices.Concat(
		new(press).bind([]*Quote{made[0], made[3]}), new(press).bind([]*Quote{made[1], made[4]}), new(press).bind([]*Quote{made[2], made[5]}))}
	for i, q := range made {
		if got, found, err := load(r, q.ID); err != nil || !found || got.ID != q.ID {
			t.Errorf("quote %d: found %v, error %v", i, found, err)
		}
	}
	for _, missing := range []string{id.New(), "no id", ""} {
		if _, found, err := load(r, missing); err != nil || found {
			t.Errorf("%q: found %v, error %v", missing, found, err)
		}
	}
}

// TestPressIsUsedAgain: what was made before is spoilt by nothing but the next use,
// however much memory each needs.
func TestPressIsUsedAgain(t *testing.T) {
	t.Parallel()
	p := &press{}
	for _, sizes := range [][]int{{1}, {sheafQuotes + 1}, {3, 2*sheafQuotes + 7}, {2}} {
		for _, n := range sizes {
			batch := make([]*Quote, n)
			for i := range batch {
				batch[i] = &Quote{ID: id.New(), Path: []string{"root"}, CreatedBy: strings.Repeat("x", i%50)}
			}
			rest := batch
			for _, s := range p.bind(batch) {
				frames, err := framesOf(s.row)
				if err != nil {
					t.Fatal(err)
				}
				for place := 0; place < len(frames); rest = rest[1:] {
					quoteID, raw, next, err := frameAt(frames, place)
					if err != nil || quoteID != rest[0].ID || !bytes.Equal(raw, appendDocument(nil, rest[0])) {
						t.Fatalf("quote %q of %d: %q, %v", rest[0].ID, n, quoteID, err)
					}
					place = next
				}
			}
			if len(rest) > 0 {
				t.Fatalf("%d of %d quotes are in no sheaf", len(rest), n)
			}
		}
	}
}
