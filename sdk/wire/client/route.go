package client

import (
	"context"

	pb "tradewind.example/sdk/wire/providerv1"
)

// Route says for whom and where a call is made. A connection that chooses a
// process, shares slots between orgs or counts failures per account reads it
// from the call's context, before any message is sent.
type Route struct {
	RootOrg string // root of the org's tree
	Org     string
	Account string // id of the account at the cloud; ours, safe to log
	Region  string // "" when the cloud or the call has none
}

type routeKey struct{}

// RouteOf returns the route of the call that ctx belongs to; not ok for calls
// that are made for no org, such as Describe and Health.
func RouteOf(ctx context.Context) (Route, bool) {
	r, ok := ctx.Value(routeKey{}).(*routing)
	if !ok {
		return Route{}, false
	}
	return r.route, true
}

// routing is the context of one call and its route in one piece, since every
// call needs both.
type routing struct {
	context.Context
	route Route
}

// Value returns the context itself for the route's key.
func (r *routing) Value(key any) any {
	if key == (routeKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// routed is a request that is made for an org.
type routed interface{ GetCall() *pb.Call }

// withRoute lets the connection know the route of req.
func withRoute(ctx context.Context, req any) context.Context {
	r, ok := req.(routed)
	if !ok || r.GetCall() == nil {
		return ctx
	}
	call := r.GetCall()
	return &routing{ctx, Route{
		RootOrg: call.GetRootOrg(), Org: call.GetOrg(),
		Account: call.GetAccount().GetId(), Region: call.GetRegion(),
	}}
}
