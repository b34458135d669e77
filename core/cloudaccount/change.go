package cloudaccount

import (
	"context"
	"sync"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// ChangeJobKind is the kind of the jobs that carry changes out; register
// [Service.WorkChange] for it.
const ChangeJobKind = "account.change"

// Verb is what is changed at the cloud.
type Verb string

// The verbs. The first three are about a vendor order.
const (
	VerbPay        Verb = "pay"
	VerbCancel     Verb = "cancel"
	VerbRefund     Verb = "refund"
	VerbSubAccount Verb = "sub_account" // makes one, unless there is one of the name
)

func (v Verb) needs() contract.Capability {
	if v == VerbSubAccount {
		return contract.CapAccounts
	}
	return contract.CapVendorOrders
}

// ChangeState says where a change stands.
type ChangeState string

// The states of a change.
const (
	ChangeWaiting ChangeState = "waiting" // stored, not sent
	ChangeCalling ChangeState = "calling" // sent, or the process died in it
	ChangeDoubt   ChangeState = "doubt"   // sent, outcome unknown: the cloud is asked
	ChangeDone    ChangeState = "done"
	ChangeFailed  ChangeState = "failed"  // certainly not done
	ChangeUnknown ChangeState = "unknown" // nobody could tell: look at the cloud
)

// Change is one change of an account at the cloud.
type Change struct {
	ID           string
	RootID       string
	OrgID        string
	EnablementID string
	Verb         Verb
	VendorOrder  string `json:",omitzero"` // the number of the order that is changed
	Before       string `json:",omitzero"` // its state when it was asked for
	ForOrg       string `json:",omitzero"` // whose sub-account it is to be
	Name, Email  string `json:",omitzero"` // of the sub-account
	Token        string
	State        ChangeState
	SubAccountID string `json:",omitzero"` // ours, when it was made
	After        string `json:",omitzero"` // the order's state, when the cloud told
	Calls        int    `json:",omitzero"`
	Tries        int    `json:",omitzero"` // refusals that may pass, or looks that told nothing
	Problem      string `json:",omitzero"`
	Class        string `json:",omitzero"` // fault class of Problem
	RequestID    string `json:",omitzero"` // the cloud's own
	JobID        string
	Actor        string
	Created      time.Time
	LastCall     time.Time `json:",omitzero"`
	Ended        time.Time `json:",omitzero"`
}

func newChanges() *store.Collection[Change] {
	return store.NewCollection("account_change", func(v *Change) string { return v.ID },
		store.Index[Change]{Name: "enablement", Keys: func(v *Change) [][]byte {
			return [][]byte{store.Key(v.EnablementID, v.ID)}
		}},
		// open finds what is under way, so that two changes of one order never are.
		store.Index[Change]{Name: "open", Keys: func(v *Change) [][]byte {
			if !v.Ended.IsZero() || v.VendorOrder == "" {
				return nil
			}
			return [][]byte{store.Key(v.EnablementID, v.VendorOrder)}
		}})
}

// ChangeOrderInput pays, cancels or refunds a vendor order.
type ChangeOrderInput struct {
	EnablementID   string
	VendorOrder    string
	Verb           Verb
	IdempotencyKey string
}

// Validate returns every wrong field.
func (in ChangeOrderInput) Validate() error {
	var p problems
	p.Text("vendor_order", in.VendorOrder, 1, MaxID)
	if in.Verb != VerbPay && in.Verb != VerbCancel && in.Verb != VerbRefund {
		p.Add("change", "must be %s, %s or %s", VerbPay, VerbCancel, VerbRefund)
	}
	p.key(in.IdempotencyKey)
	return p.Err()
}

// ChangeOrder pays, cancels or refunds one of the cloud's orders that was
// imported. It is stored with its token and carried out by a job; the answer is
// the change as far as it is after a bounded time.
func (s *Service) ChangeOrder(ctx context.Context, c access.Caller, in ChangeOrderInput) (Change, error) {
	if err := in.Validate(); err != nil {
		return Change{}, err
	}
	return s.change(ctx, c, request{enablement: in.EnablementID, verb: in.Verb, key: in.IdempotencyKey, in: in}, func(tx store.Tx, v *Change) error {
		o, err := s.orderTx(tx, in.EnablementID, in.VendorOrder)
		if err != nil {
			return err
		}
		v.VendorOrder, v.Before = o.ID, o.State
		return s.idle(tx, v)
	})
}

// idle refuses a second change of an order while one is under way.
func (s *Service) idle(r store.Reader, v *Change) error {
	q := store.Query{Index: "open", Prefix: store.Key(v.EnablementID, v.VendorOrder), Limit: 1}
	return s.changes.Each(r, q, func(d store.Doc[Change]) error {
		return fault.Conflict("the order is being changed by %q: wait for its end", d.Value.ID)
	})
}

// request is what all changes have in common while they are stored.
type request struct {
	enablement string
	verb       Verb
	key        string
	in         any
}

// change stores a change with its job and waits for its end.
func (s *Service) change(ctx context.Context, c access.Caller, q request, draft func(store.Tx, *Change) error) (Change, error) {
	e, err := s.own(ctx, c, access.AccountChange, q.enablement)
	if err != nil {
		return Change{}, err
	}
	if _, err := s.open(ctx, e, provider.PurposeOperate, q.verb.needs()); err != nil {
		return Change{}, err
	}
	body, err := idempotency.HashOf(q.in)
	if err != nil {
		return Change{}, err
	}
	fresh := id.New()
	ended, leave := s.waits.join(fresh)
	defer leave()
	var v Change
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) (err error) {
		v, err = s.storeChange(tx, c, q, fresh, body, draft)
		return err
	})
	if err != nil {
		return Change{}, err
	}
	if v.ID == fresh {
		select {
		case <-ended:
		case <-s.cfg.Clock.After(s.limits.Wait):
		case <-ctx.Done():
		}
	}
	return s.GetChange(ctx, c, q.enablement, v.ID)
}

