// Package trace tells the broker where a call's time goes inside a plugin: the
// spans that a plugin starts become part of the trace of the request that the
// broker is serving. A plugin exports nothing by itself; finished spans travel
// to the broker, which decides what becomes of them. It is no metrics library
// and no general tracing library, and adds no dependency to a plugin.
//
// # Basics
//
// The SDK starts a span for every traced call, and package cloudhttp one for
// every request to the cloud. A plugin adds its own where that helps:
//
//	ctx, span := trace.Start(ctx, "wait for the disk")
//	defer func() { span.End(err) }()
//
// When the call is not traced, which is the usual case, Start returns nil, a
// nil [Span] may be used like any other, and nothing costs anything.
//
// # Concurrency
//
// A [Span] may be used by several goroutines. Contexts carry everything; there
// is no state beside them.
package trace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// Context is a place in a trace.
type Context struct {
	Trace   [16]byte
	Span    [8]byte
	Sampled bool // someone wants to see this trace
}

// String returns the W3C traceparent of c.
func (c Context) String() string {
	flags := "00"
	if c.Sampled {
		flags = "01"
	}
	return "00-" + hex.EncodeToString(c.Trace[:]) + "-" + hex.EncodeToString(c.Span[:]) + "-" + flags
}

// traceparentSize is the length of a traceparent of version 0.
const traceparentSize = 55

// Parse reads a W3C traceparent; not ok when it is none, or of an unknown version.
func Parse(traceparent string) (c Context, ok bool) {
	s := traceparent
	if len(s) != traceparentSize || s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return Context{}, false
	}
	var flags [1]byte
	for _, part := range []struct {
		to   []byte
		from string
	}{{c.Trace[:], s[3:35]}, {c.Span[:], s[36:52]}, {flags[:], s[53:]}} {
		if !lowerHex(part.from) {
			return Context{}, false
		}
		if _, err := hex.Decode(part.to, []byte(part.from)); err != nil {
			return Context{}, false
		}
	}
	c.Sampled = flags[0]&1 == 1
	return c, c.Trace != [16]byte{} && c.Span != [8]byte{}
}

func lowerHex(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}

// Recorder takes finished spans. It must not block and is called concurrently.
type Recorder interface{ Record(f Finished) }

// Kind says what a span stands for.
type Kind string

// The kinds.
const (
	KindInternal Kind = "internal" // work inside the plugin
	KindServer   Kind = "server"   // answering a call
	KindClient   Kind = "client"   // a request to someone else
)

type contextKey struct{}

// here is what a context knows of its trace.
type here struct {
	at       Context
	recorder Recorder
}

// With returns a context whose spans are children of parent and go to r. It is
// for who serves calls; plugins need only [Start].
func With(ctx context.Context, parent Context, r Recorder) context.Context {
	if !parent.Sampled || r == nil {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, here{at: parent, recorder: r})
}

// Span is a piece of work that is being timed. A nil Span records nothing.
type Span struct {
	at       Context
	parent   [8]byte
	name     string
	kind     Kind
	start    time.Time
	recorder Recorder

	mu    sync.Mutex
	attrs map[string]string
	ended bool
}

// Start begins a span below the one in ctx and returns a context with it; end
// it with [Span.End]. The name is a fixed text, without ids in it.
func Start(ctx context.Context, name string) (context.Context, *Span) {
	return StartKind(ctx, name, KindInternal)
}

// StartKind is Start for a span of another kind.
func StartKind(ctx context.Context, name string, kind Kind) (context.Context, *Span) {
	h, ok := ctx.Value(contextKey{}).(here)
	if !ok {
		return ctx, nil
	}
	s := &Span{at: h.at, parent: h.at.Span, name: name, kind: kind, start: time.Now(), recorder: h.recorder}
	_, _ = rand.Read(s.at.Span[:]) // never fails, see crypto/rand
	return context.WithValue(ctx, contextKey{}, here{at: s.at, recorder: h.recorder}), s
}

// maxAttrs bounds the attributes of one span; more are dropped.
const maxAttrs = 16

// Set adds an attribute. Its value must hold no secret and no data of a
// customer; long ones are cut.
func (s *Span) Set(name, value string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attrs == nil {
		s.attrs = make(map[string]string, 4)
	}
	if _, known := s.attrs[name]; known || len(s.attrs) < maxAttrs {
		s.attrs[name] = value
	}
}

// End ends the span; err, when not nil, marks it as failed. The error's class
// is told, its text is not: it may hold what the cloud said. Only the first End
// counts.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.ended = true
	f := Finished{
		Trace: hex.EncodeToString(s.at.Trace[:]), Span: hex.EncodeToString(s.at.Span[:]), Parent: hex.EncodeToString(s.parent[:]),
		Name: s.name, Kind: s.kind, Start: s.start.UnixNano(), End: s.start.Add(time.Since(s.start)).UnixNano(),
		Attrs: s.attrs, Failure: failure(err),
	}
	s.mu.Unlock()
	s.recorder.Record(f)
}

// String names the span, for messages.
func (s *Span) String() string {
	if s == nil {
		return "no span"
	}
	return fmt.Sprintf("span %q", s.name)
}
