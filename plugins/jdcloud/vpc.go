package main

import (
	"context"
	"net/netip"
	"strings"

	vpcapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/apis"
	vpc "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

type (
	vpcRow  = vpc.Vpc
	network = provider.Thing[kinds.VPCState]
)

// networks is the handler of the kind vpc.
type networks struct{ *plugin }

func vpcKind(p *plugin) *provider.Kind {
	h := networks{p}
	return provider.KindOf[kinds.VPCSpec, kinds.VPCState](kinds.VPC, "Private network", h,
		provider.ActionOf(changes(kinds.ActionRename, "Rename"), h.rename),
	)
}

// Networks, subnets and security groups have neither client tokens nor tags at
// the cloud, and their names are the customer's. So the token stands in front
// of the description: "[tw:TOKEN] text".
const (
	noteHead = "[tw:"
	noteTail = "]"
	// mostDescription is the longest description, in bytes to be safe.
	mostDescription = 256
)

// noted is a description that carries a tag.
func noted(tag, text string) (string, error) {
	out := strings.TrimRight(noteHead+tag+noteTail+" "+text, " ")
	if len(out) > mostDescription {
		return "", fault.Invalid("spec.description", "must be at most %d bytes", mostDescription-len(noteHead+tag+noteTail)-1)
	}
	return out, nil
}

// noteOf reads a description: the tag, "" for none, and the customer's text.
func noteOf(description string) (tag, text string) {
	rest, ok := strings.CutPrefix(description, noteHead)
	if !ok {
		rest, ok = strings.CutPrefix(description, unfinishedHead)
	}
	tag, text, closed := strings.Cut(rest, noteTail)
	if !ok || !closed {
		return "", description
	}
	return tag, strings.TrimPrefix(text, " ")
}

// free opens a call that makes something the cloud charges nothing for.
func (p *plugin) free(call provider.Call, token string, term provider.Term) (*cloud, string, error) {
	c, err := p.openIn(call)
	if err != nil {
		return nil, "", err
	}
	if term.Quantity > 1 {
		return nil, "", fault.Invalid("term.quantity", "must be 1: one token makes one")
	}
	tag, err := tagOf(token)
	return c, tag, err
}

// checkRange refuses what is no range of addresses that begins with its first one.
func checkRange(text string) error {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() || p.Masked() != p || p.Bits() < 16 || p.Bits() > 28 {
		return fault.Invalid("spec.cidr", "must be a range of IPv4 addresses like 10.0.0.0/16, from /16 to /28")
	}
	return nil
}

// Create makes one network.
func (h networks) Create(ctx context.Context, req provider.TypedCreate[kinds.VPCSpec]) (provider.Result[kinds.VPCState], error) {
	var zero provider.Result[kinds.VPCState]
	c, tag, err := h.free(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	if err := checkRange(req.Spec.CIDR); err != nil {
		return zero, err
	}
	description, err := noted(tag, req.Spec.Description)
	if err != nil {
		return zero, err
	}
	order := vpcapi.NewCreateVpcRequest(c.region, nameOf(req.Name, tag, networkName))
	order.SetAddressPrefix(req.Spec.CIDR)
	order.SetDescription(description)
	made := func(id string) provider.Result[kinds.VPCState] {
		if row, err := c.vpc(ctx, id); err == nil {
			return provider.Done(c.network(row))
		}
		return provider.Done(network{
			ID: id, Name: order.VpcName, Region: c.region, Status: provider.StatusFree, Token: tag,
			State: kinds.VPCState{CIDR: req.Spec.CIDR, Description: req.Spec.Description},
		})
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kinds.VPC, Change: provider.ChangeCreate}
	return buyOnce(ctx, h.plugin, c, kinds.VPC, tag, buyer[kinds.VPCState]{
		find: func(ctx context.Context) (provider.TypedFound[kinds.VPCState], error) {
			return h.findCreated(ctx, c, find)
		},
		buy: func(ctx context.Context) (provider.Result[kinds.VPCState], string, error) {
			answer, err := write[vpcapi.CreateVpcResult](ctx, c, serviceVPC, order)
			id, err := one([]string{answer.VpcId}, err)
			if err != nil {
				return zero, "", err
			}
			return made(id), id, nil
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

// List streams the networks of the region.
func (h networks) List(ctx context.Context, req provider.ListRequest, yield func(network) error) error {
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.vpcs(ctx, func(row vpcRow) error { return yield(c.network(row)) })
}

// Delete removes a network without subnets and security groups of its own.
func (h networks) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	if !goodID(req.ID) {
		return provider.Started{}, absent("network", req.ID, true)
	}
	return provider.Started{}, goneIsDone(act(ctx, c, serviceVPC, vpcapi.NewDeleteVpcRequest(c.region, req.ID)))
}

// FindByToken tells what became of a create or a release.
func (h networks) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[kinds.VPCState], error) {
	c, err := h.openIn(req.Call)
	switch {
	case err != nil:
		return provider.TypedFound[kinds.VPCState]{}, err
	case req.Change == provider.ChangeCreate:
		return h.findCreated(ctx, c, req)
	case req.Change == provider.ChangeRelease:
		_, err := c.vpc(ctx, req.ID)
		return released[kinds.VPCState](err)
	}
	return provider.TypedFound[kinds.VPCState]{}, fault.Unsupported("a network's %s leaves no trace of its token", req.Change)
}

func (h networks) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[kinds.VPCState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(network)) error {
		return c.vpcs(ctx, func(row vpcRow) error {
			if t := c.network(row); t.Token == tag {
				add(t)
			}
			return nil
		})
	})
}

func (c *cloud) vpcs(ctx context.Context, yield func(vpcRow) error) error {
	fetch := func(ctx context.Context, number, size int) ([]vpcRow, int, error) {
		req := vpcapi.NewDescribeVpcsRequestWithoutParam()
		req.SetRegionId(c.region)
		req.SetPageNumber(number)
		req.SetPageSize(size)
		answer, err := read[vpcapi.DescribeVpcsResult](ctx, c, serviceVPC, req)
		return answer.Vpcs, answer.TotalCount, err
	}
	return pages(ctx, pageSize, fetch, func(r vpcRow) string { return r.VpcId }, yield)
}

func (c *cloud) vpc(ctx context.Context, id string) (vpcRow, error) {
	if !goodID(id) {
		return vpcRow{}, absent("network", id, false)
	}
	answer, err := read[vpcapi.DescribeVpcResult](ctx, c, serviceVPC, vpcapi.NewDescribeVpcRequest(c.region, id))
	switch {
	case err != nil:
		return vpcRow{}, err
	case answer.Vpc.VpcId != id:
		return vpcRow{}, fault.NotFound("network", id)
	}
	return answer.Vpc, nil
}

// network shows a VPC in the contract's words.
func (c *cloud) network(row vpcRow) network {
	tag, text := noteOf(row.Description)
	out := network{
		ID: row.VpcId, Name: row.VpcName, Region: c.region, Status: provider.StatusFree, RawStatus: row.AzType, Token: tag,
		Created: moment(row.CreatedTime), State: kinds.VPCState{CIDR: row.AddressPrefix, Subnets: len(row.Subnets), Description: text},
	}
	if len(row.Subnets) > 0 {
		out.Status = provider.StatusBound
	}
	return out
}

func (h networks) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	c, err := h.renaming(req, "network")
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	r := vpcapi.NewModifyVpcRequest(c.region, req.ID)
	r.SetVpcName(req.Input.Name)
	return provider.ActionResult[none]{}, act(ctx, c, serviceVPC, r)
}

// renaming opens a call that gives something of the network another name.
func (p *plugin) renaming(req provider.TypedAction[kinds.NameInput], thing string) (*cloud, error) {
	if err := goodName(req.Input.Name, networkName); err != nil {
		return nil, err
	}
	if !goodID(req.ID) {
		return nil, absent(thing, req.ID, false)
	}
	return p.openIn(req.Call)
}
