package quote_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/access"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/quote"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// branch is one random chain below the root: its orgs, buyer last.
type branch []tenant.Org

// grow makes a chain of resellers of random depth with a customer at its end.
// Most orgs only warn when their margin is negative, so that most is priced.
func (w *world) grow(t testing.TB, rt *rapid.T, n int) branch {
	t.Helper()
	at, out := w.Root, branch{w.Root}
	depth := rapid.IntRange(0, 5).Draw(rt, "resellers")
	for i := range depth + 1 {
		kind := tenant.KindReseller
		if i == depth {
			kind = tenant.KindCustomer
		}
		policy := rapid.SampledFrom([]pricing.Policy{"warn", "warn", "warn", "warn", "warn", "warn", "warn", "block"}).Draw(rt, "policy")
		d, err := w.Tenants.CreateOrg(t.Context(), access.System(w.Root.ID), tenant.CreateOrgInput{
			ParentID: at.ID, Kind: kind, Profile: tenant.Profile{Name: fmt.Sprintf("org %d-%d", n, i), FloorPolicy: policy},
		})
		fatal(t, err)
		at = d.Value
		out = append(out, at)
	}
	return out
}

// agree makes random terms on the legs of the chain for the product and returns
// the numbers that were agreed on each leg, as texts.
func (w *world) agree(t testing.TB, rt *rapid.T, b branch, productID string) []string {
	t.Helper()
	numbers := make([]string, len(b))
	seller := w.Commercial
	for i, buyer := range b {
		keeper := seller
		if i == 0 {
			keeper = w.Root
		}
		modes := []pricing.Mode{pricing.ModeDiscount, pricing.ModeFloor, pricing.ModeRebate, pricing.ModeList}
		if buyer.Kind == tenant.KindCustomer {
			modes = []pricing.Mode{pricing.ModeDiscount, pricing.ModeFloor, pricing.ModeList}
		}
		mode := rapid.SampledFrom(modes).Draw(rt, "mode")
		numbers[i] = w.number(rt, mode)
		if mode != pricing.ModeList {
			w.line(t, keeper, seller, buyer, mode, numbers[i], productID)
		}
		seller = buyer
	}
	return numbers
}

func (w *world) number(rt *rapid.T, mode pricing.Mode) string {
	switch mode {
	case pricing.ModeDiscount:
		return fmt.Sprintf("%d.%04d", rapid.IntRange(0, 1).Draw(rt, "whole"), rapid.IntRange(1, 9999).Draw(rt, "part"))
	case pricing.ModeFloor:
		return fmt.Sprintf("%d.%05d", rapid.IntRange(0, 5000).Draw(rt, "price"), rapid.IntRange(0, 99999).Draw(rt, "part"))
	case pricing.ModeRebate:
		return fmt.Sprintf("0.%06d", rapid.IntRange(0, 999999).Draw(rt, "rate"))
	}
	return ""
}

// line adds the line to the pair's protocol of the mode, which the first one makes.
func (w *world) line(t testing.TB, keeper, seller, buyer tenant.Org, mode pricing.Mode, number, productID string) {
	t.Helper()
	d := dec(t, number)
	in := protocol.LineInput{ProductID: productID}
	if mode == pricing.ModeFloor {
		in.Price = &d
	} else {
		in.Rate = &d
	}
	p, err := w.protocols.Create(t.Context(), w.As(keeper), protocol.CreateInput{
		Seller: seller.ID, Buyer: buyer.ID, Mode: mode,
		Settle: pricing.SettleRealtime,
	})
	if err == nil {
		w.known[pair{seller.ID, buyer.ID, mode}] = p.Value.ID
	} else if !fault.Is(err, fault.ClassConflict) {
		t.Fatal(err)
	}
	in.ProtocolID = w.known[pair{seller.ID, buyer.ID, mode}]
	_, err = w.protocols.AddLine(t.Context(), w.As(keeper), in)
	fatal(t, err)
}

