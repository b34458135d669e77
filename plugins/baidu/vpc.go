package main

import (
	"context"
	"net/netip"

	"github.com/baidubce/bce-sdk-go/bce"
	vpcapi "github.com/baidubce/bce-sdk-go/services/vpc"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

type (
	vpcRow    = vpcapi.VPC
	subnetRow = vpcapi.Subnet
	network   = provider.Thing[kinds.VPCState]
	subnet    = provider.Thing[kinds.SubnetState]
)

// networks is the handler of the kind vpc, subnets that of the kind subnet.
type (
	networks struct{ *plugin }
	subnets  struct{ *plugin }
)

// net is the SDK's client for networks.
func netOf(k *bce.BceClient) *vpcapi.Client { return &vpcapi.Client{BceClient: k} }

func vpcKind(p *plugin) *provider.Kind {
	h := networks{p}
	return provider.KindOf[kinds.VPCSpec, kinds.VPCState](kinds.VPC, "Private network", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename))
}

// rangeOf reads a range of addresses, which begins with its first one.
func rangeOf(text string) error {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() || p.Masked() != p {
		return fault.Invalid("spec.cidr", "must be a range of IPv4 addresses like 10.0.0.0/16")
	}
	return nil
}

// Create makes one network. Its tag is the token.
func (h networks) Create(ctx context.Context, req provider.TypedCreate[kinds.VPCSpec]) (provider.Result[kinds.VPCState], error) {
	c, tag, err := h.free(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return provider.Result[kinds.VPCState]{}, err
	}
	if err := rangeOf(req.Spec.CIDR); err != nil {
		return provider.Result[kinds.VPCState]{}, err
	}
	args := &vpcapi.CreateVPCArgs{
		Name: nameOf(req.Name, tag), Description: req.Spec.Description, Cidr: req.Spec.CIDR, Tags: tags(tag),
		ClientToken: clientToken(req.Token, kinds.VPC, "create", c.region),
	}
	return buyOnce(ctx, buyer[kinds.VPCState]{
		find: func(ctx context.Context) (provider.TypedFound[kinds.VPCState], error) {
			return h.findCreated(ctx, c, createOf(req.Call, kinds.VPC, req.Token))
		},
		buy: func(ctx context.Context) (network, error) {
			answer, err := write(ctx, c, compute, func(k *bce.BceClient) (*vpcapi.CreateVPCResult, error) { return netOf(k).CreateVPC(args) })
			if err != nil {
				return network{}, err
			}
			if row, err := c.vpc(ctx, answer.VPCID); err == nil {
				return c.network(row), nil
			}
			return network{
				ID: answer.VPCID, Name: args.Name, Region: c.region, Status: provider.StatusFree, Token: tag,
				State: kinds.VPCState{CIDR: args.Cidr, Description: args.Description},
			}, nil
		},
	})
}

// Get reads one network.
func (h networks) Get(ctx context.Context, req provider.GetRequest) (network, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return network{}, err
	}
	row, err := c.vpc(ctx, req.ID)
	if err != nil {
		return network{}, err
	}
	return c.network(row), nil
}

// List streams the networks of the region, the cloud's own among them.
func (h networks) List(ctx context.Context, req provider.ListRequest, yield func(network) error) error {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return err
	}
	return c.vpcs(ctx, "", func(row vpcRow) error { return yield(c.network(row)) })
}

// Delete removes a network that has no subnets.
func (h networks) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	if err := idOf("network", req.ID); err != nil {
		return provider.Started{}, goneIsDone(err)
	}
	return provider.Started{}, goneIsDone(writeDone(ctx, c, compute, func(k *bce.BceClient) error {
		return netOf(k).DeleteVPC(req.ID, clientToken(req.Token, kinds.VPC, "delete", req.ID))
	}))
}

// FindByToken tells what became of a create or a release.
func (h networks) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[kinds.VPCState], error) {
	return whatBecame(ctx, h.plugin, req, h.findCreated, func(ctx context.Context, c *cloud, id string) error {
		_, err := c.vpc(ctx, id)
		return err
	})
}

// findCreated walks all networks: the cloud does not search them by tag.
func (h networks) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[kinds.VPCState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(network)) error {
		return c.vpcs(ctx, "", func(row vpcRow) error {
			if tokenIn(row.Tags) == tag {
				add(c.network(row))
			}
			return nil
		})
	})
}

// rename gives a network another name. The cloud wants its description again.
func (h networks) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := goodName(req.Input.Name); err != nil {
		return out, err
	}
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.vpc(ctx, req.ID)
	if err != nil || row.Name == req.Input.Name {
		return out, fault.NotDone(err)
	}
	return out, writeDone(ctx, c, compute, func(k *bce.BceClient) error {
		return netOf(k).UpdateVPC(req.ID, &vpcapi.UpdateVPCArgs{Name: req.Input.Name, Description: row.Description})
	})
}

// vpcs streams the networks of the region, or those with an id.
func (c *cloud) vpcs(ctx context.Context, id string, yield func(vpcRow) error) error {
	fetch := func(ctx context.Context, marker string, limit int) ([]vpcRow, string, error) {
		answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*vpcapi.ListVPCResult, error) {
			return netOf(k).ListVPC(&vpcapi.ListVPCArgs{Marker: marker, MaxKeys: limit, VpcIds: id})
		})
		if err != nil {
			return nil, "", err
		}
		return answer.VPCs, following(answer.IsTruncated, answer.NextMarker), nil
	}
	return page.ByToken(ctx, page.Options{Size: pageSize}, fetch, func(r vpcRow) string { return r.VPCID }, yield)
}

// vpc reads one network by the list, which shows all there is to know.
func (c *cloud) vpc(ctx context.Context, id string) (vpcRow, error) {
	return oneRow("network", id, func(yield func(vpcRow) error) error { return c.vpcs(ctx, id, yield) },
		func(r vpcRow) string { return r.VPCID })
}

// oneRow finds the row with an id in a list.
func oneRow[Row any](thing, id string, walk func(func(Row) error) error, key func(Row) string) (Row, error) {
	var out Row
	if err := idOf(thing, id); err != nil {
		return out, err
	}
	found := false
	err := walk(func(row Row) error {
		if key(row) == id {
			out, found = row, true
		}
		return nil
	})
	if err == nil && !found {
		err = fault.NotFound(thing, id)
	}
	return out, err
}

// network shows a VPC in the contract's words.
func (c *cloud) network(row vpcRow) network {
	return network{
		ID: row.VPCID, Name: row.Name, Region: c.region, Status: provider.StatusFree, Token: tokenIn(row.Tags), Created: moment(row.CreatedTime),
		State: kinds.VPCState{CIDR: row.Cidr, Default: row.IsDefault, Description: row.Description},
	}
}
