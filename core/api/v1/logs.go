package v1

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/resource"
	"tradewind.example/sdk/fault"
)

const (
	longestLog = 12 * time.Hour
	// stillHere is how often a client that follows hears something.
	stillHere = 15 * time.Second
	// mostLine is after how many bytes a line is told although it has not ended.
	mostLine = 16 << 10
)

type resourceLogs struct {
	ByID
	Follow     bool      `query:"follow" doc:"Go on with what is printed from now on, as server-sent events"`
	TailLines  int       `query:"tail_lines" minimum:"0" maximum:"100000" doc:"Only the last ones; 0 for all"`
	Since      time.Time `query:"since" doc:"Nothing that is older"`
	Timestamps bool      `query:"timestamps" doc:"The time before each line"`
	Previous   bool      `query:"previous" doc:"Of the one that ran before the last restart"`
	Part       string    `query:"part" maxLength:"253" doc:"Which of several parts, such as a pod; empty for the first"`
	Container  string    `query:"container" maxLength:"253" doc:"Which container of the part; empty for the main one"`
}

func bindLogs(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/resources/{id}/logs", ID: "get-resource-logs", Tag: "Resources", Summary: "Read what a resource prints",
		Detail: "For kinds with the verb logs. Without follow the answer is text/plain and ends. With follow it is text/event-stream: an event " +
			"\"line\" for each line, comments while nothing is printed, and at the end an event \"end\" or \"problem\". Who may act on the resource may read it, for as long " +
			"as the session and the right to it last: a log that ends for them ends with an event \"problem\", and the audit log says why.",
		Faults: []fault.Class{fault.ClassUnsupported, fault.ClassPrecondition},
	}, func(ctx context.Context, c access.Caller, in *resourceLogs) (*huma.StreamResponse, error) {
		want := resource.LogsInput{
			ResourceID: in.ID, Part: in.Part, Container: in.Container, Follow: in.Follow, TailLines: in.TailLines, Since: in.Since,
			Timestamps: in.Timestamps, Previous: in.Previous,
		}
		if !in.Follow {
			return s.Follow(ctx, c, "text/plain; charset=utf-8", longestLog, func(ctx context.Context, w io.Writer) error {
				return svc.Resources.Logs(ctx, c, want, w)
			})
		}
		return s.Follow(ctx, c, "text/event-stream", longestLog, func(ctx context.Context, w io.Writer) error {
			return follow(ctx, w, func(w io.Writer) error { return svc.Resources.Logs(ctx, c, want, w) })
		})
	})
}

// follow tells what read writes as events. What fails before the first line is
// returned; later it is an event.
func follow(ctx context.Context, w io.Writer, read func(w io.Writer) error) error {
	e := &events{w: w}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beats sync.WaitGroup
	beats.Go(func() { e.beat(ctx) })
	err := read(e)
	cancel()
	beats.Wait()
	if err != nil && !e.began {
		return err
	}
	return e.end(err)
}

// events writes lines as server-sent events. Safe for concurrent use.
type events struct {
	mu    sync.Mutex
	w     io.Writer
	line  []byte // begun and not ended
	began bool   // something was written
	err   error  // the first failure; the client has gone
}

// Write takes a part of a log.
func (e *events) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out bytes.Buffer
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		e.line = append(e.line, line...)
		if rest = after; ended || len(e.line) >= mostLine {
			e.tell(&out)
		}
	}
	return len(p), e.send(out.Bytes())
}

// tell adds the begun line to out. It needs the lock.
func (e *events) tell(out *bytes.Buffer) {
	text := strings.ToValidUTF8(string(bytes.TrimSuffix(e.line, []byte("\r"))), "\uFFFD")
	e.line = e.line[:0]
	out.WriteString("event: line\n")
	for part := range strings.SplitSeq(text, "\r") { // ends a line of an event, too
		out.WriteString("data: " + part + "\n")
	}
	out.WriteByte('\n')
}

// send needs the lock.
func (e *events) send(p []byte) error {
	if len(p) > 0 && e.err == nil {
		e.began = true
		_, e.err = e.w.Write(p)
	}
	return e.err
}

// beat says now and then that nothing was printed, by which a client that has
// gone is found.
func (e *events) beat(ctx context.Context) {
	tick := time.NewTicker(stillHere)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			e.mu.Lock()
			_ = e.send([]byte(": nothing new\n\n")) // the reader's next write fails as well
			e.mu.Unlock()
		}
	}
}

// end says how the log ended.
func (e *events) end(err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out bytes.Buffer
	if len(e.line) > 0 {
		e.tell(&out)
	}
	name, data := "end", []byte("{}")
	if err != nil {
		name = "problem"
		raw, bad := json.Marshal(api.ProblemOf(err))
		if bad != nil {
			return bad
		}
		data = raw
	}
	out.WriteString("event: " + name + "\ndata: ")
	out.Write(data)
	out.WriteString("\n\n")
	return e.send(out.Bytes())
}
