package sim_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUpdateEIPAttribute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(action string, more ...string) map[string]any {
		values := map[string]string{"Action": action, "Region": region}
		for i := 0; i+1 < len(more); i += 2 {
			values[more[i]] = more[i+1]
		}
		return w.form(signed(values))
	}
	made := ask("AllocateEIP", "OperatorName", "Bgp", "Bandwidth", "2", "Name", "front", "Tag", "tok-1")
	id, _ := made["EIPSet"].([]any)[0].(map[string]any)["EIPId"].(string)
	cases := map[string]struct {
		reason string
		more   []string
		code   float64
	}{
		"Remark":  {"one text is enough", []string{"EIPId", id, "Remark", "kept"}, 0},
		"Nothing": {"at least one text must be given", []string{"EIPId", id}, 220},
		"Gone":    {"an unknown address is told", []string{"EIPId", "eip-none", "Remark", "x"}, 4210},
		"BadName": {"a name keeps to its alphabet", []string{"EIPId", id, "Name", "a b"}, 230},
	}
	for name, tc := range cases {
		if got := ask("UpdateEIPAttribute", tc.more...); got["RetCode"] != tc.code {
			t.Errorf("%s, %s: %v", name, tc.reason, got)
		}
	}
	row := ask("DescribeEIP", "EIPIds.0", id)["EIPSet"].([]any)[0].(map[string]any)
	got := []any{row["Name"], row["Tag"], row["Remark"]}
	if diff := cmp.Diff([]any{"front", "tok-1", "kept"}, got); diff != "" {
		t.Errorf("what was not given stays (-want +got):\n%s", diff)
	}
}
