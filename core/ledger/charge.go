package ledger

import (
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
)

// ChargePostings is how money moves when one priced leg is delivered: the
// buyer's cost is the seller's revenue, paid from the wallet at once or accrued
// until the statement. A commission is accrued on both sides in either case.
// Zero amounts post nothing.
func ChargePostings(leg pricing.Leg, c money.Currency) []Posting {
	return legPostings(leg, c, +1)
}

// RefundPostings is the reverse of ChargePostings for the leg of a refund, whose
// amounts are what goes back (see [pricing.Result.Refund]). The transaction
// that carries them names the charge in Reverses.
func RefundPostings(leg pricing.Leg, c money.Currency) []Posting {
	return legPostings(leg, c, -1)
}

func legPostings(leg pricing.Leg, c money.Currency, sign money.Amount) []Posting {
	b := pair{buyer: leg.Buyer, seller: leg.Seller, currency: c}
	amount, commission := sign*leg.Amount, sign*leg.Commission
	paid, mirrored := KindAccruedPayable, KindAccruedReceivable
	if leg.Settle == pricing.SettleRealtime {
		paid, mirrored = KindWallet, KindDeposit
	}
	b.buyerMoves(KindCost, paid, amount)
	b.sellerMoves(mirrored, KindRevenue, amount)
	b.sellerMoves(KindCommissionExpense, KindCommissionPayable, commission)
	b.buyerMoves(KindCommissionReceivable, KindCommissionIncome, commission)
	return b.postings
}

// Settlement is what a statement of one seller and buyer sums up. Refunds count
// as negative.
type Settlement struct {
	Seller, Buyer      string
	Currency           money.Currency
	Period             money.Amount // amounts of the period legs
	PeriodCommission   money.Amount // commissions of the period legs
	RealtimeCommission money.Amount // commissions of the realtime legs
}

// SettlePostings is how money moves when a statement is agreed: what accrued
// becomes payable, net of its commissions; commissions of legs that were paid
// at once are credited to the wallet. When refunds made the latter negative,
// they are added to what is payable instead, because a wallet is never drawn on
// without a hold.
func SettlePostings(s Settlement) ([]Posting, error) {
	toWallet, toPayable := s.RealtimeCommission, s.PeriodCommission
	if toWallet < 0 {
		var err error
		if toPayable, err = toPayable.Add(toWallet); err != nil {
			return nil, err
		}
		toWallet = 0
	}
	if _, err := s.Period.Sub(toPayable); err != nil {
		return nil, err
	}
	b := pair{buyer: s.Buyer, seller: s.Seller, currency: s.Currency}
	b.buyerMoves(KindAccruedPayable, KindPayable, s.Period)
	b.sellerMoves(KindReceivable, KindAccruedReceivable, s.Period)
	b.buyerMoves(KindPayable, KindCommissionReceivable, toPayable)
	b.sellerMoves(KindCommissionPayable, KindReceivable, toPayable)
	b.buyerMoves(KindWallet, KindCommissionReceivable, toWallet)
	b.sellerMoves(KindCommissionPayable, KindDeposit, toWallet)
	return b.postings, nil
}

// RechargePostings is how money moves when a buyer pays into its wallet outside
// this system: the buyer's cash goes to the seller.
func RechargePostings(k WalletKey, amount money.Amount) []Posting {
	b := pair{buyer: k.Buyer, seller: k.Seller, currency: k.Currency}
	b.buyerMoves(KindWallet, KindCash, amount)
	b.sellerMoves(KindCash, KindDeposit, amount)
	return b.postings
}

// pair collects postings in the books of one buyer and one seller. Each move
// debits one account and credits another of the same book, so every book sums
// to zero by construction.
type pair struct {
	buyer, seller string
	currency      money.Currency
	postings      []Posting
}

func (p *pair) buyerMoves(debit, credit Kind, amount money.Amount) {
	p.move(p.buyer, p.seller, debit, credit, amount)
}

func (p *pair) sellerMoves(debit, credit Kind, amount money.Amount) {
	p.move(p.seller, p.buyer, debit, credit, amount)
}

func (p *pair) move(book, party string, debit, credit Kind, amount money.Amount) {
	if amount == 0 {
		return
	}
	p.postings = append(p.postings,
		Posting{Account: Account{Book: book, Party: party, Kind: debit, Currency: p.currency}, Amount: amount},
		Posting{Account: Account{Book: book, Party: party, Kind: credit, Currency: p.currency}, Amount: -amount},
	)
}
