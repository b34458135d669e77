package guard

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/sdk/wire/client"
)

// errAbandoned ends a call that panicked or whose caller left its stream.
var errAbandoned = errors.New("the call was given up")

// Config says what a [Conn] guards. Pick and Bulkhead are required.
type Config struct {
	Plugin   string // its name, for stages and logs
	Pick     Picker
	Bulkhead *Bulkhead
	Streams  *Bulkhead       // of logs and consoles, which never wait; nil: as many as want
	Breakers *Breakers       // nil: calls pass without
	Rules    map[string]Rule // by full method name; nil: [Rules]
	// Trace, Metrics and Tally are the stages of those names; nil: the chain goes
	// without. Tally learns of the calls that the chain itself refused.
	Trace, Metrics, Tally Stage
	// Sending, when set, sees each request before it is sent. It must be quick
	// and must not keep the message.
	Sending func(request any)
	Log     *slog.Logger // nil discards
}

// Conn is a guarded connection to one plugin, over all its sessions.
type Conn struct {
	plugin   string
	rules    map[string]Rule
	sending  func(request any)
	links    []link
	watchers []MessageStage
}

var _ grpc.ClientConnInterface = (*Conn)(nil)

// NewConn makes a guarded connection.
func NewConn(cfg Config) *Conn {
	if cfg.Rules == nil {
		cfg.Rules = Rules()
	}
	if cfg.Sending == nil {
		cfg.Sending = func(any) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Conn{plugin: cfg.Plugin, rules: cfg.Rules, sending: cfg.Sending, links: chain(cfg)}
	for _, l := range c.links {
		if w, ok := l.stage.(MessageStage); ok {
			c.watchers = append(c.watchers, w)
		}
	}
	return c
}

// Stages returns the names of the stages, in the order in which a call passes them.
func (c *Conn) Stages() []string {
	names := make([]string, 0, len(c.links))
	for _, l := range c.links {
		names = append(names, l.name)
	}
	return names
}

func (c *Conn) call(ctx context.Context, method string, request any) *Call {
	rule, ok := c.rules[method]
	if !ok {
		rule = unlisted
	}
	call := &Call{Plugin: c.plugin, Method: method, Rule: rule, Change: changes(rule, request), Begun: time.Now()}
	call.Route, call.Routed = client.RouteOf(ctx)
	return call
}

// Invoke makes one unary call.
func (c *Conn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	call, err := c.call(ctx, method, args), errAbandoned
	defer func() { c.end(ctx, call, err) }()
	if ctx, err = c.begin(ctx, call); err != nil {
		return err
	}
	err = errAbandoned
	c.sending(args)
	call.Sent = true
	err = call.conn.Invoke(ctx, method, args, reply, opts...)
	c.message(ctx, call, ToPlugin, args)
	if err == nil {
		c.message(ctx, call, FromPlugin, reply)
	}
	return err
}

// NewStream opens a stream. Its slot and deadline live until the stream's end
// was received or ctx has ended: end ctx when leaving a stream early.
func (c *Conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	call, err := c.call(ctx, method, nil), errAbandoned
	call.Streaming = true
	opened := false
	defer func() {
		if !opened {
			c.end(ctx, call, err)
		}
	}()
	if ctx, err = c.begin(ctx, call); err != nil {
		return nil, err
	}
	err = errAbandoned
	call.Sent = true
	ctx, quiet := watchSilence(ctx, call)
	inner, err := call.conn.NewStream(ctx, desc, method, opts...)
	if err != nil {
		quiet.stop()
		return nil, err
	}
	opened = true
	s := &stream{ClientStream: inner, conn: c, call: call, ctx: ctx, quiet: quiet}
	s.unwatch = context.AfterFunc(ctx, func() { s.end(ctx.Err()) })
	return s, nil
}

// stream ends its call once, when its end is received or its context has ended.
type stream struct {
	grpc.ClientStream
	conn    *Conn
	call    *Call
	ctx     context.Context // of this one call
	quiet   *silence        // nil: it may pass nothing for ever
	ended   atomic.Bool
	unwatch func() bool
}

func (s *stream) end(err error) {
	if !s.ended.Swap(true) {
		s.conn.end(s.ctx, s.call, err)
		s.quiet.stop()
	}
}

// SendMsg sends one message.
func (s *stream) SendMsg(m any) error {
	s.conn.sending(m)
	err := s.ClientStream.SendMsg(m)
	if err == nil {
		s.quiet.heard()
		s.conn.message(s.ctx, s.call, ToPlugin, m)
	}
	return err
}

// RecvMsg receives one message; any error is the stream's end.
func (s *stream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err == nil {
		s.quiet.heard()
		s.conn.message(s.ctx, s.call, FromPlugin, m)
		return nil
	}
	s.unwatch()
	err = s.quiet.explain(err)
	if errors.Is(err, io.EOF) {
		s.end(nil)
	} else {
		s.end(err)
	}
	return err
}
