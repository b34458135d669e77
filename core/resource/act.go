package resource

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/id"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	contract "tradewind.example/sdk/provider"
)

// ActionJobKind is the kind of the jobs that carry actions out; register
// [Service.Work] for it.
const ActionJobKind = "resource.act"

// maxInput bounds the input of an action in bytes of JSON.
const maxInput = 64 << 10

// run is a stored action. What the action was told and what it answered may
// hold passwords and is sealed.
type run struct {
	ActionRun
	Token        string
	SealedInput  []byte
	SealedOutput []byte
	Operation    string
	JobID        string
	Calls        int
	NextAt       time.Time
}

func newRuns() *store.Collection[run] {
	return store.NewCollection("action", func(r *run) string { return r.ID },
		store.Index[run]{Name: "resource", Keys: func(r *run) [][]byte {
			return [][]byte{store.Key(r.ResourceID, r.ID)}
		}},
		// operation finds who waits for what a plugin tells of.
		store.Index[run]{Name: "operation", Keys: func(r *run) [][]byte {
			if r.State != RunStarted {
				return nil
			}
			return [][]byte{store.Key(r.RootID, r.Operation)}
		}},
	)
}

// ActInput performs an action.
type ActInput struct {
	ResourceID     string
	Action         string
	Input          json.RawMessage
	IdempotencyKey string // required for actions that change something
}

// Act performs an action of the resource's kind. A pure read is answered
// straight from the cloud and not stored. A change is stored with its token
// and carried out by a job; Act waits for its end for a bounded time and
// returns it as far as it is then.
func (s *Service) Act(ctx context.Context, c access.Caller, in ActInput) (ActionRun, error) {
	d, err := s.checked(ctx, c, access.ResourceAction, in.ResourceID)
	if err != nil {
		return ActionRun{}, err
	}
	if in.Action == kinds.ActionResize {
		return ActionRun{}, fault.Precondition("another size costs another price: ask for it as an order of the kind resize, not as an action")
	}
	action, err := s.describe(ctx, d.Value, in)
	if err != nil {
		return ActionRun{}, err
	}
	if !action.Changes {
		return s.read(ctx, c, d.Value, in)
	}
	if err := idempotency.CheckKey(in.IdempotencyKey); err != nil {
		return ActionRun{}, err
	}
	return s.perform(ctx, c, in)
}

// describe finds the action in what the plugin declares and checks the input.
func (s *Service) describe(ctx context.Context, v Resource, in ActInput) (contract.ActionDescription, error) {
	if len(in.Input) > maxInput {
		return contract.ActionDescription{}, fault.Invalid("input", "must have at most %d bytes", maxInput)
	}
	d, err := s.cfg.Plugins.Describe(ctx, v.Plugin)
	if err != nil {
		return contract.ActionDescription{}, fmt.Errorf("describing plugin %q: %w", v.Plugin, err)
	}
	for _, k := range d.Kinds {
		i := slices.IndexFunc(k.Actions, func(a contract.ActionDescription) bool { return a.Name == in.Action })
		if k.Name == v.Kind && i >= 0 {
			return k.Actions[i], s.schemas.Check("input", k.Actions[i].Input, in.Input)
		}
	}
	return contract.ActionDescription{}, fault.Unsupported("resources of kind %q have no action %q", v.Kind, in.Action)
}

func (s *Service) read(ctx context.Context, c access.Caller, v Resource, in ActInput) (ActionRun, error) {
	cloud, call, err := s.open(ctx, v, provider.PurposeOperate)
	if err != nil {
		return ActionRun{}, err
	}
	call.RequestID = c.RequestID
	ctx, cancel := context.WithTimeout(ctx, s.limits.CallTimeout)
	defer cancel()
	change, err := cloud.Act(ctx, contract.ActionRequest{Call: call, Kind: v.Kind, ID: v.VendorID, Action: in.Action, Input: in.Input})
	if err != nil {
		return ActionRun{}, fmt.Errorf("asking the cloud for %s of %q: %w", in.Action, v.ID, err)
	}
	now := s.cfg.Clock.Now()
	return ActionRun{
		ResourceID: v.ID, OrgID: v.OrgID, RootID: v.RootID, Action: in.Action, State: RunDone,
		Output: change.Output, Actor: c.Actor(), Created: now, Ended: now,
	}, nil
}

