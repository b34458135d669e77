package apitest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// idless are the routes that name no thing of anybody: who asks acts on
// itself, or on what belongs to the whole broker.
var idless = map[string]string{
	"sign-in": "names a login, which is its own secret", "sign-out": "ends the caller's own session", "change-password": "is the caller's own",
	"open-console": "names a ticket, which is its own secret; TestATicketIsOfItsResource", "create-token": "is the caller's own", "install-plugin": brokers, "operate-plugin": brokers, "get-plugin": brokers,
	"list-plugin-versions": brokers, "remove-plugin-version": brokers, "set-plugin-version-state": brokers, "upgrade-plugin": brokers,
	"roll-back-plugin": brokers, "unpin-plugin": brokers, "set-plugin-log-level": brokers, "list-plugin-crashes": brokers,
	"get-plugin-crash": brokers, "list-plugin-breakers": brokers, "attach-plugin": brokers, "detach-plugin": brokers, "diagnose-plugin": brokers,
}

const brokers = "plugins belong to the broker; TestPluginsAreOfWhoRunsTheBroker"

// wholeBroker are the reads that show every root, for the superadmin of the
// first root alone.
var wholeBroker = map[string]bool{"backup": true}

// TestNobodyReachesWhatIsForeign sends every walk's requests; with the race
// detector one in so many, see [walkOneIn].
func TestNobodyReachesWhatIsForeign(t *testing.T) {
	s := perform(t)
	walked := map[string]int{}
	for a, sets := range s.actors() {
		for _, o := range s.doc.operations {
			walked[o.ID] += s.walk(t, o, a, sets)
		}
	}
	total := 0
	for _, o := range s.doc.operations {
		total += walked[o.ID]
		if walked[o.ID] == 0 && idless[o.ID] == "" {
			t.Errorf("%s %s was not walked", o.method, o.path)
		}
	}
	s.control(t)
	s.upstream(t)
	s.recorded(t)
	s.untouched(t)
	t.Logf("%d requests over %d routes; walked %v", total, len(s.doc.operations), s.walks)
	s.finish(t)
}

// untouched makes sure that what the walk tried to remove is still there: a
// removal of what somebody does not have is a success and says nothing.
func (s *stage) untouched(t *testing.T) {
	t.Helper()
	for _, w := range []*world{s.a, s.b} {
		w.boss.must(t, http.MethodGet, w.racks()+"/"+w.own["rack"][0], nil, nil)
		for _, tr := range w.trees {
			tr.reseller.must(t, http.MethodGet, tr.racks()+"/"+tr.own["rack"][0], nil, nil)
		}
	}
}

// control makes sure that the walk's requests are good ones: with ids of its
// own, somebody gets an answer from every route that reads.
func (s *stage) control(t *testing.T) {
	t.Helper()
	answered := map[string]bool{}
	for a := range s.actors() {
		for _, o := range s.doc.operations {
			if o.method == http.MethodGet && !answered[o.ID] {
				places := s.doc.places(t, o)
				own := with{}
				for _, p := range places {
					own[p] = a.value(o, p)
				}
				answered[o.ID] = s.client.send(t, s.doc.compose(t, o, *a, places, own)).status == http.StatusOK
			}
		}
	}
	for _, o := range s.doc.operations {
		if o.method == http.MethodGet && !answered[o.ID] && idless[o.ID] == "" {
			t.Errorf("nobody gets an answer from %s: the walk proves nothing there", o.path)
		}
	}
}

// upstream reads everything that is the buyers' own and looks for the parties
// above their sellers: who they are is as private as what they are paid.
func (s *stage) upstream(t *testing.T) {
	t.Helper()
	operator, cloud := s.a.own["org"][0], s.a.own["org"][1]
	for _, tr := range []*tree{s.r1, s.r2} {
		for _, p := range tr.people {
			hidden := []string{cloud}
			if p.org == tr.customer.org {
				hidden = append(hidden, operator)
				hidden = append(hidden, s.a.own["user"]...)
			}
			a := tr.actor(p)
			for _, o := range s.doc.operations {
				if o.method != http.MethodGet || wholeBroker[o.ID] {
					continue
				}
				r := s.doc.compose(t, o, *a, s.doc.places(t, o), nil)
				if found := leaks(s.client.send(t, r).body, hidden, r); len(found) > 0 {
					t.Errorf("%s: %s %s shows who is above the seller: %q", a.name, o.method, o.path, found)
				}
			}
		}
	}
}

