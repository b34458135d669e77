package sim

import "slices"

// environment is where an application runs.
type environment struct {
	id        int64
	app       *app
	config    *deployConfig
	name      string
	typ       int64 // 0 test, 1 production
	region    string
	replicas  int64
	instances []*instance
}

func (e *environment) typeName() string {
	if e.typ == 1 {
		return "online"
	}
	return "test"
}

func createEnvironment(w *world, q *call) (answer, *refusal) {
	a, err := w.app(q)
	if err != nil {
		return nil, err
	}
	d, err := w.config(q.num("AppSchemaId"), a)
	if err != nil {
		return nil, err
	}
	if !knownRegion(q.str("Region")) {
		return nil, invalid("Region")
	}
	e := &environment{
		id: w.id(), app: a, config: d, name: q.str("EnvName"), typ: q.num("EnvType"),
		region: q.str("Region"), replicas: q.num("Replicas"),
	}
	if id := q.str("ClusterId"); id != "" {
		c, err := w.cluster(q, id)
		if err != nil {
			return nil, err
		}
		w.allocs = append(w.allocs, &alloc{id: w.id(), env: e, cluster: c})
	}
	w.envs = append(w.envs, e)
	w.made(q, "environment", itoa(a.id), e.name)
	return answer{"Result": answer{"AppEnvId": e.id}}, nil
}

// environment returns the environment with this id; with an application in
// the call it must be of that.
func (w *world) environment(q *call, id int64) (*environment, *refusal) {
	q.subject = "environment " + itoa(id)
	e, ok := find(w.envs, func(e *environment) bool { return e.id == id && (!q.has("AppId") || e.app.id == q.num("AppId")) })
	if !ok {
		return nil, notFound("environment", itoa(id))
	}
	return e, nil
}

func updateEnvironment(w *world, q *call) (answer, *refusal) {
	e, err := w.environment(q, q.num("AppEnvId"))
	if err != nil {
		return nil, err
	}
	if id := q.num("AppSchemaId"); id != 0 {
		d, err := w.config(id, e.app)
		if err != nil {
			return nil, err
		}
		e.config = d
	}
	if q.str("Replicas") != "" {
		e.replicas = q.num("Replicas")
	}
	return done()
}

func (e *environment) row() answer {
	name := "测试"
	if e.typ == 1 {
		name = "生产"
	}
	return answer{
		"AppId": e.app.id, "EnvId": e.id, "EnvName": e.name, "EnvType": e.typ, "EnvTypeName": name,
		"AppSchemaId": e.config.id, "Region": e.region,
	}
}

// listAppEnvironment filters by the numbers of the manual's text for it: 1 test, 2 production.
func listAppEnvironment(w *world, q *call) (answer, *refusal) {
	a, err := w.app(q)
	if err != nil {
		return nil, err
	}
	rows := rowsOf(w.envs, func(e *environment) bool {
		return e.app == a && q.keeps("EnvName", e.name) && (q.num("EnvType") == 0 || q.num("EnvType") == e.typ+1)
	}, (*environment).row)
	return q.page("PageNumber", rows), nil
}

func describeAppEnvironmentDetail(w *world, q *call) (answer, *refusal) {
	e, err := w.environment(q, q.num("EnvId"))
	if err != nil {
		return nil, err
	}
	row := e.row()
	row["Replicas"] = e.replicas
	return answer{"Result": row}, nil
}

func deleteAppEnvironment(w *world, q *call) (answer, *refusal) {
	e, err := w.environment(q, q.num("EnvId"))
	if err != nil {
		return nil, err
	}
	if !q.yes("Force") && (len(e.instances) > 0 || w.openOrder(e) != nil || w.holds(e)) {
		return nil, conflict("the environment has instances, an open order, access points, services or claims")
	}
	w.dropEnvironment(e)
	return done()
}

// holds tells whether anything belongs to the environment.
func (w *world) holds(e *environment) bool {
	return slices.ContainsFunc(w.points, func(p *point) bool { return p.env == e }) ||
		slices.ContainsFunc(w.services, func(s *service) bool { return s.env == e }) ||
		slices.ContainsFunc(w.claims, func(c *claim) bool { return c.env == e })
}

// dropEnvironment takes the environment away with all it has.
func (w *world) dropEnvironment(e *environment) {
	for _, c := range slices.Clone(w.claims) {
		if c.env == e {
			w.dropClaim(c)
		}
	}
	w.points = slices.DeleteFunc(w.points, func(p *point) bool { return p.env == e })
	w.services = slices.DeleteFunc(w.services, func(s *service) bool { return s.env == e })
	w.orders = slices.DeleteFunc(w.orders, func(o *order) bool { return o.env == e })
	w.allocs = slices.DeleteFunc(w.allocs, func(a *alloc) bool { return a.env == e })
	w.envs = slices.DeleteFunc(w.envs, func(x *environment) bool { return x == e })
}
