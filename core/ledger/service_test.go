package ledger_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/core/trade/tradetest"
	"tradewind.example/sdk/fault"
)

// counter is the use-cases over books, in a world of organisations.
type counter struct {
	books
	*tradetest.World
	s *ledger.Service
}

func openCounter(t testing.TB) counter {
	t.Helper()
	b := open(t)
	storetest.Check(t, b.st, audit.Verify)
	w := tradetest.New(t)
	keys, err := idempotency.New(idempotency.Config{Clock: b.clock})
	if err != nil {
		t.Fatal(err)
	}
	s, err := ledger.NewService(ledger.ServiceConfig{
		Ledger: b.Ledger, Store: b.st, Clock: b.clock, Access: w.Access, Pairs: w.Pairs, Keys: keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	return counter{books: b, World: w, s: s}
}

func input(seller, buyer, key string, amount money.Amount) ledger.RechargeInput {
	return ledger.RechargeInput{
		IdempotencyKey: key, Seller: seller, Buyer: buyer, Currency: "CNY", Amount: amount, Reference: "bank-7",
	}
}

func (c counter) paid(caller access.Caller, in ledger.RechargeInput) ledger.Recharge {
	c.t.Helper()
	r, err := c.s.Recharge(c.t.Context(), caller, in)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func TestRechargeOnce(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	finance := c.Caller(tradetest.Reseller, access.RoleResellerAdmin)
	in := input(tradetest.Reseller, tradetest.Sub, "key-1", 1250)
	first := c.paid(finance, in)
	if diff := cmp.Diff(first, c.paid(finance, in)); diff != "" {
		t.Errorf("a repeat has another answer, -first +second:\n%s", diff)
	}
	if w := c.wallet(walletOf(tradetest.Sub, tradetest.Reseller)); w.Posted != 1250 {
		t.Errorf("the wallet is %+v, want 1250 posted", w)
	}
	other := in
	other.Amount = 1
	if _, err := c.s.Recharge(t.Context(), finance, other); !fault.Is(err, fault.ClassConflict) {
		t.Errorf("the same key for another amount: %v, want conflict", err)
	}
	// Keys of different organisations do not meet.
	if _, err := c.s.Recharge(t.Context(), c.Caller(tradetest.Sub, access.RoleResellerAdmin), input(tradetest.Sub, tradetest.Customer, "key-1", 5)); err != nil {
		t.Errorf("another organisation's key: %v", err)
	}
}

func TestRechargeRepeatedAtOnceIsOne(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	finance := c.Caller(tradetest.Reseller, access.RoleResellerAdmin)
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			if _, err := c.s.Recharge(t.Context(), finance, input(tradetest.Reseller, tradetest.Sub, "key", 10)); err != nil {
				t.Error(err)
			}
		})
	}
	clients.Wait()
	if w := c.wallet(walletOf(tradetest.Sub, tradetest.Reseller)); w.Posted != 10 {
		t.Errorf("the wallet is %+v, want 10 posted", w)
	}
}

func TestWhoMayRecharge(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	cases := map[string]struct {
		reason        string
		caller        access.Caller
		seller, buyer string
		class         fault.Class
	}{
		"SellersAdmin":   {reason: "it takes the money", caller: c.Caller(tradetest.Reseller, access.RoleResellerAdmin), seller: tradetest.Reseller, buyer: tradetest.Sub},
		"Finance":        {reason: "finance of the operator", caller: c.Caller(tradetest.Operator, access.RoleFinance), seller: tradetest.Operator, buyer: tradetest.Direct},
		"AtProvider":     {reason: "the operator keeps its wallet with a provider", caller: c.Caller(tradetest.Operator, access.RoleFinance), seller: tradetest.Provider, buyer: tradetest.Operator},
		"Sales":          {reason: "sales do not touch money", caller: c.Caller(tradetest.Reseller, access.RoleResellerSales), seller: tradetest.Reseller, buyer: tradetest.Sub, class: fault.ClassNotFound},
		"Buyer":          {reason: "nobody fills its own wallet", caller: c.Caller(tradetest.Sub, access.RoleResellerAdmin), seller: tradetest.Reseller, buyer: tradetest.Sub, class: fault.ClassNotFound},
		"Above":          {reason: "a wallet is between the two", caller: c.Caller(tradetest.Operator, access.RoleSuperadmin), seller: tradetest.Reseller, buyer: tradetest.Sub, class: fault.ClassForbidden},
		"Neighbour":      {reason: "a foreign organisation does not exist", caller: c.Caller(tradetest.Neighbour, access.RoleResellerAdmin), seller: tradetest.Reseller, buyer: tradetest.Sub, class: fault.ClassNotFound},
		"NotAPair":       {reason: "money goes hop by hop", caller: c.Caller(tradetest.Reseller, access.RoleResellerAdmin), seller: tradetest.Reseller, buyer: tradetest.Customer, class: fault.ClassInvalid},
		"ForeignToOther": {reason: "nothing crosses a root", caller: c.Caller(tradetest.Foreign, access.RoleSuperadmin), seller: tradetest.Foreign, buyer: tradetest.Direct, class: fault.ClassNotFound},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := c.s.Recharge(t.Context(), tc.caller, input(tc.seller, tc.buyer, "key-"+name, 10))
			if fault.ClassOf(err) != tc.class {
				t.Errorf("%s: got %v, want class %s", tc.reason, err, tc.class)
			}
			_, err = c.s.SetCredit(t.Context(), tc.caller, ledger.CreditInput{WalletKey: walletOf(tc.buyer, tc.seller), Credit: 5})
			if fault.ClassOf(err) != tc.class {
				t.Errorf("%s: the credit line: got %v, want class %s", tc.reason, err, tc.class)
			}
		})
	}
}

