package resource

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/job"
	"tradewind.example/core/paging"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// CompareJobKind is the kind of the jobs that compare one enablement's account
// with our resources; register
// [Service.CompareJob] for it.
const CompareJobKind = "resource.compare"

// compareBatch bounds the rows of one transaction of a comparison.
const compareBatch = 500

func newDiscrepancies() *store.Collection[Discrepancy] {
	return store.NewCollection("discrepancy", func(d *Discrepancy) string { return d.ID },
		store.Index[Discrepancy]{Name: "account", Keys: func(d *Discrepancy) [][]byte {
			return [][]byte{store.Key(d.EnablementID, d.ID)}
		}},
		store.Index[Discrepancy]{Name: "root", Keys: func(d *Discrepancy) [][]byte {
			return [][]byte{store.Key(d.RootID, d.ID)}
		}},
		store.Index[Discrepancy]{Name: "org", Keys: func(d *Discrepancy) [][]byte {
			return [][]byte{store.Key(d.AccountOrg, d.ID)}
		}},
	)
}

// RequestComparisonTx enqueues the comparison of an enablement's account.
func (s *Service) RequestComparisonTx(tx store.Tx, e provider.Enablement) error {
	what := Comparison{RootID: e.RootID, OrgID: e.OrgID, ProviderID: e.ProviderID, EnablementID: e.ID}
	payload, err := json.Marshal(what)
	if err != nil {
		return fault.Internal(err, "the comparison cannot be encoded")
	}
	_, err = s.cfg.Jobs.Enqueue(tx, job.Job{Kind: CompareJobKind, Ref: e.ID, OrgID: e.OrgID, Payload: payload})
	return err
}

// CompareJob is the handler of [CompareJobKind] jobs.
func (s *Service) CompareJob(ctx context.Context, j job.Job) error {
	var what Comparison
	if err := json.Unmarshal(j.Payload, &what); err != nil {
		return job.Dead(fault.Internal(err, "the payload of job %q cannot be read", j.ID))
	}
	return s.Compare(ctx, what)
}

// ComparePolicy is how the queue runs comparisons: one that fails is tried
// again a few times, the next day's comes anyway.
func (s *Service) ComparePolicy() job.Policy {
	return job.Policy{MaxAttempts: 3, Timeout: s.limits.ListTimeout}
}

// Comparison names the account that is compared.
type Comparison struct {
	RootID       string
	OrgID        string // whose enablement it is
	ProviderID   string
	EnablementID string
}

// comparing is a comparison under way. It keeps the ids it has seen, nothing
// else, so its memory grows by some 50 bytes for each resource of the account.
type comparing struct {
	Comparison
	seen   map[string]bool // ours, by id, that are at the cloud
	found  map[string]bool // discrepancies of this comparison
	batch  []Discrepancy
	plugin string
	began  time.Time
}

// Compare asks the account for everything it has and lists what differs from
// ours. It brings the parts of our resources into step and changes nothing else
// on either side. Running it twice changes nothing but the time
// at which a difference was seen last.
func (s *Service) Compare(ctx context.Context, c Comparison) error {
	ctx, cancel := context.WithTimeout(ctx, s.limits.ListTimeout)
	defer cancel()
	w := &comparing{Comparison: c, seen: map[string]bool{}, found: map[string]bool{}, began: s.cfg.Clock.Now()}
	if err := s.walk(ctx, w); err != nil {
		return fmt.Errorf("listing what the account of enablement %q has: %w", c.EnablementID, err)
	}
	if err := s.missing(ctx, w); err != nil {
		return fmt.Errorf("listing our resources of enablement %q: %w", c.EnablementID, err)
	}
	if err := s.flush(ctx, w); err != nil {
		return err
	}
	return s.settle(ctx, w)
}

// walk streams the account, by import where the plugin has it, else by listing
// every kind in every region.
func (s *Service) walk(ctx context.Context, w *comparing) error {
	var a provider.Access
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		a, err = s.cfg.Accounts.CallVia(ctx, r, w.OrgID, w.EnablementID, provider.PurposeWindDown)
		return err
	})
	if err != nil {
		return err
	}
	w.plugin = a.Plugin
	cloud, err := s.cfg.Plugins.Plugin(a.Plugin)
	if err != nil {
		return err
	}
	d, err := s.cfg.Plugins.Describe(ctx, a.Plugin)
	if err != nil {
		return err
	}
	if err := s.bringIntoStep(ctx, w, d); err != nil {
		return err
	}
	each := func(v contract.Resource) error { return s.match(ctx, w, v) }
	if slices.Contains(d.Capabilities, contract.CapImport) {
		return cloud.Import(ctx, contract.ImportRequest{Call: a.Call, Kinds: sold(d)}, each)
	}
	return s.listAll(ctx, cloud, a.Call, d, each)
}

