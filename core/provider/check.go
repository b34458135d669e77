package provider

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	contract "tradewind.example/sdk/provider"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"

	"tradewind.example/core/access"
	"tradewind.example/core/job"
	"tradewind.example/core/store"
)

// CheckJob is the job kind that checks an enablement's account at the cloud;
// its Ref is the enablement.
const CheckJob = "enablement.check"

const (
	checkAttempts = 6
	// maxProblem bounds what is kept of a plugin's words.
	maxProblem = 500
	maxNotes   = 20
)

func (s *Service) enqueueCheck(tx store.Tx, a account) error {
	_, err := s.Jobs.Enqueue(tx, job.Job{Kind: CheckJob, Ref: a.ID, OrgID: a.OrgID})
	if err != nil {
		return fmt.Errorf("queueing the check of enablement %q: %w", a.ID, err)
	}
	return nil
}

// probe is one check about to be made.
type probe struct {
	row      account
	plugin   string
	call     contract.Call
	problem  string // why it cannot be asked at all
	settings map[string]string
}

// verdict is what a check told.
type verdict struct {
	ok               bool
	account, problem string
	notes            []string
}

// runCheck asks the cloud whether the account is good, outside any transaction,
// and records the answer. Unless the answer is about credentials that have been
// replaced meanwhile: their own job will tell.
func (s *Service) runCheck(ctx context.Context, j job.Job) error {
	p, due, err := s.probe(ctx, j.Ref)
	if err != nil || !due {
		return err
	}
	v, err := s.ask(ctx, p)
	if err != nil {
		if j.Failures+1 < checkAttempts {
			return err
		}
		v = verdict{problem: "the check could not be made: " + fault.As(err).Message}
	}
	return s.decide(ctx, p, v)
}

func (s *Service) probe(ctx context.Context, enablementID string) (p probe, due bool, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		d, ok, err := s.rows.enablements.Find(r, enablementID)
		if err != nil || !ok || !d.Value.Checking || d.Value.State == StateRevoked {
			return err
		}
		due, p.row = true, d.Value
		p.row.Rev = d.Rev
		own, err := s.rows.providerIn(r, p.row.RootID, p.row.ProviderID)
		if err != nil {
			return err
		}
		p.plugin = own.PluginName
		return s.fill(r, &p, own)
	})
	return p, due, err
}

// fill opens the account to be checked: the candidate if there is one, else the
// one in use, which may be the granter's.
func (s *Service) fill(r store.Reader, p *probe, own Provider) error {
	holder, err := s.holder(r, p.row)
	if err != nil {
		return err
	}
	var credentials map[string]secret.Value
	switch {
	case p.row.Candidate != nil:
		holder = p.row
		credentials, err = s.unseal(p.row.ID, p.row.Candidate)
	case holder.Sealed == nil:
		p.problem = "the account it would use has not been checked yet"
		return nil
	default:
		credentials, err = s.credentials(&holder)
	}
	p.settings = holder.Settings
	p.call = callOf(p.row.OrgID, own, holder, credentials)
	return err
}

// holder follows shared enablements to the one that holds the credentials.
func (s *Service) holder(r store.Reader, a account) (account, error) {
	for range maxShares {
		if !a.Shared {
			return a, nil
		}
		var err error
		if a, err = s.rows.account(r, a.SharedFrom); err != nil {
			return a, fmt.Errorf("following a shared enablement: %w", err)
		}
	}
	return a, fault.Internal(nil, "enablement %q is shared in a circle", a.ID)
}

