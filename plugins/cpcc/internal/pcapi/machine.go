package pcapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"tradewind.example/plugins/cpcc/internal/cluster/board"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/secret"
)

// mostJoin bounds a join command that is kept.
const mostJoin = 4 << 10

// notReset says what a service without the parameters of [ofWorker] leaves.
const notReset = "not reset: run kubeadm reset on the machine before it is used again: the centre's service takes out nodes alone"

// machineNamed adds the parameters of a machine, with what they begin with.
func machineNamed(q url.Values, prefix string, m workload.Machine) {
	for name, value := range map[string]string{
		"host": m.Host, "port": strconv.Itoa(m.Port), "user": m.User, "psssword": m.Password.Reveal(),
	} {
		q.Set(prefix+name, value)
	}
}

// NewCluster asks for a control plane on the machine that s names. It is no call
// to repeat: a service that is asked twice may begin twice (see [Client.Members]).
func (c *Client) NewCluster(ctx context.Context, s workload.Service, clusterID string) (kubeadm.Made, error) {
	q := question{endpoint: "new_cluster", changes: true, time: machineTime, query: url.Values{
		"cluster_type": {"kubernetes"}, "role": {"master"}, "clusterid": {clusterID}, "cpcid": {s.CentreID},
	}}
	machineNamed(q.query, "", s.Control)
	var text string
	if err := c.call(ctx, s, q, &text); err != nil {
		return kubeadm.Made{}, err
	}
	made := madeOf(text)
	if made.Kubeconfig.IsZero() {
		return made, q.failure(nil, "the answer of the centre's service holds no kubeconfig")
	}
	return made, nil
}

// madeOf takes an answer apart: the join command, and from the first line on that
// begins with apiVersion the kubeconfig. A join command of another form is left out.
func madeOf(text string) kubeadm.Made {
	at := strings.Index("\n"+text, "\napiVersion:")
	if at < 0 {
		return kubeadm.Made{}
	}
	made := kubeadm.Made{Kubeconfig: secret.New(text[at:])}
	if join := strings.TrimSpace(text[:at]); strings.HasPrefix(join, "kubeadm join ") && len(join) <= mostJoin {
		made.Join = secret.New(join)
	}
	return made
}

// NewWorker asks for a machine to join the cluster. Services that mint a token for
// it know the control plane's machine and tell the node's name; others use join,
// which may be empty, and tell none. It is no call to repeat, as NewCluster.
func (c *Client) NewWorker(ctx context.Context, s workload.Service, clusterID string, at workload.Machine, join secret.Value) (node string, err error) {
	q := question{endpoint: "new_worker", changes: true, time: machineTime, query: url.Values{
		"cluster_type": {"kubernetes"}, "role": {"worker"}, "clusterid": {clusterID}, "cpcid": {s.CentreID}, "join_command": {join.Reveal()},
	}}
	machineNamed(q.query, "", at)
	machineNamed(q.query, ofControl, s.Control)
	var raw json.RawMessage
	if err := c.call(ctx, s, q, &raw); err != nil {
		return "", err
	}
	var told joined
	if !bytes.HasPrefix(raw, []byte("{")) { // "", as the API has it
		return "", nil
	}
	if err := json.Unmarshal(raw, &told); err != nil {
		return "", q.failure(nil, "the answer of the centre's service cannot be read")
	}
	return told.Node, nil
}

// RemoveWorker asks for a node to be taken out, and its machine to be reset; left is
// what a person has to do about the machine, "" for nothing. A node that is gone is
// a success: it is looked for first, since a service answers a repeat as it likes.
func (c *Client) RemoveWorker(ctx context.Context, s workload.Service, clusterID, node string, at workload.Machine, force bool) (left string, err error) {
	rows, repeats, err := c.Members(ctx, s)
	if err != nil {
		return "", err
	}
	there := false
	for _, r := range rows {
		there = there || r.Name == node
	}
	if !there && !repeats {
		return notReset, nil
	}
	q := question{endpoint: "delete_cluster_node", changes: true, time: machineTime, query: url.Values{
		"node_name": {node}, "force": {strconv.FormatBool(force)}, "clusterid": {clusterID}, "cpcid": {s.CentreID},
	}}
	machineNamed(q.query, "", s.Control)
	machineNamed(q.query, ofWorker, at)
	var told removed
	if err := c.call(ctx, s, q, &told); err != nil {
		return "", err
	}
	if !repeats {
		return notReset, nil
	}
	return told.Left, nil
}

// Members lists the nodes of the cluster whose control plane is on the machine that
// s names. repeats says that this service's works on machines may be asked for
// again; it may be true beside an error, which is also how a machine answers that
// has no control plane yet.
func (c *Client) Members(ctx context.Context, s workload.Service) (rows []board.NodeRow, repeats bool, err error) {
	q := question{endpoint: "get_cluster_nodes", query: url.Values{}, repeats: &repeats}
	machineNamed(q.query, "", s.Control)
	var out listed[member]
	err = c.call(ctx, s, q, &out)
	for _, r := range out.Rows {
		rows = append(rows, r.row())
	}
	return rows, repeats, err
}
