package apitest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shortLists are the lists of which nobody here has two rows. Their packages
// prove their order.
var shortLists = map[string]bool{"list-plugins": true, "list-plugin-versions": true, "list-plugin-crashes": true, "list-plugin-breakers": true, "list-providers": true, "list-discrepancies": true, "list-statement-lines": true, "list-inventory": true}

// narrowed are the parameters with which somebody has two rows, or with which a
// list can be sorted by a key.
var narrowed = map[string]string{"list-wallets": "side=seller", "list-jobs/updated": "state=done"}

// row is one row of a list with what tells it from the others.
type row struct {
	name    string
	members map[string]any
}

func names(rows []row) []string {
	out := make([]string, len(rows))
	for i, x := range rows {
		out[i] = x.name
	}
	return out
}

// rowsOf reads a whole list in pages of a size; the pages after the first go by
// their cursor alone.
func (s *stage) rowsOf(t *testing.T, r request, more, sort string, limit int) (rows []row, ok bool) {
	t.Helper()
	const mostPages = 600
	cursor := ""
	for range mostPages {
		q, err := url.ParseQuery(more)
		if err != nil {
			t.Fatal(err)
		}
		q.Set("limit", strconv.Itoa(limit))
		if q.Set("cursor", cursor); cursor == "" {
			q.Set("sort", sort)
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
			one := row{name: nameOf(t, x)}
			if err := json.Unmarshal(x, &one.members); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, one)
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

// TestListsAreSorted reads every list of the document by every key that it says
// it can be sorted by, in both directions, at once and in pages.
func TestListsAreSorted(t *testing.T) {
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
		for _, name := range []string{"cursor", "limit", "sort"} {
			if !o.has("query", name) {
				t.Errorf("%s has no %s", o.path, name)
			}
		}
		for _, key := range o.sorts(t) {
			most, a := s.sorted(t, o, key)
			if most < 2 && !shortLists[o.ID] {
				t.Errorf("nobody has two rows of %s: the order by %s proves nothing there", o.path, key)
			}
			if a != nil {
				s.refusesOtherSorts(t, o, *a, key)
			}
		}
	}
	if lists < 20 {
		t.Errorf("the document has only %d lists", lists)
	}
	s.finish(t)
}

// sorts are the keys of a list. An inventory's are its kind's.
func (o operation) sorts(t *testing.T) (keys []string) {
	t.Helper()
	if o.ID == "list-inventory" {
		return []string{"id", "name"}
	}
	for _, p := range o.Parameters {
		if p.Name != "sort" {
			continue
		}
		for _, x := range p.Schema.Enum {
			if key, _ := x.(string); !strings.HasPrefix(key, "-") {
				keys = append(keys, key)
				if !slices.Contains(p.Schema.Enum, any("-"+key)) {
					t.Errorf("%s cannot be sorted by %s downwards", o.ID, key)
				}
			}
		}
	}
	if len(keys) == 0 {
		t.Errorf("%s does not tell what it can be sorted by", o.ID)
	}
	return keys
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

// more is what else is asked for to sort by a key.
func (o operation) more(key string) string { return cmp.Or(narrowed[o.ID+"/"+key], narrowed[o.ID]) }

// sorted compares both directions for everybody who may read the list, and
// returns the length of the longest and whose it is.
func (s *stage) sorted(t *testing.T, o operation, key string) (most int, whose *actor) {
	t.Helper()
	places := s.doc.places(t, o)
	more := o.more(key)
	for a := range s.actors() {
		r := s.doc.compose(t, o, *a, places, nil)
		up, ok := s.rowsOf(t, r, more, key, 500)
		if !ok || len(up) < 2 || len(up) <= most {
			continue
		}
		most, whose = len(up), a
		two := max(2, len(up)/20) // pages of two, but not hundreds of them
		down, ok := s.rowsOf(t, r, more, "-"+key, two)
		paged, okPaged := s.rowsOf(t, r, more, key, two)
		if !ok || !okPaged {
			t.Errorf("%s is not read in pages", r.path)
			continue
		}
		inOrder(t, o, key, up)
		// What came meanwhile stands in the later reading alone.
		known := func(rows []row) []string {
			return slices.DeleteFunc(names(rows), func(x string) bool { return !slices.Contains(names(up), x) })
		}
		if got := known(paged); !slices.Equal(names(up), got) {
			t.Errorf("%s by %s in pages: %q\nat once: %q", r.path, key, got, names(up))
		}
		got := known(down)
		if slices.Reverse(got); !slices.Equal(names(up), got) {
			t.Errorf("%s by %s from its end, turned round: %q\nfrom its beginning: %q", r.path, key, got, names(up))
		}
	}
	return most, whose
}

// inOrder looks at the rows themselves.
func inOrder(t *testing.T, o operation, key string, rows []row) {
	t.Helper()
	for i := 1; i < len(rows); i++ {
		before, after := rows[i-1].members, rows[i].members
		if state, ok := before["state"].(map[string]any); ok && o.ID == "list-inventory" && key != "id" {
			before, after = state, after["state"].(map[string]any)
		}
		if compareBy(key, before, after) > 0 {
			t.Errorf("%s by %s: %v stands before %v", o.ID, key, before[key], after[key])
		}
	}
}

// compareBy orders rows as people do: times by time, amounts by value within a
// currency, texts in any case. What never ends, ends last.
func compareBy(key string, a, b map[string]any) int {
	x, y := fmt.Sprint(cmp.Or(a[key], any(""))), fmt.Sprint(cmp.Or(b[key], any("")))
	if key == "amount" {
		p, okP := new(big.Rat).SetString(x)
		q, okQ := new(big.Rat).SetString(y)
		if okP && okQ {
			return cmp.Or(strings.Compare(fmt.Sprint(a["currency"]), fmt.Sprint(b["currency"])), p.Cmp(q))
		}
	}
	if key == "end" && (x == "" || y == "") {
		return strings.Compare(y, x) // an empty one is the greatest
	}
	from, errFrom := time.Parse(time.RFC3339Nano, x)
	to, errTo := time.Parse(time.RFC3339Nano, y)
	if errFrom == nil && errTo == nil {
		return from.Compare(to)
	}
	return strings.Compare(strings.ToLower(x), strings.ToLower(y))
}

// refusesOtherSorts: a key that is none is refused with those there are, and a
// cursor is good for its own sort alone.
func (s *stage) refusesOtherSorts(t *testing.T, o operation, a actor, key string) {
	t.Helper()
	ask := func(q url.Values) answer {
		r := s.doc.compose(t, o, a, s.doc.places(t, o), nil)
		r.path += "?" + q.Encode() + "&" + o.more(key)
		return s.client.send(t, r)
	}
	wrong := ask(url.Values{"sort": {"no_such_key"}})
	if wrong.status != http.StatusUnprocessableEntity || !strings.Contains(string(wrong.body), "query.sort") || !strings.Contains(string(wrong.body), key) {
		t.Errorf("%s by a key that is none: %d %s", o.ID, wrong.status, wrong.body)
	}
	first := ask(url.Values{"sort": {key}, "limit": {"1"}})
	var page struct{ Next string }
	if err := json.Unmarshal(first.body, &page); err != nil || page.Next == "" {
		t.Fatalf("%s by %s: %v, %s", o.ID, key, err, first.body)
	}
	other := ask(url.Values{"sort": {"-" + key}, "cursor": {page.Next}})
	if other.status != http.StatusUnprocessableEntity || !strings.Contains(string(other.body), "query.cursor") {
		t.Errorf("%s: a cursor of another sort: %d %s", o.ID, other.status, other.body)
	}
	if again := ask(url.Values{"sort": {key}, "cursor": {page.Next}}); again.status != http.StatusOK {
		t.Errorf("%s: the cursor with its own sort: %d %s", o.ID, again.status, again.body)
	}
}
