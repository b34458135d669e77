package main

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// Port is one port of a component.
type Port struct {
	Number   int    `json:"port" title:"Port"`
	Protocol string `json:"protocol" title:"Protocol"`
	Alias    string `json:"port_alias,omitempty" title:"Alias"`
	Inner    bool   `json:"inner" title:"Open to components"`
	Outer    bool   `json:"outer" title:"Open to the outside"`
	K8sName  string `json:"k8s_service_name,omitempty" title:"Service in the cluster"`
}

// Ports are those of a component.
type Ports struct {
	Ports []Port `json:"ports" title:"Ports"`
}

// portRow is a port in the console's words.
type portRow struct {
	Number   int    `json:"container_port"`
	Protocol string `json:"protocol"`
	Alias    string `json:"port_alias"`
	Inner    bool   `json:"is_inner_service"`
	Outer    bool   `json:"is_outer_service"`
	K8sName  string `json:"k8s_service_name"`
}

func (c *cloud) ports(ctx context.Context, n int64, part string) ([]Port, error) {
	out, err := read[envelope[portRow]](ctx, c, c.inApp(n, "services", part, "ports"), nil)
	ports := []Port{}
	for _, r := range out.Data.List {
		ports = append(ports, Port(r))
	}
	return ports, err
}

func (h apps) ports(ctx context.Context, req provider.TypedAction[PartInput]) (provider.ActionResult[Ports], error) {
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[Ports]{}, err
	}
	all, err := c.ports(ctx, n, req.Input.ServiceID)
	return provider.ActionResult[Ports]{Output: Ports{all}}, err
}

// PortInput says what a port of a component is to be. One that the component
// does not have yet is added.
type PortInput struct {
	PartInput

	Port     int    `json:"port" required:"true" min:"1" max:"65535" title:"Port"`
	Protocol string `json:"protocol,omitempty" enum:"http,tcp,udp,mysql,grpc" title:"Protocol" doc:"Left out: as it is; of a new port http"`
	Inner    *bool  `json:"inner,omitempty" title:"Open to components"`
	Outer    *bool  `json:"outer,omitempty" title:"Open to the outside"`
}

