package main

import (
	"encoding/json"
	"testing"

	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// mapped are the cloud's actions behind the calls of the original interface.
// Two of its calls need none: regions have names of our own besides GetRegion,
// and protocols are a table. Taking a server out of a firewall is GrantFirewall
// of another one, since DisassociateFirewall is for load balancers.
func mapped() []string {
	return []string{
		"DescribeUHostInstance", "CreateProject", "CreateUser", "CreateAccessKey", "AttachPoliciesToUser",
		"DescribeAvailableInstanceTypes", "DescribeImage", "GetRegion", "GetEIPPrice", "GetUHostInstancePrice", "CreateUHostInstance",
		"StopUHostInstance", "PoweroffUHostInstance", "StartUHostInstance", "RebootUHostInstance", "GetUHostInstanceVncInfo",
		"TerminateUHostInstance", "ResetUHostInstancePassword",
		"CreateFirewall", "DescribeFirewall", "DeleteFirewall", "UpdateFirewall", "UpdateFirewallAttribute", "DescribeFirewallResource", "GrantFirewall",
		"AllocateEIP", "BindEIP", "DescribeEIP", "UnBindEIP", "ReleaseEIP",
	}
}

// TestEveryMappedActionIsReached does everything once, as a broker would.
func TestEveryMappedActionIsReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	everywhere := w.call()
	everywhere.Region, everywhere.Zone = "", ""
	if _, err := w.Regions(t.Context(), provider.RegionsRequest{Call: everywhere}); err != nil {
		t.Error(err)
	}
	protocols := 0
	for _, o := range w.offerings(t, provider.OfferingsRequest{Call: w.call()}) {
		if o.Type == kinds.TypeProtocol && o.Attrs[kinds.AttrProtocol] != "" {
			protocols++
		}
	}
	if protocols == 0 {
		t.Error("no protocol is offered")
	}
	for kind, spec := range map[string]string{"instance": serverSpec, "eip": `{"bandwidth_mbps":2}`} {
		_, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeCreate, Kind: kind, Spec: json.RawMessage(spec), Term: month(1)})
		if err != nil {
			t.Errorf("pricing %s: %v", kind, err)
		}
	}
	if _, err := w.ensure(t, "tok-a", "reseller-7", policies()...); err != nil {
		t.Error(err)
	}
	w.walkServer(t)
	w.walkNetwork(t)
	counts := w.sim.Counts()
	for _, action := range mapped() {
		if counts[action].OK == 0 {
			t.Errorf("%s was never called with success", action)
		}
	}
}

// walkServer takes a server through its life.
func (w *world) walkServer(t *testing.T) {
	t.Helper()
	id := w.server(t, "tok-1")
	for _, step := range [][2]string{
		{"console", `{}`}, {"reboot", `{}`}, {"stop", `{}`}, {"reset_password", `{"password":"Correct-horse-8"}`}, {"start", `{}`}, {"stop", `{"force":true}`},
	} {
		w.mustAct(t, "instance", id, step[0], step[1])
		w.clock.Advance(2 * transition)
	}
	w.list(t, "instance")
	w.delete(t, id)
}

// walkNetwork takes an address and a security group through theirs.
func (w *world) walkNetwork(t *testing.T) {
	t.Helper()
	server, address := w.server(t, "tok-2"), w.address(t, "tok-3")
	group := w.made(t, kinds.SecurityGroup, "tok-g", "office", `{"rules":[`+sshRule+`]}`).ID
	ref := `{"instance_id":"` + server + `"}`
	for _, step := range [][3]string{
		{"eip", "bind", ref}, {"eip", "unbind", `{}`},
		{kinds.SecurityGroup, "add_rule", `{"protocol":"icmp","cidr":"0.0.0.0/0"}`}, {kinds.SecurityGroup, "rename", `{"name":"home"}`},
		{kinds.SecurityGroup, "bind", ref}, {kinds.SecurityGroup, "bindings", `{}`}, {kinds.SecurityGroup, "unbind", ref},
	} {
		id := group
		if step[0] == "eip" {
			id = address
		}
		w.mustAct(t, step[0], id, step[1], step[2])
		w.clock.Advance(2 * transition)
	}
	w.list(t, "eip")
	w.drop(t, "eip", address)
	w.drop(t, kinds.SecurityGroup, group)
}
