package workload

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/widget"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// pollAfter is how soon it is worth asking again about an operation.
const pollAfter = 2 * time.Second

// Operation names what a change of a workload is polled by.
func (w Workload) Operation() string { return fmt.Sprintf("workload/%s/%d", w.ID, w.Generation) }

// Removal names what a removal is polled by.
func Removal(id string) string { return "workload/" + id + "/gone" }

// parseOperation reads the id of an operation; ok is false for a foreign one. A
// removal has the generation 0.
func parseOperation(id string) (workloadID string, generation int, ok bool) {
	rest, mine := strings.CutPrefix(id, "workload/")
	workloadID, what, found := strings.Cut(rest, "/")
	if !mine || !found || workloadID == "" {
		return "", 0, false
	}
	if what == "gone" {
		return workloadID, 0, true
	}
	generation, err := strconv.Atoi(what)
	return workloadID, generation, err == nil && generation > 0
}

// Update changes what runs, once per token. What it needs more of is taken, and
// what it frees given back, in one transaction with the row; when the cluster
// refuses, both go back to what they were.
func (k *Keeper) Update(ctx context.Context, d Desk, id, token string, s Spec) (Workload, error) {
	s, err := s.Complete(d.Images)
	if err != nil {
		return Workload{}, err
	}
	return k.change(ctx, d, id, token, "update", func(c *area.Change, w *Workload) error {
		claims, err := widget.Claims(w.CentreID, w.ClusterID, s.Basket(), 1)
		if err != nil {
			return err
		}
		if err := d.widgets().Move(ctx, c, w.Claims, claims); err != nil {
			return err
		}
		w.Claims = claims
		stopped := w.Replicas == 0
		if w.Spec, w.Replicas = s, s.Replicas; stopped {
			w.Replicas = 0
		}
		return nil
	})
}

// Scale changes how many replicas run, up to those that are paid for.
func (k *Keeper) Scale(ctx context.Context, d Desk, id, token string, replicas int) (Workload, error) {
	return k.change(ctx, d, id, token, "scale", func(_ *area.Change, w *Workload) error {
		switch {
		case replicas < 0 || replicas > w.Spec.Replicas:
			return fault.Invalid("input.replicas", "must be 0 to %d, which are paid for", w.Spec.Replicas)
		case w.Spec.Engine == DaemonSet && replicas != 0:
			return fault.Unsupported("a DaemonSet runs on every node: it can be stopped and started only")
		}
		w.Replicas = replicas
		return nil
	})
}

// Start runs all replicas that are paid for.
func (k *Keeper) Start(ctx context.Context, d Desk, id, token string) (Workload, error) {
	return k.change(ctx, d, id, token, "start", func(_ *area.Change, w *Workload) error {
		w.Replicas = w.Spec.Replicas
		return nil
	})
}

// Restart starts the pods again.
func (k *Keeper) Restart(ctx context.Context, d Desk, id, token string) (Workload, error) {
	return k.change(ctx, d, id, token, "restart", func(_ *area.Change, w *Workload) error {
		w.Restarts++
		return nil
	})
}

// ResetPassword sets another password and starts the pods again, since they read
// it when they start.
func (k *Keeper) ResetPassword(ctx context.Context, d Desk, id, token string, password secret.Value) (Workload, error) {
	return k.change(ctx, d, id, token, "password", func(c *area.Change, w *Workload) error {
		c.Seal(passwordName, id, password)
		w.OwnPassword = true
		w.Restarts++
		return nil
	})
}

