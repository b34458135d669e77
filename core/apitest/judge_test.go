package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// probe is one request with a foreign id and its twin, the same with an id
// that nothing has.
type probe struct {
	request request
	places  []place  // that are foreign
	sent    []string // the foreign ids
	answer  answer
	twin    answer
	private []string // ids and marks that no body may hold
}

// judge says what is wrong with the answers to a probe; nothing when all is well.
func (p probe) judge() []string {
	var wrong []string
	if leaks := leaks(p.answer.body, p.private, p.request); len(leaks) > 0 {
		wrong = append(wrong, fmt.Sprintf("the body holds what is foreign: %q", leaks))
	}
	if !p.refused() {
		wrong = append(wrong, fmt.Sprintf("want 401, 403 or 404, got %d", p.answer.status))
	}
	if p.answer.status >= 300 && !p.answer.isProblem() {
		wrong = append(wrong, "the refusal is no problem document")
	}
	mine, twin := p.neutral(p.answer), p.neutral(p.twin)
	if p.answer.status != p.twin.status || !reflect.DeepEqual(mine, twin) {
		wrong = append(wrong, fmt.Sprintf("a missing id answers otherwise: %d %.600v", p.twin.status, twin))
	}
	return wrong
}

// refused reports whether the answer tells nothing. A list filtered by what is
// foreign may be empty, and a foreign id in a field may be that field's fault;
// the twin then proves that a missing id answers the same.
func (p probe) refused() bool {
	if slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, p.answer.status) {
		return true
	}
	if p.gone() {
		return true
	}
	for _, x := range p.places {
		if x.in == "path" {
			return false
		}
	}
	switch p.answer.status {
	case http.StatusOK:
		var list struct{ Items *[]any }
		return json.Unmarshal(p.answer.body, &list) == nil && list.Items != nil && len(*list.Items) == 0
	case http.StatusUnprocessableEntity:
		doc, err := p.answer.problem()
		return err == nil && len(doc.Errors) > 0 && !slices.ContainsFunc(doc.Errors, func(e struct{ Path, Message string }) bool {
			return !slices.ContainsFunc(p.places, func(x place) bool { return strings.Contains(e.Path, x.name) })
		})
	}
	return false
}

// gone reports whether something was removed from an own account that is not in
// it: that is a success which did nothing, as [stage.untouched] proves.
func (p probe) gone() bool {
	return p.answer.status == http.StatusOK && p.request.method == http.MethodDelete && len(p.places) == 1 && p.places[0].kind == "rack"
}

// neutral is a body without what may differ: the ids that were sent and the
// id of the request.
func (p probe) neutral(a answer) any {
	body := bytes.Clone(a.body)
	for i := range p.sent {
		body = bytes.ReplaceAll(body, []byte(missing(i)), []byte("ID"))
	}
	for _, id := range p.sent {
		body = bytes.ReplaceAll(body, []byte(id), []byte("ID"))
	}
	var v any
	if json.Unmarshal(body, &v) != nil {
		return string(body)
	}
	if m, ok := v.(map[string]any); ok {
		delete(m, "request_id")
	}
	return v
}

// leaks returns which of the private texts a body holds, apart from those that
// the request itself named.
func leaks(body []byte, private []string, r request) []string {
	var out []string
	for _, s := range private {
		named := strings.Contains(r.path, s) || bytes.Contains(r.body, []byte(s))
		if !named && bytes.Contains(body, []byte(s)) {
			out = append(out, s)
		}
	}
	return out
}
