package node

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/fault"
)

const (
	drainTime  = 5 * time.Minute
	drainPause = time.Second // between two rounds; a budget opens no faster
	podPage    = 500
)

// DrainOptions bounds a drain. Data in a pod's own folder is lost with the pod.
type DrainOptions struct {
	Timeout time.Duration // 0: 5 minutes
	// Bare also evicts pods that nobody makes anew; without it they are refused
	// before anything is evicted.
	Bare bool
	// Progress is told after each round; nil: nobody.
	Progress func(Drained)
}

// Drained is how far a drain is.
type Drained struct {
	Evicted int // pods asked to go so far
	Left    int // pods still there
	Blocked int // of those, held by a disruption budget
}

// victim is a pod to evict; only what is needed is kept.
type victim struct {
	namespace, name string
	uid             types.UID
	bare, leaving   bool
}

// Drain cordons a node and evicts its pods, with their disruption budgets, until
// none but those of daemon sets and the node's own is left. When the time is
// over it answers a precondition fault if budgets hold the rest, an unavailable
// one else; the node stays cordoned, and the drain may be repeated.
func (k *Keeper) Drain(ctx context.Context, node string, o DrainOptions) (Drained, error) {
	if o.Timeout <= 0 {
		o.Timeout = drainTime
	}
	if err := k.Cordon(ctx, node); err != nil {
		return Drained{}, err
	}
	end, evicted := k.clock.Now().Add(o.Timeout), map[types.UID]bool{}
	for {
		victims, err := k.evictable(ctx, node)
		if err != nil {
			return Drained{Evicted: len(evicted)}, err
		}
		out := Drained{Evicted: len(evicted), Left: len(victims)}
		if err := refuseBare(victims, o); err != nil || len(victims) == 0 {
			return out, err
		}
		if out.Blocked, err = k.evictAll(ctx, victims, evicted); err != nil {
			return out, err
		}
		out.Evicted = len(evicted)
		if o.Progress != nil {
			o.Progress(out)
		}
		if k.clock.Now().Add(drainPause).After(end) {
			return out, drainFault(node, out, o.Timeout)
		}
		select {
		case <-k.clock.After(drainPause):
		case <-ctx.Done():
			return out, fault.Unknown(ctx.Err(), "the drain of node %q was ended", node)
		}
	}
}

func drainFault(node string, d Drained, after time.Duration) error {
	if d.Blocked > 0 {
		return fault.Precondition("disruption budgets held %d pods on node %q for %s: give their workloads more replicas, or force the removal", d.Blocked, node, after)
	}
	return fault.Unavailable("%d pods on node %q did not end within %s: try again", d.Left, node, after)
}

func refuseBare(victims []victim, o DrainOptions) error {
	for _, v := range victims {
		if v.bare && !v.leaving && !o.Bare {
			return fault.Precondition("pod %q has no controller that makes it anew elsewhere: delete its workload first, or allow its loss", v.namespace+"/"+v.name)
		}
	}
	return nil
}

// evictable lists the pods that a drain moves: not those of daemon sets, which
// come back at once, and not mirrors of the node's own files.
func (k *Keeper) evictable(ctx context.Context, node string) ([]victim, error) {
	var out []victim
	opts := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("spec.nodeName", node).String(), Limit: podPage}
	for {
		list, err := k.client.Kube().CoreV1().Pods("").List(ctx, opts)
		if err != nil {
			return nil, cluster.Fault(err)
		}
		for _, p := range list.Items {
			owner := metav1.GetControllerOf(&p)
			_, mirror := p.Annotations[corev1.MirrorPodAnnotationKey]
			if mirror || owner != nil && owner.Kind == "DaemonSet" {
				continue
			}
			ended := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
			out = append(out, victim{
				namespace: p.Namespace, name: p.Name, uid: p.UID,
				bare: owner == nil && !ended, leaving: p.DeletionTimestamp != nil,
			})
		}
		if opts.Continue = list.Continue; opts.Continue == "" {
			return out, nil
		}
	}
}

// evictAll asks each pod once; what a budget holds back is asked again in the
// next round.
func (k *Keeper) evictAll(ctx context.Context, victims []victim, evicted map[types.UID]bool) (blocked int, err error) {
	for _, v := range victims {
		if v.leaving || evicted[v.uid] {
			continue
		}
		err := k.client.Kube().PolicyV1().Evictions(v.namespace).Evict(ctx, &policyv1.Eviction{
			ObjectMeta:    metav1.ObjectMeta{Name: v.name, Namespace: v.namespace},
			DeleteOptions: &metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(v.uid))},
		})
		switch {
		case err == nil:
			evicted[v.uid] = true
		case apierrors.IsNotFound(err), apierrors.IsConflict(err): // gone, or another pod of its name
		case apierrors.IsTooManyRequests(err):
			blocked++
		case apierrors.IsForbidden(err) && apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause): // goes with its namespace
		default:
			return blocked, cluster.Fault(err)
		}
	}
	return blocked, nil
}

// forcePods removes the entries of pods that do not end, as a lost node's do not.
func (k *Keeper) forcePods(ctx context.Context, node string) error {
	victims, err := k.evictable(ctx, node)
	if err != nil {
		return err
	}
	now := int64(0)
	for _, v := range victims {
		err := k.client.Kube().CoreV1().Pods(v.namespace).Delete(ctx, v.name, metav1.DeleteOptions{
			GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(v.uid)),
		})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return cluster.Fault(err)
		}
	}
	return nil
}
