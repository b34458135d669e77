package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// fresh is v as its cloud has it, asked for unless that was done a moment ago.
func (s *Service) fresh(ctx context.Context, v Resource) (Resource, error) {
	of, err := s.whole(ctx, v)
	if err != nil {
		return Resource{}, err
	}
	if s.cfg.Clock.Now().Sub(of.Refreshed) < s.limits.Fresh {
		return v, nil
	}
	out, err := s.refresh(ctx, of)
	if err != nil || of.ID == v.ID {
		return out, err
	}
	return s.stored(ctx, v.ID)
}

// refresh asks the cloud and stores what it says. v is no part.
func (s *Service) refresh(ctx context.Context, v Resource) (Resource, error) {
	asked := s.cfg.Clock.Now()
	seen, err := s.ask(ctx, v)
	if err != nil {
		return Resource{}, fmt.Errorf("asking the cloud for resource %q: %w", v.ID, err)
	}
	return s.note(ctx, v.ID, seen, asked)
}

// ask returns the resource as its cloud has it; one that is not there is
// reported as deleted, and consists of nothing.
func (s *Service) ask(ctx context.Context, v Resource) (contract.Resource, error) {
	cloud, call, err := s.open(ctx, v, provider.PurposeWindDown)
	if err != nil {
		return contract.Resource{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	seen, err := cloud.Get(ctx, contract.GetRequest{Call: call, Kind: v.Kind, ID: v.VendorID})
	if fault.Is(err, fault.ClassNotFound) {
		return contract.Resource{ID: v.VendorID, Kind: v.Kind, Status: contract.StatusDeleted, Parts: []contract.Part{}}, nil
	}
	return seen, err
}

func (s *Service) open(ctx context.Context, v Resource, p provider.Purpose) (Cloud, contract.Call, error) {
	var a provider.Access
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		a, err = s.cfg.Accounts.CallVia(ctx, r, v.OrgID, v.EnablementID, p)
		return err
	})
	if err != nil {
		return nil, contract.Call{}, fmt.Errorf("opening the account of enablement %q: %w", v.EnablementID, err)
	}
	a.Call.Region, a.Call.Zone = v.Region, v.Zone
	cloud, err := s.cfg.Plugins.Plugin(a.Plugin)
	return cloud, a.Call, err
}

// note stores what the cloud said about a resource and its parts when it was
// asked, unless it was asked later than that by somebody else. It never ends a
// resource that was bought: one that is gone at the cloud is a discrepancy for
// a person.
func (s *Service) note(ctx context.Context, resourceID string, seen contract.Resource, asked time.Time) (Resource, error) {
	var out Resource
	odd := 0
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		d, err := s.resources.Get(tx, resourceID)
		if err != nil {
			return err
		}
		out = d.Value
		if !out.Live() || out.Refreshed.After(asked) {
			return nil
		}
		out.apply(seen)
		out.Refreshed, out.Updated = asked, s.cfg.Clock.Now()
		if odd, err = s.stepTx(tx, &out, seen.Parts); err != nil {
			return err
		}
		_, err = s.resources.Update(tx, out, d.Rev)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrStale) {
		return Resource{}, fmt.Errorf("storing what the cloud says about %q: %w", resourceID, err)
	}
	if odd > 0 {
		s.cfg.Logger.WarnContext(ctx, "a plugin tells parts that cannot be parts", "plugin", out.Plugin, "resource_id", resourceID, "left_out", odd)
	}
	return out, nil
}

// apply takes over what the cloud knows better. The paid term is ours: the
// cloud's expiry is compared with it, and does not replace it.
func (r *Resource) apply(seen contract.Resource) {
	if seen.Status != "" {
		r.Status, r.RawStatus = seen.Status, seen.RawStatus
	}
	if seen.Name != "" {
		r.Name = seen.Name
	}
	if len(seen.State) > 0 && json.Valid(seen.State) {
		r.State = seen.State
	}
}
