package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/job"
	"tradewind.example/core/money"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
)

// SyncJob is the job kind of a catalogue sync; its Ref is the provider and its
// OrgID the root.
const SyncJob = "catalog.sync"

// errBusy is the cause of the conflict of a second sync at the same time.
var errBusy = errors.New("a sync of this provider is running")

// Sync brings the catalogue to what the provider's plugin offers now, and
// returns when it is done. Repeating it changes nothing. If it fails half-way,
// what was written stays and nothing is withdrawn.
func (s *Service) Sync(ctx context.Context, c access.Caller, providerID string) (SyncReport, error) {
	if err := s.maySync(ctx, c, providerID); err != nil {
		return SyncReport{}, err
	}
	return s.sync(ctx, c, providerID)
}

// RequestSync queues a sync and returns its job.
func (s *Service) RequestSync(ctx context.Context, c access.Caller, providerID string) (job.Job, error) {
	if err := s.maySync(ctx, c, providerID); err != nil {
		return job.Job{}, err
	}
	var out job.Job
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		var err error
		if out, err = s.Jobs.Enqueue(tx, job.Job{Kind: SyncJob, Ref: providerID, OrgID: c.RootID, Trace: c.Trace}); err != nil {
			return fmt.Errorf("queueing the sync: %w", err)
		}
		return s.record(tx, c, access.ProductSync, "provider", providerID, nil, nil)
	})
	return out, err
}

func (s *Service) maySync(ctx context.Context, c access.Caller, providerID string) error {
	return s.Store.View(ctx, func(r store.Reader) error {
		err := s.Authority.Check(r, c, access.ProductSync, access.Target{OrgID: c.RootID, Thing: "org", Unnamed: true})
		if err != nil {
			return err
		}
		return s.known(r, c, providerID)
	})
}

func (s *Service) runSync(ctx context.Context, j job.Job) error {
	_, err := s.sync(ctx, access.System(j.OrgID), j.Ref)
	switch {
	case errors.Is(err, errBusy):
		return job.Snooze(time.Minute)
	case fault.Is(err, fault.ClassUnsupported), fault.Is(err, fault.ClassNotFound):
		return job.Dead(err)
	}
	return err
}

// LastSync returns the report of the provider's last finished sync.
func (s *Service) LastSync(ctx context.Context, c access.Caller, providerID string) (SyncReport, error) {
	if err := s.maySync(ctx, c, providerID); err != nil {
		return SyncReport{}, err
	}
	var out SyncReport
	err := s.Store.View(ctx, func(r store.Reader) error {
		d, err := s.reports.Get(r, providerID)
		out = d.Value
		return err
	})
	return out, err
}

// sync has one run at a time per provider: two would withdraw what the other
// just wrote.
func (s *Service) sync(ctx context.Context, c access.Caller, providerID string) (SyncReport, error) {
	leave, err := s.enter(providerID)
	if err != nil {
		return SyncReport{}, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, s.SyncTimeout)
	defer cancel()
	cloud, call, err := s.cloud(ctx, c, providerID)
	if err != nil {
		return SyncReport{}, err
	}
	run := &run{
		s: s, c: c, seen: map[vendorHash]struct{}{},
		report: SyncReport{ProviderID: providerID, Started: s.Clock.Now()},
	}
	err = cloud.Offerings(ctx, contract.OfferingsRequest{Call: call}, func(o contract.Offering) error { return run.take(ctx, o) })
	if err == nil {
		err = run.flush(ctx)
	}
	if err == nil {
		err = run.sweep(ctx)
	}
	if err != nil {
		return run.report, fmt.Errorf("syncing the catalogue of provider %q: %w", providerID, err)
	}
	run.report.Ended = s.Clock.Now()
	return run.report, s.keep(ctx, run.report)
}

func (s *Service) enter(providerID string) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.syncing[providerID] {
		return nil, fault.Conflict("a sync of this provider is running: wait for it").With(errBusy)
	}
	s.syncing[providerID] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.syncing, providerID)
	}, nil
}

// cloud opens the operator's own account, whose offerings the catalogue shows.
func (s *Service) cloud(ctx context.Context, c access.Caller, providerID string) (Cloud, contract.Call, error) {
	var a provider.Access
	err := s.Store.View(ctx, func(r store.Reader) error {
		var err error
		a, err = s.Providers.CallFor(ctx, r, c.RootID, providerID, provider.PurposeOrder)
		return err
	})
	if err != nil {
		return nil, contract.Call{}, fmt.Errorf("opening the operator's account: %w", err)
	}
	d, err := s.Plugins.Describe(ctx, a.Plugin)
	if err != nil {
		return nil, contract.Call{}, fmt.Errorf("describing plugin %q: %w", a.Plugin, err)
	}
	if !slices.Contains(d.Capabilities, contract.CapOfferings) {
		return nil, contract.Call{}, fault.Unsupported("plugin %q lists no offerings: write its products by hand", a.Plugin)
	}
	cloud, err := s.Plugins.Plugin(a.Plugin)
	if err != nil {
		return nil, contract.Call{}, fmt.Errorf("finding plugin %q: %w", a.Plugin, err)
	}
	a.Call.RequestID = c.RequestID
	return cloud, a.Call, nil
}

