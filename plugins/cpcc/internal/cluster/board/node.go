package board

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/capacity"
)

// Kubernetes' words for a node, as rows hold them.
const (
	wordReady    = "Ready"
	wordNotReady = "NotReady"
	wordCordoned = ",SchedulingDisabled"
	roleControl  = "control-plane"
)

// NodeRow is a node on the board. Rates are the sum of requests over what the
// node has, not its live load.
type NodeRow struct {
	Name             string
	Status           string // "Ready", "NotReady", either with ",SchedulingDisabled"
	Role             string // "control-plane" or ""
	Age              string
	Version          string
	InternalIP       string
	ExternalIP       string
	OSVersion        string
	KernelVersion    string
	ContainerRuntime string
	Labels           []string // "k=v", without Kubernetes' own
	CPURate          string   // "21.2%"
	MemoryRate       string
	GPURate          string // "0%"
	AvailableCPU     string // "3.15核"
	AvailableMemory  string // "15.30Gi"
	AvailableGPU     int
}

// Chinese returns the row with the board's words.
func (r NodeRow) Chinese() NodeRow {
	word := map[bool]string{true: "已就绪", false: "未就绪"}[strings.HasPrefix(r.Status, wordReady)]
	if strings.HasSuffix(r.Status, wordCordoned) {
		word += ",禁止调度"
	}
	r.Status = word
	r.Role = map[bool]string{true: "控制节点", false: "工作节点"}[r.Role == roleControl]
	r.ExternalIP = orElse(r.ExternalIP, "未分配")
	return r
}

// Nodes returns one page of nodes, by name. Each page walks all pods once, in
// pages; a whole list is cheaper with [EachNode].
func Nodes(ctx context.Context, c *cluster.Client, now time.Time, q Query) (Page[NodeRow], error) {
	asked, err := capacity.Asked(ctx, c)
	if err != nil {
		return Page[NodeRow]{}, err
	}
	return nodes(ctx, c, now, q, asked)
}

func nodes(ctx context.Context, c *cluster.Client, now time.Time, q Query, asked map[string]capacity.Amounts) (Page[NodeRow], error) {
	var out Page[NodeRow]
	opts, err := q.options()
	if err != nil {
		return out, err
	}
	list, err := c.Kube().CoreV1().Nodes().List(ctx, opts)
	if err != nil {
		return out, cluster.Fault(err)
	}
	out.Continue, out.Remaining = list.Continue, remaining(list.ListMeta)
	out.Rows = make([]NodeRow, len(list.Items))
	for i := range list.Items {
		out.Rows[i] = nodeRow(&list.Items[i], asked[list.Items[i].Name], now)
	}
	return out, nil
}

func nodeRow(n *corev1.Node, asked capacity.Amounts, now time.Time) NodeRow {
	info, has := n.Status.NodeInfo, capacity.Of(n.Status.Allocatable)
	free := has.Sub(asked)
	return NodeRow{
		Name: n.Name, Status: status(n), Role: role(n), Age: age(now, n.CreationTimestamp), Version: info.KubeletVersion,
		InternalIP: addressOf(n, corev1.NodeInternalIP), ExternalIP: addressOf(n, corev1.NodeExternalIP),
		OSVersion: info.OSImage, KernelVersion: info.KernelVersion, ContainerRuntime: info.ContainerRuntimeVersion,
		Labels:  ownLabels(n.Labels),
		CPURate: percent(asked.CPU, has.CPU, 1), MemoryRate: percent(asked.Memory, has.Memory, 1), GPURate: percent(asked.GPUs, has.GPUs, 0),
		AvailableCPU: cores(free.CPU, 2), AvailableMemory: binary(free.Memory, 1<<30, "Gi", 2), AvailableGPU: int(free.GPUs),
	}
}

func status(n *corev1.Node) string {
	out := wordNotReady
	if capacity.Ready(n) {
		out = wordReady
	}
	if n.Spec.Unschedulable {
		out += wordCordoned
	}
	return out
}

func role(n *corev1.Node) string {
	if _, ok := n.Labels["node-role.kubernetes.io/"+roleControl]; ok {
		return roleControl
	}
	return ""
}

func addressOf(n *corev1.Node, kind corev1.NodeAddressType) string {
	for _, a := range n.Status.Addresses {
		if a.Type == kind {
			return a.Address
		}
	}
	return ""
}

// ownLabels leaves out what Kubernetes and its kubelets set.
func ownLabels(all map[string]string) []string {
	out := []string{}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		domain, _, found := strings.Cut(k, "/")
		foreign := found && (domain == "kubernetes.io" || domain == "k8s.io" || strings.HasSuffix(domain, ".kubernetes.io") || strings.HasSuffix(domain, ".k8s.io"))
		if !foreign {
			out = append(out, k+"="+all[k])
		}
	}
	return out
}
