package guard

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/sdk/wire/client"
	pb "tradewind.example/sdk/wire/providerv1"
)

// Stage is one link of the chain. It sees every call, unary or stream, begin
// and end. One Stage serves all calls at once: what it must remember of a call
// it keeps in the context that it returns.
type Stage interface {
	// Begin lets the call go on, with the context it returns, or ends it with an
	// error. A Stage whose Begin failed gets no End.
	Begin(ctx context.Context, c *Call) (context.Context, error)
	// End is called exactly once after a Begin that went well, also when the call
	// panicked, with the context that the last stage got. err is nil, a fault, or
	// the error of gRPC as it came. It must not block.
	End(ctx context.Context, c *Call, err error)
}

// MessageStage is a Stage that also sees the messages. It must be quick and must
// not keep or change them.
type MessageStage interface {
	Stage
	// Message sees m after it was sent or received; a message that was sent has
	// its wire size cached.
	Message(ctx context.Context, c *Call, d Direction, m any)
}

// Direction is the way of a message.
type Direction uint8

// The directions.
const (
	ToPlugin Direction = iota
	FromPlugin
)

// Call is one call on its way through the chain. Stages read it.
type Call struct {
	Plugin string
	Method string // full gRPC name
	Rule   Rule
	Route  client.Route
	// Routed says that the call is made for an org and Route is known; the host's
	// own calls have none.
	Routed    bool
	Change    bool // it may change something at the cloud
	Streaming bool
	Begun     time.Time
	// Sent says that the plugin may have got the call. Until then a failure means
	// that nothing was done.
	Sent bool

	passed   int // stages whose Begin went well
	release  context.CancelFunc
	ticket   ticket
	answered bool // a stream that has brought a message
	conn     grpc.ClientConnInterface
}

// Name returns the method without its package: "ResourcesService/Create".
func (c *Call) Name() string { return shortName(c.Method) }

func shortName(method string) string { return method[strings.LastIndexByte(method, '.')+1:] }

// classWord is the word for what kind of call it is.
func classWord(change bool) string {
	if change {
		return "change"
	}
	return "read"
}

// changes reports whether a call may change something: by its method, and an
// action by its token.
func changes(rule Rule, request any) bool {
	if act, ok := request.(*pb.ActRequest); ok {
		return act.GetToken() != ""
	}
	return rule.Change
}

// link is a stage and its name in the chain.
type link struct {
	name  string
	stage Stage
}

// chain is the fixed order.
func chain(cfg Config) []link {
	all := []link{
		{"trace", cfg.Trace},
		{"log", logging{cfg.Log}},
		{"metrics", cfg.Metrics},
		{"tally", cfg.Tally},
		{"deadline", deadline{}},
		{"bulkhead", queueing{cfg.Bulkhead, cfg.Streams, cfg.Breakers}},
		{"breaker", breaking{cfg.Breakers}},
		{"session", sending{cfg.Pick}},
	}
	used := all[:0]
	for _, l := range all {
		if l.stage != nil {
			used = append(used, l)
		}
	}
	return used
}

// begin passes the stages in order until one refuses.
func (c *Conn) begin(ctx context.Context, call *Call) (context.Context, error) {
	for _, l := range c.links {
		next, err := l.stage.Begin(ctx, call)
		if err != nil {
			return ctx, err
		}
		ctx = next
		call.passed++
	}
	return ctx, nil
}

// end tells the stages that were passed, the last one first.
func (c *Conn) end(ctx context.Context, call *Call, err error) {
	for call.passed > 0 {
		call.passed--
		c.links[call.passed].stage.End(ctx, call, err)
	}
}

func (c *Conn) message(ctx context.Context, call *Call, d Direction, m any) {
	for _, w := range c.watchers {
		w.Message(ctx, call, d, m)
	}
}