// setPort makes a port what it is to be, in one step for each difference. A
// repeat goes on with what is left.
func (h apps) setPort(ctx context.Context, req provider.TypedAction[PortInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	in := req.Input
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	at := []string{"services", in.ServiceID, "ports"}
	all, err := c.ports(ctx, n, in.ServiceID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	now, done := Port{}, false
	for _, p := range all {
		if p.Number == in.Port {
			now = p
		}
	}
	if now.Number == 0 {
		now = Port{Number: in.Port, Protocol: firstText(in.Protocol, "http"), Inner: in.Inner != nil && *in.Inner}
		if err := c.addPort(ctx, n, in.ServiceID, now); err != nil {
			return out, err
		}
		done = true
	}
	for _, step := range in.steps(now) {
		_, err := write[nothing](ctx, c, http.MethodPut, c.inApp(n, append(at, strconv.Itoa(in.Port))...), nil, step)
		if err != nil && done {
			return out, fault.Unknown(err, "the port was changed in part: repeat it").From(fault.SourceCloud)
		}
		if err != nil {
			return out, err
		}
		done = true
	}
	return out, nil
}

// addPort gives a component one more port. Its alias begins the names of
// variables, so it is the component's with the port, as the console's own are.
func (c *cloud) addPort(ctx context.Context, n int64, service string, p Port) error {
	part, err := c.part(ctx, n, service)
	if err != nil {
		return fault.NotDone(err)
	}
	_, err = write[nothing](ctx, c, http.MethodPost, c.inApp(n, "services", service, "ports"), nil, object{
		"port": p.Number, "protocol": p.Protocol, "port_alias": strings.ToUpper(part.Alias) + strconv.Itoa(p.Number), "is_inner_service": p.Inner,
	})
	return err
}

// steps are the console's actions that lead from a port to what it is to be.
func (in PortInput) steps(now Port) []object {
	var out []object
	add := func(differs bool, action string, more object) {
		if differs {
			more["action"] = action
			out = append(out, more)
		}
	}
	word := map[bool]string{true: "open_", false: "close_"}
	add(in.Protocol != "" && in.Protocol != now.Protocol, "change_protocol", object{"protocol": in.Protocol})
	if in.Inner != nil {
		add(*in.Inner != now.Inner, word[*in.Inner]+"inner", object{})
	}
	if in.Outer != nil {
		add(*in.Outer != now.Outer, word[*in.Outer]+"outer", object{})
	}
	return out
}

// HTTPRule leads requests for a domain to a port of a component.
type HTTPRule struct {
	ID            string `json:"rule_id" title:"Rule"`
	ServiceID     string `json:"service_id" title:"Component"`
	Port          int    `json:"port" title:"Port"`
	Domain        string `json:"domain_name" title:"Domain"`
	Path          string `json:"domain_path,omitempty" title:"Path"`
	Cookie        string `json:"domain_cookie,omitempty" title:"Only with this cookie"`
	Header        string `json:"domain_header,omitempty" title:"Only with this header"`
	Weight        int    `json:"weight,omitempty" title:"Weight"`
	CertificateID int    `json:"certificate_id,omitempty" title:"Certificate" doc:"Its number at the console"`
	Protocol      string `json:"protocol,omitempty" title:"Protocol"`
	AutoSSL       bool   `json:"auto_ssl,omitempty" title:"Certificates by themselves"`
	Open          bool   `json:"outer" title:"The port is open to the outside"`
}

// TCPRule leads an address to a port of a component.
type TCPRule struct {
	ID        string `json:"rule_id" title:"Rule"`
	ServiceID string `json:"service_id" title:"Component"`
	Port      int    `json:"port" title:"Port"`
	EndPoint  string `json:"end_point" title:"Address and port"`
}

// Rules are the gateway rules of an app.
type Rules struct {
	HTTP []HTTPRule `json:"http" title:"Of domains"`
	TCP  []TCPRule  `json:"tcp" title:"Of addresses"`
}

// httpRow is a rule of a domain in the console's words; the misspelled name is
// its own.
type httpRow struct {
	ID            string `json:"http_rule_id"`
	ServiceID     string `json:"service_id"`
	Port          int    `json:"container_port"`
	Domain        string `json:"domain_name"`
	Path          string `json:"domain_path"`
	Cookie        string `json:"domain_cookie"`
	Header        string `json:"domain_heander"`
	Weight        int    `json:"the_weight"`
	CertificateID int    `json:"certificate_id"`
	Protocol      string `json:"protocol"`
	AutoSSL       bool   `json:"auto_ssl"`
	Open          bool   `json:"is_outer_service"`
}

// tcpRow is a rule of an address in the console's words.
type tcpRow struct {
	ID        string `json:"tcp_rule_id"`
	ServiceID string `json:"service_id"`
	Port      int    `json:"container_port"`
	EndPoint  string `json:"end_point"`
}

// rules are those of an app. Neither kind of row holds a certificate.
func (c *cloud) rules(ctx context.Context, n int64) (Rules, error) {
	rows, err := read[struct {
		HTTP []httpRow `json:"http"`
		TCP  []tcpRow  `json:"tcp"`
	}](ctx, c, c.inApp(n, "domains"), nil)
	out := Rules{HTTP: []HTTPRule{}, TCP: []TCPRule{}}
	for _, r := range rows.HTTP {
		out.HTTP = append(out.HTTP, HTTPRule(r))
	}
	for _, r := range rows.TCP {
		out.TCP = append(out.TCP, TCPRule(r))
	}
	return out, err
}

func (h apps) rules(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[Rules], error) {
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[Rules]{}, err
	}
	out, err := c.rules(ctx, n)
	return provider.ActionResult[Rules]{Output: out}, err
}

// Extension is one more property of a rule, passed on as it is.
type Extension struct {
	Key   string `json:"key" required:"true" min:"1" max:"64" title:"Name"`
	Value string `json:"value" max:"1024" title:"Value"`
}

// Conditions are what a rule of a domain asks of requests, and how they are
// served.
type Conditions struct {
	Path          string      `json:"domain_path,omitempty" max:"1024" title:"Path" doc:"Empty is all"`
	Cookie        string      `json:"domain_cookie,omitempty" max:"1024" title:"Only with this cookie"`
	Header        string      `json:"domain_header,omitempty" max:"1024" title:"Only with this header"`
	Weight        int         `json:"weight,omitempty" min:"1" max:"100" title:"Weight" doc:"Left out: 100"`
	CertificateID int         `json:"certificate_id,omitempty" min:"1" title:"Certificate" doc:"Its number at the console; the rule is then one of https"`
	AutoSSL       bool        `json:"auto_ssl,omitempty" title:"Certificates by themselves"`
	AutoSSLConfig string      `json:"auto_ssl_config,omitempty" max:"255" title:"Issuer of those"`
	Extensions    []Extension `json:"rule_extensions,omitempty" max:"100" title:"Further properties"`
}

// body is the conditions in the console's words.
func (r Conditions) body() object {
	out := object{
		"domain_path": firstText(r.Path, "/"), "domain_cookie": r.Cookie, "domain_header": r.Header, "the_weight": weight(r.Weight),
		"certificate_id": r.CertificateID, "auto_ssl": r.AutoSSL, "rule_extensions": []Extension{},
	}
	if r.AutoSSLConfig != "" {
		out["auto_ssl_config"] = r.AutoSSLConfig
	}
	if len(r.Extensions) > 0 {
		out["rule_extensions"] = r.Extensions
	}
	return out
}

func weight(n int) int {
	if n == 0 {
		return 100
	}
	return n
}

// HTTPRuleInput is a rule of a domain that is to be.
type HTTPRuleInput struct {
	PartInput
	Conditions

	Port   int    `json:"port" required:"true" min:"1" max:"65535" title:"Port"`
	Domain string `json:"domain_name" required:"true" min:"1" max:"128" title:"Domain"`
}

// RuleID names a gateway rule.
type RuleID struct {
	ID string `json:"rule_id" title:"Rule"`
}

// like tells whether a rule serves the same requests as the one that is to be,
// by which the console tells rules apart.
func (in HTTPRuleInput) like(r HTTPRule) bool {
	return r.Domain == in.Domain && firstText(r.Path, "/") == firstText(in.Path, "/") && r.Cookie == in.Cookie && r.Header == in.Header &&
		r.ServiceID == in.ServiceID && r.Port == in.Port
}

// addHTTPRule leads a domain to a port, which it opens to the outside. A rule
// that is there is no mistake: a repeat after a lost answer looks so.
func (h apps) addHTTPRule(ctx context.Context, req provider.TypedAction[HTTPRuleInput]) (provider.ActionResult[RuleID], error) {
	var out provider.ActionResult[RuleID]
	in := req.Input
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	have, err := c.rules(ctx, n)
	if err != nil {
		return out, fault.NotDone(err)
	}
	for _, r := range have.HTTP {
		if in.like(r) {
			out.Output.ID = r.ID
			return out, nil
		}
	}
	body := in.body()
	body["service_id"], body["container_port"], body["domain_name"], body["whether_open"] = in.ServiceID, in.Port, in.Domain, true
	row, err := write[httpRow](ctx, c, http.MethodPost, c.inApp(n, "httpdomains"), nil, body)
	out.Output.ID = row.ID
	return out, err
}

// HTTPRuleChange is what a rule of a domain is to be.
type HTTPRuleChange struct {
	kinds.RuleRef
	Conditions

	Domain string `json:"domain_name" required:"true" min:"1" max:"128" title:"Domain"`
}

// setHTTPRule changes a rule of a domain. Where it leads stays.
func (h apps) setHTTPRule(ctx context.Context, req provider.TypedAction[HTTPRuleChange]) (provider.ActionResult[none], error) {
	in := req.Input
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	now, err := read[httpRow](ctx, c, c.inApp(n, "httpdomains", in.RuleID), nil)
	if err != nil {
		return provider.ActionResult[none]{}, fault.NotDone(err)
	}
	body := in.body()
	body["service_id"], body["container_port"], body["domain_name"] = now.ServiceID, now.Port, in.Domain
	_, err = write[nothing](ctx, c, http.MethodPut, c.inApp(n, "httpdomains", in.RuleID), nil, body)
	return provider.ActionResult[none]{}, err
}

// TCPRuleInput is a rule of an address that is to be.
type TCPRuleInput struct {
	PartInput

	Port     int    `json:"port" required:"true" min:"1" max:"65535" title:"Port"`
	EndPoint string `json:"end_point" required:"true" min:"3" max:"255" title:"Address and port" doc:"Of the cluster's gateway: 192.0.2.10:30080"`
}

// addTCPRule leads an address to a port. A rule that is there is no mistake.
func (h apps) addTCPRule(ctx context.Context, req provider.TypedAction[TCPRuleInput]) (provider.ActionResult[RuleID], error) {
	var out provider.ActionResult[RuleID]
	in := req.Input
	host, port, err := net.SplitHostPort(in.EndPoint)
	if err != nil || net.ParseIP(host) == nil {
		return out, fault.Invalid("input.end_point", "must be an address with a port, like 192.0.2.10:30080")
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 1 || number > 65535 {
		return out, fault.Invalid("input.end_point", "must end with a port of 1 to 65535")
	}
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	is := func(r TCPRule) bool {
		return r.EndPoint == in.EndPoint && r.ServiceID == in.ServiceID && r.Port == in.Port
	}
	have, err := c.rules(ctx, n)
	if err != nil {
		return out, fault.NotDone(err)
	}
	if out.Output.ID = idOf(have.TCP, is); out.Output.ID != "" {
		return out, nil
	}
	_, err = write[nothing](ctx, c, http.MethodPost, c.inApp(n, "domains"), nil, object{"protocol": "tcp", "tcp": object{
		"container_port": in.Port, "service_id": in.ServiceID, "end_point": in.EndPoint, "default_port": number, "default_ip": host,
		"rule_extensions": []Extension{},
	}})
	if err != nil {
		return out, err
	}
	if have, err = c.rules(ctx, n); err != nil {
		return provider.ActionResult[RuleID]{}, nil //nolint:nilerr // the rule was made; only its id is not known
	}
	out.Output.ID = idOf(have.TCP, is)
	return out, nil
}

func idOf(all []TCPRule, is func(TCPRule) bool) string {
	for _, r := range all {
		if is(r) {
			return r.ID
		}
	}
	return ""
}

// removeRule removes a rule of either kind; one that is not there is no mistake.
func (h apps) removeRule(ctx context.Context, req provider.TypedAction[kinds.RuleRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	id := req.Input.RuleID
	c, n, err := h.aim(req.Call, req.ID)
	if err != nil {
		return out, err
	}
	have, err := c.rules(ctx, n)
	if err != nil {
		return out, fault.NotDone(err)
	}
	where := ""
	for _, r := range have.HTTP {
		if r.ID == id {
			where = "httpdomains"
		}
	}
	if idOf(have.TCP, func(r TCPRule) bool { return r.ID == id }) != "" {
		where = "domains"
	}
	if where == "" {
		return out, nil
	}
	_, err = write[nothing](ctx, c, http.MethodDelete, c.inApp(n, where, id), nil, nil)
	return out, goneIsDone(err)
}