// change edits the row once per token and tells the cluster.
func (k *Keeper) change(ctx context.Context, d Desk, id, token, purpose string, edit func(*area.Change, *Workload) error) (Workload, error) {
	if token == "" {
		return Workload{}, fault.Invalid("token", "a change needs a token")
	}
	done, err := k.turns.Take(ctx, "workload/"+id)
	if err != nil {
		return Workload{}, err
	}
	defer done()
	_, err = k.edit(ctx, d, id, purpose, token, func(c *area.Change, w *Workload) error {
		if w.Phase == Reserved && w.Before == nil {
			return fault.Precondition("the workload is still being made")
		}
		if w.Phase == Applied {
			w.Before = &Before{Spec: w.Spec, Replicas: w.Replicas, Claims: w.Claims}
		}
		w.Phase, w.Generation = Reserved, w.Generation+1
		return edit(c, w)
	})
	if err != nil {
		return Workload{}, err
	}
	row, err := workloads.Get(ctx, d.Area, id)
	if err != nil {
		return Workload{}, err
	}
	return k.tell(ctx, d, row)
}

// revert goes back to what ran before a change that the cluster refused.
func (k *Keeper) revert(ctx context.Context, d Desk, row area.Row[Workload], why error) (Workload, error) {
	w := row.Value
	before := *w.Before
	var c area.Change
	if err := d.widgets().Move(ctx, &c, w.Claims, before.Claims); err != nil {
		return w, fault.Unknown(err, "the change failed and cannot be taken back yet: %s", fault.As(why).Message)
	}
	w.Spec, w.Replicas, w.Claims, w.Before = before.Spec, before.Replicas, before.Claims, nil
	w.Phase, w.Problem, w.Generation, w.Updated = Applied, fault.As(why).Message, w.Generation+1, d.Now
	c.Replace(workloads.Key(w.ID), row.Revision, w)
	if err := d.Area.Apply(ctx, c); err != nil {
		return w, fault.Unknown(err, "the change failed and cannot be taken back yet: %s", fault.As(why).Message)
	}
	// The cluster may have taken a part of the change. What ran before, it took.
	if err := k.apply(ctx, d, w); err != nil {
		return w, fault.Unknown(err, "the change failed and what ran before is not restored yet: %s", fault.As(why).Message)
	}
	failure := *fault.As(why)
	failure.Outcome = fault.OutcomeNotDone
	return w, &failure
}

// Delete removes a workload; gone is false while the cluster is still at it.
func (k *Keeper) Delete(ctx context.Context, d Desk, id string) (gone bool, err error) {
	done, err := k.turns.Take(ctx, "workload/"+id)
	if err != nil {
		return false, err
	}
	defer done()
	var w Workload
	err = d.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		row, err := workloads.Find(ctx, d.Area, id)
		if w = row.Value; err != nil || row.Revision == 0 || w.Phase == Deleting {
			return c, err
		}
		w.Phase, w.Updated = Deleting, d.Now
		c.Replace(workloads.Key(id), row.Revision, w)
		return c, nil
	})
	if err != nil || w.ID == "" {
		return err == nil, err
	}
	return k.removed(ctx, d, w)
}

// removed takes a removal further. A cluster that cannot be asked is asked again
// later: the row says what is to be done.
func (k *Keeper) removed(ctx context.Context, d Desk, w Workload) (bool, error) {
	gone, err := k.remove(ctx, d, w)
	switch {
	case err == nil && gone:
		return true, k.giveBack(ctx, d, w.ID, "delete")
	case err == nil || later(err):
		return false, nil
	}
	return false, err
}

// Subject is the workload whose newest change an operation is; ok is false for any
// other operation.
func (k *Keeper) Subject(ctx context.Context, d Desk, operation string) (w Workload, ok bool, err error) {
	id, _, mine := parseOperation(operation)
	if !mine {
		return Workload{}, false, nil
	}
	row, err := workloads.Find(ctx, d.Area, id)
	return row.Value, row.Revision != 0 && row.Value.Operation() == operation, err
}

