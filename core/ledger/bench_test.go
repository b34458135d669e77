package ledger_test

import (
	"fmt"
	"testing"

	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
)

// BenchmarkHundredSales holds and captures a hundred sales over three realtime
// legs in one transaction, as a group commit does: twelve postings for each.
func BenchmarkHundredSales(b *testing.B) {
	bk := open(b)
	orgs := chainOrgs()
	var legs []ledger.HoldLeg
	var postings []ledger.Posting
	amounts := []money.Amount{1, 1, 1}
	for i := range 3 {
		bk.recharge(walletOf(orgs[i+1], orgs[i]), 1<<50, orgs[i])
		legs = append(legs, ledger.HoldLeg{Buyer: orgs[i+1], Seller: orgs[i], Currency: "CNY", Amount: 1})
		postings = append(postings, ledger.ChargePostings(pricing.Leg{
			Terms: pricing.Terms{Seller: orgs[i], Buyer: orgs[i+1], Settle: pricing.SettleRealtime}, Amount: 1,
		}, "CNY")...)
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		bk.must(func(tx store.Tx) error {
			for range 100 {
				n++
				id := fmt.Sprintf("0190b5a4-7a4e-7c3e-9b1f-%012d", n)
				if err := bk.HoldTx(tx, ledger.Hold{ID: id, Ref: id, Legs: legs}); err != nil {
					return err
				}
				t := ledger.Transaction{Kind: "charge", Ref: id, Key: "charge:" + id, Postings: postings}
				if _, err := bk.CaptureTx(tx, id, amounts, t); err != nil {
					return err
				}
			}
			return nil
		})
	}
}
