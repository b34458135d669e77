package engine

import (
	"strconv"
	"strings"

	"tradewind.example/plugins/cpcc/internal/cluster/placement"
	run "tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
)

// anyModel is the model of parts that any node can hold.
const anyModel = "STANDARD"

func refOf(on workload.Target, in workload.Instance) run.Ref {
	return run.Ref{Cluster: on.ClusterID, Org: in.OrgID, ID: in.ID, Engine: run.Engine(in.Spec.Engine)}
}

// amounts are a replica's parts in the words of the cluster; "" is nothing.
type amounts struct {
	cpu, memory, system, data string
	cards                     int
	card, core                string // models
}

// amountsOf sums the parts of each sort.
func amountsOf(parts []price.Part) (amounts, error) {
	var out amounts
	sums := map[string]int64{}
	for _, p := range parts {
		n, err := p.Smallest()
		if err != nil {
			return out, fault.Internal(err, "a stored basket holds what cannot be counted")
		}
		what := string(p.Type)
		if p.Type == price.Disk {
			what += p.Model
		}
		sums[what] += n
		if p.Model == anyModel || n == 0 {
			continue
		}
		switch p.Type {
		case price.GPU:
			out.card = p.Model
		case price.CPU:
			out.core = p.Model
		}
	}
	text := func(what, unit string) string {
		if sums[what] == 0 {
			return ""
		}
		return price.In(price.GPU, sums[what], price.Card) + unit
	}
	out.cpu, out.memory, out.system, out.data = text("cpu", "m"), text("memory", "Mi"), text("diskSYS", "Mi"), text("diskDATA", "Mi")
	out.cards = int(sums["gpu"])
	return out, nil
}

// pair reads a label that is written with a symbol; "" is none.
func pair(text, symbol string) map[string]string {
	key, value, ok := strings.Cut(text, symbol)
	if !ok {
		return nil
	}
	return map[string]string{key: value}
}

// restart is the mark of the restarts that were asked for; "" is none.
func restart(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// SpecOf is the workload in the words of the cluster.
func SpecOf(on workload.Target, in workload.Instance) (run.Spec, error) {
	a, err := amountsOf(in.Parts)
	if err != nil {
		return run.Spec{}, err
	}
	s := in.Spec
	out := run.Spec{
		Ref: refOf(on, in), Name: in.Name, Replicas: in.Replicas, Booked: s.Replicas, Stopped: in.Replicas == 0, Image: s.Image, Sort: run.Sort(s.InstanceType), Command: s.Command,
		CPU: a.cpu, Memory: a.memory, Ephemeral: a.system, GPUs: a.cards, GPUModel: a.card, CPUModel: a.core,
		NodeLabels: pair(s.NodeSelector, "="), SelfLabels: pair(s.Label, ":"), User: s.User,
		Policy: run.Restart(s.RestartPolicy), Restart: restart(in.Restart), Schedule: s.Schedule,
	}
	if out.Engine != run.StatefulSet && out.Engine != run.Deployment {
		out.Replicas, out.Booked = 1, 1 // a DaemonSet has as many as there are nodes
	}
	if s.User != "" {
		out.Password = in.Password
	}
	if a.data != "" {
		out.Storage = &run.Storage{Size: a.data, MountPath: s.MountPath, Retain: s.RetainVolumes}
	}
	if s.ServicePort != 0 {
		out.Expose = &run.Expose{Mode: run.PortMode(s.PortMode), Port: s.ServicePort, ContainerPort: s.ContainerPort, NodePort: s.NodePort, Host: s.Host}
	}
	return out, nil
}

// needOf is what somebody thinks of buying in the words of the cluster.
func needOf(n workload.Need) (placement.Need, error) {
	a, err := amountsOf(n.Parts)
	if err != nil {
		return placement.Need{}, err
	}
	out := placement.Need{
		CPU: a.cpu, Memory: a.memory, Ephemeral: a.system, GPUs: a.cards, GPUModel: a.card, CPUModel: a.core, Replicas: n.Replicas,
		Labels: map[string]string{},
	}
	for _, text := range n.Labels {
		for key, value := range pair(text, "=") {
			out.Labels[key] = value
		}
	}
	return out, nil
}
