package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// cloud answers the contract's own service and Regions, and behaves well. What
// misbehaves embeds it.
type cloud struct {
	pb.UnimplementedPluginServiceServer
	pb.UnimplementedRegionsServiceServer
}

// server is what a behaviour serves.
type server interface {
	pb.PluginServiceServer
	pb.RegionsServiceServer
}

// version is what the plugin says it is.
const version = "1.0.0"

func description(version string) *pb.DescribeResponse {
	return &pb.DescribeResponse{Description: convert.DescriptionToWire(provider.Description{
		Name: "fake", Version: version, Title: "Fake cloud", Currency: "USD",
		Regions: provider.RegionsModel{HasRegions: true}, Capabilities: []provider.Capability{provider.CapRegions},
	})}
}

// Describe tells what the plugin is.
func (cloud) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	return description(version), nil
}

// Check finds every account good.
func (cloud) Check(context.Context, *pb.CheckRequest) (*pb.CheckResponse, error) {
	return &pb.CheckResponse{Ok: true}, nil
}

// Health says that the plugin is well.
func (cloud) Health(context.Context, *pb.HealthRequest) (*pb.HealthResponse, error) {
	return &pb.HealthResponse{}, nil
}

// Shutdown has nothing to put away.
func (cloud) Shutdown(context.Context, *pb.ShutdownRequest) (*pb.ShutdownResponse, error) {
	return &pb.ShutdownResponse{}, nil
}

// Regions lists one region.
func (cloud) Regions(context.Context, *pb.RegionsRequest) (*pb.RegionsResponse, error) {
	return &pb.RegionsResponse{Regions: []*pb.Region{{Id: "one"}}}, nil
}

// registration fills go-plugin's gRPC server.
type registration struct {
	goplugin.NetRPCUnsupportedPlugin
	server server
}

// GRPCServer adds the services.
func (r *registration) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	pb.RegisterPluginServiceServer(s, r.server)
	pb.RegisterRegionsServiceServer(s, r.server)
	return nil
}

// GRPCClient is never called.
func (*registration) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a plugin has no client side")
}

// serve serves s until the host ends it.
func serve(s server) {
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  handshake.Config(),
		VersionedPlugins: map[int]goplugin.PluginSet{handshake.ProtocolVersion: {handshake.PluginName: &registration{server: s}}},
		GRPCServer:       func(opts []grpc.ServerOption) *grpc.Server { return grpc.NewServer(opts...) },
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr, JSONFormat: true}),
	})
}

// shake prints a handshake by hand: go-plugin's own version, the contract's,
// and a socket in the plugin's folder that nobody listens on.
func shake(core, contract int) {
	fmt.Printf("%d|%d|unix|%s/plugin1|grpc\n", core, contract, os.Getenv("PLUGIN_UNIX_SOCKET_DIR"))
}

// forever waits without letting the runtime see a deadlock.
func forever() { time.Sleep(24 * time.Hour) }
