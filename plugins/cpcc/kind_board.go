package main

import (
	"context"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/cluster/board"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// boards show what runs on a cluster now.
type boards interface {
	Pods(ctx context.Context, on workload.Target, yield func(board.PodRow) error) error
	Nodes(ctx context.Context, on workload.Target, yield func(board.NodeRow) error) error
}

// nodeKeeper looks after the nodes of a cluster.
type nodeKeeper interface {
	Label(ctx context.Context, on workload.Target, node, key, value string, remove bool) error
	Models(ctx context.Context, on workload.Target, node, card, core string) error
	Cordon(ctx context.Context, on workload.Target, node string, away bool) error
	Drain(ctx context.Context, on workload.Target, node string, bare bool, most time.Duration) (left, blocked int, err error)
	RemoveNode(ctx context.Context, on workload.Target, node string, force bool, most time.Duration) error
}

// Pod is a row of the board of pods, in the words that boards have always had.
type Pod struct {
	Namespace   string   `json:"pod_namespace" title:"Namespace"`
	Name        string   `json:"pod_name" title:"Name"`
	Ready       string   `json:"pod_ready" title:"Ready containers"`
	Running     string   `json:"pod_running" title:"Status"`
	Restart     string   `json:"pod_restart" title:"Restarts"`
	Age         string   `json:"pod_age" title:"Age"`
	IP          string   `json:"pod_ip" title:"Address"`
	Node        string   `json:"pod_node" title:"Node"`
	Nominated   string   `json:"pod_nominated_node" title:"Nominated node"`
	CPURate     string   `json:"pod_cpurate" title:"Cores in use"`
	MemoryRate  string   `json:"pod_memrate" title:"Memory in use"`
	GPU         string   `json:"pod_gpu" title:"Cards"`
	CPULimit    string   `json:"pod_cpu_limit" title:"Limit of cores"`
	MemoryLimit string   `json:"pod_memory_limit" title:"Limit of memory"`
	GPULimit    string   `json:"pod_gpu_limit" title:"Limit of cards"`
	Gates       []string `json:"pod_readiness_gates" title:"Readiness gates"`
}

// Node is a row of the board of nodes. Rates are requests over what there is.
type Node struct {
	Name       string   `json:"node_name" title:"Name"`
	Status     string   `json:"node_status" title:"Status"`
	Role       string   `json:"node_role" title:"Role"`
	Age        string   `json:"node_age" title:"Age"`
	Version    string   `json:"node_version" title:"Version"`
	InternalIP string   `json:"node_internalip" title:"Address"`
	ExternalIP string   `json:"node_externalip" title:"External address"`
	OS         string   `json:"node_osversion" title:"Operating system"`
	Kernel     string   `json:"node_kernelversion" title:"Kernel"`
	Runtime    string   `json:"node_containeruntime" title:"Container runtime"`
	Labels     []string `json:"node_labels" title:"Labels"`
	CPURate    string   `json:"node_cpurate" title:"Cores asked for"`
	MemoryRate string   `json:"node_memrate" title:"Memory asked for"`
	GPURate    string   `json:"node_gpu" title:"Cards asked for"`
	CPULeft    string   `json:"available_cpu" title:"Cores left"`
	MemoryLeft string   `json:"available_memory" title:"Memory left"`
	GPULeft    int      `json:"available_gpu" title:"Cards left"`
}

func podOf(r board.PodRow) provider.Thing[Pod] {
	c := r.Chinese()
	if c.ReadinessGates == nil {
		c.ReadinessGates = []string{}
	}
	status := provider.StatusStarting
	if r.Running == "Running" {
		status = provider.StatusRunning
	}
	return provider.Thing[Pod]{ID: r.Namespace + "/" + r.Name, Name: r.Name, Status: status, RawStatus: r.Running, State: Pod{
		Namespace: c.Namespace, Name: c.Name, Ready: c.Ready, Running: c.Running, Restart: c.Restarts, Age: c.Age, IP: c.IP, Node: c.Node,
		Nominated: c.NominatedNode, CPURate: c.CPURate, MemoryRate: c.MemoryRate, GPU: c.GPU, CPULimit: c.CPULimit,
		MemoryLimit: c.MemoryLimit, GPULimit: c.GPULimit, Gates: c.ReadinessGates,
	}}
}

func nodeOf(r board.NodeRow) provider.Thing[Node] {
	c := r.Chinese()
	if c.Labels == nil {
		c.Labels = []string{}
	}
	status := provider.StatusError
	switch r.Status {
	case "Ready":
		status = provider.StatusRunning
	case "Ready,SchedulingDisabled":
		status = provider.StatusFrozen
	}
	return provider.Thing[Node]{ID: r.Name, Name: r.Name, Status: status, RawStatus: r.Status, State: Node{
		Name: c.Name, Status: c.Status, Role: c.Role, Age: c.Age, Version: c.Version, InternalIP: c.InternalIP, ExternalIP: c.ExternalIP,
		OS: c.OSVersion, Kernel: c.KernelVersion, Runtime: c.ContainerRuntime, Labels: c.Labels, CPURate: c.CPURate,
		MemoryRate: c.MemoryRate, GPURate: c.GPURate, CPULeft: c.AvailableCPU, MemoryLeft: c.AvailableMemory, GPULeft: c.AvailableGPU,
	}}
}

// board opens the cluster of a call: a board is of one.
func (p *plugin) board(ctx context.Context, call provider.Call) (*office, centre.Cluster, workload.Target, error) {
	o, err := p.open(ctx, call)
	if err != nil {
		return nil, centre.Cluster{}, workload.Target{}, err
	}
	if call.Zone == "" {
		return nil, centre.Cluster{}, workload.Target{}, fault.Invalid("zone", "is required: a board is of one cluster")
	}
	c, err := o.centres.Cluster(ctx, call.Zone)
	if err != nil {
		return nil, c, workload.Target{}, err
	}
	on, err := o.desk.Target(ctx, c.ID)
	return o, c, on, err
}

// pods is the handler of the kind pod.
type pods struct{ *plugin }

func podKind(p *plugin) *provider.Kind {
	return provider.KindOf[struct{}, Pod]("pod", "Pod", pods{p})
}

// List yields the pods of a cluster.
func (h pods) List(ctx context.Context, req provider.ListRequest, yield func(provider.Thing[Pod]) error) error {
	_, c, on, err := h.board(ctx, req.Call)
	if err != nil {
		return err
	}
	return h.engine.Pods(ctx, on, func(r board.PodRow) error {
		t := podOf(r)
		t.Region, t.Zone = c.CentreID, c.ID
		return yield(t)
	})
}

// nodes is the handler of the kind node.
type nodes struct{ *plugin }

func nodeKind(p *plugin) *provider.Kind {
	h := nodes{p}
	change := func(name, title string) provider.ActionDescription {
		return provider.ActionDescription{Name: name, Title: title, Changes: true, Destructive: name == "drain" || name == "remove"}
	}
	return provider.KindOf[struct{}, Node]("node", "Node", h,
		provider.ActionOf(change("label", "Set a label"), h.label),
		provider.ActionOf(change("unlabel", "Remove a label"), h.unlabel),
		provider.ActionOf(change("set_models", "Say which cards and processors it has"), h.models),
		provider.ActionOf(change("cordon", "Keep new pods away"), h.cordon),
		provider.ActionOf(change("uncordon", "Let pods come again"), h.uncordon),
		provider.ActionOf(change("drain", "Move its pods away"), h.drain),
		provider.ActionOf(change("remove", "Take it out of the cluster"), h.remove),
	)
}

// List yields the nodes of a cluster.
func (h nodes) List(ctx context.Context, req provider.ListRequest, yield func(provider.Thing[Node]) error) error {
	_, c, on, err := h.board(ctx, req.Call)
	if err != nil {
		return err
	}
	return h.engine.Nodes(ctx, on, func(r board.NodeRow) error {
		t := nodeOf(r)
		t.Region, t.Zone = c.CentreID, c.ID
		return yield(t)
	})
}
