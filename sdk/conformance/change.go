package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// sameToken is how many callers create with one token at the same time.
const sameToken = 8

// changeRules prove that nothing is bought twice and nothing gets lost.
func changeRules() []Rule {
	creates := []provider.Verb{provider.VerbCreate}
	deletes := []provider.Verb{provider.VerbDelete}
	finds := []provider.Verb{provider.VerbCreate, provider.VerbFindByToken}
	both := []provider.Verb{provider.VerbCreate, provider.VerbDelete}
	return []Rule{
		{ID: "create-idempotent", Title: "a second create with the same token makes no second resource", Verbs: creates, with: []need{orders(creates...)}, run: createIdempotent},
		{ID: "create-concurrent", Title: "eight creates at once with the same token make one resource", Verbs: creates, with: []need{orders(creates...)}, run: createConcurrent},
		{ID: "find-made", Title: "a token finds what it made", Verbs: finds, with: []need{orders(finds...)}, run: findMade},
		{ID: "find-unused", Title: "an unused token finds nothing, finally", Verbs: []provider.Verb{provider.VerbFindByToken}, with: []need{accountGiven}, run: findUnused},
		{ID: "delete-missing", Title: "deleting what does not exist is a success", Verbs: deletes, with: []need{accountGiven}, run: deleteMissing},
		{ID: "delete-gone", Title: "what is deleted is gone for get, list and find-by-token", Verbs: both, with: []need{orders(both...)}, run: deleteGone},
		{ID: "operation-ends", Title: "a started change ends, and says so again when asked again", Needs: caps(provider.CapOperations), Verbs: creates, with: []need{orders(creates...)}, run: operationEnds},
		{ID: "operation-unknown", Title: "an unknown operation is not_found", Needs: caps(provider.CapOperations), with: []need{accountGiven}, run: operationUnknown},
		{ID: "renew-once", Title: "a renewal prolongs once for each token", Needs: caps(provider.CapRenew), Verbs: []provider.Verb{provider.VerbCreate, provider.VerbGet}, with: []need{orders(provider.VerbCreate, provider.VerbGet)}, run: renewOnce},
		{ID: "account-once", Title: "a sub-account is made once for each token", Needs: caps(provider.CapAccounts), with: []need{accountGiven, subAccountGiven}, run: accountOnce},
	}
}

func subAccountGiven(s *session) string {
	if s.fix.SubAccount == "" {
		return "the fixture names no sub-account that may be made"
	}
	return ""
}

// rows returns the ids of a kind's resources; none when it cannot list.
func (s *session) rows(ctx context.Context, d provider.KindDescription) (map[string]bool, error) {
	out := map[string]bool{}
	if !slices.Contains(d.Verbs, provider.VerbList) {
		return out, nil
	}
	all, err := s.list(ctx, s.call(), d.Name)
	for _, r := range all {
		out[r.ID] = true
	}
	return out, err
}

// onlyOne checks by list and by token that a create with token made one thing, id.
func (s *session) onlyOne(ctx context.Context, d provider.KindDescription, before map[string]bool, token, id string) error {
	after, err := s.rows(ctx, d)
	if err != nil {
		return err
	}
	fresh := 0
	for row := range after {
		if !before[row] {
			fresh++
			s.note(s.call(), d.Name, row)
		}
	}
	if slices.Contains(d.Verbs, provider.VerbList) && fresh != 1 {
		return fmt.Errorf("one token made %d resources", fresh)
	}
	if !slices.Contains(d.Verbs, provider.VerbFindByToken) {
		return nil
	}
	f, err := s.settled(ctx, s.created(d.Name, token))
	if err != nil {
		return err
	}
	for _, r := range f.Resources {
		s.note(s.call(), d.Name, r.ID)
	}
	if len(f.Resources) != 1 || f.Resources[0].ID != id {
		return fmt.Errorf("the token finds %d resources; it must find the one that was made", len(f.Resources))
	}
	return nil
}

// settled asks what a token made until the answer is final.
func (s *session) settled(ctx context.Context, req provider.FindRequest) (provider.Found, error) {
	for range mostPolls {
		f, err := s.find(ctx, req)
		if err != nil || f.Settled || len(f.Resources) > 0 {
			return f, err
		}
		if err := s.pass(ctx, time.Second); err != nil {
			return f, fmt.Errorf("waiting for a final answer: %w", err)
		}
	}
	return provider.Found{}, fmt.Errorf("the answer is not final after %d polls", mostPolls)
}