// perform stores the change with its job and waits for its end.
func (s *Service) perform(ctx context.Context, c access.Caller, in ActInput) (ActionRun, error) {
	body, err := idempotency.HashOf(in)
	if err != nil {
		return ActionRun{}, err
	}
	runID := id.New()
	sealed, err := s.cfg.Sealer.Seal(in.Input, sealContext(runID, "input"))
	if err != nil {
		return ActionRun{}, fmt.Errorf("sealing the input of action %q: %w", in.Action, err)
	}
	ended, leave := s.waits.join(runID)
	defer leave()
	var v run
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		v = run{ActionRun: ActionRun{ID: runID, Action: in.Action}, SealedInput: sealed}
		return s.storeRun(tx, c, in, body, &v)
	})
	if err != nil {
		return ActionRun{}, err
	}
	if v.ID == runID {
		s.await(ctx, ended)
	}
	return s.Run(ctx, c, v.ID)
}

// storeRun makes the stored action, or finds the one that the same request made.
func (s *Service) storeRun(tx store.Tx, c access.Caller, in ActInput, body idempotency.Hash, v *run) error {
	scope := idempotency.Scope{Org: c.OrgID, Operation: "resource.act"}
	ref, replay, err := s.cfg.Keys.Claim(tx, scope, in.IdempotencyKey, body)
	if err != nil {
		return err
	}
	if replay {
		d, err := s.runs.Get(tx, ref)
		*v = d.Value
		return err
	}
	d, err := s.resources.Get(tx, in.ResourceID)
	if err != nil {
		return err
	}
	r := d.Value
	if err := s.cfg.Authority.Check(tx, c, access.ResourceAction, access.Target{OrgID: r.OrgID, Thing: "resource", ID: r.ID}); err != nil {
		return err
	}
	if !r.Live() {
		return fault.Precondition("resource %q was released", r.ID)
	}
	v.ResourceID, v.OrgID, v.RootID, v.State = r.ID, r.OrgID, r.RootID, RunWaiting
	v.Token, v.Actor, v.Created = "tw-"+id.New(), c.Actor(), s.cfg.Clock.Now()
	j, err := s.cfg.Jobs.Enqueue(tx, job.Job{Kind: ActionJobKind, Ref: v.ID, OrgID: r.OrgID, Trace: c.Trace})
	if err != nil {
		return err
	}
	v.JobID = j.ID
	if _, err := s.runs.Insert(tx, *v); err != nil {
		return err
	}
	if err := s.cfg.Keys.Bind(tx, scope, in.IdempotencyKey, v.ID); err != nil {
		return err
	}
	return audit.Append(tx, audit.Record{
		Time: v.Created, Actor: v.Actor, Org: r.OrgID, Root: r.RootID, Action: string(access.ResourceAction),
		Thing: "resource", ID: r.ID, After: map[string]string{"run": v.ID, "action": v.Action}, RequestID: c.RequestID,
	})
}

func (s *Service) await(ctx context.Context, ended <-chan struct{}) {
	select {
	case <-ended:
	case <-s.cfg.Clock.After(s.limits.ActWait):
	case <-ctx.Done():
	}
}

// Run returns a stored action with its output, to who may act.
func (s *Service) Run(ctx context.Context, c access.Caller, runID string) (ActionRun, error) {
	var v run
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		d, err := s.runs.Get(r, runID)
		if err != nil {
			return err
		}
		v = d.Value
		return s.cfg.Authority.Check(r, c, access.ResourceAction, access.Target{OrgID: v.OrgID, Thing: "action", ID: runID})
	})
	if err != nil {
		return ActionRun{}, err
	}
	out := v.ActionRun
	if len(v.SealedOutput) > 0 {
		if out.Output, err = s.cfg.Sealer.Open(v.SealedOutput, sealContext(v.ID, "output")); err != nil {
			return ActionRun{}, fmt.Errorf("opening the output of action %q: %w", runID, err)
		}
	}
	return out, nil
}

// Runs returns one page of a resource's actions, newest first, without outputs.
func (s *Service) Runs(ctx context.Context, c access.Caller, resourceID, cursor string, limit int) (Page[ActionRun], error) {
	if _, err := s.checked(ctx, c, access.ResourceRead, resourceID); err != nil {
		return Page[ActionRun]{}, err
	}
	var out Page[ActionRun]
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		q := store.Query{Index: "resource", Prefix: store.Key(resourceID), Cursor: cursor, Limit: limit, Reverse: true}
		page, err := s.runs.List(r, q)
		if err != nil {
			return err
		}
		out = Page[ActionRun]{Next: page.Next}
		for _, d := range page.Items {
			out.Items = append(out.Items, d.Value.ActionRun)
		}
		return nil
	})
	return out, err
}

func sealContext(runID, part string) []byte { return []byte("action/" + runID + "/" + part) }
