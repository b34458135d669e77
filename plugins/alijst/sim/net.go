package sim

import (
	"slices"
	"strconv"
)

// point is an access point: a listener of an SLB instance.
type point struct {
	id                  int64
	env                 *environment
	slb                 slb
	name, proto, cert   string
	listen, real        int64
	established, cookie int64
	sticky              int64
}

func createSlbAP(w *world, q *call) (answer, *refusal) {
	e, err := w.environment(q, q.num("EnvId"))
	if err != nil {
		return nil, err
	}
	s, ok := find(w.slbs, func(s slb) bool { return s.id == q.str("SlbId") })
	if !ok {
		return nil, notFound("SLB instance", q.str("SlbId"))
	}
	p := &point{env: e, slb: s, name: q.str("Name"), proto: q.str("Protocol"), listen: q.num("ListenerPort"), real: q.num("RealServerPort")}
	if slices.ContainsFunc(w.points, func(x *point) bool {
		return x.slb == s && x.listen == p.listen && (x.proto == "UDP") == (p.proto == "UDP")
	}) {
		return nil, conflict("the SLB instance listens on port %d", p.listen)
	}
	if err := p.set(q); err != nil {
		return nil, err
	}
	p.id = w.id()
	w.points = append(w.points, p)
	w.made(q, "access_point", itoa(e.id), p.name)
	return answer{"Result": answer{"SlbAPId": p.id}}, nil
}

// set takes what may change; some of it belongs to some protocols only.
func (p *point) set(q *call) *refusal {
	web := p.proto == "HTTP" || p.proto == "HTTPS"
	switch {
	case q.str("EstablishedTimeout") != "" && p.proto != "TCP":
		return invalid("EstablishedTimeout")
	case q.str("StickySession") != "" && !web:
		return invalid("StickySession")
	case q.str("CookieTimeout") != "" && !web:
		return invalid("CookieTimeout")
	}
	for name, field := range map[string]*int64{
		"RealServerPort": &p.real, "EstablishedTimeout": &p.established, "StickySession": &p.sticky, "CookieTimeout": &p.cookie,
	} {
		if q.str(name) != "" {
			*field = q.num(name)
		}
	}
	p.name, p.cert = q.or("Name", p.name), q.or("SslCertId", p.cert)
	return nil
}

func (w *world) point(q *call) (*point, *refusal) {
	id := q.num("SlbAPId")
	q.subject = "access_point " + itoa(id)
	p, ok := find(w.points, func(p *point) bool { return p.id == id })
	if !ok {
		return nil, notFound("access point", itoa(id))
	}
	return p, nil
}

func modifySlbAP(w *world, q *call) (answer, *refusal) {
	p, err := w.point(q)
	if err != nil {
		return nil, err
	}
	return answer{}, p.set(q)
}

func deleteSlbAP(w *world, q *call) (answer, *refusal) {
	p, err := w.point(q)
	if err != nil {
		return nil, err
	}
	w.points = slices.DeleteFunc(w.points, func(x *point) bool { return x == p })
	return answer{}, nil
}

func (p *point) row() answer {
	return answer{
		"AppId": p.env.app.id, "CookieTimeout": p.cookie, "EnvId": p.env.id, "EstablishedTimeout": p.established,
		"ListenerPort": p.listen, "Name": p.name, "NetworkMode": p.slb.network, "Protocol": p.proto, "RealServerPort": p.real,
		"SlbAPId": p.id, "SlbId": p.slb.id, "SlbIp": p.slb.ip, "SslCertId": p.cert, "StickySession": p.sticky,
	}
}

func describeSlbAPDetail(w *world, q *call) (answer, *refusal) {
	p, err := w.point(q)
	if err != nil {
		return nil, err
	}
	return answer{"Result": p.row()}, nil
}

func listSlbAPs(w *world, q *call) (answer, *refusal) {
	a, err := w.app(q)
	if err != nil {
		return nil, err
	}
	protos := q.list("ProtocolList")
	rows := rowsOf(w.points, func(p *point) bool {
		return p.env.app == a && q.keepsNum("EnvId", p.env.id) && q.keeps("Name", p.name) && q.keeps("NetworkMode", p.slb.network) &&
			q.keeps("SlbId", p.slb.id) && (len(protos) == 0 || slices.Contains(protos, p.proto))
	}, (*point).row)
	return q.page("PageNumber", rows), nil
}

