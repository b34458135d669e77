package tenant_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/sdk/fault"
)

// forest is what the tree should look like after the commands so far.
type forest struct {
	parent map[string]string
	kind   map[string]tenant.Kind
	gone   map[string]bool
	order  []string
}

func (f *forest) path(org string) []string {
	if f.parent[org] == "" {
		return []string{org}
	}
	return append(f.path(f.parent[org]), org)
}

// Random creations, moves and deletions leave the tree as a plain model of
// parents says, and a caller passes only for what is below it in that model.
func TestTreeFollowsItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorldOf(t)
		f := &forest{parent: map[string]string{}, kind: map[string]tenant.Kind{w.root.Org.ID: tenant.KindOperator},
			gone: map[string]bool{}, order: []string{w.root.Org.ID}}
		pick := func(name string) string { return rapid.SampledFrom(f.order).Draw(rt, name) }
		for range rapid.IntRange(1, 15).Draw(rt, "commands") {
			switch rapid.SampledFrom([]string{"create", "create", "move", "delete"}).Draw(rt, "command") {
			case "create":
				f.create(rt, w, pick("parent"))
			case "move":
				f.move(rt, w, pick("org"), pick("to"))
			case "delete":
				f.remove(rt, w, pick("org"))
			}
		}
		f.compare(rt, w)
	})
}

func (f *forest) create(rt *rapid.T, w *world, parent string) {
	kind := rapid.SampledFrom([]tenant.Kind{tenant.KindReseller, tenant.KindCustomer}).Draw(rt, "kind")
	doc, err := w.svc.CreateOrg(w.ctx, w.super, tenant.CreateOrgInput{ParentID: parent, Kind: kind,
		Profile: tenant.Profile{Name: fmt.Sprintf("org %d", len(f.order))}})
	if may := !f.gone[parent] && f.kind[parent] != tenant.KindCustomer; may != (err == nil) {
		rt.Fatalf("creating under %s (%s, gone %v): %v", parent, f.kind[parent], f.gone[parent], err)
	}
	if err == nil {
		f.parent[doc.Value.ID], f.kind[doc.Value.ID] = parent, kind
		f.order = append(f.order, doc.Value.ID)
	}
}

func (f *forest) move(rt *rapid.T, w *world, org, to string) {
	_, err := w.svc.MoveOrg(w.ctx, w.super, tenant.MoveOrgInput{OrgID: org, ParentID: to})
	may := !f.gone[org] && !f.gone[to] && f.kind[org] != tenant.KindOperator && f.kind[to] != tenant.KindCustomer &&
		!slices.Contains(f.path(to), org) && f.parent[org] != to
	if may != (err == nil) {
		rt.Fatalf("moving %v under %v: %v", f.path(org), f.path(to), err)
	}
	if err == nil {
		f.parent[org] = to
	}
}

func (f *forest) remove(rt *rapid.T, w *world, org string) {
	err := w.svc.DeleteOrg(w.ctx, w.super, org, 0)
	below := slices.ContainsFunc(f.order, func(o string) bool { return f.parent[o] == org && !f.gone[o] })
	if may := !f.gone[org] && !below && f.kind[org] != tenant.KindOperator; may != (err == nil) {
		rt.Fatalf("deleting %v: %v", f.path(org), err)
	}
	if err == nil {
		f.gone[org] = true
	}
}

func (f *forest) compare(rt *rapid.T, w *world) {
	for _, org := range f.order {
		c := access.Caller{UserID: "u", OrgID: org, RootID: w.root.Org.ID, Path: f.path(org), Roles: []access.Role{access.RoleResellerAdmin}}
		w.view(func(r store.Reader) {
			got, err := w.svc.PathTx(r, org)
			if err != nil || !slices.Equal(got, f.path(org)) {
				rt.Fatalf("path of %s: got %v (%v), want %v", org, got, err, f.path(org))
			}
			for _, other := range f.order {
				err := w.svc.Authority().Check(r, c, access.OrderRead, access.Target{OrgID: other, Thing: "order", ID: "1"})
				if below := slices.Contains(f.path(other), org); below != (err == nil) {
					rt.Fatalf("%v reads an order of %v: %v", f.path(org), f.path(other), err)
				}
			}
		})
	}
	var want, got []string
	for _, org := range f.order {
		if !f.gone[org] {
			want = append(want, org)
		}
	}
	page, err := w.svc.ListOrgs(w.ctx, w.super, tenant.ListOrgsInput{Limit: 1000})
	if err != nil {
		rt.Fatal(err)
	}
	for _, d := range page.Items {
		got = append(got, d.Value.ID)
	}
	slices.Sort(want)
	if slices.Sort(got); !slices.Equal(want, got) {
		rt.Fatalf("the list: got %v, want %v", got, want)
	}
}

// newWorldOf returns a world with a bare root: one store for each random run.
func newWorldOf(t *testing.T) *world {
	w := newWorldBare(t)
	w.super = w.signIn("admin", w.root.Password)
	return w
}

func TestDepthIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t)
	w.org["0"] = w.root.Org
	for i := range 31 {
		w.add(fmt.Sprint(i), fmt.Sprint(i+1), tenant.KindReseller)
	}
	_, err := w.svc.CreateOrg(w.ctx, w.super, tenant.CreateOrgInput{ParentID: w.org["31"].ID, Kind: tenant.KindReseller,
		Profile: tenant.Profile{Name: "too deep"}})
	wantClass(t, "the tree is at most 32 deep", err, fault.ClassInvalid)
	w.add("0", "side", tenant.KindReseller)
	w.add("side", "below", tenant.KindReseller)
	_, err = w.svc.MoveOrg(w.ctx, w.super, tenant.MoveOrgInput{OrgID: w.org["side"].ID, ParentID: w.org["30"].ID})
	wantClass(t, "moves included", err, fault.ClassInvalid)
}

func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld(b)
	bearer := w.bearerOf("shop", "clerk", access.RoleCustomerUser)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := w.svc.Authenticate(w.ctx, bearer); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkChainTx(b *testing.B) {
	w := newWorld(b)
	w.view(func(r store.Reader) {
		for b.Loop() {
			if _, err := w.svc.ChainTx(r, w.org["farm"].ID); err != nil {
				b.Fatal(err)
			}
		}
	})
}
