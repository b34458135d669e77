// Package capacity adds up what the nodes of a cluster have and what the pods
// on them ask for. It walks lists in pages and keeps sums for each node, never
// the pods, so that memory grows with nodes alone. It decides nothing.
//
// What it returns is as old as the walk: the scheduler alone knows better.
package capacity

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/fault"
)

const (
	// Page is how many rows are asked for at once.
	Page = 500
	// MostNodes is Kubernetes' own bound for a cluster.
	MostNodes = 5000
)

// Amounts of one node. CPU is in thousandths of a core, the rest in bytes and pieces.
type Amounts struct{ CPU, Memory, Ephemeral, Pods, GPUs int64 }

// Add returns the sum.
func (a Amounts) Add(b Amounts) Amounts {
	return Amounts{a.CPU + b.CPU, a.Memory + b.Memory, a.Ephemeral + b.Ephemeral, a.Pods + b.Pods, a.GPUs + b.GPUs}
}

// Sub returns the difference; a node may be asked for more than it has.
func (a Amounts) Sub(b Amounts) Amounts {
	return Amounts{a.CPU - b.CPU, a.Memory - b.Memory, a.Ephemeral - b.Ephemeral, a.Pods - b.Pods, a.GPUs - b.GPUs}
}

// Of reads the amounts of a resource list, which has no number of pods of its own.
func Of(list corev1.ResourceList) Amounts {
	gpus := list[cluster.GPU]
	return Amounts{
		CPU: list.Cpu().MilliValue(), Memory: list.Memory().Value(), Ephemeral: list.StorageEphemeral().Value(),
		Pods: list.Pods().Value(), GPUs: gpus.Value(),
	}
}

// Node is one node with what is left on it.
type Node struct {
	Name        string
	Labels      map[string]string
	Schedulable bool // ready, not cordoned, without a taint that keeps pods away
	Has, Asked  Amounts
}

// Free is what the node has left.
func (n Node) Free() Amounts { return n.Has.Sub(n.Asked) }

// Nodes returns every node with its sums, by name.
func Nodes(ctx context.Context, c *cluster.Client) ([]Node, error) {
	var out []Node
	opts := metav1.ListOptions{Limit: Page}
	for {
		list, err := c.Kube().CoreV1().Nodes().List(ctx, opts)
		if err != nil {
			return nil, cluster.Fault(err)
		}
		for _, n := range list.Items {
			out = append(out, Node{Name: n.Name, Labels: n.Labels, Schedulable: Schedulable(&n), Has: Of(n.Status.Allocatable)})
		}
		if len(out) > MostNodes {
			return nil, fault.New(fault.ClassInternal, "the cluster has more than %d nodes", MostNodes)
		}
		if opts.Continue = list.Continue; opts.Continue == "" {
			break
		}
	}
	asked, err := Asked(ctx, c)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Asked = asked[out[i].Name]
	}
	return out, nil
}

// Schedulable tells whether the scheduler puts ordinary pods on the node.
func Schedulable(n *corev1.Node) bool {
	if n.Spec.Unschedulable || n.DeletionTimestamp != nil {
		return false
	}
	for _, t := range n.Spec.Taints {
		if t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute {
			return false
		}
	}
	return Ready(n)
}

// Ready tells whether the node's kubelet says that it is.
func Ready(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// Asked sums up, for each node, the effective requests of its pods that have
// not ended: init containers, sidecars and overhead counted as the scheduler does.
func Asked(ctx context.Context, c *cluster.Client) (map[string]Amounts, error) {
	out := map[string]Amounts{}
	opts := metav1.ListOptions{Limit: Page, FieldSelector: "status.phase!=Succeeded,status.phase!=Failed,spec.nodeName!="}
	for {
		list, err := c.Kube().CoreV1().Pods("").List(ctx, opts)
		if err != nil {
			return nil, cluster.Fault(err)
		}
		for i := range list.Items {
			p := &list.Items[i]
			one := Of(resourcehelper.PodRequests(p, resourcehelper.PodResourcesOptions{}))
			one.Pods = 1
			out[p.Spec.NodeName] = out[p.Spec.NodeName].Add(one)
		}
		if opts.Continue = list.Continue; opts.Continue == "" {
			return out, nil
		}
	}
}
