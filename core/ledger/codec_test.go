package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The stored forms are private, and a damaged file must not crash the broker,
// so their tests stand inside the package.

func sample() Transaction {
	k := WalletKey{Buyer: "buyer", Seller: "seller", Currency: "CNY"}
	return Transaction{
		ID: "id", Kind: "recharge", Ref: "ref", Reverses: "old", Key: "key", Memo: "memo", Actor: "user:1",
		Time: time.Unix(1, 2).UTC(), Postings: RechargePostings(k, -1234),
	}
}

func TestStoredFormsReadBack(t *testing.T) {
	t.Parallel()
	want := sample()
	got, err := decodeTransaction("id", encodeTransaction(want))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("transaction: %v, -want +got:\n%s", err, diff)
	}
	for _, at := range []time.Time{time.Unix(0, 0).UTC(), time.Unix(-5, 7).UTC(), time.Unix(1e9, 1).UTC()} {
		e := Entry{Account: want.Postings[0].Account, Time: at, Seq: 3, Transaction: "id", Amount: -5, Balance: 7}
		back, err := decodeEntry(entryKey(accountKey(e.Account), e.Time, e.Seq), encodeEntry(e))
		if diff := cmp.Diff(e, back); err != nil || diff != "" {
			t.Errorf("entry: %v, -want +got:\n%s", err, diff)
		}
	}
}

func TestKindsKeepTheirCodes(t *testing.T) {
	t.Parallel()
	want := map[Kind]byte{
		KindWallet: 1, KindDeposit: 2, KindCost: 3, KindRevenue: 4, KindCommissionIncome: 5, KindCommissionExpense: 6,
		KindCommissionReceivable: 7, KindCommissionPayable: 8, KindReceivable: 9, KindPayable: 10,
		KindAccruedReceivable: 11, KindAccruedPayable: 12, KindCash: 13,
	}
	for k, code := range want {
		if back, ok := kindOf(code); k.code() != code || !ok || back != k {
			t.Errorf("%s has code %d, which reads as %s; want %d: codes are stored", k, k.code(), back, code)
		}
	}
	if len(want) != len(kinds()) {
		t.Errorf("%d kinds, %d known to this test", len(kinds()), len(want))
	}
}

func FuzzDecode(f *testing.F) {
	t := sample()
	e := Entry{Account: t.Postings[0].Account, Time: t.Time, Seq: 1, Transaction: "id"}
	f.Add(encodeTransaction(t), entryKey(accountKey(e.Account), e.Time, e.Seq))
	f.Add(encodeEntry(e), []byte{1})
	f.Add([]byte{codecVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, []byte{})
	f.Fuzz(func(t *testing.T, value, key []byte) {
		if tr, err := decodeTransaction("id", value); err == nil {
			again, err := decodeTransaction("id", encodeTransaction(tr))
			if diff := cmp.Diff(tr, again); err != nil || diff != "" {
				t.Fatalf("a transaction that was read does not survive writing: %v\n%s", err, diff)
			}
		}
		_, _ = decodeEntry(key, value)
		_, _ = decodeHold("id", value)
		_, _ = decodeLien(value)
		_, _ = decodeWalletKey(value)
	})
}
