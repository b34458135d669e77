package apitest

import (
	"net/http"
	"strings"
	"testing"
)

// TestTheWalkCanFail hands the judge answers of broken servers.
func TestTheWalkCanFail(t *testing.T) {
	t.Parallel()
	const id = "01a20140-a195-7a98-8745-6a85c6458f46"
	problem := func(status int, kind, detail string) answer {
		h := http.Header{"Content-Type": {"application/problem+json"}}
		text := http.StatusText(status)
		return answer{status: status, header: h, body: []byte(`{"type":"urn:x:` + kind + `","title":"` + text + `","status":` +
			strings.TrimSpace(map[int]string{403: "403", 404: "404", 409: "409", 422: "422"}[status]) + `,"detail":"` + detail + `","request_id":"` + detail + `"}`)}
	}
	gone := problem(404, "not_found", "order "+id)
	goneTwin := problem(404, "not_found", "order "+missing(0))
	list := func(body string) answer { return answer{status: 200, header: http.Header{}, body: []byte(body)} }
	wrongField := func(id string) answer {
		a := problem(422, "invalid", "")
		a.body = []byte(strings.Replace(string(a.body), `"detail":""`, `"errors":[{"path":"body.seller","message":"`+id+`"}]`, 1))
		return a
	}
	path, query, body := place{in: "path", name: "id"}, place{in: "query", name: "org_id"}, place{in: "body", name: "seller"}
	cases := map[string]struct {
		reason       string
		at           place
		answer, twin answer
		want         string // part of what is said; empty: all is well
	}{
		"NotFound":       {"the usual refusal", path, gone, goneTwin, ""},
		"Served":         {"a foreign thing is shown", path, list(`{"id":"` + id + `"}`), goneTwin, "want 401"},
		"Mark":           {"a foreign name is shown", path, problem(404, "not_found", "order of "+markB), goneTwin, "holds what is foreign"},
		"OtherId":        {"a foreign id is shown that nobody asked for", path, problem(403, "forbidden", "01b"), problem(403, "forbidden", "01b"), "holds what is foreign"},
		"OtherStatus":    {"403 tells that the thing exists", path, problem(403, "forbidden", id), goneTwin, "answers otherwise"},
		"OtherText":      {"the text tells that the thing exists", path, problem(404, "not_found", "order "+id+" of somebody else"), goneTwin, "answers otherwise"},
		"NoDocument":     {"a refusal is a problem document", path, answer{status: 404, header: http.Header{}, body: []byte("no")}, answer{status: 404, header: http.Header{}, body: []byte("no")}, "no problem document"},
		"Conflict":       {"a conflict tells that the thing exists", path, problem(409, "conflict", id), problem(409, "conflict", missing(0)), "want 401"},
		"EmptyList":      {"nothing of what is foreign", query, list(`{"items":[]}`), list(`{"items":[]}`), ""},
		"EmptyTwin":      {"nothing, where a missing id is refused", query, list(`{"items":[]}`), goneTwin, "answers otherwise"},
		"FullList":       {"the filter was not obeyed", query, list(`{"items":[{}]}`), list(`{"items":[{}]}`), "want 401"},
		"ListByPath":     {"a list below a foreign thing", path, list(`{"items":[]}`), list(`{"items":[]}`), "want 401"},
		"WrongField":     {"the field is named", body, wrongField(id), wrongField(missing(0)), ""},
		"OtherField":     {"the request was refused for another reason", query, wrongField(id), wrongField(missing(0)), "want 401"},
		"WrongFieldPath": {"a path is no field", path, wrongField(id), wrongField(missing(0)), "want 401"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := probe{
				request: request{path: "/v1/orders/" + id}, places: []place{tc.at}, sent: []string{id}, answer: tc.answer, twin: tc.twin,
				private: []string{markB, id, "01b"},
			}
			said := strings.Join(p.judge(), "; ")
			if tc.want == "" && said != "" || !strings.Contains(said, tc.want) {
				t.Errorf("%s: want %q, got %q", tc.reason, tc.want, said)
			}
		})
	}
}
