package pcapi

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/cluster/board"
	"tradewind.example/plugins/cpcc/internal/cluster/kubename"
	run "tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/engine"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// names are a workload's on the wire: always valid ones that no other has.
type names struct{ namespace, base, controller string }

func namesOf(on workload.Target, in workload.Instance) names {
	base := kubename.Workload(in.ID)
	return names{
		namespace: kubename.Namespace(on.ClusterID, in.OrgID), base: base, controller: base + "-" + strings.ToLower(in.Spec.Engine),
	}
}

// owns reports whether a pod is the workload's: under the names that were sent,
// or under those that this package's server makes of them.
func (n names) owns(on workload.Target, p pod) bool {
	for namespace, name := range map[string]string{
		n.namespace: n.controller, kubename.Namespace(on.ClusterID, n.namespace): kubename.Workload(n.controller),
	} {
		if p.Namespace == namespace && (p.Name == name || strings.HasPrefix(p.Name, name+"-")) {
			return true
		}
	}
	return false
}

// unspoken is an unsupported fault when the wire has no words for the workload.
func unspoken(in workload.Instance) error {
	s := in.Spec
	for what, there := range map[string]bool{
		"a command": len(s.Command) > 0, "schedules": s.Engine == workload.CronJob, "host names": s.Host != "", "kept data disks": s.RetainVolumes,
		"restarts": in.Restart > 0, "stopping what is no StatefulSet or Deployment": in.Replicas == 0 && s.Engine != workload.StatefulSet && s.Engine != workload.Deployment,
	} {
		if there {
			return fault.Unsupported("the services of centres have no words for %s", what)
		}
	}
	return nil
}

// identity are the parameters that name a workload.
func identity(on workload.Target, in workload.Instance, action string) url.Values {
	n := namesOf(on, in)
	return url.Values{
		"kubeconfig": {on.Kubeconfig.Reveal()}, "action": {action}, "clusterid": {on.ClusterID}, "cpcid": {on.Service.CentreID},
		"namespace_name": {n.namespace}, "serviceaccount_name": {n.namespace + "-serviceaccount"}, "podcd_name": {n.controller},
		"service_name": {n.base + "-service"}, "source_podengine": {in.Spec.Engine},
	}
}

// Apply makes the workload what in says; the service may be told so again.
func (c *Client) Apply(ctx context.Context, on workload.Target, in workload.Instance) error {
	if err := unspoken(in); err != nil {
		return err
	}
	s, err := engine.SpecOf(on, in)
	if err != nil {
		return err
	}
	q := identity(on, in, "apply")
	put := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	put("source_name", s.Name)
	put("source_replicasetnum", strconv.Itoa(s.Replicas))
	put("instance_type", string(s.Sort))
	put("pod_imagepath", s.Image)
	put("source_cpurate", s.CPU)
	put("source_memrate", s.Memory)
	put("disk_sys_limit", s.Ephemeral)
	put("source_gpu", strconv.Itoa(s.GPUs))
	put("gpu_model", s.GPUModel)
	put("cpu_model", s.CPUModel)
	put("source_selflabel", in.Spec.Label)
	put("source_nodeselector", in.Spec.NodeSelector)
	put("source_restartpolicy", string(s.Policy))
	put("source_authuser", s.User)
	put("source_authpasswd", s.Password.Reveal())
	reach(put, s)
	return c.call(ctx, on.Service, question{endpoint: "yaml_apply_delete", query: q, changes: true, final: true}, nil)
}

// reach are the parameters of disks and ports.
func reach(put func(name, value string), s run.Spec) {
	if s.Storage != nil {
		put("source_storagelimits", s.Storage.Size)
		put("source_mountpath", s.Storage.MountPath)
	}
	if s.Expose == nil {
		return
	}
	inside := s.Expose.ContainerPort
	if inside == 0 {
		inside = s.Expose.Port
	}
	put("source_portmode", string(s.Expose.Mode))
	put("source_apiport", strconv.Itoa(s.Expose.Port))
	put("source_insideport", strconv.Itoa(inside))
	if s.Expose.NodePort != 0 {
		put("source_outsideport", strconv.Itoa(s.Expose.NodePort))
	}
}

