package workload

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradewind.example/plugins/cpcc/internal/cluster"
)

// quotaName is the quota of every namespace made here. Its annotations are the
// book of what was sold into the namespace, one entry for each workload, and
// its limits are their sum: a workload is entered before it is made and struck
// out after it is gone, by compare and swap.
const quotaName = "sold"

// mostEntries keeps the book below the 256 KiB that annotations may have.
const mostEntries = 1000

const entryPrefix = cluster.LabelPrefix + "sold."

// entry is what one workload may use at most.
type entry struct {
	ID      string              `json:"id"`
	Engine  Engine              `json:"engine"`
	Pods    int64               `json:"pods"`
	Parts   corev1.ResourceList `json:"parts"` // of one pod
	Claims  int64               `json:"claims,omitempty"`
	Size    resource.Quantity   `json:"size"` // of one claim
	Ports   int64               `json:"ports,omitempty"`
	Balance int64               `json:"balance,omitempty"`
	Retain  bool                `json:"retain,omitempty"` // its data outlives it
	Stopped bool                `json:"stopped,omitempty"`
}

// entryOf counts one pod more where an old pod may still end while its
// successor begins. nodes is how many a DaemonSet may cover.
func entryOf(s Spec, nodes int64) entry {
	replicas := int64(max(s.Replicas, s.Booked))
	e := entry{ID: s.ID, Engine: s.Engine, Pods: replicas, Parts: s.parts(), Stopped: s.Stopped}
	switch s.Engine {
	case DaemonSet:
		e.Pods = nodes + 1
	case Job, CronJob:
		e.Pods = 2
	case Standalone:
		e.Pods = 1
	default:
		e.Pods++
	}
	if s.Storage != nil {
		e.Claims, e.Size, e.Retain = 1, s.Storage.size(), s.Storage.Retain
		if s.Engine == StatefulSet {
			e.Claims = max(replicas, 1)
		}
	}
	if s.Expose != nil {
		switch s.Expose.mode() {
		case NodePort:
			e.Ports = 1
		case LoadBalancer:
			e.Ports, e.Balance = 1, 1
		}
	}
	return e
}

// limits adds the entries up.
func limits(entries map[string]entry) corev1.ResourceList {
	var pods, claims, ports, balance int64
	var cpu, memory, gpus, storage resource.Quantity
	for _, e := range entries {
		pods += e.Pods
		claims += e.Claims
		ports += e.Ports
		balance += e.Balance
		add(&cpu, e.Parts[corev1.ResourceCPU], e.Pods)
		add(&memory, e.Parts[corev1.ResourceMemory], e.Pods)
		add(&gpus, e.Parts[cluster.GPU], e.Pods)
		add(&storage, e.Size, e.Claims)
	}
	count := func(n int64) resource.Quantity { return *resource.NewQuantity(n, resource.DecimalSI) }
	return corev1.ResourceList{
		corev1.ResourcePods: count(pods), corev1.ResourcePersistentVolumeClaims: count(claims),
		corev1.ResourceServicesNodePorts: count(ports), corev1.ResourceServicesLoadBalancers: count(balance),
		corev1.ResourceRequestsCPU: cpu, corev1.ResourceLimitsCPU: cpu,
		corev1.ResourceRequestsMemory: memory, corev1.ResourceLimitsMemory: memory,
		corev1.ResourceRequestsStorage: storage, "requests." + cluster.GPU: gpus,
	}
}

func add(sum *resource.Quantity, q resource.Quantity, times int64) {
	q.Mul(times)
	sum.Add(q)
}

// entries reads the book; what cannot be read was not written here.
func entries(q *corev1.ResourceQuota) map[string]entry {
	out := map[string]entry{}
	for k, v := range q.Annotations {
		name, ok := strings.CutPrefix(k, entryPrefix)
		var e entry
		if ok && json.Unmarshal([]byte(v), &e) == nil {
			out[name] = e
		}
	}
	return out
}

// sold returns the entry of a workload, nil when there is none.
func (m *Manager) sold(ctx context.Context, r Ref) (*entry, error) {
	q, err := m.client.Kube().CoreV1().ResourceQuotas(r.Namespace()).Get(ctx, quotaName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, cluster.Fault(err)
	}
	e, ok := entries(q)[r.Name()]
	if !ok {
		return nil, nil
	}
	return &e, nil
}

// write makes the entries and their sum the quota's own.
func write(q *corev1.ResourceQuota, all map[string]entry) error {
	if q.Annotations == nil {
		q.Annotations = labels{}
	}
	maps.DeleteFunc(q.Annotations, func(k, _ string) bool { return strings.HasPrefix(k, entryPrefix) })
	for name, e := range all {
		raw, err := json.Marshal(e)
		if err != nil {
			return err
		}
		q.Annotations[entryPrefix+name] = string(raw)
	}
	q.Spec.Hard = limits(all)
	return nil
}

// enter books a workload and returns what was booked for it before, nil for nothing.
func (m *Manager) enter(ctx context.Context, s Spec) (*entry, error) {
	var nodes int64
	if s.Engine == DaemonSet {
		list, err := m.client.Kube().CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 1})
		if err != nil {
			return nil, cluster.Fault(err)
		}
		nodes = int64(len(list.Items))
		if list.RemainingItemCount != nil {
			nodes += *list.RemainingItemCount
		}
	}
	return m.book(ctx, s.Namespace(), func(all map[string]entry) (before *entry) {
		if e, ok := all[s.Ref.Name()]; ok {
			before = &e
		}
		all[s.Ref.Name()] = entryOf(s, nodes)
		return before
	})
}

// strike removes a workload from the book; a book that is gone has no entry.
func (m *Manager) strike(ctx context.Context, r Ref) error {
	_, err := m.book(ctx, r.Namespace(), func(all map[string]entry) *entry {
		delete(all, r.Name())
		return nil
	})
	if isGone(err) {
		return nil
	}
	return err
}
