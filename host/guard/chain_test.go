package guard_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"tradewind.example/host/guard"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
	pb "tradewind.example/sdk/wire/providerv1"
)

// diary is a stage that writes down what it sees.
type diary struct {
	name  string
	mu    *sync.Mutex
	lines *[]string
	calls *[]guard.Call // as they were at their end
	begin error
}

type diaryKey struct{ name string }

func (d diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	*d.lines = append(*d.lines, d.name+" "+line)
}

func (d diary) Begin(ctx context.Context, _ *guard.Call) (context.Context, error) {
	d.note("begin")
	return context.WithValue(ctx, diaryKey{d.name}, true), d.begin
}

func (d diary) End(ctx context.Context, c *guard.Call, err error) {
	switch {
	case ctx.Value(diaryKey{d.name}) == nil:
		d.note("end without its own context")
	case err == nil:
		d.note("end")
	default:
		d.note("end: " + fault.ClassOf(err).String())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	*d.calls = append(*d.calls, *c)
}

// talking is a diary of messages, too.
type talking struct{ diary }

func (d talking) Message(_ context.Context, _ *guard.Call, way guard.Direction, _ any) {
	d.note(map[guard.Direction]string{guard.ToPlugin: "request", guard.FromPlugin: "answer"}[way])
}

// silent is a stage that lets everything pass.
type silent struct{}

func (silent) Begin(ctx context.Context, _ *guard.Call) (context.Context, error) { return ctx, nil }

func (silent) End(context.Context, *guard.Call, error) {}

// watched is a connection whose trace and metrics stages keep a diary.
func watched(far grpc.ClientConnInterface, b *guard.Bulkhead, begin error) (*guard.Conn, *diary) {
	d := diary{name: "trace", mu: &sync.Mutex{}, lines: new([]string), calls: new([]guard.Call)}
	m := d
	m.name, m.begin, m.calls = "metrics", begin, new([]guard.Call)
	return guard.NewConn(guard.Config{
		Plugin: "p", Bulkhead: b, Trace: d, Metrics: talking{m}, Tally: silent{},
		Pick: func(context.Context) (grpc.ClientConnInterface, error) { return far, nil },
	}), &d
}

func TestOrder(t *testing.T) {
	t.Parallel()
	g, _ := watched(&conn{}, guard.NewBulkhead(guard.Limits{}), nil)
	want := []string{"trace", "log", "metrics", "tally", "deadline", "bulkhead", "breaker", "session"}
	if diff := cmp.Diff(want, g.Stages()); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	bare, _ := guarded(&conn{}, guard.Limits{})
	if diff := cmp.Diff([]string{"log", "deadline", "bulkhead", "breaker", "session"}, bare.Stages()); diff != "" {
		t.Errorf("without what is optional (-want +got):\n%s", diff)
	}
}

func TestStagesSeeEveryCall(t *testing.T) {
	t.Parallel()
	down := fault.Unavailable("down")
	get := func(ctx context.Context, c *client.Client) { _, _ = c.Get(ctx, provider.GetRequest{}) }
	list := func(ctx context.Context, c *client.Client) {
		_ = c.List(ctx, provider.ListRequest{}, func(provider.Resource) error { return nil })
	}
	full := guard.NewBulkhead(guard.Limits{Concurrent: 1, QueueWait: time.Nanosecond})
	cases := map[string]struct {
		reason string
		far    grpc.ClientConnInterface
		full   bool
		begin  error
		do     func(context.Context, *client.Client)
		want   []string
	}{
		"Unary": {
			reason: "from outside in, and back", far: &conn{}, do: get,
			want: []string{"trace begin", "metrics begin", "metrics request", "metrics answer", "metrics end", "trace end"},
		},
		"UnaryFails": {
			reason: "the error is told, and there is no answer", far: &conn{err: down}, do: get,
			want: []string{"trace begin", "metrics begin", "metrics request", "metrics end: unavailable", "trace end: unavailable"},
		},
		"Stream": {
			reason: "each message is seen, and one end", far: &conn{stream: &stream{left: 2}}, do: list,
			want: []string{"trace begin", "metrics begin", "metrics request", "metrics answer", "metrics answer", "metrics end", "trace end"},
		},
		"StreamFails": {
			reason: "a stream that is not opened ends at once", far: &conn{err: down}, do: list,
			want: []string{"trace begin", "metrics begin", "metrics end: unavailable", "trace end: unavailable"},
		},
		"Refused": {
			reason: "what a later stage refuses is seen as well", far: &conn{}, full: true, do: get,
			want: []string{"trace begin", "metrics begin", "metrics end: unavailable", "trace end: unavailable"},
		},
		"RefusedByItself": {
			reason: "a stage that refuses a call gets no end of it", far: &conn{}, begin: fault.Forbidden("no"), do: get,
			want: []string{"trace begin", "metrics begin", "trace end: forbidden"},
		},
		"Panic": {
			reason: "a call that panics has ended, too", far: panicking{}, do: get,
			want: []string{"trace begin", "metrics begin", "metrics end: internal", "trace end: internal"},
		},
	}
	hold(t, full, "", 1)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := guard.NewBulkhead(guard.Limits{})
			if tc.full {
				b = full
			}
			g, d := watched(tc.far, b, tc.begin)
			func() {
				defer func() { _ = recover() }()
				tc.do(t.Context(), client.New(g))
			}()
			if diff := cmp.Diff(tc.want, *d.lines); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

type panicking struct{ grpc.ClientConnInterface }

func (panicking) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	panic("asked to panic")
}

func TestStagesKnowTheCall(t *testing.T) {
	t.Parallel()
	call := provider.Call{RootOrg: "r", Org: "o", Account: provider.Account{ID: "a"}, Region: "east"}
	route := client.Route{RootOrg: "r", Org: "o", Account: "a", Region: "east"}
	cases := map[string]struct {
		reason string
		do     func(context.Context, *client.Client)
		want   guard.Call
	}{
		"Read": {
			reason: "a read changes nothing",
			do:     func(ctx context.Context, c *client.Client) { _, _ = c.Get(ctx, provider.GetRequest{Call: call}) },
			want:   guard.Call{Method: pb.ResourcesService_Get_FullMethodName, Route: route, Routed: true, Sent: true},
		},
		"Change": {
			reason: "a create may change something",
			do: func(ctx context.Context, c *client.Client) {
				_, _ = c.Create(ctx, provider.CreateRequest{Call: call, Token: "t"})
			},
			want: guard.Call{Method: pb.ResourcesService_Create_FullMethodName, Route: route, Routed: true, Sent: true, Change: true},
		},
		"Action": {
			reason: "an action with a token changes something",
			do: func(ctx context.Context, c *client.Client) {
				_, _ = c.Act(ctx, provider.ActionRequest{Call: call, Token: "t"})
			},
			want: guard.Call{Method: pb.ResourcesService_Act_FullMethodName, Route: route, Routed: true, Sent: true, Change: true},
		},
		"ReadingAction": {
			reason: "one without is a read",
			do:     func(ctx context.Context, c *client.Client) { _, _ = c.Act(ctx, provider.ActionRequest{Call: call}) },
			want:   guard.Call{Method: pb.ResourcesService_Act_FullMethodName, Route: route, Routed: true, Sent: true},
		},
		"Own": {
			reason: "health is asked for no org",
			do:     func(ctx context.Context, c *client.Client) { _ = c.Health(ctx) },
			want:   guard.Call{Method: pb.PluginService_Health_FullMethodName, Sent: true},
		},
		"Stream": {
			reason: "the route of a stream is known before its first message",
			do: func(ctx context.Context, c *client.Client) {
				_ = c.List(ctx, provider.ListRequest{Call: call}, func(provider.Resource) error { return nil })
			},
			want: guard.Call{Method: pb.ResourcesService_List_FullMethodName, Route: route, Routed: true, Sent: true, Streaming: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, d := watched(&conn{stream: &stream{}}, guard.NewBulkhead(guard.Limits{}), nil)
			tc.do(t.Context(), client.New(g))
			if len(*d.calls) != 1 {
				t.Fatalf("%s: %d calls ended", tc.reason, len(*d.calls))
			}
			got := (*d.calls)[0]
			if got.Plugin != "p" || got.Begun.IsZero() || got.Rule != guard.Rules()[got.Method] {
				t.Errorf("%s: got %+v", tc.reason, got)
			}
			if got.Method != tc.want.Method || got.Route != tc.want.Route || got.Routed != tc.want.Routed ||
				got.Sent != tc.want.Sent || got.Change != tc.want.Change || got.Streaming != tc.want.Streaming {
				t.Errorf("%s: got %+v, want %+v", tc.reason, got, tc.want)
			}
			if name := got.Name(); !strings.HasSuffix(got.Method, "."+name) || strings.Contains(name, ".") {
				t.Errorf("%s: its name is %q", tc.reason, name)
			}
		})
	}
}
