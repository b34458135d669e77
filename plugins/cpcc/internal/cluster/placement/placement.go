// Package placement tells whether a cluster has room for what is on sale: for
// every replica one schedulable node that holds all its parts at once. It looks
// at live nodes; the scheduler decides in the end, so a yes is advice.
package placement

import (
	"context"
	"fmt"
	"math"

	"k8s.io/apimachinery/pkg/api/resource"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/capacity"
	"tradewind.example/plugins/cpcc/internal/cluster/kubename"
	"tradewind.example/sdk/fault"
)

// Most things that are asked about at once.
const Most = 1000

// Need is what one product takes. Quantities are Kubernetes' words; "" is nothing.
type Need struct {
	ID          string // the caller's own
	CPU, Memory string
	Ephemeral   string
	GPUs        int
	GPUModel    string
	CPUModel    string
	Labels      map[string]string // the node must have all of them
	Replicas    int               // 0: 1
}

// Verdict is the answer for one need.
type Verdict struct {
	ID     string
	Fits   bool
	Reason string // when it does not fit: one line for people
}

// Check answers for each need by itself, in their order, as if it alone were
// bought. Needs that cannot be read are an invalid fault.
func Check(ctx context.Context, c *cluster.Client, needs []Need) ([]Verdict, error) {
	if len(needs) > Most {
		return nil, fault.Invalid("needs", "must be at most %d", Most)
	}
	asked := make([]capacity.Amounts, len(needs))
	for i, n := range needs {
		var err error
		if asked[i], err = n.amounts(); err != nil {
			return nil, err
		}
	}
	nodes, err := capacity.Nodes(ctx, c)
	if err != nil {
		return nil, err
	}
	out := make([]Verdict, len(needs))
	for i, n := range needs {
		out[i] = n.fit(asked[i], nodes)
	}
	return out, nil
}

func (n Need) amounts() (capacity.Amounts, error) {
	out := capacity.Amounts{Pods: 1, GPUs: int64(n.GPUs)}
	if n.GPUs < 0 || n.Replicas < 0 {
		return out, fault.Invalid("needs", "%q has a negative number", n.ID)
	}
	for _, part := range []struct {
		text string
		set  func(resource.Quantity)
	}{
		{n.CPU, func(q resource.Quantity) { out.CPU = q.MilliValue() }},
		{n.Memory, func(q resource.Quantity) { out.Memory = q.Value() }},
		{n.Ephemeral, func(q resource.Quantity) { out.Ephemeral = q.Value() }},
	} {
		if part.text == "" {
			continue
		}
		q, err := resource.ParseQuantity(part.text)
		if err != nil || q.Sign() < 0 {
			return out, fault.Invalid("needs", "%q of %q is not an amount", part.text, n.ID)
		}
		part.set(q)
	}
	return out, nil
}

// fit counts how many replicas each node holds; equal replicas make the sum exact.
func (n Need) fit(one capacity.Amounts, nodes []capacity.Node) Verdict {
	want, room, candidates := int64(max(n.Replicas, 1)), int64(0), 0
	for _, node := range nodes {
		if !node.Schedulable || !n.matches(node) {
			continue
		}
		candidates++
		room += times(node.Free(), one)
		if room >= want {
			return Verdict{ID: n.ID, Fits: true}
		}
	}
	switch {
	case candidates == 0:
		return Verdict{ID: n.ID, Reason: "no ready node has the labels and models that are asked for"}
	case want == 1:
		return Verdict{ID: n.ID, Reason: fmt.Sprintf("none of %d nodes has room for all parts at once", candidates)}
	default:
		return Verdict{ID: n.ID, Reason: fmt.Sprintf("%d nodes have room for %d of %d replicas", candidates, room, want)}
	}
}

func (n Need) matches(node capacity.Node) bool {
	for k, v := range n.Labels {
		if have, ok := node.Labels[k]; !ok || have != v {
			return false
		}
	}
	model := func(label, want string) bool { return want == "" || node.Labels[label] == kubename.Label(want) }
	return model(cluster.LabelGPUModel, n.GPUModel) && model(cluster.LabelCPUModel, n.CPUModel)
}

// times is how often one goes into free.
func times(free, one capacity.Amounts) int64 {
	out := int64(math.MaxInt32)
	for _, part := range [][2]int64{
		{free.CPU, one.CPU}, {free.Memory, one.Memory}, {free.Ephemeral, one.Ephemeral}, {free.Pods, one.Pods}, {free.GPUs, one.GPUs},
	} {
		if part[1] > 0 {
			out = min(out, max(part[0], 0)/part[1])
		}
	}
	return out
}

// Cards is the stock of one model of cards.
type Cards struct{ Total, Free int }

// GPUs returns the cards of a cluster by model, those of schedulable nodes
// alone as free. Cards on nodes without a model label are under "".
func GPUs(ctx context.Context, c *cluster.Client) (map[string]Cards, error) {
	nodes, err := capacity.Nodes(ctx, c)
	if err != nil {
		return nil, err
	}
	out := map[string]Cards{}
	for _, n := range nodes {
		if n.Has.GPUs == 0 {
			continue
		}
		one := out[n.Labels[cluster.LabelGPUModel]]
		one.Total += int(n.Has.GPUs)
		if n.Schedulable {
			one.Free += int(max(n.Free().GPUs, 0))
		}
		out[n.Labels[cluster.LabelGPUModel]] = one
	}
	return out, nil
}

// Merge adds the stocks of several clusters up.
func Merge(stocks ...map[string]Cards) map[string]Cards {
	out := map[string]Cards{}
	for _, s := range stocks {
		for model, cards := range s {
			one := out[model]
			out[model] = Cards{Total: one.Total + cards.Total, Free: one.Free + cards.Free}
		}
	}
	return out
}
