package sim

import (
	"net"
	"slices"
	"strconv"
)

// httpRule leads a domain to a port of a component.
type httpRule struct {
	Number      int64  `json:"number"`
	ID          string `json:"id"`
	Service     string `json:"service"`
	Port        int    `json:"port"`
	Domain      string `json:"domain"`
	Path        string `json:"path"`
	Cookie      string `json:"cookie"`
	Header      string `json:"header"`
	Certificate int    `json:"certificate"`
	Weight      int    `json:"weight"`
	AutoSSL     bool   `json:"auto_ssl"`
	// Extensions are passed through as they came.
	Extensions []extension `json:"extensions"`
}

// extension is one key and value of a rule.
type extension struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// tcpRule leads an address to a port of a component.
type tcpRule struct {
	Number   int64  `json:"number"`
	ID       string `json:"id"`
	Service  string `json:"service"`
	Port     int    `json:"port"`
	EndPoint string `json:"end_point"`
}

func (r *httpRule) scheme() string {
	if r.Certificate > 0 || r.AutoSSL {
		return "https"
	}
	return "http"
}

func (r *httpRule) row(a *app) map[string]any {
	name, alias, outer := "", "", false
	if p := a.component(r.Service); p != nil {
		name, alias = p.Name, p.Alias
		if port := p.port(r.Port); port != nil {
			outer = port.Outer
		}
	}
	extensions := r.Extensions
	if extensions == nil {
		extensions = []extension{}
	}
	return map[string]any{
		"ID": r.Number, "http_rule_id": r.ID, "region_id": hexID("region", a.Region), "tenant_id": a.Team, "service_id": r.Service,
		"service_name": name, "domain_name": r.Domain, "container_port": r.Port, "protocol": r.scheme(), "certificate_id": r.Certificate,
		"domain_type": "www", "service_alias": alias, "is_senior": r.Cookie != "" || r.Header != "", "domain_path": r.Path,
		"domain_cookie": r.Cookie, "domain_heander": r.Header, "type": 1, "the_weight": r.Weight, "rule_extensions": extensions,
		"is_outer_service": outer, "auto_ssl": r.AutoSSL, "auto_ssl_config": nil, "path_rewrite": false, "rewrites": nil,
	}
}

func listHTTPRules(_ *Cloud, q *call) (any, *apiError) { return q.app.httpRows(), nil }

func (a *app) httpRows() []any {
	rows := []any{}
	for _, r := range a.HTTPRules {
		rows = append(rows, r.row(a))
	}
	return rows
}

// httpFields reads what a body says over what the rule is.
func (r *httpRule) httpFields(f *fields) {
	f.into("certificate_id", &r.Certificate)
	f.into("domain_path", &r.Path)
	f.into("domain_cookie", &r.Cookie)
	f.into("domain_header", &r.Header)
	f.into("rule_extensions", &r.Extensions)
	f.into("auto_ssl", &r.AutoSSL)
	r.Weight = f.number("the_weight", 1, 100, r.Weight)
	if len(r.Path) > 1024 || len(r.Cookie) > 1024 || len(r.Header) > 1024 || len(r.Extensions) > 100 || r.Certificate < 0 {
		f.fail("domain_path", "请填写合法的值。")
	}
}

func createHTTPRule(c *Cloud, q *call) (any, *apiError) {
	f := q.form()
	r := &httpRule{
		Service: f.need("service_id", 32), Port: f.number("container_port", 1, 65535, 0), Domain: f.need("domain_name", 128),
		Path: "/", Weight: 100,
	}
	r.httpFields(f)
	if r.Port == 0 {
		f.fail("container_port", msgRequired)
	}
	if f.err != nil {
		return nil, f.err
	}
	if err := c.openPort(q.app, r.Service, r.Port, f.flag("whether_open")); err != nil {
		return nil, err
	}
	if c.ruleTaken(r, q.app.Region) {
		return nil, bare("策略已存在")
	}
	r.Number = c.nextSeq()
	r.ID = hexID("rule", r.Number)
	q.app.HTTPRules = append(q.app.HTTPRules, r)
	c.count("http_rule.domain", r.Domain, 1)
	return r.row(q.app), nil
}

// openPort makes sure that a rule has an open port to lead to.
func (c *Cloud) openPort(a *app, service string, number int, open bool) *apiError {
	p := a.component(service)
	if p == nil {
		return notFound("组件不存在")
	}
	at := p.port(number)
	if at == nil {
		return notFound("端口不存在")
	}
	if !at.Outer && !open {
		return bare("没有开启对外端口")
	}
	at.Outer = true
	return nil
}

