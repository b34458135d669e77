package sim

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// action is one row of the API.
type action struct {
	// name is the vendor's word for the call, service the service it belongs to.
	name, service string
	// method and path are how it is called; {x} is a parameter in the path.
	method, path string
	run          func(*Cloud, *request) (answer, *apiError)
}

// full is the name that no other action has.
func (a *action) full() string { return a.service + "." + a.name }

// writes tells whether the call can change resources or money.
func (a *action) writes() bool {
	reads := []string{"Describe", "Query", "Get", "Calculate", "Check", "Descirbe"} //nolint:misspell // as the vendor spells it
	for _, word := range reads {
		if strings.HasPrefix(a.name, word) {
			return false
		}
	}
	return true
}

// route is an action with its path cut into segments.
type route struct {
	action
	segments []segment
}

// segment is one part of a path: literal, or {param} with an optional :verb.
type segment struct{ literal, param, verb string }

func cut(path string) []segment {
	var out []segment
	for _, s := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		if !strings.HasPrefix(s, "{") {
			out = append(out, segment{literal: s})
			continue
		}
		name, verb, _ := strings.Cut(s[1:], "}")
		out = append(out, segment{param: name, verb: verb})
	}
	return out
}

// match returns the value of the segment's parameter; false is another path.
func (s segment) match(text string) (string, bool) {
	if s.param == "" {
		return "", s.literal == text
	}
	value, ok := strings.CutSuffix(text, s.verb)
	return value, ok && value != ""
}

// routeTable is the API: every action that exists, by service; paths with a
// verb are tried first.
func routeTable() map[string][]*route {
	out := map[string][]*route{}
	for _, list := range [][]action{
		instanceActions(), imageActions(), keypairActions(), networkActions(), groupActions(), eipActions(), diskActions(),
		moneyActions(), renewalActions(), userActions(), partnerActions(), tagActions(),
	} {
		for _, a := range list {
			out[a.service] = append(out[a.service], &route{action: a, segments: cut(a.path)})
		}
	}
	for _, routes := range out {
		slices.SortStableFunc(routes, func(a, b *route) int {
			return cmp.Compare(len(b.segments[len(b.segments)-1].verb), len(a.segments[len(a.segments)-1].verb))
		})
	}
	return out
}

func (r *route) match(method string, parts []string) (map[string]string, bool) {
	if r.method != method || len(parts) != len(r.segments) {
		return nil, false
	}
	values := map[string]string{}
	for i, s := range r.segments {
		v, ok := s.match(parts[i])
		if !ok {
			return nil, false
		}
		if s.param != "" {
			values[s.param] = v
		}
	}
	return values, true
}

// find looks an action up. Segments are decoded one by one, so that an
// escaped slash cannot reach another path.
func (c *Cloud) find(service, method, escaped string) (*route, map[string]string) {
	parts := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	for i, p := range parts {
		plain, err := url.PathUnescape(p)
		if err != nil {
			return nil, nil
		}
		parts[i] = plain
	}
	for _, r := range c.routes[service] {
		if values, ok := r.match(method, parts); ok {
			return r, values
		}
	}
	return nil, nil
}

// mount splits a path prefix such as /sim/vm from the API's own path and
// tells which service the prefix or the host name stands for, if any.
func (c *Cloud) mount(host, escaped string) (service, rest string) {
	if name, vendor := strings.CutSuffix(hostOnly(host), ".jdcloud-api.com"); vendor {
		service, _, _ = strings.Cut(name, ".")
	}
	parts := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	for i, p := range parts {
		if p != "v1" && p != "v2" {
			continue
		}
		if i > 0 && c.routes[parts[i-1]] != nil {
			service = parts[i-1]
		}
		return service, "/" + strings.Join(parts[i:], "/")
	}
	return service, escaped
}

func hostOnly(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return name
}
