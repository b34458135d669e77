package main

import (
	"fmt"
	"slices"
	"testing"

	"tradewind.example/plugins/capital/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

const (
	cmcc = "Bandwidth_CMCC"
	bgp  = "Bandwidth_Multi_ISP_BGP"
)

// server buys a server that runs, with more fields of its spec.
func (w *world) server(t *testing.T, token string, fields map[string]any) provider.Resource {
	t.Helper()
	return w.create(t, provider.CreateRequest{Call: w.call(), Token: token, Kind: kinds.Instance, Name: "web", Spec: spec(t, fields), Term: hourly()})
}

// net makes a network with its subnet and returns both.
func (w *world) net(t *testing.T) (vpc, subnet provider.Resource) {
	t.Helper()
	vpc = w.made(t, kinds.VPC, "tok-vpc", `{"cidr":"10.0.0.0/16"}`, forOnce())
	all := w.list(t, kinds.Subnet)
	if len(all) != 1 {
		t.Fatalf("the network has the subnets %v", ids(all))
	}
	return vpc, all[0]
}

func TestNetworksAreMadeAndDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t).onEdge()
	vpc, first := w.net(t)
	if s := state[VPCState](t, vpc); s.CIDR != "10.0.0.0/16" || s.Subnets != 1 || s.Line != bgp || vpc.Status != provider.StatusFree || vpc.Name != "thing" {
		t.Errorf("network %+v, %+v", vpc, s)
	}
	if s := state[kinds.SubnetState](t, first); s.CIDR != "10.0.0.0/24" || s.VPCID != vpc.ID || first.Zone != edgeZone {
		t.Errorf("its subnet %+v, %+v", first, s)
	}
	second := w.made(t, kinds.Subnet, "tok-s", fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.1.0/24"}`, vpc.ID), forOnce())
	gateway := w.made(t, kinds.Gateway, "tok-g", fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.2.0/24","line":%q}`, vpc.ID, cmcc), forOnce())
	if s := state[kinds.GatewayState](t, gateway); s.Line == "" || s.CIDR != "10.0.2.0/24" || gateway.Zone != edgeZone {
		t.Errorf("gateway %+v, %+v", gateway, s)
	}
	for _, kind := range []string{kinds.Subnet, kinds.Gateway} {
		_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.VPC, ID: vpc.ID})
		want(t, "it has a "+kind, err, fault.ClassPrecondition, fault.OutcomeNotDone)
		id := map[string]string{kinds.Subnet: second.ID, kinds.Gateway: gateway.ID}[kind]
		w.drop(t, kind, id)
		w.drop(t, kind, id)
	}
	w.acts(t, kinds.VPC, vpc.ID, "set_line", `{"line":"Bandwidth_China_Unicom"}`)
	if s := state[VPCState](t, w.get(t, kinds.VPC, vpc.ID)); s.Line != "Bandwidth_China_Unicom" {
		t.Errorf("its line is %q", s.Line)
	}
	w.drop(t, kinds.VPC, vpc.ID)
	w.drop(t, kinds.VPC, vpc.ID)
	if left := append(w.list(t, kinds.VPC), w.list(t, kinds.Subnet)...); len(left) != 0 {
		t.Errorf("left: %v", ids(left))
	}
}

func TestListsOfManyPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.VPCPageSize = 3 })
	vpc, _ := w.net(t)
	for i := range 7 {
		w.made(t, kinds.Subnet, fmt.Sprintf("tok-%d", i), fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.%d.0/24"}`, vpc.ID, i+1), forOnce())
	}
	if all := w.list(t, kinds.Subnet); len(all) != 8 {
		t.Errorf("%d subnets", len(all))
	}
}

func TestWrongRangesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := map[string]struct{ kind, spec string }{
		"NoRange":   {kinds.VPC, `{"cidr":"somewhere1"}`},
		"Host":      {kinds.VPC, `{"cidr":"10.0.0.1/16"}`},
		"Outside":   {kinds.VPC, `{"cidr":"10.0.0.0/16","subnet_cidr":"10.1.0.0/24"}`},
		"Larger":    {kinds.VPC, `{"cidr":"10.0.0.0/16","subnet_cidr":"10.0.0.0/8"}`},
		"Subnet":    {kinds.Subnet, `{"vpc_id":"v","cidr":"10.0.0.0/33"}`},
		"Gateway":   {kinds.Gateway, `{"vpc_id":"v"}`},
		"Protocol":  {kinds.SecurityGroup, `{"rules":[{"protocol":"gre","cidr":"0.0.0.0/0"}]}`},
		"VPC":       {kinds.SecurityGroup, `{"vpc_id":"v"}`},
		"DiskSize":  {kinds.Disk, `{"size_gb":20}`},
		"DiskZone":  {kinds.Disk, `{"size_gb":24,"zone":"none"}`},
		"Described": {kinds.Image, `{"instance_id":"i","description":"d"}`},
		"Fund":      {kinds.EIP, `{"bandwidth_mbps":1,"test_account":"none"}`},
	}
	for name, tc := range cases {
		term := forOnce()
		if tc.kind == kinds.Disk || tc.kind == kinds.EIP {
			term = hourly()
		}
		req := provider.CreateRequest{Call: w.call(), Token: "tok-" + name, Kind: tc.kind, Name: "n", Spec: []byte(tc.spec), Term: term}
		if name == "DiskZone" {
			req.Call.Zone = ""
		}
		_, err := w.Create(t.Context(), req)
		want(t, name, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
}

func TestAddressesOnAPlatform(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, net := w.net(t)
	eip := w.made(t, kinds.EIP, "tok-e", `{"bandwidth_mbps":5,"test_account":"trial"}`, hourly())
	if s := state[EIPState](t, eip); s.IP == "" || s.Bandwidth != 5 || s.Line != bgp || s.PayMode != kinds.PayBandwidth || eip.Status != provider.StatusFree ||
		eip.Billing != provider.BillingPostpay || eip.Zone != "" || eip.Name != "thing" {
		t.Errorf("made %+v, %+v", eip, s)
	}
	server := w.server(t, "tok-i", map[string]any{"subnet_id": net.ID})
	ref := fmt.Sprintf(`{"instance_id":%q}`, server.ID)
	for range 2 {
		w.acts(t, kinds.EIP, eip.ID, kinds.ActionBind, ref)
	}
	got := w.get(t, kinds.EIP, eip.ID)
	if s := state[EIPState](t, got); got.Status != provider.StatusBound || s.BoundTo != server.ID || s.BoundType != kinds.Instance {
		t.Errorf("bound %+v, %+v", got, s)
	}
	if s := state[InstanceState](t, w.get(t, kinds.Instance, server.ID)); len(s.Addresses) != 2 || s.Addresses[1].Bandwidth != 5 {
		t.Errorf("the server has %+v", s.Addresses)
	}
	_, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.EIP, ID: eip.ID})
	want(t, "it is bound", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	use := state[NetEIPs](t, provider.Resource{State: w.acts(t, kinds.Subnet, net.ID, "eips", `{}`).Output})
	if len(use.EIPs) != 1 || use.EIPs[0].EIPID != eip.ID || use.EIPs[0].Region != home {
		t.Errorf("the subnet has %+v", use)
	}
	w.acts(t, kinds.EIP, eip.ID, kinds.ActionRename, `{"name":"front"}`)
	if r := w.get(t, kinds.EIP, eip.ID); r.Name != "front" || r.Token != eip.Token {
		t.Errorf("renamed %+v", r)
	}
	for range 2 {
		w.acts(t, kinds.EIP, eip.ID, kinds.ActionUnbind, `{}`)
	}
	_, err = w.act(t, kinds.EIP, eip.ID, kinds.ActionResize, `{"bandwidth_mbps":9}`)
	want(t, "nobody is billed for it", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	w.drop(t, kinds.EIP, eip.ID)
	w.drop(t, kinds.EIP, eip.ID)
}

func TestAddressesOnTheEdge(t *testing.T) {
	t.Parallel()
	w := newWorld(t).onEdge()
	vpc, net := w.net(t)
	gateway := w.made(t, kinds.Gateway, "tok-g", fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.9.0/24","line":%q}`, vpc.ID, cmcc), forOnce())
	eip := w.made(t, kinds.EIP, "tok-e", fmt.Sprintf(`{"bandwidth_mbps":5,"line":%q}`, cmcc), month(1))
	if eip.Zone != edgeZone || eip.Billing != provider.BillingPrepaid {
		t.Errorf("made %+v", eip)
	}
	bare := w.server(t, "tok-b", map[string]any{"subnet_id": net.ID})
	_, err := w.act(t, kinds.EIP, eip.ID, kinds.ActionBind, fmt.Sprintf(`{"instance_id":%q}`, bare.ID))
	want(t, "the server has no address at a gateway", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	server := w.server(t, "tok-i", map[string]any{"subnet_id": net.ID, "gateway_id": gateway.ID, "private_ip": "10.0.0.77"})
	w.acts(t, kinds.EIP, eip.ID, kinds.ActionBind, fmt.Sprintf(`{"instance_id":%q}`, server.ID))
	if s := state[EIPState](t, w.get(t, kinds.EIP, eip.ID)); s.BoundTo != server.ID {
		t.Errorf("bound to %+v", s)
	}
	if s := state[InstanceState](t, w.get(t, kinds.Instance, server.ID)); len(s.Addresses) != 3 || s.Addresses[0].IP != "10.0.0.77" {
		t.Errorf("the server has %+v", s.Addresses)
	}
	_, err = w.act(t, kinds.EIP, eip.ID, kinds.ActionBind, fmt.Sprintf(`{"instance_id":%q}`, bare.ID))
	if err == nil {
		t.Error("a bound address was bound elsewhere")
	}
	at := state[AddressList](t, provider.Resource{State: w.acts(t, kinds.Gateway, gateway.ID, "addresses", `{}`).Output})
	if at.Used != 5 || at.Free+at.Used != len(at.Addresses) {
		t.Errorf("the gateway has %d used, %d free of %d", at.Used, at.Free, len(at.Addresses))
	}
	for _, action := range []string{"addresses", "usage"} {
		in := state[AddressList](t, provider.Resource{State: w.acts(t, kinds.Subnet, net.ID, action, `{}`).Output})
		if in.Used != 6 || !slices.ContainsFunc(in.Addresses, func(a AddressUse) bool { return a.IP == "10.0.0.77" && a.Used }) {
			t.Errorf("%s: %d used", action, in.Used)
		}
	}
}

func TestAddressesAreBoundInPairs(t *testing.T) {
	t.Parallel()
	w := newWorld(t).onEdge()
	vpc, _ := w.net(t)
	gateway := w.made(t, kinds.Gateway, "tok-g", fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.9.0/24","line":%q}`, vpc.ID, bgp), forOnce())
	var ips []string
	for i := range 2 {
		ips = append(ips, state[EIPState](t, w.made(t, kinds.EIP, fmt.Sprintf("tok-%d", i), `{"bandwidth_mbps":1}`, hourly())).IP)
	}
	input := fmt.Sprintf(`{"private_ips":["10.0.9.10","10.0.9.11"],"eips":[%q,%q]}`, ips[0], ips[1])
	w.acts(t, kinds.Gateway, gateway.ID, "bind_eips", input)
	w.clock.Advance(transition)
	w.acts(t, kinds.Gateway, gateway.ID, "bind_eips", input)
	if n := w.sim.Counts()["ReserveIPAndBindEIP"].Calls; n != 1 {
		t.Errorf("the cloud was asked %d times", n)
	}
	for _, r := range w.list(t, kinds.EIP) {
		if s := state[EIPState](t, r); r.Status != provider.StatusBound || s.BoundTo != gateway.ID {
			t.Errorf("%+v, %+v", r, s)
		}
	}
	_, err := w.act(t, kinds.Gateway, gateway.ID, "bind_eips", `{"private_ips":["10.0.9.10"],"eips":["a","b"]}`)
	want(t, "they are no pairs", err, fault.ClassInvalid, fault.OutcomeNotDone)
}

func TestSharedBandwidth(t *testing.T) {
	t.Parallel()
	w := newWorld(t).onEdge()
	vpc, _ := w.net(t)
	_, err := w.Create(t.Context(), provider.CreateRequest{
		Call: w.call(), Token: "tok-0", Kind: kinds.Bandwidth, Name: "b", Spec: []byte(`{"bandwidth_mbps":10}`), Term: hourly(),
	})
	want(t, "there is no gateway", err, fault.ClassInvalid, fault.OutcomeNotDone)
	w.made(t, kinds.Gateway, "tok-g", fmt.Sprintf(`{"vpc_id":%q,"cidr":"10.0.9.0/24","line":%q}`, vpc.ID, bgp), forOnce())
	band := w.made(t, kinds.Bandwidth, "tok-b", `{"bandwidth_mbps":10}`, hourly())
	if s := state[BandwidthState](t, band); s.Bandwidth != 10 || s.Line != bgp || band.Status != provider.StatusFree || band.Name != "thing" || band.Zone != edgeZone {
		t.Errorf("made %+v, %+v", band, s)
	}
	eip := w.made(t, kinds.EIP, "tok-e", `{"bandwidth_mbps":1}`, hourly())
	ref := fmt.Sprintf(`{"eip_id":%q}`, eip.ID)
	for range 2 {
		w.acts(t, kinds.Bandwidth, band.ID, kinds.ActionAddEIP, ref)
	}
	got := w.get(t, kinds.Bandwidth, band.ID)
	if s := state[BandwidthState](t, got); got.Status != provider.StatusBound || !slices.Equal(s.EIPIDs, []string{eip.ID}) {
		t.Errorf("shared %+v, %+v", got, s)
	}
	if s := state[EIPState](t, w.get(t, kinds.EIP, eip.ID)); !s.Shared || s.Bandwidth != 10 {
		t.Errorf("the address has %+v", s)
	}
	_, err = w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.Bandwidth, ID: band.ID})
	want(t, "an address uses it", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	_, err = w.act(t, kinds.Bandwidth, band.ID, kinds.ActionRemoveEIP, ref)
	want(t, "nobody is billed for it", err, fault.ClassPrecondition, fault.OutcomeNotDone)
	rich := w.rich()
	for range 2 {
		rich.acts(t, kinds.Bandwidth, band.ID, kinds.ActionResize, `{"bandwidth_mbps":20}`)
	}
	if s := state[BandwidthState](t, w.get(t, kinds.Bandwidth, band.ID)); s.Bandwidth != 20 {
		t.Errorf("resized %+v", s)
	}
	for range 2 {
		rich.acts(t, kinds.Bandwidth, band.ID, kinds.ActionRemoveEIP, ref)
	}
	for range 2 {
		rich.acts(t, kinds.EIP, eip.ID, kinds.ActionResize, `{"bandwidth_mbps":3}`)
	}
	if s := state[EIPState](t, w.get(t, kinds.EIP, eip.ID)); s.Shared || s.Bandwidth != 3 {
		t.Errorf("the address has %+v", s)
	}
	for kind, id := range map[string]string{kinds.Bandwidth: band.ID, kinds.EIP: eip.ID} {
		flow := state[Flow](t, provider.Resource{State: w.acts(t, kind, id, "flow", `{}`).Output})
		if len(flow.Points) < 50 || flow.Points[0].In == "" {
			t.Errorf("the flow of %s has %d points", kind, len(flow.Points))
		}
	}
	w.drop(t, kinds.Bandwidth, band.ID)
	w.drop(t, kinds.Bandwidth, band.ID)
}

// rich is the same world with an account that allows what nobody is billed for.
func (w *world) rich() *world {
	out := *w
	out.settings = append(slices.Clone(w.settings), "allow_resize", "true")
	return &out
}