func TestRechargeInput(t *testing.T) {
	t.Parallel()
	in := ledger.RechargeInput{Currency: "XXX", Reference: strings.Repeat("x", 201), Note: "a\x00b"}
	want := []string{"idempotency_key", "buyer", "seller", "currency", "amount", "reference", "note"}
	var got []string
	for _, f := range fault.As(in.Validate()).Fields {
		got = append(got, f.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all wrong fields are named at once, -want +got:\n%s", diff)
	}
}

// TestNobodyReadsForeignMoney pays along the chain and searches everything each
// organisation can read for amounts and names of others.
func TestNobodyReadsForeignMoney(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	chain := []string{tradetest.Provider, tradetest.Operator, tradetest.Reseller, tradetest.Sub, tradetest.Customer}
	roles := []access.Role{
		access.RoleProviderViewer, access.RoleSuperadmin, access.RoleResellerAdmin, access.RoleResellerAdmin, access.RoleCustomerAdmin,
	}
	charge := ledger.Transaction{Kind: "charge", Ref: "order-1", Key: "charge"}
	amounts := []money.Amount{11111, 22222, 33333, 44444}
	for i, amount := range amounts {
		keeper := max(i, 1) // the operator keeps what the provider sells
		c.paid(c.Caller(chain[keeper], roles[keeper]), input(chain[i], chain[i+1], fmt.Sprint("key-", i), 10*amount))
		charge.Postings = append(charge.Postings, ledger.ChargePostings(pricing.Leg{
			Terms: pricing.Terms{Seller: chain[i], Buyer: chain[i+1], Settle: pricing.SettleRealtime}, Amount: amount,
		}, "CNY")...)
	}
	c.must(func(tx store.Tx) (err error) {
		charge, err = c.PostTx(tx, charge)
		return err
	})
	for i, org := range chain {
		caller := c.Caller(org, roles[i])
		var read strings.Builder
		for _, answer := range c.everything(caller, chain, charge.ID) {
			raw, err := json.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			read.Write(raw)
		}
		for j, amount := range amounts {
			own := j == i-1 || j == i
			if strings.Contains(read.String(), fmt.Sprint(amount)) != own {
				t.Errorf("%s: its reading holds %d of leg %d: %t", org, amount, j+1, !own)
			}
		}
		for j, other := range chain {
			if (j < i-1 || j > i+1) && strings.Contains(read.String(), `"`+other+`"`) {
				t.Errorf("%s reads the name of %s", org, other)
			}
		}
	}
}

// everything asks for all that a caller could read, of every organisation.
func (c counter) everything(caller access.Caller, orgs []string, transaction string) []any {
	ctx, span := c.t.Context(), ledger.Span{Limit: 100}
	var out []any
	keep := func(answer any, err error) {
		if err == nil {
			out = append(out, answer)
		}
	}
	for _, org := range append([]string{""}, orgs...) {
		for _, side := range []ledger.Side{ledger.SideBuyer, ledger.SideSeller} {
			page, err := c.s.ListWallets(ctx, caller, ledger.WalletsQuery{Org: org, Side: side, Span: span})
			keep(page, err)
		}
		recharges, err := c.s.ListRecharges(ctx, caller, ledger.RechargesQuery{Org: org, Span: span})
		keep(recharges, err)
		accounts, err := c.s.ListAccounts(ctx, caller, ledger.AccountsQuery{Book: org, Span: span})
		keep(accounts, err)
		transactions, err := c.s.ListTransactions(ctx, caller, ledger.TransactionsQuery{Book: org, Span: span})
		keep(transactions, err)
		for _, party := range orgs {
			if org == "" || org == party {
				continue
			}
			w, err := c.s.GetWallet(ctx, caller, walletOf(org, party))
			if w.Posted != 0 {
				keep(w, err)
			}
			entries, err := c.s.ListEntries(ctx, caller, ledger.EntriesQuery{Account: account(org, party, ledger.KindCost), Span: span})
			keep(entries, err)
		}
	}
	t, err := c.s.GetTransaction(ctx, caller, transaction)
	keep(t, err)
	return out
}

func TestReadingOwnMoney(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	seller, buyer := c.Caller(tradetest.Reseller, access.RoleResellerAdmin), c.Caller(tradetest.Sub, access.RoleResellerAdmin)
	row := c.paid(seller, input(tradetest.Reseller, tradetest.Sub, "key", 500))
	credited, err := c.s.SetCredit(t.Context(), seller, ledger.CreditInput{WalletKey: walletOf(tradetest.Sub, tradetest.Reseller), Credit: 100})
	if err != nil || credited.Available != 600 {
		t.Fatalf("credit: %+v, %v; want 600 available", credited, err)
	}
	for name, caller := range map[string]access.Caller{"seller": seller, "buyer": buyer} {
		if got, err := c.s.GetRecharge(t.Context(), caller, row.ID); err != nil || got != row {
			t.Errorf("%s: the recharge %+v, %v", name, got, err)
		}
		if got, err := c.s.GetWallet(t.Context(), caller, walletOf(tradetest.Sub, tradetest.Reseller)); err != nil || got != credited {
			t.Errorf("%s: the wallet %+v, %v", name, got, err)
		}
		if got, err := c.s.GetTransaction(t.Context(), caller, row.TransactionID); err != nil || len(got.Postings) != 2 || got.Actor != "" {
			t.Errorf("%s: the transaction %+v, %v; want the own two postings, no actor", name, got, err)
		}
	}
	for _, q := range []ledger.WalletsQuery{{Side: ledger.SideSeller}, {Org: tradetest.Sub, Side: ledger.SideSeller}} {
		q.Limit = 10
		_, err := c.s.ListWallets(t.Context(), seller, q)
		if want := q.Org != ""; (err != nil) != want {
			t.Errorf("the seller's list of %q: %v", q.Org, err)
		}
	}
	if _, err := c.s.GetRecharge(t.Context(), c.Caller(tradetest.Operator, access.RoleSuperadmin), row.ID); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("the operator reads a recharge between others: %v, want not_found", err)
	}
	if _, err := c.s.ListWallets(t.Context(), seller, ledger.WalletsQuery{Side: "both", Span: ledger.Span{Limit: 1}}); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("an unknown side: %v, want invalid", err)
	}
}

