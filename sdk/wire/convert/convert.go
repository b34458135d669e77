// Package convert translates between the types of package provider and the
// generated wire messages, and between faults and gRPC statuses. It is the
// only place that does so, for the plugin's side and for the host's.
//
// Every function is pure and safe for concurrent use. Nothing is validated
// here: what a peer sent is translated as it is, and what this version does
// not know is mapped to the safe side (an unknown class is internal, an
// unknown outcome is unknown). A secret is in plain text in the wire message
// and nowhere else.
package convert

import (
	"encoding/json"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	pb "tradewind.example/sdk/wire/providerv1"
)

// CallToWire translates the envelope of a request.
func CallToWire(c provider.Call) *pb.Call {
	return &pb.Call{
		Org: c.Org, RootOrg: c.RootOrg, Region: c.Region, Zone: c.Zone,
		Locale: c.Locale, Traceparent: c.TraceParent, RequestId: c.RequestID, Ordered: c.Ordered,
		Account: &pb.Account{
			Id: c.Account.ID, Endpoint: c.Account.Endpoint,
			Credentials: reveal(c.Account.Credentials), Settings: c.Account.Settings,
		},
	}
}

// CallFromWire is the reverse of [CallToWire].
func CallFromWire(c *pb.Call) provider.Call {
	a := c.GetAccount()
	return provider.Call{
		Org: c.GetOrg(), RootOrg: c.GetRootOrg(), Region: c.GetRegion(), Zone: c.GetZone(),
		Locale: c.GetLocale(), TraceParent: c.GetTraceparent(), RequestID: c.GetRequestId(), Ordered: c.GetOrdered(),
		Account: provider.Account{
			ID: a.GetId(), Endpoint: a.GetEndpoint(),
			Credentials: conceal(a.GetCredentials()), Settings: a.GetSettings(),
		},
	}
}

func reveal(in map[string]secret.Value) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for k, v := range in {
		out[k] = v.Reveal()
	}
	return out
}

func conceal(in map[string]string) map[string]secret.Value {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]secret.Value, len(in))
	for k, v := range in {
		out[k] = secret.New(v)
	}
	return out
}

// text makes a cloud's free text fit for the wire, which carries UTF-8 only:
// one name in another encoding must not lose a whole page.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func timeToWire(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func timeFromWire(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func durationToWire(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

func jsonFromWire(b []byte) json.RawMessage {
	if len(b) == 0 {
		return nil
	}
	return b
}

// each translates a list; an empty one becomes nil.
func each[A, B any](in []A, f func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

func texts[S ~string](in []S) []string {
	return each(in, func(s S) string { return string(s) })
}

func words[S ~string](in []string) []S {
	return each(in, func(s string) S { return S(s) })
}