// Advance takes a change further and tells how far it is: what was lost half way
// is taken up, and a create that does not become ready in time is undone.
func (k *Keeper) Advance(ctx context.Context, d Desk, operation string) (provider.Operation, error) {
	id, generation, ok := parseOperation(operation)
	if !ok {
		return provider.Operation{}, fault.NotFound("operation", operation)
	}
	removal := generation == 0
	done, err := k.turns.Take(ctx, "workload/"+id)
	if err != nil {
		return provider.Operation{}, err
	}
	defer done()
	out := provider.Operation{ID: operation, State: provider.OperationRunning, CheckAfter: pollAfter}
	row, err := workloads.Find(ctx, d.Area, id)
	switch {
	case err != nil:
		return out, err
	case row.Revision == 0 && removal:
		out.State, out.Progress = provider.OperationSucceeded, 100
		return out, nil
	case row.Revision == 0:
		return provider.Operation{}, fault.NotFound("operation", operation)
	case removal && row.Value.Phase == Deleting:
		gone, err := k.removed(ctx, d, row.Value)
		if gone && err == nil {
			out.State, out.Progress = provider.OperationSucceeded, 100
		}
		return out, err
	case removal:
		out.State, out.Failure = provider.OperationFailed, fault.Precondition("the workload is not being removed")
		return out, nil
	}
	if w := row.Value; w.Phase == Applied && (generation < w.Generation || generation == 1 && !w.Ready.IsZero()) {
		return succeeded(w, out) // it has happened, whatever came after it
	}
	return k.advance(ctx, d, row, out)
}

func succeeded(w Workload, out provider.Operation) (provider.Operation, error) {
	var err error
	out.State, out.Progress, out.CheckAfter = provider.OperationSucceeded, 100, 0
	out.Resource, err = w.Resource()
	return out, err
}

// advance takes a create or an update further.
func (k *Keeper) advance(ctx context.Context, d Desk, row area.Row[Workload], out provider.Operation) (provider.Operation, error) {
	w := row.Value
	failed := func(err error) (provider.Operation, error) {
		if fault.OutcomeOf(err) == fault.OutcomeUnknown {
			out.Message = fault.As(err).Message
			return out, nil
		}
		out.State, out.Failure = provider.OperationFailed, err
		return out, nil
	}
	switch w.Phase {
	case Deleting:
		return failed(fault.Precondition("the workload is being removed"))
	case Undoing:
		_, err := k.undo(ctx, d, row, w.failure())
		return failed(err)
	case Reserved:
		told, err := k.tell(ctx, d, row)
		if err != nil {
			return failed(err)
		}
		if told.Phase == Reserved {
			return k.late(ctx, d, row, out, "the cluster cannot be reached")
		}
		if row, err = workloads.Get(ctx, d.Area, w.ID); err != nil {
			return out, err
		}
	}
	return k.ready(ctx, d, row, out)
}

// ready tells whether what the cluster was told has come about.
func (k *Keeper) ready(ctx context.Context, d Desk, row area.Row[Workload], out provider.Operation) (provider.Operation, error) {
	w := row.Value
	seen, err := k.observe(ctx, d, w)
	if err != nil {
		return k.late(ctx, d, row, out, fault.As(err).Message)
	}
	w.Seen = seen
	if s := w.status(); s == provider.StatusRunning || s == provider.StatusStopped {
		if w.Ready.IsZero() {
			if _, err := k.edit(ctx, d, w.ID, "ready", w.Token, func(_ *area.Change, w *Workload) error { w.Ready = d.Now; return nil }); err != nil {
				return out, err
			}
			w.Ready = d.Now
		}
		return succeeded(w, out)
	}
	if seen.Wanted > 0 {
		out.Progress = min(99, 100*seen.Ready/seen.Wanted)
	}
	why := seen.Reason
	if seen.Message != "" {
		why += ": " + seen.Message
	}
	return k.late(ctx, d, row, out, why)
}

// late undoes a create whose time is up; anything else goes on.
func (k *Keeper) late(ctx context.Context, d Desk, row area.Row[Workload], out provider.Operation, why string) (provider.Operation, error) {
	w := row.Value
	out.Message = why
	if !w.Ready.IsZero() || w.Before != nil || d.Now.Sub(w.Created) < d.Patience {
		return out, nil
	}
	if _, err := k.undo(ctx, d, row, fault.OutOfStock("the workload did not become ready in time: %s", why)); fault.OutcomeOf(err) == fault.OutcomeNotDone {
		out.State, out.Failure = provider.OperationFailed, err
	}
	return out, nil
}
