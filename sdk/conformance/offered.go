package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// offeredRules prove that what is not declared is refused and not imitated, and
// that wrong input is named.
func offeredRules() []Rule {
	creates := []provider.Verb{provider.VerbCreate}
	return []Rule{
		{ID: "capability-undeclared", Title: "an ability that is not declared is unsupported", run: capabilityUndeclared},
		{ID: "kind-unknown", Title: "an unknown kind is unsupported", run: kindUnknown},
		{ID: "verb-unknown", Title: "a verb or action that a kind does not offer is unsupported", Needs: []provider.Capability{provider.CapResources}, run: verbUnknown},
		{ID: "spec-unknown-field", Title: "a create with an unknown field is refused and names it", Verbs: creates, with: []need{orders(creates...)}, run: specUnknownField},
		{ID: "spec-required-field", Title: "a create without a required field is refused and names it", Verbs: creates, with: []need{orders(creates...)}, run: specRequiredField},
		{ID: "token-required", Title: "a create without a token is refused", Verbs: creates, with: []need{orders(creates...)}, run: tokenRequired},
		{
			ID: "update-unknown-field", Title: "an update with an unknown field is refused and names it", Verbs: []provider.Verb{provider.VerbUpdate},
			with: []need{orders(provider.VerbCreate, provider.VerbUpdate)}, run: updateUnknownField,
		},
		{ID: "action-input", Title: "an action's input is held to its schema", about: []need{actionsGiven}, with: []need{orders(creates...)}, run: actionInput},
		{ID: "region-unknown", Title: "an unknown region is refused", about: []need{regionsGiven}, with: []need{kindsGiven, accountGiven}, run: regionUnknown},
	}
}

func actionsGiven(s *session) string {
	for _, k := range s.orderable(provider.VerbCreate) {
		if len(k.Actions) > 0 {
			return ""
		}
	}
	return "no kind has actions"
}

// unsupported checks that err says that nothing was done because it is not offered.
func unsupported(err error, what string) error {
	if bad := classed(err, what, fault.ClassUnsupported); bad != nil {
		return bad
	}
	if fault.OutcomeOf(err) != fault.OutcomeNotDone {
		return fmt.Errorf("%s is unsupported, and yet its outcome is unknown", what)
	}
	return nil
}

func capabilityUndeclared(ctx context.Context, s *session) error {
	var errs []error
	calls := s.abilities()
	for _, c := range slices.Sorted(maps.Keys(calls)) {
		if !s.has(c) {
			errs = append(errs, unsupported(calls[c](ctx), "the undeclared ability "+string(c)))
		}
	}
	return errors.Join(errs...)
}

