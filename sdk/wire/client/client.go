// Package client calls a plugin over any gRPC connection in the types of
// package provider. The host and the test harness both use it, so that a
// plugin behaves alike under either.
//
// # Errors
//
// Every error is a fault, except what a caller's yield or ctx returned
// verbatim. A fault of the plugin arrives as it was sent. When the transport
// fails after a change may have been sent, the fault has the outcome unknown
// and the source host; when it fails in a read, it is unavailable. A fault that
// the connection itself returns (a host that refuses a call before sending it)
// is passed on unchanged.
//
// # Concurrency
//
// A [Client] is safe for concurrent use and owns neither the connection nor
// any goroutine. It sets no deadline: the caller's context must have one.
package client

import (
	"context"

	"google.golang.org/grpc"

	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// Client calls one plugin.
type Client struct {
	opts       []grpc.CallOption
	plugin     pb.PluginServiceClient
	regions    pb.RegionsServiceClient
	offerings  pb.OfferingsServiceClient
	quotes     pb.QuotesServiceClient
	placements pb.PlacementsServiceClient
	resources  pb.ResourcesServiceClient
	operations pb.OperationsServiceClient
	accounts   pb.AccountsServiceClient
	orders     pb.VendorOrdersServiceClient
	billing    pb.BillingServiceClient
	imports    pb.ImportsServiceClient
	events     pb.EventsServiceClient
	streams    pb.StreamsServiceClient
	link       pb.HostLinkServiceClient
}

// New makes a client over conn, which stays the caller's to close.
func New(conn grpc.ClientConnInterface) *Client {
	return &Client{
		opts: []grpc.CallOption{
			grpc.MaxCallRecvMsgSize(handshake.MaxMessageBytes),
			grpc.MaxCallSendMsgSize(handshake.MaxMessageBytes),
		},
		plugin:     pb.NewPluginServiceClient(conn),
		regions:    pb.NewRegionsServiceClient(conn),
		offerings:  pb.NewOfferingsServiceClient(conn),
		quotes:     pb.NewQuotesServiceClient(conn),
		placements: pb.NewPlacementsServiceClient(conn),
		resources:  pb.NewResourcesServiceClient(conn),
		operations: pb.NewOperationsServiceClient(conn),
		accounts:   pb.NewAccountsServiceClient(conn),
		orders:     pb.NewVendorOrdersServiceClient(conn),
		billing:    pb.NewBillingServiceClient(conn),
		imports:    pb.NewImportsServiceClient(conn),
		events:     pb.NewEventsServiceClient(conn),
		streams:    pb.NewStreamsServiceClient(conn),
		link:       pb.NewHostLinkServiceClient(conn),
	}
}

// method is a generated unary call.
type method[Req, Resp any] func(context.Context, *Req, ...grpc.CallOption) (*Resp, error)

// read makes a call that changes nothing.
func read[Req, Resp any](ctx context.Context, c *Client, m method[Req, Resp], req *Req) (*Resp, error) {
	if err := ctx.Err(); err != nil {
		return nil, notSent(err)
	}
	resp, err := m(withRoute(ctx, req), req, c.opts...)
	if err != nil {
		return nil, orTooLarge(req, err, readFault)
	}
	return resp, nil
}

// change makes a call that may change something at the cloud.
func change[Req, Resp any](ctx context.Context, c *Client, m method[Req, Resp], req *Req) (*Resp, error) {
	if err := ctx.Err(); err != nil {
		return nil, notSent(err)
	}
	resp, err := m(withRoute(ctx, req), req, c.opts...)
	if err != nil {
		return nil, orTooLarge(req, err, changeFault)
	}
	return resp, nil
}

// Describe returns the plugin's static description.
func (c *Client) Describe(ctx context.Context) (provider.Description, error) {
	resp, err := read(ctx, c, c.plugin.Describe, &pb.DescribeRequest{})
	if err != nil {
		return provider.Description{}, err
	}
	return convert.DescriptionFromWire(resp.GetDescription()), nil
}

// Check tells whether the account's credentials are good.
func (c *Client) Check(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	resp, err := read(ctx, c, c.plugin.Check, convert.CheckRequestToWire(req))
	if err != nil {
		return provider.CheckResponse{}, err
	}
	return convert.CheckResponseFromWire(resp), nil
}

// Health returns nil when the plugin can serve calls.
func (c *Client) Health(ctx context.Context) error {
	_, err := read(ctx, c, c.plugin.Health, &pb.HealthRequest{})
	return err
}

// HealthAt is Health that also tells the plugin the least level that it should
// log from now on; "" leaves it as it is.
func (c *Client) HealthAt(ctx context.Context, logLevel string) error {
	_, err := read(ctx, c, c.plugin.Health, &pb.HealthRequest{LogLevel: logLevel})
	return err
}

// Diagnosis is what a plugin's process is doing.
type Diagnosis struct {
	Calls      int // in the author's code, this one and the host link left out
	Goroutines int
	Stacks     string // where the goroutines stand, without the values of arguments
	Cut        bool   // stacks were left out
}

// Diagnose asks what the plugin's process is doing, with at most so many bytes of
// stacks; 0: none. A plugin that was built before there was this call is an unsupported fault.
func (c *Client) Diagnose(ctx context.Context, stackBytes int) (Diagnosis, error) {
	resp, err := read(ctx, c, c.plugin.Diagnose, &pb.DiagnoseRequest{StackBytes: int64(stackBytes)})
	if err != nil {
		return Diagnosis{}, err
	}
	return Diagnosis{
		Calls: int(resp.GetCalls()), Goroutines: int(resp.GetGoroutines()), Stacks: resp.GetStacks(), Cut: resp.GetCut(),
	}, nil
}

// Shutdown lets the plugin put its things away. No call may follow.
func (c *Client) Shutdown(ctx context.Context) error {
	_, err := read(ctx, c, c.plugin.Shutdown, &pb.ShutdownRequest{})
	return err
}

// Regions returns the regions the account may use.
func (c *Client) Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	resp, err := read(ctx, c, c.regions.Regions, convert.RegionsRequestToWire(req))
	if err != nil {
		return nil, err
	}
	return convert.RegionsFromWire(resp), nil
}