func (s *Service) keep(ctx context.Context, r SyncReport) error {
	return s.Store.Update(ctx, func(tx store.Tx) error {
		_, found, err := s.reports.Find(tx, r.ProviderID)
		if err != nil {
			return err
		}
		if found {
			_, err = s.reports.Update(tx, r, 0)
		} else {
			_, err = s.reports.Insert(tx, r)
		}
		return err
	})
}

// vendorHash stands for a vendor id, so that what was seen takes 16 bytes each.
type vendorHash [16]byte

func hashOf(vendorID string) vendorHash {
	sum := sha256.Sum256([]byte(vendorID))
	return vendorHash(sum[:16])
}

// run is one sync in progress. Its memory is bounded: one batch, and a hash per
// offering.
type run struct {
	s      *Service
	c      access.Caller
	seen   map[vendorHash]struct{}
	batch  []offered
	report SyncReport
}

// offered is a good offering.
type offered struct {
	vendorID string
	facts    Facts
}

func (x *run) take(ctx context.Context, o contract.Offering) error {
	if x.report.Seen++; x.report.Seen > x.s.MaxOfferings {
		return fault.New(fault.ClassQuota, "the provider has more than %d offerings", x.s.MaxOfferings)
	}
	if !o.Sellable || len(o.Billing) == 0 { // sold out, or a choice such as an image
		x.report.Skipped++
		return nil
	}
	again := x.twice(o.ID)
	facts, err := factsOf(o)
	if err == nil && again {
		err = fault.Conflict("is listed twice")
	}
	if err != nil {
		x.report.Skipped++
		if len(x.report.Problems) < MaxReported {
			x.report.Problems = append(x.report.Problems, fmt.Sprintf("offering %q: %s", shown(o.ID), err))
		}
		return nil
	}
	x.batch = append(x.batch, offered{vendorID: o.ID, facts: facts})
	if len(x.batch) < x.s.Batch {
		return nil
	}
	return x.flush(ctx)
}

// twice reports whether the offering was seen before, and marks it seen: also a
// malformed one, whose product stays as it was.
func (x *run) twice(vendorID string) bool {
	h := hashOf(vendorID)
	_, there := x.seen[h]
	x.seen[h] = struct{}{}
	return there
}

func shown(s string) string {
	if len(s) > maxName {
		return s[:maxName]
	}
	return s
}

// factsOf reads an offering; an error says what is malformed.
func factsOf(o contract.Offering) (Facts, error) {
	x := Facts{
		Kind: o.Kind, Type: o.Type, Name: o.Name, Class: o.Class, Region: o.Region, Zone: o.Zone,
		Currency: money.Currency(o.Currency), Billing: slices.Clone(o.Billing), Periods: slices.Clone(o.Periods), Attrs: o.Attrs,
	}
	if x.Name == "" {
		x.Name = o.ID
	}
	if o.ListPrice != "" {
		d, err := money.ParseDecimal(string(o.ListPrice))
		if err != nil {
			return x, fault.Invalid("list_price", "%s", fault.As(err).Message)
		}
		x.ListPrice = &d
	}
	if len(o.Spec) > 0 {
		var b bytes.Buffer
		if err := json.Compact(&b, o.Spec); err != nil {
			return x, fault.Invalid("spec", "must be JSON")
		}
		x.Spec = b.Bytes()
	}
	var f fields
	f.Text("id", o.ID, 1, maxName)
	f.facts(x)
	return x, f.Err()
}

// tally is what one transaction did; it is added to the report only when the
// transaction is durable, because it may run more than once.
type tally struct {
	created, updated, unchanged, rises int
	reported                           []PriceRise
	changes                            []changed
}

// changed is one line of a batch's audit record.
type changed struct {
	ID       string
	VendorID string
	New      bool           `json:",omitempty"`
	Was, Now *money.Decimal // list price
	State    State
}

// flush writes the batch in one transaction; a batch that changes nothing
// writes nothing.
func (x *run) flush(ctx context.Context) error {
	if len(x.batch) == 0 {
		return nil
	}
	var t tally
	same := errors.New("nothing changed")
	err := x.s.Store.Update(ctx, func(tx store.Tx) error {
		t = tally{}
		for _, o := range x.batch {
			if err := x.upsert(ctx, tx, o, &t); err != nil {
				return fmt.Errorf("writing product %q: %w", o.vendorID, err)
			}
		}
		if len(t.changes) == 0 {
			return same
		}
		return x.s.record(tx, x.c, access.ProductSync, "provider", x.report.ProviderID, nil, t.changes)
	})
	if err != nil && !errors.Is(err, same) {
		return err
	}
	x.report.Created += t.created
	x.report.Updated += t.updated
	x.report.Unchanged += t.unchanged
	x.report.RisesTotal += t.rises
	room := MaxReported - len(x.report.PriceRises)
	x.report.PriceRises = append(x.report.PriceRises, t.reported[:min(len(t.reported), room)]...)
	x.batch = x.batch[:0]
	return nil
}

