package pcapi

import (
	"context"
	"strconv"
	"strings"

	"tradewind.example/plugins/cpcc/internal/cluster/board"
	"tradewind.example/plugins/cpcc/internal/cluster/placement"
	"tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// pod is a row of the board of pods, in Kubernetes' words.
type pod struct {
	Namespace   string   `json:"pod_namespace"`
	Name        string   `json:"pod_name"`
	Ready       string   `json:"pod_ready"`
	Running     string   `json:"pod_running"`
	Restart     string   `json:"pod_restart"`
	Age         string   `json:"pod_age"`
	IP          string   `json:"pod_ip"`
	Node        string   `json:"pod_node"`
	Nominated   string   `json:"pod_nominated_node"`
	CPURate     string   `json:"pod_cpurate"`
	MemoryRate  string   `json:"pod_memrate"`
	GPU         string   `json:"pod_gpu"`
	CPULimit    string   `json:"pod_cpu_limit"`
	MemoryLimit string   `json:"pod_memory_limit"`
	GPULimit    string   `json:"pod_gpu_limit"`
	Gates       []string `json:"pod_readiness_gates"`
}

func podOf(r board.PodRow) pod {
	if r.ReadinessGates == nil {
		r.ReadinessGates = []string{}
	}
	return pod{
		Namespace: r.Namespace, Name: r.Name, Ready: r.Ready, Running: r.Running, Restart: r.Restarts, Age: r.Age, IP: r.IP, Node: r.Node,
		Nominated: r.NominatedNode, CPURate: r.CPURate, MemoryRate: r.MemoryRate, GPU: r.GPU, CPULimit: r.CPULimit,
		MemoryLimit: r.MemoryLimit, GPULimit: r.GPULimit, Gates: r.ReadinessGates,
	}
}

func (p pod) row() board.PodRow {
	return board.PodRow{
		Namespace: p.Namespace, Name: p.Name, Ready: p.Ready, Running: p.Running, Restarts: p.Restart, Age: p.Age, IP: p.IP, Node: p.Node,
		NominatedNode: p.Nominated, CPURate: p.CPURate, MemoryRate: p.MemoryRate, GPU: p.GPU, CPULimit: p.CPULimit,
		MemoryLimit: p.MemoryLimit, GPULimit: p.GPULimit, ReadinessGates: p.Gates,
	}
}

// member is a row of the board of nodes, in Kubernetes' words.
type member struct {
	Name       string   `json:"node_name"`
	Status     string   `json:"node_status"`
	Role       string   `json:"node_role"`
	Age        string   `json:"node_age"`
	Version    string   `json:"node_version"`
	InternalIP string   `json:"node_internalip"`
	ExternalIP string   `json:"node_externalip"`
	OS         string   `json:"node_osversion"`
	Kernel     string   `json:"node_kernelversion"`
	Runtime    string   `json:"node_containeruntime"`
	Labels     []string `json:"node_labels"`
	CPURate    string   `json:"node_cpurate"`
	MemoryRate string   `json:"node_memrate"`
	GPURate    string   `json:"node_gpu"`
	CPULeft    string   `json:"available_cpu"`
	MemoryLeft string   `json:"available_memory"`
	GPULeft    int      `json:"available_gpu"`
}

func memberOf(r board.NodeRow) member {
	if r.Labels == nil {
		r.Labels = []string{}
	}
	return member{
		Name: r.Name, Status: r.Status, Role: r.Role, Age: r.Age, Version: r.Version, InternalIP: r.InternalIP, ExternalIP: r.ExternalIP,
		OS: r.OSVersion, Kernel: r.KernelVersion, Runtime: r.ContainerRuntime, Labels: r.Labels, CPURate: r.CPURate,
		MemoryRate: r.MemoryRate, GPURate: r.GPURate, CPULeft: r.AvailableCPU, MemoryLeft: r.AvailableMemory, GPULeft: r.AvailableGPU,
	}
}

func (m member) row() board.NodeRow {
	return board.NodeRow{
		Name: m.Name, Status: m.Status, Role: m.Role, Age: m.Age, Version: m.Version, InternalIP: m.InternalIP, ExternalIP: m.ExternalIP,
		OSVersion: m.OS, KernelVersion: m.Kernel, ContainerRuntime: m.Runtime, Labels: m.Labels, CPURate: m.CPURate, MemoryRate: m.MemoryRate,
		GPURate: m.GPURate, AvailableCPU: m.CPULeft, AvailableMemory: m.MemoryLeft, AvailableGPU: m.GPULeft,
	}
}

// need is a product in the words of placement: memory in Mi, disks in Gi.
func (p product) need() (placement.Need, error) {
	out := placement.Need{ID: p.ID}
	for _, part := range p.Parts {
		n := strconv.FormatInt(part.Amount, 10)
		switch {
		case part.Amount < 0:
			return out, fault.Invalid("query.resources", "has a negative amount")
		case part.Type == "cpu":
			out.CPU = n
		case part.Type == "memory":
			out.Memory = n + "Mi"
		case part.Type == "disk" && part.Model == "SYS":
			out.Ephemeral = n + "Gi"
		case part.Type == "disk":
		case part.Type == "gpu":
			out.GPUs, out.GPUModel = int(part.Amount), part.Model
		default:
			return out, fault.Invalid("query.resources", "has a part of the type %q", part.Type)
		}
	}
	return out, nil
}

// applyDelete applies or deletes the workload that the query describes.
func (s *Server) applyDelete(ctx context.Context, p params) (answer, error) {
	if err := p.need("kubeconfig", "action", "clusterid", "namespace_name", "podcd_name"); err != nil {
		return answer{}, err
	}
	client, err := s.pool.Get(secret.New(p["kubeconfig"]))
	if err != nil {
		return answer{}, err
	}
	m := workload.New(workload.Config{Client: client, Log: s.cfg.Log, Clock: s.cfg.Clock})
	switch p["action"] {
	case "apply":
		spec, err := p.workload()
		if err == nil {
			_, err = m.Apply(ctx, spec)
		}
		return orFailed(answer{info: done}, "", err)
	case "delete":
		return orFailed(answer{info: done}, "", m.Delete(ctx, p.ref(), workload.DeleteOptions{}))
	}
	return answer{}, fault.Invalid("query.action", "must be apply or delete")
}

// ref names the workload by what the broker calls it; the cluster's own names
// follow from that.
func (p params) ref() workload.Ref {
	engine := workload.Engine(p["source_podengine"])
	if engine == "" {
		engine = workload.StatefulSet
	}
	return workload.Ref{Cluster: p["clusterid"], Org: p["namespace_name"], ID: p["podcd_name"], Engine: engine}
}

// pair reads a label that is written with a symbol; "" is none.
func pair(text, symbol string) map[string]string {
	key, value, ok := strings.Cut(text, symbol)
	if !ok {
		return nil
	}
	return map[string]string{key: value}
}

// workload is the workload that the source_ parameters describe.
func (p params) workload() (workload.Spec, error) {
	var numbers [5]int
	for i, name := range []string{"source_replicasetnum", "source_gpu", "source_apiport", "source_insideport", "source_outsideport"} {
		var err error
		if numbers[i], err = p.number(name); err != nil {
			return workload.Spec{}, err
		}
	}
	out := workload.Spec{
		Ref: p.ref(), Name: p["source_name"], Replicas: numbers[0], Image: p["pod_imagepath"], Sort: workload.Sort(p["instance_type"]),
		CPU: p["source_cpurate"], Memory: p["source_memrate"], Ephemeral: p["disk_sys_limit"], GPUs: numbers[1],
		NodeLabels: pair(p["source_nodeselector"], "="), SelfLabels: pair(p["source_selflabel"], ":"),
		User: p["source_authuser"], Password: secret.New(p["source_authpasswd"]), Policy: workload.Restart(p["source_restartpolicy"]),
	}
	if out.GPUs > 0 {
		out.GPUModel = p["gpu_model"]
	}
	if p["source_storagelimits"] != "" {
		out.Storage = &workload.Storage{Size: p["source_storagelimits"], MountPath: p["source_mountpath"]}
	}
	if numbers[2] != 0 || numbers[3] != 0 {
		out.Expose = &workload.Expose{Mode: workload.PortMode(p["source_portmode"]), Port: numbers[2], ContainerPort: numbers[3], NodePort: numbers[4]}
	}
	return out, nil
}
