package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	apply "k8s.io/client-go/applyconfigurations/core/v1"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/wait"
)

// replaceEngine removes what another engine runs; secret, service and a single
// disk stay.
func (m *Manager) replaceEngine(ctx context.Context, s Spec, was entry) error {
	r, old := s.Ref, was.Engine
	r.Engine = old
	if (old == StatefulSet || s.Engine == StatefulSet) && was.Claims > 0 {
		return fault.Precondition("the data disk of a %s cannot move to a %s: make a new workload", old, s.Engine)
	}
	if err := m.deleteController(ctx, r); err != nil {
		return err
	}
	if old == StatefulSet {
		services := m.client.Kube().CoreV1().Services(r.Namespace())
		if err := gone(services.Delete(ctx, r.governing(), metav1.DeleteOptions{})); err != nil {
			return err
		}
	}
	return m.untilGone(ctx, r)
}

// applyStatefulSet changes a StatefulSet; where only its claim templates are in
// the way, the claims grow and the set is made anew around its living pods.
func (m *Manager) applyStatefulSet(ctx context.Context, s Spec, login string) (runtime.Object, error) {
	sets := m.client.Kube().AppsV1().StatefulSets(s.Namespace())
	out, err := sets.Apply(ctx, s.statefulSet(login), applying)
	if !apierrors.IsInvalid(err) {
		return out, cluster.Fault(err)
	}
	now, getErr := sets.Get(ctx, s.Ref.Name(), metav1.GetOptions{})
	if apierrors.IsNotFound(getErr) {
		return nil, cluster.Fault(err) // a first apply: the spec itself is wrong
	}
	if getErr != nil {
		return nil, cluster.Fault(getErr)
	}
	if err := m.growClaims(ctx, s, now); err != nil {
		return nil, err
	}
	if err := m.orphan(ctx, now); err != nil {
		return nil, err
	}
	out, err = sets.Apply(ctx, s.statefulSet(login), applying)
	return out, cluster.Fault(err)
}

// orphan deletes a set without its pods and waits until it is gone.
func (m *Manager) orphan(ctx context.Context, now *appsv1.StatefulSet) error {
	sets, orphan := m.client.Kube().AppsV1().StatefulSets(now.Namespace), metav1.DeletePropagationOrphan
	opts := metav1.DeleteOptions{PropagationPolicy: &orphan, Preconditions: metav1.NewUIDPreconditions(string(now.UID))}
	if err := gone(sets.Delete(ctx, now.Name, opts)); err != nil {
		return err
	}
	_, err := wait.Until(ctx, m.waiting(), func(ctx context.Context) (bool, error) {
		_, err := sets.Get(ctx, now.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), gone(err)
	}, itself)
	return err
}

func itself(ok bool) (bool, error) { return ok, nil }

// growClaims checks that a change of disks is possible before anything is touched.
func (m *Manager) growClaims(ctx context.Context, s Spec, now *appsv1.StatefulSet) error {
	had := now.Spec.VolumeClaimTemplates
	if s.Storage == nil || len(had) == 0 {
		return nil // a disk is added or let go: new pods have it or not
	}
	if class := had[0].Spec.StorageClassName; s.Storage.Class != "" && class != nil && *class != s.Storage.Class {
		return fault.Precondition("a disk's storage class cannot be changed: make a new workload")
	}
	claims, err := m.claims(ctx, s.Ref)
	if err != nil {
		return err
	}
	for _, c := range claims {
		if err := m.growClaim(ctx, &c, s.Storage.size()); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) claims(ctx context.Context, r Ref) ([]corev1.PersistentVolumeClaim, error) {
	list, err := m.client.Kube().CoreV1().PersistentVolumeClaims(r.Namespace()).List(ctx, metav1.ListOptions{LabelSelector: r.labelQuery(), Limit: MostReplicas})
	if err != nil {
		return nil, cluster.Fault(err)
	}
	return list.Items, nil
}

func (m *Manager) growClaim(ctx context.Context, c *corev1.PersistentVolumeClaim, size resource.Quantity) error {
	switch have := c.Spec.Resources.Requests[corev1.ResourceStorage]; {
	case size.Cmp(have) == 0:
		return nil
	case size.Cmp(have) < 0:
		return fault.Precondition("a disk of %s cannot shrink to %s: make a new workload", have.String(), size.String())
	case c.Status.Phase != corev1.ClaimBound:
		return fault.Precondition("a disk can grow only when it is there: wait until the workload runs")
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"resources": map[string]any{"requests": map[string]any{"storage": size.String()}}}})
	if err != nil {
		return fault.Internal(err, "writing the new size of a disk")
	}
	_, err = m.client.Kube().CoreV1().PersistentVolumeClaims(c.Namespace).
		Patch(ctx, c.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: cluster.Manager})
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		return fault.Precondition("this disk cannot grow: its storage class does not allow it").With(err).From(fault.SourceCloud)
	}
	return cluster.Fault(err)
}

