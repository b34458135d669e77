package protocol_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tradewind.example/core/access"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/store"
	"tradewind.example/core/trade/tradetest"
	"tradewind.example/sdk/fault"
)

func TestTheEndOfAProtocolEndsItsPrices(t *testing.T) {
	t.Parallel()
	d := open(t)
	p := d.protocol(pricing.ModeDiscount, func(in *protocol.CreateInput) { in.DefaultRate = dec(t, "0.9") })
	d.line(protocol.LineInput{ProtocolID: p.ID, ProductID: "now", Rate: dec(t, "0.7")})
	d.line(protocol.LineInput{ProtocolID: p.ID, ProductID: "later", Rate: dec(t, "0.6"), From: day(30)})
	end := func(at time.Time) {
		t.Helper()
		if _, err := d.Update(t.Context(), d.seller(), protocol.UpdateInput{ID: p.ID, End: at}); err != nil {
			t.Fatal(err)
		}
	}
	found := func(product string, at time.Time) pricing.Found { t.Helper(); return d.terms(product, "", at).Found }
	end(day(20))
	if got := found("now", day(20)); got != pricing.FoundList {
		t.Errorf("after the end: found as %s, want list", got)
	}
	if got := found("now", day(19)); got != pricing.FoundProduct {
		t.Errorf("before the end: found as %s, want product", got)
	}
	if got := found("later", day(31)); got != pricing.FoundList {
		t.Errorf("a line from after the end: found as %s, want list", got)
	}
	end(time.Time{})
	if got := found("later", day(31)); got != pricing.FoundProduct {
		t.Errorf("after extending it again: found as %s, want product", got)
	}
	if got := found("other", day(31)); got != pricing.FoundDefault {
		t.Errorf("the default after extending: found as %s, want default", got)
	}
	if p, err := d.Get(t.Context(), d.seller(), p.ID); err != nil || p.Rev != 3 || p.Value.StateAt(day(1)) != protocol.StateActive {
		t.Errorf("after two updates: revision %d, %v; want 3 and active", p.Rev, err)
	}
}

func TestExtendingAProtocolOverOthersIsAClash(t *testing.T) {
	t.Parallel()
	d := open(t)
	short := d.protocol(pricing.ModeDiscount, func(in *protocol.CreateInput) { in.End = day(10) })
	d.line(protocol.LineInput{ProtocolID: short.ID, ProductID: "x", Rate: dec(t, "0.7")})
	floor := d.protocol(pricing.ModeFloor)
	d.line(protocol.LineInput{ProtocolID: floor.ID, ProductID: "x", Price: dec(t, "5"), From: day(10)})
	_, err := d.Update(t.Context(), d.seller(), protocol.UpdateInput{ID: short.ID, End: day(11)})
	if !fault.Is(err, fault.ClassConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	if got := d.terms("x", "", day(10)); got.Mode != pricing.ModeFloor {
		t.Errorf("the refused update changed the terms: %+v", got)
	}
}

func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	d := open(t)
	p := d.protocol(pricing.ModeDiscount, func(in *protocol.CreateInput) { in.End = day(10) })
	update := func(in protocol.UpdateInput) error {
		in.ID = p.ID
		_, err := d.Update(t.Context(), d.seller(), in)
		return err
	}
	if err := update(protocol.UpdateInput{End: day(-1)}); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("an end in the past: %v, want invalid", err)
	}
	if err := update(protocol.UpdateInput{End: day(10), Rev: 7}); !errors.Is(err, store.ErrStale) {
		t.Errorf("another revision: %v, want ErrStale", err)
	}
	d.clock.Set(day(11))
	if err := update(protocol.UpdateInput{End: day(20)}); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("reviving an ended protocol: %v, want precondition", err)
	}
}

func TestAProtocolCanBeCalledOffBeforeItBegins(t *testing.T) {
	t.Parallel()
	d := open(t)
	p := d.protocol(pricing.ModeDiscount, func(in *protocol.CreateInput) { in.Start, in.DefaultRate = day(10), dec(t, "0.5") })
	if _, err := d.Update(t.Context(), d.seller(), protocol.UpdateInput{ID: p.ID, End: day(10)}); err != nil {
		t.Fatal(err)
	}
	if got := d.terms("x", "", day(10)); got.Found != pricing.FoundList {
		t.Errorf("its default applies still: %+v", got)
	}
	d.protocol(pricing.ModeDiscount, func(in *protocol.CreateInput) { in.Start, in.DefaultRate = day(5), dec(t, "0.6") })
	if got := d.terms("x", "", day(10)); got.Rate.String() != "0.6" {
		t.Errorf("another one around that day: %+v, want 0.6", got)
	}
}

