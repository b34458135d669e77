package resource

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tradewind.example/core/id"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// What a resource consists of is kept as resources of their own, below it: its
// parts. They have its owner, its account and its path, and no order, charge,
// cost or term. A part is brought into step with its cloud by its parent alone,
// in the transaction that stores what the cloud says of the parent.

// BelongsTo refuses what is done with bought things alone: a part is bought,
// prolonged, resized and given back with the resource that it belongs to.
func (r *Resource) BelongsTo() error {
	if r.ParentID == "" {
		return nil
	}
	return fault.Precondition("resource %q belongs to %q: renew, resize or release that one", r.ID, r.ParentID)
}

// thing names what a cloud has in one account.
type thing struct{ kind, vendorID string }

// stepping is a parent whose parts are brought into step.
type stepping struct {
	*Service
	tx     store.Tx
	parent *Resource
	now    time.Time
	have   map[thing]store.Doc[Resource] // live parts that the cloud has not told yet
	told   map[thing]bool
}

// stepTx brings the parts of parent into step with what its cloud tells, and
// notes in parent how many there are. Nil changes nothing: parts were not told.
// It returns how many cannot be parts and were left out. Parts keep what they
// are while the cloud says the same of them, so that a refresh writes what
// changed and no more.
func (s *Service) stepTx(tx store.Tx, parent *Resource, told []contract.Part) (odd int, err error) {
	if told == nil || parent.ParentID != "" {
		return 0, nil
	}
	st := &stepping{Service: s, tx: tx, parent: parent, now: s.cfg.Clock.Now(), told: map[thing]bool{}}
	if st.have, err = s.partsTx(tx, parent); err != nil {
		return 0, err
	}
	for i, p := range told {
		key := thing{p.Kind, p.ID}
		if i >= contract.MaxParts || p.ID == "" || p.Kind == "" || st.told[key] || key == (thing{parent.Kind, parent.VendorID}) {
			odd++
			continue
		}
		st.told[key] = true
		if p.Status == contract.StatusDeleted {
			continue
		}
		if err := st.take(key, p); err != nil {
			return odd, fmt.Errorf("taking part %q of resource %q: %w", p.ID, parent.ID, err)
		}
	}
	return odd, errors.Join(st.end(), st.forget())
}

// partsTx are the live parts of a resource.
func (s *Service) partsTx(r store.Reader, parent *Resource) (map[thing]store.Doc[Resource], error) {
	out := map[thing]store.Doc[Resource]{}
	if parent.Parts == 0 {
		return out, nil
	}
	err := s.resources.Each(r, store.Query{Index: "part", Prefix: store.Key(parent.ID), Limit: store.NoLimit}, func(d store.Doc[Resource]) error {
		out[thing{d.Value.Kind, d.Value.VendorID}] = d
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the parts of resource %q: %w", parent.ID, err)
	}
	return out, nil
}

// take stores one part that the cloud told. What is a resource here already,
// bought by itself or a part of another one, stays what it is.
func (st *stepping) take(key thing, p contract.Part) error {
	old, known := st.have[key]
	if known {
		delete(st.have, key)
		v := old.Value
		if !v.retell(st.parent, p) {
			return nil
		}
		v.Updated = st.now
		_, err := st.resources.Update(st.tx, v, old.Rev)
		return err
	}
	of := st.parent
	_, held, err := st.resources.By(st.tx, "vendor", vendorKey(of.ProviderID, key.kind, key.vendorID, of.AccountID))
	if err != nil || held {
		return err
	}
	v := Resource{
		ID: id.New(), ParentID: of.ID, RootID: of.RootID, OrgID: of.OrgID, Path: of.Path, ProviderID: of.ProviderID,
		EnablementID: of.EnablementID, AccountID: of.AccountID, Plugin: of.Plugin, Kind: key.kind, VendorID: key.vendorID,
		Start: st.now, Created: st.now, Updated: st.now,
	}
	v.retell(of, p)
	if _, err := st.resources.Insert(st.tx, v); err != nil {
		return err
	}
	of.Parts++
	return nil
}

// end ends the parts that the cloud told no more.
func (st *stepping) end() error {
	for _, d := range inOrder(st.have) {
		if err := st.endTx(st.tx, d, st.now); err != nil {
			return err
		}
		st.parent.Parts--
	}
	return nil
}

const (
	// partsKept is how long parts that have ended can still be listed: rollouts
	// replace them again and again.
	partsKept = 30 * 24 * time.Hour
	// mostForgotten bounds how many are forgotten at once.
	mostForgotten = 100
)

// forget takes away parts that ended long ago.
func (st *stepping) forget() error {
	page, err := st.resources.List(st.tx, store.Query{Index: "ended", Prefix: store.Key(st.parent.ID), Limit: mostForgotten})
	if err != nil {
		return err
	}
	for _, d := range page.Items {
		if st.now.Sub(d.Value.Released) < partsKept {
			return nil
		}
		if err := st.resources.Delete(st.tx, d.Value.ID, d.Rev); err != nil {
			return fmt.Errorf("forgetting part %q: %w", d.Value.ID, err)
		}
	}
	return nil
}

// inOrder makes what a transaction does the same each time it is run.
func inOrder(all map[thing]store.Doc[Resource]) []store.Doc[Resource] {
	out := make([]store.Doc[Resource], 0, len(all))
	for _, d := range all {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b store.Doc[Resource]) int { return bytes.Compare([]byte(a.Value.ID), []byte(b.Value.ID)) })
	return out
}

