// Package serve is the gRPC side of a plugin: it answers the wire contract
// from a provider.Provider. It finds out what the provider offers, refuses what
// it does not, checks input against the schemas before the author's code sees
// it, and turns errors and panics of that code into faults. It starts no
// process and owns no listener.
//
// A [Server] is immutable after [New], but for its link to the host, and safe
// for concurrent use.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"google.golang.org/grpc"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/trace"
	pb "tradewind.example/sdk/wire/providerv1"
)

// Config is what a server needs beside the provider.
type Config struct {
	// Logger gets crashes and internal errors of the author's code; it is also
	// what a provider.LogUser receives.
	Logger *slog.Logger
	// Spans takes the spans of traced calls; nil: calls are not traced.
	Spans trace.Recorder
	// SetLevel is called with the least level that the host wants logged; nil:
	// the level stays.
	SetLevel func(slog.Level)
}

// Server answers for one provider.
type Server struct {
	pb.UnimplementedPluginServiceServer
	pb.UnimplementedRegionsServiceServer
	pb.UnimplementedOfferingsServiceServer
	pb.UnimplementedQuotesServiceServer
	pb.UnimplementedPlacementsServiceServer
	pb.UnimplementedResourcesServiceServer
	pb.UnimplementedOperationsServiceServer
	pb.UnimplementedAccountsServiceServer
	pb.UnimplementedVendorOrdersServiceServer
	pb.UnimplementedBillingServiceServer
	pb.UnimplementedImportsServiceServer
	pb.UnimplementedEventsServiceServer
	pb.UnimplementedStreamsServiceServer
	pb.UnimplementedHostLinkServiceServer

	provider    provider.Provider
	description provider.Description
	wire        *pb.Description
	kinds       map[string]*kind
	link        *link
	log         *slog.Logger
	spans       trace.Recorder
	setLevel    func(slog.Level)
	active      atomic.Int64 // calls in the author's code
}

// New hands p its logger and its host services, asks it for its description
// and checks that description and registrations. The error lists all that is
// wrong, for the author.
func New(ctx context.Context, p provider.Provider, cfg Config) (*Server, error) {
	if p == nil {
		return nil, errors.New("there is no provider to serve")
	}
	s := &Server{provider: p, log: cfg.Logger, spans: cfg.Spans, setLevel: cfg.SetLevel, link: newLink()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if u, ok := p.(provider.LogUser); ok {
		u.UseLogger(s.log)
	}
	if u, ok := p.(provider.HostUser); ok {
		u.UseHost(s.link)
	}
	if err := s.describe(ctx); err != nil {
		return nil, fmt.Errorf("the plugin cannot be served: %w", err)
	}
	return s, nil
}

// Description returns the plugin's description with kinds and capabilities.
// The caller must not change what it points to.
func (s *Server) Description() provider.Description { return s.description }

// Options returns what a gRPC server for s needs: message limits and the
// interceptors that make faults of errors and panics.
func (s *Server) Options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(handshake.MaxMessageBytes),
		grpc.MaxSendMsgSize(handshake.MaxMessageBytes),
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.stream),
	}
}

// Register adds all services of the contract to r, which must have been made
// with [Server.Options].
func (s *Server) Register(r grpc.ServiceRegistrar) {
	pb.RegisterPluginServiceServer(r, s)
	pb.RegisterRegionsServiceServer(r, s)
	pb.RegisterOfferingsServiceServer(r, s)
	pb.RegisterQuotesServiceServer(r, s)
	pb.RegisterPlacementsServiceServer(r, s)
	pb.RegisterResourcesServiceServer(r, s)
	pb.RegisterOperationsServiceServer(r, s)
	pb.RegisterAccountsServiceServer(r, s)
	pb.RegisterVendorOrdersServiceServer(r, s)
	pb.RegisterBillingServiceServer(r, s)
	pb.RegisterImportsServiceServer(r, s)
	pb.RegisterEventsServiceServer(r, s)
	pb.RegisterStreamsServiceServer(r, s)
	pb.RegisterHostLinkServiceServer(r, s)
}

// offered returns the provider as one of the optional interfaces, or the fault
// for an ability that it does not have.
func offered[I any](s *Server, c provider.Capability) (I, error) {
	i, ok := s.provider.(I)
	if !ok {
		return i, fault.Unsupported("plugin %q does not offer %s", s.description.Name, c)
	}
	return i, nil
}
