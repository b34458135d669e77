package board

import (
	"context"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/capacity"
)

// PodRow is a pod on the board.
type PodRow struct {
	Namespace, Name string
	Ready           string // "1/1"
	Running         string // as kubectl's STATUS: "Running", "ImagePullBackOff"
	Restarts        string
	Age             string // "5d18h"
	IP, Node        string
	NominatedNode   string
	CPURate         string // "0.004核" in use; "" when the cluster does not measure
	MemoryRate      string // "2.539Mi", likewise
	GPU             string // cards it holds
	CPULimit        string // "2"; "0": none
	MemoryLimit     string // "5Gi"
	GPULimit        string
	ReadinessGates  []string
}

// Chinese returns the row with the board's words for what is not there.
func (r PodRow) Chinese() PodRow {
	r.NominatedNode = orElse(r.NominatedNode, "无")
	r.CPURate, r.MemoryRate = orElse(r.CPURate, "未知"), orElse(r.MemoryRate, "未知")
	return r
}

// Pods returns one page of pods, by namespace and name. A cluster without the
// metrics API is no fault: the rates are unknown.
func Pods(ctx context.Context, c *cluster.Client, now time.Time, q Query) (Page[PodRow], error) {
	var out Page[PodRow]
	opts, err := q.options()
	if err != nil {
		return out, err
	}
	list, err := c.Kube().CoreV1().Pods(q.Namespace).List(ctx, opts)
	if err != nil {
		return out, cluster.Fault(err)
	}
	out.Continue, out.Remaining = list.Continue, remaining(list.ListMeta)
	used, err := usage(ctx, c, list.Items)
	if err != nil {
		return out, err
	}
	out.Rows = make([]PodRow, len(list.Items))
	for i := range list.Items {
		p := &list.Items[i]
		out.Rows[i] = podRow(p, now)
		if u, ok := used[p.Namespace+"/"+p.Name]; ok {
			out.Rows[i].CPURate, out.Rows[i].MemoryRate = cores(u.CPU, 3), binary(u.Memory, 1<<20, "Mi", 3)
		}
	}
	return out, nil
}

// mostNamespaces of a page are asked one by one; more are asked at once.
const mostNamespaces = 16

// usage is what the pods of a page use, by namespace and name.
func usage(ctx context.Context, c *cluster.Client, pods []corev1.Pod) (map[string]capacity.Amounts, error) {
	wanted, namespaces := map[string]bool{}, map[string]bool{}
	for _, p := range pods {
		wanted[p.Namespace+"/"+p.Name], namespaces[p.Namespace] = true, true
	}
	if len(namespaces) > mostNamespaces {
		namespaces = map[string]bool{metav1.NamespaceAll: true}
	}
	out := map[string]capacity.Amounts{}
	for ns := range namespaces {
		list, err := c.Metrics().MetricsV1beta1().PodMetricses(ns).List(ctx, metav1.ListOptions{})
		switch {
		case apierrors.IsNotFound(err), apierrors.IsServiceUnavailable(err), apierrors.IsForbidden(err):
			return nil, nil
		case err != nil:
			return nil, cluster.Fault(err)
		}
		for _, m := range list.Items {
			key := m.Namespace + "/" + m.Name
			if !wanted[key] {
				continue
			}
			for _, container := range m.Containers {
				out[key] = out[key].Add(capacity.Of(container.Usage))
			}
		}
	}
	return out, nil
}

func podRow(p *corev1.Pod, now time.Time) PodRow {
	limits := resourcehelper.PodLimits(p, resourcehelper.PodResourcesOptions{})
	gpus := limits[cluster.GPU]
	ready, total, restarts := 0, len(p.Spec.Containers), 0
	for _, s := range p.Status.ContainerStatuses {
		restarts += int(s.RestartCount)
		if s.Ready {
			ready++
		}
	}
	for i, s := range p.Status.InitContainerStatuses { // sidecars count, as kubectl has it
		if i >= len(p.Spec.InitContainers) || p.Spec.InitContainers[i].RestartPolicy == nil {
			continue
		}
		if total++; s.Ready {
			ready++
		}
	}
	gates := []string{}
	for _, g := range p.Spec.ReadinessGates {
		gates = append(gates, string(g.ConditionType))
	}
	return PodRow{
		Namespace: p.Namespace, Name: p.Name,
		Ready: fmt.Sprintf("%d/%d", ready, total), Running: running(p), Restarts: strconv.Itoa(restarts),
		Age: age(now, p.CreationTimestamp), IP: p.Status.PodIP, Node: p.Spec.NodeName, NominatedNode: p.Status.NominatedNodeName,
		GPU: gpus.String(), GPULimit: gpus.String(), CPULimit: limits.Cpu().String(), MemoryLimit: limits.Memory().String(),
		ReadinessGates: gates,
	}
}

// running follows kubectl: what holds a container up is told before the phase.
func running(p *corev1.Pod) string {
	out := string(p.Status.Phase)
	if p.Status.Reason != "" {
		out = p.Status.Reason
	}
	if word, stuck := starting(p); stuck {
		out = word
	} else {
		out = containers(p, out)
	}
	switch {
	case p.DeletionTimestamp != nil && p.Status.Reason == "NodeLost":
		return "Unknown"
	case p.DeletionTimestamp != nil:
		return "Terminating"
	}
	return out
}

// starting looks at the first init container that has not done its work.
func starting(p *corev1.Pod) (word string, stuck bool) {
	for i, s := range p.Status.InitContainerStatuses {
		ended, waiting := s.State.Terminated, s.State.Waiting
		sidecar := i < len(p.Spec.InitContainers) && p.Spec.InitContainers[i].RestartPolicy != nil
		switch {
		case ended != nil && ended.ExitCode == 0, sidecar && s.Started != nil && *s.Started:
			continue
		case ended != nil && ended.Reason != "":
			return "Init:" + ended.Reason, true
		case ended != nil:
			return fmt.Sprintf("Init:ExitCode:%d", ended.ExitCode), true
		case waiting != nil && waiting.Reason != "" && waiting.Reason != "PodInitializing":
			return "Init:" + waiting.Reason, true
		default:
			return fmt.Sprintf("Init:%d/%d", i, len(p.Spec.InitContainers)), true
		}
	}
	return "", false
}

// containers lets the first container that is held up speak.
func containers(p *corev1.Pod, otherwise string) string {
	out := otherwise
	alive := false
	for i := len(p.Status.ContainerStatuses) - 1; i >= 0; i-- {
		s := p.Status.ContainerStatuses[i]
		switch waiting, ended := s.State.Waiting, s.State.Terminated; {
		case waiting != nil && waiting.Reason != "":
			out = waiting.Reason
		case ended != nil && ended.Reason != "":
			out = ended.Reason
		case ended != nil:
			out = fmt.Sprintf("ExitCode:%d", ended.ExitCode)
		case s.Ready && s.State.Running != nil:
			alive = true
		}
	}
	if out == "Completed" && alive {
		return "Running"
	}
	return out
}