// TestRandomChains prices random chains with random terms through the real
// protocols: every trace adds up, and no org's view holds anything of a leg it
// is not part of.
func TestRandomChains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy(t, w.Root, pricing.PolicyWarn)
	n, priced, refused := 0, 0, 0
	t.Cleanup(func() {
		if priced == 0 || refused == 0 {
			t.Errorf("%d chains were priced and %d refused: the test shows nothing", priced, refused)
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		n++
		product := w.newProduct(t, fmt.Sprintf("product %d", n), "1")
		b := w.grow(t, rt, n)
		w.agree(t, rt, b, product.ID)
		buyer := b[len(b)-1]
		list := dec(t, fmt.Sprintf("%d.%04d", rapid.IntRange(0, 99_999).Draw(rt, "list"), rapid.IntRange(0, 9999).Draw(rt, "list part")))
		in := quote.PriceInput{
			BuyerOrg: buyer.ID, ProductID: product.ID, At: w.Clock.Now(), List: list,
			Quantity: rapid.IntRange(1, 50).Draw(rt, "quantity"), Periods: rapid.IntRange(1, 36).Draw(rt, "periods"),
		}
		var res pricing.Result
		var err error
		w.View(func(r store.Reader) { res, _, err = w.quotes.PriceTx(r, in) })
		switch {
		case asFloor(err):
			refusalTellsNothing(rt, err, b)
			refused++
			return
		case err != nil:
			rt.Fatal(err)
		}
		if err := res.Check(); err != nil {
			rt.Fatal(err)
		}
		sum := res.ProviderNet
		for _, m := range res.Margins {
			sum += m.Amount
		}
		if sum != res.CustomerPrice || len(res.Legs) != len(b) {
			rt.Fatalf("net and margins are %d, the customer pays %d over %d legs of %d", sum, res.CustomerPrice, len(res.Legs), len(b))
		}
		priced++
		q := &quote.Quote{OrgID: buyer.ID, Result: mark(rt, res), Warnings: warnAll(res)}
		for i, org := range b {
			leaksNothing(t, rt, q, b, i, org.ID)
		}
	})
}

// mark gives every leg a protocol, a line and a rate that can be recognised.
func mark(rt *rapid.T, res pricing.Result) pricing.Result {
	legs := append([]pricing.Leg(nil), res.Legs...)
	for i := range legs {
		legs[i].ProtocolID, legs[i].LineID = fmt.Sprintf("<protocol %d>", i), fmt.Sprintf("<line %d>", i)
		rate, err := money.ParseDecimal(fmt.Sprintf("0.7%d7%d7", i, i))
		if err != nil {
			rt.Fatal(err)
		}
		legs[i].Rate, legs[i].Price = rate, rate
		legs[i].Amount = money.Amount(7_700_000_000_077 + i*1000)
		legs[i].Commission = money.Amount(8_800_000_000_088 + i*1000)
	}
	res.Legs = legs
	return res
}

func warnAll(res pricing.Result) []quote.Warning {
	var out []quote.Warning
	for i, m := range res.Margins {
		out = append(out, quote.Warning{Org: m.Org, Code: quote.NegativeMargin, Text: fmt.Sprintf("<warning %d>", i)})
	}
	return out
}

// leaksNothing looks for the marks of foreign legs in the view of the i-th org,
// which buys on leg i and sells on leg i+1.
func leaksNothing(t testing.TB, rt *rapid.T, q *quote.Quote, b branch, i int, org string) {
	t.Helper()
	text := mustJSON(t, q.View(org))
	for leg := range q.Result.Legs {
		if leg == i || leg == i+1 {
			continue
		}
		for _, mark := range []string{
			fmt.Sprintf("<protocol %d>", leg), fmt.Sprintf("<line %d>", leg), fmt.Sprintf("0.7%d7%d7", leg, leg),
			fmt.Sprint(7_700_000_000_077 + leg*1000), fmt.Sprint(8_800_000_000_088 + leg*1000),
		} {
			if strings.Contains(text, mark) {
				rt.Fatalf("org %d of %d sees %q of leg %d: %s", i, len(b), mark, leg, text)
			}
		}
	}
	for k, m := range q.Result.Margins {
		if m.Org != org && strings.Contains(text, fmt.Sprintf("<warning %d>", k)) {
			rt.Fatalf("org %d sees the warning of org %d", i, k)
		}
	}
	for k, other := range b {
		// The buyer's id is on the quote; a seller knows whom its buyers serve.
		if (k < i-1 || k > i+1 && k != len(b)-1) && strings.Contains(text, other.ID) {
			rt.Fatalf("org %d sees the id of org %d", i, k)
		}
	}
}

func asFloor(err error) bool {
	var floor *quote.FloorError
	return fault.Is(err, fault.ClassPrecondition) && errors.As(err, &floor)
}

// refusalTellsNothing wants the same words for every refusal.
func refusalTellsNothing(rt *rapid.T, err error, b branch) {
	text := err.Error()
	for _, org := range b {
		if strings.Contains(text, org.ID) {
			rt.Fatalf("the refusal names an org: %s", text)
		}
	}
	if fault.As(err).Message != "not for sale at this price: ask your seller" {
		rt.Fatalf("the refusal says %q", text)
	}
}
