package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/id"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/money"
	"tradewind.example/core/paging"
	"tradewind.example/core/store"
	"tradewind.example/core/trade"
	"tradewind.example/sdk/fault"
)

// RechargeState says how far a recharge has come.
type RechargeState string

// RechargePosted means that the money is in the wallet.
const RechargePosted RechargeState = "posted"

// Recharge is money that a buyer paid to its seller outside this system and
// that the seller's finance put into the wallet.
type Recharge struct {
	ID            string
	Buyer, Seller string
	Currency      money.Currency
	Amount        money.Amount
	Reference     string // of the payment: the bank's number
	Note          string
	State         RechargeState
	Keeper        string // whose staff recorded it
	Actor         string
	TransactionID string
	Created       time.Time
}

// RechargeInput records a payment.
type RechargeInput struct {
	IdempotencyKey string
	Buyer, Seller  string
	Currency       money.Currency
	Amount         money.Amount // greater than 0
	Reference      string       // required, at most 200 bytes
	Note           string       // at most 2000 bytes
}

const rechargesByParty = "party" // (buyer or seller, created, id)

func newRecharges() *store.Collection[Recharge] {
	return store.NewCollection("recharge", func(r *Recharge) string { return r.ID },
		store.Index[Recharge]{Name: rechargesByParty, Keys: func(r *Recharge) [][]byte {
			return [][]byte{store.Key(r.Buyer, r.Created, r.ID), store.Key(r.Seller, r.Created, r.ID)}
		}},
	)
}

// Validate collects what is wrong with the input.
func (in RechargeInput) Validate() error {
	var fields []fault.Field
	bad := func(path, message string) { fields = append(fields, fault.Field{Path: path, Message: message}) }
	if f, wrong := idempotency.Problem(in.IdempotencyKey); wrong {
		fields = append(fields, f)
	}
	if in.Buyer == "" {
		bad("buyer", "is required")
	}
	if in.Seller == "" {
		bad("seller", "is required")
	}
	if !in.Currency.Valid() {
		bad("currency", "is not a known ISO 4217 code")
	}
	if in.Amount <= 0 {
		bad("amount", "must be greater than 0")
	}
	if in.Reference == "" {
		bad("reference", "is required: give the bank's number of the payment")
	}
	if problem := textProblem(in.Reference, 200); problem != "" {
		bad("reference", problem)
	}
	if problem := textProblem(in.Note, 2000); problem != "" {
		bad("note", problem)
	}
	return fault.InvalidFields(fields)
}

func textProblem(s string, most int) string {
	switch {
	case len(s) > most:
		return fmt.Sprintf("must have at most %d bytes", most)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return "must be text without control characters"
	}
	return ""
}

// Recharge puts a payment into a wallet. The same key with the same input
// returns the first answer and moves no money.
func (s *Service) Recharge(ctx context.Context, c access.Caller, in RechargeInput) (Recharge, error) {
	if err := in.Validate(); err != nil {
		return Recharge{}, err
	}
	body, err := idempotency.HashOf(in)
	if err != nil {
		return Recharge{}, err
	}
	scope := idempotency.Scope{Org: c.OrgID, Operation: string(access.WalletRecharge)}
	var out Recharge
	err = s.store.Update(ctx, func(tx store.Tx) error {
		pair, err := s.pairs.KeepTx(tx, c, access.WalletRecharge, in.Seller, in.Buyer)
		if err != nil {
			return err
		}
		ref, replay, err := s.keys.Claim(tx, scope, in.IdempotencyKey, body)
		if err != nil {
			return err
		}
		if replay {
			doc, err := s.recharges.Get(tx, ref)
			out = doc.Value
			return err
		}
		if out, err = s.rechargeTx(tx, c, in, pair); err != nil {
			return err
		}
		return s.keys.Bind(tx, scope, in.IdempotencyKey, out.ID)
	})
	if err != nil {
		return Recharge{}, fmt.Errorf("recharging a wallet: %w", err)
	}
	return out, nil
}

