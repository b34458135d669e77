package guard_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"

	"tradewind.example/host/guard"
)

func TestSendingSeesRequests(t *testing.T) {
	t.Parallel()
	var seen []any
	inner := &stream{}
	c := &conn{stream: inner}
	g := guard.NewConn(guard.Config{
		Bulkhead: guard.NewBulkhead(guard.Limits{}),
		Pick:     func(context.Context) (grpc.ClientConnInterface, error) { return c, nil },
		Sending:  func(m any) { seen = append(seen, m) },
	})
	if err := g.Invoke(t.Context(), method, "unary", nil); err != nil {
		t.Fatal(err)
	}
	s, err := g.NewStream(t.Context(), nil, method)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.SendMsg("streamed")
	_ = s.RecvMsg(nil)
	if len(seen) != 2 || seen[0] != "unary" || seen[1] != "streamed" || len(inner.sent) != 1 {
		t.Errorf("seen %v, sent %v", seen, inner.sent)
	}
}
