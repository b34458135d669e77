package sdk_test

import (
	"context"
	"errors"
	"testing"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// connection is the host's half of go-plugin's plugin set.
type connection struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (connection) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("a host serves nothing")
}

func (connection) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return client.New(c), nil
}

// dispensed connects as a host does and returns what the plugin set gives.
func dispensed(t *testing.T, host *goplugin.Client) any {
	t.Helper()
	rpc, err := host.Client()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := rpc.Dispense(handshake.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func checkChatty(t *testing.T, raw any) {
	t.Helper()
	c := raw.(*client.Client)
	d, err := c.Describe(t.Context())
	if err != nil || d.Name != "chatty" {
		t.Errorf("describe: %+v, %v; want chatty", d, err)
	}
	_, err = c.Check(t.Context(), provider.CheckRequest{})
	if e := fault.As(err); e == nil || e.Class != fault.ClassForbidden || e.Source != fault.SourcePlugin {
		t.Errorf("check: %v; want forbidden, from the plugin", err)
	}
}