// sold names the kinds that resources here can have; none: all of them. What an
// account's own people keep was never ordered and is no difference.
func sold(d contract.Description) []string {
	var out []string
	for _, k := range d.Kinds {
		if !k.Managed {
			out = append(out, k.Name)
		}
	}
	if len(out) == len(d.Kinds) {
		return nil
	}
	return out
}

func (s *Service) listAll(ctx context.Context, cloud Cloud, call contract.Call, d contract.Description, each func(contract.Resource) error) error {
	regions := []contract.Region{{ID: ""}}
	if d.Regions.HasRegions && slices.Contains(d.Capabilities, contract.CapRegions) {
		var err error
		if regions, err = cloud.Regions(ctx, contract.RegionsRequest{Call: call}); err != nil {
			return err
		}
	}
	for _, region := range regions {
		for _, k := range d.Kinds {
			if k.Managed || !slices.Contains(k.Verbs, contract.VerbList) {
				continue
			}
			call.Region = region.ID
			if err := cloud.List(ctx, contract.ListRequest{Call: call, Kind: k.Name}, each); err != nil {
				return err
			}
		}
	}
	return nil
}

// match compares one resource of the cloud with ours.
func (s *Service) match(ctx context.Context, w *comparing, v contract.Resource) error {
	if v.Status == contract.StatusDeleted {
		return nil
	}
	var ours Resource
	var known bool
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		d, found, err := s.resources.By(r, "vendor", vendorKey(w.ProviderID, v.Kind, v.ID, w.EnablementID))
		ours, known = d.Value, found
		return err
	})
	if err != nil {
		return err
	}
	if !known {
		return s.differ(ctx, w, Discrepancy{Kind: MissingHere, ResourceKind: v.Kind, VendorID: v.ID, Token: v.Token})
	}
	w.seen[ours.ID] = true
	if ours.ParentID != "" {
		return nil // judged with what it belongs to
	}
	fields := differences(&ours, v)
	if len(fields) == 0 {
		return nil
	}
	return s.differ(ctx, w, Discrepancy{Kind: Differs, ResourceKind: v.Kind, VendorID: v.ID, ResourceID: ours.ID, Fields: fields})
}

// differences compares what was sold with what is there. The state of the hour
// (running, stopped) is not a difference.
func differences(ours *Resource, v contract.Resource) []Difference {
	var out []Difference
	add := func(field, here, there string) {
		if here != "" && there != "" && here != there {
			out = append(out, Difference{Field: field, Here: here, There: there})
		}
	}
	add("region", ours.Region, v.Region)
	add("zone", ours.Zone, v.Zone)
	add("billing", string(ours.Billing), string(v.Billing))
	if !ours.End.IsZero() && !v.Expires.IsZero() {
		const day = "2006-01-02"
		add("expires", ours.End.UTC().Format(day), v.Expires.UTC().Format(day))
	}
	if v.Status == contract.StatusError || v.Status == contract.StatusFrozen {
		add("status", string(ours.Status), string(v.Status))
	}
	return out
}

// bringIntoStep reads ours that consist of parts, which no list tells, before
// the account is listed: parts that are new here are ours then. One that cannot
// be read keeps the parts it has. A slow cloud takes half of the comparison's
// time with it, and the rest wait for the next one.
func (s *Service) bringIntoStep(ctx context.Context, w *comparing, d contract.Description) error {
	consists := consisting(d)
	if len(consists) == 0 {
		return nil
	}
	half, cancel := context.WithTimeout(ctx, s.limits.ListTimeout/2)
	defer cancel()
	err := s.ours(half, w, func(v Resource) error {
		if !consists[v.Kind] || v.ParentID != "" || v.BusyOrder != "" {
			return nil
		}
		asked := s.cfg.Clock.Now()
		seen, err := s.ask(half, v)
		if err == nil {
			// The parts alone: the rest is what is compared.
			_, err = s.note(ctx, v.ID, contract.Resource{Parts: seen.Parts}, asked)
		}
		if err != nil {
			s.cfg.Logger.WarnContext(ctx, "parts not brought into step", "resource_id", v.ID, "error", err)
		}
		return half.Err()
	})
	if half.Err() != nil && ctx.Err() == nil {
		s.cfg.Logger.WarnContext(ctx, "not all parts brought into step in time", "enablement_id", w.EnablementID)
		return nil
	}
	return err
}

// consisting names the kinds whose parts can be asked for.
func consisting(d contract.Description) map[string]bool {
	out := map[string]bool{}
	for _, k := range d.Kinds {
		if len(k.PartKinds) > 0 && slices.Contains(k.Verbs, contract.VerbGet) {
			out[k.Name] = true
		}
	}
	return out
}