func TestClosingALine(t *testing.T) {
	t.Parallel()
	d := open(t)
	p := d.protocol(pricing.ModeDiscount)
	now := d.line(protocol.LineInput{ProtocolID: p.ID, ProductID: "x", Rate: dec(t, "0.7"), To: day(20)}).Value
	later := d.line(protocol.LineInput{ProtocolID: p.ID, ProductID: "x", Rate: dec(t, "0.6"), From: day(20)}).Value
	closeLine := func(in protocol.CloseLineInput) error {
		_, err := d.CloseLine(t.Context(), d.seller(), in)
		return err
	}
	if err := closeLine(protocol.CloseLineInput{ID: now.ID, At: day(-1)}); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("closing in the past: %v, want invalid", err)
	}
	if err := closeLine(protocol.CloseLineInput{ID: now.ID, At: day(20)}); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("closing after its end: %v, want precondition", err)
	}
	for _, in := range []protocol.CloseLineInput{{ID: now.ID, At: day(5)}, {ID: later.ID}} {
		if err := closeLine(in); err != nil {
			t.Fatal(err)
		}
	}
	for at, want := range map[time.Time]pricing.Found{day(4): pricing.FoundProduct, day(5): pricing.FoundList, day(20): pricing.FoundList} {
		if got := d.terms("x", "", at).Found; got != want {
			t.Errorf("at %s: found as %s, want %s", at, got, want)
		}
	}
}

func TestStrangersSeeNothing(t *testing.T) {
	t.Parallel()
	d := open(t)
	p := d.protocol(pricing.ModeDiscount)
	l := d.line(protocol.LineInput{ProtocolID: p.ID, ProductID: "x", Rate: dec(t, "0.7")}).Value
	discount := d.setDiscount("x", "0.9").Value
	strangers := map[string]access.Caller{
		"Operator":  d.world.Caller(tradetest.Operator, access.RoleSuperadmin),
		"Neighbour": d.world.Caller(tradetest.Neighbour, access.RoleResellerAdmin),
		"Customer":  d.world.Caller(tradetest.Customer, access.RoleCustomerAdmin),
		"Foreign":   d.world.Caller(tradetest.Foreign, access.RoleSuperadmin),
		"Provider":  d.world.Caller(tradetest.Provider, access.RoleProviderViewer),
	}
	for name, c := range strangers {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			_, get := d.Get(ctx, c, p.ID)
			_, update := d.Update(ctx, c, protocol.UpdateInput{ID: p.ID})
			_, add := d.AddLine(ctx, c, protocol.LineInput{ProtocolID: p.ID, ProductID: "y", Rate: dec(t, "0.1")})
			_, line := d.GetLine(ctx, c, l.ID)
			_, closed := d.CloseLine(ctx, c, protocol.CloseLineInput{ID: l.ID})
			_, lines := d.ListLines(ctx, c, protocol.LinesQuery{ProtocolID: p.ID, Limit: 10})
			_, unified := d.GetDiscount(ctx, c, discount.ID)
			for i, err := range []error{get, update, add, line, closed, lines, unified} {
				if !fault.Is(err, fault.ClassNotFound) {
					t.Errorf("call %d: %v, want not_found", i, err)
				}
			}
			for _, org := range []string{"", tradetest.Reseller, tradetest.Sub} {
				if page, _ := d.List(ctx, c, protocol.ListQuery{Org: org, Limit: 10}); len(page.Items) != 0 {
					t.Errorf("the list of %q holds %d protocols", org, len(page.Items))
				}
			}
		})
	}
}