// abilities has one call for each capability.
func (s *session) abilities() map[provider.Capability]func(context.Context) error {
	call, token := s.call(), s.token()
	window := s.window(call)
	return map[provider.Capability]func(context.Context) error{
		provider.CapRegions: func(ctx context.Context) error {
			return second(s.Regions(ctx, provider.RegionsRequest{Call: call}))
		},
		provider.CapOfferings: func(ctx context.Context) error {
			return s.Offerings(ctx, provider.OfferingsRequest{Call: call}, ignore)
		},
		provider.CapQuote: func(ctx context.Context) error {
			return second(s.Quote(ctx, provider.QuoteRequest{Call: call, Change: provider.ChangeCreate, Kind: "none"}))
		},
		provider.CapPlacement: func(ctx context.Context) error {
			return second(s.Place(ctx, provider.PlaceRequest{Call: call, Kind: "none"}))
		},
		provider.CapResources: func(ctx context.Context) error {
			return s.List(ctx, provider.ListRequest{Call: call, Kind: "none"}, ignore)
		},
		provider.CapOperations: func(ctx context.Context) error {
			return second(s.Operation(ctx, provider.OperationRequest{Call: call, ID: token}))
		},
		provider.CapRenew: func(ctx context.Context) error {
			return second(s.Renew(ctx, provider.RenewRequest{Call: call, Token: token, Kind: "none", ID: token, Term: provider.Term{Periods: 1}}))
		},
		provider.CapAccounts: func(ctx context.Context) error {
			return second(s.EnsureAccount(ctx, provider.EnsureAccountRequest{Call: call, Token: token, Name: "none"}))
		},
		provider.CapSignIn: func(ctx context.Context) error {
			return second(s.SignInLink(ctx, provider.SignInLinkRequest{Call: call}))
		},
		provider.CapVendorOrders: func(ctx context.Context) error {
			return s.VendorOrders(ctx, provider.VendorOrdersRequest{Call: call}, ignore)
		},
		provider.CapBillLines: func(ctx context.Context) error { return s.BillLines(ctx, window, ignore) },
		provider.CapUsage:     func(ctx context.Context) error { return s.Usage(ctx, window, ignore) },
		provider.CapBalance: func(ctx context.Context) error {
			return second(s.Balance(ctx, provider.BalanceRequest{Call: call}))
		},
		provider.CapImport: func(ctx context.Context) error {
			return s.Import(ctx, provider.ImportRequest{Call: call}, ignore)
		},
		provider.CapEvents: func(ctx context.Context) error {
			return s.Events(ctx, provider.EventsRequest{Call: call}, ignore)
		},
	}
}

func second[A any](_ A, err error) error { return err }

func ignore[A any](A) error { return nil }

func kindUnknown(ctx context.Context, s *session) error {
	return s.refuses(ctx, "conformance_unknown_kind", func(provider.Verb) bool { return true })
}

func verbUnknown(ctx context.Context, s *session) error {
	var errs []error
	for _, k := range s.d.Kinds {
		errs = append(errs, s.refuses(ctx, k.Name, func(v provider.Verb) bool { return !slices.Contains(k.Verbs, v) }))
		_, err := s.Act(ctx, provider.ActionRequest{Call: s.call(), Token: s.token(), Kind: k.Name, ID: "none", Action: "conformance_unknown_action"})
		errs = append(errs, unsupported(err, "an unknown action of "+k.Name))
	}
	return errors.Join(errs...)
}

// refuses makes the calls of those verbs that the kind does not have.
func (s *session) refuses(ctx context.Context, kind string, not func(provider.Verb) bool) error {
	call, token, id := s.call(), s.token(), "cf-none-"+s.id
	var errs []error
	for verb, do := range map[provider.Verb]func() error{
		provider.VerbCreate: func() error {
			return second(s.Create(ctx, s.order(kind, token, s.fix.Kinds[kind])))
		},
		provider.VerbGet:  func() error { return second(s.Get(ctx, provider.GetRequest{Call: call, Kind: kind, ID: id})) },
		provider.VerbList: func() error { return s.List(ctx, provider.ListRequest{Call: call, Kind: kind}, ignore) },
		provider.VerbUpdate: func() error {
			return second(s.Update(ctx, provider.UpdateRequest{Call: call, Token: token, Kind: kind, ID: id, Spec: json.RawMessage(`{}`)}))
		},
		provider.VerbDelete: func() error {
			return second(s.Delete(ctx, provider.DeleteRequest{Call: call, Token: token, Kind: kind, ID: id}))
		},
		provider.VerbFindByToken: func() error {
			return second(s.FindByToken(ctx, s.created(kind, token)))
		},
		provider.VerbLogs: func() error {
			return s.Logs(ctx, provider.LogsRequest{Call: call, Kind: kind, ID: id}, io.Discard)
		},
		provider.VerbConsole: func() error {
			return second(s.Console(ctx, provider.ConsoleRequest{Call: call, Kind: kind, ID: id}, nil, ignore))
		},
	} {
		if not(verb) {
			errs = append(errs, unsupported(do(), fmt.Sprintf("the verb %s of %s", verb, kind)))
		}
	}
	return errors.Join(errs...)
}