// recordedRecharge is a recharge as the audit log tells of it: with its amount in
// units of the currency.
type recordedRecharge struct {
	Recharge
	Amount string
}

func (r Recharge) recorded() recordedRecharge {
	return recordedRecharge{Recharge: r, Amount: r.Amount.Format(r.Currency)}
}

func (s *Service) rechargeTx(tx store.Tx, c access.Caller, in RechargeInput, pair trade.Pair) (Recharge, error) {
	row := Recharge{
		ID: id.New(), Buyer: in.Buyer, Seller: in.Seller, Currency: in.Currency, Amount: in.Amount,
		Reference: in.Reference, Note: in.Note, State: RechargePosted, Keeper: pair.Keeper,
		Actor: c.Actor(), Created: s.clock.Now(),
	}
	wallet := WalletKey{Buyer: in.Buyer, Seller: in.Seller, Currency: in.Currency}
	posted, err := s.ledger.PostTx(tx, Transaction{
		Kind: "recharge", Ref: row.ID, Key: "recharge:" + row.ID, Actor: row.Actor,
		Postings: RechargePostings(wallet, in.Amount),
	})
	if err != nil {
		return Recharge{}, err
	}
	row.TransactionID = posted.ID
	if _, err := s.recharges.Insert(tx, row); err != nil {
		return Recharge{}, err
	}
	return row, s.audit(tx, c, pair.Keeper, audit.Record{
		Action: string(access.WalletRecharge), Thing: "recharge", ID: row.ID, After: row.recorded(),
	})
}

// GetRecharge returns a recharge to its buyer or seller.
func (s *Service) GetRecharge(ctx context.Context, c access.Caller, id string) (Recharge, error) {
	var out Recharge
	err := s.store.View(ctx, func(r store.Reader) error {
		doc, err := s.recharges.Get(r, id)
		if err != nil {
			return err
		}
		out = doc.Value
		target := access.Target{Thing: "recharge", ID: id}
		if err := s.access.CheckAny(r, c, access.WalletRead, target, out.Buyer, out.Seller); err != nil {
			return err
		}
		if !trade.Private(c, out.Seller, out.Buyer) {
			return fault.NotFound("recharge", id)
		}
		return nil
	})
	if err != nil {
		return Recharge{}, err
	}
	return out, nil
}

// RechargesQuery asks for the recharges of one organisation as buyer or seller.
type RechargesQuery struct {
	Org      string // empty: the caller's own
	Other    string // the org on the other side
	State    RechargeState
	Currency money.Currency
	From, To time.Time // created; half-open, zero is open
	Span
}

func (q RechargesQuery) admits(r *Recharge) bool {
	switch {
	case q.Other != "" && r.Seller != q.Other && r.Buyer != q.Other:
		return false
	case q.State != "" && r.State != q.State, q.Currency != "" && r.Currency != q.Currency:
		return false
	}
	return true
}

// ListRecharges lists recharges, newest first: those between the organisation
// and the caller's own.
func (s *Service) ListRecharges(ctx context.Context, c access.Caller, q RechargesQuery) (Page[Recharge], error) {
	if q.Org == "" {
		q.Org = c.OrgID
	}
	var out Page[Recharge]
	err := s.store.View(ctx, func(r store.Reader) error {
		if err := s.access.Check(r, c, access.WalletRead, access.Target{OrgID: q.Org, Thing: "recharge"}); err != nil {
			return err
		}
		sq := store.Query{Index: rechargesByParty, Prefix: store.Key(q.Org), Cursor: q.Cursor, Limit: q.Limit, Reverse: !q.OldestFirst}
		sq.From, sq.To = paging.Between(q.From, q.To)
		page, err := paging.Where(r, s.recharges, sq, func(row *Recharge) bool {
			return q.admits(row) && trade.Private(c, row.Seller, row.Buyer)
		})
		for _, doc := range page.Items {
			out.Items = append(out.Items, doc.Value)
		}
		out.Next = page.Next
		return err
	})
	return out, err
}
