package session

import (
	"context"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	"tradewind.example/host/crash"
	"tradewind.example/sdk/wire/shape"
)

// maxCalls bounds how many calls at work a report of a crash names.
const maxCalls = 16

// work is one call that the plugin has and has not answered.
type work struct {
	method     string
	request    any // as it was sent; nil until then
	prev, next *work
}

// inFlight knows the calls at work, so that a report of a crash can name them.
// The zero value is ready. Safe for concurrent use.
type inFlight struct {
	mu    sync.Mutex
	first *work // newest
}

func (f *inFlight) begin(method string, request any) *work {
	w := &work{method: method, request: request}
	f.mu.Lock()
	defer f.mu.Unlock()
	if w.next = f.first; w.next != nil {
		w.next.prev = w
	}
	f.first = w
	return w
}

// end takes the call out. A second time does nothing.
func (f *inFlight) end(w *work) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case w.prev != nil:
		w.prev.next = w.next
	case f.first == w:
		f.first = w.next
	default:
		return
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}

// sent notes a stream's request.
func (f *inFlight) sent(w *work, request any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w.request == nil {
		w.request = request
	}
}

// calls describes what is at work now, oldest first. It reads the requests,
// which nobody changes once they are sent.
func (f *inFlight) calls() []crash.Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []crash.Call
	for w := f.first; w != nil && len(out) < maxCalls; w = w.next {
		c := crash.Call{Method: methodName(w.method)}
		if m, ok := w.request.(proto.Message); ok {
			c.Input = shape.Of(m)
		}
		out = append(out, c)
	}
	slices.Reverse(out)
	return out
}

// methodName is "ResourcesService/Create" for the full gRPC name.
func methodName(full string) string { return full[strings.LastIndexByte(full, '.')+1:] }

// follow takes a stream's call out of the list when the stream's context ends.
func (f *inFlight) follow(ctx context.Context, w *work) { context.AfterFunc(ctx, func() { f.end(w) }) }
