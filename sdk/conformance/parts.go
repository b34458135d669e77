package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tradewind.example/sdk/provider"
)

// partRules prove what a plugin tells of the things that a resource consists of.
func partRules() []Rule {
	verbs := []provider.Verb{provider.VerbCreate, provider.VerbGet}
	return []Rule{{
		ID: "parts", Title: "a resource tells its parts when it is made and read: each once, with an id, a declared kind and a state that fits",
		Verbs: verbs, about: []need{consists}, with: []need{orders(verbs...)}, run: partsSound,
	}}
}

// consists tells whether there is a kind of resources that consist of others.
func consists(s *session) string {
	if !slices.ContainsFunc(s.d.Kinds, func(k provider.KindDescription) bool { return len(k.PartKinds) > 0 }) {
		return "no kind consists of parts"
	}
	return ""
}

func partsSound(ctx context.Context, s *session) error {
	return s.read(ctx, func(ctx context.Context, d provider.KindDescription, made, got provider.Resource) error {
		errs := []error{s.partsOf(d, made), s.partsOf(d, got)}
		for _, p := range got.Parts {
			errs = append(errs, s.partRead(ctx, p))
		}
		return errors.Join(errs...)
	})
}

// partsOf judges the parts that one answer tells.
func (s *session) partsOf(d provider.KindDescription, r provider.Resource) error {
	switch {
	case len(d.PartKinds) == 0 && len(r.Parts) > 0:
		return fmt.Errorf("%d parts are told, and the kind declares none", len(r.Parts))
	case len(d.PartKinds) > 0 && r.Parts == nil:
		return errors.New("the kind declares parts, and the answer does not tell them")
	}
	var errs []error
	seen := map[[2]string]bool{{r.Kind, r.ID}: true}
	for _, p := range r.Parts {
		at := slices.IndexFunc(s.d.Kinds, func(k provider.KindDescription) bool { return k.Name == p.Kind })
		switch key := [2]string{p.Kind, p.ID}; {
		case p.ID == "":
			errs = append(errs, fmt.Errorf("a part of the kind %q has no id", p.Kind))
		case at < 0 || !slices.Contains(d.PartKinds, p.Kind):
			errs = append(errs, fmt.Errorf("the part %q is of the kind %q, which is not declared", p.ID, p.Kind))
		case seen[key]:
			errs = append(errs, fmt.Errorf("the part %q of the kind %q is told twice, or is the resource itself", p.ID, p.Kind))
		case p.Status == "":
			errs = append(errs, fmt.Errorf("the part %q has no status", p.ID))
		default:
			seen[key] = true
			errs = append(errs, fits("state of part "+p.ID, s.d.Kinds[at].State, p.State))
		}
	}
	return errors.Join(errs...)
}

// partRead reads a part by itself, where its kind can: actions on it go by the
// same id.
func (s *session) partRead(ctx context.Context, p provider.Part) error {
	readable := slices.ContainsFunc(s.described(provider.VerbGet), func(k provider.KindDescription) bool { return k.Name == p.Kind })
	if !readable || p.ID == "" {
		return nil
	}
	r, err := s.Get(ctx, provider.GetRequest{Call: s.call(), Kind: p.Kind, ID: p.ID})
	if err != nil {
		return fmt.Errorf("reading the part %q by itself: %w", p.ID, err)
	}
	if r.ID != p.ID {
		return fmt.Errorf("reading the part %q by itself tells of %q", p.ID, r.ID)
	}
	return nil
}