func (s *Service) ask(ctx context.Context, p probe) (verdict, error) {
	if p.problem != "" {
		return verdict{problem: p.problem}, nil
	}
	cloud, err := s.Plugins.Plugin(p.plugin)
	if err != nil {
		return verdict{}, fmt.Errorf("finding plugin %q: %w", p.plugin, err)
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	credentials := p.call.Account.Credentials
	out, err := cloud.Check(ctx, contract.CheckRequest{Call: p.call})
	switch fault.ClassOf(err) {
	case 0:
	case fault.ClassUnauthenticated, fault.ClassForbidden, fault.ClassInvalid, fault.ClassPrecondition:
		return verdict{problem: cut(scrub(fault.As(err).Message, credentials))}, nil
	default:
		return verdict{}, scrubError(err, credentials)
	}
	v := verdict{ok: out.OK, account: cut(scrub(out.Account, credentials)), problem: cut(scrub(out.Problem, credentials))}
	v.notes = scrubAll(out.Details[:min(len(out.Details), maxNotes)], credentials)
	for i := range v.notes {
		v.notes[i] = cut(v.notes[i])
	}
	if !v.ok && v.problem == "" {
		v.problem = "the cloud refused the credentials"
	}
	return v, nil
}

func (s *Service) decide(ctx context.Context, p probe, v verdict) error {
	return s.Store.Update(ctx, func(tx store.Tx) error {
		a, err := s.rows.account(tx, p.row.ID)
		if err != nil {
			return err
		}
		tx.OnCommit(func() { s.waits.wake(a.ID) })
		if !a.Checking || a.State == StateRevoked ||
			!bytes.Equal(a.Candidate, p.row.Candidate) || !maps.Equal(a.Settings, p.row.Settings) {
			return nil
		}
		if v, err = s.sameAccount(tx, a, v); err != nil {
			return err
		}
		_, err = s.put(tx, access.System(a.RootID), a, func(a *account) { s.settle(a, v) })
		return err
	})
}

// sameAccount turns a good verdict into a refusal when it is of another account
// at the cloud than the one in which things live or are being bought: what is
// looked for in the wrong account is not found, and would pass for released, or
// for never bought.
func (s *Service) sameAccount(tx store.Tx, a account, v verdict) (verdict, error) {
	if !v.ok || a.Account == "" || v.account == "" || v.account == a.Account {
		return v, nil
	}
	for _, use := range s.users {
		used, err := use(tx, a.ID)
		if err != nil {
			return v, fmt.Errorf("looking for what lives in the account: %w", err)
		}
		if used {
			return verdict{notes: v.notes, problem: cut(fmt.Sprintf(
				"these credentials are for the account %q at the cloud, but what was bought lives in %q: enable the other account by itself", v.account, a.Account))}, nil
		}
	}
	return v, nil
}

// settle applies a verdict. A refused candidate never displaces credentials
// that work.
func (s *Service) settle(a *account, v verdict) {
	a.Checking, a.CheckedAt, a.Notes = false, s.Clock.Now(), v.notes
	replacing := a.Candidate != nil && a.Sealed != nil
	if v.ok {
		s.accept(a, v)
		return
	}
	a.Problem = v.problem
	if replacing {
		a.Problem = "the new credentials were refused, the old ones stay in use: " + v.problem
		a.Candidate, a.CandidateNames = nil, nil
		if a.State == StateActive {
			return
		}
	}
	if a.State != StateDisabled {
		a.State = StateFailed
	}
}

func (s *Service) accept(a *account, v verdict) {
	if a.Candidate != nil {
		a.Sealed, a.CredentialNames = a.Candidate, a.CandidateNames
		a.Candidate, a.CandidateNames = nil, nil
	}
	if a.Account != "" && v.account != a.Account {
		a.Notes = append(a.Notes, fmt.Sprintf("the account at the cloud changed from %q to %q", a.Account, v.account))
	}
	a.Account, a.Problem = cmp.Or(v.account, a.Account), "" // a cloud may not tell it every time
	if a.State != StateDisabled {
		a.State = StateActive
	}
}

// AwaitCheck waits until the enablement's pending check is decided, at most so
// long, and returns the enablement; Checking is still set when time ran out.
func (s *Service) AwaitCheck(ctx context.Context, c access.Caller, enablementID string, atMost time.Duration) (Enablement, error) {
	limit := s.Clock.After(min(atMost, time.Minute))
	for {
		done, leave := s.waits.on(enablementID)
		e, err := s.Enablement(ctx, c, enablementID)
		if err != nil || !e.Checking {
			leave()
			return e, err
		}
		select {
		case <-done:
		case <-limit:
			leave()
			return e, nil
		case <-ctx.Done():
			leave()
			return e, nil
		}
	}
}

func cut(s string) string {
	r := []rune(s)
	return string(r[:min(len(r), maxProblem)])
}