// Remove removes the workload; gone says that none of its pods is left.
func (c *Client) Remove(ctx context.Context, on workload.Target, in workload.Instance) (gone bool, err error) {
	if err := c.call(ctx, on.Service, question{endpoint: "yaml_apply_delete", query: identity(on, in, "delete"), changes: true}, nil); err != nil {
		return false, err
	}
	left, err := c.podsOf(ctx, on, in)
	return err == nil && len(left) == 0, err
}

// Observe tells how the workload is, as far as its pods show it. Whether they are
// those of the newest change is not shown.
func (c *Client) Observe(ctx context.Context, on workload.Target, in workload.Instance) (workload.Seen, error) {
	pods, err := c.podsOf(ctx, on, in)
	if err != nil {
		return workload.Seen{}, err
	}
	out := workload.Seen{Exists: len(pods) > 0 || in.Replicas == 0, Current: true, Wanted: in.Replicas}
	for _, p := range pods {
		ready, all, _ := strings.Cut(p.Ready, "/")
		switch {
		case p.Running == "Completed":
			out.Ready++
			out.Done = in.Spec.Engine == workload.Job || in.Spec.Engine == workload.Standalone
		case p.Running == "Running" && ready == all:
			out.Ready++
		default:
			out.Reason = p.Running
		}
	}
	if len(pods) == 0 && in.Replicas > 0 {
		out.Reason = "NoPods"
	}
	out.Ready = min(out.Ready, out.Wanted)
	return out, nil
}

func (c *Client) podsOf(ctx context.Context, on workload.Target, in workload.Instance) ([]pod, error) {
	all, err := c.podRows(ctx, on)
	var out []pod
	n := namesOf(on, in)
	for _, p := range all {
		if n.owns(on, p) {
			out = append(out, p)
		}
	}
	return out, err
}

// basketPart is a part of a product in the wire's units: cores, Mi, Gi and cards.
type basketPart struct {
	Type   string `json:"type"`
	Model  string `json:"model,omitempty"`
	Amount int64  `json:"amount"`
}

type basket struct {
	ID    string       `json:"productid"`
	Parts []basketPart `json:"parts"`
}

// smallest is how many of a type's smallest unit make one of the wire's.
func smallest(t price.Type) int64 {
	switch t {
	case price.CPU:
		return 1000
	case price.Disk:
		return 1024
	}
	return 1
}

// Fits asks for one replica of each need: the API knows no more of them.
func (c *Client) Fits(ctx context.Context, on workload.Target, needs []workload.Need) ([]workload.Verdict, error) {
	all := make([]basket, len(needs))
	for i, n := range needs {
		if len(n.Labels) > 0 {
			return nil, fault.Unsupported("the services of centres place nothing by labels")
		}
		all[i] = basket{ID: strconv.Itoa(i), Parts: []basketPart{}}
		for _, p := range n.Parts {
			amount, err := p.Smallest()
			if err != nil {
				return nil, fault.Internal(err, "a basket holds what cannot be counted")
			}
			one := basketPart{Type: string(p.Type), Model: p.Model, Amount: (amount + smallest(p.Type) - 1) / smallest(p.Type)}
			if p.Model == "STANDARD" {
				one.Model = ""
			}
			all[i].Parts = append(all[i].Parts, one)
		}
	}
	return c.fits(ctx, on, all)
}

func (c *Client) fits(ctx context.Context, on workload.Target, all []basket) ([]workload.Verdict, error) {
	raw, err := json.Marshal(all)
	if err != nil {
		return nil, fault.Internal(err, "encoding baskets")
	}
	q := question{endpoint: "determine_accommodat", query: url.Values{"kubeconfig": {on.Kubeconfig.Reveal()}, "resources": {string(raw)}}}
	body, err := c.ask(ctx, on.Service, q)
	if err != nil {
		return nil, err
	}
	var not []string
	if err := json.Unmarshal(body, &not); err != nil { // an envelope tells of a failure
		return nil, q.refusal()
	}
	out := make([]workload.Verdict, len(all))
	for i := range out {
		out[i].OK = true
	}
	for _, id := range not {
		if i, err := strconv.Atoi(id); err == nil && i >= 0 && i < len(out) {
			out[i] = workload.Verdict{Reason: "no node can hold all parts at once"}
		}
	}
	return out, nil
}

// Logs is not offered by the API.
func (c *Client) Logs(context.Context, workload.Target, workload.Instance, workload.LogRequest) (string, error) {
	return "", fault.Unsupported("the services of centres show no logs")
}

