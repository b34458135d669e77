package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// port is one port of a component.
type port struct {
	Number   int    `json:"number"`
	Protocol string `json:"protocol"`
	Alias    string `json:"alias"`
	Inner    bool   `json:"inner"`
	Outer    bool   `json:"outer"`
}

func portAlias(service string, n int) string { return fmt.Sprintf("%s%d", strings.ToUpper(service), n) }

func (p *port) row(part *component) map[string]any {
	return map[string]any{
		"container_port": p.Number, "mapping_port": p.Number, "lb_mapping_port": 0, "protocol": p.Protocol, "port_alias": p.Alias,
		"is_inner_service": p.Inner, "is_outer_service": p.Outer, "k8s_service_name": part.Alias + "-" + strconv.Itoa(p.Number),
	}
}

// port finds a port by its number.
func (p *component) port(n int) *port {
	for i := range p.Ports {
		if p.Ports[i].Number == n {
			return &p.Ports[i]
		}
	}
	return nil
}

func listPorts(_ *Cloud, q *call) (any, *apiError) {
	rows := []any{}
	for i := range q.part.Ports {
		rows = append(rows, q.part.Ports[i].row(q.part))
	}
	return envelope(nil, rows), nil
}

var protocols = []string{"http", "tcp", "udp", "mysql", "grpc"}

func addPort(_ *Cloud, q *call) (any, *apiError) {
	f := q.form()
	n, protocol, alias, inner := f.number("port", 1, 65535, 0), f.need("protocol", 16), f.text("port_alias", 64), f.flag("is_inner_service")
	if n == 0 {
		f.fail("port", msgRequired)
	}
	if f.err == nil && !slices.Contains(protocols, protocol) {
		f.fail("protocol", "\""+protocol+"\" 不是合法选项。")
	}
	if f.err != nil {
		return nil, f.err
	}
	if q.part.port(n) != nil {
		return nil, refuse(http.StatusBadRequest, http.StatusBadRequest, "port exists", "端口已存在")
	}
	if alias == "" {
		alias = portAlias(q.part.Alias, n)
	}
	q.part.Ports = append(q.part.Ports, port{Number: n, Protocol: protocol, Alias: alias, Inner: inner})
	return envelope(q.part.port(n).row(q.part), nil), nil
}

// portOf is the port that the path names.
func (q *call) portOf() (*port, *apiError) {
	n, _ := strconv.Atoi(q.vars["port"])
	if p := q.part.port(n); p != nil {
		return p, nil
	}
	return nil, notFound("端口不存在")
}

func updatePort(_ *Cloud, q *call) (any, *apiError) {
	p, err := q.portOf()
	if err != nil {
		return nil, err
	}
	f := q.form()
	action, protocol, alias := f.need("action", 32), f.text("protocol", 16), f.text("port_alias", 64)
	switch {
	case f.err != nil:
	case action == "change_protocol" && slices.Contains(protocols, protocol):
		p.Protocol = protocol
	case action == "change_port_alias" && alias != "":
		p.Alias = alias
	case action == "open_outer" || action == "only_open_outer":
		p.Outer = true
	case action == "close_outer":
		p.Outer = false
	case action == "open_inner":
		p.Inner = true
	case action == "close_inner":
		p.Inner = false
	default:
		f.fail("action", "请填写合法的值。")
	}
	if f.err != nil {
		return nil, f.err
	}
	return envelope(p.row(q.part), nil), nil
}

func deletePort(_ *Cloud, q *call) (any, *apiError) {
	p, err := q.portOf()
	if err != nil {
		return nil, err
	}
	if p.Outer {
		return nil, refuse(http.StatusConflict, http.StatusConflict, "outer port is open", "请关闭外部服务后再删除")
	}
	n := p.Number
	q.part.Ports = slices.DeleteFunc(q.part.Ports, func(o port) bool { return o.Number == n })
	return envelope(nil, nil), nil
}
