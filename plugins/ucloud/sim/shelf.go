package sim

import "slices"

// kept is a thing that a shelf can hold.
type kept interface {
	ident() string
	key() scopeKey
}

// shelf holds the resources of one kind, in order of creation within each
// scope. It is guarded by the Cloud's mutex.
type shelf[T kept] struct {
	byID    map[string]T
	byScope map[scopeKey][]T
}

func newShelf[T kept]() *shelf[T] {
	return &shelf[T]{byID: map[string]T{}, byScope: map[scopeKey][]T{}}
}

// put adds a thing, or puts its newer version in the place of the old one.
func (s *shelf[T]) put(x T) {
	all := s.byScope[x.key()]
	i := slices.IndexFunc(all, func(o T) bool { return o.ident() == x.ident() })
	if i < 0 {
		s.byScope[x.key()] = append(all, x)
	} else {
		all[i] = x
	}
	s.byID[x.ident()] = x
}

// drop removes a thing; an unknown id is no change.
func (s *shelf[T]) drop(id string) {
	x, ok := s.byID[id]
	if !ok {
		return
	}
	delete(s.byID, id)
	s.byScope[x.key()] = slices.DeleteFunc(s.byScope[x.key()], func(o T) bool { return o.ident() == id })
}

// find returns a thing of the caller's scope.
func (s *shelf[T]) find(q *request, id string) (T, bool) {
	x, ok := s.byID[id]
	return x, ok && x.key() == q.key()
}

// all returns everything, in the order of each scope.
func (s *shelf[T]) all() []T {
	var out []T
	for _, some := range s.byScope {
		out = append(out, some...)
	}
	return out
}

// of returns what a scope has, in order of creation.
func (s *shelf[T]) of(k scopeKey) []T { return s.byScope[k] }

// place is where a thing of a shelf lives.
type place struct {
	Account string `json:"account"`
	Project string `json:"project"`
	Region  string `json:"region"`
}

func (p place) key() scopeKey {
	return scopeKey{account: p.Account, project: p.Project, region: p.Region}
}

func (q *request) place() place {
	return place{Account: q.acct.Name, Project: q.project, Region: q.region.Name}
}