// walk sends one actor's requests of one route.
func (s *stage) walk(t *testing.T, o operation, a *actor, sets []foreign) int {
	t.Helper()
	n := 0
	var private []string
	for _, f := range sets {
		if len(f.marks) > 0 { // of the others, actors and orgs may be named
			private = append(private, f.private()...)
		}
	}
	places := s.doc.places(t, o)
	if o.method == http.MethodGet && !strings.Contains(o.path, "{") {
		r := s.doc.compose(t, o, *a, places, nil)
		got := s.client.send(t, r)
		n++
		if wholeBroker[o.ID] && a.person == s.first {
			return n
		}
		if found := leaks(got.body, private, r); len(found) > 0 {
			t.Errorf("%s: %s %s shows what is foreign: %q", a.name, o.method, o.path, found)
		}
	}
	for _, f := range sets {
		for _, w := range f.combinations(places) {
			n++
			if s.walks.due() {
				s.try(t, o, a, f, places, w, private)
			}
		}
	}
	return n
}

func (s *stage) try(t *testing.T, o operation, a *actor, f foreign, places []place, w with, private []string) {
	t.Helper()
	p := probe{private: private}
	absent := with{}
	for x, id := range w {
		absent[x] = missing(len(p.sent))
		p.places, p.sent = append(p.places, x), append(p.sent, id)
	}
	r := s.doc.compose(t, o, *a, places, w)
	p.request, p.answer = r, s.client.send(t, r)
	p.twin = s.client.send(t, s.doc.compose(t, o, *a, places, absent))
	for _, wrong := range p.judge() {
		t.Errorf("%s names %s (%v): %s %s %s\n  %s\n  %d %.600s", a.name, f.name, p.places, r.method, r.path, r.body, wrong, p.answer.status, p.answer.body)
	}
}

// private lists the ids and marks of the set. Racks are told by the marks in
// their names: their ids stand in the audit log of who asked to remove them.
func (f foreign) private() []string {
	out := slices.Clone(f.marks)
	for kind, ids := range f.ids {
		if kind != "rack" {
			out = append(out, ids...)
		}
	}
	return out
}

// combinations puts the set's ids into the places of a request: into each one
// alone, some ids of its kind in turn, and into all of them at once.
func (f foreign) combinations(places []place) []with {
	const most = 4
	var out []with
	all := with{}
	for _, p := range places {
		ids := f.ids[p.kind]
		for i, id := range ids {
			if i == most {
				break
			}
			out = append(out, with{p: id})
			all[p] = ids[len(all)%len(ids)]
		}
	}
	if len(all) > 1 {
		out = append(out, all)
	}
	return out
}

func TestNobodyIsServedWithoutASession(t *testing.T) {
	b := start(t)
	doc := read(t, b.client)
	open := 0
	for _, o := range doc.operations {
		if len(o.Security) == 0 {
			open++
			continue
		}
		for reason, bearer := range map[string]string{"no session": "", "not a session": "tws_0123456789abcdef", "the empty text": " "} {
			r := doc.compose(t, o, actor{person: &person{bearer: bearer}}, doc.places(t, o), nil)
			a := b.client.send(t, r)
			if a.status != http.StatusUnauthorized || !a.isProblem() || a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: %s %s: want a 401 problem, got %d %.200s", reason, o.method, o.path, a.status, a.body)
			}
		}
	}
	if open != 1 {
		t.Errorf("%d routes are open to everybody, want sign-in alone", open)
	}
}