// Exec is not offered by the API.
func (c *Client) Exec(context.Context, workload.Target, workload.Instance, string, []string, string) (workload.Ran, error) {
	return workload.Ran{}, fault.Unsupported("the services of centres run no commands")
}

// Await is not offered by the API.
func (c *Client) Await(context.Context, workload.Target, workload.Instance) error {
	return fault.Unsupported("the services of centres tell of no changes")
}

// Stream is not offered by the API.
func (c *Client) Stream(context.Context, workload.Target, workload.Instance, workload.LogStream, io.Writer) error {
	return fault.Unsupported("the services of centres show no logs")
}

// Console is not offered by the API.
func (c *Client) Console(context.Context, workload.Target, workload.Instance, workload.Session, provider.Terminal) (int, error) {
	return 0, fault.Unsupported("the services of centres open no consoles")
}

// Events is not offered by the API.
func (c *Client) Events(context.Context, workload.Target, workload.Instance) ([]workload.Happening, error) {
	return nil, fault.Unsupported("the services of centres show no events")
}

// machineOf are the parameters of the control plane's machine.
func machineOf(on workload.Target) url.Values {
	out := url.Values{}
	machineNamed(out, "", on.Service.Control)
	return out
}

func (c *Client) podRows(ctx context.Context, on workload.Target) ([]pod, error) {
	var out listed[pod]
	err := c.call(ctx, on.Service, question{endpoint: "get_cluster_pods", query: machineOf(on)}, &out)
	return out.Rows, err
}

// Pods yields the pods of a cluster.
func (c *Client) Pods(ctx context.Context, on workload.Target, yield func(board.PodRow) error) error {
	rows, err := c.podRows(ctx, on)
	for i := 0; err == nil && i < len(rows); i++ {
		err = yield(rows[i].row())
	}
	return err
}

// Nodes yields the nodes of a cluster.
func (c *Client) Nodes(ctx context.Context, on workload.Target, yield func(board.NodeRow) error) error {
	rows, _, err := c.Members(ctx, on.Service)
	for i := 0; err == nil && i < len(rows); i++ {
		err = yield(rows[i])
	}
	return err
}

func (c *Client) change(ctx context.Context, on workload.Target, endpoint string, pairs ...string) error {
	q := machineOf(on)
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return c.call(ctx, on.Service, question{endpoint: endpoint, query: q, changes: true}, nil)
}

// Label sets a label of a node, or removes one that has this value.
func (c *Client) Label(ctx context.Context, on workload.Target, node, key, value string, remove bool) error {
	opt := "label"
	if remove {
		opt = "unlabel"
	}
	return c.change(ctx, on, "node_label_opt", "worker_node", node, "label", key+"="+value, "opt", opt)
}

// Models is not offered by the API: what a service selects nodes by is its own.
func (c *Client) Models(context.Context, workload.Target, string, string, string) error {
	return fault.Unsupported("the services of centres are not told models: set the label that they select by")
}

// Cordon keeps new pods away from a node, or lets them come again.
func (c *Client) Cordon(ctx context.Context, on workload.Target, node string, away bool) error {
	state := "uncordon"
	if away {
		state = "cordon"
	}
	return c.change(ctx, on, "node_state_switch", "node_name", node, "state", state)
}

// Drain empties a node, also of pods that nobody makes anew: the API knows no
// other way. What is left is not told: success is an empty node.
func (c *Client) Drain(ctx context.Context, on workload.Target, node string, bare bool, most time.Duration) (left, blocked int, err error) {
	if !bare {
		return 0, 0, fault.Unsupported("the services of centres drain nodes of all pods only: ask for bare")
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return 0, 0, c.change(ctx, on, "node_state_switch", "node_name", node, "state", "cordon", "darin", "true")
}

// RemoveNode takes a node out of its cluster. One that is gone is a success: it is
// looked for first, since the service answers a repeat as it likes.
func (c *Client) RemoveNode(ctx context.Context, on workload.Target, node string, force bool, _ time.Duration) error {
	rows, _, err := c.Members(ctx, on.Service)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Name == node {
			return c.change(ctx, on, "delete_cluster_node", "node_name", node, "force", strconv.FormatBool(force))
		}
	}
	return nil
}
