package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode"
)

// cluster is a cluster of Kubernetes.
type cluster struct {
	id                                         string
	number                                     int64
	title, biz, env, region, vpc, keyPair, typ string
	podCIDR, serviceCIDR                       string
	switches                                   []string
	password, fails, goes                      bool
	due                                        time.Time // of the state it is on its way to
	settled                                    bool
}

// node is an ECS instance that is or may become a node of a cluster.
type node struct {
	id, ip, region string
	cluster        string
	next           string // the cluster it is on its way to; "-" is out
	due            time.Time
}

func newNode(region string, n int) *node {
	return &node{id: "i-" + region + "-" + itoa(int64(n)), ip: "192.168.1." + itoa(int64(n+10)), region: region}
}

// nodesOf returns the nodes of a cluster.
func (w *world) nodesOf(c *cluster) []*node {
	var out []*node
	for _, n := range w.nodes {
		if n.cluster == c.id {
			out = append(out, n)
		}
	}
	return out
}

// cluster returns the cluster with this id.
func (w *world) cluster(q *call, id string) (*cluster, *refusal) {
	q.subject = "cluster " + id
	c, ok := find(w.clusters, func(c *cluster) bool { return c.id == id })
	if !ok {
		return nil, notFound("cluster", id)
	}
	return c, nil
}

func createCluster(w *world, q *call) (answer, *refusal) {
	if err := checkCluster(q); err != nil {
		return nil, err
	}
	n := w.id()
	sum := sha256.Sum256([]byte(w.name + itoa(n)))
	c := &cluster{
		id: "c" + hex.EncodeToString(sum[:16]), number: n, title: q.str("ClusterTitle"), biz: q.str("BusinessCode"),
		env: q.str("ClusterEnvType"), region: q.str("RegionId"), vpc: q.str("VpcId"), keyPair: q.str("KeyPair"), typ: q.str("ClusterType"),
		podCIDR: q.str("PodCIDR"), serviceCIDR: q.str("ServiceCIDR"), switches: q.list("Vswitchids"),
		password: q.has("Password"), fails: q.plan.Has(KindInstallFail), due: w.now.Add(w.cloud.step()),
	}
	w.clusters = append(w.clusters, c)
	w.made(q, "cluster", "", c.title)
	return answer{"Result": answer{"ClusterInstanceId": c.id}}, nil
}

func checkCluster(q *call) *refusal {
	switch {
	case !knownRegion(q.str("RegionId")):
		return invalid("RegionId")
	case (q.str("KeyPair") == "") == (q.str("Password") == ""):
		return invalid("Password")
	case q.str("Password") != "" && !strong(q.str("Password")):
		return invalid("Password")
	case q.str("ClusterType") != "Serverless" && q.str("PodCIDR") == "":
		return invalid("PodCIDR")
	case q.str("ClusterType") != "Serverless" && q.str("ServiceCIDR") == "":
		return invalid("ServiceCIDR")
	}
	return nil
}

