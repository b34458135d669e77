package sim

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	capacityPattern = regexp.MustCompile(`^([1-9][0-9]{0,15})((?:[KMGTPE])i?)$`)
	classPattern    = regexp.MustCompile(`^[a-z][a-z0-9.-]*$`)
)

// volume is a persistent volume of a cluster.
type volume struct {
	id                                        int64
	cluster                                   *cluster
	name, capacity, modes, policy, dir, class string
	claim                                     *claim
	released                                  bool
	created                                   time.Time
}

// claim is an environment's claim of a volume. It is bound when its due time
// has come, to a volume that fits or to one made for it.
type claim struct {
	id                           int64
	env                          *environment
	name, capacity, modes, class string
	volume                       string
	created, due                 time.Time
}

// size reads a capacity in bytes; nil when it is none.
func size(s string) *big.Int {
	m := capacityPattern.FindStringSubmatch(s)
	if m == nil {
		return nil
	}
	n, _ := new(big.Int).SetString(m[1], 10)
	unit := int64(1000)
	if strings.HasSuffix(m[2], "i") {
		unit = 1024
	}
	power := int64(strings.IndexByte("KMGTPE", m[2][0]) + 1)
	return n.Mul(n, new(big.Int).Exp(big.NewInt(unit), big.NewInt(power), nil))
}

// checkStorage holds what volumes and claims share against the rules.
func checkStorage(q *call) *refusal {
	if size(q.str("Capacity")) == nil {
		return invalid("Capacity")
	}
	if !classPattern.MatchString(q.str("StorageClass")) {
		return invalid("StorageClass")
	}
	return nil
}

func createPersistentVolume(w *world, q *call) (answer, *refusal) {
	c, err := w.cluster(q, q.str("ClusterInstanceId"))
	if err != nil {
		return nil, err
	}
	if err := checkStorage(q); err != nil {
		return nil, err
	}
	name := q.str("Name")
	if slices.ContainsFunc(w.volumes, func(v *volume) bool { return v.cluster == c && v.name == name }) {
		return nil, conflict("the cluster has a volume %q", name)
	}
	v := &volume{
		id: w.id(), cluster: c, name: name, capacity: q.str("Capacity"), modes: q.str("AccessModes"), policy: q.str("ReclaimPolicy"),
		dir: q.or("MountDir", "/"), class: q.str("StorageClass"), created: w.now,
	}
	w.volumes = append(w.volumes, v)
	w.made(q, "volume", c.id, name)
	return answer{"Result": answer{"PersistentVolumeId": v.id}}, nil
}

func (v *volume) row() answer {
	status, by := "Available", ""
	switch {
	case v.claim != nil:
		status, by = "Bound", v.claim.name
	case v.released:
		status = "Released"
	}
	return answer{
		"Name": v.name, "Capacity": v.capacity, "AccessModes": v.modes, "ReclaimPolicy": v.policy, "Status": status, "PvcName": by,
		"MountDir": v.dir, "StorageClass": v.class, "Reason": "", "CreateTime": v.created.Format(timeSpaced),
	}
}

func listPersistentVolume(w *world, q *call) (answer, *refusal) {
	c, err := w.cluster(q, q.str("ClusterInstanceId"))
	if err != nil {
		return nil, err
	}
	return q.page("PageNumber", rowsOf(w.volumes, func(v *volume) bool { return v.cluster == c }, (*volume).row)), nil
}

func deletePersistentVolume(w *world, q *call) (answer, *refusal) {
	c, err := w.cluster(q, q.str("ClusterInstanceId"))
	if err != nil {
		return nil, err
	}
	name := q.str("PersistentVolumeName")
	v, ok := find(w.volumes, func(v *volume) bool { return v.cluster == c && v.name == name })
	if !ok {
		return nil, notFound("volume", name)
	}
	if v.claim != nil {
		return nil, conflict("the volume is Bound")
	}
	w.volumes = slices.DeleteFunc(w.volumes, func(x *volume) bool { return x == v })
	return done()
}

func createPersistentVolumeClaim(w *world, q *call) (answer, *refusal) {
	e, err := w.environment(q, q.num("EnvId"))
	if err != nil {
		return nil, err
	}
	if err := checkStorage(q); err != nil {
		return nil, err
	}
	name := q.str("Name")
	if slices.ContainsFunc(w.claims, func(c *claim) bool { return c.env == e && c.name == name }) {
		return nil, conflict("the environment has a claim %q", name)
	}
	c := &claim{
		id: w.id(), env: e, name: name, capacity: q.str("Capacity"), modes: q.str("AccessModes"), class: q.str("StorageClass"),
		created: w.now, due: w.now.Add(w.cloud.step()),
	}
	w.claims = append(w.claims, c)
	w.made(q, "volume_claim", itoa(e.id), name)
	return answer{"Result": answer{"PersistentVolumeClaimId": c.id}}, nil
}

// settleClaims binds the claims that are due.
func (w *world) settleClaims() {
	for _, c := range w.claims {
		if c.volume != "" || c.due.After(w.now) {
			continue
		}
		c.volume = "d-" + itoa(c.id)
		a := w.allocOf(c.env)
		v, ok := find(w.volumes, func(v *volume) bool {
			return v.claim == nil && !v.released && a != nil && a.cluster == v.cluster && v.class == c.class &&
				v.modes == c.modes && size(v.capacity).Cmp(size(c.capacity)) >= 0
		})
		if ok {
			v.claim, c.volume = c, v.name
		}
	}
}

func (c *claim) row() answer {
	status := "Bound"
	if c.volume == "" {
		status = "Pending"
	}
	return answer{
		"Name": c.name, "Capacity": c.capacity, "AccessModes": c.modes, "Status": status, "StorageClass": c.class,
		"VolumeName": c.volume, "CreateTime": c.created.Format(timeSpaced),
	}
}

func listPersistentVolumeClaim(w *world, q *call) (answer, *refusal) {
	e, err := w.environment(q, q.num("EnvId"))
	if err != nil {
		return nil, err
	}
	return q.page("PageNumber", rowsOf(w.claims, func(c *claim) bool { return c.env == e }, (*claim).row)), nil
}

func deletePersistentVolumeClaim(w *world, q *call) (answer, *refusal) {
	e, err := w.environment(q, q.num("EnvId"))
	if err != nil {
		return nil, err
	}
	name := q.str("PersistentVolumeClaimName")
	c, ok := find(w.claims, func(c *claim) bool { return c.env == e && c.name == name })
	if !ok {
		return nil, notFound("claim", name)
	}
	w.dropClaim(c)
	return done()
}

// dropClaim takes a claim away; its volume goes or stays by its policy.
func (w *world) dropClaim(c *claim) {
	w.claims = slices.DeleteFunc(w.claims, func(x *claim) bool { return x == c })
	w.volumes = slices.DeleteFunc(w.volumes, func(v *volume) bool { return v.claim == c && v.policy == "Delete" })
	for _, v := range w.volumes {
		if v.claim == c {
			v.claim, v.released = nil, true
		}
	}
}