// ruleTaken tells whether a rule for the same requests exists in the region.
func (c *Cloud) ruleTaken(want *httpRule, region string) bool {
	for _, a := range c.state.Apps {
		for _, r := range a.HTTPRules {
			if a.Region == region && r != want && r.Domain == want.Domain && r.Path == want.Path && r.Cookie == want.Cookie &&
				r.Header == want.Header && r.scheme() == want.scheme() {
				return true
			}
		}
	}
	return false
}

func (q *call) httpRule() (*httpRule, *apiError) {
	for _, r := range q.app.HTTPRules {
		if r.ID == q.vars["rule"] {
			return r, nil
		}
	}
	return nil, notFound("策略不存在")
}

func getHTTPRule(_ *Cloud, q *call) (any, *apiError) {
	r, err := q.httpRule()
	if err != nil {
		return nil, err
	}
	return r.row(q.app), nil
}

func updateHTTPRule(c *Cloud, q *call) (any, *apiError) {
	r, err := q.httpRule()
	if err != nil {
		return nil, err
	}
	f := q.form()
	fresh := *r
	if f.has("domain_name") {
		fresh.Domain = f.need("domain_name", 128)
	}
	fresh.httpFields(f)
	if f.err != nil {
		return nil, f.err
	}
	old := *r
	*r = fresh
	if c.ruleTaken(r, q.app.Region) {
		*r = old
		return nil, bare("策略已存在")
	}
	return r.row(q.app), nil
}

func deleteHTTPRule(_ *Cloud, q *call) (any, *apiError) {
	r, err := q.httpRule()
	if err != nil {
		return nil, err
	}
	q.app.HTTPRules = slices.DeleteFunc(q.app.HTTPRules, func(o *httpRule) bool { return o == r })
	return nil, nil
}

func (r *tcpRule) row(a *app) map[string]any {
	row := map[string]any{
		"ID": r.Number, "tcp_rule_id": r.ID, "region_id": hexID("region", a.Region), "tenant_id": a.Team, "service_id": r.Service,
		"container_port": r.Port, "end_point": r.EndPoint, "protocol": "tcp", "type": 1, "rule_extensions": []any{}, "is_outer_service": true,
	}
	if p := a.component(r.Service); p != nil {
		row["service_name"], row["service_alias"] = p.Name, p.Alias
	}
	return row
}

func listRules(_ *Cloud, q *call) (any, *apiError) { return q.app.rules(), nil }

func (a *app) rules() map[string]any {
	rows := []any{}
	for _, r := range a.TCPRules {
		rows = append(rows, r.row(a))
	}
	return map[string]any{"http": a.httpRows(), "tcp": rows}
}

// createTCPRule takes TCP rules alone; HTTP rules have a call of their own.
func createTCPRule(c *Cloud, q *call) (any, *apiError) {
	f := q.form()
	if f.need("protocol", 8) != "tcp" {
		f.fail("protocol", "请填写合法的值。")
	}
	inner := &fields{}
	if !f.into("tcp", &inner.values) {
		f.fail("tcp", msgRequired)
	}
	r := &tcpRule{Service: inner.need("service_id", 32), Port: inner.number("container_port", 1, 65535, 0), EndPoint: inner.need("end_point", 256)}
	if _, n, err := net.SplitHostPort(r.EndPoint); err != nil || !portNumber(n) {
		inner.fail("end_point", "请填写合法的值。")
	}
	for _, e := range []*apiError{f.err, inner.err} {
		if e != nil {
			return nil, e
		}
	}
	if c.endPointTaken(r.EndPoint, q.app.Region) {
		return nil, bare("策略已存在")
	}
	if err := c.openPort(q.app, r.Service, r.Port, true); err != nil {
		return nil, err
	}
	r.Number = c.nextSeq()
	r.ID = hexID("rule", r.Number)
	q.app.TCPRules = append(q.app.TCPRules, r)
	c.count("tcp_rule.end_point", r.EndPoint, 1)
	return q.app.rules(), nil
}

func portNumber(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 1 && n <= 65535
}

func (c *Cloud) endPointTaken(endPoint, region string) bool {
	for _, a := range c.state.Apps {
		for _, r := range a.TCPRules {
			if a.Region == region && r.EndPoint == endPoint {
				return true
			}
		}
	}
	return false
}

func deleteTCPRule(_ *Cloud, q *call) (any, *apiError) {
	before := len(q.app.TCPRules)
	q.app.TCPRules = slices.DeleteFunc(q.app.TCPRules, func(r *tcpRule) bool { return r.ID == q.vars["rule"] })
	if len(q.app.TCPRules) == before {
		return nil, notFound("策略不存在")
	}
	return nil, nil
}
