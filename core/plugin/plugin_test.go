package plugin

import (
	"slices"
	"testing"
)

func TestPages(t *testing.T) {
	t.Parallel()
	var all []Plugin
	for _, name := range []string{"alpha", "bravo", "charlie", "delta", "echo"} {
		all = append(all, Plugin{Name: name})
	}
	want := []string{"alpha", "bravo", "charlie", "delta", "echo"}
	for _, reverse := range []bool{false, true} {
		for limit := 1; limit <= 6; limit++ {
			var got []string
			for q := (Query{Limit: limit, Reverse: reverse}); ; {
				p := page(q, all, func(p Plugin) string { return p.Name })
				if len(p.Items) > limit {
					t.Fatalf("a page of %d has %d plugins", limit, len(p.Items))
				}
				for _, x := range p.Items {
					got = append(got, x.Name)
				}
				if q.Cursor = p.Next; p.Next == "" {
					break
				}
			}
			if reverse {
				slices.Reverse(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("reverse %v, %d a page: %q", reverse, limit, got)
			}
		}
	}
	if p := page(Query{Cursor: "bz", Limit: 9}, all, func(p Plugin) string { return p.Name }); len(p.Items) != 3 {
		t.Errorf("behind a plugin that is gone: %d plugins", len(p.Items))
	}
}
