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

	"tradewind.example/host/crash"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/trace"
)

// Bounds of one line and of the queue of lines.
const (
	maxLine       = 64 << 10 // bytes; the rest of a line is cut
	headSize      = 512      // bytes in which a line's level and kind are looked for
	maxAttrs      = 32       // of one line
	maxQueued     = 256      // lines waiting for a slow log
	truncatedMark = " …(cut)"
)

// forwarder takes a plugin's output line by line into the host's log. Writing
// never blocks: what comes faster than the plugin's [Logging] allows, or than
// the log takes it, is dropped and counted, at the cost of finding the line's
// end and looking at its beginning.
type forwarder struct {
	log     *slog.Logger
	redact  *Redactor
	logging *Logging
	words   crash.Catcher
	onSpan  func(trace.Finished) bool
	onCrash func(caught)

	lines   chan line
	spans   chan []byte
	dropped atomic.Int64 // since that was told last
	quit    chan struct{}
	stop    sync.Once
	worker  sync.WaitGroup
}

// line is one line that was let through.
type line struct {
	text  string
	level slog.Level
	cut   bool
	crash bool // it reports a crash that the SDK caught
}

// forwarding says where the parts of a plugin's output go. The functions are
// called by one goroutine at a time and may be nil.
type forwarding struct {
	log     *slog.Logger
	redact  *Redactor
	logging *Logging
	onSpan  func(trace.Finished) bool
	onCrash func(caught)
}

func newForwarder(ctx context.Context, cfg forwarding) *forwarder {
	f := &forwarder{
		log: cfg.log, redact: cfg.redact, logging: cfg.logging, onSpan: cfg.onSpan, onCrash: cfg.onCrash,
		lines: make(chan line, maxQueued), spans: make(chan []byte, maxQueued),
		quit: make(chan struct{}),
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
		case raw := <-f.spans:
			f.span(raw)
		case <-f.quit:
			f.finish(ctx)
			return
		}
	}
}

func (f *forwarder) finish(ctx context.Context) {
	for {
		select {
		case l := <-f.lines:
			f.emit(ctx, l)
		case raw := <-f.spans:
			f.span(raw)
		default:
			f.reportDropped()
			return
		}
	}
}

// Marks in the head of a line.
var (
	spanMark  = []byte(trace.LinePrefix)
	crashMark = []byte(`"` + handshake.CrashAttr + `":true`)
	levelMark = []byte(`"@level":"`)
)

// accept decides what becomes of a line.
func (f *forwarder) accept(text []byte, level slog.Level, cut bool) {
	if bytes.HasPrefix(text, spanMark) {
		f.acceptSpan(text)
		return
	}
	f.words.Line(text)
	l := line{level: level, cut: cut}
	if head := text[:min(len(text), headSize)]; head[0] == '{' {
		l.level, l.crash = levelInHead(head, level), bytes.Contains(head, crashMark)
	} else if announcesEnd(head) {
		l.level = slog.LevelError
	}
	if !f.logging.shows(l.level) {
		return
	}
	if admitted := l.crash && f.logging.crashes.Allow() || f.logging.admit(len(text)); !admitted {
		f.dropped.Add(1)
		return
	}
	l.text = string(text)
	select {
	case f.lines <- l:
		f.logging.forwarded.Add(1)
	default:
		f.logging.dropped.Add(1)
		f.dropped.Add(1)
	}
}

func (f *forwarder) acceptSpan(text []byte) {
	if f.onSpan == nil || len(text) > trace.MaxLine || !f.logging.spans.Allow() {
		f.logging.lostSpans.Add(1)
		return
	}
	select {
	case f.spans <- bytes.Clone(text):
	default:
		f.logging.lostSpans.Add(1)
	}
}

func (f *forwarder) span(raw []byte) {
	finished, err := trace.ParseLine(raw)
	if err != nil || !f.onSpan(finished) {
		f.logging.lostSpans.Add(1)
	}
}

func (f *forwarder) reportDropped() {
	if n := f.dropped.Swap(0); n > 0 {
		f.log.Warn("plugin log lines dropped", "dropped", n)
	}
}

func (f *forwarder) emit(ctx context.Context, l line) {
	f.reportDropped()
	message, attrs := f.parse(l)
	f.log.LogAttrs(ctx, l.level, message, attrs...) //nolint:sloglint // the message is the plugin's own
}

// parse reads a line in hclog's JSON form, or takes it as it is. A structured
// line that was cut, and so cannot be read, keeps its level.
func (f *forwarder) parse(l line) (string, []slog.Attr) {
	if !strings.HasPrefix(l.text, "{") || l.cut {
		return f.plain(l), nil
	}
	fields := map[string]any{}
	if json.Unmarshal([]byte(l.text), &fields) != nil {
		return f.plain(l), nil
	}
	if l.crash && f.onCrash != nil {
		f.onCrash(caughtIn(fields))
	}
	message := ""
	if text, ok := fields["@message"].(string); ok {
		message = f.redact.Text(text)
	}
	for _, known := range []string{"@level", "@message", "@timestamp"} {
		delete(fields, known)
	}
	return message, f.attrs(fields)
}

func (f *forwarder) plain(l line) string {
	if !l.cut {
		return f.redact.Text(l.text)
	}
	return uncertainEnd(f.redact.Text(l.text)) + truncatedMark
}

// uncertainEnd takes the end off a text that was cut: it may be the beginning
// of a secret, which nobody could recognise.
func uncertainEnd(s string) string {
	const most = 512
	from := max(0, len(s)-most)
	if i := strings.LastIndexAny(s[from:], " \t,;&"); i >= 0 {
		return s[:from+i]
	}
	return strings.ToValidUTF8(s[:from], "")
}

func (f *forwarder) attrs(fields map[string]any) []slog.Attr {
	names := slices.Sorted(maps.Keys(fields))
	attrs := make([]slog.Attr, 0, min(len(names), maxAttrs))
	for _, name := range names[:min(len(names), maxAttrs)] {
		attrs = append(attrs, f.redact.attr(strings.TrimPrefix(name, "@"), fields[name]))
	}
	return attrs
}

// levelInHead finds the level of a structured line without reading all of it.
func levelInHead(head []byte, otherwise slog.Level) slog.Level {
	_, rest, ok := bytes.Cut(head, levelMark)
	if !ok {
		return otherwise
	}
	switch name, _, _ := bytes.Cut(rest, []byte(`"`)); strings.ToLower(string(name)) {
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

func announcesEnd(head []byte) bool {
	return bytes.HasPrefix(head, []byte("panic: ")) || bytes.HasPrefix(head, []byte("fatal error: "))
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
	if text = bytes.TrimRight(text, "\r "); len(text) > 0 {
		w.f.accept(text, w.level, w.cut)
	}
	w.part, w.cut = w.part[:0], false
}
