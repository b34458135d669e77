package v1

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
	"tradewind.example/core/tenant"
)

func TestPathsBeginAtTheReader(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reader string
		path   []string
		want   []string
		reason string
	}{
		"root":      {"r", []string{"r", "s", "c"}, []string{"r", "s", "c"}, "the operator sees its whole tree"},
		"seller":    {"s", []string{"r", "s", "c"}, []string{"s", "c"}, "who is above the seller is not told"},
		"itself":    {"c", []string{"r", "s", "c"}, []string{"c"}, "an org knows its seller alone, which is parent_id"},
		"elsewhere": {"x", []string{"r", "s", "c"}, []string{"c"}, "a reader from another branch learns no way"},
	} {
		o := tenant.Org{ID: tc.path[len(tc.path)-1], Path: tc.path}
		got := orgView{access.Caller{OrgID: tc.reader}}.org(o).Path
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, tc.reason, diff)
		}
	}
}
