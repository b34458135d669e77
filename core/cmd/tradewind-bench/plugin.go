package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// pluginCalls compares a call through the host with the same message over a
// bare go-plugin connection to another process of the same binary.
func (b *bench) pluginCalls(ctx context.Context) (err error) {
	b.say("plugin calls")
	binary, err := filepath.Abs(filepath.Join(b.bin, sandboxBinary))
	if err != nil {
		return err
	}
	throughHost, closeHost, err := hosted(ctx, binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeHost()) }()
	bare, closeBare, err := barePlugin(ctx, binary)
	if err != nil {
		return err
	}
	defer closeBare()
	many, err := b.inTurns(
		func() (rate, error) { return load(ctx, customers, b.warm, b.round, throughHost) },
		func() (rate, error) { return load(ctx, customers, b.warm, b.round, bare) })
	if err != nil {
		return err
	}
	fast := ratioAtLeast(0.85)
	const what = "go-plugin's own client and the same message, ready made"
	b.report.add(figure{Name: "plugin calls", What: "quotes of the sandbox plugin through the host by 64 callers", Unit: "/s", Bare: what, Details: many.details()},
		many.values, many.limits, &fast)
	return b.pluginLatency(ctx, throughHost, bare, what)
}

// pluginLatency is the median time of one call of one caller.
func (b *bench) pluginLatency(ctx context.Context, throughHost, bare worker, what string) error {
	var values, limits []float64
	_, err := b.inTurns(
		func() (rate, error) {
			r, err := load(ctx, 1, b.warm/4, b.round/2, throughHost)
			values = append(values, float64(r.p50.Nanoseconds())/1000)
			return r, err
		},
		func() (rate, error) {
			r, err := load(ctx, 1, b.warm/4, b.round/2, bare)
			limits = append(limits, float64(r.p50.Nanoseconds())/1000)
			return r, err
		})
	if err != nil {
		return err
	}
	soon := ratioAtMost(1.15)
	f := b.report.add(figure{Name: "plugin call p50", What: "median time of one such call by one caller", Unit: "us", Bare: what}, values, limits, &soon)
	b.say("%g us, bare %g us", f.Value, f.Limit)
	return nil
}

func quoteRequest() provider.QuoteRequest {
	return provider.QuoteRequest{
		Call: provider.Call{Org: "org", RequestID: "request", Region: "east", Account: provider.Account{
			ID: "account", Credentials: map[string]secret.Value{"api_key": secret.New("bench")}, Settings: map[string]string{"latency_millis": "0"},
		}},
		Change: provider.ChangeCreate, Kind: "instance", Spec: json.RawMessage(`{"flavour":"small","disk_gb":20}`),
		Term: provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: 1, Quantity: 1},
	}
}

// hosted calls the plugin as the broker does.
func hosted(ctx context.Context, binary string) (worker, func() error, error) {
	dir, err := os.MkdirTemp("", "twb") // sockets need a short path
	if err != nil {
		return nil, nil, err
	}
	h, err := host.Open(ctx, host.Config{Dir: dir, Dev: true, Plugins: []catalog.Entry{{Name: "sandbox", Path: binary}}})
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	end := func() error { return errors.Join(h.Close(context.WithoutCancel(ctx)), os.RemoveAll(dir)) }
	if err := h.Start(ctx, "sandbox"); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	p, err := h.Plugin("sandbox")
	if err != nil {
		return nil, nil, errors.Join(err, end())
	}
	req := quoteRequest()
	return func(int, int) error {
		_, err := p.Quote(ctx, req)
		return err
	}, end, nil
}

// wire is a plugin of go-plugin whose client is the connection itself.
type wire struct {
	goplugin.NetRPCUnsupportedPlugin
}

// GRPCServer is never called: this side serves nothing.
func (wire) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("nothing is served")
}

// GRPCClient hands the connection out.
func (wire) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}

// barePlugin calls the plugin with nothing but go-plugin between.
func barePlugin(ctx context.Context, binary string) (worker, func(), error) {
	c := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshake.Config(),
		VersionedPlugins: map[int]goplugin.PluginSet{handshake.ProtocolVersion: {handshake.PluginName: wire{}}},
		Cmd:              exec.Command(binary), //nolint:noctx // Kill ends it
		AutoMTLS:         true, AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	rpc, err := c.Client()
	if err != nil {
		c.Kill()
		return nil, nil, fmt.Errorf("starting the bare plugin: %w", err)
	}
	raw, err := rpc.Dispense(handshake.PluginName)
	if err != nil {
		c.Kill()
		return nil, nil, err
	}
	conn, ok := raw.(*grpc.ClientConn)
	if !ok {
		c.Kill()
		return nil, nil, fmt.Errorf("go-plugin dispensed %T", raw)
	}
	quotes, req := pb.NewQuotesServiceClient(conn), convert.QuoteRequestToWire(quoteRequest())
	return func(int, int) error {
		_, err := quotes.Quote(ctx, req)
		return err
	}, c.Kill, nil
}
