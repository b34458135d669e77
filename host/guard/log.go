package guard

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc/status"

	"tradewind.example/sdk/fault"
)

// logging is the stage that writes one line for each call, at level debug: what
// a failure means is told by those who can do something about it.
type logging struct{ log *slog.Logger }

// Begin lets every call pass.
func (logging) Begin(ctx context.Context, _ *Call) (context.Context, error) { return ctx, nil }

// End writes the line.
func (l logging) End(ctx context.Context, c *Call, err error) {
	if !l.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("plugin", c.Plugin), slog.String("method", c.Name()), slog.Duration("took", time.Since(c.Begun)),
		slog.Bool("sent", c.Sent),
	}
	if c.Routed {
		attrs = append(attrs, slog.String("org", c.Route.Org), slog.String("account", c.Route.Account), slog.String("region", c.Route.Region))
	}
	if err != nil {
		attrs = append(attrs, failure(err)...)
	}
	l.log.LogAttrs(ctx, slog.LevelDebug, "plugin call ended", attrs...)
}

func failure(err error) []slog.Attr {
	f, ok := carried(err)
	if !ok {
		return []slog.Attr{slog.String("transport", status.Code(err).String())}
	}
	return []slog.Attr{slog.String("class", f.Class.String()), slog.String("source", f.Source.String()), slog.Bool("doubt", f.Outcome == fault.OutcomeUnknown)}
}
