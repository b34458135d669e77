package kindtable_test

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
	"tradewind.example/tools/kindtable"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func TestPage(t *testing.T) {
	t.Parallel()
	state, err := schema.For[kinds.EIPState]()
	if err != nil {
		t.Fatal(err)
	}
	got := kindtable.Page([]provider.Description{
		{Name: "north", Title: "North", Capabilities: []provider.Capability{provider.CapRegions, provider.CapResources}, Kinds: []provider.KindDescription{
			{Name: "app", PartKinds: []string{"component", "service"}, Verbs: []provider.Verb{provider.VerbGet}, Actions: []provider.ActionDescription{{Name: "scale"}}},
			{Name: kinds.EIP, State: state, Verbs: []provider.Verb{provider.VerbList, provider.VerbGet}},
		}},
		{Name: "east", Title: "East", Capabilities: []provider.Capability{provider.CapResources}, Kinds: []provider.KindDescription{
			{
				Name: kinds.EIP, State: json.RawMessage(`{}`), Verbs: []provider.Verb{provider.VerbCreate, provider.VerbGet},
				Actions: []provider.ActionDescription{{Name: kinds.ActionUnbind}},
			},
		}},
	})
	const golden = "testdata/page.md"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}
