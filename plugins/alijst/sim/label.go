package sim

import (
	"slices"
	"strings"
)

// labelPrefix begins the key of every node label.
const labelPrefix = "label.jst.com/"

// label is a node label of a cluster.
type label struct {
	id         int64
	cluster    *cluster
	key, value string
}

// binding puts a label on a node.
type binding struct {
	id    int64
	label *label
	node  string
}

// label returns the cluster of the call and its label, nil when there is none.
func (w *world) label(q *call) (*cluster, *label, *refusal) {
	c, err := w.cluster(q, q.str("ClusterId"))
	if err != nil {
		return nil, nil, err
	}
	if !strings.HasPrefix(q.str("LabelKey"), labelPrefix) {
		return nil, nil, invalid("LabelKey")
	}
	l, _ := find(w.labels, func(l *label) bool {
		return l.cluster == c && l.key == q.str("LabelKey") && l.value == q.str("LabelValue")
	})
	return c, l, nil
}

func (w *world) newLabel(q *call, c *cluster) *label {
	l := &label{id: w.id(), cluster: c, key: q.str("LabelKey"), value: q.str("LabelValue")}
	w.labels = append(w.labels, l)
	w.made(q, "node_label", c.id, l.key+"="+l.value)
	return l
}

func (l *label) row() answer {
	return answer{"ClusterId": l.cluster.id, "Id": l.id, "LabelKey": l.key, "LabelValue": l.value}
}

func createNodeLabel(w *world, q *call) (answer, *refusal) {
	c, l, err := w.label(q)
	if err != nil {
		return nil, err
	}
	if l != nil {
		return nil, conflict("the cluster has the label")
	}
	return answer{"Result": w.newLabel(q, c).row()}, nil
}

func listNodeLabels(w *world, q *call) (answer, *refusal) {
	c, err := w.cluster(q, q.str("ClusterId"))
	if err != nil {
		return nil, err
	}
	rows := rowsOf(w.labels, func(l *label) bool { return l.cluster == c && q.keeps("LabelKey", l.key) }, (*label).row)
	return q.page("PageNumber", rows), nil
}

func deleteNodeLabel(w *world, q *call) (answer, *refusal) {
	_, l, err := w.label(q)
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, notFound("node label", q.str("LabelKey"))
	}
	bound := func(b *binding) bool { return b.label == l }
	if !q.yes("Force") && slices.ContainsFunc(w.bindings, bound) {
		return nil, conflict("the label is bound to nodes")
	}
	w.bindings = slices.DeleteFunc(w.bindings, bound)
	w.labels = slices.DeleteFunc(w.labels, func(x *label) bool { return x == l })
	return answer{}, nil
}

func bindNodeLabel(w *world, q *call) (answer, *refusal) {
	c, l, err := w.label(q)
	if err != nil {
		return nil, err
	}
	id := q.str("InstanceId")
	if _, ok := find(w.nodesOf(c), func(n *node) bool { return n.id == id }); !ok {
		return nil, notFound("cluster node", id)
	}
	if l == nil {
		l = w.newLabel(q, c)
	}
	if !slices.ContainsFunc(w.bindings, func(b *binding) bool { return b.label == l && b.node == id }) {
		w.bindings = append(w.bindings, &binding{id: w.id(), label: l, node: id})
	}
	return answer{}, nil
}

func unbindNodeLabel(w *world, q *call) (answer, *refusal) {
	_, l, err := w.label(q)
	if err != nil {
		return nil, err
	}
	w.bindings = slices.DeleteFunc(w.bindings, func(b *binding) bool { return b.label == l && b.node == q.str("InstanceId") })
	return answer{}, nil
}

func listNodeLabelBindings(w *world, q *call) (answer, *refusal) {
	c, err := w.cluster(q, q.str("ClusterId"))
	if err != nil {
		return nil, err
	}
	rows := rowsOf(w.bindings, func(b *binding) bool {
		return b.label.cluster == c && q.keeps("InstanceId", b.node) && q.keeps("LabelKey", b.label.key) && q.keeps("LabelValue", b.label.value)
	}, func(b *binding) answer {
		return answer{"Id": b.id, "InstanceId": b.node, "InstanceType": "ECS", "LabelKey": b.label.key, "LabelValue": b.label.value}
	})
	return q.page("PageNumber", rows), nil
}

// alloc gives an environment the resources of a cluster.
type alloc struct {
	id      int64
	env     *environment
	cluster *cluster
}

func (w *world) allocOf(e *environment) *alloc {
	a, _ := find(w.allocs, func(a *alloc) bool { return a.env == e })
	return a
}

func (a *alloc) row() answer {
	return answer{"AppEnvId": a.env.id, "ClusterId": a.cluster.id, "Id": a.id, "ResourceDef": "{}", "AppId": a.env.app.id}
}

func createAppResourceAlloc(w *world, q *call) (answer, *refusal) {
	e, err := w.environment(q, q.num("AppEnvId"))
	if err != nil {
		return nil, err
	}
	c, err := w.cluster(q, q.str("ClusterId"))
	if err != nil {
		return nil, err
	}
	if w.allocOf(e) != nil {
		return nil, conflict("the environment has a resource allocation")
	}
	a := &alloc{id: w.id(), env: e, cluster: c}
	w.allocs = append(w.allocs, a)
	w.made(q, "resource_alloc", itoa(e.id), c.id)
	return answer{"Result": a.row()}, nil
}

func listAppResourceAllocs(w *world, q *call) (answer, *refusal) {
	rows := rowsOf(w.allocs, func(a *alloc) bool {
		return q.keepsNum("AppEnvId", a.env.id) && q.keepsNum("AppId", a.env.app.id) && q.keeps("ClusterId", a.cluster.id)
	}, (*alloc).row)
	return q.page("PageNumber", rows), nil
}

// alloc returns the allocation of the environment that the call names.
func (w *world) alloc(q *call) (*alloc, *refusal) {
	e, err := w.environment(q, q.num("AppEnvId"))
	if err != nil {
		return nil, err
	}
	a := w.allocOf(e)
	if a == nil {
		return nil, notFound("resource allocation of environment", itoa(e.id))
	}
	return a, nil
}

func deleteAppResourceAlloc(w *world, q *call) (answer, *refusal) {
	a, err := w.alloc(q)
	if err != nil {
		return nil, err
	}
	w.allocs = slices.DeleteFunc(w.allocs, func(x *alloc) bool { return x == a })
	return answer{}, nil
}

func describeAppResourceAlloc(w *world, q *call) (answer, *refusal) {
	a, err := w.alloc(q)
	if err != nil {
		return nil, err
	}
	return answer{"Result": a.row()}, nil
}