// service is a service of Kubernetes in an environment.
type service struct {
	id             int64
	env            *environment
	name, typ, k8s string
	headless       bool
	ports          []answer
}

func createService(w *world, q *call) (answer, *refusal) {
	e, err := w.environment(q, q.num("EnvId"))
	if err != nil {
		return nil, err
	}
	s := &service{env: e, name: q.str("Name"), typ: q.str("ServiceType"), k8s: q.str("K8sServiceId"), headless: q.yes("Headless")}
	if slices.ContainsFunc(w.services, func(x *service) bool { return x.env == e && x.k8s == s.k8s }) {
		return nil, conflict("the environment has a service %q", s.k8s)
	}
	if s.headless && s.typ != "ClusterIP" {
		return nil, invalid("Headless")
	}
	if s.ports, err = ports(q, s.typ); err != nil {
		return nil, err
	}
	s.id = w.id()
	w.services = append(w.services, s)
	w.made(q, "service", itoa(e.id), s.name)
	return answer{"Result": answer{"ServiceId": s.id}}, nil
}

// ports reads PortMappings.N; a node port belongs to NodePort services only,
// which get one where none is given.
func ports(q *call, typ string) ([]answer, *refusal) {
	out := []answer{}
	for i := range (param{name: "PortMappings.N.Name"}).all(q.values) {
		place := "PortMappings." + strconv.Itoa(i+1) + "."
		node := q.num(place + "NodePort")
		if node != 0 && typ != "NodePort" {
			return nil, invalid("PortMappings.N.NodePort")
		}
		if node == 0 && typ == "NodePort" {
			node = int64(30000 + i)
		}
		out = append(out, answer{
			"Name": q.str(place + "Name"), "NodePort": node, "TargetPort": q.str(place + "TargetPort"),
			"Port": q.num(place + "Port"), "Protocol": q.or(place+"Protocol", "TCP"),
		})
	}
	return out, nil
}

func (w *world) service(q *call) (*service, *refusal) {
	id := q.num("ServiceId")
	q.subject = "service " + itoa(id)
	s, ok := find(w.services, func(s *service) bool { return s.id == id })
	if !ok {
		return nil, notFound("service", itoa(id))
	}
	return s, nil
}

func modifyService(w *world, q *call) (answer, *refusal) {
	s, err := w.service(q)
	if err != nil {
		return nil, err
	}
	list, err := ports(q, s.typ)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		s.ports = list
	}
	s.name = q.or("Name", s.name)
	return answer{}, nil
}

func deleteService(w *world, q *call) (answer, *refusal) {
	s, err := w.service(q)
	if err != nil {
		return nil, err
	}
	w.services = slices.DeleteFunc(w.services, func(x *service) bool { return x == s })
	return answer{}, nil
}

func (s *service) row() answer {
	return answer{
		"Headless": s.headless, "ServiceType": s.typ, "ServiceId": s.id, "Name": s.name, "EnvId": s.env.id,
		"AppId": s.env.app.id, "K8sServiceId": s.k8s, "PortMappings": s.ports,
	}
}

func describeServiceDetail(w *world, q *call) (answer, *refusal) {
	s, err := w.service(q)
	if err != nil {
		return nil, err
	}
	return answer{"Result": s.row()}, nil
}

func listServices(w *world, q *call) (answer, *refusal) {
	a, err := w.app(q)
	if err != nil {
		return nil, err
	}
	rows := rowsOf(w.services, func(s *service) bool {
		return s.env.app == a && q.keepsNum("EnvId", s.env.id) && q.keeps("Name", s.name) && q.keeps("ServiceType", s.typ)
	}, func(s *service) answer {
		row := s.row()
		row["ClusterIP"] = "172.21.0." + itoa(s.id%250+1)
		return row
	})
	out := q.page("PageNumber", rows)
	out["ClusterIP"] = ""
	return out, nil
}
