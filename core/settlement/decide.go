package settlement

import (
	"context"
	"fmt"
	"unicode/utf8"

	"tradewind.example/core/access"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/ledger"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// maxNote bounds the note of a decision.
const maxNote = 2000

// Decision is what the buyer or the seller says to a statement.
type Decision struct {
	StatementID    string
	Note           string
	IdempotencyKey string // may be empty: deciding again changes nothing by itself
}

// Agree settles an open statement: what accrued becomes payable, net of
// commissions, in one transaction with the statement's state. Agreeing to a
// settled statement again changes nothing.
func (s *Service) Agree(ctx context.Context, c access.Caller, in Decision) (Statement, error) {
	return s.decide(ctx, c, access.StatementAgree, in, func(tx store.Tx, v *Statement) error {
		if v.State == StateSettled {
			return nil
		}
		if v.State != StateOpen {
			return wrongState(v, "agreed")
		}
		now := s.cfg.Clock.Now()
		v.move(StateAgreed, now, c.Actor(), in.Note)
		if err := s.post(tx, v, c.Actor()); err != nil {
			return fmt.Errorf("posting statement %q: %w", v.ID, err)
		}
		v.move(StateSettled, now, "system", "")
		return nil
	})
}

func (s *Service) post(tx store.Tx, v *Statement, actor string) error {
	postings, err := ledger.SettlePostings(ledger.Settlement{
		Seller: v.Seller, Buyer: v.Buyer, Currency: v.Currency, Period: v.Totals.PeriodAmount,
		PeriodCommission: v.Totals.PeriodCommission, RealtimeCommission: v.Totals.RealtimeCommission,
	})
	if err != nil || len(postings) == 0 {
		return err
	}
	t, err := s.cfg.Ledger.PostTx(tx, ledger.Transaction{
		Kind: "settle", Ref: v.ID, Key: "statement/" + v.ID + "/settle", Actor: actor, Postings: postings,
	})
	v.TransactionID = t.ID
	return err
}

// Refuse ends an open statement without settling it: its bills become
// unsettled again, and a later run may collect them. Refusing a refused
// statement again changes nothing.
func (s *Service) Refuse(ctx context.Context, c access.Caller, in Decision) (Statement, error) {
	return s.decide(ctx, c, access.StatementRefuse, in, func(tx store.Tx, v *Statement) error {
		if v.State == StateRefused {
			return nil
		}
		if v.State != StateOpen {
			return wrongState(v, "refused")
		}
		v.move(StateRefused, s.cfg.Clock.Now(), c.Actor(), in.Note)
		v.Returning = true
		_, err := s.cfg.Jobs.Enqueue(tx, job.Job{Kind: ReturnJobKind, Ref: v.ID, OrgID: v.Seller})
		return err
	})
}

func wrongState(v *Statement, wanted string) error {
	return fault.Precondition("statement %q is %s: only an open one can be %s", v.ID, v.State, wanted)
}

func (s *Service) decide(ctx context.Context, c access.Caller, right access.Right, in Decision, do func(store.Tx, *Statement) error) (Statement, error) {
	if !utf8.ValidString(in.Note) || utf8.RuneCountInString(in.Note) > maxNote {
		return Statement{}, fault.Invalid("note", "must be text of at most %d characters", maxNote)
	}
	var out Statement
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		d, err := s.get(tx, c, right, in.StatementID)
		if err != nil {
			return err
		}
		out = d.Value
		scope := idempotency.Scope{Org: c.OrgID, Operation: string(right)}
		replay, err := s.cfg.Keys.Once(tx, scope, in.IdempotencyKey, in, out.ID)
		if err != nil || replay {
			return err
		}
		before := out.State
		if err := do(tx, &out); err != nil || out.State == before {
			return err
		}
		out.Note = in.Note
		if _, err := s.statements.Update(tx, out, d.Rev); err != nil {
			return err
		}
		return s.record(tx, out, c.Actor(), c.RequestID, right)
	})
	if err != nil {
		return Statement{}, err
	}
	return out, nil
}