func (s *Service) storeChange(tx store.Tx, c access.Caller, q request, fresh string, body idempotency.Hash, draft func(store.Tx, *Change) error) (Change, error) {
	e, err := s.ownTx(tx, c, access.AccountChange, q.enablement)
	if err != nil {
		return Change{}, err
	}
	scope := idempotency.Scope{Org: c.OrgID, Operation: string(access.AccountChange)}
	ref, replay, err := s.cfg.Keys.Claim(tx, scope, q.key, body)
	if err != nil {
		return Change{}, err
	}
	if replay {
		d, err := s.changes.Get(tx, ref)
		return d.Value, err
	}
	v := Change{
		ID: fresh, RootID: e.RootID, OrgID: e.OrgID, EnablementID: e.ID, Verb: q.verb, Token: "tw-" + id.New(),
		State: ChangeWaiting, Actor: c.Actor(), Created: s.cfg.Clock.Now(),
	}
	if err := draft(tx, &v); err != nil {
		return Change{}, err
	}
	j, err := s.cfg.Jobs.Enqueue(tx, job.Job{Kind: ChangeJobKind, Ref: v.ID, OrgID: e.OrgID, Trace: c.Trace})
	if err != nil {
		return Change{}, err
	}
	v.JobID = j.ID
	if _, err := s.changes.Insert(tx, v); err != nil {
		return Change{}, err
	}
	if err := s.cfg.Keys.Bind(tx, scope, q.key, v.ID); err != nil {
		return Change{}, err
	}
	return v, s.record(tx, c, e, access.AccountChange, subject{thing: "account_change", id: v.ID, after: v.facts()})
}

// facts are what the audit log keeps of a change.
func (v *Change) facts() map[string]string {
	out := map[string]string{"enablement_id": v.EnablementID, "verb": string(v.Verb), "token": v.Token}
	for k, text := range map[string]string{"vendor_order": v.VendorOrder, "for_org": v.ForOrg, "name": v.Name} {
		if text != "" {
			out[k] = text
		}
	}
	return out
}

// GetChange returns one change of an account.
func (s *Service) GetChange(ctx context.Context, c access.Caller, enablementID, changeID string) (Change, error) {
	var out Change
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		if _, err := s.ownTx(r, c, access.AccountRead, enablementID); err != nil {
			return err
		}
		d, err := s.changes.Get(r, changeID)
		if err == nil && d.Value.EnablementID != enablementID {
			err = fault.NotFound("account_change", changeID)
		}
		out = d.Value
		return err
	})
	if err != nil {
		return Change{}, err
	}
	return out, nil
}

// Changes returns one page of the changes of an account.
func (s *Service) Changes(ctx context.Context, c access.Caller, in ListInput) (Page[Change], error) {
	in.From, in.To = time.Time{}, time.Time{}
	return list(ctx, s, c, s.changes, in, in.query("enablement"), nil)
}

// waits lets a use-case wait for the end of a change that a job carries out in
// the same process. A wake-up that is missed costs a late answer, no more.
type waits struct {
	mu sync.Mutex
	on map[string]chan struct{}
}

// join returns a channel that is closed when wake is called with the id, and
// the function that gives the place up.
func (w *waits) join(id string) (<-chan struct{}, func()) {
	ch := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on == nil {
		w.on = map[string]chan struct{}{}
	}
	w.on[id] = ch
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.on, id)
	}
}

func (w *waits) wake(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch, ok := w.on[id]; ok {
		close(ch)
		delete(w.on, id)
	}
}
