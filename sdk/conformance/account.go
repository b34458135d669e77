package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// accountRules prove what a plugin does with the accounts it is given.
func accountRules() []Rule {
	return []Rule{
		{ID: "check-good", Title: "good credentials are found good", with: []need{accountGiven}, run: checkGood},
		{ID: "check-wrong", Title: "wrong credentials are an answer that says what to do, not an error", about: []need{credentialsTaken}, with: []need{wrongGiven}, run: checkWrong},
		{ID: "calls-wrong", Title: "a call with wrong credentials is unauthenticated and does nothing", about: []need{credentialsTaken}, with: []need{wrongGiven}, run: callsWrong},
		{ID: "config-paths", Title: "a setting that is missing or wrong is named by its path", about: []need{configGiven}, with: []need{accountGiven}, run: configPaths},
		{
			ID: "accounts-apart", Title: "an account sees, finds and deletes only its own", Verbs: []provider.Verb{provider.VerbCreate},
			with: []need{orders(provider.VerbCreate), otherGiven}, run: accountsApart,
		},
		{ID: "locales", Title: "every locale is accepted", with: []need{accountGiven}, run: locales},
	}
}

func checkGood(ctx context.Context, s *session) error {
	resp, err := s.Check(ctx, provider.CheckRequest{Call: s.call()})
	if err != nil {
		return fmt.Errorf("checking: %w", err)
	}
	if !resp.OK {
		return fmt.Errorf("the good account is found wrong: %s", resp.Problem)
	}
	return nil
}

func checkWrong(ctx context.Context, s *session) error {
	resp, err := s.Check(ctx, provider.CheckRequest{Call: s.callFor(s.fix.Wrong)})
	switch {
	case err != nil:
		return fmt.Errorf("bad credentials are an answer, not an error: %w", err)
	case resp.OK:
		return errors.New("the wrong account is found good")
	case resp.Problem == "":
		return errors.New("the verdict does not say what to do")
	}
	return nil
}

// callsWrong makes the calls that need the account with wrong credentials.
func callsWrong(ctx context.Context, s *session) error {
	call := s.callFor(s.fix.Wrong)
	var errs []error
	refused := func(err error, what string) { errs = append(errs, classed(err, what, fault.ClassUnauthenticated)) }
	calls := 0
	for _, k := range s.described(provider.VerbList) {
		calls++
		_, err := s.list(ctx, call, k.Name)
		refused(err, "listing "+k.Name)
	}
	for _, k := range s.orderable(provider.VerbCreate) {
		calls++
		req := s.order(k.Name, s.token(), s.fix.Kinds[k.Name])
		req.Call = call
		change, err := s.Create(ctx, req)
		if change.Resource != nil {
			s.note(call, k.Name, change.Resource.ID)
		}
		refused(err, "creating "+k.Name)
		if err != nil && fault.OutcomeOf(err) != fault.OutcomeNotDone {
			errs = append(errs, fmt.Errorf("creating %s is refused, and yet its outcome is unknown", k.Name))
		}
	}
	if s.has(provider.CapBalance) {
		calls++
		_, err := s.Balance(ctx, provider.BalanceRequest{Call: call})
		refused(err, "asking for the balance")
	}
	if calls == 0 {
		return skip("the plugin offers nothing that needs the account")
	}
	return errors.Join(errs...)
}

// configPaths leaves out each field that is required and spoils each number.
func configPaths(ctx context.Context, s *session) error {
	config := shapeOf(s.d.Config)
	var errs []error
	cases := 0
	for _, name := range slices.Sorted(maps.Keys(config.Properties)) {
		p := config.Properties[name]
		if slices.Contains(config.Required, name) {
			cases++
			errs = append(errs, s.misconfigured(ctx, name, p, nil))
		}
		if p.Type == "integer" {
			cases++
			wrong := "many"
			errs = append(errs, s.misconfigured(ctx, name, p, &wrong))
		}
	}
	if cases == 0 {
		return skip("no setting is required or a number")
	}
	return errors.Join(errs...)
}

