package main

import (
	"context"
	"net/netip"

	vpcapi "github.com/ucloud/ucloud-sdk-go/services/vpc"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

type (
	vpcRow    = vpcapi.VPCInfo
	subnetRow = vpcapi.SubnetInfo
	network   = provider.Thing[kinds.VPCState]
	subnet    = provider.Thing[kinds.SubnetState]
	vpcClient = *vpcapi.VPCClient
)

// networks is the handler of the kind vpc, subnets that of the kind subnet.
type (
	networks struct{ *plugin }
	subnets  struct{ *plugin }
)

func vpcKind(p *plugin) *provider.Kind {
	return provider.KindOf[kinds.VPCSpec, kinds.VPCState](kinds.VPC, "Private network", networks{p})
}

func subnetKind(p *plugin) *provider.Kind {
	return provider.KindOf[kinds.SubnetSpec, kinds.SubnetState](kinds.Subnet, "Subnet", subnets{p})
}

// rangeOf reads a range of addresses, which begins with its first one.
func rangeOf(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() || p.Masked() != p {
		return p, fault.Invalid("spec.cidr", "must be a range of IPv4 addresses like 10.0.0.0/16")
	}
	return p, nil
}

// Create makes one network. Its tag is the token.
func (h networks) Create(ctx context.Context, req provider.TypedCreate[kinds.VPCSpec]) (provider.Result[kinds.VPCState], error) {
	var zero provider.Result[kinds.VPCState]
	c, tag, err := h.free(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	if _, err := rangeOf(req.Spec.CIDR); err != nil {
		return zero, err
	}
	name := nameOf(req.Name, tag)
	made := func(id string) provider.Result[kinds.VPCState] {
		t := network{ID: id, Name: name, Region: c.region, Status: provider.StatusFree, Token: tag, State: kinds.VPCState{CIDR: req.Spec.CIDR}}
		if row, err := c.vpc(ctx, id); err == nil {
			t = c.network(row)
		}
		return provider.Done(t)
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kinds.VPC, Change: provider.ChangeCreate}
	return buyOnce(ctx, h.plugin, c, kinds.VPC, tag, buyer[kinds.VPCState]{
		find: func(ctx context.Context) (provider.TypedFound[kinds.VPCState], error) {
			return h.findCreated(ctx, c, find)
		},
		buy: func(ctx context.Context) (provider.Result[kinds.VPCState], string, error) {
			answer, err := write(ctx, c, vpcapi.NewClient, func(k vpcClient) (*vpcapi.CreateVPCResponse, error) {
				r := k.NewCreateVPCRequest()
				r.Name, r.Tag, r.Remark, r.Network = &name, &tag, optional(req.Spec.Description), []string{req.Spec.CIDR}
				return k.CreateVPC(r)
			})
			if err != nil {
				return zero, "", err
			}
			return made(answer.VPCId), answer.VPCId, nil
		},
		hidden: made,
	})
}

// Get reads one network.
func (h networks) Get(ctx context.Context, req provider.GetRequest) (network, error) {
	c, err := h.openIn(req.Call)
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
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.vpcs(ctx, nil, func(row vpcRow) error { return yield(c.network(row)) })
}

// Delete removes a network that has no subnets. The cloud's refusal of an
// unknown id is not documented, so it is looked for first.
func (h networks) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	if _, err := c.vpc(ctx, req.ID); err != nil {
		return provider.Started{}, goneIsDone(err)
	}
	_, err = write(ctx, c.at(c.region, ""), vpcapi.NewClient, func(k vpcClient) (*vpcapi.DeleteVPCResponse, error) {
		r := k.NewDeleteVPCRequest()
		r.VPCId = &req.ID
		return k.DeleteVPC(r)
	})
	return provider.Started{}, goneIsDone(err)
}

// FindByToken tells what became of a create or a release.
func (h networks) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[kinds.VPCState], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.TypedFound[kinds.VPCState]{}, err
	}
	return byToken(req, "network",
		func() (provider.TypedFound[kinds.VPCState], error) { return h.findCreated(ctx, c, req) },
		func() error { _, err := c.vpc(ctx, req.ID); return err })
}

func (h networks) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[kinds.VPCState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(network)) error {
		return c.vpcs(ctx, nil, func(row vpcRow) error {
			if row.Tag == tag {
				add(c.network(row))
			}
			return nil
		})
	})
}

func (c *cloud) vpcs(ctx context.Context, ids []string, yield func(vpcRow) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]vpcRow, int, error) {
		answer, err := read(ctx, c.at(c.region, ""), vpcapi.NewClient, func(k vpcClient) (*vpcapi.DescribeVPCResponse, error) {
			r := k.NewDescribeVPCRequest()
			r.VPCIds, r.Offset, r.Limit = ids, &offset, &limit
			return k.DescribeVPC(r)
		})
		if err != nil {
			return nil, 0, err
		}
		return answer.DataSet, answer.TotalCount, nil
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r vpcRow) string { return r.VPCId }, yield)
}

func (c *cloud) vpc(ctx context.Context, id string) (vpcRow, error) {
	return pick("network", id, func(r vpcRow) string { return r.VPCId }, func(yield func(vpcRow) error) error {
		return c.vpcs(ctx, []string{id}, yield)
	})
}

// vpcOfCloud is the type of the network that the cloud made.
const vpcOfCloud = "DefaultVPC"

// network shows a VPC in the contract's words. Its first range stands for all:
// what is made here has one.
func (c *cloud) network(row vpcRow) network {
	out := network{
		ID: row.VPCId, Name: row.Name, Region: c.region, Status: provider.StatusFree, RawStatus: row.VPCType, Token: tokenOf(row.Tag),
		Created: moment(row.CreateTime), State: kinds.VPCState{Default: row.VPCType == vpcOfCloud, Subnets: row.SubnetCount},
	}
	if len(row.Network) > 0 {
		out.State.CIDR = row.Network[0]
	}
	if row.SubnetCount > 0 {
		out.Status = provider.StatusBound
	}
	return out
}
