package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// books is a ledger over a store that is verified when the test ends.
type books struct {
	t     testing.TB
	st    store.Store
	clock *clock.Fake
	*ledger.Ledger
}

func open(t testing.TB) books {
	t.Helper()
	st := storetest.Open(t)
	storetest.Check(t, st, ledger.Verify)
	c := clock.NewFake(begin())
	l, err := ledger.New(ledger.Config{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	return books{t: t, st: st, clock: c, Ledger: l}
}

func (b books) update(fn func(store.Tx) error) error {
	return b.st.Update(b.t.Context(), fn)
}

func (b books) must(fn func(store.Tx) error) {
	b.t.Helper()
	if err := b.update(fn); err != nil {
		b.t.Fatal(err)
	}
}

func begin() time.Time { return time.Date(2030, 3, 1, 8, 0, 0, 0, time.UTC) }

// recharge pays into a wallet.
func (b books) recharge(k ledger.WalletKey, amount money.Amount, key string) {
	b.t.Helper()
	b.must(func(tx store.Tx) error {
		_, err := b.PostTx(tx, ledger.Transaction{Kind: "recharge", Key: key, Postings: ledger.RechargePostings(k, amount)})
		return err
	})
}

func (b books) wallet(k ledger.WalletKey) ledger.Wallet {
	b.t.Helper()
	var w ledger.Wallet
	err := b.st.View(b.t.Context(), func(r store.Reader) (err error) {
		w, err = b.Wallet(r, k)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b books) balance(a ledger.Account, at time.Time) money.Amount {
	b.t.Helper()
	var got money.Amount
	err := b.st.View(b.t.Context(), func(r store.Reader) (err error) {
		got, err = b.Balance(r, a, at)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

func account(book, party string, kind ledger.Kind) ledger.Account {
	return ledger.Account{Book: book, Party: party, Kind: kind, Currency: "CNY"}
}

func walletOf(buyer, seller string) ledger.WalletKey {
	return ledger.WalletKey{Buyer: buyer, Seller: seller, Currency: "CNY"}
}

func TestChargeAndRefundOfARealtimeLeg(t *testing.T) {
	t.Parallel()
	b := open(t)
	k := walletOf("buyer", "seller")
	b.recharge(k, 1000, "r1")
	leg := pricing.Leg{
		Terms:  pricing.Terms{Seller: "seller", Buyer: "buyer", Settle: pricing.SettleRealtime},
		Amount: 700, Commission: 56,
	}
	var charge ledger.Transaction
	b.must(func(tx store.Tx) (err error) {
		charge, err = b.PostTx(tx, ledger.Transaction{Kind: "charge", Key: "c1", Postings: ledger.ChargePostings(leg, "CNY")})
		return err
	})
	want := map[ledger.Account]money.Amount{
		account("buyer", "seller", ledger.KindCost):                 700,
		account("buyer", "seller", ledger.KindWallet):               300,
		account("buyer", "seller", ledger.KindCommissionReceivable): 56,
		account("buyer", "seller", ledger.KindCommissionIncome):     -56,
		account("seller", "buyer", ledger.KindDeposit):              -300,
		account("seller", "buyer", ledger.KindRevenue):              -700,
		account("seller", "buyer", ledger.KindCommissionExpense):    56,
		account("seller", "buyer", ledger.KindCommissionPayable):    -56,
	}
	for a, amount := range want {
		if got := b.balance(a, time.Time{}); got != amount {
			t.Errorf("%s of %s is %d, want %d", a.Kind, a.Book, got, amount)
		}
	}
	b.must(func(tx store.Tx) error {
		_, err := b.PostTx(tx, ledger.Transaction{Kind: "refund", Key: "f1", Reverses: charge.ID, Postings: ledger.RefundPostings(leg, "CNY")})
		return err
	})
	if w := b.wallet(k); w != (ledger.Wallet{Posted: 1000, Available: 1000}) {
		t.Errorf("after the refund the wallet is %+v", w)
	}
}

func TestPostRefuses(t *testing.T) {
	t.Parallel()
	k := walletOf("buyer", "seller")
	good := ledger.RechargePostings(k, 5)
	cases := map[string]struct {
		reason string
		t      ledger.Transaction
		cause  error
		class  fault.Class
	}{
		"Unbalanced": {
			reason: "each book sums to zero by itself", class: fault.ClassInternal, cause: ledger.ErrUnbalanced,
			t: ledger.Transaction{Kind: "x", Key: "k", Postings: []ledger.Posting{
				{Account: account("buyer", "seller", ledger.KindCost), Amount: 5},
				{Account: account("seller", "buyer", ledger.KindRevenue), Amount: -5},
			}},
		},
		"TwoCurrencies": {
			reason: "each currency sums to zero by itself", class: fault.ClassInternal, cause: ledger.ErrUnbalanced,
			t: ledger.Transaction{Kind: "x", Key: "k", Postings: []ledger.Posting{
				{Account: account("buyer", "seller", ledger.KindCost), Amount: 5},
				{Account: ledger.Account{Book: "buyer", Party: "seller", Kind: ledger.KindPayable, Currency: "USD"}, Amount: -5},
			}},
		},
		"NoMirror": {
			reason: "a wallet without its deposit", class: fault.ClassInternal, cause: ledger.ErrMirror,
			t: ledger.Transaction{Kind: "x", Key: "k", Postings: good[:2]},
		},
		"NoKey": {reason: "every write is idempotent", class: fault.ClassInternal, cause: ledger.ErrMalformed, t: ledger.Transaction{Kind: "x", Postings: good}},
		"NoParty": {
			reason: "who owes whom must be said", class: fault.ClassInternal, cause: ledger.ErrMalformed,
			t: ledger.Transaction{Kind: "x", Key: "k", Postings: []ledger.Posting{{Account: account("buyer", "", ledger.KindCost), Amount: 5}}},
		},
		"Future": {
			reason: "a later time would hold up the account", class: fault.ClassInternal, cause: ledger.ErrMalformed,
			t: ledger.Transaction{Kind: "x", Key: "k", Time: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), Postings: good},
		},
		"ReversesNothing": {reason: "a correction refers to a transaction", class: fault.ClassNotFound, t: ledger.Transaction{Kind: "x", Key: "k", Reverses: "none", Postings: good}},
		"Overdraft": {
			reason: "a wallet never goes under", class: fault.ClassInsufficientBalance,
			t: ledger.Transaction{Kind: "x", Key: "k", Postings: ledger.RechargePostings(k, -1)},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			err := b.update(func(tx store.Tx) error { _, err := b.PostTx(tx, tc.t); return err })
			if fault.ClassOf(err) != tc.class || (tc.cause != nil && !errors.Is(err, tc.cause)) {
				t.Errorf("%s: got %v, want class %s and cause %v", tc.reason, err, tc.class, tc.cause)
			}
		})
	}
}

func TestHoldCaptureRelease(t *testing.T) {
	t.Parallel()
	b := open(t)
	top, bottom := walletOf("operator", "provider"), walletOf("customer", "operator")
	b.recharge(top, 500, "r1")
	b.recharge(bottom, 900, "r2")
	hold := ledger.Hold{ID: "h1", Ref: "order", Legs: []ledger.HoldLeg{
		{Buyer: "operator", Seller: "provider", Currency: "CNY", Amount: 500},
		{Buyer: "customer", Seller: "operator", Currency: "CNY", Amount: 600},
	}}
	b.must(func(tx store.Tx) error { return b.HoldTx(tx, hold) })
	b.must(func(tx store.Tx) error { return b.HoldTx(tx, hold) }) // a repeat holds nothing more
	if w := b.wallet(bottom); w != (ledger.Wallet{Posted: 900, Held: 600, Available: 300}) {
		t.Fatalf("held: %+v", w)
	}
	capture := func(tx store.Tx) error {
		var postings []ledger.Posting
		for i, amount := range []money.Amount{400, 450} {
			leg := pricing.Leg{Terms: pricing.Terms{Seller: hold.Legs[i].Seller, Buyer: hold.Legs[i].Buyer, Settle: pricing.SettleRealtime}, Amount: amount}
			postings = append(postings, ledger.ChargePostings(leg, "CNY")...)
		}
		_, err := b.CaptureTx(tx, "h1", []money.Amount{400, 450}, ledger.Transaction{Kind: "charge", Key: "c1", Postings: postings})
		return err
	}
	b.must(capture)
	b.must(capture)
	want := map[ledger.WalletKey]ledger.Wallet{
		top:    {Posted: 100, Available: 100},
		bottom: {Posted: 450, Available: 450},
	}
	for k, w := range want {
		if diff := cmp.Diff(w, b.wallet(k)); diff != "" {
			t.Errorf("a partial capture frees the rest, once; wallet of %s -want +got:\n%s", k.Buyer, diff)
		}
	}
	for name, fn := range map[string]func(store.Tx) error{
		"release": func(tx store.Tx) error { return b.ReleaseTx(tx, "h1") },
		"hold":    func(tx store.Tx) error { return b.HoldTx(tx, hold) },
	} {
		if err := b.update(fn); !fault.Is(err, fault.ClassPrecondition) {
			t.Errorf("%s after the capture: %v, want precondition", name, err)
		}
	}
}

func TestHoldIsAllOrNothing(t *testing.T) {
	t.Parallel()
	b := open(t)
	rich, poor := walletOf("customer", "operator"), walletOf("operator", "provider")
	b.recharge(rich, 900, "r1")
	b.recharge(poor, 10, "r2")
	var short *ledger.ShortError
	// The caller commits although the hold was refused, as an order that records its failure does.
	b.must(func(tx store.Tx) error {
		err := b.HoldTx(tx, ledger.Hold{ID: "h1", Ref: "order", Legs: []ledger.HoldLeg{
			{Buyer: "operator", Seller: "provider", Currency: "CNY", Amount: 11},
			{Buyer: "customer", Seller: "operator", Currency: "CNY", Amount: 600},
		}})
		if !fault.Is(err, fault.ClassInsufficientBalance) || !errors.As(err, &short) {
			t.Errorf("got %v, want insufficient_balance with a ShortError", err)
		}
		return nil
	})
	want := ledger.ShortError{WalletKey: poor, LegIndex: 0, Available: 10, Wanted: 11}
	if short == nil || *short != want {
		t.Errorf("got %+v, want %+v", short, want)
	}
	if w := b.wallet(rich); w.Held != 0 {
		t.Errorf("the refused hold left %d held", w.Held)
	}
}

func TestHoldCountsEveryLegOfOneWallet(t *testing.T) {
	t.Parallel()
	b := open(t)
	k := walletOf("buyer", "seller")
	b.recharge(k, 100, "r1")
	leg := ledger.HoldLeg{Buyer: "buyer", Seller: "seller", Currency: "CNY", Amount: 60}
	twice := func(tx store.Tx) error {
		return b.HoldTx(tx, ledger.Hold{ID: "h1", Ref: "order", Legs: []ledger.HoldLeg{leg, leg}})
	}
	if err := b.update(twice); !fault.Is(err, fault.ClassInsufficientBalance) {
		t.Errorf("120 of 100: %v, want insufficient_balance", err)
	}
	b.recharge(k, 20, "r2")
	b.must(twice)
	if w := b.wallet(k); w != (ledger.Wallet{Posted: 120, Held: 120}) {
		t.Errorf("120 of 120: %+v", w)
	}
}

func TestCaptureRefuses(t *testing.T) {
	t.Parallel()
	charge := func(amount money.Amount) []ledger.Posting {
		return ledger.ChargePostings(pricing.Leg{
			Terms: pricing.Terms{Seller: "seller", Buyer: "buyer", Settle: pricing.SettleRealtime}, Amount: amount,
		}, "CNY")
	}
	other := ledger.ChargePostings(pricing.Leg{
		Terms: pricing.Terms{Seller: "seller", Buyer: "neighbour", Settle: pricing.SettleRealtime}, Amount: 1,
	}, "CNY")
	cases := map[string]struct {
		reason   string
		hold     string
		amounts  []money.Amount
		postings []ledger.Posting
		class    fault.Class
	}{
		"MoreThanHeld":   {reason: "only what was set aside", hold: "h1", amounts: []money.Amount{51}, postings: charge(51), class: fault.ClassInternal},
		"Negative":       {reason: "a capture takes", hold: "h1", amounts: []money.Amount{-1}, postings: charge(-1), class: fault.ClassInternal},
		"LegsMissing":    {reason: "one amount per leg", hold: "h1", postings: charge(50), class: fault.ClassInternal},
		"OtherAmount":    {reason: "the postings take what is captured", hold: "h1", amounts: []money.Amount{40}, postings: charge(50), class: fault.ClassInternal},
		"OtherWallet":    {reason: "nobody else's wallet is drawn on unguarded", hold: "h1", amounts: []money.Amount{50}, postings: append(charge(50), other...), class: fault.ClassInternal},
		"UnknownHold":    {reason: "there is no such hold", hold: "h2", amounts: []money.Amount{50}, postings: charge(50), class: fault.ClassNotFound},
		"ReleasedBefore": {reason: "the money is free again", hold: "released", amounts: []money.Amount{50}, postings: charge(50), class: fault.ClassPrecondition},
		"CapturedBefore": {reason: "another capture took it", hold: "captured", amounts: []money.Amount{50}, postings: charge(50), class: fault.ClassPrecondition},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			k := walletOf("buyer", "seller")
			b.recharge(k, 1000, "r1")
			for _, id := range []string{"h1", "released", "captured"} {
				if err := hold(b, id, k, 50); err != nil {
					t.Fatal(err)
				}
			}
			b.must(func(tx store.Tx) error { return b.ReleaseTx(tx, "released") })
			if err := capture(b, "captured", k, 10); err != nil {
				t.Fatal(err)
			}
			before := b.wallet(k)
			err := b.update(func(tx store.Tx) error {
				_, err := b.CaptureTx(tx, tc.hold, tc.amounts, ledger.Transaction{Kind: "charge", Key: "k", Postings: tc.postings})
				return err
			})
			if fault.ClassOf(err) != tc.class {
				t.Errorf("%s: got %v, want class %s", tc.reason, err, tc.class)
			}
			if after := b.wallet(k); after != before {
				t.Errorf("%s: the wallet changed from %+v to %+v", tc.reason, before, after)
			}
		})
	}
}

// wayward is a clock that may go back, as a machine's clock does when it is set.
type wayward struct {
	clock.Real
	now time.Time
}

func (w *wayward) Now() time.Time { return w.now }

func TestTimeOfAnAccountNeverGoesBack(t *testing.T) {
	t.Parallel()
	c := &wayward{now: begin()}
	l, err := ledger.New(ledger.Config{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	b := open(t)
	b.Ledger = l
	k := walletOf("buyer", "seller")
	b.recharge(k, 100, "r1")
	c.now = begin().Add(-time.Hour)
	b.recharge(k, 10, "r2")
	if got := b.balance(account("buyer", "seller", ledger.KindWallet), begin().Add(-time.Nanosecond)); got != 0 {
		t.Errorf("a balance of the past changed to %d", got)
	}
	if got := b.balance(account("buyer", "seller", ledger.KindWallet), begin()); got != 110 {
		t.Errorf("the balance is %d, want 110", got)
	}
}

func TestHoldsOfAnOrgThatIsToBeDeleted(t *testing.T) {
	t.Parallel()
	b := open(t)
	holds := func(org string) []string {
		t.Helper()
		var got []string
		err := b.st.View(t.Context(), func(r store.Reader) (err error) {
			got, err = b.Holds(r, org)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	k := walletOf("buyer", "seller")
	b.recharge(k, 1250, "r1")
	if diff := cmp.Diff([]string{"a wallet balance of 12.50 CNY"}, holds("buyer")); diff != "" {
		t.Errorf("with money in its wallet, -want +got:\n%s", diff)
	}
	if err := hold(b, "h1", k, 1250); err != nil {
		t.Fatal(err)
	}
	if err := capture(b, "h1", k, 1250); err != nil {
		t.Fatal(err)
	}
	if got := holds("buyer"); got != nil {
		t.Errorf("what was spent is no balance to settle: %v", got)
	}
}