// applyClaim makes or grows the one disk of an engine without claim templates.
func (m *Manager) applyClaim(ctx context.Context, s Spec) error {
	claims := m.client.Kube().CoreV1().PersistentVolumeClaims(s.Namespace())
	now, err := claims.Get(ctx, s.claim(), metav1.GetOptions{})
	if err == nil {
		if class := now.Spec.StorageClassName; s.Storage.Class != "" && class != nil && *class != s.Storage.Class {
			return fault.Precondition("a disk's storage class cannot be changed: make a new workload")
		}
		return m.growClaim(ctx, now, s.Storage.size())
	}
	if !apierrors.IsNotFound(err) {
		return cluster.Fault(err)
	}
	_, err = claims.Apply(ctx, apply.PersistentVolumeClaim(s.claim(), s.Namespace()).WithLabels(s.ownLabels()).
		WithSpec(s.Storage.claimSpec()), applying)
	return cluster.Fault(err)
}

// applyJob leaves a Job with the same template alone, ended or not, and
// replaces any other: a Job's template cannot be changed.
func (m *Manager) applyJob(ctx context.Context, s Spec, login string) (runtime.Object, error) {
	jobs := m.client.Kube().BatchV1().Jobs(s.Namespace())
	now, err := jobs.Get(ctx, s.Ref.Name(), metav1.GetOptions{})
	if err == nil && now.DeletionTimestamp == nil && now.Annotations[noteSpec] == s.hash(login) {
		change := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"%t"}},"spec":{"suspend":%t}}`, noteStopped, s.Stopped, s.Stopped)
		now, err = jobs.Patch(ctx, now.Name, types.MergePatchType, change, metav1.PatchOptions{FieldManager: cluster.Manager})
		return now, cluster.Fault(err)
	}
	if err := m.clear(ctx, s.Ref, err); err != nil {
		return nil, err
	}
	now, err = jobs.Apply(ctx, s.job(login), applying)
	return now, cluster.Fault(err)
}

// applyBare leaves a living pod with the same spec alone and replaces any other.
// Stopped is a pod that is not there.
func (m *Manager) applyBare(ctx context.Context, s Spec, login string) (runtime.Object, error) {
	pods := m.client.Kube().CoreV1().Pods(s.Namespace())
	now, err := pods.Get(ctx, s.Ref.Name(), metav1.GetOptions{})
	if err == nil && now.DeletionTimestamp == nil && now.Annotations[noteSpec] == s.hash(login) && !s.Stopped {
		return now, nil
	}
	if err := m.clear(ctx, s.Ref, err); err != nil || s.Stopped {
		return nil, err
	}
	now, err = pods.Apply(ctx, s.bare(login), applying)
	return now, cluster.Fault(err)
}

// clear deletes what a get has found and waits until it is gone. getErr is the
// get's: not found means that there is nothing to clear.
func (m *Manager) clear(ctx context.Context, r Ref, getErr error) error {
	if apierrors.IsNotFound(getErr) {
		return nil
	}
	if getErr != nil {
		return cluster.Fault(getErr)
	}
	if err := m.deleteController(ctx, r); err != nil {
		return err
	}
	return m.untilGone(ctx, r)
}

// countedAtOnce tells whether the quota is checked while Apply runs, and not
// only when a controller makes pods, which tries again by itself.
func (s Spec) countedAtOnce() bool {
	return s.Engine == Standalone || s.Expose != nil || s.Storage != nil
}

// quotaCounts waits until the limits just written are the ones that the API checks.
func (m *Manager) quotaCounts(ctx context.Context, r Ref) error {
	every := m.waiting()
	every.Every = 20 * time.Millisecond
	_, err := wait.Until(ctx, every, func(ctx context.Context) (bool, error) {
		q, err := m.client.Kube().CoreV1().ResourceQuotas(r.Namespace()).Get(ctx, quotaName, metav1.GetOptions{})
		if err != nil {
			return false, cluster.Fault(err)
		}
		for name, hard := range q.Spec.Hard {
			if seen, ok := q.Status.Hard[name]; !ok || seen.Cmp(hard) != 0 {
				return false, nil
			}
		}
		return true, nil
	}, itself)
	return err
}
