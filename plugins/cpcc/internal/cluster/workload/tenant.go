package workload

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apply "k8s.io/client-go/applyconfigurations/core/v1"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/kubename"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/wait"
)

// tenantFresh is how long a namespace that was whole is not looked at again.
const tenantFresh = 10 * time.Minute

var applying = metav1.ApplyOptions{FieldManager: cluster.Manager, Force: true}

func isGone(err error) bool { return fault.Is(err, fault.ClassNotFound) }

// ensureTenant makes the namespace with everything that fences it in. It waits,
// within the Manager's patience, for a namespace of the same name that is still
// being deleted.
func (m *Manager) ensureTenant(ctx context.Context, r Ref) error {
	ns := r.Namespace()
	if m.known(ns) {
		return nil
	}
	end, err := m.fences.Take(ctx, ns) // many workloads of a new org come at once
	if err != nil {
		return err
	}
	defer end()
	if m.known(ns) {
		return nil
	}
	// Nothing is made inside a namespace that is going.
	_, err = wait.Until(ctx, m.waiting(), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, m.applyNamespace(ctx, r)
	}, func(struct{}) (bool, error) { return true, nil })
	if err != nil {
		return err
	}
	if err := m.fence(ctx, ns); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tenants[ns] = m.clock.Now()
	return nil
}

func (m *Manager) known(ns string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock.Now()
	for k, at := range m.tenants {
		if now.Sub(at) > tenantFresh {
			delete(m.tenants, k)
		}
	}
	_, ok := m.tenants[ns]
	return ok
}

func (m *Manager) forget(ns string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.tenants, ns)
}

func (m *Manager) waiting() wait.Config {
	return wait.Config{Every: 200 * time.Millisecond, Timeout: m.patience, Clock: m.clock}
}

func (m *Manager) applyNamespace(ctx context.Context, r Ref) error {
	own := labels{
		cluster.LabelManagedBy:                       cluster.Manager,
		"pod-security.kubernetes.io/enforce":         "baseline",
		"pod-security.kubernetes.io/enforce-version": "latest",
	}
	now, err := m.client.Kube().CoreV1().Namespaces().Apply(ctx, apply.Namespace(r.Namespace()).WithLabels(own).
		WithAnnotations(labels{noteCluster: r.Cluster, noteOrg: r.Org}), applying)
	if err != nil {
		return cluster.Fault(err)
	}
	if now.DeletionTimestamp != nil {
		return fault.Unavailable("the organisation's namespace is being deleted: try again when it is gone").From(fault.SourceCloud)
	}
	return nil
}

// fence applies what belongs to every namespace. The quota is only created: its
// limits are the book's.
func (m *Manager) fence(ctx context.Context, ns string) error {
	own := labels{cluster.LabelManagedBy: cluster.Manager}
	core, networks := m.client.Kube().CoreV1(), m.client.Kube().NetworkingV1()
	_, quotaErr := core.ResourceQuotas(ns).Create(ctx, &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: quotaName, Labels: own},
		Spec:       corev1.ResourceQuotaSpec{Hard: limits(nil)},
	}, metav1.CreateOptions{FieldManager: cluster.Manager})
	if apierrors.IsAlreadyExists(quotaErr) {
		quotaErr = nil
	}
	some := corev1.ResourceList{
		corev1.ResourceCPU: *resource.NewMilliQuantity(100, resource.DecimalSI), corev1.ResourceMemory: *resource.NewQuantity(128<<20, resource.BinarySI),
	}
	_, rangeErr := core.LimitRanges(ns).Apply(ctx, apply.LimitRange("defaults", ns).WithLabels(own).
		WithSpec(apply.LimitRangeSpec().WithLimits(apply.LimitRangeItem().WithType(corev1.LimitTypeContainer).
			WithDefault(some).WithDefaultRequest(some))), applying)
	_, accountErr := core.ServiceAccounts(ns).Apply(ctx, apply.ServiceAccount(account, ns).WithLabels(own).
		WithAutomountServiceAccountToken(false), applying)
	_, wallErr := networks.NetworkPolicies(ns).Apply(ctx, wall(ns, own), applying)
	_, ownErr := networks.NetworkPolicies(ns).Apply(ctx, ownTraffic(ns, own), applying)
	for _, err := range []error{quotaErr, rangeErr, accountErr, wallErr, ownErr} {
		if err != nil {
			return cluster.Fault(err)
		}
	}
	return nil
}

// RemoveTenant deletes the namespace of an org in a cluster. It refuses, with a
// precondition fault, while a workload is booked there. A namespace that is
// gone, or that is not ours, is left alone; the first is a success.
func (m *Manager) RemoveTenant(ctx context.Context, clusterID, org string) error {
	ns := kubename.Namespace(clusterID, org)
	m.forget(ns)
	q, err := m.client.Kube().CoreV1().ResourceQuotas(ns).Get(ctx, quotaName, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return cluster.Fault(err)
	}
	if err == nil && len(entries(q)) > 0 {
		return fault.Precondition("the organisation has %d workloads in this cluster: delete them first", len(entries(q)))
	}
	now, err := m.client.Kube().CoreV1().Namespaces().Get(ctx, ns, metav1.GetOptions{})
	if err == nil && now.Labels[cluster.LabelManagedBy] != cluster.Manager {
		return fault.Precondition("namespace %q was not made by this platform", ns)
	}
	if err == nil {
		err = m.client.Kube().CoreV1().Namespaces().Delete(ctx, ns, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(now.UID))})
	}
	if err = cluster.Fault(err); err == nil || isGone(err) {
		return nil
	}
	return err
}
