package workload

import (
	"context"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/fault"
)

const (
	refusalFresh = 5 * time.Minute
	// lookAgain is how long a quiet watch is trusted.
	lookAgain = 30 * time.Second
	// lookWhy is how long pods may be missing until it is asked why.
	lookWhy = 2 * time.Second
	// together is how long changes are gathered before a look.
	together = 30 * time.Millisecond
	// breath is between two tries to open a watch.
	breath = time.Second
)

// Await waits until reached answers true or an error for a status of the
// workload, and returns that status; reached is asked before the outside (Reach)
// is known. It follows what the cluster reports
// of the controller and of its pods, not a timer, and goes on when the API
// was away. The end of ctx is an unavailable fault with the outcome unknown.
// With [Settled] it waits for the end of every change.
func (m *Manager) Await(ctx context.Context, r Ref, reached func(Status) (bool, error)) (Status, error) {
	last, err := m.await(ctx, r, reached, true)
	if err != nil {
		return last, err
	}
	return m.withReach(ctx, r, last)
}

// Rest waits until the workload has come to rest, as Await does with [Settled], for
// callers that look themselves then: it takes the watches' word.
func (m *Manager) Rest(ctx context.Context, r Ref) error {
	_, err := m.await(ctx, r, Settled(false), false)
	return err
}

// await waits; sure is whether the cluster is asked at the beginning and the end too.
func (m *Manager) await(ctx context.Context, r Ref, reached func(Status) (bool, error), sure bool) (Status, error) {
	var last Status
	for {
		w, err := m.watch(ctx, r)
		if err == nil {
			var ok bool
			last, ok, err = m.follow(ctx, r, w, reached, sure)
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

// sight is what the watches have told of a workload.
type sight struct {
	object runtime.Object // nil: nothing yet, or it is gone
	pods   map[string]corev1.Pod
	unmade bool // pods are missing, and nobody told why
	quiet  bool // they have told nothing for long
	sure   bool // the end is to be asked for
}

// note takes over one event; ok is false for one that is no change.
func (s *sight) note(e watch.Event) (ok bool) {
	pod, isPod := e.Object.(*corev1.Pod)
	switch {
	case e.Type == watch.Error || e.Type == watch.Bookmark:
		return false
	case isPod && e.Type == watch.Deleted:
		delete(s.pods, pod.Name)
	case isPod:
		s.pods[pod.Name] = *pod
	case e.Type == watch.Deleted:
		s.object = nil
	default:
		s.object = e.Object
	}
	return true
}

// status is what the watches' words come to.
func (s *sight) status() Status {
	out := read(s.object)
	s.unmade = (out.Phase == PhasePending || out.Phase == PhaseRunning) && judge(slices.Collect(maps.Values(s.pods)), &out)
	return out
}

// follow judges each change until the condition holds or a watch ends. What the
// watches tell is enough to go on waiting.
func (m *Manager) follow(ctx context.Context, r Ref, w watches, reached func(Status) (bool, error), sure bool) (Status, bool, error) {
	object, seen := w.object.ResultChan(), &sight{pods: map[string]corev1.Pod{}, sure: sure}
	if r.Engine == Standalone {
		object = nil // an empty watch is closed from the start
	} else if err := m.first(ctx, r, w, seen); err != nil {
		return Status{}, false, err
	}
	for {
		now, ok, err := m.look(ctx, r, seen, reached)
		if ok || err != nil {
			return now, ok, err
		}
		again := lookAgain
		if seen.unmade {
			again = lookWhy
		}
		var e watch.Event
		var open bool
		select {
		case e, open = <-object:
		case e, open = <-w.pods.ResultChan():
		case <-m.clock.After(again):
			seen.quiet = true
			continue
		case <-ctx.Done():
			return now, false, fault.Unknown(ctx.Err(), "the workload did not get there in time")
		}
		seen.quiet = false
		if !open || !seen.note(e) || !m.gather(object, w.pods.ResultChan(), seen) {
			return now, false, nil
		}
	}
}

// first gets the controller: a watch begins with what is there, and who is to be
// sure asks, so that a workload that is not there is found out.
func (m *Manager) first(ctx context.Context, r Ref, w watches, seen *sight) (err error) {
	if seen.sure {
		seen.object, err = m.object(ctx, r)
		return err
	}
	select {
	case e := <-w.object.ResultChan():
		seen.note(e)
	case <-m.clock.After(breath): // then it is asked for
	case <-ctx.Done():
	}
	return nil
}

// look judges what was seen, and asks the cluster when that is nothing or old, or
// when it is over by that. What it asked is not kept: the watches go on from what
// they told.
func (m *Manager) look(ctx context.Context, r Ref, seen *sight, reached func(Status) (bool, error)) (Status, bool, error) {
	if seen.object != nil && !seen.quiet {
		now := seen.status()
		if ok, err := reached(now); !ok || err != nil || !seen.sure {
			return now, ok && err == nil, err
		}
	}
	now, err := m.state(ctx, r)
	if err != nil {
		return now, false, err
	}
	ok, err := reached(now)
	return now, ok && err == nil, err
}

// gather takes over changes that come together, for one look. False: a watch ended.
func (m *Manager) gather(object, pods <-chan watch.Event, seen *sight) bool {
	quiet := m.clock.After(together)
	for {
		var e watch.Event
		var open bool
		select {
		case e, open = <-object:
		case e, open = <-pods:
		case <-quiet:
			return true
		}
		if !open || !seen.note(e) {
			return false
		}
	}
}
