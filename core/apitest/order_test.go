package apitest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"
)

// shortLists are the lists of which nobody here has two rows. Their packages
// prove their order.
var shortLists = map[string]bool{"list-plugins": true, "list-plugin-versions": true, "list-plugin-crashes": true, "list-plugin-breakers": true, "list-providers": true, "list-discrepancies": true, "list-statement-lines": true, "list-inventory": true}

// narrowed are the parameters with which somebody has two rows.
var narrowed = map[string]string{"list-wallets": "seller"}

// rowsOf reads a whole list in pages of a size and returns its rows.
func (s *stage) rowsOf(t *testing.T, r request, side, order string, limit int) (rows []string, ok bool) {
	t.Helper()
	const mostPages = 600
	cursor := ""
	for range mostPages {
		q := url.Values{"order": {order}, "limit": {strconv.Itoa(limit)}, "cursor": {cursor}}
		if side != "" {
			q.Set("side", side)
		}
		one := r
		one.path += "?" + q.Encode()
		a := s.client.send(t, one)
		if a.status != http.StatusOK {
			return nil, false
		}
		var page struct {
			Items []json.RawMessage
			Next  string
		}
		if err := json.Unmarshal(a.body, &page); err != nil {
			t.Fatalf("%s: %v", one.path, err)
		}
		if len(page.Items) > limit {
			t.Errorf("%s answers with %d rows", one.path, len(page.Items))
		}
		for _, x := range page.Items {
			rows = append(rows, nameOf(t, x))
		}
		if cursor = page.Next; cursor == "" {
			return rows, true
		}
	}
	t.Errorf("%s does not end after %d pages", r.path, mostPages)
	return rows, false
}

// nameOf is what tells a row from the others of its list: its id, or all of it.
func nameOf(t *testing.T, row json.RawMessage) string {
	t.Helper()
	var x struct {
		ID, Name string
		BillID   string `json:"bill_id"`
		Seq      uint64
	}
	if err := json.Unmarshal(row, &x); err != nil {
		t.Fatalf("%s: %v", row, err)
	}
	if x.Seq > 0 {
		return strconv.FormatUint(x.Seq, 10)
	}
	return cmp.Or(x.ID, x.BillID, string(row))
}

// TestListsAreReadFromBothEnds reads every list of the document in both
// directions, in one piece and in pages.
func TestListsAreReadFromBothEnds(t *testing.T) {
	s := perform(t)
	boss, lists := s.a.boss, 0
	boss.make(t, "/v1/discounts", map[string]any{"product_id": s.a.products[4], "rate": "0.98"})
	token(t, boss, s.a.mark)
	boss.signIn(t)
	for _, o := range s.doc.operations {
		if !s.isList(t, o) {
			continue
		}
		lists++
		for _, name := range []string{"cursor", "limit", "order"} {
			if !o.has("query", name) {
				t.Errorf("%s has no %s", o.path, name)
			}
		}
		if most := s.bothEnds(t, o); most < 2 && !shortLists[o.ID] {
			t.Errorf("nobody has two rows of %s: the order proves nothing there", o.path)
		}
	}
	if lists < 20 {
		t.Errorf("the document has only %d lists", lists)
	}
	s.finish(t)
}

// isList asks by the answer: everybody's lists hold items.
func (s *stage) isList(t *testing.T, o operation) bool {
	t.Helper()
	return o.method == http.MethodGet && (o.has("query", "cursor") || o.has("query", "limit") || s.doc.answersWith(o, "items"))
}

// answersWith reports whether a good answer of the operation has a field.
func (d document) answersWith(o operation, field string) bool {
	raw, err := json.Marshal(o.Responses["200"])
	if err != nil {
		return false
	}
	var resp struct {
		Content map[string]struct{ Schema schema }
	}
	if json.Unmarshal(raw, &resp) != nil {
		return false
	}
	_, ok := d.resolve(resp.Content["application/json"].Schema).Properties[field]
	return ok
}

// bothEnds compares the directions for everybody who may read the list, and
// returns the length of the longest.
func (s *stage) bothEnds(t *testing.T, o operation) (most int) {
	t.Helper()
	places := s.doc.places(t, o)
	for a := range s.actors() {
		r := s.doc.compose(t, o, *a, places, nil)
		up, ok := s.rowsOf(t, r, narrowed[o.ID], "asc", 500)
		if !ok || len(up) < 2 || len(up) <= most {
			continue
		}
		most = len(up)
		down, ok := s.rowsOf(t, r, narrowed[o.ID], "desc", max(1, len(up)/4))
		paged, okPaged := s.rowsOf(t, r, narrowed[o.ID], "asc", max(1, len(up)/3))
		if !ok || !okPaged {
			t.Errorf("%s is not read in pages", r.path)
			continue
		}
		// What came meanwhile stands in the later reading alone.
		known := func(rows []string) []string {
			return slices.DeleteFunc(rows, func(x string) bool { return !slices.Contains(up, x) })
		}
		down, paged = known(down), known(paged)
		slices.Reverse(down)
		if !slices.Equal(up, paged) {
			t.Errorf("%s in pages: %q\nat once: %q", r.path, paged, up)
		}
		if !slices.Equal(up, down) {
			t.Errorf("%s from its end, turned round: %q\nfrom its beginning: %q", r.path, down, up)
		}
	}
	return most
}
