package sim

import (
	"encoding/base64"
	"slices"
)

// deployConfig says how an application is run.
type deployConfig struct {
	id                                                        int64
	app                                                       *app
	name, env, codePath, deployment, stateful, configMap, job string
	configMaps, secrets                                       []string
}

// config returns the deploy configuration of an application.
func (w *world) config(id int64, a *app) (*deployConfig, *refusal) {
	d, ok := find(w.configs, func(d *deployConfig) bool { return d.id == id && (a == nil || d.app == a) })
	if !ok {
		return nil, notFound("deploy configuration", itoa(id))
	}
	return d, nil
}

// checkYAML holds the texts of a configuration against the rules: base64,
// one kind of workload, and the one of the application.
func checkYAML(q *call, a *app) *refusal {
	for _, name := range []string{"Deployment", "StatefulSet", "ConfigMap", "CronJob"} {
		if _, err := base64.StdEncoding.DecodeString(q.str(name)); err != nil {
			return invalid(name)
		}
	}
	for _, name := range []string{"ConfigMapList", "SecretList"} {
		for _, v := range q.list(name) {
			if _, err := base64.StdEncoding.DecodeString(v); err != nil {
				return invalid(name)
			}
		}
	}
	switch {
	case q.str("Deployment") != "" && q.str("StatefulSet") != "":
		return conflict("Deployment and StatefulSet exclude each other")
	case q.str("Deployment") != "" && a.state == "2":
		return conflict("a stateful application takes a StatefulSet")
	case q.str("StatefulSet") != "" && a.state == "1":
		return conflict("a stateless application takes a Deployment")
	}
	return nil
}

func createDeployConfig(w *world, q *call) (answer, *refusal) {
	a, err := w.app(q)
	if err != nil {
		return nil, err
	}
	if err := checkYAML(q, a); err != nil {
		return nil, err
	}
	d := &deployConfig{
		id: w.id(), app: a, name: q.str("Name"), env: q.str("EnvType"), codePath: q.str("CodePath"),
		deployment: q.str("Deployment"), stateful: q.str("StatefulSet"), configMap: q.str("ConfigMap"), job: q.str("CronJob"),
		configMaps: q.list("ConfigMapList"), secrets: q.list("SecretList"),
	}
	w.configs = append(w.configs, d)
	w.made(q, "deploy_config", itoa(a.id), d.name)
	return answer{"Result": answer{"SchemaId": d.id, "Name": d.name, "AppId": a.id}}, nil
}

func (d *deployConfig) row() answer {
	return answer{
		"Id": d.id, "Name": d.name, "AppId": d.app.id, "EnvType": d.env,
		"ContainerCodePath": answer{"CodePath": d.codePath},
		"ContainerYamlConf": answer{
			"Deployment": d.deployment, "ConfigMap": d.configMap, "StatefulSet": d.stateful, "CronJob": d.job,
			"ConfigMapList": listed(d.configMaps), "SecretList": listed(d.secrets),
		},
	}
}

// listed writes no values as an empty list.
func listed(v []string) []string {
	if v == nil {
		return []string{}
	}
	return v
}

func listDeployConfig(w *world, q *call) (answer, *refusal) {
	a, err := w.app(q)
	if err != nil {
		return nil, err
	}
	rows := rowsOf(w.configs, func(d *deployConfig) bool {
		return d.app == a && q.keepsNum("Id", d.id) && q.keeps("Name", d.name) && q.keeps("EnvType", d.env)
	}, (*deployConfig).row)
	return answer{"Data": rows, "PageNumber": 1, "PageSize": len(rows), "TotalCount": len(rows)}, nil
}

func deleteDeployConfig(w *world, q *call) (answer, *refusal) {
	d, err := w.config(q.num("SchemaId"), nil)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(w.envs, func(e *environment) bool { return e.config == d }) {
		return nil, conflict("an environment uses the deploy configuration")
	}
	w.configs = slices.DeleteFunc(w.configs, func(x *deployConfig) bool { return x == d })
	return done()
}

func updateDeployConfig(w *world, q *call) (answer, *refusal) {
	a, err := w.app(q)
	if err != nil {
		return nil, err
	}
	d, err := w.config(q.num("Id"), a)
	if err != nil {
		return nil, err
	}
	if err := checkYAML(q, a); err != nil {
		return nil, err
	}
	if q.has("CodePath") {
		d.codePath = q.str("CodePath")
	}
	d.deployment, d.stateful = q.or("Deployment", d.deployment), q.or("StatefulSet", d.stateful)
	d.configMap, d.job = q.or("ConfigMap", d.configMap), q.or("CronJob", d.job)
	if v := q.list("ConfigMapList"); v != nil {
		d.configMaps = v
	}
	if v := q.list("SecretList"); v != nil {
		d.secrets = v
	}
	return done()
}
