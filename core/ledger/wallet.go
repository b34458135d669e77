package ledger

import (
	"fmt"
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// WalletKey names the prepaid balance that a buyer holds with a seller.
type WalletKey struct {
	Buyer, Seller string
	Currency      money.Currency
}

// Wallet is the state of a wallet.
type Wallet struct {
	Posted    money.Amount // paid in less spent
	Held      money.Amount // set aside by open holds
	Credit    money.Amount // the seller's credit line
	Available money.Amount // posted - held + credit; negative only after a credit line was lowered
}

// CreditRev is the version of the wallet's credit line, from 1. It changes with
// the line alone: orders that move the balance meanwhile stand in nobody's way.
func (w Wallet) CreditRev() uint64 { return uint64(max(w.Credit, 0)) + 1 }

// ShortError is the cause of an insufficient_balance fault. It may name an
// organisation that the caller must not know: show it only to a caller that is
// Buyer or Seller.
type ShortError struct {
	WalletKey
	LegIndex          int // of the hold's legs; -1 when money was to be taken without a hold
	Available, Wanted money.Amount
}

// Error says what is missing, for operators.
func (e *ShortError) Error() string {
	return fmt.Sprintf("wallet of %q with %q: %s %s available, %s wanted",
		e.Buyer, e.Seller, e.Available.Format(e.Currency), e.Currency, e.Wanted.Format(e.Currency))
}

func short(e *ShortError) error {
	return fault.New(fault.ClassInsufficientBalance, "the balance is not enough; recharge the wallet or ask for credit").With(e)
}

func (k WalletKey) account() Account {
	return Account{Book: k.Buyer, Party: k.Seller, Kind: KindWallet, Currency: k.Currency}
}

func (k WalletKey) key() []byte  { return store.Key(k.Buyer, k.Seller, string(k.Currency)) }
func (k WalletKey) sold() []byte { return store.Key(k.Seller, k.Buyer, string(k.Currency)) }

// byCurrency are the wallet's places among those of its buyer and its seller.
func (k WalletKey) byCurrency() [2][]byte {
	return [2][]byte{
		store.Key(string(SideBuyer), k.Buyer, string(k.Currency), k.Seller), store.Key(string(SideSeller), k.Seller, string(k.Currency), k.Buyer),
	}
}

// lien is what stands against a wallet's posted balance.
type lien struct {
	held, credit money.Amount
	exists       bool
}

func readLien(r store.Reader, k WalletKey) (lien, error) {
	raw, err := r.Get(bucketWallet, k.key())
	if err != nil || raw == nil {
		return lien{}, err
	}
	return decodeLien(raw)
}

func decodeLien(raw []byte) (lien, error) {
	d := newReader(raw)
	l := lien{held: d.amount(), credit: d.amount(), exists: true}
	d.skip(3) // the wallet's names, see decodeWalletKey
	return l, d.end("wallet", "")
}

func decodeWalletKey(raw []byte) (WalletKey, error) {
	d := newReader(raw)
	_, _ = d.amount(), d.amount()
	k := WalletKey{Buyer: d.text(), Seller: d.text(), Currency: money.Currency(d.text())}
	return k, d.end("wallet", "")
}

// writeLien stores the lien with the wallet's names, so that a list needs no
// other source.
func writeLien(tx store.Tx, k WalletKey, l lien) error {
	w := newWriter(len(k.Buyer) + len(k.Seller) + 32)
	w.amount(l.held)
	w.amount(l.credit)
	w.text(k.Buyer)
	w.text(k.Seller)
	w.text(string(k.Currency))
	if err := tx.Put(bucketWallet, k.key(), w.b); err != nil || l.exists {
		return err
	}
	if err := tx.Put(bucketSold, k.sold(), k.key()); err != nil {
		return err
	}
	return k.writeByCurrency(tx)
}

func (k WalletKey) writeByCurrency(tx store.Tx) error {
	for _, place := range k.byCurrency() {
		if err := tx.Put(bucketCurrency, place, k.key()); err != nil {
			return err
		}
	}
	return nil
}

// ReindexWallets writes anew by which wallets are found, for a migration.
func ReindexWallets(tx store.Tx) error {
	return tx.Scan(bucketWallet, store.Prefix().All(), func(_, v []byte) error {
		k, err := decodeWalletKey(v)
		if err != nil {
			return err
		}
		return k.writeByCurrency(tx)
	})
}

// balances adds a posted balance and a lien up.
func balances(posted money.Amount, l lien) (Wallet, error) {
	free, err := posted.Sub(l.held)
	if err != nil {
		return Wallet{}, err
	}
	available, err := free.Add(l.credit)
	return Wallet{Posted: posted, Held: l.held, Credit: l.credit, Available: available}, err
}

// Wallet returns the state of a wallet; a wallet that was never used is empty.
func (l *Ledger) Wallet(r store.Reader, k WalletKey) (Wallet, error) {
	w, _, err := readWallet(r, k)
	return w, err
}

func readWallet(r store.Reader, k WalletKey) (Wallet, lien, error) {
	e, err := lastEntry(r, accountKey(k.account()), time.Time{})
	if err != nil {
		return Wallet{}, lien{}, err
	}
	held, err := readLien(r, k)
	if err != nil {
		return Wallet{}, lien{}, err
	}
	w, err := balances(e.Balance, held)
	return w, held, err
}

// SetCreditTx sets the credit line of a wallet. Lowering it below what is used
// takes nothing back: it only stops new spending.
func (l *Ledger) SetCreditTx(tx store.Tx, k WalletKey, credit money.Amount) error {
	if credit < 0 {
		return fault.Invalid("credit", "must not be negative")
	}
	if err := k.account().check(); err != nil {
		return err
	}
	old, err := readLien(tx, k)
	if err != nil {
		return err
	}
	old.credit = credit
	return writeLien(tx, k, old)
}

// moveWallets makes wallets known on their first posting and, when guarded,
// refuses to take more from one than is available.
func (l *Ledger) moveWallets(tx store.Tx, touched []head, postings []Posting, guarded bool) error {
	for _, h := range touched {
		if h.account.Kind != KindWallet {
			continue
		}
		k := WalletKey{Buyer: h.account.Book, Seller: h.account.Party, Currency: h.account.Currency}
		held, err := readLien(tx, k)
		if err != nil {
			return err
		}
		change, err := changeOf(postings, h.account)
		if err != nil {
			return err
		}
		if guarded && change < 0 {
			if err := covers(h.last.Balance, held, k, change); err != nil {
				return err
			}
		}
		if !held.exists {
			if err := writeLien(tx, k, held); err != nil {
				return err
			}
		}
	}
	return nil
}

// covers refuses a change below zero that is more than the wallet's available
// money.
func covers(posted money.Amount, held lien, k WalletKey, change money.Amount) error {
	wanted, err := change.Neg()
	if err != nil {
		return err
	}
	b, err := balances(posted, held)
	if err != nil {
		return err
	}
	if b.Available < wanted {
		return short(&ShortError{WalletKey: k, LegIndex: -1, Available: b.Available, Wanted: wanted})
	}
	return nil
}

// changeOf sums what the postings do to one account.
func changeOf(postings []Posting, a Account) (money.Amount, error) {
	var total money.Amount
	for _, p := range postings {
		if p.Account != a {
			continue
		}
		var err error
		if total, err = total.Add(p.Amount); err != nil {
			return 0, err
		}
	}
	return total, nil
}