func TestTheBuyerReadsAndMayNotWrite(t *testing.T) {
	t.Parallel()
	d := open(t)
	p := d.protocol(pricing.ModeDiscount)
	buyer := d.world.Caller(tradetest.Sub, access.RoleResellerAdmin)
	if _, err := d.Get(t.Context(), buyer, p.ID); err != nil {
		t.Errorf("the buyer reads its protocol: %v", err)
	}
	page, err := d.List(t.Context(), buyer, protocol.ListQuery{Limit: 10})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("the buyer's list: %d, %v; want 1", len(page.Items), err)
	}
	_, err = d.AddLine(t.Context(), buyer, protocol.LineInput{ProtocolID: p.ID, Rate: dec(t, "0.1")})
	if !fault.Is(err, fault.ClassForbidden) && !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("the buyer lowers its own price: %v, want a refusal", err)
	}
	sales := d.world.Caller(tradetest.Reseller, access.RoleResellerSales)
	if page, _ := d.List(t.Context(), sales, protocol.ListQuery{Org: tradetest.Sub, Limit: 10}); len(page.Items) != 0 {
		t.Errorf("a salesperson lists a buyer that is not assigned: %d", len(page.Items))
	}
	d.world.Assigned[sales.UserID] = []string{tradetest.Sub}
	if page, err := d.List(t.Context(), sales, protocol.ListQuery{Org: tradetest.Sub, Limit: 10}); err != nil || len(page.Items) != 1 {
		t.Errorf("a salesperson lists an assigned buyer: %d, %v; want 1", len(page.Items), err)
	}
}

func TestTheOperatorKeepsTheProvidersTerms(t *testing.T) {
	t.Parallel()
	d := open(t)
	in := protocol.CreateInput{Seller: tradetest.Provider, Buyer: tradetest.Operator, Mode: pricing.ModeDiscount, Settle: pricing.SettlePeriod}
	saved, err := d.Create(t.Context(), d.world.Caller(tradetest.Operator, access.RoleOperations), in)
	if err != nil || saved.Value.Keeper != tradetest.Operator {
		t.Fatalf("kept by %q, %v; want the operator", saved.Value.Keeper, err)
	}
	viewer := d.world.Caller(tradetest.Provider, access.RoleProviderViewer)
	if _, err := d.Get(t.Context(), viewer, saved.Value.ID); err != nil {
		t.Errorf("the provider reads its own protocol: %v", err)
	}
	if _, err := d.Create(t.Context(), viewer, in); err == nil {
		t.Error("a provider's viewer made a protocol")
	}
}

func TestGuardAtSave(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason   string
		breaches []pricing.Breach
		class    fault.Class
		warnings int
	}{
		"Block":   {reason: "the seller's own margin", breaches: []pricing.Breach{{Org: tradetest.Reseller, Margin: -5, Policy: pricing.PolicyBlock}}, class: fault.ClassPrecondition},
		"Warn":    {reason: "the seller only wants to know", breaches: []pricing.Breach{{Org: tradetest.Reseller, Margin: -5, Policy: pricing.PolicyWarn}}, warnings: 1},
		"Foreign": {reason: "somebody else's margin is theirs", breaches: []pricing.Breach{{Org: tradetest.Sub, Margin: -5, Policy: pricing.PolicyBlock}}},
		"None":    {reason: "nothing is wrong"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, func(c *protocol.Config) {
				c.Guard = func(_ context.Context, _ store.Reader, _ protocol.Protocol, l protocol.Line) ([]pricing.Breach, error) {
					if l.ProductID == "" {
						return nil, nil
					}
					return tc.breaches, nil
				}
			})
			p := d.protocol(pricing.ModeFloor)
			saved, err := d.AddLine(t.Context(), d.seller(), protocol.LineInput{ProtocolID: p.ID, ProductID: "x", Price: dec(t, "1")})
			if fault.ClassOf(err) != tc.class || len(saved.Warnings) != tc.warnings {
				t.Errorf("%s: got %+v, %v; want class %s and %d warnings", tc.reason, saved.Warnings, err, tc.class, tc.warnings)
			}
			if saved := d.terms("x", "", begin()).Found == pricing.FoundProduct; saved == (tc.class != 0) {
				t.Errorf("%s: the line is saved: %t", tc.reason, saved)
			}
		})
	}
}

func TestProductsMustExist(t *testing.T) {
	t.Parallel()
	d := open(t, func(c *protocol.Config) {
		c.Product = func(_ store.Reader, root, product string) error {
			if root != tradetest.Operator {
				t.Errorf("asked in root %q", root)
			}
			return fault.NotFound("product", product)
		}
	})
	p := d.protocol(pricing.ModeFloor)
	_, line := d.AddLine(t.Context(), d.seller(), protocol.LineInput{ProtocolID: p.ID, ProductID: "x", Price: dec(t, "1")})
	_, discount := d.SetDiscount(t.Context(), d.seller(), protocol.DiscountInput{ProductID: "x", Rate: *dec(t, "1")})
	if !fault.Is(line, fault.ClassNotFound) || !fault.Is(discount, fault.ClassNotFound) {
		t.Errorf("got %v and %v, want not_found", line, discount)
	}
}

