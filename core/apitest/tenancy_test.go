package apitest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// idless are the changes that name no thing of anybody: who asks acts on
// itself, or on what belongs to the whole broker.
var idless = map[string]string{
	"sign-in": "names a login, which is its own secret", "sign-out": "ends the caller's own session", "change-password": "is the caller's own",
	"create-token": "is the caller's own", "install-plugin": "plugins belong to the broker", "operate-plugin": "plugins belong to the broker",
}

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
	t.Logf("%d requests over %d routes", total, len(s.doc.operations))
	s.finish(t)
}

// walk sends one actor's requests of one route.
func (s *stage) walk(t *testing.T, o operation, a *actor, sets []foreign) int {
	t.Helper()
	n := 0
	var private []string
	for _, f := range sets {
		private = append(private, f.private()...)
	}
	places := s.doc.places(t, o)
	if o.method == http.MethodGet && !strings.Contains(o.path, "{") {
		got := s.client.send(t, s.doc.compose(t, o, *a, places, nil))
		n++
		if found := leaks(got.body, private, nil); len(found) > 0 {
			t.Errorf("%s: %s %s shows what is foreign: %q", a.name, o.method, o.path, found)
		}
	}
	for _, f := range sets {
		for _, w := range f.combinations(places) {
			n++
			s.try(t, o, a, f, places, w, private)
		}
	}
	return n
}

func (s *stage) try(t *testing.T, o operation, a *actor, f foreign, places []place, w with, private []string) {
	t.Helper()
	p := probe{private: private}
	missing := with{}
	for x, id := range w {
		p.places, p.sent = append(p.places, x), append(p.sent, id)
		missing[x] = missingID
	}
	r := s.doc.compose(t, o, *a, places, w)
	p.answer = s.client.send(t, r)
	p.twin = s.client.send(t, s.doc.compose(t, o, *a, places, missing))
	for _, wrong := range p.judge() {
		t.Errorf("%s names %s (%v): %s %s %s\n  %s\n  %d %.600s", a.name, f.name, p.places, r.method, r.path, r.body, wrong, p.answer.status, p.answer.body)
	}
}

// private lists the ids and marks of the set.
func (f foreign) private() []string {
	out := slices.Clone(f.marks)
	for _, ids := range f.ids {
		out = append(out, ids...)
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
			all[p] = id
		}
	}
	if len(all) > 1 {
		out = append(out, all)
	}
	return out
}

// finish is what every test of a stage ends with.
func (s *stage) finish(t *testing.T) { t.Helper() }
