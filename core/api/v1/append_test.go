package v1

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tradewind.example/core/api"
)

var _ api.Appender = (*Quote)(nil)

// drawnText makes every string of a drawn value what JSON writes as it is, or
// escapes, or leaves out.
func drawnText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"", "plain", `quo"te`, "<云>"}), rapid.String())
}

func drawnLeg() *rapid.Generator[Leg] {
	return rapid.Custom(func(rt *rapid.T) Leg {
		s := drawnText()
		return Leg{
			Seller: s.Draw(rt, "seller"), Buyer: s.Draw(rt, "buyer"), Mode: s.Draw(rt, "mode"), Rate: s.Draw(rt, "rate"),
			Price: s.Draw(rt, "price"), Found: s.Draw(rt, "found"), ProtocolID: s.Draw(rt, "protocol"), LineID: s.Draw(rt, "line"),
			Settle: s.Draw(rt, "settle"), Amount: s.Draw(rt, "amount"), Commission: s.Draw(rt, "commission"),
		}
	})
}

func drawnQuote(rt *rapid.T) Quote {
	s, n := drawnText(), rapid.IntRange(0, 3)
	moment := rapid.Custom(func(rt *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(rt, "s"), rapid.Int64Range(0, 999_999_999).Draw(rt, "ns")).UTC()
	})
	q := Quote{
		ID: s.Draw(rt, "id"), OrgID: s.Draw(rt, "org"), ProviderID: s.Draw(rt, "provider"), ProductID: s.Draw(rt, "product"), Kind: s.Draw(rt, "kind"),
		Term: Term{Billing: s.Draw(rt, "billing"), Period: s.Draw(rt, "period"), Periods: n.Draw(rt, "periods"), Quantity: n.Draw(rt, "quantity")},
		Price: Price{
			Currency: s.Draw(rt, "currency"), Quantity: n.Draw(rt, "q"), Periods: n.Draw(rt, "p"),
			Legs: rapid.SliceOfN(drawnLeg(), 0, 3).Draw(rt, "legs"), Margin: rapid.Ptr(s, true).Draw(rt, "margin"),
		},
		Warnings: []Warning{}, Created: moment.Draw(rt, "created"), Expires: moment.Draw(rt, "expires"),
	}
	for range n.Draw(rt, "warnings") {
		q.Warnings = append(q.Warnings, Warning{Code: s.Draw(rt, "code"), Margin: s.Draw(rt, "lost"), Text: s.Draw(rt, "text")})
	}
	if rapid.Bool().Draw(rt, "specified") {
		q.Spec = json.RawMessage(`{"size":[1,"<2>"]}`)
	}
	return q
}

func TestQuotesAreWrittenAsEncodingJSONDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		q := drawnQuote(rt)
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(q); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), string(q.AppendJSON(nil))+"\n"); diff != "" {
			rt.Errorf("written differently (-want +got):\n%s", diff)
		}
	})
}
