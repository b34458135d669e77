package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// masked stands for a password in answers and in the call log.
const masked = "*****"

// The ways in which the product writes times.
const (
	timeSeconds = "2006-01-02T15:04:05"
	timeSpaced  = "2006-01-02 15:04:05"
	timeMinutes = "2006-01-02T15:04Z"
)

// world is everything one account has. It is guarded by the Cloud's mutex.
type world struct {
	cloud *Cloud
	name  string
	now   time.Time
	seq   int64

	users    []answer
	slbs     []slb
	apps     []*app
	configs  []*deployConfig
	envs     []*environment
	claims   []*claim
	points   []*point
	services []*service
	orders   []*order
	volumes  []*volume
	labels   []*label
	bindings []*binding
	allocs   []*alloc
	clusters []*cluster
	nodes    []*node
	rds      []*rdsInstance
}

// slb is an SLB instance that exists beside the product.
type slb struct{ id, ip, network string }

func newWorld(c *Cloud, own Account) *world {
	w := &world{cloud: c, name: own.Name, seq: 1000}
	for i := range own.Apps {
		w.apps = append(w.apps, &app{
			id: w.id(), title: "app-" + strconv.Itoa(i+1), language: "Java", system: "Linux", biz: "JST", service: "GeneralApplication", state: "1",
		})
	}
	for i, real := range []string{"Operator One", "Operator Two", "Operator Three"} {
		w.users = append(w.users, answer{"UserId": "user-" + strconv.Itoa(i+1), "UserType": "TAOBAO", "RealName": real})
	}
	w.slbs = []slb{{"lb-sim-internet", "203.0.113.10", "internet"}, {"lb-sim-intranet", "192.168.0.10", "intranet"}}
	for _, r := range regionList() {
		for i := range 4 {
			w.nodes = append(w.nodes, newNode(r.id, i+1))
		}
	}
	w.rds = []*rdsInstance{newRDS("rm-sim-mysql", "MySQL", true), newRDS("rm-sim-sqlserver", "SQLServer", true), newRDS("rm-sim-stopped", "MySQL", false)}
	return w
}

// id returns the next number.
func (w *world) id() int64 {
	w.seq++
	return w.seq
}

// settle brings all asynchronous work up to now.
func (w *world) settle(now time.Time) {
	w.now = now.UTC()
	for _, o := range w.orders {
		w.advance(o)
	}
	w.settleClusters()
	w.settleClaims()
	for _, r := range w.rds {
		r.settle(now)
	}
}

// count adds what lives.
func (w *world) count(into map[string]int) {
	for kind, n := range map[string]int{
		"app": len(w.apps), "deploy_config": len(w.configs), "environment": len(w.envs), "volume_claim": len(w.claims),
		"access_point": len(w.points), "service": len(w.services), "deploy_order": len(w.orders), "volume": len(w.volumes),
		"node_label": len(w.labels), "resource_alloc": len(w.allocs), "cluster": len(w.clusters),
	} {
		into[kind] += n
	}
	for _, e := range w.envs {
		into["app_instance"] += len(e.instances)
	}
	for _, n := range w.nodes {
		if n.cluster != "" {
			into["cluster_node"]++
		}
	}
	for _, r := range w.rds {
		into["database"] += len(r.databases)
		into["db_account"] += len(r.accounts)
	}
}

// done is the answer of an action that tells only that it happened.
func done() (answer, *refusal) { return answer{"Result": answer{"Success": true}}, nil }

// find returns the first element that fits; the zero value means none.
func find[T any](all []T, fits func(T) bool) (T, bool) {
	i := slices.IndexFunc(all, fits)
	if i < 0 {
		var none T
		return none, false
	}
	return all[i], true
}

// rowsOf makes a row of every element that is kept.
func rowsOf[T any](all []T, keep func(T) bool, row func(T) answer) []answer {
	out := []answer{}
	for _, e := range all {
		if keep(e) {
			out = append(out, row(e))
		}
	}
	return out
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// made notes a creation for the report and the call log.
func (w *world) made(q *call, kind, parent, name string) {
	key := w.name + "/" + name
	if parent != "" {
		key = w.name + "/" + parent + "/" + name
	}
	q.subject = fmt.Sprintf("%s %s", kind, name)
	w.cloud.buy(kind, key)
}
