package sim

import (
	"slices"
	"strconv"
)

// app is an application.
type app struct {
	id                                       int64
	title, description, language, system     string
	biz, bizTitle, service, state, namespace string
	roles                                    []answer
}

func createApp(w *world, q *call) (answer, *refusal) {
	title := q.str("Title")
	if slices.ContainsFunc(w.apps, func(a *app) bool { return a.title == title }) {
		return nil, conflict("an application with the title %q exists", title)
	}
	roles, err := w.roles(q)
	if err != nil {
		return nil, err
	}
	a := &app{
		id: w.id(), title: title, description: q.str("Description"), language: q.str("Language"),
		system: q.str("OperatingSystem"), biz: q.str("BizCode"), bizTitle: q.str("BizTitle"),
		service: q.str("ServiceType"), state: q.or("StateType", "1"), namespace: q.str("Namespace"), roles: roles,
	}
	w.apps = append(w.apps, a)
	w.made(q, "app", "", title)
	return answer{"Result": answer{"AppId": a.id}}, nil
}

// roles reads UserRoles.N; every user must exist.
func (w *world) roles(q *call) ([]answer, *refusal) {
	out := []answer{}
	ids := param{name: "UserRoles.N.UserId"}.all(q.values)
	for i, id := range ids {
		u, ok := find(w.users, func(u answer) bool { return u["UserId"] == id })
		if !ok {
			return nil, notFound("user", id)
		}
		place := "UserRoles." + strconv.Itoa(i+1) + "."
		out = append(out, answer{
			"UserId": id, "RealName": u["RealName"],
			"UserType": q.str(place + "UserType"), "RoleName": q.str(place + "RoleName"),
		})
	}
	return out, nil
}

// app returns the application that the call names.
func (w *world) app(q *call) (*app, *refusal) {
	id := q.num("AppId")
	q.subject = "app " + itoa(id)
	a, ok := find(w.apps, func(a *app) bool { return a.id == id })
	if !ok {
		return nil, notFound("application", itoa(id))
	}
	return a, nil
}

func updateApp(w *world, q *call) (answer, *refusal) {
	a, err := w.app(q)
	if err != nil {
		return nil, err
	}
	roles, err := w.roles(q)
	if err != nil {
		return nil, err
	}
	a.roles = roles
	a.bizTitle, a.description = q.or("BizTitle", a.bizTitle), q.or("Description", a.description)
	a.language, a.system = q.or("Language", a.language), q.or("OperatingSystem", a.system)
	a.service = q.or("ServiceType", a.service)
	return done()
}

func (a *app) row() answer {
	return answer{
		"AppId": a.id, "Title": a.title, "Description": a.description, "Language": a.language,
		"OperatingSystem": a.system, "BizName": a.biz, "ServiceType": a.service, "DeployType": "ContainerDeployment",
		"BizTitle": a.bizTitle, "AppStateType": a.state,
	}
}

func listApp(w *world, q *call) (answer, *refusal) {
	size, first := q.window("PageNumber", len(w.apps))
	rows := rowsOf(w.apps[first:first+size], func(*app) bool { return true }, func(a *app) answer {
		row := a.row()
		row["MiddleWareList"] = []answer{}
		return row
	})
	return answer{"TotalCount": len(w.apps), "Data": rows}, nil
}

func describeAppDetail(w *world, q *call) (answer, *refusal) {
	a, err := w.app(q)
	if err != nil {
		return nil, err
	}
	row := a.row()
	row["UserRoles"] = a.roles
	return answer{"Result": row}, nil
}

func deleteAppDetail(w *world, q *call) (answer, *refusal) {
	a, err := w.app(q)
	if err != nil {
		return nil, err
	}
	under := func(e *environment) bool { return e.app == a }
	if !q.yes("Force") && (slices.ContainsFunc(w.envs, under) || slices.ContainsFunc(w.configs, func(d *deployConfig) bool { return d.app == a })) {
		return nil, conflict("the application has environments or deploy configurations")
	}
	for _, e := range slices.Clone(w.envs) {
		if under(e) {
			w.dropEnvironment(e)
		}
	}
	w.configs = slices.DeleteFunc(w.configs, func(d *deployConfig) bool { return d.app == a })
	w.apps = slices.DeleteFunc(w.apps, func(x *app) bool { return x == a })
	return done()
}

func listUsers(w *world, q *call) (answer, *refusal) { return q.page("PageNumber", w.users), nil }
