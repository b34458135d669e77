package kinds_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
)

// network is a handler that only has verbs.
type network struct{ provider.Deleter }

// netSpec embeds the common fields, narrows one and adds one.
type netSpec struct {
	kinds.EIPSpec
	Line   string `json:"line,omitempty" enum:"Bgp,International" title:"Line"`
	Shared string `json:"shared,omitempty" title:"Shared bandwidth"`
}

func described(t *testing.T, name string, spec, state any, actions ...provider.ActionDescription) provider.KindDescription {
	t.Helper()
	return provider.KindDescription{
		Name: name, Verbs: []provider.Verb{provider.VerbCreate}, Spec: schemaOf(t, spec), State: schemaOf(t, state), Actions: actions,
	}
}

func TestEveryCommonKindIsLikeItself(t *testing.T) {
	t.Parallel()
	all := map[string][2]any{
		kinds.Instance:      {kinds.InstanceSpec[kinds.InstanceDisk]{}, kinds.InstanceState{}},
		kinds.Image:         {kinds.ImageSpec{}, kinds.ImageState{}},
		kinds.Disk:          {kinds.DiskSpec{}, kinds.DiskState{}},
		kinds.VPC:           {kinds.VPCSpec{}, kinds.VPCState{}},
		kinds.Subnet:        {kinds.SubnetSpec{}, kinds.SubnetState{}},
		kinds.Gateway:       {kinds.GatewaySpec{}, kinds.GatewayState{}},
		kinds.EIP:           {kinds.EIPSpec{}, kinds.EIPState{}},
		kinds.Bandwidth:     {kinds.BandwidthSpec{}, kinds.BandwidthState{}},
		kinds.SecurityGroup: {kinds.SecurityGroupSpec{}, kinds.SecurityGroupState{}},
	}
	for _, name := range kinds.Names() {
		of, ok := all[name]
		if !ok {
			t.Errorf("%s has no types here", name)
			continue
		}
		if err := kinds.Check(described(t, name, of[0], of[1])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatDiffersIsTold(t *testing.T) {
	t.Parallel()
	type wrongSpec struct {
		kinds.EIPSpec
		Bandwidth string `json:"bandwidth_mbps" required:"true"`
	}
	type needsMore struct {
		kinds.EIPSpec
		Shared string `json:"shared" required:"true"`
	}
	type open struct {
		Password string `json:"password" required:"true"`
	}
	action := func(name string, input any) provider.ActionDescription {
		return provider.ActionDescription{Name: name, Input: schemaOf(t, input)}
	}
	for reason, c := range map[string]struct {
		kind        provider.KindDescription
		want, types string // in the messages of Check and of CheckTypes; "" is none
	}{
		"a kind of no common name is free": {kind: described(t, "box", wrongSpec{}, kinds.EIPState{})},
		"more fields and fewer values are allowed": {
			kind: described(t, kinds.EIP, netSpec{}, kinds.EIPState{}, action(kinds.ActionBind, kinds.InstanceRef{})),
		},
		"a common field keeps its type": {
			kind: described(t, kinds.EIP, wrongSpec{}, kinds.EIPState{}), want: "eip.spec.bandwidth_mbps: is of the type string", types: "eip.spec.bandwidth_mbps",
		},
		"nothing peculiar may be required": {
			kind: described(t, kinds.EIP, needsMore{}, kinds.EIPState{}), want: "eip.spec.shared: must be given",
		},
		"a common field may not be missing": {
			kind: described(t, kinds.EIP, kinds.EIPSpec{}, kinds.None{}), want: "eip.state.ip: is missing",
		},
		"an action's input may not be missing": {
			kind: described(t, kinds.EIP, kinds.EIPSpec{}, kinds.EIPState{}, action(kinds.ActionBind, kinds.None{})), want: "eip.bind.input.instance_id: is missing",
		},
		"a secret stays one": {
			kind:  described(t, kinds.Instance, kinds.InstanceSpec[kinds.InstanceDisk]{}, kinds.InstanceState{}, action(kinds.ActionResetPassword, open{})),
			want:  "instance.reset_password.input.password: is secret: false",
			types: "instance.reset_password.input.password: is secret: false",
		},
		"the fields of a list's members count": {
			kind: described(t, kinds.SecurityGroup, kinds.SecurityGroupSpec{}, struct {
				Rules []kinds.Rule `json:"rules"`
			}{}),
			want: "security_group.state.rules[].id: is missing",
		},
	} {
		expect(t, reason, kinds.Check(c.kind), c.want)
		expect(t, reason+", types alone", kinds.CheckTypes(c.kind), c.types)
	}
}

func expect(t *testing.T, reason string, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: got %v; want %q", reason, err, want)
	}
}

func schemaOf(t *testing.T, v any) json.RawMessage {
	t.Helper()
	raw, err := schema.ForType(reflect.TypeOf(v))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestEmbeddingKeepsTheDocument: a plugin's own type has the common fields at
// its top, with what it says of them.
func TestEmbeddingKeepsTheDocument(t *testing.T) {
	t.Parallel()
	k := provider.KindOf[netSpec, kinds.EIPState](kinds.EIP, "Address", network{})
	if k.Err() != nil {
		t.Fatal(k.Err())
	}
	v, err := schema.Compile(k.Description.Spec)
	if err != nil {
		t.Fatal(err)
	}
	for doc, ok := range map[string]bool{
		`{"bandwidth_mbps":5}`:                         true,
		`{"bandwidth_mbps":5,"line":"Bgp"}`:            true,
		`{"bandwidth_mbps":5,"line":"of-another"}`:     false,
		`{"line":"Bgp"}`:                               false,
		`{"bandwidth_mbps":5,"shared":"one","more":1}`: false,
	} {
		if err := v.Validate([]byte(doc), "spec"); (err == nil) != ok {
			t.Errorf("%s: %v", doc, err)
		}
	}
	spec, err := schema.Decode[netSpec](json.RawMessage(`{"bandwidth_mbps":5,"line":"Bgp"}`))
	want := netSpec{EIPSpec: kinds.EIPSpec{Bandwidth: 5, PayMode: kinds.PayBandwidth}, Line: "Bgp"}
	if diff := cmp.Diff(want, spec); diff != "" || err != nil {
		t.Errorf("decoded (-want +got): %s %v", diff, err)
	}
}

func TestRulesAreCompared(t *testing.T) {
	t.Parallel()
	ssh := kinds.Rule{Protocol: kinds.TCP, FromPort: 22, CIDR: "0.0.0.0/0"}
	said := kinds.Rule{
		Direction: kinds.In, Protocol: kinds.TCP, FromPort: 22, ToPort: 22, CIDR: "0.0.0.0/0", Action: kinds.Allow, Priority: 50, Description: "ssh",
	}
	if !ssh.Same(said) || ssh.ID() != said.ID() {
		t.Errorf("%+v and %+v are not the same", ssh, said)
	}
	other := said
	other.CIDR = "10.0.0.0/8"
	if ssh.Same(other) || ssh.ID() == other.ID() {
		t.Errorf("%+v and %+v are the same", ssh, other)
	}
	for reason, c := range map[string]struct {
		rule kinds.Rule
		path string
	}{
		"ports in their order": {rule: kinds.Rule{Protocol: kinds.TCP, FromPort: 90, ToPort: 80, CIDR: "0.0.0.0/0"}, path: "r.to_port"},
		"ports of a ping":      {rule: kinds.Rule{Protocol: kinds.ICMP, FromPort: 8, CIDR: "0.0.0.0/0"}, path: "r.from_port"},
		"a range of addresses": {rule: kinds.Rule{Protocol: kinds.TCP, CIDR: "everywhere"}, path: "r.cidr"},
		"a good one":           {rule: said},
		"one address":          {rule: kinds.Rule{Protocol: kinds.All, CIDR: "192.0.2.7"}},
	} {
		got := ""
		if e := fault.As(c.rule.Check("r")); e != nil && len(e.Fields) > 0 {
			got = e.Fields[0].Path
		}
		if got != c.path {
			t.Errorf("%s: refused at %q; want %q", reason, got, c.path)
		}
	}
}
