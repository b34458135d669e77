package apitest

import (
	"fmt"
	"slices"
	"testing"
)

// missingPrefix begins the well-formed ids that nothing has.
const missingPrefix = "01a00000-0000-7000-8000-00000000dea"

// missing returns one of a few ids that nothing has.
func missing(n int) string { return fmt.Sprintf("%s%x", missingPrefix, n) }

func freshKey() string { return fmt.Sprintf("walk-%d", keyCount.next()) }

// stage is a broker with two worlds: in A two resellers beside each other.
type stage struct {
	*broker
	a, b   *world
	r1, r2 *tree
	doc    document
	walks  tally
}

// tally counts the requests of a long walk, which come one after another.
type tally struct{ all, sent int }

// due counts one more and reports whether it is to be sent.
func (y *tally) due() bool {
	y.all++
	due := (y.all-1)%walkOneIn == 0
	if due {
		y.sent++
	}
	return due
}

func (y tally) String() string { return fmt.Sprintf("%d of %d", y.sent, y.all) }

func perform(t testing.TB) *stage {
	t.Helper()
	br := start(t)
	s := &stage{broker: br}
	s.a = build(t, br, br.first, "A", markA, map[string]string{"R1": markR1, "R2": markR2})
	s.b = build(t, br, br.second, "B", markB, map[string]string{"R": markB})
	settle(t, br, s.a, s.b)
	s.r1, s.r2 = s.a.trees[0], s.a.trees[1]
	s.doc = read(t, br.client)
	return s
}

// foreign is what an actor must not see.
type foreign struct {
	name  string
	ids   things
	marks []string
}

// actors lists everybody of world A with what is foreign to each.
func (s *stage) actors() map[*actor][]foreign {
	b := foreign{name: "another root", ids: s.b.all(), marks: []string{markB}}
	a := foreign{name: "another root", ids: s.a.all(), marks: []string{markA, markR1, markR2}}
	between := func(tr *tree) foreign {
		return foreign{name: "the business of " + tr.name, ids: things{
			"protocol": tr.own["protocol"], "line": tr.own["line"], "discount": tr.own["discount"], "recharge": tr.own["recharge"],
			"statement": tr.own["statement"], "bill": tr.own["bill"],
		}}
	}
	out := map[*actor][]foreign{}
	for _, p := range s.a.people {
		out[s.a.actor(p)] = []foreign{b, between(s.r1)}
	}
	for _, p := range append(slices.Clone(s.b.people), s.b.trees[0].people...) {
		out[s.b.actor(p)] = []foreign{a}
	}
	above := foreign{name: "the business of the operator", ids: things{
		"user": s.a.own["user"], "session": s.a.own["session"], "token": s.a.own["token"], "enablement": s.a.own["enablement"], "rack": s.a.own["rack"],
		"protocol": s.a.own["protocol"], "bill": s.a.own["bill"], "statement": s.a.own["statement"], "job": s.a.own["job"],
	}}
	for tr, sibling := range map[*tree]*tree{s.r1: s.r2, s.r2: s.r1} {
		beside := foreign{name: "the reseller beside", ids: sibling.own, marks: []string{sibling.mark}}
		for _, p := range tr.people {
			sets := []foreign{b, beside, above}
			if p.org == tr.customer.org {
				sets = append(sets, foreign{name: "the purchases of its seller", ids: things{"protocol": tr.own["upstream"]}})
			}
			out[tr.actor(p)] = sets
		}
	}
	return out
}

// actor says what a person of the operator or the provider would name.
func (w *world) actor(p *person) *actor {
	tr := w.trees[0]
	own := w.all()
	return &actor{person: p, own: own, fields: map[string]string{
		"seller": w.boss.org, "buyer": tr.reseller.org, "org_id": p.org, "parent_id": p.org, "below": p.org, "book": p.org, "other": tr.reseller.org,
		"owner_org": p.org, "from": w.boss.org, "to": tr.reseller.org, "covers_customers": tr.customer.org, "assigned": tr.reseller.org,
		"user_id": p.user, "salesperson": w.people[2].user, "create-user/org_id": tr.customer.org, "create-provider/org_id": w.own["org"][1], "move-org/id": tr.customer.org,
		"create-line/id": w.own["protocol"][0],
		"update-user/id": tr.people[5].user, "delete-user/id": w.people[5].user, "reset-password/id": w.people[5].user, "end-session/id": w.people[5].session,
	}}
}

// actor says what a person of the tree would name.
func (tr *tree) actor(p *person) *actor {
	own := things{}
	for k, ids := range tr.own {
		own.add(k, ids...)
	}
	own.add("provider", tr.world.provider)
	own.add("product", tr.world.products...)
	return &actor{person: p, own: own, fields: map[string]string{
		"seller": tr.reseller.org, "buyer": tr.customer.org, "org_id": p.org, "parent_id": p.org, "below": p.org, "book": p.org, "other": tr.reseller.org,
		"owner_org": p.org, "from": tr.reseller.org, "to": tr.customer.org, "covers_customers": tr.customer.org, "assigned": tr.customer.org,
		"user_id": p.user, "salesperson": tr.people[1].user, "create-provider/org_id": tr.world.own["org"][1], "move-org/id": tr.customer.org,
		"create-user/org_id": tr.customer.org,
		"update-user/id":     tr.people[6].user, "delete-user/id": tr.people[6].user, "reset-password/id": tr.people[6].user, "end-session/id": tr.people[6].session,
	}}
}
