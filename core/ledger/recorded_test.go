package ledger_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/ledger"
	"tradewind.example/core/store"
	"tradewind.example/core/trade/tradetest"
)

// TestTheAuditLogTellsMoneyInUnits: nobody has to know how many decimals a
// currency has.
func TestTheAuditLogTellsMoneyInUnits(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	finance := c.Caller(tradetest.Reseller, access.RoleResellerAdmin)
	c.paid(finance, input(tradetest.Reseller, tradetest.Sub, "key", 1250))
	wallet := walletOf(tradetest.Sub, tradetest.Reseller)
	if _, err := c.s.SetCredit(t.Context(), finance, ledger.CreditInput{WalletKey: wallet, Credit: 7}); err != nil {
		t.Fatal(err)
	}
	var page audit.Page
	err := c.st.View(t.Context(), func(r store.Reader) (err error) {
		page, err = audit.List(r, audit.Query{Org: tradetest.Reseller, Limit: 10, OldestFirst: true})
		return err
	})
	if err != nil || len(page.Items) != 2 {
		t.Fatalf("%d records: %v", len(page.Items), err)
	}
	type told struct{ Amount, Posted, Credit, Available, Currency string }
	for i, want := range []told{{Amount: "12.50", Currency: "CNY"}, {Posted: "12.50", Credit: "0.07", Available: "12.57", Currency: "CNY"}} {
		var got told
		if err := json.Unmarshal(page.Items[i].After, &got); err != nil {
			t.Fatalf("%s: %v", page.Items[i].After, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, -want +got:\n%s", page.Items[i].Action, diff)
		}
	}
}

// TestWalletsAndAccountsAreChosenAndSorted walks both lists in pages of one.
func TestWalletsAndAccountsAreChosenAndSorted(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	finance := c.Caller(tradetest.Reseller, access.RoleResellerAdmin)
	dollars := input(tradetest.Reseller, tradetest.Sub, "key-2", 9)
	dollars.Currency = "USD"
	c.paid(finance, input(tradetest.Reseller, tradetest.Sub, "key-1", 5))
	c.paid(finance, dollars)
	for name, tc := range map[string]struct {
		reason string
		q      ledger.WalletsQuery
		want   []string
	}{
		"ByCurrency": {"in the order of the currencies", ledger.WalletsQuery{Sort: ledger.SortCurrency}, []string{"USD", "CNY"}},
		"Currency":   {"one currency", ledger.WalletsQuery{Sort: ledger.SortCurrency, Currency: "USD"}, []string{"USD"}},
		"ByBuyer":    {"one currency, by the other side", ledger.WalletsQuery{Currency: "CNY"}, []string{"CNY"}},
		"Other":      {"one buyer", ledger.WalletsQuery{Other: tradetest.Sub}, []string{"USD", "CNY"}},
		"Nobody":     {"one who holds nothing", ledger.WalletsQuery{Other: tradetest.Customer}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			q := tc.q
			q.Side, q.Limit = ledger.SideSeller, 1
			for {
				page, err := c.s.ListWallets(t.Context(), finance, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, w := range page.Items {
					got = append(got, string(w.Currency))
				}
				if q.Cursor = page.Next; q.Cursor == "" {
					break
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
	for name, tc := range map[string]struct {
		reason string
		of     ledger.AccountsChoice
		want   []string
	}{
		"All":      {"by the names of the kinds, from the last", ledger.AccountsChoice{}, []string{"deposit USD", "deposit CNY", "cash USD", "cash CNY"}},
		"Kind":     {"one kind", ledger.AccountsChoice{Kind: ledger.KindCash}, []string{"cash USD", "cash CNY"}},
		"Currency": {"one currency", ledger.AccountsChoice{Currency: "CNY"}, []string{"deposit CNY", "cash CNY"}},
		"Party":    {"one party", ledger.AccountsChoice{Party: tradetest.Customer}, nil},
	} {
		t.Run("Accounts"+name, func(t *testing.T) {
			t.Parallel()
			var got []string
			q := ledger.AccountsQuery{AccountsChoice: tc.of, Span: ledger.Span{Limit: 1}}
			for {
				page, err := c.s.ListAccounts(t.Context(), finance, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range page.Items {
					got = append(got, string(a.Account.Kind)+" "+string(a.Account.Currency))
				}
				if q.Cursor = page.Next; q.Cursor == "" {
					break
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}