// misconfigured checks an account with one field left out or set to text.
func (s *session) misconfigured(ctx context.Context, name string, p property, text *string) error {
	a := s.fix.Account
	a.Settings, a.Credentials = maps.Clone(a.Settings), maps.Clone(a.Credentials)
	path := "account.settings." + name
	if p.Secret {
		path = "account.credentials." + name
	}
	delete(a.Settings, name)
	delete(a.Credentials, name)
	switch {
	case text == nil:
	case p.Secret:
		a.Credentials[name] = secret.New(*text)
	default:
		if a.Settings == nil {
			a.Settings = map[string]string{}
		}
		a.Settings[name] = *text
	}
	_, err := s.Check(ctx, provider.CheckRequest{Call: s.callFor(a)})
	return pathed(err, "an account with a wrong "+path, path)
}

// pathed checks that err is invalid, not done, and names path.
func pathed(err error, what, path string) error {
	if bad := classed(err, what, fault.ClassInvalid); bad != nil {
		return bad
	}
	e := fault.As(err)
	if e.Outcome != fault.OutcomeNotDone {
		return fmt.Errorf("%s is refused, and yet its outcome is unknown", what)
	}
	if !slices.ContainsFunc(e.Fields, func(f fault.Field) bool { return f.Path == path }) {
		return fmt.Errorf("%s is answered without the path %q: %w", what, path, err)
	}
	return nil
}

// accountsApart makes a resource under one account and looks for it under another.
func accountsApart(ctx context.Context, s *session) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate}, func(ctx context.Context, d provider.KindDescription, _ Kind) error {
		token := s.token()
		r, err := s.create(ctx, d.Name, token)
		if err != nil {
			return err
		}
		return errors.Join(s.unseen(ctx, d, r.ID, token), s.undeleted(ctx, d, r.ID))
	})
}

// unseen looks for a resource of the account as the other one.
func (s *session) unseen(ctx context.Context, d provider.KindDescription, id, token string) error {
	call := s.callFor(s.fix.Other)
	var errs []error
	if slices.Contains(d.Verbs, provider.VerbGet) {
		_, err := s.Get(ctx, provider.GetRequest{Call: call, Kind: d.Name, ID: id})
		errs = append(errs, classed(err, "reading what belongs to another account", fault.ClassNotFound, fault.ClassForbidden))
	}
	if slices.Contains(d.Verbs, provider.VerbList) {
		rows, err := s.list(ctx, call, d.Name)
		if err != nil || slices.ContainsFunc(rows, func(r provider.Resource) bool { return r.ID == id }) {
			errs = append(errs, errors.Join(errors.New("the list must work and not show what belongs to another account"), err))
		}
	}
	if slices.Contains(d.Verbs, provider.VerbFindByToken) {
		req := s.created(d.Name, token)
		req.Call = call
		if f, err := s.find(ctx, req); err != nil || len(f.Resources) > 0 {
			errs = append(errs, errors.Join(errors.New("a token must find nothing of another account"), err))
		}
	}
	return errors.Join(errs...)
}

// undeleted deletes a resource of the account as the other one, which must do nothing.
func (s *session) undeleted(ctx context.Context, d provider.KindDescription, id string) error {
	if !slices.Contains(d.Verbs, provider.VerbDelete) || !slices.Contains(d.Verbs, provider.VerbGet) {
		return nil
	}
	// Whether this is refused or a success that did nothing is the cloud's affair.
	_ = s.remove(ctx, made{call: s.callFor(s.fix.Other), kind: d.Name, id: id})
	if _, err := s.Get(ctx, provider.GetRequest{Call: s.call(), Kind: d.Name, ID: id}); err != nil {
		return fmt.Errorf("another account deleted it: %w", err)
	}
	return nil
}

// locales makes the same calls in several languages, one of which nobody speaks.
func locales(ctx context.Context, s *session) error {
	var errs []error
	for _, locale := range []string{"zh-CN", "en", "de-CH-1996", "tlh", ""} {
		call := s.call()
		call.Locale = locale
		if _, err := s.Check(ctx, provider.CheckRequest{Call: call}); err != nil {
			errs = append(errs, fmt.Errorf("checking in the locale %q: %w", locale, err))
		}
		if s.has(provider.CapRegions) {
			if _, err := s.Regions(ctx, provider.RegionsRequest{Call: call}); err != nil {
				errs = append(errs, fmt.Errorf("listing regions in the locale %q: %w", locale, err))
			}
		}
	}
	return errors.Join(errs...)
}
