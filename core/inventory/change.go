package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/id"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// maxSpec bounds a spec or an input in bytes of JSON.
const maxSpec = 256 << 10

// operation is the scope of the keys of requests.
const operation = "inventory.change"

// ChangeInput changes the inventory.
type ChangeInput struct {
	At             Place
	ID             string          // of the thing; "" for a create
	Name           string          // for a create
	Spec           json.RawMessage // of a create or an update
	Action         string
	Input          json.RawMessage // of an action
	IdempotencyKey string
}

// Create makes one thing, once per key.
func (s *Service) Create(ctx context.Context, c access.Caller, in ChangeInput) (Thing, error) {
	return s.change(ctx, c, "create", contract.VerbCreate, in, func(ctx context.Context, o opened, token string) (contract.Change, error) {
		return o.cloud.Create(ctx, contract.CreateRequest{
			Call: o.call, Token: token, Kind: in.At.Kind, Name: in.Name, Spec: in.Spec,
			Term: contract.Term{Billing: contract.BillingOnce, Period: contract.PeriodNone, Periods: 1, Quantity: 1},
		})
	})
}

// Update changes a thing's spec, once per key.
func (s *Service) Update(ctx context.Context, c access.Caller, in ChangeInput) (Thing, error) {
	return s.change(ctx, c, "update", contract.VerbUpdate, in, func(ctx context.Context, o opened, token string) (contract.Change, error) {
		return o.cloud.Update(ctx, contract.UpdateRequest{Call: o.call, Token: token, Kind: in.At.Kind, ID: in.ID, Spec: in.Spec})
	})
}

// Delete removes a thing; one that is gone already is fine.
func (s *Service) Delete(ctx context.Context, c access.Caller, in ChangeInput) (Thing, error) {
	return s.change(ctx, c, "delete", contract.VerbDelete, in, func(ctx context.Context, o opened, token string) (contract.Change, error) {
		change, err := o.cloud.Delete(ctx, contract.DeleteRequest{Call: o.call, Token: token, Kind: in.At.Kind, ID: in.ID})
		if fault.Is(err, fault.ClassNotFound) && fault.OutcomeOf(err) == fault.OutcomeNotDone {
			return contract.Change{}, nil
		}
		return change, err
	})
}

// Act performs an action of a thing; one that changes something, once per key.
func (s *Service) Act(ctx context.Context, c access.Caller, in ChangeInput) (Thing, error) {
	o, err := s.open(ctx, c, in.At, access.EnablementRead, in.ID)
	if err != nil {
		return Thing{}, err
	}
	i := slices.IndexFunc(o.kind.Actions, func(a contract.ActionDescription) bool { return a.Name == in.Action })
	if i < 0 {
		return Thing{}, fault.Unsupported("the kind %q has no action %q", in.At.Kind, in.Action)
	}
	if err := s.fits("input", o.kind.Actions[i].Input, in.Input); err != nil {
		return Thing{}, err
	}
	act := func(ctx context.Context, o opened, token string) (contract.Change, error) {
		return o.cloud.Act(ctx, contract.ActionRequest{Call: o.call, Token: token, Kind: in.At.Kind, ID: in.ID, Action: in.Action, Input: in.Input})
	}
	if o.kind.Actions[i].Changes {
		return s.change(ctx, c, "act", "", in, act)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	change, err := act(ctx, o, "")
	if err != nil {
		return Thing{}, fmt.Errorf("asking %s of %s %q: %w", in.Action, in.At.Kind, in.ID, err)
	}
	return thingOf(in, change), nil
}

// fits holds a document against a schema, so that a mistake reaches no plugin.
func (s *Service) fits(path string, schema, doc json.RawMessage) error {
	if len(doc) > maxSpec {
		return fault.Invalid(path, "must have at most %d bytes", maxSpec)
	}
	if len(doc) == 0 {
		doc = json.RawMessage("{}")
	}
	return s.schemas.Check(path, schema, doc)
}

// change makes one change: the key is claimed for a token first, so that a repeat
// reaches the plugin with the same token and is not made twice there.
func (s *Service) change(
	ctx context.Context, c access.Caller, what string, verb contract.Verb, in ChangeInput,
	do func(ctx context.Context, o opened, token string) (contract.Change, error),
) (Thing, error) {
	o, err := s.open(ctx, c, in.At, access.EnablementWrite, in.ID, in.Name)
	if err != nil {
		return Thing{}, err
	}
	if verb != "" {
		if err := o.offers(verb); err != nil {
			return Thing{}, err
		}
	}
	if verb == contract.VerbCreate || verb == contract.VerbUpdate {
		if err := s.fits("spec", o.kind.Spec, in.Spec); err != nil {
			return Thing{}, err
		}
	}
	token, err := s.claim(ctx, c, what, o.enablement, in)
	if err != nil {
		return Thing{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	change, err := do(ctx, o, token)
	if err != nil {
		return Thing{}, fmt.Errorf("making the %s of %s: %w", what, in.At.Kind, err)
	}
	return thingOf(in, change), nil
}

// claim returns the token of a request and writes down that it was made.
func (s *Service) claim(ctx context.Context, c access.Caller, what string, e provider.Enablement, in ChangeInput) (string, error) {
	body, err := idempotency.HashOf(struct {
		What string
		In   ChangeInput
	}{what, in})
	if err != nil {
		return "", err
	}
	fresh, token := "twi-"+id.New(), ""
	scope := idempotency.Scope{Org: c.OrgID, Operation: operation}
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		ref, replay, err := s.cfg.Keys.Claim(tx, scope, in.IdempotencyKey, body)
		if err != nil {
			return err
		}
		if token = ref; replay {
			return nil
		}
		token = fresh
		if err := s.cfg.Keys.Bind(tx, scope, in.IdempotencyKey, token); err != nil {
			return err
		}
		return audit.Append(tx, audit.Record{
			Time: s.cfg.Clock.Now(), Actor: c.Actor(), Org: e.OrgID, Root: e.RootID, Action: string(access.EnablementWrite),
			Thing: "inventory", ID: e.ID, RequestID: c.RequestID,
			After: map[string]string{"change": what, "kind": in.At.Kind, "thing": in.ID, "action": in.Action, "token": token},
		})
	})
	return token, err
}

func thingOf(in ChangeInput, change contract.Change) Thing {
	out := Thing{Operation: change.Operation, Output: change.Output}
	if change.Resource != nil {
		out.Resource = *change.Resource
	}
	out.ID, out.Kind = firstText(out.ID, in.ID), in.At.Kind
	return out
}

func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
