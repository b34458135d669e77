package workload

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/fault"
)

const (
	refusalFresh = 5 * time.Minute
	// lookAgain is how long a quiet watch is trusted.
	lookAgain = 30 * time.Second
	// together is how long changes are gathered before a look.
	together = 30 * time.Millisecond
	// breath is between two tries to open a watch.
	breath = time.Second
)

// Await waits until reached answers true or an error for a status of the
// workload, and returns that status; reached is asked before the outside (Reach)
// is known. It looks when the cluster reports a change
// of the controller or of its pods, not on a timer, and goes on when the API
// was away. The end of ctx is an unavailable fault with the outcome unknown.
// With [Settled] it waits for the end of every change.
func (m *Manager) Await(ctx context.Context, r Ref, reached func(Status) (bool, error)) (Status, error) {
	var last Status
	for {
		w, err := m.watch(ctx, r)
		if err == nil {
			var ok bool
			last, ok, err = m.follow(ctx, r, w, reached)
			w.stop()
			if ok || err != nil && !passing(err) {
				return last, err
			}
		} else if !passing(err) {
			return last, err
		}
		select {
		case <-m.clock.After(breath):
		case <-ctx.Done():
			return last, fault.Unknown(ctx.Err(), "the workload did not get there in time")
		}
	}
}

// passing faults end by themselves.
func passing(err error) bool {
	return fault.Is(err, fault.ClassUnavailable) || fault.Is(err, fault.ClassThrottled)
}

// Settled is a condition for [Manager.Await]: the newest spec has been seen and
// the workload has come to rest, well or badly. Degraded is no rest, because an
// unschedulable pod may find room; it counts only when lasting is true.
func Settled(lasting bool) func(Status) (bool, error) {
	return func(s Status) (bool, error) {
		switch s.Phase {
		case PhaseRunning, PhaseStopped, PhaseSucceeded, PhaseFailed:
			return s.Observed >= s.Generation, nil
		case PhaseDegraded:
			return lasting, nil
		default:
			return false, nil
		}
	}
}

// watches are the two that a status depends on.
type watches struct{ object, pods watch.Interface }

func (w watches) stop() {
	w.object.Stop()
	w.pods.Stop()
}

func (m *Manager) watch(ctx context.Context, r Ref) (watches, error) {
	ns, apps, batch := r.Namespace(), m.client.Streams().AppsV1(), m.client.Streams().BatchV1()
	pods, err := m.client.Streams().CoreV1().Pods(ns).Watch(ctx, metav1.ListOptions{LabelSelector: r.labelQuery()})
	if err != nil {
		return watches{}, cluster.Fault(err)
	}
	opts := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, r.Name()).String()}
	out := watches{pods: pods}
	switch r.Engine {
	case StatefulSet:
		out.object, err = apps.StatefulSets(ns).Watch(ctx, opts)
	case Deployment:
		out.object, err = apps.Deployments(ns).Watch(ctx, opts)
	case DaemonSet:
		out.object, err = apps.DaemonSets(ns).Watch(ctx, opts)
	case CronJob:
		out.object, err = batch.CronJobs(ns).Watch(ctx, opts)
	case Job:
		out.object, err = batch.Jobs(ns).Watch(ctx, opts)
	default: // the pod itself is watched already
		out.object = watch.NewEmptyWatch()
	}
	if err != nil {
		pods.Stop()
		return watches{}, cluster.Fault(err)
	}
	return out, nil
}

// follow looks at each change until the condition holds or a watch ends.
func (m *Manager) follow(ctx context.Context, r Ref, w watches, reached func(Status) (bool, error)) (Status, bool, error) {
	object := w.object.ResultChan()
	if r.Engine == Standalone {
		object = nil // an empty watch is closed from the start
	}
	for {
		now, err := m.state(ctx, r)
		if err != nil {
			return now, false, err
		}
		if ok, err := reached(now); err != nil {
			return now, ok, err
		} else if ok {
			now, err = m.withReach(ctx, r, now)
			return now, err == nil, err
		}
		select {
		case _, open := <-object:
			if !open {
				return now, false, nil
			}
			m.drain(object, w.pods.ResultChan())
		case _, open := <-w.pods.ResultChan():
			if !open {
				return now, false, nil
			}
			m.drain(object, w.pods.ResultChan())
		case <-m.clock.After(lookAgain):
		case <-ctx.Done():
			return now, false, fault.Unknown(ctx.Err(), "the workload did not get there in time")
		}
	}
}

// drain lets changes that come together end in one look. A watch that closes
// meanwhile is noticed after the look.
func (m *Manager) drain(object, pods <-chan watch.Event) {
	quiet := m.clock.After(together)
	for {
		var open bool
		select {
		case _, open = <-object:
		case _, open = <-pods:
		case <-quiet:
			return
		}
		if !open {
			return
		}
	}
}
