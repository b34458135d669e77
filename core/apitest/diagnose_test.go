package apitest

import (
	"net/http"
	"strings"
	"testing"

	"tradewind.example/core/app"
)

// TestPluginsTellWhatTheyAreDoing: an operator sees where the goroutines of a
// running plugin stand, and no secret of the calls that it has served.
func TestPluginsTellWhatTheyAreDoing(t *testing.T) {
	b := startWith(t, app.Options{})
	boss := b.first
	org := boss.make(t, "/v1/orgs", fields{"kind": "provider", "name": "clouds"})
	enable(t, b, boss, boss.make(t, "/v1/providers", fields{"plugin_name": "sandbox", "org_id": org, "title": "one"}))
	var out struct {
		Processes []struct {
			PID, Goroutines int
			Stacks, Problem string
		}
	}
	boss.must(t, http.MethodGet, "/v1/plugins/sandbox/diagnosis", nil, &out)
	if len(out.Processes) != 1 || out.Processes[0].PID != b.inspect(t).PID || out.Processes[0].Goroutines < 2 || out.Processes[0].Problem != "" {
		t.Fatalf("want the one process, got %+v", out.Processes)
	}
	if s := out.Processes[0].Stacks; !strings.Contains(s, "google.golang.org/grpc") || strings.Contains(s, "(0x") {
		t.Errorf("want stacks without the values of arguments, got\n%.2000s", s)
	}
	var list struct {
		Items []struct{ Action string }
	}
	boss.must(t, http.MethodGet, "/v1/audit?limit=20", nil, &list)
	noted := false
	for _, r := range list.Items {
		noted = noted || r.Action == "plugin.diagnose"
	}
	if !noted {
		t.Errorf("nobody noted who looked: %+v", list.Items)
	}
}