func specUnknownField(ctx context.Context, s *session) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		spec, err := with(k.Spec, unknownField, true)
		if err != nil {
			return err
		}
		return s.badCreate(ctx, d.Name, k, spec, "spec."+unknownField)
	})
}

func specRequiredField(ctx context.Context, s *session) error {
	cases := 0
	err := s.eachKind(ctx, []provider.Verb{provider.VerbCreate}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		var errs []error
		for _, name := range shapeOf(d.Spec).Required {
			cases++
			spec, err := with(k.Spec, name, nil)
			if err != nil {
				return err
			}
			errs = append(errs, s.badCreate(ctx, d.Name, k, spec, "spec."+name))
		}
		return errors.Join(errs...)
	})
	if cases == 0 {
		return skip("no spec has a required field")
	}
	return err
}

// badCreate orders with a wrong spec, which must be refused with a path.
func (s *session) badCreate(ctx context.Context, kind string, k Kind, spec json.RawMessage, path string) error {
	k.Spec = spec
	req := s.order(kind, s.token(), k)
	change, err := s.Create(ctx, req)
	if change.Resource != nil {
		s.note(req.Call, kind, change.Resource.ID)
	}
	return pathed(err, "a create with a wrong "+path, path)
}

func tokenRequired(ctx context.Context, s *session) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		req := s.order(d.Name, "", k)
		change, err := s.Create(ctx, req)
		if change.Resource != nil {
			s.note(req.Call, d.Name, change.Resource.ID)
		}
		return classed(err, "a create without a token", fault.ClassInvalid)
	})
}

func updateUnknownField(ctx context.Context, s *session) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate, provider.VerbUpdate}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		doc := k.Update
		if doc == nil {
			doc = k.Spec
		}
		spec, err := with(doc, unknownField, true)
		if err != nil {
			return err
		}
		r, err := s.create(ctx, d.Name, s.token())
		if err != nil {
			return err
		}
		_, err = s.Update(ctx, provider.UpdateRequest{Call: s.call(), Token: s.token(), Kind: d.Name, ID: r.ID, Spec: spec})
		return pathed(err, "an update with an unknown field", "spec."+unknownField)
	})
}

func actionInput(ctx context.Context, s *session) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		if len(d.Actions) == 0 {
			return nil
		}
		r, err := s.create(ctx, d.Name, s.token())
		if err != nil {
			return err
		}
		var errs []error
		for _, a := range d.Actions {
			input, err := with(k.Actions[a.Name], unknownField, true)
			if err != nil {
				return err
			}
			_, err = s.Act(ctx, provider.ActionRequest{Call: s.call(), Token: s.token(), Kind: d.Name, ID: r.ID, Action: a.Name, Input: input})
			errs = append(errs, pathed(err, a.Name+" with an unknown field", "input."+unknownField))
		}
		return errors.Join(errs...)
	})
}

// unknownRegion is a place that no cloud has.
const unknownRegion = "conformance-no-such-region"

func regionUnknown(ctx context.Context, s *session) error {
	var errs []error
	refused := func(err error, what string) {
		errs = append(errs, classed(err, what, fault.ClassInvalid, fault.ClassNotFound))
	}
	for _, d := range s.d.Kinds {
		k, ok := s.fix.Kinds[d.Name]
		if !ok {
			continue
		}
		req := s.order(d.Name, s.token(), k)
		req.Call.Region, req.Call.Zone = unknownRegion, ""
		if slices.Contains(d.Verbs, provider.VerbCreate) {
			change, err := s.Create(ctx, req)
			if change.Resource != nil {
				s.note(req.Call, d.Name, change.Resource.ID)
			}
			refused(err, "creating "+d.Name+" in an unknown region")
		}
		if slices.Contains(d.Verbs, provider.VerbList) {
			_, err := s.list(ctx, req.Call, d.Name)
			refused(err, "listing "+d.Name+" in an unknown region")
		}
	}
	return errors.Join(errs...)
}