func createIdempotent(ctx context.Context, s *session) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate}, func(ctx context.Context, d provider.KindDescription, _ Kind) error {
		before, err := s.rows(ctx, d)
		if err != nil {
			return err
		}
		token := s.token()
		first, err := s.create(ctx, d.Name, token)
		if err != nil {
			return err
		}
		again, err := s.create(ctx, d.Name, token)
		if err != nil {
			return fmt.Errorf("repeating a create with its token must answer with what it made: %w", err)
		}
		if first.ID != again.ID {
			return errors.New("a second create with the same token made a second resource")
		}
		return s.onlyOne(ctx, d, before, token, first.ID)
	})
}

// createConcurrent repeats a create from several callers at once. That one of
// them is told to wait is no mistake; a second resource is.
func createConcurrent(ctx context.Context, s *session) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		before, err := s.rows(ctx, d)
		if err != nil {
			return err
		}
		req := s.order(d.Name, s.token(), k)
		changes, errs := make([]provider.Change, sameToken), make([]error, sameToken)
		together(sameToken, func(i int) { changes[i], errs[i] = s.Create(ctx, req) })
		var one provider.Resource
		ids := map[string]bool{}
		for i, change := range changes {
			if errs[i] != nil {
				if bad := classed(errs[i], "a create beside another", fault.ClassConflict, fault.ClassUnavailable, fault.ClassThrottled); bad != nil {
					return bad
				}
				continue
			}
			if one, err = s.done(ctx, req, change); err != nil {
				return err
			}
			ids[one.ID] = true
		}
		if len(ids) != 1 {
			return fmt.Errorf("%d creates at once with the same token made %d resources", sameToken, len(ids))
		}
		return s.onlyOne(ctx, d, before, req.Token, one.ID)
	})
}

// together runs do n times at once and waits for all.
func together(n int, do func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	all.Wait()
}

func findMade(ctx context.Context, s *session) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate, provider.VerbFindByToken}, func(ctx context.Context, d provider.KindDescription, _ Kind) error {
		token := s.token()
		made, err := s.create(ctx, d.Name, token)
		if err != nil {
			return err
		}
		f, err := s.settled(ctx, s.created(d.Name, token))
		if err != nil {
			return err
		}
		if len(f.Resources) != 1 || f.Resources[0].ID != made.ID {
			return fmt.Errorf("the token finds %d resources; it must find the one it made", len(f.Resources))
		}
		return nil
	})
}

func findUnused(ctx context.Context, s *session) error {
	var errs []error
	for _, k := range s.described(provider.VerbFindByToken) {
		f, err := s.settled(ctx, s.created(k.Name, s.token()))
		if err != nil || len(f.Resources) > 0 || f.Operation != "" || f.Done {
			errs = append(errs, errors.Join(fmt.Errorf("%s: an unused token must find nothing; it finds %d resources", k.Name, len(f.Resources)), err))
		}
	}
	return errors.Join(errs...)
}

func deleteMissing(ctx context.Context, s *session) error {
	var errs []error
	for _, k := range s.described(provider.VerbDelete) {
		if err := s.remove(ctx, made{call: s.call(), kind: k.Name, id: "cf-none-" + s.id}); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", k.Name, err))
		}
	}
	return errors.Join(errs...)
}

func deleteGone(ctx context.Context, s *session) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate, provider.VerbDelete}, func(ctx context.Context, d provider.KindDescription, _ Kind) error {
		r, err := s.create(ctx, d.Name, s.token())
		if err != nil {
			return err
		}
		for range 2 { // the second time it is gone already
			if err := s.remove(ctx, made{call: s.call(), kind: d.Name, id: r.ID}); err != nil {
				return err
			}
		}
		var errs []error
		if slices.Contains(d.Verbs, provider.VerbGet) {
			_, err := s.Get(ctx, provider.GetRequest{Call: s.call(), Kind: d.Name, ID: r.ID})
			errs = append(errs, classed(err, "reading what was deleted", fault.ClassNotFound))
		}
		if rows, err := s.rows(ctx, d); err != nil || rows[r.ID] {
			errs = append(errs, errors.Join(errors.New("the list must not show what was deleted"), err))
		}
		if slices.Contains(d.Verbs, provider.VerbFindByToken) {
			req := s.created(d.Name, s.token())
			req.Change, req.ID = provider.ChangeRelease, r.ID
			if f, err := s.find(ctx, req); err != nil || !f.Done {
				errs = append(errs, errors.Join(errors.New("find-by-token must tell that the release is done"), err))
			}
		}
		return errors.Join(errs...)
	})
}