// strong tells whether a password has eight characters of all four classes.
func strong(s string) bool {
	return len(s) >= 8 && strings.ContainsFunc(s, unicode.IsUpper) && strings.ContainsFunc(s, unicode.IsLower) &&
		strings.ContainsFunc(s, unicode.IsDigit) &&
		strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// status is the state in the product's words, and whether it was made.
func (c *cluster) status() (state, made string) {
	switch {
	case c.goes:
		return "deleting", "1"
	case !c.settled:
		return "initial", "0"
	case c.fails:
		return "failed", "0"
	default:
		return "running", "1"
	}
}

// settleClusters ends what is due: clusters and nodes on their way.
func (w *world) settleClusters() {
	for _, c := range slices.Clone(w.clusters) {
		switch {
		case c.due.After(w.now):
		case c.goes:
			w.dropCluster(c)
		default:
			c.settled = true
		}
	}
	for _, n := range w.nodes {
		if n.next == "" || n.due.After(w.now) {
			continue
		}
		n.cluster = n.next
		if n.next == "-" {
			n.cluster = ""
		}
		n.next = ""
	}
}

// dropCluster takes a cluster away with its volumes, labels and allocations.
func (w *world) dropCluster(c *cluster) {
	for _, n := range w.nodes {
		if n.cluster == c.id || n.next == c.id {
			n.cluster, n.next = "", ""
		}
	}
	w.volumes = slices.DeleteFunc(w.volumes, func(v *volume) bool { return v.cluster == c })
	w.bindings = slices.DeleteFunc(w.bindings, func(b *binding) bool { return b.label.cluster == c })
	w.labels = slices.DeleteFunc(w.labels, func(l *label) bool { return l.cluster == c })
	w.allocs = slices.DeleteFunc(w.allocs, func(a *alloc) bool { return a.cluster == c })
	w.clusters = slices.DeleteFunc(w.clusters, func(x *cluster) bool { return x == c })
}

func deleteCluster(w *world, q *call) (answer, *refusal) {
	c, err := w.cluster(q, q.str("ClusterInstanceId"))
	if err != nil {
		return nil, err
	}
	if !c.goes {
		c.goes, c.due = true, w.now.Add(w.cloud.step())
		if q.plan.Has(KindStopHang) {
			c.due = w.now.Add(time.Hour)
		}
	}
	return nonsense()
}

// nonsense is the Result of actions on clusters that have none.
func nonsense() (answer, *refusal) { return answer{"Result": answer{"Nonsense": 0}}, nil }

func (w *world) clusterRow(c *cluster) answer {
	state, made := c.status()
	password := ""
	if c.password {
		password = masked
	}
	return answer{
		"BusinessCode": c.biz, "ClusterTitle": c.title, "CreateStatus": made, "EnvType": c.envNumber(), "Id": c.number, "InstanceId": c.id,
		"KeyPair": c.keyPair, "NetPlug": "flannel", "Password": password, "PodCIDR": c.podCIDR, "RegionId": c.region,
		"RegionName": regionName(c.region), "ServiceCIDR": c.serviceCIDR, "Status": state, "VpcId": c.vpc, "WorkLoadCpu": "0.1",
		"WorkLoadMem": "0.1", "EcsIds": w.ecsIDs(c), "VswitchIds": listed(c.switches),
	}
}

// envNumber is how answers write what requests call TEST and PRO.
func (c *cluster) envNumber() string {
	if c.env == "PRO" {
		return "1"
	}
	return "0"
}

func (w *world) ecsIDs(c *cluster) []string {
	out := []string{}
	for _, n := range w.nodesOf(c) {
		out = append(out, n.id)
	}
	return out
}

func listCluster(w *world, q *call) (answer, *refusal) {
	rows := rowsOf(w.clusters, func(c *cluster) bool {
		return q.keeps("BusinessCode", c.biz) && q.keeps("EnvType", c.env)
	}, w.clusterRow)
	return q.page("PageNum", rows), nil
}

func queryClusterDetail(w *world, q *call) (answer, *refusal) {
	c, err := w.cluster(q, q.str("ClusterInstanceId"))
	if err != nil {
		return nil, err
	}
	pods, apps := []answer{}, map[int64]bool{}
	for _, a := range w.allocs {
		if a.cluster != c {
			continue
		}
		apps[a.env.app.id] = true
		for range a.env.instances {
			pods = append(pods, answer{
				"appName": a.env.app.title, "appId": a.env.app.id, "envName": a.env.name, "envId": a.env.id,
				"cupRequest": "0.5", "memRequest": "1024",
			})
		}
	}
	nodes := w.ecsIDs(c)
	return answer{"Result": answer{
		"NodeWorkLoadList": []answer{},
		"BasicInfo": answer{
			"BusinessCode": c.biz, "ClusterId": c.number, "InstallLogInProcess": false, "MainUserId": "user-1",
			"RegionName": regionName(c.region), "HasInstallArmsPilot": false, "HasInstallLogController": false,
			"InstallArmsInProcess": false, "RegionId": c.region, "EnvType": c.envNumber(), "UserNick": "operator",
			"ClusterName": c.title, "ClusterInstanceId": c.id, "VpcId": c.vpc, "Vswitchs": listed(c.switches), "EcsIds": nodes,
		},
		"InstanceInfo": answer{
			"AllocatePodCount": len(pods), "AppCount": len(apps), "AllocatedPodInfoList": pods, "AvailablePodInfoList": []answer{},
		},
		"NetInfo":  answer{"ServiceCIDR": c.serviceCIDR, "NetPlugType": "flannel", "ProdCIDR": c.podCIDR},
		"WorkLoad": workLoad(len(nodes), len(pods)),
	}}, nil
}

// workLoad tells a load that follows from the counts alone: four cores and
// 8192 MB a node, half a core and 1024 MB a pod.
func workLoad(nodes, pods int) answer {
	cpu, mem := itoa(int64(4*nodes)), itoa(int64(8192*nodes))
	return answer{
		"AllNodeCount": nodes, "CpuUse": "0", "CpuUsePercent": "0", "MemRequestPercent": "0", "MemUsePercent": "0",
		"AllocateAllPodCount": pods, "MemTotal": mem, "CpuLevel": "low", "CpuCapacityTotal": cpu, "MemUse": "0",
		"MemCapacityTotal": mem, "MemLevel": "low", "CpuRequest": itoa(int64((pods + 1) / 2)), "CpuTotal": cpu,
		"CpuRequestPercent": "0", "AllocateAppPodCount": pods, "MemRequest": itoa(int64(1024 * pods)),
	}
}

func (n *node) row() answer {
	return answer{
		"BusinessCode": "", "EcsLocalStorageCapacity": "0", "EcsOsType": "linux", "InternetMaxBandwidthIn": "200",
		"EcsConfiguration": "4C8G", "OSName": "CentOS 7.6 64", "InstanceName": n.id, "InstanceType": "ecs.c5.xlarge", "EcsCpu": "4",
		"RegionId": n.region, "InstanceNetworkType": "vpc", "EcsExpiredTime": "2099-12-31T16:00Z", "InstanceId": n.id,
		"EcsZone": n.region + "-a", "EcsMemory": "8192", "InternetMaxBandwidthOut": "0", "EcsEip": "", "VpcId": "vpc-sim",
		"EcsPublicIp": "", "EcsPrivateIp": n.ip,
	}
}

func listClusterNode(w *world, q *call) (answer, *refusal) {
	c, err := w.cluster(q, q.str("ClusterInstanceId"))
	if err != nil {
		return nil, err
	}
	return q.page("PageNum", rowsOf(w.nodes, func(n *node) bool { return n.cluster == c.id }, (*node).row)), nil
}

func listAvailableClusterNode(w *world, q *call) (answer, *refusal) {
	c, err := w.cluster(q, q.str("ClusterInstanceId"))
	if err != nil {
		return nil, err
	}
	return q.page("PageNum", rowsOf(w.nodes, func(n *node) bool {
		return n.region == c.region && n.cluster == "" && n.next == ""
	}, (*node).row)), nil
}

// chosen returns the instances that the call lists; each must fit.
func (w *world) chosen(q *call, fits func(*node) bool) ([]*node, *refusal) {
	var out []*node
	for _, id := range q.list("EcsInstanceIdList") {
		n, ok := find(w.nodes, func(n *node) bool { return n.id == id })
		if !ok {
			return nil, notFound("ECS instance", id)
		}
		if !fits(n) {
			return nil, conflict("the ECS instance %s does not fit the cluster", id)
		}
		out = append(out, n)
	}
	return out, nil
}

func addClusterNode(w *world, q *call) (answer, *refusal) {
	c, err := w.cluster(q, q.str("ClusterInstanceId"))
	if err != nil {
		return nil, err
	}
	nodes, err := w.chosen(q, func(n *node) bool {
		return n.region == c.region && (n.cluster == "" && n.next == "" || n.cluster == c.id || n.next == c.id)
	})
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if n.cluster == "" && n.next == "" {
			n.next, n.due = c.id, w.now.Add(w.cloud.step())
		}
	}
	return nonsense()
}

func removeClusterNode(w *world, q *call) (answer, *refusal) {
	c, err := w.cluster(q, q.str("ClusterInstanceId"))
	if err != nil {
		return nil, err
	}
	nodes, err := w.chosen(q, func(n *node) bool { return n.cluster == c.id })
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		n.next, n.due = "-", w.now.Add(w.cloud.step())
		w.bindings = slices.DeleteFunc(w.bindings, func(b *binding) bool { return b.node == n.id })
	}
	return nonsense()
}
