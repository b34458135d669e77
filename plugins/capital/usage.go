package main

import (
	"context"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// mostAddresses bounds the addresses of one answer.
const mostAddresses = 10_000

// AddressUse is one address of a subnet or gateway.
type AddressUse struct {
	IP    string `json:"ip" title:"Address"`
	Used  bool   `json:"used,omitempty" title:"In use"`
	Usage string `json:"usage,omitempty" title:"By what"`
}

// AddressList are the addresses of a subnet or gateway.
type AddressList struct {
	Addresses []AddressUse `json:"addresses" required:"true" title:"Addresses"`
	Free      int          `json:"free" title:"Free addresses"`
	Used      int          `json:"used" title:"Addresses in use"`
}

// add counts an address, and shows it while there is room.
func (l *AddressList) add(a AddressUse) {
	if a.Used {
		l.Used++
	} else {
		l.Free++
	}
	if len(l.Addresses) < mostAddresses {
		l.Addresses = append(l.Addresses, a)
	}
}

// query opens an action that changes nothing.
func query[In any](p *plugin, req provider.TypedAction[In]) (*cloud, error) {
	if req.ID == "" {
		return nil, fault.Invalid("id", "is required")
	}
	return p.openIn(req.Call)
}

// addressesOf is the action that lists all addresses of a net; sort is the
// cloud's word for what it is.
func addressesOf(p *plugin, sort string) func(context.Context, provider.TypedAction[none]) (provider.ActionResult[AddressList], error) {
	return func(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[AddressList], error) {
		out := provider.ActionResult[AddressList]{Output: AddressList{Addresses: []AddressUse{}}}
		c, err := query(p, req)
		if err != nil {
			return out, err
		}
		all, err := read[struct {
			SegmentList []struct {
				IPList []struct {
					IPAddress, IPUsage string
					IPStatus           loose
				}
			}
		}](ctx, c, post(vpc, "DescribeIPInfo", object{"NetId": req.ID, "IPType": sort}))
		for _, s := range all.SegmentList {
			for _, ip := range s.IPList {
				out.Output.add(AddressUse{IP: ip.IPAddress, Used: ip.IPStatus.text() == "1", Usage: ip.IPUsage})
			}
		}
		return out, err
	}
}

// usage lists the used addresses of a subnet before the free ones.
func (h subnetsOf) usage(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[AddressList], error) {
	out := provider.ActionResult[AddressList]{Output: AddressList{Addresses: []AddressUse{}}}
	c, err := query(h.plugin, req)
	if err != nil {
		return out, err
	}
	all, err := read[struct {
		UnusedList []string
		UsedList   []struct{ IP, Usage string }
	}](ctx, c, post(vpc, "DescribeSubnetIp", object{"NetId": req.ID}))
	for _, ip := range all.UsedList {
		out.Output.add(AddressUse{IP: ip.IP, Used: true, Usage: ip.Usage})
	}
	for _, ip := range all.UnusedList {
		out.Output.add(AddressUse{IP: ip})
	}
	return out, err
}

// NetEIP is an elastic address that is bound to an address of a net.
type NetEIP struct {
	EIPID     string `json:"eip_id" title:"Elastic address"`
	IP        string `json:"ip" title:"Address"`
	Bandwidth int    `json:"bandwidth_mbps" title:"Bandwidth in Mbit/s"`
	Line      string `json:"line,omitempty" title:"Line"`
	PayMode   string `json:"pay_mode,omitempty" title:"What is paid for" doc:"The cloud's words"`
	Status    string `json:"status,omitempty" title:"State" doc:"The cloud's word"`
	Region    string `json:"region,omitempty" title:"Region"`
}

// NetEIPs are the elastic addresses of a net.
type NetEIPs struct {
	EIPs []NetEIP `json:"eips" required:"true" title:"Elastic addresses"`
}

// eipsOf is the action that lists the elastic addresses of a net. The region's
// misspelling is the cloud's own.
func eipsOf(p *plugin) func(context.Context, provider.TypedAction[none]) (provider.ActionResult[NetEIPs], error) {
	return func(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[NetEIPs], error) {
		out := provider.ActionResult[NetEIPs]{Output: NetEIPs{EIPs: []NetEIP{}}}
		c, err := query(p, req)
		if err != nil {
			return out, err
		}
		all, err := read[[]struct {
			EIPs []struct {
				IP                                string `json:"EIP"`
				ID                                string `json:"EIPId"`
				Qos                               loose
				Status, BandwidthType, BillScheme string
				ReginCode, RegionCode             string
			} `json:"EIP_INFO_LIST"`
		}](ctx, c, post(vpc, "NetEIPInfo", object{"NetIdList": []string{req.ID}}))
		for _, net := range all {
			for _, e := range net.EIPs {
				out.Output.EIPs = append(out.Output.EIPs, NetEIP{
					EIPID: e.ID, IP: e.IP, Bandwidth: e.Qos.number(), Line: e.BandwidthType, PayMode: e.BillScheme, Status: e.Status,
					Region: firstText(e.ReginCode, e.RegionCode),
				})
			}
		}
		return out, err
	}
}

// BindEIPs are elastic addresses with the private ones they go to, in pairs.
type BindEIPs struct {
	PrivateIPs  []string `json:"private_ips" required:"true" min:"1" max:"100" title:"Addresses at the gateway" doc:"Free ones, which are reserved"`
	EIPs        []string `json:"eips" required:"true" min:"1" max:"100" title:"Elastic addresses" doc:"The addresses themselves, as many as there are private ones"`
	Description string   `json:"description,omitempty" max:"128" default:"tradewind" title:"Description"`
}

// bindEIPs reserves addresses of a gateway and binds elastic ones to them. The
// cloud tells nothing of how far it is: the elastic addresses do.
func (h gatewaysOf) bindEIPs(ctx context.Context, req provider.TypedAction[BindEIPs]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if len(req.Input.PrivateIPs) != len(req.Input.EIPs) {
		return out, fault.Invalid("input.eips", "must be as many as the private addresses")
	}
	c, err := query(h.plugin, req)
	if err != nil {
		return out, err
	}
	t, err := h.one(ctx, c.at(c.region, ""), req.ID)
	if err != nil {
		return out, fault.NotDone(err)
	}
	already := true
	err = c.eips(ctx, "", func(row eipRow) error {
		for i, ip := range req.Input.EIPs {
			if row.IP == ip && (row.boundNet() != req.ID || row.boundIP() != req.Input.PrivateIPs[i]) {
				already = false
			}
		}
		return nil
	})
	if err != nil || already {
		return out, fault.NotDone(err)
	}
	_, _, err = write[loose](ctx, c, post(vpc, "ReserveIPAndBindEIP", object{
		"AvailableZoneCode": t.Zone,
		"Ips": []object{{
			"NetId": req.ID, "AddressList": req.Input.PrivateIPs, "EIPList": req.Input.EIPs, "Description": firstText(req.Input.Description, "tradewind"),
		}},
	}))
	return out, err
}