// endPartsTx ends all parts of a resource that has ended.
func (s *Service) endPartsTx(tx store.Tx, parent *Resource) error {
	have, err := s.partsTx(tx, parent)
	if err != nil {
		return err
	}
	parent.Parts = 0
	for _, d := range inOrder(have) {
		if err := s.endTx(tx, d, parent.Released); err != nil {
			return err
		}
	}
	return nil
}

// endTx ends one part.
func (s *Service) endTx(tx store.Tx, d store.Doc[Resource], now time.Time) error {
	v := d.Value
	v.Status, v.Released, v.Updated = contract.StatusDeleted, now, now
	if _, err := s.resources.Update(tx, v, d.Rev); err != nil {
		return fmt.Errorf("ending part %q: %w", v.ID, err)
	}
	tx.OnCommit(func() { s.waits.wake(v.ID) })
	return nil
}

// retell takes over what the cloud says of a part and reports whether that is
// anything new.
func (r *Resource) retell(parent *Resource, p contract.Part) bool {
	was := *r
	r.Name, r.Status, r.RawStatus = p.Name, p.Status, p.RawStatus
	r.Region, r.Zone = p.Region, p.Zone
	if r.Region == "" {
		r.Region = parent.Region
	}
	if r.Zone == "" {
		r.Zone = parent.Zone
	}
	if r.Status == "" {
		r.Status = contract.StatusUnknown
	}
	if len(p.State) > 0 && json.Valid(p.State) {
		r.State = p.State
	}
	return was.Name != r.Name || was.Status != r.Status || was.RawStatus != r.RawStatus || was.Region != r.Region ||
		was.Zone != r.Zone || !bytes.Equal(was.State, r.State)
}

// makeRoom ends the part that has a cloud's id which a bought resource is to
// have: it was told by its parent before its own order ended.
func (s *Service) makeRoom(tx store.Tx, why error) (made bool, err error) {
	var unique *store.UniqueError
	if !errors.As(why, &unique) {
		return false, nil
	}
	d, err := s.resources.Get(tx, unique.Holder)
	if err != nil || d.Value.ParentID == "" {
		return false, err
	}
	parent, err := s.resources.Get(tx, d.Value.ParentID)
	if err != nil {
		return false, err
	}
	if err := s.endTx(tx, d, s.cfg.Clock.Now()); err != nil {
		return false, err
	}
	parent.Value.Parts--
	_, err = s.resources.Update(tx, parent.Value, parent.Rev)
	return err == nil, err
}

// whole is the resource that has to be asked for to learn about v: the one that
// it is a part of, or itself.
func (s *Service) whole(ctx context.Context, v Resource) (Resource, error) {
	if v.ParentID == "" {
		return v, nil
	}
	return s.stored(ctx, v.ParentID)
}

func (s *Service) stored(ctx context.Context, resourceID string) (Resource, error) {
	var out Resource
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		d, err := s.resources.Get(r, resourceID)
		out = d.Value
		return err
	})
	if err != nil {
		return Resource{}, fmt.Errorf("reading resource %q: %w", resourceID, err)
	}
	return out, nil
}
