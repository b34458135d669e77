package session

import (
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of what one plugin may log over all its processes.
const (
	linesASecond = 200
	linesAtOnce  = 1000
	bytesASecond = 1 << 20
	bytesAtOnce  = 4 << 20
	spansASecond = 1000
	crashAtOnce  = 10 // crashes that calls report; one a second after that
)

// Logging is one plugin's log over all its processes: what of it is wanted, how
// much it may be, and how much it was. Safe for concurrent use.
type Logging struct {
	level   atomic.Pointer[slog.Level] // nil: as the plugin likes
	lines   *rate.Limiter
	bytes   *rate.Limiter
	spans   *rate.Limiter
	crashes *rate.Limiter

	forwarded, dropped, hidden, lostSpans atomic.Int64
}

// NewLogging makes a log that takes what the plugin gives, within the bounds.
func NewLogging() *Logging {
	return &Logging{
		lines: rate.NewLimiter(linesASecond, linesAtOnce), bytes: rate.NewLimiter(bytesASecond, bytesAtOnce),
		spans: rate.NewLimiter(spansASecond, spansASecond), crashes: rate.NewLimiter(1, crashAtOnce),
	}
}

// SetLevel hides lines below level from now on. A running plugin is told with
// the next probe, so that it does not even make them.
func (l *Logging) SetLevel(level slog.Level) { l.level.Store(&level) }

// Level returns the least level that is shown; not set while the plugin's own
// choice holds.
func (l *Logging) Level() (level slog.Level, set bool) {
	if p := l.level.Load(); p != nil {
		return *p, true
	}
	return 0, false
}

// word is the level as the plugin is told; "" when it is not told any.
func (l *Logging) word() string {
	level, set := l.Level()
	switch {
	case !set:
		return ""
	case level < slog.LevelInfo:
		return "debug"
	case level < slog.LevelWarn:
		return "info"
	case level < slog.LevelError:
		return "warn"
	}
	return "error"
}

// Counts tells how many lines went which way.
type Counts struct {
	Forwarded int64 // into the host's log
	Dropped   int64 // because there were too many
	Hidden    int64 // because of their level
	LostSpans int64 // because there were too many, or they were no spans
}

// Counts returns the counts so far.
func (l *Logging) Counts() Counts {
	return Counts{
		Forwarded: l.forwarded.Load(), Dropped: l.dropped.Load(), Hidden: l.hidden.Load(), LostSpans: l.lostSpans.Load(),
	}
}

// admit takes a line's share of the bounds.
func (l *Logging) admit(size int) bool {
	now := time.Now()
	if !l.lines.AllowN(now, 1) || !l.bytes.AllowN(now, size) {
		l.dropped.Add(1)
		return false
	}
	return true
}

// shows reports whether lines of the level are wanted, and counts those that
// are not.
func (l *Logging) shows(level slog.Level) bool {
	if least, set := l.Level(); set && level < least {
		l.hidden.Add(1)
		return false
	}
	return true
}
