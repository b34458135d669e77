package trade_test

import (
	"testing"

	"tradewind.example/core/access"
	"tradewind.example/core/trade"
	"tradewind.example/core/trade/tradetest"
	"tradewind.example/sdk/fault"
)

func TestPair(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason        string
		seller, buyer string
		keeper        string
		class         fault.Class
	}{
		"Parent":          {reason: "a reseller keeps what it sells", seller: tradetest.Reseller, buyer: tradetest.Sub, keeper: tradetest.Reseller},
		"Customer":        {reason: "so it does for a customer", seller: tradetest.Sub, buyer: tradetest.Customer, keeper: tradetest.Sub},
		"Provider":        {reason: "the operator keeps what it buys from a provider", seller: tradetest.Provider, buyer: tradetest.Operator, keeper: tradetest.Operator},
		"Grandparent":     {reason: "a sale goes hop by hop", seller: tradetest.Operator, buyer: tradetest.Sub, class: fault.ClassInvalid},
		"Upwards":         {reason: "nobody sells to its seller", seller: tradetest.Sub, buyer: tradetest.Reseller, class: fault.ClassInvalid},
		"Self":            {reason: "nobody sells to itself", seller: tradetest.Operator, buyer: tradetest.Operator, class: fault.ClassInvalid},
		"ProviderBelow":   {reason: "a provider sells to its operator only", seller: tradetest.Provider, buyer: tradetest.Reseller, class: fault.ClassInvalid},
		"ToProvider":      {reason: "a provider buys nothing", seller: tradetest.Operator, buyer: tradetest.Provider, class: fault.ClassInvalid},
		"ForeignProvider": {reason: "nothing crosses a root", seller: tradetest.Provider, buyer: tradetest.Foreign, class: fault.ClassInvalid},
		"NoSeller":        {reason: "a missing seller is answered as a foreign one", seller: "nobody", buyer: tradetest.Sub, class: fault.ClassInvalid},
		"NoBuyer":         {reason: "there is no such buyer", seller: tradetest.Sub, buyer: "nobody", class: fault.ClassNotFound},
		"DeletedBuyer":    {reason: "a deleted org trades no more", seller: tradetest.Operator, buyer: tradetest.Direct, class: fault.ClassNotFound},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := tradetest.New(t)
			w.Delete(tradetest.Direct)
			pair, err := w.Pairs.PairTx(nil, tc.seller, tc.buyer)
			if fault.ClassOf(err) != tc.class || pair.Keeper != tc.keeper {
				t.Errorf("%s: got keeper %q, %v; want %q, class %s", tc.reason, pair.Keeper, err, tc.keeper, tc.class)
			}
		})
	}
}

func TestKeepAnswersStrangersAlike(t *testing.T) {
	t.Parallel()
	w := tradetest.New(t)
	stranger := w.Caller(tradetest.Neighbour, access.RoleResellerAdmin)
	for _, seller := range []string{tradetest.Sub, tradetest.Reseller, "nobody", tradetest.Neighbour} {
		_, err := w.Pairs.KeepTx(nil, stranger, access.ProtocolWrite, seller, tradetest.Customer)
		_, missing := w.Pairs.KeepTx(nil, stranger, access.ProtocolWrite, seller, "nobody-else")
		if !fault.Is(err, fault.ClassNotFound) || !fault.Is(missing, fault.ClassNotFound) {
			t.Errorf("seller %q: a foreign buyer is answered with %v, a missing one with %v; want not_found for both", seller, err, missing)
		}
	}
	_, err := w.Pairs.KeepTx(nil, w.Caller(tradetest.Operator, access.RoleOperations), access.ProtocolWrite, tradetest.Reseller, tradetest.Sub)
	if !fault.Is(err, fault.ClassForbidden) {
		t.Errorf("an operator changing its reseller's terms: %v, want forbidden", err)
	}
}

func TestPrivate(t *testing.T) {
	t.Parallel()
	w := tradetest.New(t)
	for org, want := range map[string]bool{tradetest.Reseller: true, tradetest.Sub: true, tradetest.Operator: false, tradetest.Customer: false} {
		if got := trade.Private(w.Caller(org), tradetest.Reseller, tradetest.Sub); got != want {
			t.Errorf("%s sees what passes between reseller and sub-reseller: %t, want %t", org, got, want)
		}
	}
}
