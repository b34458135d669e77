package guard_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"tradewind.example/host/guard"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

func TestLog(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		err    error
		want   []string
	}{
		"Served":    {reason: "who, what and where", want: []string{"plugin=p", "method=ResourcesService/Get", "org=o", "account=a", "region=east", "sent=true"}},
		"Fault":     {reason: "a fault's class and source", err: fault.Unknown(nil, "lost").From(fault.SourceCloud), want: []string{"class=unavailable", "source=cloud", "doubt=true"}},
		"Transport": {reason: "the transport's own word", err: errors.New("odd"), want: []string{"transport=Unknown"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for level, lines := range map[slog.Level]int{slog.LevelDebug: 1, slog.LevelInfo: 0} {
				var book bytes.Buffer
				g := guard.NewConn(guard.Config{
					Plugin: "p", Bulkhead: guard.NewBulkhead(guard.Limits{}), Log: slog.New(slog.NewTextHandler(&book, &slog.HandlerOptions{Level: level})),
					Pick: func(context.Context) (grpc.ClientConnInterface, error) { return &conn{err: tc.err}, nil },
				})
				_, _ = client.New(g).Get(t.Context(), provider.GetRequest{Call: account("a")})
				if got := strings.Count(book.String(), "\n"); got != lines {
					t.Errorf("%s: %d lines at level %s, want %d", tc.reason, got, level, lines)
				}
				for _, text := range tc.want {
					if lines > 0 && !strings.Contains(book.String(), text) {
						t.Errorf("%s: %q is not in %s", tc.reason, text, book.String())
					}
				}
			}
		})
	}
}
