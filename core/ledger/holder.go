package ledger

import (
	"fmt"
	"time"

	"tradewind.example/core/store"
)

// maxHeld bounds how many balances a refusal to delete an organisation names.
const maxHeld = 20

// Holds tells what an organisation still owes or is owed, in words for the one
// who wants to delete it; none when all balances that somebody has to settle
// are zero. It names no other organisation and at most maxHeld balances.
func (l *Ledger) Holds(r store.Reader, org string) ([]string, error) {
	var held []string
	span := Span{Limit: store.MaxList}
	for {
		page, err := l.Accounts(r, org, time.Time{}, span)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Items {
			if a.Balance != 0 && a.Account.Kind.settles() {
				c := a.Account.Currency
				held = append(held, fmt.Sprintf("a %s balance of %s %s", a.Account.Kind, a.Balance.Format(c), c))
			}
		}
		if page.Next == "" || len(held) >= maxHeld {
			return held[:min(len(held), maxHeld)], nil
		}
		span.Cursor = page.Next
	}
}

// settles reports whether a balance of this kind is a claim between two
// organisations, and not a record of what was earned or spent.
func (k Kind) settles() bool {
	switch k {
	case KindCost, KindRevenue, KindCommissionIncome, KindCommissionExpense, KindCash:
		return false
	}
	return true
}
