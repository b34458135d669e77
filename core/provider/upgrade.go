package provider

import (
	"context"
	"fmt"
	"time"

	contract "tradewind.example/sdk/provider"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/store"
)

// maxUnfit bounds how many wrong fields are told of accounts that do not fit.
const maxUnfit = 20

// FitsPlugin checks every account at the plugin's clouds with the config schema
// of another version of the plugin, before that comes into use, and returns how
// many there are. An invalid fault names the enablements that do not fit. It
// checks no rights and calls no cloud.
func (s *Service) FitsPlugin(ctx context.Context, plugin string, d contract.Description) (checked int, err error) {
	sch, err := parseSchema(d.Config, false)
	if err != nil {
		return 0, err
	}
	var wrong fields
	err = s.eachAccount(ctx, plugin, func(p Provider, a account) error {
		credentials, err := s.credentials(&a)
		if err != nil {
			return fmt.Errorf("opening enablement %q: %w", a.ID, err)
		}
		var f fields
		sch.check(&f, merged(p.Settings, a.Settings), credentials)
		for _, bad := range f.Problems[:min(len(f.Problems), maxUnfit-len(wrong.Problems))] {
			wrong.Add("enablements."+a.ID+"."+bad.Path, "%s", bad.Message)
		}
		checked++
		return nil
	})
	if err != nil {
		return checked, fmt.Errorf("checking the accounts of plugin %q: %w", plugin, err)
	}
	return checked, wrong.Err()
}

// CheckThrough checks, through another version of the plugin, the account whose
// last check was good and is the latest. It returns its enablement, "" when no
// account of the plugin is known to be good. Nothing is recorded: a fault tells
// that the check is not good any more, not that the account is bad.
func (s *Service) CheckThrough(ctx context.Context, plugin string, cloud Cloud) (enablement string, err error) {
	var found *account
	var own Provider
	err = s.eachAccount(ctx, plugin, func(p Provider, a account) error {
		if a.State == StateActive && a.Problem == "" && (found == nil || a.CheckedAt.After(found.CheckedAt)) {
			found, own = &a, p
		}
		return nil
	})
	if err != nil || found == nil {
		return "", err
	}
	credentials, err := s.credentials(found)
	if err != nil {
		return found.ID, fmt.Errorf("opening enablement %q: %w", found.ID, err)
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	out, err := cloud.Check(ctx, contract.CheckRequest{Call: callOf(found.OrgID, own, *found, credentials)})
	switch {
	case err != nil:
		return found.ID, scrubError(err, credentials)
	case !out.OK:
		return found.ID, fault.Precondition("enablement %q was good on %s and is refused now: %s",
			found.ID, found.CheckedAt.Format(time.RFC3339), cut(scrub(out.Problem, credentials)))
	}
	return found.ID, nil
}

// eachAccount streams the accounts with checked credentials at the plugin's
// clouds, with their providers.
func (s *Service) eachAccount(ctx context.Context, plugin string, fn func(Provider, account) error) error {
	return s.Store.View(ctx, func(r store.Reader) error {
		providers := store.Query{Index: "plugin", Prefix: store.Key(plugin), Limit: store.NoLimit}
		return s.rows.providers.Each(r, providers, func(p store.Doc[Provider]) error {
			accounts := store.Query{Index: "provider", Prefix: store.Key(p.Value.ID), Limit: store.NoLimit}
			return s.rows.enablements.Each(r, accounts, func(d store.Doc[account]) error {
				a := d.Value
				if a.Shared || a.Sealed == nil || a.State == StateRevoked {
					return nil
				}
				a.Rev = d.Rev
				return fn(p.Value, a)
			})
		})
	})
}
