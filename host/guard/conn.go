// Package guard stands between the host's callers and a plugin's connection:
// each call gets a deadline and a slot, and goes to the session that serves at
// that moment. It is not a retry layer: what failed is reported, never repeated.
//
// A [Conn] and a [Bulkhead] are safe for concurrent use and start no goroutine.
// Faults made here say source host and outcome not done: nothing was sent.
package guard

import (
	"context"
	"sync"

	"google.golang.org/grpc"
)

// Picker returns the connection that serves now, waiting for one if it must.
// Its errors are faults.
type Picker func(ctx context.Context) (grpc.ClientConnInterface, error)

// Config says what a [Conn] guards.
type Config struct {
	Pick     Picker
	Bulkhead *Bulkhead
	Rules    map[string]Rule // by full method name; nil: [Rules]
	// Sending, when set, sees each request before it is sent. It must be quick
	// and must not keep the message.
	Sending func(request any)
}

// Conn is a guarded connection to one plugin, over all its sessions.
type Conn struct {
	pick     Picker
	bulkhead *Bulkhead
	rules    map[string]Rule
	sending  func(any)
}

var _ grpc.ClientConnInterface = (*Conn)(nil)

// NewConn makes a guarded connection.
func NewConn(cfg Config) *Conn {
	c := &Conn{pick: cfg.Pick, bulkhead: cfg.Bulkhead, rules: cfg.Rules, sending: cfg.Sending}
	if c.rules == nil {
		c.rules = Rules()
	}
	if c.sending == nil {
		c.sending = func(any) {}
	}
	return c
}

func (c *Conn) rule(method string) Rule {
	if r, ok := c.rules[method]; ok {
		return r
	}
	return Rule{Deadline: unlisted}
}

// Invoke makes one unary call.
func (c *Conn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.rule(method).Deadline)
		defer cancel()
	}
	if err := c.bulkhead.Acquire(ctx); err != nil {
		return err
	}
	defer c.bulkhead.Release()
	conn, err := c.pick(ctx)
	if err != nil {
		return err
	}
	c.sending(args)
	return conn.Invoke(ctx, method, args, reply, opts...)
}

// NewStream opens a stream. Its slot and deadline live until the stream's end
// was received or ctx has ended: end ctx when leaving a stream early.
func (c *Conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	rule := c.rule(method)
	ctx, cancel := bounded(ctx, rule)
	end := cancel
	if !rule.Standing {
		if err := c.bulkhead.Acquire(ctx); err != nil {
			cancel()
			return nil, err
		}
		end = func() { c.bulkhead.Release(); cancel() }
	}
	conn, err := c.pick(ctx)
	if err != nil {
		end()
		return nil, err
	}
	inner, err := conn.NewStream(ctx, desc, method, opts...)
	if err != nil {
		end()
		return nil, err
	}
	s := &stream{ClientStream: inner, conn: c, end: sync.OnceFunc(end)}
	context.AfterFunc(ctx, s.end)
	return s, nil
}

func bounded(ctx context.Context, rule Rule) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has || rule.Deadline == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, rule.Deadline)
}

// stream gives its slot back when it ends.
type stream struct {
	grpc.ClientStream
	conn *Conn
	end  func()
}

// SendMsg sends one message.
func (s *stream) SendMsg(m any) error {
	s.conn.sending(m)
	return s.ClientStream.SendMsg(m)
}

// RecvMsg receives one message; any error is the stream's end.
func (s *stream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil {
		s.end()
	}
	return err
}
