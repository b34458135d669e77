package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/http"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// kindTransfer is money that a reseller moves to a customer, or takes back. The
// cloud has no token for it, no number of it, and no way to undo it, so what is
// about to be sent is kept in the broker's storage; see [ledger].
const kindTransfer = "transfer"

// The directions of a transfer.
const (
	toCustomer   = "to_customer"
	fromCustomer = "from_customer"
)

// TransferSpec is money that moves.
type TransferSpec struct {
	CustomerID string `json:"customer_id" required:"true" min:"1" max:"64" title:"Customer"`
	Direction  string `json:"direction" required:"true" enum:"to_customer,from_customer" title:"Direction"`
	Amount     string `json:"amount" required:"true" pattern:"^[0-9]{1,9}(\\.[0-9]{1,2})?$" title:"Amount in yuan"`
}

// TransferState is what became of it.
type TransferState struct {
	CustomerID string `json:"customer_id" title:"Customer"`
	Direction  string `json:"direction" title:"Direction"`
	Amount     string `json:"amount" title:"Amount in yuan"`
	Sent       string `json:"sent,omitempty" title:"Sent"`
	Done       bool   `json:"done" title:"Done" doc:"False while it is in doubt, or when it did not happen"`
}

type transferThing = provider.Thing[TransferState]

// transfers is the handler of the kind transfer.
type transfers struct{ *plugin }

func transferKind(p *plugin) *provider.Kind {
	return provider.KindOf[TransferSpec, TransferState](kindTransfer, "Transfer of money", transfers{p}).Manage()
}

// transferID is a transfer's id here; it follows from its token.
func transferID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "tr-" + hex.EncodeToString(sum[:16])
}

// movement is what is asked to move.
type movement struct {
	Customer  string // the user's id
	Account   string // the same customer's account id
	Direction string
	Amount    provider.Decimal
}

// asked reads a spec. The customer must be one of the account's.
func (c *cloud) asked(ctx context.Context, s TransferSpec) (movement, error) {
	amount, ok := new(big.Rat).SetString(s.Amount)
	if !ok || amount.Sign() <= 0 {
		return movement{}, fault.Invalid("spec.amount", "must be more than nothing")
	}
	row, err := c.customer(ctx, s.CustomerID)
	if fault.Is(err, fault.ClassNotFound) {
		return movement{}, fault.Invalid("spec.customer_id", "%q is no customer of the account", s.CustomerID)
	}
	return movement{Customer: row.UserID, Account: row.AccountID, Direction: s.Direction, Amount: decimal(amount)}, fault.NotDone(err)
}

// Create moves money once per token. Transfers of one key take turns here.
func (h transfers) Create(ctx context.Context, req provider.TypedCreate[TransferSpec]) (provider.Result[TransferState], error) {
	var zero provider.Result[TransferState]
	c, err := h.open(req.Call)
	switch {
	case err != nil:
		return zero, err
	case req.Token == "":
		return zero, fault.Invalid("token", "is required")
	case !c.cfg.AllowTransfers:
		return zero, fault.Precondition("money that was moved cannot be called back by itself: set allow_transfers in the account to accept that")
	}
	if err := one(req.Term); err != nil {
		return zero, err
	}
	m, err := c.asked(ctx, req.Spec)
	if err != nil {
		return zero, err
	}
	end, err := h.turns.Take(ctx, c.owner()+"\ntransfers")
	if err != nil {
		return zero, err
	}
	defer end()
	l, err := h.ledgerOf(c, req.Call)
	if err != nil {
		return zero, err
	}
	e, err := l.move(ctx, transferID(req.Token), m)
	if err != nil {
		return zero, err
	}
	return provider.Done(e.thing(req.Token)), nil
}

// Get reads one transfer that was made here.
func (h transfers) Get(ctx context.Context, req provider.GetRequest) (transferThing, error) {
	l, err := h.ledger(ctx, req.Call)
	if err != nil {
		return transferThing{}, err
	}
	e, _, err := l.entry(ctx, req.ID)
	switch {
	case err != nil:
		return transferThing{}, err
	case e == nil:
		return transferThing{}, fault.NotFound("transfer", req.ID)
	}
	return e.thing(""), nil
}

// List streams the transfers that were made here.
func (h transfers) List(ctx context.Context, req provider.ListRequest, yield func(transferThing) error) error {
	l, err := h.ledger(ctx, req.Call)
	if err != nil {
		return err
	}
	return l.each(ctx, func(e entry) error { return yield(e.thing("")) })
}

// FindByToken tells what became of a transfer.
func (h transfers) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[TransferState], error) {
	var out provider.TypedFound[TransferState]
	switch {
	case req.Change != provider.ChangeCreate:
		return out, fault.Unsupported("money that was moved has no %s: move it back", req.Change)
	case req.Token == "":
		return out, fault.Invalid("token", "is required")
	}
	l, err := h.ledger(ctx, req.Call)
	if err != nil {
		return out, err
	}
	e, _, err := l.entry(ctx, transferID(req.Token))
	switch {
	case err != nil:
		return out, err
	case e == nil: // it would have been written down before it was sent
		out.Settled = l.cloud.cfg.settled(req.Since, h.clock.Now())
		return out, nil
	}
	happened, settled, err := l.became(ctx, e)
	if err != nil {
		return out, err
	}
	if happened {
		e.State = entryDone
		out.Things = []transferThing{e.thing(req.Token)}
	}
	out.Done, out.Settled = happened, settled
	return out, nil
}

// ledger opens a call's account and its transfers. What is kept here is shown to
// those alone whose keys the cloud finds good.
func (h transfers) ledger(ctx context.Context, call provider.Call) (ledger, error) {
	c, err := h.open(call)
	if err != nil {
		return ledger{}, err
	}
	if _, err := c.own().cash(ctx); err != nil {
		return ledger{}, err
	}
	return h.ledgerOf(c, call)
}

func (h transfers) ledgerOf(c *cloud, call provider.Call) (ledger, error) {
	if h.host == nil {
		return ledger{}, fault.Unsupported("transfers need a broker that keeps them")
	}
	sum := sha256.Sum256([]byte(c.own().owner()))
	return ledger{
		cloud: c, store: h.host, scope: provider.Scope{RootOrg: call.RootOrg}, owner: hex.EncodeToString(sum[:8]), clock: h.clock,
	}, nil
}

// thing shows a transfer in the contract's words.
func (e entry) thing(token string) transferThing {
	status := provider.StatusUnknown
	switch e.State {
	case entryDone:
		status = provider.StatusFree
	case entryVoid:
		status = provider.StatusError
	}
	return transferThing{
		ID: e.ID, Name: e.ID, Status: status, RawStatus: e.State, Token: token, Created: e.Sent,
		State: TransferState{
			CustomerID: e.Customer, Direction: e.Direction, Amount: string(e.Amount), Sent: e.Sent.UTC().Format(time.RFC3339), Done: e.State == entryDone,
		},
	}
}

// transfer is a movement as the cloud is asked for it.
func (c *cloud) transfer(ctx context.Context, m movement) error {
	path := "/v1/finance/supervisor/balance/transfer"
	if m.Direction == fromCustomer {
		path = "/v1/finance/supervisor/balance/gather"
	}
	id := m.Account
	if c.cfg.QueryBy == "user_id" {
		id = m.Customer
	}
	return c.accept(ctx, call{method: http.MethodPost, path: path, body: map[string]any{"supervisedId": id, "amount": json.Number(m.Amount)}})
}
