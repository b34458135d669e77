package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tradewind.example/core/access"
)

// bindThings adds a list that tells by what and from where it was asked.
func bindThings(s *Server) {
	type query struct {
		Paging
		From time.Time `query:"from"`
	}
	Handle(s, Route{Method: http.MethodGet, Path: "/v1/things", ID: "list-things", Tag: "T", Summary: "s", Sort: []string{"name", "due"}, Order: "-due"},
		func(_ context.Context, _ access.Caller, in *query) (*ListOut[string], error) {
			way := "up"
			if in.Down() {
				way = "down"
			}
			return NewList([]string{in.By() + " " + way + " " + in.Cursor}, "k~1", func(x string) string { return x }), nil
		})
	type perhaps struct {
		Body struct {
			Note string `json:"note,omitempty"`
		}
	}
	Handle(s, Route{Method: http.MethodPost, Path: "/v1/things/run", ID: "run-things", Tag: "T", Summary: "s"},
		func(_ context.Context, _ access.Caller, in *perhaps) (*ListOut[string], error) {
			return NewList([]string{"note " + in.Body.Note}, "", func(x string) string { return x }), nil
		})
}

func TestLists(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	bindThings(s)
	for name, tc := range map[string]struct {
		reason, query string
		status        int
		want, next    string // the row, and the cursor; or what the problem says
	}{
		"Own":        {"a list has an order of its own", "", http.StatusOK, "due down ", "-due~k~1"},
		"Chosen":     {"a client chooses another", "sort=name", http.StatusOK, "name up ", "name~k~1"},
		"Further":    {"a cursor brings its sort along", "cursor=name~k~1", http.StatusOK, "name up k~1", "name~k~1"},
		"Same":       {"which may be said again", "sort=name&cursor=name~k~1", http.StatusOK, "name up k~1", "name~k~1"},
		"Other":      {"but not be another", "sort=-name&cursor=name~k~1", http.StatusUnprocessableEntity, `sorted by \"name\"`, "query.cursor"},
		"OtherOwn":   {"as little as the list's own", "sort=-due&cursor=name~k~1", http.StatusUnprocessableEntity, "start again without it", "query.cursor"},
		"NoSort":     {"a cursor of another kind of list", "cursor=abc", http.StatusUnprocessableEntity, "start again without it", "query.cursor"},
		"Empty":      {"and one that leads nowhere", "cursor=name~", http.StatusUnprocessableEntity, "start again without it", "query.cursor"},
		"Unknown":    {"an unknown key is told those there are", "sort=phone", http.StatusUnprocessableEntity, "name, -name, due, -due", "query.sort"},
		"Upside":     {"there is one sign", "sort=%2Bname", http.StatusUnprocessableEntity, "name, -name, due, -due", "query.sort"},
		"NoTime":     {"a time is told in words", "from=yesterday", http.StatusUnprocessableEntity, "RFC 3339 such as 2026", "query.from"},
		"OldOrder":   {"there is no second word for it", "order=asc", http.StatusUnprocessableEntity, "unknown query parameter", "query.order"},
		"NoSuchPage": {"nor for a page", "page=2", http.StatusUnprocessableEntity, "unknown query parameter", "query.page"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := send(t, s, http.MethodGet, "/v1/things?"+tc.query, "good", "", nil)
			if resp.StatusCode != tc.status {
				t.Fatalf("%s: %d %s", tc.reason, resp.StatusCode, body)
			}
			if tc.status != http.StatusOK {
				if !strings.Contains(body, tc.want) || !strings.Contains(body, tc.next) {
					t.Errorf("%s: %s", tc.reason, body)
				}
				return
			}
			var got List[string]
			if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Items) != 1 {
				t.Fatalf("%s: %v", body, err)
			}
			if got.Items[0] != tc.want || got.Next != tc.next {
				t.Errorf("%s: %q, next %q, want %q and %q", tc.reason, got.Items[0], got.Next, tc.want, tc.next)
			}
			if again, body := send(t, s, http.MethodGet, "/v1/things?cursor="+url.QueryEscape(got.Next), "good", "", nil); again.StatusCode != http.StatusOK {
				t.Errorf("%s: its cursor: %d %s", tc.reason, again.StatusCode, body)
			}
		})
	}
}

// TestABodyOfWhichNothingIsRequired may be left out.
func TestABodyOfWhichNothingIsRequired(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	bindThings(s)
	for body, want := range map[string]string{"": "note ", "{}": "note ", `{"note":"x"}`: "note x"} {
		resp, got := send(t, s, http.MethodPost, "/v1/things/run", "good", body, nil)
		if resp.StatusCode != http.StatusOK || !strings.Contains(got, `"`+want+`"`) {
			t.Errorf("%q: %d %s", body, resp.StatusCode, got)
		}
	}
	if resp, got := send(t, s, http.MethodPost, "/v1/things/run", "good", `[]`, nil); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another body: %d %s", resp.StatusCode, got)
	}
}
