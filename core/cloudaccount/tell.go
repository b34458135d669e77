package cloudaccount

import (
	"context"
	"fmt"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/money"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Balance asks the cloud what the account has.
func (s *Service) Balance(ctx context.Context, c access.Caller, enablementID string) (contract.Balance, error) {
	e, err := s.own(ctx, c, access.AccountRead, enablementID)
	if err != nil {
		return contract.Balance{}, err
	}
	o, err := s.open(ctx, e, provider.PurposeWindDown, contract.CapBalance)
	if err != nil {
		return contract.Balance{}, err
	}
	o.call.RequestID = c.RequestID
	ctx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	b, err := o.cloud.Balance(ctx, contract.BalanceRequest{Call: o.call})
	if err != nil {
		return b, fmt.Errorf("asking the cloud for the balance: %w", err)
	}
	for _, d := range []contract.Decimal{b.Available, b.Cash, b.Credit, b.Frozen} {
		if err := exact(d); err != nil {
			return contract.Balance{}, err
		}
	}
	return b, nil
}

// exact is a fault of the plugin unless d is an exact decimal, or not told.
func exact(d contract.Decimal) error {
	if d == "" {
		return nil
	}
	if _, err := money.ParseDecimal(string(d)); err != nil {
		return fault.Internal(err, "the plugin tells an amount that is no decimal").From(fault.SourcePlugin)
	}
	return nil
}

// SignInInput asks for a way into the cloud's console.
type SignInInput struct {
	EnablementID string
	// Target is the page to open, in the cloud's words; "" is its first one.
	Target string
}

// SignInLink makes a one-time link into the cloud's console. The link is a
// secret until it ends: it is answered and kept nowhere. That one was made is
// in the audit log before the cloud is asked.
func (s *Service) SignInLink(ctx context.Context, c access.Caller, in SignInInput) (contract.SignInLink, error) {
	var p problems
	p.Text("target", in.Target, 0, MaxURL)
	if err := p.Err(); err != nil {
		return contract.SignInLink{}, err
	}
	e, err := s.own(ctx, c, access.AccountSignIn, in.EnablementID)
	if err != nil {
		return contract.SignInLink{}, err
	}
	o, err := s.open(ctx, e, provider.PurposeOperate, contract.CapSignIn)
	if err != nil {
		return contract.SignInLink{}, err
	}
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		return s.record(tx, c, e, access.AccountSignIn, subject{thing: "enablement", id: e.ID})
	})
	if err != nil {
		return contract.SignInLink{}, err
	}
	o.call.RequestID = c.RequestID
	ctx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	link, err := o.cloud.SignInLink(ctx, contract.SignInLinkRequest{Call: o.call, Target: in.Target})
	if err != nil {
		return contract.SignInLink{}, fmt.Errorf("asking the cloud for a sign-in link: %w", err)
	}
	return link, nil
}

// subject is what the audit log has a record of.
type subject struct {
	thing, id string
	after     any
}

// record writes down what was done to an account.
func (s *Service) record(tx store.Tx, c access.Caller, e provider.Enablement, right access.Right, what subject) error {
	return audit.Append(tx, audit.Record{
		Time: s.cfg.Clock.Now(), Actor: c.Actor(), Org: e.OrgID, Root: e.RootID, Action: string(right),
		Thing: what.thing, ID: what.id, After: what.after, RequestID: c.RequestID,
	})
}
