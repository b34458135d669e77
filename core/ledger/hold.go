package ledger

import (
	"fmt"
	"slices"

	"tradewind.example/core/money"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// HoldState says how far a hold has come.
type HoldState string

// The states of a hold. It leaves HoldOpen once and for good.
const (
	HoldOpen     HoldState = "open"
	HoldCaptured HoldState = "captured"
	HoldReleased HoldState = "released"
)

// HoldLeg sets an amount of one wallet aside.
type HoldLeg struct {
	Buyer, Seller string
	Currency      money.Currency
	Amount        money.Amount // not negative
}

// Hold sets money of several wallets aside for one thing, all or none.
type Hold struct {
	ID    string // chosen by the caller, unique
	Ref   string // what it is for: an order's id
	Legs  []HoldLeg
	State HoldState // set by the ledger
	// Transaction is the id of the transaction that captured it, or empty.
	Transaction string
}

func (g HoldLeg) wallet() WalletKey {
	return WalletKey{Buyer: g.Buyer, Seller: g.Seller, Currency: g.Currency}
}

// HoldTx sets the money of all legs aside, or nothing. It is refused as
// insufficient_balance when one wallet has too little available; the cause is a
// [ShortError] with the last such leg, the one nearest to the customer. Holding
// the same again while the hold is open changes nothing; after its end it is a
// precondition fault, because the money is no longer there.
func (l *Ledger) HoldTx(tx store.Tx, h Hold) error {
	if err := h.check(); err != nil {
		return err
	}
	old, found, err := l.FindHoldTx(tx, h.ID)
	switch {
	case err != nil:
		return err
	case found && (old.Ref != h.Ref || !slices.Equal(old.Legs, h.Legs)):
		return fault.Conflict("hold %q exists already with other legs", h.ID)
	case found && old.State != HoldOpen:
		return fault.Precondition("hold %q has ended: it is %s", h.ID, old.State)
	case found:
		return nil
	}
	if err := reserve(tx, h.Legs); err != nil {
		return err
	}
	h.State, h.Transaction = HoldOpen, ""
	return writeHold(tx, h)
}

// claim is what a hold wants of one wallet.
type claim struct {
	wallet    WalletKey
	lien      lien
	available money.Amount
}

// reserve adds the legs to what their wallets hold. It looks at all wallets
// before it changes one, so that a refusal leaves nothing behind even when the
// caller commits its transaction.
func reserve(tx store.Tx, legs []HoldLeg) error {
	var claims []claim
	for i := len(legs) - 1; i >= 0; i-- {
		if legs[i].Amount == 0 {
			continue
		}
		c, err := claimOf(tx, &claims, legs[i].wallet())
		if err != nil {
			return err
		}
		if c.available < legs[i].Amount {
			return short(&ShortError{WalletKey: c.wallet, LegIndex: i, Available: c.available, Wanted: legs[i].Amount})
		}
		c.available -= legs[i].Amount
		if c.lien.held, err = c.lien.held.Add(legs[i].Amount); err != nil {
			return err
		}
	}
	for _, c := range claims {
		if err := writeLien(tx, c.wallet, c.lien); err != nil {
			return err
		}
	}
	return nil
}

// claimOf returns the claim on a wallet, reading it the first time. The pointer
// is good until the next call.
func claimOf(r store.Reader, claims *[]claim, k WalletKey) (*claim, error) {
	i := slices.IndexFunc(*claims, func(c claim) bool { return c.wallet == k })
	if i >= 0 {
		return &(*claims)[i], nil
	}
	w, held, err := readWallet(r, k)
	if err != nil {
		return nil, err
	}
	*claims = append(*claims, claim{wallet: k, lien: held, available: w.Available})
	return &(*claims)[len(*claims)-1], nil
}

func changeHeld(tx store.Tx, k WalletKey, by money.Amount) error {
	old, err := readLien(tx, k)
	if err != nil {
		return err
	}
	if old.held, err = old.held.Add(by); err != nil {
		return err
	}
	if old.held < 0 {
		return fault.Internal(nil, "wallet of %q with %q would hold less than nothing", k.Buyer, k.Seller)
	}
	return writeLien(tx, k, old)
}

// CaptureTx ends a hold by posting t: amounts are what each leg pays, at most
// what it held, and must be what t takes from the wallets. The rest is free
// again. Capturing again with the same transaction returns the stored one;
// a hold that ended otherwise is a precondition fault.
func (l *Ledger) CaptureTx(tx store.Tx, holdID string, amounts []money.Amount, t Transaction) (Transaction, error) {
	h, err := l.Hold(tx, holdID)
	if err != nil {
		return Transaction{}, err
	}
	if h.State == HoldCaptured {
		return l.recapture(tx, h, t)
	}
	if h.State != HoldOpen {
		return Transaction{}, fault.Precondition("hold %q cannot be captured: it is %s", holdID, h.State)
	}
	if err := h.covers(amounts, t.Postings); err != nil {
		return Transaction{}, err
	}
	if err := h.free(tx); err != nil {
		return Transaction{}, err
	}
	posted, err := l.post(tx, t, false)
	if err != nil {
		return Transaction{}, fmt.Errorf("capturing hold %q: %w", holdID, err)
	}
	h.State, h.Transaction = HoldCaptured, posted.ID
	return posted, writeHold(tx, h)
}

// recapture answers a repeated capture with what the first one stored.
func (l *Ledger) recapture(tx store.Tx, h Hold, t Transaction) (Transaction, error) {
	stored, found, err := l.ByKeyTx(tx, t.Key)
	if err != nil {
		return Transaction{}, err
	}
	t.Postings = withoutZeros(t.Postings)
	if !found || stored.ID != h.Transaction || !stored.sameContent(t) {
		return Transaction{}, fault.Precondition("hold %q was captured before by another transaction", h.ID)
	}
	return stored, nil
}

// ReleaseTx ends a hold and frees its money. Releasing again changes nothing; a
// captured hold cannot be released and is a precondition fault.
func (l *Ledger) ReleaseTx(tx store.Tx, holdID string) error {
	h, err := l.Hold(tx, holdID)
	if err != nil {
		return err
	}
	switch h.State {
	case HoldReleased:
		return nil
	case HoldCaptured:
		return fault.Precondition("hold %q cannot be released: it was captured", holdID)
	}
	if err := h.free(tx); err != nil {
		return err
	}
	h.State = HoldReleased
	return writeHold(tx, h)
}

// Hold returns a hold.
func (l *Ledger) Hold(r store.Reader, id string) (Hold, error) {
	h, found, err := l.FindHoldTx(r, id)
	if err == nil && !found {
		return Hold{}, fault.NotFound("hold", id)
	}
	return h, err
}

// FindHoldTx returns a hold and whether it exists.
func (l *Ledger) FindHoldTx(r store.Reader, id string) (Hold, bool, error) {
	raw, err := r.Get(bucketHold, []byte(id))
	if err != nil || raw == nil {
		return Hold{}, false, err
	}
	h, err := decodeHold(id, raw)
	return h, err == nil, err
}

// free takes all legs back from what their wallets hold.
func (h Hold) free(tx store.Tx) error {
	for _, g := range h.Legs {
		if g.Amount == 0 {
			continue
		}
		if err := changeHeld(tx, g.wallet(), -g.Amount); err != nil {
			return fmt.Errorf("freeing hold %q: %w", h.ID, err)
		}
	}
	return nil
}

// covers wants the postings to take from each wallet exactly the amounts, and
// no amount to be more than was held, because a capture is not guarded again.
func (h Hold) covers(amounts []money.Amount, postings []Posting) error {
	if len(amounts) != len(h.Legs) {
		return malformed("hold %q has %d legs and is captured with %d amounts", h.ID, len(h.Legs), len(amounts))
	}
	taken := make(map[WalletKey]money.Amount, len(h.Legs))
	for i, g := range h.Legs {
		if amounts[i] < 0 || amounts[i] > g.Amount {
			return malformed("leg %d of hold %q is captured with %d of %d", i, h.ID, amounts[i], g.Amount)
		}
		total, err := taken[g.wallet()].Add(amounts[i])
		if err != nil {
			return err
		}
		taken[g.wallet()] = total
	}
	for _, p := range postings {
		if p.Account.Kind != KindWallet {
			continue
		}
		k := WalletKey{Buyer: p.Account.Book, Seller: p.Account.Party, Currency: p.Account.Currency}
		total, err := taken[k].Add(p.Amount)
		if err != nil {
			return err
		}
		taken[k] = total
	}
	for k, rest := range taken {
		if rest != 0 {
			return malformed("hold %q: the transaction takes other amounts from the wallet of %q with %q than are captured", h.ID, k.Buyer, k.Seller)
		}
	}
	return nil
}

func (h Hold) check() error {
	if h.ID == "" || len(h.ID) > maxText || len(h.Ref) > maxText || len(h.Legs) > MaxPostings {
		return malformed("hold %q is not complete", h.ID)
	}
	for i, g := range h.Legs {
		if g.Amount < 0 {
			return malformed("leg %d of hold %q is negative", i, h.ID)
		}
		if err := g.wallet().account().check(); err != nil {
			return err
		}
	}
	return nil
}

func writeHold(tx store.Tx, h Hold) error {
	w := newWriter(128 + 96*len(h.Legs))
	w.text(string(h.State))
	w.text(h.Ref)
	w.text(h.Transaction)
	w.uint(uint64(len(h.Legs)))
	for _, g := range h.Legs {
		w.text(g.Buyer)
		w.text(g.Seller)
		w.text(string(g.Currency))
		w.amount(g.Amount)
	}
	return tx.Put(bucketHold, []byte(h.ID), w.b)
}

func decodeHold(id string, raw []byte) (Hold, error) {
	r := newReader(raw)
	h := Hold{ID: id, State: HoldState(r.text()), Ref: r.text(), Transaction: r.text()}
	h.Legs = make([]HoldLeg, r.count())
	for i := range h.Legs {
		h.Legs[i] = HoldLeg{Buyer: r.text(), Seller: r.text(), Currency: money.Currency(r.text()), Amount: r.amount()}
	}
	return h, r.end("hold", id)
}
