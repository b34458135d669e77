package client

import (
	"context"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// answered is any response that carries the answer to a change.
type answered interface{ GetChange() *pb.Change }

func answer(resp answered, err error) (provider.Change, error) {
	if err != nil {
		return provider.Change{}, err
	}
	return convert.ChangeFromWire(resp.GetChange())
}

// Create buys or makes one resource.
func (c *Client) Create(ctx context.Context, req provider.CreateRequest) (provider.Change, error) {
	return answer(change(ctx, c, c.resources.Create, convert.CreateRequestToWire(req)))
}

// Get returns one resource; a missing one is a not_found fault.
func (c *Client) Get(ctx context.Context, req provider.GetRequest) (provider.Resource, error) {
	resp, err := read(ctx, c, c.resources.Get, convert.GetRequestToWire(req))
	if err != nil {
		return provider.Resource{}, err
	}
	return convert.ResourceFromWire(resp.GetResource()), nil
}

// Update changes the spec of a resource.
func (c *Client) Update(ctx context.Context, req provider.UpdateRequest) (provider.Change, error) {
	return answer(change(ctx, c, c.resources.Update, convert.UpdateRequestToWire(req)))
}

// Delete releases a resource; one already gone is a success.
func (c *Client) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Change, error) {
	return answer(change(ctx, c, c.resources.Delete, convert.DeleteRequestToWire(req)))
}

// Renew prolongs a prepaid resource by whole periods.
func (c *Client) Renew(ctx context.Context, req provider.RenewRequest) (provider.Change, error) {
	return answer(change(ctx, c, c.resources.Renew, convert.RenewRequestToWire(req)))
}

// Act performs an action. One without a token is a pure read and fails like one.
func (c *Client) Act(ctx context.Context, req provider.ActionRequest) (provider.Change, error) {
	if req.Token == "" {
		return answer(read(ctx, c, c.resources.Act, convert.ActionRequestToWire(req)))
	}
	return answer(change(ctx, c, c.resources.Act, convert.ActionRequestToWire(req)))
}

// FindByToken finds what a token made.
func (c *Client) FindByToken(ctx context.Context, req provider.FindRequest) (provider.Found, error) {
	resp, err := read(ctx, c, c.resources.FindByToken, convert.FindRequestToWire(req))
	if err != nil {
		return provider.Found{}, err
	}
	return convert.FoundFromWire(resp), nil
}
