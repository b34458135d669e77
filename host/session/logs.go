package session

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// Bounds of what a plugin may log.
const (
	maxLine       = 16 << 10 // bytes; the rest of a line is cut
	maxAttrs      = 32       // of one line
	maxQueued     = 256      // lines waiting for a slow log
	linesASecond  = 200
	linesAtOnce   = 1000
	truncatedMark = " …(cut)"
)

// forwarder takes a plugin's output line by line into the host's log. Writing
// never blocks: what comes faster than the rate, or than the log takes it, is
// dropped and counted.
type forwarder struct {
	log     *slog.Logger
	redact  *Redactor
	limit   *rate.Limiter
	lines   chan line
	dropped atomic.Int64
	quit    chan struct{}
	stop    sync.Once
	worker  sync.WaitGroup
}

type line struct {
	text  string
	level slog.Level // when the line itself names none
}

func newForwarder(ctx context.Context, log *slog.Logger, redact *Redactor) *forwarder {
	f := &forwarder{
		log: log, redact: redact,
		limit: rate.NewLimiter(linesASecond, linesAtOnce),
		lines: make(chan line, maxQueued),
		quit:  make(chan struct{}),
	}
	f.worker.Go(func() { f.work(ctx) })
	return f
}

// close logs what is queued and the count of what was dropped, and ends the
// worker. Later writes are dropped.
func (f *forwarder) close() {
	f.stop.Do(func() { close(f.quit) })
	f.worker.Wait()
}

func (f *forwarder) work(ctx context.Context) {
	for {
		select {
		case l := <-f.lines:
			f.emit(ctx, l)
		case <-f.quit:
			for {
				select {
				case l := <-f.lines:
					f.emit(ctx, l)
				default:
					f.reportDropped()
					return
				}
			}
		}
	}
}

func (f *forwarder) accept(text []byte, level slog.Level) {
	if !f.limit.Allow() {
		f.dropped.Add(1)
		return
	}
	select {
	case f.lines <- line{string(text), level}:
	default:
		f.dropped.Add(1)
	}
}

func (f *forwarder) reportDropped() {
	if n := f.dropped.Swap(0); n > 0 {
		f.log.Warn("plugin log lines dropped", "dropped", n)
	}
}

func (f *forwarder) emit(ctx context.Context, l line) {
	f.reportDropped()
	level, message, attrs := f.parse(l)
	f.log.LogAttrs(ctx, level, message, attrs...) //nolint:sloglint // the message is the plugin's own
}

// parse reads a line in hclog's JSON form, or takes it as it is.
func (f *forwarder) parse(l line) (slog.Level, string, []slog.Attr) {
	if !strings.HasPrefix(l.text, "{") {
		return levelOfText(l), f.redact.Text(l.text), nil
	}
	fields := map[string]any{}
	if json.Unmarshal([]byte(l.text), &fields) != nil {
		return l.level, f.redact.Text(l.text), nil
	}
	level, message := l.level, ""
	if name, ok := fields["@level"].(string); ok {
		level = levelOf(name, l.level)
	}
	if text, ok := fields["@message"].(string); ok {
		message = f.redact.Text(text)
	}
	for _, known := range []string{"@level", "@message", "@timestamp"} {
		delete(fields, known)
	}
	return level, message, f.attrs(fields)
}

func (f *forwarder) attrs(fields map[string]any) []slog.Attr {
	names := slices.Sorted(maps.Keys(fields))
	attrs := make([]slog.Attr, 0, min(len(names), maxAttrs))
	for _, name := range names[:min(len(names), maxAttrs)] {
		attrs = append(attrs, f.redact.attr(strings.TrimPrefix(name, "@"), fields[name]))
	}
	return attrs
}

func levelOf(name string, otherwise slog.Level) slog.Level {
	switch strings.ToLower(name) {
	case "trace", "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "warn", "warning":
		return slog.LevelWarn
	case "error", "fatal":
		return slog.LevelError
	}
	return otherwise
}

func levelOfText(l line) slog.Level {
	if strings.HasPrefix(l.text, "panic: ") || strings.HasPrefix(l.text, "fatal error: ") {
		return slog.LevelError
	}
	return l.level
}

// writer returns a writer for one stream of output, whose plain lines have level.
func (f *forwarder) writer(level slog.Level) *lineWriter { return &lineWriter{f: f, level: level} }

// lineWriter cuts one stream into bounded lines. One goroutine may write.
type lineWriter struct {
	f     *forwarder
	level slog.Level
	part  []byte // a line's beginning
	cut   bool
}

// Write takes in p; it never fails and never blocks.
func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			w.keep(p)
			return n, nil
		}
		if len(w.part) == 0 && end <= maxLine {
			w.done(p[:end])
		} else {
			w.keep(p[:end])
			w.done(w.part)
		}
		p = p[end+1:]
	}
}

func (w *lineWriter) keep(p []byte) {
	room := maxLine - len(w.part)
	if len(p) > room {
		p, w.cut = p[:room], true
	}
	w.part = append(w.part, p...)
}

func (w *lineWriter) done(text []byte) {
	text = bytes.TrimRight(text, "\r ")
	if w.cut {
		text = append(text[:len(text):len(text)], truncatedMark...)
	}
	if len(text) > 0 {
		w.f.accept(text, w.level)
	}
	w.part, w.cut = w.part[:0], false
}
