package client

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// opener is a generated server-streaming call.
type opener[Req, Page any] func(context.Context, *Req, ...grpc.CallOption) (grpc.ServerStreamingClient[Page], error)

// pages reads a stream page by page and holds one page at a time. It returns
// yield's first error as it is and ends the stream then.
func pages[Req, Page, Row, Out any](
	ctx context.Context, c *Client, open opener[Req, Page], req *Req,
	rows func(*Page) []*Row, from func(*Row) Out, yield func(Out) error,
) error {
	if err := ctx.Err(); err != nil {
		return notSent(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := open(withRoute(ctx, req), req, c.opts...)
	if err != nil {
		return readFault(err)
	}
	for {
		page, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return readFault(err)
		}
		for _, row := range rows(page) {
			if err := yield(from(row)); err != nil {
				return err
			}
		}
	}
}

// Offerings streams what the cloud sells to yield, in a stable order.
func (c *Client) Offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	return pages(ctx, c, c.offerings.Offerings, convert.OfferingsRequestToWire(req),
		(*pb.OfferingsResponse).GetOfferings, convert.OfferingFromWire, yield)
}

// List streams the resources of a kind in the call's region to yield.
func (c *Client) List(ctx context.Context, req provider.ListRequest, yield func(provider.Resource) error) error {
	return pages(ctx, c, c.resources.List, convert.ListRequestToWire(req),
		(*pb.ListResponse).GetResources, convert.ResourceFromWire, yield)
}

// Import streams everything the account owns to yield.
func (c *Client) Import(ctx context.Context, req provider.ImportRequest, yield func(provider.Resource) error) error {
	return pages(ctx, c, c.imports.Import, convert.ImportRequestToWire(req),
		(*pb.ImportResponse).GetResources, convert.ResourceFromWire, yield)
}

// VendorOrders streams the cloud's own orders to yield.
func (c *Client) VendorOrders(ctx context.Context, req provider.VendorOrdersRequest, yield func(provider.VendorOrder) error) error {
	return pages(ctx, c, c.orders.VendorOrders, convert.VendorOrdersRequestToWire(req),
		(*pb.VendorOrdersResponse).GetOrders, convert.VendorOrderFromWire, yield)
}

// BillLines streams the cloud's bill lines of a window to yield.
func (c *Client) BillLines(ctx context.Context, req provider.PeriodRequest, yield func(provider.BillLine) error) error {
	return pages(ctx, c, c.billing.BillLines, convert.BillLinesRequestToWire(req),
		(*pb.BillLinesResponse).GetLines, convert.BillLineFromWire, yield)
}

// Usage streams the metered records of a window to yield.
func (c *Client) Usage(ctx context.Context, req provider.PeriodRequest, yield func(provider.UsageRecord) error) error {
	return pages(ctx, c, c.billing.Usage, convert.UsageRequestToWire(req),
		(*pb.UsageResponse).GetRecords, convert.UsageRecordFromWire, yield)
}

// Events streams what happens at the cloud to yield until ctx ends, which is
// then an unavailable fault that wraps ctx's error.
func (c *Client) Events(ctx context.Context, req provider.EventsRequest, yield func(provider.Event) error) error {
	return pages(ctx, c, c.events.Events, convert.EventsRequestToWire(req),
		(*pb.EventsResponse).GetEvents, convert.EventFromWire, yield)
}
