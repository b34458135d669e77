package ledger

import (
	"slices"

	"tradewind.example/core/money"
)

// Kind says what an account counts.
type Kind string

// The kinds of account. Party is the other organisation of the pair.
const (
	KindWallet               Kind = "wallet"                // asset: prepaid with the seller Party
	KindDeposit              Kind = "deposit"               // liability: the buyer Party's wallet, mirrored
	KindCost                 Kind = "cost"                  // bought from Party
	KindRevenue              Kind = "revenue"               // sold to Party
	KindCommissionIncome     Kind = "commission_income"     // commission earned from the seller Party
	KindCommissionExpense    Kind = "commission_expense"    // commission granted to the buyer Party
	KindCommissionReceivable Kind = "commission_receivable" // earned, not settled
	KindCommissionPayable    Kind = "commission_payable"    // granted, not settled
	KindReceivable           Kind = "receivable"            // agreed with the buyer Party, not paid
	KindPayable              Kind = "payable"               // agreed with the seller Party, not paid
	KindAccruedReceivable    Kind = "accrued_receivable"    // sold to Party, in no agreed statement
	KindAccruedPayable       Kind = "accrued_payable"       // bought from Party, in no agreed statement
	KindCash                 Kind = "cash"                  // money outside this system
)

// kinds lists all kinds in the order of their stored codes, from 1: append only.
func kinds() []Kind {
	return []Kind{
		KindWallet, KindDeposit, KindCost, KindRevenue, KindCommissionIncome, KindCommissionExpense, KindCommissionReceivable,
		KindCommissionPayable, KindReceivable, KindPayable, KindAccruedReceivable, KindAccruedPayable, KindCash,
	}
}

// Valid reports whether k is one of the kinds.
func (k Kind) Valid() bool { return k.code() != 0 }

func (k Kind) code() byte { return byte(slices.Index(kinds(), k) + 1) }

func kindOf(code byte) (Kind, bool) {
	all := kinds()
	if code == 0 || int(code) > len(all) {
		return "", false
	}
	return all[code-1], true
}

// Account is one account of one organisation's book.
type Account struct {
	Book     string // the organisation whose book it is
	Party    string // the other organisation; may be empty for cash
	Kind     Kind
	Currency money.Currency
}

// Posting changes one account: positive debits it, negative credits it.
type Posting struct {
	Account Account
	Amount  money.Amount
}
