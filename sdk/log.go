package sdk

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"

	"tradewind.example/sdk/internal/callinfo"
	"tradewind.example/sdk/internal/stdio"
	"tradewind.example/sdk/redact"
)

// LogLevelEnv names the environment variable with the least level that is
// logged: debug, info (without it), warn or error.
const LogLevelEnv = "TRADEWIND_LOG_LEVEL"

// maxLogText is the longest text of one attribute, in bytes: the host cuts
// lines at 64 KiB and would lose the level of the pieces.
const maxLogText = 8 << 10

// logLevel is the process's one log level: every logger made by [Logger] follows
// it, also when the host changes it later.
var logLevel = levelFromEnv(os.Getenv(LogLevelEnv))

func levelFromEnv(name string) *slog.LevelVar {
	var v slog.LevelVar
	if err := v.UnmarshalText([]byte(name)); err != nil {
		v.Set(slog.LevelInfo)
	}
	return &v
}

// Logger returns a logger whose lines the host understands and forwards. It
// masks secret values and what has a telling name (password, secret, token,
// key …) or looks like one in a text. Lines logged with the context of a call
// tell its request and org. The level is that of [LogLevelEnv] until the host
// asks for another.
func Logger() *slog.Logger { return newLogger(stdio.Stderr(), logLevel) }

func newLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(callHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: hostAttr})})
}

// callHandler adds what the context's call is about.
type callHandler struct{ slog.Handler }

// Handle adds the attributes and passes the record on.
func (h callHandler) Handle(ctx context.Context, r slog.Record) error {
	info := callinfo.Of(ctx)
	if info.RequestID != "" {
		r.AddAttrs(slog.String("request_id", info.RequestID))
	}
	if info.Org != "" {
		r.AddAttrs(slog.String("org", info.Org))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the call's attributes.
func (h callHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return callHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the call's attributes.
func (h callHandler) WithGroup(name string) slog.Handler {
	return callHandler{h.Handler.WithGroup(name)}
}

// hostAttr writes the names that hclog gave these three, and masks the rest.
func hostAttr(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch a.Key {
		case slog.TimeKey:
			return slog.String("@timestamp", a.Value.Time().Format("2006-01-02T15:04:05.000000Z07:00"))
		case slog.LevelKey:
			return slog.String("@level", strings.ToLower(levelOf(a.Value)))
		case slog.MessageKey:
			return slog.String("@message", cut(redact.Text(a.Value.String())))
		}
	}
	a = redact.Attr(a)
	if a.Value.Kind() == slog.KindString {
		a.Value = slog.StringValue(cut(a.Value.String()))
	}
	return a
}

// levelOf names the nearest level that hclog knows.
func levelOf(v slog.Value) string {
	level, ok := v.Any().(slog.Level)
	switch {
	case !ok:
		return v.String()
	case level < slog.LevelDebug:
		return "trace"
	case level < slog.LevelInfo:
		return "debug"
	case level < slog.LevelWarn:
		return "info"
	case level < slog.LevelError:
		return "warn"
	default:
		return "error"
	}
}

func cut(s string) string {
	if len(s) <= maxLogText {
		return s
	}
	return s[:maxLogText] + " … cut"
}
