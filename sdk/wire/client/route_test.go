package client_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// witness fails every call and keeps the route it saw.
type witness struct {
	route *client.Route
	known *bool
}

var errSeen = errors.New("seen")

func (w witness) Invoke(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	*w.route, *w.known = client.RouteOf(ctx)
	return errSeen
}

func (w witness) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	*w.route, *w.known = client.RouteOf(ctx)
	return nil, errSeen
}

func TestTheConnectionSeesTheRoute(t *testing.T) {
	t.Parallel()
	call := provider.Call{Org: "o", RootOrg: "r", Account: provider.Account{ID: "a"}, Region: "g"}
	full := client.Route{RootOrg: "r", Org: "o", Account: "a", Region: "g"}
	for name, tc := range map[string]struct {
		do     func(*client.Client) error
		want   client.Route
		known  bool
		reason string
	}{
		"read": {func(c *client.Client) error {
			_, err := c.Get(t.Context(), provider.GetRequest{Call: call})
			return err
		}, full, true, "reads have an org"},
		"change": {func(c *client.Client) error {
			_, err := c.Create(t.Context(), provider.CreateRequest{Call: call, Token: "t"})
			return err
		}, full, true, "changes have an org"},
		"stream": {func(c *client.Client) error { return c.List(t.Context(), provider.ListRequest{Call: call}, nil) }, full, true, "the route is needed before the first message"},
		"health": {func(c *client.Client) error { return c.Health(t.Context()) }, client.Route{}, false, "asked by the host for itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w witness
			w.route, w.known = new(client.Route), new(bool)
			if err := tc.do(client.New(w)); !errors.Is(err, errSeen) {
				t.Errorf("%v does not carry the connection's error", err)
			}
			if *w.route != tc.want || *w.known != tc.known {
				t.Errorf("route %+v, known %v; want %+v, %v: %s", *w.route, *w.known, tc.want, tc.known, tc.reason)
			}
		})
	}
}