// TestCreditNamesItsVersion: who changes a credit line changes the one it has read,
// whatever orders do to the balance meanwhile.
func TestCreditNamesItsVersion(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	seller := c.Caller(tradetest.Reseller, access.RoleResellerAdmin)
	wallet := walletOf(tradetest.Sub, tradetest.Reseller)
	read := func() uint64 {
		row, err := c.s.GetWallet(t.Context(), seller, wallet)
		if err != nil {
			t.Fatal(err)
		}
		return row.CreditRev()
	}
	set := func(credit money.Amount, rev uint64, key string) error {
		_, err := c.s.SetCredit(t.Context(), seller, ledger.CreditInput{WalletKey: wallet, Credit: credit, Rev: rev, IdempotencyKey: key})
		return err
	}
	first := read()
	c.paid(seller, input(tradetest.Reseller, tradetest.Sub, "key", 500))
	if err := set(100, first, "one"); err != nil {
		t.Errorf("the line that was read, after a payment: %v", err)
	}
	if err := set(200, first, "two"); !errors.Is(err, store.ErrStale) {
		t.Errorf("a line that somebody changed meanwhile: %v, want stale", err)
	}
	if err := set(100, first, "one"); err != nil {
		t.Errorf("the same request again: %v", err)
	}
	if err := set(200, read(), "two"); err != nil {
		t.Errorf("the key of a refused request, with the line as it is: %v", err)
	}
	if err := set(300, 0, ""); err != nil {
		t.Errorf("whatever is there: %v", err)
	}
}
