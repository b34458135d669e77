package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

func TestTheProviderCanBeServed(t *testing.T) {
	t.Parallel()
	if err := plugintest.Problem(t.Context(), newProvider()); err != nil {
		t.Error(err)
	}
}

func TestDescribeOfTheBinary(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the plugin")
	}
	bin := filepath.Join(t.TempDir(), "tradewind-provider-baidu")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), bin, "describe").Output()
	if err != nil {
		t.Fatalf("describe: %v", err)
	}
	var d provider.Description
	if err := json.Unmarshal(out, &d); err != nil {
		t.Fatalf("the manifest is no JSON: %v", err)
	}
	caps := []provider.Capability{
		provider.CapRegions, provider.CapOfferings, provider.CapQuote, provider.CapPlacement, provider.CapResources, provider.CapOperations,
		provider.CapRenew, provider.CapAccounts, provider.CapSignIn, provider.CapVendorOrders, provider.CapBillLines, provider.CapBalance, provider.CapImport,
		provider.CapHostStorage,
	}
	if diff := cmp.Diff(caps, d.Capabilities); diff != "" || d.Name != "baidu" || d.Currency != "CNY" || len(d.Kinds) != 8 {
		t.Errorf("manifest %s, capabilities (-want +got):\n%s", out, diff)
	}
	if strings.Contains(string(d.Kinds[0].Spec), "assword") {
		t.Error("the spec of a server has a password, which would be stored")
	}
}

func TestServersArePlaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Limits.Stock = []sim.Stock{{Zone: zone, MachineType: "bcc.g5.c2m8", Count: 1}}
	})
	place := func(kind, spec string, n int) provider.Placement {
		t.Helper()
		term := month(1)
		term.Quantity = n
		p, err := w.Place(t.Context(), provider.PlaceRequest{Call: w.call(), Kind: kind, Spec: json.RawMessage(spec), Term: term})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := place(kinds.Instance, serverSpec, 1); !p.OK || len(p.Zones) != 2 {
		t.Errorf("one: %+v", p)
	}
	if p := place(kinds.Instance, serverSpec, 2); p.OK || p.Reason == "" || len(p.Zones) != 1 {
		t.Errorf("two: %+v", p)
	}
	if p := place(kinds.Instance, `{"cpu":3,"memory_mb":8192,"image_id":"m-ubuntu2204","boot_disk":{"size_gb":20}}`, 1); p.OK || p.Reason == "" {
		t.Errorf("a size that is not sold: %+v", p)
	}
	if p := place(kinds.VPC, `{"cidr":"10.0.0.0/8"}`, 1); !p.OK {
		t.Errorf("a network: %+v", p)
	}
}
