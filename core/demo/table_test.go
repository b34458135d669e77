package demo

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRowsAreWhole(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range bundled() {
		if c.name == "" || c.name == allClouds || names[c.name] {
			t.Errorf("a row's name is its own: %q", c.name)
		}
		names[c.name] = true
		if c.title == "" || (c.public == "") != (c.people != nil) || c.secret == "" || c.creates == "" || c.dear == "" {
			t.Errorf("the row %q has gaps: %+v", c.name, c)
		}
		ids := map[string]bool{"": true, c.dear: true}
		for _, id := range c.servers {
			if ids[id] {
				t.Errorf("the servers of %q are four different ones: %q", c.name, c.servers)
			}
			ids[id] = true
		}
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()
	for _, name := range Clouds() {
		want := 1
		if name == allClouds {
			want = len(bundled())
		}
		if rows, err := chosen(name); err != nil || len(rows) != want || want == 1 && rows[0].name != name {
			t.Errorf("%q chooses %d rows, want %d: %v", name, len(rows), want, err)
		}
	}
	err := Run(context.Background(), Config{Cloud: "cumulus", Work: t.TempDir(), Stdout: io.Discard})
	if err == nil || !strings.Contains(err.Error(), `"cumulus"`) || !strings.Contains(err.Error(), "ucloud") {
		t.Errorf("an unknown cloud is named, and what can be chosen: %v", err)
	}
	err = Run(context.Background(), Config{Bin: t.TempDir(), Work: t.TempDir(), Stdout: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("missing binaries are told before anything starts: %v", err)
	}
}

func TestSimulatorConfig(t *testing.T) {
	t.Parallel()
	c := cloud{public: "id", secret: "key", simulator: map[string]any{"seed": 1}, account: map[string]any{"partner": true}}
	got, err := json.Marshal(c.simulatorConfig(keys{public: "p", secret: "s"}))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"accounts":[{"balance_fen":100000000,"id":"p","key":"s","name":"operator","partner":true}],"seed":1,"transition_ms":20}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("the row's own fields are in both places (-want +got):\n%s", d)
	}
}

func TestSpecs(t *testing.T) {
	t.Parallel()
	x := need{spec: map[string]string{"cidr": "10.{n}.0.0/16"}}
	fields := map[string]any{"vpc_id": "v"}
	if d := cmp.Diff(map[string]any{"cidr": "10.2.0.0/16", "vpc_id": "v"}, x.specFor(2, fields)); d != "" {
		t.Errorf("customers do not share a range, later needs name earlier ones (-want +got):\n%s", d)
	}
	who := &client{}
	at := newProvider(cloud{name: "here"})
	at.products = []product{{ID: "p", Spec: map[string]any{"cpu": 2}}}
	b := purchase{n: 7, who: who, at: at}
	if got := b.body(month(1)); got["spec"] != nil {
		t.Errorf("without a network the product's own spec is ordered: %v", got)
	}
	at.networks[who] = fields
	if d := cmp.Diff(map[string]any{"cpu": 2, "vpc_id": "v"}, b.body(month(1))["spec"]); d != "" {
		t.Errorf("a server is ordered into its customer's network (-want +got):\n%s", d)
	}
	if len(at.products[0].Spec) != 1 {
		t.Errorf("the product's spec stays as it is: %v", at.products[0].Spec)
	}
	if a, b := b.key(), (purchase{n: 7, at: newProvider(cloud{name: "there"})}).key(); a == b {
		t.Errorf("orders at two clouds have two keys: %q", a)
	}
}
