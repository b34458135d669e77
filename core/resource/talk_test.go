package resource_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Logs says what it was asked.
func (c *cloud) Logs(_ context.Context, req contract.LogsRequest, out io.Writer) error {
	raw, err := json.Marshal([]any{req.Kind, req.ID, req.Call.Region, req.Part, req.TailLines, req.Follow})
	if err != nil {
		return err
	}
	_, err = out.Write(raw)
	return err
}

// Console says what it was asked and ends with 4; the command wait stays.
func (c *cloud) Console(ctx context.Context, req contract.ConsoleRequest, _ <-chan contract.ConsoleInput, out func(contract.ConsoleOutput) error) (int, error) {
	if slices.Equal(req.Command, []string{"wait"}) {
		<-ctx.Done()
		return 0, fault.Unavailable("the caller has left").With(ctx.Err())
	}
	return 4, out(contract.ConsoleOutput{Data: []byte(req.ID + " " + strings.Join(req.Command, " "))})
}

func ignoring(contract.ConsoleOutput) error { return nil }

func TestLogsAreOfWhoMayAct(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("i-1")
	var out bytes.Buffer
	in := resource.LogsInput{ResourceID: r.ID, Part: "p", TailLines: 7, Follow: true}
	if err := w.svc.Logs(w.ctx, w.user, in, &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`["instance","i-1","north","p",7,true]`, out.String()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	for reason, tc := range map[string]struct {
		c     access.Caller
		id    string
		class fault.Class
	}{
		"another org's":  {caller(stranger, access.RoleCustomerAdmin), r.ID, fault.ClassNotFound},
		"who only looks": {caller(operator, access.RoleAuditor), r.ID, fault.ClassForbidden},
		"none of that":   {w.user, "nothing", fault.ClassNotFound},
	} {
		if err := w.svc.Logs(w.ctx, tc.c, resource.LogsInput{ResourceID: tc.id}, io.Discard); !fault.Is(err, tc.class) {
			t.Errorf("%s: %v, want %s", reason, err, tc.class)
		}
		if _, err := w.svc.ConsoleTicket(w.ctx, tc.c, resource.ConsoleInput{ResourceID: tc.id}); !fault.Is(err, tc.class) {
			t.Errorf("%s: console: %v, want %s", reason, err, tc.class)
		}
	}
}

// trail returns what the audit log says of consoles, the oldest first.
func (w *world) trail() []string {
	w.t.Helper()
	var out []string
	err := w.store.View(w.ctx, func(r store.Reader) error {
		page, err := audit.List(r, audit.Query{Org: customer, Limit: 50, OldestFirst: true})
		out = nil
		for _, e := range page.Items {
			if strings.HasPrefix(e.Action, "resource.console.") {
				out = append(out, e.Actor+" "+e.Action+" "+string(e.After))
			}
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func TestATicketOpensOneConsoleOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, other := w.add("i-1"), w.add("i-2")
	get := func() string {
		t.Helper()
		got, err := w.svc.ConsoleTicket(w.ctx, w.user, resource.ConsoleInput{ResourceID: r.ID, Command: []string{"top"}})
		if err != nil {
			t.Fatal(err)
		}
		return got.Ticket.Reveal()
	}
	refused := func(reason, id, text string) {
		t.Helper()
		if _, err := w.svc.OpenConsole(w.ctx, id, text, "request"); !fault.Is(err, fault.ClassUnauthenticated) {
			t.Errorf("%s: %v", reason, err)
		}
	}
	text := get()
	refused("another resource", other.ID, text)
	refused("a ticket nobody made", r.ID, "twc_AAAA")
	k, err := w.svc.OpenConsole(w.ctx, r.ID, text, "request-7")
	if err != nil {
		t.Fatal(err)
	}
	refused("a second time", r.ID, text)
	var said string
	code, err := k.Run(w.ctx, nil, func(o contract.ConsoleOutput) error { said += string(o.Data); return nil })
	if code != 4 || err != nil || said != "i-1 top" {
		t.Errorf("code %d, %v, said %q", code, err, said)
	}
	text = get()
	w.clock.Advance(31 * time.Second)
	refused("too late", r.ID, text)
	want := []string{`user:user resource.console.open {"part":"","terminal":false}`, `user:user resource.console.close {"code":4,"seconds":0}`}
	if diff := cmp.Diff(want, w.trail()); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

// TestTicketsDoNotPileUp: what nobody used goes with the next one.
func TestTicketsDoNotPileUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("i-1")
	for range 5 {
		for range 3 {
			if _, err := w.svc.ConsoleTicket(w.ctx, w.user, resource.ConsoleInput{ResourceID: r.ID}); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.Advance(time.Minute)
	}
	rows := 0
	err := w.store.View(w.ctx, func(r store.Reader) error {
		rows = 0
		return r.Scan("console_ticket", store.Prefix().All(), func(_, _ []byte) error { rows++; return nil })
	})
	if err != nil || rows != 3 {
		t.Errorf("%d tickets are stored, %v", rows, err)
	}
}

func TestALongCommandIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("i-1")
	for reason, command := range map[string][]string{"many words": make([]string, 65), "a long one": {strings.Repeat("x", 9<<10)}} {
		if _, err := w.svc.ConsoleTicket(w.ctx, w.user, resource.ConsoleInput{ResourceID: r.ID, Command: command}); !fault.Is(err, fault.ClassInvalid) {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

// release ends a resource.
func (w *world) release(id string) {
	w.t.Helper()
	err := w.store.Update(w.ctx, func(tx store.Tx) error {
		d, err := w.svc.GetTx(tx, id)
		if err != nil {
			return err
		}
		v := d.Value.Clone()
		v.Released = start
		return w.svc.UpdateTx(tx, v, d.Rev)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestAConsoleEndsWithTheRightToIt also when nothing passes.
func TestAConsoleEndsWithTheRightToIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		what   func(w *world, id string)
		after  time.Duration
	}{
		"Released": {"the resource was released", (*world).release, time.Minute},
		"Life":     {"it has lasted for its life", func(*world, string) {}, 4 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.add("i-1")
			got, err := w.svc.ConsoleTicket(w.ctx, w.user, resource.ConsoleInput{ResourceID: r.ID, Command: []string{"wait"}})
			if err != nil {
				t.Fatal(err)
			}
			k, err := w.svc.OpenConsole(w.ctx, r.ID, got.Ticket.Reveal(), "")
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() {
				_, err := k.Run(w.ctx, nil, ignoring)
				ended <- err
			}()
			tc.what(w, r.ID)
			for {
				select {
				case err := <-ended:
					if !fault.Is(err, fault.ClassPrecondition) {
						t.Errorf("%s: %v", tc.reason, err)
					}
					if trail := w.trail(); len(trail) != 2 || !strings.Contains(trail[1], `"problem":"precondition"`) {
						t.Errorf("%s: audit %q", tc.reason, trail)
					}
					return
				case <-time.After(time.Millisecond):
					w.clock.Advance(tc.after)
				}
			}
		})
	}
}

func TestAConsoleEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.add("i-1")
	got, err := w.svc.ConsoleTicket(w.ctx, w.user, resource.ConsoleInput{ResourceID: r.ID, Command: []string{"wait"}})
	if err != nil {
		t.Fatal(err)
	}
	k, err := w.svc.OpenConsole(w.ctx, r.ID, got.Ticket.Reveal(), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if _, err := k.Run(ctx, nil, ignoring); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