func (x *run) upsert(ctx context.Context, tx store.Tx, o offered, t *tally) error {
	d, found, err := x.s.products.By(tx, "vendor_id", store.Key(x.report.ProviderID, o.vendorID))
	if err != nil {
		return err
	}
	if !found {
		return x.insert(tx, o, t)
	}
	old := d.Value
	if old.Manual {
		t.unchanged++
		return nil
	}
	next := old
	o.facts.apply(&next)
	if err := x.price(ctx, tx, old, &next, t); err != nil {
		return err
	}
	if next.State == StateWithdrawn {
		next.State = StateActive
	}
	if sameProduct(&old, &next) {
		t.unchanged++
		return nil
	}
	next.Updated = x.s.Clock.Now()
	t.updated++
	t.changes = append(t.changes, changed{ID: old.ID, VendorID: old.VendorID, Was: old.ListPrice, Now: next.ListPrice, State: next.State})
	_, err = x.s.products.Update(tx, next, d.Rev)
	return err
}

func (x *run) insert(tx store.Tx, o offered, t *tally) error {
	now := x.s.Clock.Now()
	p := Product{
		ID: id.New(), RootID: x.c.RootID, ProviderID: x.report.ProviderID, VendorID: o.vendorID,
		State: StateActive, From: now, Created: now, Updated: now,
	}
	o.facts.apply(&p)
	t.created++
	t.changes = append(t.changes, changed{ID: p.ID, VendorID: p.VendorID, New: true, Now: p.ListPrice, State: p.State})
	_, err := x.s.products.Insert(tx, p)
	return err
}

// price lets a rise that breaks floors wait instead of applying it. A change of
// currency is no rise: the amounts do not compare.
func (x *run) price(ctx context.Context, r store.Reader, old Product, next *Product, t *tally) error {
	offer := next.ListPrice
	next.PendingPrice = nil
	if old.ListPrice == nil || offer == nil || old.Currency != next.Currency || offer.Cmp(*old.ListPrice) <= 0 || x.s.FloorBreaks == nil {
		return nil
	}
	breaks, err := x.s.FloorBreaks(ctx, r, old, *offer)
	if err != nil {
		return fmt.Errorf("judging a price rise: %w", err)
	}
	if len(breaks) == 0 {
		return nil
	}
	next.ListPrice, next.PendingPrice = old.ListPrice, offer
	if t.rises++; len(t.reported) < MaxReported {
		t.reported = append(t.reported, PriceRise{
			ProductID: old.ID, VendorID: old.VendorID, Currency: old.Currency, Old: *old.ListPrice, New: *offer, Breaks: breaks,
		})
	}
	return nil
}

// sameProduct compares what sync may change, as it would be stored.
func sameProduct(a, b *Product) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// sweep withdraws the products that were not offered, a page at a time.
func (x *run) sweep(ctx context.Context) error {
	q := store.Query{Index: "kind", Prefix: store.Key(x.report.ProviderID), Limit: min(x.s.Batch, store.MaxList)}
	for {
		gone, next, err := x.gone(ctx, q)
		if err != nil {
			return err
		}
		if err := x.withdraw(ctx, gone); err != nil {
			return err
		}
		if q.Cursor = next; next == "" {
			return nil
		}
	}
}

func (x *run) gone(ctx context.Context, q store.Query) (ids []string, next string, err error) {
	err = x.s.Store.View(ctx, func(r store.Reader) error {
		page, err := x.s.products.List(r, q)
		next = page.Next
		for _, d := range page.Items {
			p := d.Value
			if _, there := x.seen[hashOf(p.VendorID)]; !there && !p.Manual && p.State == StateActive {
				ids = append(ids, p.ID)
			}
		}
		return err
	})
	return ids, next, err
}

func (x *run) withdraw(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	n := 0
	err := x.s.Store.Update(ctx, func(tx store.Tx) error {
		n = 0
		var list []changed
		for _, productID := range ids {
			d, err := x.s.products.Get(tx, productID)
			if err != nil {
				return err
			}
			if d.Value.Manual || d.Value.State != StateActive {
				continue
			}
			d.Value.State, d.Value.Updated = StateWithdrawn, x.s.Clock.Now()
			if _, err := x.s.products.Update(tx, d.Value, d.Rev); err != nil {
				return err
			}
			n++
			list = append(list, changed{ID: productID, VendorID: d.Value.VendorID, Was: d.Value.ListPrice, State: StateWithdrawn})
		}
		return x.s.record(tx, x.c, access.ProductSync, "provider", x.report.ProviderID, nil, list)
	})
	x.report.Withdrawn += n
	return err
}
