package v1

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/resource"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// consoleProtocol names what is spoken on a console's socket.
const consoleProtocol = "tradewind.console.v1"

// consolePath is where consoles are made and opened.
const consolePath = "/v1/resources/{id}/console"

// The first byte of a binary message to the client.
const (
	fromOutput byte = 1
	fromErrors byte = 2
)

// ConsoleTicket opens one console.
type ConsoleTicket struct {
	Ticket   string    `json:"ticket" doc:"For the query of the socket; good once, until it expires"`
	Expires  time.Time `json:"expires"`
	Path     string    `json:"path" doc:"Where to open the socket"`
	Protocol string    `json:"protocol" doc:"The subprotocol to ask for"`
}

// consoleNote is a text message of either side.
type consoleNote struct {
	Type    string       `json:"type"` // resize, end; exit, problem
	Columns uint16       `json:"columns,omitempty"`
	Rows    uint16       `json:"rows,omitempty"`
	Code    *int         `json:"code,omitempty"`
	Problem *api.Problem `json:"problem,omitempty"`
}

type createConsole struct {
	ByID
	Body struct {
		Part      string   `json:"part,omitempty" maxLength:"253" doc:"Which of several parts, such as a pod; empty for the first"`
		Container string   `json:"container,omitempty" maxLength:"253" doc:"Which container of the part; empty for the main one"`
		Command   []string `json:"command,omitempty" maxItems:"64" doc:"What to run; without it a shell of the provider's choice"`
		Terminal  bool     `json:"terminal,omitempty" doc:"A terminal: output and errors come as one, and there is a window"`
		Columns   int      `json:"columns,omitempty" minimum:"0" maximum:"65535" doc:"Width of the window in letters"`
		Rows      int      `json:"rows,omitempty" minimum:"0" maximum:"65535" doc:"Height of the window in letters"`
	}
}

func bindConsoles(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: consolePath, ID: "create-console-ticket", Tag: "Resources", Status: http.StatusCreated,
		Summary: "Get a ticket for a console", Detail: "For kinds with the verb console. A browser cannot send a session when it opens a socket: " +
			"open the socket with the ticket, within seconds. The ticket is good once, and for this resource alone.",
		Faults: []fault.Class{fault.ClassUnsupported},
	}, func(ctx context.Context, c access.Caller, in *createConsole) (*One[ConsoleTicket], error) {
		b := in.Body
		t, err := svc.Resources.ConsoleTicket(ctx, c, resource.ConsoleInput{
			ResourceID: in.ID, Part: b.Part, Container: b.Container, Command: b.Command, Terminal: b.Terminal,
			Size: contract.WindowSize{Columns: uint16(b.Columns), Rows: uint16(b.Rows)}, //nolint:gosec // bounded by the schema
		})
		if err != nil {
			return nil, err
		}
		return &One[ConsoleTicket]{ConsoleTicket{
			Ticket: t.Ticket.Reveal(), Expires: t.Expires, Path: "/v1/resources/" + url.PathEscape(in.ID) + "/console", Protocol: consoleProtocol,
		}}, nil
	})
	api.HandleSocket(s, api.SocketRoute{
		Path: consolePath, ID: "open-console", Tag: "Resources", Protocol: consoleProtocol, Summary: "Open a console (WebSocket)",
		Detail: "Binary messages to the server are what is typed. Text messages are JSON: {\"type\":\"resize\",\"columns\":80,\"rows\":24} when the " +
			"window changes, {\"type\":\"end\"} when no more is typed. Binary messages to the client begin with a byte, 1 for output and 2 for " +
			"errors. The last message is {\"type\":\"exit\",\"code\":0} or {\"type\":\"problem\",\"problem\":…}. The socket is closed with 1000 " +
			"after an exit, 1001 when the broker stops, 1008 when the console may not go on, with the reason, 1009 after a message of more than 64 KiB, 1011 " +
			"otherwise. It may not go on, and is closed at once, when the session or token it was opened with has ended, its user or the user's org " +
			"was disabled, the right to the resource was taken away, the resource was released or moved out of reach, or it has lasted four " +
			"hours. Typing keeps the session in use. Opening and closing are in the audit log with why, what passes is kept nowhere.",
		Admit: func(ctx context.Context, id, ticket, requestID string) (api.Conversation, error) {
			k, err := svc.Resources.OpenConsole(ctx, id, ticket, requestID)
			if err != nil {
				return api.Conversation{}, err
			}
			t := &talk{console: k, in: make(chan contract.ConsoleInput)}
			return api.Conversation{UserID: k.UserID(), Heard: t.heard, Talk: t.run}, nil
		},
	})
}

// talk is one console on a socket.
type talk struct {
	console *resource.Console
	in      chan contract.ConsoleInput
}

// refusals are the classes that say that a console may not go on.
func refusals() []fault.Class {
	return []fault.Class{fault.ClassPrecondition, fault.ClassForbidden, fault.ClassUnauthenticated}
}

// heard passes on what the client says, as fast as the console takes it.
func (t *talk) heard(ctx context.Context, binary bool, data []byte) error {
	t.console.Typed()
	said := contract.ConsoleInput{Data: data}
	if !binary {
		var note consoleNote
		if json.Unmarshal(data, &note) != nil {
			return fault.New(fault.ClassInvalid, "a text message must be JSON")
		}
		switch note.Type {
		case "resize":
			said = contract.ConsoleInput{Size: contract.WindowSize{Columns: note.Columns, Rows: note.Rows}}
		case "end":
			said = contract.ConsoleInput{End: true}
		default:
			return fault.New(fault.ClassInvalid, "the type of a text message must be resize or end")
		}
	}
	select {
	case t.in <- said:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run holds the console until it is over.
func (t *talk) run(ctx context.Context, s *api.Socket) (code int, reason string) {
	exit, err := t.console.Run(ctx, t.in, func(o contract.ConsoleOutput) error {
		from := fromOutput
		if o.Err {
			from = fromErrors
		}
		return s.Send(true, append([]byte{from}, o.Data...))
	})
	note := consoleNote{Type: "exit", Code: &exit}
	code, reason = api.CloseDone, "the command has ended"
	if err != nil {
		p := api.ProblemOf(err)
		note = consoleNote{Type: "problem", Problem: p}
		code, reason = api.CloseFailed, p.Title
		if slices.Contains(refusals(), fault.ClassOf(err)) {
			code, reason = api.CloseRefused, p.Detail
		}
	}
	raw, err := json.Marshal(note)
	if err != nil {
		return api.CloseFailed, "something failed on our side"
	}
	_ = s.Send(false, raw) // a client that has gone does not read it
	return code, reason
}
