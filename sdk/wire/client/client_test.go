package client_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// broken is a connection that fails every call in the same way.
type broken struct{ err error }

func (b broken) Invoke(context.Context, string, any, any, ...grpc.CallOption) error { return b.err }

func (b broken) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, b.err
}

func TestTransportFailures(t *testing.T) {
	t.Parallel()
	busy := fault.Throttled(1, "too many calls").From(fault.SourceHost)
	for name, tc := range map[string]struct {
		err    error
		read   fault.Class
		change fault.Class
		doubt  bool // whether a change may have happened
		source fault.Source
		reason string
	}{
		"unavailable":   {status.Error(codes.Unavailable, "gone"), fault.ClassUnavailable, fault.ClassUnavailable, true, fault.SourceHost, "the answer may be what got lost"},
		"deadline":      {status.Error(codes.DeadlineExceeded, "late"), fault.ClassUnavailable, fault.ClassUnavailable, true, fault.SourceHost, "the plugin may still work on it"},
		"cancelled":     {status.Error(codes.Canceled, "no"), fault.ClassUnavailable, fault.ClassUnavailable, true, fault.SourceHost, "the plugin may have done it"},
		"too large":     {status.Error(codes.ResourceExhausted, "big"), fault.ClassUnavailable, fault.ClassUnavailable, true, fault.SourceHost, "the answer may be what is too large"},
		"internal":      {status.Error(codes.Internal, "marshal"), fault.ClassUnavailable, fault.ClassUnavailable, true, fault.SourceHost, "the answer may be what cannot be written"},
		"plain":         {errors.New("odd"), fault.ClassUnavailable, fault.ClassUnavailable, true, fault.SourceHost, "nobody knows"},
		"unimplemented": {status.Error(codes.Unimplemented, "no such service"), fault.ClassUnsupported, fault.ClassUnsupported, false, fault.SourcePlugin, "an older plugin never saw it"},
		"host's own":    {busy, fault.ClassThrottled, fault.ClassThrottled, false, fault.SourceHost, "a fault of the connection passes unchanged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client.New(broken{tc.err})
			_, err := c.Get(t.Context(), provider.GetRequest{})
			check(t, "read", err, tc.read, false, tc.source, tc.reason)
			err = c.List(t.Context(), provider.ListRequest{}, nil)
			check(t, "stream", err, tc.read, false, tc.source, tc.reason)
			_, err = c.Create(t.Context(), provider.CreateRequest{Token: "t"})
			check(t, "change", err, tc.change, tc.doubt, tc.source, tc.reason)
			_, err = c.Act(t.Context(), provider.ActionRequest{Token: "t"})
			check(t, "action", err, tc.change, tc.doubt, tc.source, tc.reason)
			_, err = c.Act(t.Context(), provider.ActionRequest{})
			check(t, "reading action", err, tc.read, false, tc.source, tc.reason)
		})
	}
}

func check(t *testing.T, call string, err error, class fault.Class, doubt bool, source fault.Source, reason string) {
	t.Helper()
	e := fault.As(err)
	if e == nil || e.Class != class || (e.Outcome == fault.OutcomeUnknown) != doubt || e.Source != source {
		t.Errorf("%s: %v; want %s from %s, in doubt %v: %s", call, err, class, source, doubt, reason)
	}
}

func TestContextsAreRecognised(t *testing.T) {
	t.Parallel()
	c := client.New(broken{status.Error(codes.DeadlineExceeded, "late")})
	if _, err := c.Get(t.Context(), provider.GetRequest{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is not a context's deadline", err)
	}
}

// TestWhatIsTooLargeWasNotSent: gRPC refuses it before a byte is written.
func TestWhatIsTooLargeWasNotSent(t *testing.T) {
	t.Parallel()
	c := client.New(broken{status.Error(codes.ResourceExhausted, "trying to send message larger than max")})
	spec := make([]byte, handshake.MaxMessageBytes+1)
	const reason = "it cannot have arrived, so it is no doubt, and no later moment helps"
	_, err := c.Create(t.Context(), provider.CreateRequest{Token: "t", Spec: spec})
	check(t, "create", err, fault.ClassInvalid, false, fault.SourceHost, reason)
	_, err = c.Act(t.Context(), provider.ActionRequest{Token: "t", Input: spec})
	check(t, "action", err, fault.ClassInvalid, false, fault.SourceHost, reason)
}