// Quote prices a change without making it.
func (c *Client) Quote(ctx context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	resp, err := read(ctx, c, c.quotes.Quote, convert.QuoteRequestToWire(req))
	if err != nil {
		return provider.Quote{}, err
	}
	return convert.QuoteFromWire(resp), nil
}

// Place tells whether a spec can be placed now.
func (c *Client) Place(ctx context.Context, req provider.PlaceRequest) (provider.Placement, error) {
	resp, err := read(ctx, c, c.placements.Place, convert.PlaceRequestToWire(req))
	if err != nil {
		return provider.Placement{}, err
	}
	return convert.PlacementFromWire(resp), nil
}

// Operation tells how far a started change is.
func (c *Client) Operation(ctx context.Context, req provider.OperationRequest) (provider.Operation, error) {
	resp, err := read(ctx, c, c.operations.Operation, convert.OperationRequestToWire(req))
	if err != nil {
		return provider.Operation{}, err
	}
	return convert.OperationFromWire(resp), nil
}

// EnsureAccount makes a sub-account for the call's org if there is none.
func (c *Client) EnsureAccount(ctx context.Context, req provider.EnsureAccountRequest) (provider.SubAccount, error) {
	resp, err := change(ctx, c, c.accounts.EnsureAccount, convert.EnsureAccountRequestToWire(req))
	if err != nil {
		return provider.SubAccount{}, err
	}
	return convert.SubAccountFromWire(resp), nil
}

// SignInLink makes a one-time link into the cloud's own console.
func (c *Client) SignInLink(ctx context.Context, req provider.SignInLinkRequest) (provider.SignInLink, error) {
	resp, err := read(ctx, c, c.accounts.SignInLink, convert.SignInLinkRequestToWire(req))
	if err != nil {
		return provider.SignInLink{}, err
	}
	return convert.SignInLinkFromWire(resp), nil
}

// PayVendorOrder pays one of the cloud's own orders.
func (c *Client) PayVendorOrder(ctx context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	resp, err := change(ctx, c, c.orders.PayVendorOrder, convert.PayRequestToWire(req))
	if err != nil {
		return provider.VendorOrder{}, err
	}
	return convert.VendorOrderFromWire(resp.GetOrder()), nil
}

// CancelVendorOrder cancels one of the cloud's own orders.
func (c *Client) CancelVendorOrder(ctx context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	resp, err := change(ctx, c, c.orders.CancelVendorOrder, convert.CancelRequestToWire(req))
	if err != nil {
		return provider.VendorOrder{}, err
	}
	return convert.VendorOrderFromWire(resp.GetOrder()), nil
}

// RefundVendorOrder gives one of the cloud's own orders back.
func (c *Client) RefundVendorOrder(ctx context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	resp, err := change(ctx, c, c.orders.RefundVendorOrder, convert.RefundRequestToWire(req))
	if err != nil {
		return provider.VendorOrder{}, err
	}
	return convert.VendorOrderFromWire(resp.GetOrder()), nil
}

// Balance tells the balance of the account at the cloud.
func (c *Client) Balance(ctx context.Context, req provider.BalanceRequest) (provider.Balance, error) {
	resp, err := read(ctx, c, c.billing.Balance, convert.BalanceRequestToWire(req))
	if err != nil {
		return provider.Balance{}, err
	}
	return convert.BalanceFromWire(resp), nil
}