func operationEnds(ctx context.Context, s *session) error {
	started := false
	err := s.eachKind(ctx, []provider.Verb{provider.VerbCreate}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		req := s.order(d.Name, s.token(), k)
		change, err := s.Create(ctx, req)
		if err != nil {
			return fmt.Errorf("creating: %w", err)
		}
		if change.Operation != "" {
			started = true
		}
		if _, err := s.done(ctx, req, change); err != nil || change.Operation == "" {
			return err
		}
		op, err := s.Operation(ctx, provider.OperationRequest{Call: s.call(), ID: change.Operation})
		if err != nil {
			return fmt.Errorf("asking again: %w", err)
		}
		if op.State != provider.OperationSucceeded || op.Failure != nil {
			return fmt.Errorf("an operation that had succeeded is %s when asked again", op.State)
		}
		return nil
	})
	if err == nil && !started {
		return skip("no create of the fixture starts an operation")
	}
	return err
}

func operationUnknown(ctx context.Context, s *session) error {
	_, err := s.Operation(ctx, provider.OperationRequest{Call: s.call(), ID: "cf-none-" + s.id})
	return classed(err, "an unknown operation", fault.ClassNotFound)
}

// renewOnce renews twice with one token and compares the ends of the term.
func renewOnce(ctx context.Context, s *session) error {
	cases := 0
	err := s.eachKind(ctx, []provider.Verb{provider.VerbCreate, provider.VerbGet}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		if k.Term.Billing != provider.BillingPrepaid {
			return nil
		}
		r, err := s.create(ctx, d.Name, s.token())
		if err != nil {
			return err
		}
		token := s.token()
		var ends [3]time.Time
		for i := range ends {
			if i > 0 {
				if err := s.renew(ctx, d.Name, r.ID, token, k.Term); err != nil {
					return err
				}
			}
			got, err := s.Get(ctx, provider.GetRequest{Call: s.call(), Kind: d.Name, ID: r.ID})
			if err != nil {
				return fmt.Errorf("reading the end of the term: %w", err)
			}
			ends[i] = got.Expires
		}
		cases++
		if !ends[1].After(ends[0]) {
			return errors.New("a renewal does not prolong the term")
		}
		if !ends[2].Equal(ends[1]) {
			return errors.New("a second renewal with the same token prolongs the term again")
		}
		return nil
	})
	if err == nil && cases == 0 {
		return skip("the fixture orders nothing prepaid")
	}
	return err
}

func (s *session) renew(ctx context.Context, kind, id, token string, term provider.Term) error {
	change, err := s.Renew(ctx, provider.RenewRequest{Call: s.call(), Token: token, Kind: kind, ID: id, Term: term})
	if err != nil {
		return fmt.Errorf("renewing: %w", err)
	}
	if change.Operation == "" {
		return nil
	}
	op, err := s.finish(ctx, s.call(), change.Operation)
	if err == nil && op.State != provider.OperationSucceeded {
		err = fmt.Errorf("the renewal's operation failed: %w", op.Failure)
	}
	return err
}

func accountOnce(ctx context.Context, s *session) error {
	req := provider.EnsureAccountRequest{Call: s.call(), Token: s.token(), Name: s.fix.SubAccount}
	first, err := s.EnsureAccount(ctx, req)
	if err != nil {
		return fmt.Errorf("making a sub-account: %w", err)
	}
	again, err := s.EnsureAccount(ctx, req)
	if err != nil {
		return fmt.Errorf("making it again with its token: %w", err)
	}
	if first.ID == "" || first.ID != again.ID || again.Created {
		return errors.New("a second call with the same token made a second sub-account")
	}
	return nil
}
