package sim

import (
	"net/http"
	"strings"
)

// payPath pays an order.
const payPath = "/v1/order/pay"

// op is one row of the API.
type op struct {
	// name is what faults and the call log know the call by.
	name   string
	method string
	// path has "*" for a variable part.
	path []string
	// verb is a parameter that must be present; it tells calls of one path apart.
	verb string
	// writes marks calls that can change resources or money, token those that
	// take a client token, limited those with a documented rate.
	writes, token, limited bool
	run                    func(*Cloud, *request) (any, *apiError)
}

// handler answers one operation.
type handler = func(*Cloud, *request) (any, *apiError)

func path(s string) []string { return strings.Split(strings.TrimPrefix(s, "/"), "/") }

// read is a call that changes nothing.
func read(name, method, where string, run handler) op {
	return op{name: name, method: method, path: path(where), run: run}
}

// change is a call that changes something and takes no client token.
func change(name, method, where, verb string, run handler) op {
	return op{name: name, method: method, path: path(where), verb: verb, writes: true, run: run}
}

// tokened is a change that takes a client token.
func tokened(name, method, where, verb string, run handler) op {
	o := change(name, method, where, verb, run)
	o.token = true
	return o
}

// billed is a bill query, which is bounded in rate.
func billed(name, method, where string, run handler) op {
	o := read(name, method, where, run)
	o.limited = true
	return o
}

// operations is the API: every call that exists.
func operations(refundPath string) []op {
	all := computeOps()
	all = append(all, instanceOps()...)
	all = append(all, networkOps()...)
	all = append(all, addressOps()...)
	all = append(all, volumeOps()...)
	all = append(all, resellerOps()...)
	all = append(all, orderOps(refundPath)...)
	return append(all, financeOps()...)
}

// matches tells whether the operation serves the path, and its variable parts.
func (o *op) matches(method string, parts []string) ([]string, bool) {
	if o.method != method || len(o.path) != len(parts) {
		return nil, false
	}
	var vars []string
	for i, p := range o.path {
		switch {
		case p == "*" && parts[i] != "":
			vars = append(vars, parts[i])
		case p != parts[i]:
			return nil, false
		}
	}
	return vars, true
}

// route finds the operation: fixed paths win over variable ones, and one with
// a verb wins over one without.
func (c *Cloud) route(r *http.Request, q *request) *apiError {
	parts := path(r.URL.Path)
	if parts[0] != "v1" && parts[0] != "v2" {
		return refuse(http.StatusNotFound, "InvalidVersion", "The API version specified was invalid.")
	}
	best := -1
	for i := range c.ops {
		o := &c.ops[i]
		vars, ok := o.matches(r.Method, parts)
		if _, has := q.query[o.verb]; !ok || (o.verb != "" && !has) {
			continue
		}
		score := 2*(len(o.path)-len(vars)) + min(len(o.verb), 1)
		if score > best {
			best, q.op, q.vars = score, o, vars
		}
	}
	if q.op == nil {
		return refuse(http.StatusBadRequest, codeInvalidURI, "Could not parse the specified URI.")
	}
	return nil
}
