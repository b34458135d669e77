package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/capital/sim"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/retry"
	"tradewind.example/sdk/secret"
)

// buying are the actions that the suite makes fail.
func buying() []string {
	return []string{
		creates, "CreateEIP", "CreateBandwidth", "CreateDisk", "CreateVPC", "CreateSubnet", "CreateVirtualGateWay", "CreateSecurityGroup", "ModifySecurityGroupAttribute",
	}
}

// failing lets the simulator fail as the suite wants.
type failing struct{ cloud *sim.Cloud }

// LoseAnswers closes the connection after each purchase.
func (f failing) LoseAnswers(context.Context) error {
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindDrop, After: true, Actions: buying()})
}

// Delay makes every action wait.
func (f failing) Delay(_ context.Context, d time.Duration) error {
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindLatency, DelayMS: int(d.Milliseconds())})
}

// Refuse answers each purchase with a code of the cloud that has the class.
func (f failing) Refuse(_ context.Context, class fault.Class) error {
	code, ok := map[fault.Class]string{
		fault.ClassInvalid: "InvalidParameter", fault.ClassUnauthenticated: "SignatureDoesNotMatch", fault.ClassForbidden: "InvalidUser.NotFound",
		fault.ClassNotFound: "InvalidVpc.NotFound", fault.ClassConflict: "Cidr.Conflict", fault.ClassPrecondition: codeWrongStatus,
		fault.ClassThrottled: "Throttling", fault.ClassQuota: "MaxEcsCountExceed", fault.ClassOutOfStock: "Resource.SoldOut",
		fault.ClassInsufficientBalance: "Balance.Insufficient", fault.ClassUnavailable: "InternalError", fault.ClassUnsupported: "UnsupportedAction",
	}[class]
	if !ok {
		return fault.Unsupported("the cloud refuses no purchase with the class %s", class)
	}
	return f.cloud.SetFaults(sim.Fault{Kind: sim.KindRetCode, Status: 400, RetCode: sim.RetCode(code), Message: "refused", Actions: buying()})
}

// Clear ends all faults.
func (f failing) Clear(context.Context) error { return f.cloud.SetFaults() }

var update = flag.Bool("update", false, "write the conformance result into README.md")

