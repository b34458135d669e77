package workload

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// patch changes the controller's object by a merge patch.
func (m *Manager) patch(ctx context.Context, r Ref, change map[string]any) error {
	raw, err := json.Marshal(change)
	if err != nil {
		return fault.Internal(err, "writing a change of a workload")
	}
	ns, name, opts := r.Namespace(), r.Name(), metav1.PatchOptions{FieldManager: cluster.Manager}
	apps, batch := m.client.Kube().AppsV1(), m.client.Kube().BatchV1()
	switch r.Engine {
	case StatefulSet:
		_, err = apps.StatefulSets(ns).Patch(ctx, name, types.MergePatchType, raw, opts)
	case Deployment:
		_, err = apps.Deployments(ns).Patch(ctx, name, types.MergePatchType, raw, opts)
	case DaemonSet:
		_, err = apps.DaemonSets(ns).Patch(ctx, name, types.MergePatchType, raw, opts)
	case CronJob:
		_, err = batch.CronJobs(ns).Patch(ctx, name, types.MergePatchType, raw, opts)
	case Job:
		_, err = batch.Jobs(ns).Patch(ctx, name, types.MergePatchType, raw, opts)
	default:
		return fault.Unsupported("%s cannot be changed in place", r.Engine)
	}
	if err = cluster.Fault(err); isGone(err) {
		return fault.NotFound("workload", r.ID).With(err)
	}
	return err
}

// Scale sets the number of replicas within what was booked by the last Apply;
// more needs an Apply. Only StatefulSet and Deployment have replicas. Disks of
// replicas that go stay.
func (m *Manager) Scale(ctx context.Context, r Ref, replicas int) error {
	if r.Engine != StatefulSet && r.Engine != Deployment {
		return fault.Unsupported("%s has no replicas: use StatefulSet or Deployment", r.Engine)
	}
	booked, err := m.sold(ctx, r)
	if err != nil {
		return err
	}
	if booked == nil {
		return fault.NotFound("workload", r.ID)
	}
	if most := booked.Pods - 1; replicas < 0 || int64(replicas) > most {
		return fault.Invalid("input.replicas", "must be 0 to %d, the number that was bought", most)
	}
	return m.patch(ctx, r, map[string]any{"spec": map[string]any{"replicas": replicas}})
}

// Stop ends the pods and keeps the rest: no replicas, or suspended. Stopping
// what is stopped is a success. DaemonSet and Standalone cannot be stopped.
func (m *Manager) Stop(ctx context.Context, r Ref) error {
	switch r.Engine {
	case StatefulSet, Deployment:
		obj, err := m.Status(ctx, r)
		if err != nil || obj.Desired == 0 {
			return err
		}
		return m.patch(ctx, r, map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{noteReplicas: strconv.Itoa(obj.Desired)}},
			"spec":     map[string]any{"replicas": 0},
		})
	case Job, CronJob:
		return m.patch(ctx, r, map[string]any{"spec": map[string]any{"suspend": true}})
	default:
		return fault.Unsupported("%s cannot be stopped: delete it, or use StatefulSet", r.Engine)
	}
}

// Start undoes Stop: as many replicas as before, or as were bought.
func (m *Manager) Start(ctx context.Context, r Ref) error {
	switch r.Engine {
	case StatefulSet, Deployment:
		now, err := m.Status(ctx, r)
		if err != nil || now.Desired > 0 {
			return err
		}
		n, err := m.replicasBefore(ctx, r)
		if err != nil {
			return err
		}
		return m.patch(ctx, r, map[string]any{"spec": map[string]any{"replicas": n}})
	case Job, CronJob:
		return m.patch(ctx, r, map[string]any{"spec": map[string]any{"suspend": false}})
	default:
		return fault.Unsupported("%s cannot be stopped and started: delete it, or use StatefulSet", r.Engine)
	}
}

func (m *Manager) replicasBefore(ctx context.Context, r Ref) (int64, error) {
	booked, err := m.sold(ctx, r)
	if err != nil {
		return 0, err
	}
	if booked == nil {
		return 0, fault.NotFound("workload", r.ID)
	}
	most := max(booked.Pods-1, 1)
	obj, err := m.object(ctx, r)
	if err != nil {
		return 0, err
	}
	if meta, ok := obj.(metav1.Object); ok {
		if n, err := strconv.ParseInt(meta.GetAnnotations()[noteReplicas], 10, 32); err == nil && n > 0 && n < most {
			return n, nil
		}
	}
	return most, nil
}

// Restart makes all pods anew, one after the other where there are several. It
// is for engines whose pods stay; a Standalone is made anew by Apply.
func (m *Manager) Restart(ctx context.Context, r Ref) error {
	if !r.Engine.serves() || r.Engine == Standalone {
		return fault.Unsupported("%s cannot be restarted", r.Engine)
	}
	at := m.clock.Now().Format(time.RFC3339Nano)
	return m.patch(ctx, r, map[string]any{"spec": map[string]any{"template": map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{noteRestart: at}},
	}}})
}

// SetPassword changes the login's password and makes the pods anew, so that
// they see it. A database that has started once keeps its old password: change
// it there first. A workload without a login is a precondition fault.
func (m *Manager) SetPassword(ctx context.Context, r Ref, password secret.Value) error {
	if password.IsZero() {
		return fault.Invalid("input.password", "must not be empty")
	}
	now, err := m.client.Kube().CoreV1().Secrets(r.Namespace()).Get(ctx, r.login(), metav1.GetOptions{})
	if err = cluster.Fault(err); isGone(err) {
		return fault.Precondition("the workload has no login")
	}
	if err != nil {
		return err
	}
	version, err := m.applySecret(ctx, r, string(now.Data[keyUser]), password)
	if err != nil {
		return err
	}
	if !r.Engine.serves() || r.Engine == Standalone {
		return nil // its next pod sees it
	}
	return m.patch(ctx, r, map[string]any{"spec": map[string]any{"template": map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{noteLogin: version}},
	}}})
}