// TestTermsAgainstAModel makes random saves and compares the terms at random
// instants with a search through everything that was accepted.
func TestTermsAgainstAModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d := open(t)
		modes := []pricing.Mode{pricing.ModeDiscount, pricing.ModeRebate, pricing.ModeFloor}
		var protocols []protocol.Protocol
		for _, m := range modes {
			p := d.protocol(m, func(in *protocol.CreateInput) {
				in.Start = day(rapid.IntRange(-2, 5).Draw(rt, "start"))
				if n := rapid.IntRange(0, 20).Draw(rt, "length"); n > 5 {
					in.End = in.Start.AddDate(0, 0, n)
				}
			})
			protocols = append(protocols, p)
		}
		for range rapid.IntRange(0, 12).Draw(rt, "saves") {
			p := rapid.SampledFrom(protocols).Draw(rt, "protocol")
			in := protocol.LineInput{ProtocolID: p.ID, ProductID: rapid.SampledFrom([]string{"", "x"}).Draw(rt, "product")}
			if p.Mode == pricing.ModeFloor {
				in.Price = dec(t, "1")
			} else {
				in.Rate = dec(t, "0.5")
			}
			in.From = day(rapid.IntRange(0, 25).Draw(rt, "from"))
			if n := rapid.IntRange(0, 10).Draw(rt, "days"); n > 0 {
				in.To = in.From.AddDate(0, 0, n)
			}
			_, err := d.AddLine(t.Context(), d.seller(), in)
			if err != nil && !fault.Is(err, fault.ClassConflict) && !fault.Is(err, fault.ClassInvalid) {
				rt.Fatal(err)
			}
		}
		for n := range 30 {
			for _, product := range []string{"x", "other"} {
				compareWithModel(rt, d, protocols, product, day(n))
			}
		}
	})
}

// compareWithModel searches all lines for those that apply.
func compareWithModel(t *rapid.T, d desk, protocols []protocol.Protocol, product string, at time.Time) {
	best, apply := pricing.FoundList, map[pricing.Found][]string{}
	for _, p := range protocols {
		page, err := d.ListLines(d.t.Context(), d.seller(), protocol.LinesQuery{ProtocolID: p.ID, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range page.Items {
			l := doc.Value
			if p.StateAt(at) != protocol.StateActive || at.Before(l.From) || (!l.To.IsZero() && !at.Before(l.To)) {
				continue
			}
			switch l.ProductID {
			case product:
				apply[pricing.FoundProduct] = append(apply[pricing.FoundProduct], l.ID)
			case "":
				apply[pricing.FoundDefault] = append(apply[pricing.FoundDefault], l.ID)
			}
		}
	}
	for _, found := range []pricing.Found{pricing.FoundDefault, pricing.FoundProduct} {
		if len(apply[found]) > 1 {
			t.Fatalf("at %s, %d lines apply to %q: %v", at, len(apply[found]), product, apply[found])
		}
		if len(apply[found]) == 1 {
			best = found
		}
	}
	got := d.terms(product, "", at)
	if got.Found != best || (best != pricing.FoundList && got.LineID != apply[best][0]) {
		t.Fatalf("at %s, %q: got %+v, want %s of %v", at, product, got, best, apply)
	}
}

func BenchmarkTerms(b *testing.B) {
	d := open(b)
	p := d.protocol(pricing.ModeDiscount, func(in *protocol.CreateInput) { in.DefaultRate = dec(b, "0.9") })
	d.line(protocol.LineInput{ProtocolID: p.ID, ProductID: "x", Rate: dec(b, "0.7")})
	for product, name := range map[string]string{"x": "product", "other": "default"} {
		b.Run(name, func(b *testing.B) {
			q := protocol.TermsQuery{Seller: tradetest.Reseller, Buyer: tradetest.Sub, ProductID: product, Class: "c", At: begin()}
			err := d.st.View(b.Context(), func(r store.Reader) error {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := d.TermsTx(r, q); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
