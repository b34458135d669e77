package client

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// Bounds of the host's side of the link.
const (
	maxLinkCalls    = 64               // questions in work at once; more wait in the stream
	maxLinkWait     = 60 * time.Second // longest one question may take
	maxScanRows     = 256              // rows in one page
	maxScanPageSize = 1 << 20          // bytes of keys and values after which a page ends
)

// LinkHost serves h to the plugin until ctx ends, which returns nil, or the
// plugin goes away, which returns an unavailable fault. It waits for the
// questions in work before it returns. Open at most one link to a plugin.
func (c *Client) LinkHost(ctx context.Context, h provider.HostServices) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.link.Link(ctx, c.opts...)
	if err != nil {
		return linkEnd(ctx, err)
	}
	l := &linkServer{host: h, stream: stream, slots: make(chan struct{}, maxLinkCalls), cancels: map[uint64]context.CancelFunc{}}
	defer l.work.Wait()
	defer cancel() // before Wait: ends the questions in work
	if err := l.send(&pb.LinkRequest{Call: &pb.Call{}}); err != nil && !errors.Is(err, io.EOF) {
		return linkEnd(ctx, err)
	}
	return l.serve(ctx)
}

// linkEnd is what a broken link means: nothing when the host ended it.
func linkEnd(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return readFault(err)
	}
}

// linkServer answers the questions of one plugin over one stream.
type linkServer struct {
	host   provider.HostServices
	stream grpc.BidiStreamingClient[pb.LinkRequest, pb.LinkResponse]
	slots  chan struct{}
	work   sync.WaitGroup

	sending sync.Mutex // one sender at a time, as gRPC demands

	mu      sync.Mutex
	cancels map[uint64]context.CancelFunc
}

func (l *linkServer) serve(ctx context.Context) error {
	for {
		msg, err := l.stream.Recv()
		if errors.Is(err, io.EOF) {
			err = fault.Unavailable("the plugin closed its link to the host").From(fault.SourceHost)
		}
		if err != nil {
			return linkEnd(ctx, err)
		}
		l.accept(ctx, msg.GetRequest())
	}
}

// accept starts work on one question, waiting for a free slot first.
func (l *linkServer) accept(ctx context.Context, req *pb.HostRequest) {
	if cancel := req.GetCancel(); cancel != nil {
		l.cancel(cancel.GetId())
		return
	}
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	wait := req.GetTimeout().AsDuration()
	if wait <= 0 || wait > maxLinkWait {
		wait = maxLinkWait
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	l.mu.Lock()
	l.cancels[req.GetId()] = cancel
	l.mu.Unlock()
	l.work.Go(func() {
		defer func() { <-l.slots }()
		defer l.cancel(req.GetId())
		resp := l.answer(ctx, req)
		resp.Id = req.GetId()
		// A failed send means that the stream is gone; serve finds out by itself.
		_ = l.send(&pb.LinkRequest{Response: resp})
	})
}

func (l *linkServer) cancel(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cancel := l.cancels[id]; cancel != nil {
		cancel()
		delete(l.cancels, id)
	}
}

func (l *linkServer) send(m *pb.LinkRequest) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	return l.stream.Send(m)
}

func (l *linkServer) answer(ctx context.Context, req *pb.HostRequest) *pb.HostResponse {
	resp, err := l.ask(ctx, provider.Scope{RootOrg: req.GetRootOrg()}, req)
	if err == nil {
		return resp
	}
	f := convert.FaultToWire(err)
	if f.GetSource() == pb.FaultSource_FAULT_SOURCE_UNSPECIFIED {
		f.Source = pb.FaultSource_FAULT_SOURCE_CORE
	}
	return &pb.HostResponse{Answer: &pb.HostResponse_Fault{Fault: f}}
}

func (l *linkServer) ask(ctx context.Context, s provider.Scope, req *pb.HostRequest) (*pb.HostResponse, error) {
	switch ask := req.GetAsk().(type) {
	case *pb.HostRequest_Get:
		value, revision, err := l.host.Get(ctx, s, ask.Get.GetKey())
		return &pb.HostResponse{Answer: &pb.HostResponse_Get{Get: &pb.HostGetResult{Value: value, Revision: revision}}}, err
	case *pb.HostRequest_Scan:
		page, err := l.scan(ctx, s, convert.KeyRangeFromWire(ask.Scan))
		return &pb.HostResponse{Answer: &pb.HostResponse_Scan{Scan: page}}, err
	case *pb.HostRequest_Apply:
		err := l.host.Apply(ctx, s, convert.TransactionFromWire(ask.Apply))
		return &pb.HostResponse{Answer: &pb.HostResponse_Apply{Apply: &pb.HostApplyResult{}}}, err
	case *pb.HostRequest_Now:
		now, err := l.host.Now(ctx)
		return &pb.HostResponse{Answer: &pb.HostResponse_Now{Now: convert.NowToWire(now)}}, err
	case *pb.HostRequest_Emit:
		err := l.host.Emit(ctx, s, convert.EventFromWire(ask.Emit.GetEvent()))
		return &pb.HostResponse{Answer: &pb.HostResponse_Emit{Emit: &pb.HostEmitResult{}}}, err
	default:
		return nil, fault.Unsupported("the host does not know this request of the plugin").From(fault.SourceHost)
	}
}

// errPageFull ends a scan whose page is full.
var errPageFull = errors.New("page is full")

// scan reads one page: bounded in rows and in bytes, but at least one row.
func (l *linkServer) scan(ctx context.Context, s provider.Scope, r provider.KeyRange) (*pb.HostScanResult, error) {
	rows := r.Limit
	if rows <= 0 || rows > maxScanRows {
		rows = maxScanRows
	}
	r.Limit = rows + 1 // one more tells whether more follow
	page, size := &pb.HostScanResult{}, 0
	err := l.host.Scan(ctx, s, r, func(kv provider.KeyValue) error {
		if len(page.Rows) == rows || (size >= maxScanPageSize && len(page.Rows) > 0) {
			page.More = true
			return errPageFull
		}
		size += len(kv.Key) + len(kv.Value)
		page.Rows = append(page.Rows, convert.KeyValueToWire(kv))
		return nil
	})
	if err != nil && !page.More {
		return nil, err
	}
	return page, nil
}