// simulated is a simulator for the suite, with its clock and the time of one
// change of state. Orders of the suite need a network, a gateway and a server,
// which are made before.
func simulated(t *testing.T, now func() time.Time, advance func(time.Duration), step time.Duration) conformance.Fixture {
	t.Helper()
	cloud, err := sim.New(sim.Config{
		Now: now, Wall: time.Now, TransitionMS: int(step.Milliseconds()),
		Accounts: []sim.Account{
			{Name: "one", AccessKey: "access-one", SecretKey: "marker-one-secret-6c1e", BalanceFen: 1_000_000_00},
			{Name: "two", AccessKey: "access-two", SecretKey: "marker-two-secret-88d4", BalanceFen: 1_000_000_00},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(srv.Close)
	account := func(id, access, key string) provider.Account {
		return provider.Account{
			ID: id, Endpoint: srv.URL, Settings: map[string]string{"access_key": access, "allow_resize": "true"},
			Credentials: map[string]secret.Value{"secret_key": secret.New(key)},
		}
	}
	f := conformance.Fixture{
		Account: account("a1", "access-one", "marker-one-secret-6c1e"),
		Other:   account("a2", "access-two", "marker-two-secret-88d4"),
		Wrong:   account("a1", "access-one", "marker-wrong-secret-02b7"),
		Region:  edge, Zone: edgeZone, Now: now, Cloud: failing{cloud},
	}
	w := world{sim: cloud, url: srv.URL, region: edge, zone: edgeZone}
	base := prepare(t, f, advance)
	spec := spec(t, map[string]any{"subnet_id": base.subnet})
	f.Kinds = map[string]conformance.Kind{
		kinds.Instance: {
			Name: "web", Spec: spec, Term: month(1),
			Actions: map[string]json.RawMessage{"reset_password": json.RawMessage(`{"password":"Marker-pass-4411"}`), "rename": json.RawMessage(`{"name":"front"}`)},
		},
		kinds.Disk:      {Name: "data", Spec: json.RawMessage(`{"size_gb":24}`), Term: hourly()},
		kinds.VPC:       {Name: "net", Spec: json.RawMessage(`{"cidr":"172.16.0.0/16"}`), Term: forOnce()},
		kinds.Subnet:    {Name: "sub", Spec: json.RawMessage(fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.7.0/24"}`, base.vpc)), Term: forOnce(), Many: 25},
		kinds.Gateway:   {Name: "gate", Spec: json.RawMessage(fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.8.0/24"}`, base.vpc)), Term: forOnce()},
		kinds.EIP:       {Name: "front", Spec: json.RawMessage(`{"bandwidth_mbps":2}`), Term: hourly()},
		kinds.Bandwidth: {Name: "shared", Spec: json.RawMessage(`{"bandwidth_mbps":2}`), Term: hourly()},
		kinds.SecurityGroup: {
			Name: "office", Spec: json.RawMessage(`{"rules":[` + sshRule + `]}`), Update: json.RawMessage(`{"rules":[]}`), Term: forOnce(),
			Actions: map[string]json.RawMessage{"add_rule": json.RawMessage(sshRule), "bindings": json.RawMessage(`{}`)},
		},
	}
	t.Cleanup(func() { w.checkBooks(t) })
	return f
}

// longList is a cloud of its own, whose clock stands still, with an account
// that has many disks.
func longList(t *testing.T) *conformance.Big {
	t.Helper()
	began := time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)
	cloud, err := sim.New(sim.Config{
		Now: func() time.Time { return began }, Wall: time.Now, TransitionMS: -1, Limits: sim.Limits{DiskGB: bulk * leastDisk},
		Accounts: []sim.Account{{Name: "bulk", AccessKey: "access-bulk", SecretKey: "marker-bulk-secret-51aa", BalanceFen: 1_000_000_000_00}},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(cloud)
	t.Cleanup(srv.Close)
	a := provider.Account{
		ID: "a3", Endpoint: srv.URL, Settings: map[string]string{"access_key": "access-bulk"},
		Credentials: map[string]secret.Value{"secret_key": secret.New("marker-bulk-secret-51aa")},
	}
	p := newProvider()
	defer func() { _ = p.Shutdown(t.Context()) }()
	c, err := p.openIn(provider.Call{Org: "o", RootOrg: "o", Account: a, Region: edge})
	if err != nil {
		t.Fatal(err)
	}
	for range bulk / 100 {
		if _, _, err := write[loose](t.Context(), c, post(ebs, "CreateDisk", object{
			"AvailableZoneCode": edgeZone, "DiskFeature": diskType, "Size": leastDisk, "BillingMethod": payDemand, "Number": 100,
		})); err != nil {
			t.Fatalf("buying disks: %v", err)
		}
	}
	return &conformance.Big{Account: a, Stream: conformance.StreamList, Kind: kinds.Disk, Rows: bulk}
}

// base is what orders of the suite are made with.
type base struct{ vpc, subnet, gateway, server string }

// prepare makes a network, a gateway and a server through a plugin of its own.
func prepare(t *testing.T, f conformance.Fixture, advance func(time.Duration)) base {
	t.Helper()
	p := newProvider()
	defer func() { _ = p.Shutdown(t.Context()) }()
	call := provider.Call{Org: "o", RootOrg: "o", Account: f.Account, Region: f.Region, Zone: f.Zone}
	c, err := p.openIn(call)
	if err != nil {
		t.Fatal(err)
	}
	net, _, err := write[struct {
		VPCId        string
		SubnetIdList []string
	}](t.Context(), c, post(vpc, "CreateVPC", object{
		"RegionCode": f.Region, "VPCName": "base", "VPCSegment": "10.0.0.0/16", "VPCSegmentType": "manual", "BandwidthType": bgp,
		"SubnetList": []object{{"AvailableZoneCode": f.Zone, "SubnetName": "base", "SubnetSegment": "10.0.0.0/24"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	advance(transition)
	gate, _, err := write[struct{ VirtualGateWayIdList []string }](t.Context(), c, post(vpc, "CreateVirtualGateWay", object{
		"VPCId": net.VPCId, "VirtualGateWayList": []object{{
			"AvailableZoneCode": f.Zone, "VirtualGateWayName": "base", "VirtualGateWaySegment": "10.0.1.0/24", "Type": bgp,
		}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	server, _, err := write[struct{ EcsIdSet []string }](t.Context(), c, post(ecs, creates, object{
		"AvailableZoneCode": f.Zone, "EcsFamilyName": family1, "Cpu": 1, "Ram": 1, "BillingMethod": payDemand, "Password": "Base-server-1", "ImageId": image1,
		"SystemDisk": Disk{SizeGB: leastDisk}.row(), "DataDisk": []object{}, "VpcInfo": object{"VpcId": net.VPCId},
		"SubnetInfo": object{"SubnetId": net.SubnetIdList[0]}, "Name": "base",
	}))
	if err != nil {
		t.Fatal(err)
	}
	advance(transition)
	return base{net.VPCId, net.SubnetIdList[0], gate.VirtualGateWayIdList[0], server.EcsIdSet[0]}
}

// ranges is the plugin with a range of its own for the network, subnet or
// gateway of each token: the suite makes several with one spec, and those of
// this cloud must not overlap.
type ranges struct {
	*plugin
	kinds []*provider.Kind
}

func newRanges(p *plugin) ranges {
	out := ranges{plugin: p}
	var mu sync.Mutex
	numbers := map[string]int{}
	number := func(token string) int {
		mu.Lock()
		defer mu.Unlock()
		if numbers[token] == 0 {
			numbers[token] = len(numbers) + 1
		}
		return numbers[token]
	}
	shapes := map[string]func(n int) string{
		kinds.VPC:     func(n int) string { return fmt.Sprintf("10.%d.%d.0/20", 1+n/16%250, n%16*16) },
		kinds.Subnet:  func(n int) string { return fmt.Sprintf("10.0.%d.%d/28", 2+n/16%120, n%16*16) },
		kinds.Gateway: func(n int) string { return fmt.Sprintf("10.0.%d.%d/28", 122+n/16%120, n%16*16) },
	}
	for _, k := range p.kinds {
		own := *k
		if shape := shapes[k.Description.Name]; shape != nil {
			own.Create = func(ctx context.Context, req provider.CreateRequest) (provider.Change, error) {
				spec := map[string]any{}
				if err := json.Unmarshal(req.Spec, &spec); err == nil && spec["cidr"] != nil {
					spec["cidr"] = shape(number(req.Token))
					req.Spec, _ = json.Marshal(spec)
				}
				return k.Create(ctx, req)
			}
		}
		out.kinds = append(out.kinds, &own)
	}
	return out
}

// Kinds returns the kinds with ranges of their own.
func (r ranges) Kinds() []*provider.Kind { return r.kinds }

// TestConformance runs the suite against the simulator; both share a clock.
func TestConformance(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC))
	f := simulated(t, clk.Now, clk.Advance, transition)
	f.Advance = clk.Advance
	if !testing.Short() {
		f.Big = longList(t)
	}
	big := f.Big
	report := conformance.Run(t, conformance.Target{
		New: func() (provider.Provider, error) {
			return newRanges(newPlugin(clk, retry.Policy{Attempts: 3, Base: time.Millisecond, Max: 2 * time.Second})), nil
		},
		Fixture: f,
	})
	if testing.Short() || raced {
		t.Skip("the README also tells of the built plugin")
	}
	t.Run("binary", func(t *testing.T) {
		f := simulated(t, time.Now, func(time.Duration) {}, -time.Millisecond) // at once: polls are three seconds apart
		for _, kind := range []string{kinds.VPC, kinds.Subnet, kinds.Gateway} {
			delete(f.Kinds, kind) // see ranges
		}
		f.Big = big
		report = report.With(conformance.Run(t, conformance.Target{Binary: conformance.Build(t, ".", "capital"), Fixture: f}))
	})
	conformance.Publish(t, report, "README.md", *update)
}
