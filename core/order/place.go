package order

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/billing"
	"tradewind.example/core/id"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/store"
)

// request is what all kinds of order have in common while they are placed.
type request struct {
	caller access.Caller
	right  access.Right
	target access.Target
	scope  string // the idempotency scope's operation
	key    string
	body   idempotency.Hash
	// findable means that the cloud can tell by the token what became of the
	// order's call, so that it may be marked as called a little early.
	findable bool
}

func (q request) keyScope() idempotency.Scope {
	return idempotency.Scope{Org: q.caller.OrgID, Operation: q.scope}
}

// earlier checks the right and returns the order that the same request made
// before.
func (s *Service) earlier(r store.Reader, q request) (Order, bool, error) {
	if err := s.cfg.Authority.Check(r, q.caller, q.right, q.target); err != nil {
		return Order{}, false, err
	}
	ref, found, err := s.cfg.Keys.Find(r, q.keyScope(), q.key, q.body)
	if err != nil || !found {
		return Order{}, false, err
	}
	d, err := s.orders.Get(r, ref)
	return d.Value, err == nil, err
}

// place runs the one transaction that makes an order: the claim of the key,
// whatever draft does (prices, checks, the resource's mark), the hold, the
// order with its token, its job and the audit record; all or nothing.
func (s *Service) place(ctx context.Context, q request, draft func(tx store.Tx, o *Order) error) (Order, error) {
	var out Order
	s.reached("before_placed")
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		old, replay, err := s.earlier(tx, q)
		if err != nil || replay {
			out = old
			return err
		}
		o := s.blank(q)
		if err := s.cfg.Keys.Take(tx, q.keyScope(), q.key, q.body, o.ID); err != nil {
			return err
		}
		if err := draft(tx, &o); err != nil {
			return err
		}
		out = o
		return s.storeNew(tx, q, &out)
	})
	s.reached("after_placed")
	return out, err
}

func (s *Service) blank(q request) Order {
	now := s.cfg.Clock.Now()
	return Order{
		ID: id.New(), Token: "tw-" + id.New(), IdempotencyKey: q.key, Actor: q.caller.Actor(),
		RequestID: q.caller.RequestID, RootID: q.caller.RootID, Created: now, Updated: now,
	}
}

func (s *Service) storeNew(tx store.Tx, q request, o *Order) error {
	for _, to := range [...]State{StateDraft, StateQuoted, StateHeld} {
		if err := o.move(to, o.Created, o.Actor, ""); err != nil {
			return err
		}
	}
	if err := s.hold(tx, o); err != nil {
		return err
	}
	o.Units = units(o.Token, max(o.Term.Quantity, 1))
	var begun Order
	jobID := id.New()
	tx.OnCommit(func() { // before that of the job: its run finds the order here
		if begun.ID != "" {
			s.begun.Store(jobID, begun)
		}
	})
	j, err := s.cfg.Jobs.Begin(tx, job.Job{ID: jobID, Kind: JobKind, Ref: o.ID, OrgID: o.OrgID, Trace: q.caller.Trace})
	if err != nil {
		return fmt.Errorf("enqueuing order %q: %w", o.ID, err)
	}
	o.JobID = j.ID
	if q.findable && j.State == job.StateRunning {
		if err := o.mark(&o.Units[0], o.Created); err != nil {
			return err
		}
		o.Units[0].Marked = j.ID
	}
	if _, err := s.orders.Insert(tx, *o); err != nil {
		return fmt.Errorf("storing order %q: %w", o.ID, err)
	}
	if j.State == job.StateRunning && o.ResourceID == "" {
		begun = o.copy()
	}
	return s.record(tx, o, q.caller.Actor(), q.right, nil)
}

// hold sets the money of every realtime leg aside; an order that costs nothing
// at once holds nothing.
func (s *Service) hold(tx store.Tx, o *Order) error {
	legs := billing.HoldLegs(o.Priced)
	if len(legs) == 0 {
		return nil
	}
	o.HoldID = id.New()
	if err := s.cfg.Holder.HoldTx(tx, ledger.Hold{ID: o.HoldID, Ref: o.ID, Legs: legs}); err != nil {
		return fmt.Errorf("holding money for the order: %w", err)
	}
	return nil
}

// units makes n units; a single one carries the order's own token.
func units(token string, n int) []Unit {
	out := make([]Unit, n)
	for i := range out {
		out[i] = Unit{No: i + 1, Token: token, State: UnitWaiting}
		if n > 1 {
			out[i].Token = token + "-" + strconv.Itoa(i+1)
		}
	}
	return out
}

// facts are what the audit log keeps of an order: no prices of other orgs.
type facts struct {
	Kind       Kind
	State      State
	ProductID  string
	ResourceID string `json:",omitempty"`
	Quantity   int
	Periods    int
	Price      string          `json:",omitempty"`
	Spec       json.RawMessage `json:",omitempty"`
	Reason     string          `json:",omitempty"`
}

func (s *Service) record(tx store.Tx, o *Order, actor string, action access.Right, before *facts) error {
	after := o.facts()
	r := audit.Record{
		Time: s.cfg.Clock.Now(), Actor: actor, Org: o.OrgID, Root: o.RootID, Action: string(action),
		Thing: "order", ID: o.ID, After: after, RequestID: o.RequestID,
	}
	if before != nil {
		r.Before = *before
	}
	if err := audit.Append(tx, r); err != nil {
		return fmt.Errorf("recording order %q: %w", o.ID, err)
	}
	return s.tell(tx, o, before)
}

// tell appends the event of an order that has ended just now.
func (s *Service) tell(tx store.Tx, o *Order, before *facts) error {
	if s.cfg.Events == nil || !o.State.Final() || before != nil && before.State == o.State {
		return nil
	}
	if err := s.cfg.Events.Append(tx, o.State.topic(), o.ID, nil); err != nil {
		return fmt.Errorf("telling of order %q: %w", o.ID, err)
	}
	return nil
}

func (o *Order) facts() facts {
	f := facts{
		Kind: o.Kind, State: o.State, ProductID: o.ProductID, ResourceID: o.ResourceID,
		Quantity: o.Term.Quantity, Periods: o.Term.Periods, Spec: o.Spec,
	}
	if o.Priced.Currency != "" {
		f.Price = o.Priced.CustomerPrice.Format(o.Priced.Currency) + " " + string(o.Priced.Currency)
	}
	if n := len(o.Transitions); n > 0 {
		f.Reason = o.Transitions[n-1].Reason
	}
	return f
}

// listAmounts splits the list amount of units priced together into what each
// weighs; the sum of the parts is the whole.
func listAmounts(o *Order, n int) ([]money.Amount, error) {
	out := make([]money.Amount, n)
	for i := range out {
		share, err := listShare(o.Priced.List, o.Priced.Currency, i+1, n)
		if err != nil {
			return nil, err
		}
		out[i] = share
	}
	return out, nil
}
