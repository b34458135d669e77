package serve

import (
	"context"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// linkWait is the longest a question to the host takes when the caller's
// context has no deadline.
const linkWait = 30 * time.Second

// link is the host's services as the plugin sees them. Questions wait for the
// host to open its stream, and fail when that stream ends.
type link struct {
	mu      sync.Mutex
	current *conversation
	arrived chan struct{} // closed when current is set
}

// conversation is one stream opened by the host.
type conversation struct {
	stream  grpc.BidiStreamingServer[pb.LinkRequest, pb.LinkResponse]
	sending sync.Mutex    // one sender at a time, as gRPC demands
	over    chan struct{} // closed when the stream has ended

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan *pb.HostResponse
}

func newLink() *link { return &link{arrived: make(chan struct{})} }

// Link takes over the stream that the host opened and reads its answers. A
// newer stream replaces an older one.
func (s *Server) Link(stream grpc.BidiStreamingServer[pb.LinkRequest, pb.LinkResponse]) error {
	if _, err := offered[provider.HostUser](s, provider.CapHostStorage); err != nil {
		return err
	}
	c := &conversation{stream: stream, over: make(chan struct{}), waiting: map[uint64]chan *pb.HostResponse{}}
	s.link.open(c)
	defer s.link.close(c)
	for {
		msg, err := stream.Recv()
		if err != nil {
			return nil // the host hung up, which is its right
		}
		if resp := msg.GetResponse(); resp != nil {
			c.deliver(resp)
		}
	}
}

func (l *link) open(c *conversation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == nil {
		close(l.arrived)
	}
	l.current = c
}

func (l *link) close(c *conversation) {
	close(c.over)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == c {
		l.current, l.arrived = nil, make(chan struct{})
	}
}

// wait returns the current conversation, once there is one.
func (l *link) wait(ctx context.Context) (*conversation, error) {
	for {
		l.mu.Lock()
		c, arrived := l.current, l.arrived
		l.mu.Unlock()
		if c != nil {
			return c, nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, fault.Unavailable("the host has not connected its services").From(fault.SourceHost).With(ctx.Err())
		}
	}
}

// ask sends one question and waits for its answer. lost is the fault for a
// question whose answer does not come: reads are unavailable, changes unknown.
func (l *link) ask(ctx context.Context, s provider.Scope, req *pb.HostRequest, change bool) (*pb.HostResponse, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, linkWait)
		defer cancel()
	}
	// What cannot be sent would end the stream, and with it every question.
	if !utf8.ValidString(s.RootOrg) {
		return nil, fault.Invalid("scope.root_org", "is not valid UTF-8")
	}
	c, err := l.wait(ctx)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	req.RootOrg, req.Timeout = s.RootOrg, convert.TimeoutToWire(time.Until(deadline))
	answer := c.expect(req)
	defer c.forget(req.GetId())
	if err := c.send(req); err != nil {
		return nil, lost(change, err)
	}
	select {
	case resp := <-answer:
		if f := resp.GetFault(); f != nil {
			return nil, convert.FaultFromWire(f)
		}
		return resp, nil
	case <-c.over:
		return nil, lost(change, context.Canceled)
	case <-ctx.Done():
		// Best effort: the host also knows the timeout.
		_ = c.send(&pb.HostRequest{Ask: &pb.HostRequest_Cancel{Cancel: &pb.HostCancel{Id: req.GetId()}}})
		return nil, lost(change, ctx.Err())
	}
}

func lost(change bool, cause error) error {
	if change {
		return fault.Unknown(cause, "the host did not answer; the change may have happened").From(fault.SourceHost)
	}
	return fault.Unavailable("the host did not answer").From(fault.SourceHost).With(cause)
}

// expect numbers req and returns where its answer will arrive.
func (c *conversation) expect(req *pb.HostRequest) <-chan *pb.HostResponse {
	answer := make(chan *pb.HostResponse, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	req.Id = c.last
	c.waiting[req.Id] = answer
	return answer
}

func (c *conversation) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

// deliver hands an answer to its asker; one that nobody waits for is dropped.
func (c *conversation) deliver(resp *pb.HostResponse) {
	c.mu.Lock()
	answer := c.waiting[resp.GetId()]
	delete(c.waiting, resp.GetId())
	c.mu.Unlock()
	if answer != nil {
		answer <- resp
	}
}

func (c *conversation) send(req *pb.HostRequest) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.stream.Send(&pb.LinkResponse{Request: req})
}

// Get reads one key of the plugin's storage.
func (l *link) Get(ctx context.Context, s provider.Scope, key string) ([]byte, uint64, error) {
	if err := provider.CheckStorageKey(key); err != nil {
		return nil, 0, err
	}
	resp, err := l.ask(ctx, s, &pb.HostRequest{Ask: &pb.HostRequest_Get{Get: &pb.HostGet{Key: key}}}, false)
	if err != nil {
		return nil, 0, err
	}
	return resp.GetGet().GetValue(), resp.GetGet().GetRevision(), nil
}

// Scan reads a range page by page, so that neither side holds all of it. Each
// page is consistent in itself; writes between two pages may show.
func (l *link) Scan(ctx context.Context, s provider.Scope, r provider.KeyRange, yield func(provider.KeyValue) error) error {
	if !utf8.ValidString(r.From) || !utf8.ValidString(r.To) {
		return fault.Invalid("range", "is not valid UTF-8")
	}
	left := r.Limit
	for {
		r.Limit = left
		resp, err := l.ask(ctx, s, &pb.HostRequest{Ask: &pb.HostRequest_Scan{Scan: convert.KeyRangeToWire(r)}}, false)
		if err != nil {
			return err
		}
		rows := resp.GetScan().GetRows()
		for _, row := range rows {
			if err := yield(convert.KeyValueFromWire(row)); err != nil {
				return err
			}
		}
		if left > 0 {
			if left -= len(rows); left <= 0 {
				return nil
			}
		}
		if !resp.GetScan().GetMore() || len(rows) == 0 {
			return nil
		}
		if last := rows[len(rows)-1].GetKey(); r.Reverse {
			r.To = last
		} else {
			r.From = last + "\x00"
		}
	}
}

// Apply performs a transaction.
func (l *link) Apply(ctx context.Context, s provider.Scope, t provider.Transaction) error {
	if err := t.Check(); err != nil {
		return err
	}
	_, err := l.ask(ctx, s, &pb.HostRequest{Ask: &pb.HostRequest_Apply{Apply: convert.TransactionToWire(t)}}, true)
	return err
}

// Now asks for the host's time.
func (l *link) Now(ctx context.Context) (time.Time, error) {
	resp, err := l.ask(ctx, provider.Scope{}, &pb.HostRequest{Ask: &pb.HostRequest_Now{Now: &pb.HostNow{}}}, false)
	if err != nil {
		return time.Time{}, err
	}
	return convert.NowFromWire(resp.GetNow()), nil
}

// Emit hands an event to the core.
func (l *link) Emit(ctx context.Context, s provider.Scope, e provider.Event) error {
	if err := e.CheckEmitted(); err != nil {
		return err
	}
	_, err := l.ask(ctx, s, &pb.HostRequest{Ask: &pb.HostRequest_Emit{Emit: &pb.HostEmit{Event: convert.EventToWire(e)}}}, true)
	return err
}
