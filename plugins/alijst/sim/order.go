package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The states and results of a deploy order.
const (
	statusRunning, statusPaused, statusFinished                   = 1, 2, 3
	resultRunning, resultSuccess, resultFailed, resultFailedByMan = 0, 1, 2, 4
)

// order is one rollout: it brings the environment from what runs to its pods
// batch by batch.
type order struct {
	id                       int64
	env                      *environment
	schema                   int64
	name, description, pause string
	category                 string // deploy or scale
	partitions, batch        int64
	status, result           int
	start, end, due          time.Time
	each                     time.Duration
	fails                    bool
	pods                     []*pod
	before                   []*instance // what ran when the order began
}

// pod is what an order does to one instance.
type pod struct {
	inst   *instance
	batch  int64
	goes   bool // the instance is taken away
	change time.Time
}

// instance is one running copy of an application.
type instance struct {
	id, version, hostIP, podIP, host string
	created                          time.Time
}

// openOrder returns the unfinished order of an environment.
func (w *world) openOrder(e *environment) *order {
	o, _ := find(w.orders, func(o *order) bool { return o.env == e && o.status != statusFinished })
	return o
}

// admitOrder says whether a rollout may begin. The answer is set when it may not.
func (w *world) admitOrder(q *call) (*environment, answer, *refusal) {
	e, err := w.environment(q, q.num("EnvId"))
	if err != nil {
		return nil, nil, err
	}
	if q.plan.Has(KindNotAdmitted) {
		return nil, answer{"Result": answer{"BusinessCode": "102000", "DeployOrderId": 0, "Admitted": false}}, nil
	}
	if w.openOrder(e) != nil {
		return nil, nil, conflict("the environment has an unfinished deploy order")
	}
	return e, nil, nil
}

func deployApp(w *world, q *call) (answer, *refusal) {
	e, not, err := w.admitOrder(q)
	if e == nil {
		return not, err
	}
	if u := q.str("DeployPacketUrl"); u != "" && !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") {
		return nil, invalid("DeployPacketUrl")
	}
	o := w.newOrder(q, e, "deploy")
	o.name, o.description = q.str("Name"), q.str("Description")
	o.pause = q.or("PauseType", "none")
	for i := range e.replicas {
		o.pods = append(o.pods, &pod{inst: w.newInstance(o, i), batch: i*o.partitions/e.replicas + 1})
	}
	return w.begin(q, o)
}

func scaleApp(w *world, q *call) (answer, *refusal) {
	e, not, err := w.admitOrder(q)
	if e == nil {
		return not, err
	}
	o := w.newOrder(q, e, "scale")
	o.name, o.pause = fmt.Sprintf("scale-%d", o.id), "none"
	have, want := int64(len(e.instances)), q.num("Replicas")
	n := max(want-have, have-want)
	for i := range n {
		p := &pod{batch: i*o.partitions/n + 1}
		if want > have {
			p.inst = w.newInstance(o, have+i)
		} else {
			p.inst, p.goes = e.instances[have-1-i], true
		}
		o.pods = append(o.pods, p)
	}
	e.replicas = want
	return w.begin(q, o)
}

func (w *world) newOrder(q *call, e *environment, category string) *order {
	o := &order{
		id: w.id(), env: e, schema: e.config.id, category: category, partitions: max(q.num("TotalPartitions"), 1),
		status: statusRunning, start: w.now, each: w.cloud.step(), fails: q.plan.Has(KindInstallFail), before: slices.Clone(e.instances),
	}
	if q.plan.Has(KindStopHang) {
		o.each = time.Hour
	}
	o.due = o.start.Add(o.each)
	return o
}

func (w *world) begin(q *call, o *order) (answer, *refusal) {
	for _, p := range o.pods {
		p.change = o.start
	}
	w.orders = append(w.orders, o)
	w.made(q, "deploy_order", itoa(o.env.id), o.name)
	return answer{"Result": answer{"BusinessCode": "0", "DeployOrderId": o.id, "Admitted": true}}, nil
}

func (w *world) newInstance(o *order, i int64) *instance {
	host := "10.0.0." + itoa(i%200+10)
	if a := w.allocOf(o.env); a != nil {
		if nodes := w.nodesOf(a.cluster); len(nodes) > 0 {
			host = nodes[int(i)%len(nodes)].ip
		}
	}
	return &instance{
		id: fmt.Sprintf("app-%d-env-%d-%d-%d", o.env.app.id, o.env.id, o.id, i), version: itoa(o.id),
		host: "host-" + strings.ReplaceAll(host, ".", "-"), hostIP: host,
		podIP: fmt.Sprintf("172.20.%d.%d", o.id%250, i%250+2), created: w.now,
	}
}

// advance brings an order up to now, batch by batch.
func (w *world) advance(o *order) {
	for o.status == statusRunning && !o.due.After(w.now) {
		if o.fails {
			o.finish(resultFailed, o.due)
			return
		}
		o.batch++
		for _, p := range o.pods {
			if p.batch == o.batch {
				p.change = o.due
			}
		}
		o.apply()
		switch {
		case o.batch >= o.partitions:
			o.finish(resultSuccess, o.due)
		case o.pause == "each" || o.pause == "first" && o.batch == 1:
			o.status = statusPaused
		default:
			o.due = o.due.Add(o.each)
		}
	}
}

func (o *order) finish(result int, at time.Time) {
	o.status, o.result, o.end = statusFinished, result, at
}

// apply sets what the environment runs after the batches that are over. A
// deploy replaces one old instance for each new one.
func (o *order) apply() {
	kept := slices.Clone(o.before)
	var fresh []*instance
	for _, p := range o.pods {
		switch {
		case p.batch > o.batch:
		case p.goes:
			kept = slices.DeleteFunc(kept, func(i *instance) bool { return i == p.inst })
		default:
			fresh = append(fresh, p.inst)
		}
	}
	if o.category == "deploy" {
		kept = kept[min(len(fresh), len(kept)):]
		if o.batch >= o.partitions {
			kept = nil
		}
	}
	o.env.instances = append(kept, fresh...)
}

// order returns the deploy order that the call names.
func (w *world) order(q *call) (*order, *refusal) {
	id := q.num("DeployOrderId")
	q.subject = "deploy_order " + itoa(id)
	o, ok := find(w.orders, func(o *order) bool { return o.id == id })
	if !ok {
		return nil, notFound("deploy order", itoa(id))
	}
	return o, nil
}

func resumeDeploy(w *world, q *call) (answer, *refusal) {
	o, err := w.order(q)
	if err != nil {
		return nil, err
	}
	if o.status != statusPaused {
		return nil, conflict("the deploy order is not paused")
	}
	o.status, o.due = statusRunning, w.now.Add(o.each)
	return answer{}, nil
}

func closeDeployOrder(w *world, q *call) (answer, *refusal) {
	o, err := w.order(q)
	if err != nil {
		return nil, err
	}
	if o.status == statusFinished {
		return nil, conflict("the deploy order is finished")
	}
	o.finish(resultFailedByMan, w.now)
	return answer{}, nil
}

func describeDeployOrderDetail(w *world, q *call) (answer, *refusal) {
	o, err := w.order(q)
	if err != nil {
		return nil, err
	}
	return answer{"Result": o.row(w.now)}, nil
}