// missing finds ours that the cloud did not name.
func (s *Service) missing(ctx context.Context, w *comparing) error {
	return s.ours(ctx, w, func(v Resource) error {
		// What came after the cloud began to list may not be in its list.
		if w.seen[v.ID] || v.BusyOrder != "" || v.ParentID != "" || v.Created.After(w.began) {
			return nil
		}
		return s.differ(ctx, w, Discrepancy{Kind: MissingThere, ResourceKind: v.Kind, VendorID: v.VendorID, ResourceID: v.ID})
	})
}

// ours yields our live resources in the account, page by page.
func (s *Service) ours(ctx context.Context, w *comparing, yield func(Resource) error) error {
	cursor := ""
	for {
		var page store.Page[Resource]
		err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
			q := store.Query{Index: "account", Prefix: store.Key(w.EnablementID), Cursor: cursor, Limit: compareBatch}
			page, err = s.resources.List(r, q)
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range page.Items {
			if err := yield(d.Value); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		cursor = page.Next
	}
}

func (s *Service) differ(ctx context.Context, w *comparing, d Discrepancy) error {
	d.RootID, d.AccountOrg, d.ProviderID, d.EnablementID = w.RootID, w.OrgID, w.ProviderID, w.EnablementID
	sum := sha256.Sum256(store.Key(d.EnablementID, string(d.Kind), d.ResourceKind, d.VendorID))
	d.ID = hex.EncodeToString(sum[:16])
	w.found[d.ID] = true
	w.batch = append(w.batch, d)
	if len(w.batch) < compareBatch {
		return nil
	}
	return s.flush(ctx, w)
}

// flush stores the differences found so far; one that stood already keeps the
// time at which it was seen first.
func (s *Service) flush(ctx context.Context, w *comparing) error {
	now := s.cfg.Clock.Now()
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		for _, d := range w.batch {
			d.First, d.Last = now, now
			old, found, err := s.discrepancies.Find(tx, d.ID)
			switch {
			case err != nil:
				return err
			case found:
				d.First = old.Value.First
				_, err = s.discrepancies.Update(tx, d, old.Rev)
			default:
				_, err = s.discrepancies.Insert(tx, d)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	w.batch = w.batch[:0]
	if err != nil {
		return fmt.Errorf("storing differences of enablement %q: %w", w.EnablementID, err)
	}
	return nil
}

// settle removes the differences that this comparison did not find any more.
func (s *Service) settle(ctx context.Context, w *comparing) error {
	cursor := ""
	for {
		var page store.Page[Discrepancy]
		err := s.cfg.Store.Update(ctx, func(tx store.Tx) (err error) {
			q := store.Query{Index: "account", Prefix: store.Key(w.EnablementID), Cursor: cursor, Limit: compareBatch}
			if page, err = s.discrepancies.List(tx, q); err != nil {
				return err
			}
			for _, d := range page.Items {
				if w.found[d.Value.ID] {
					continue
				}
				if err := s.discrepancies.Delete(tx, d.Value.ID, d.Rev); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("clearing differences of enablement %q: %w", w.EnablementID, err)
		}
		if page.Next == "" {
			return nil
		}
		cursor = page.Next
	}
}

// DiscrepancyQuery asks for differences, oldest first.
type DiscrepancyQuery struct {
	Kind       DiscrepancyKind // "" for all
	ProviderID string          // "" for all
	Cursor     string
	Limit      int  // 1..store.MaxList
	Reverse    bool // newest first
}

// Discrepancies returns one page of what differs in the accounts that the
// caller operates.
func (s *Service) Discrepancies(ctx context.Context, c access.Caller, in DiscrepancyQuery) (Page[Discrepancy], error) {
	switch in.Kind {
	case "", MissingHere, MissingThere, Differs:
	default:
		return Page[Discrepancy]{}, fault.Invalid("kind", "must be missing_here, missing_there or differs")
	}
	var out Page[Discrepancy]
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		if err := s.cfg.Authority.Check(r, c, access.OrderAttend, access.Target{OrgID: c.OrgID, Thing: "org", ID: c.OrgID}); err != nil {
			return err
		}
		index, org := "org", c.OrgID
		if c.OrgID == c.RootID {
			index, org = "root", c.RootID
		}
		q := store.Query{Index: index, Prefix: store.Key(org), Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Reverse}
		page, err := paging.Where(r, s.discrepancies, q, func(d *Discrepancy) bool {
			return (in.Kind == "" || d.Kind == in.Kind) && (in.ProviderID == "" || d.ProviderID == in.ProviderID)
		})
		if err != nil {
			return err
		}
		out.Next = page.Next
		for _, d := range page.Items {
			out.Items = append(out.Items, d.Value)
		}
		return nil
	})
	return out, err
}
