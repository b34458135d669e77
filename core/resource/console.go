package resource

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// What the audit log says of consoles and logs; what passes through them is kept nowhere.
const (
	auditConsoleOpen  = "resource.console.open"
	auditConsoleClose = "resource.console.close"
	auditLogsClose    = "resource.logs.close" // one that was ended
)

const (
	ticketPrefix = "twc_"
	// mostCommand bounds a command and its words.
	mostCommand     = 64
	mostCommandText = 8 << 10
	// mostSwept is how many old tickets a new one takes away.
	mostSwept = 100
)

// ConsoleInput says what to open.
type ConsoleInput struct {
	ResourceID string
	Part       string   // "": the first
	Container  string   // "": the main one
	Command    []string // none: the plugin's choice, a shell
	Terminal   bool     // output and errors come as one, and there is a window
	Size       contract.WindowSize
}

// Ticket opens one console, once.
type Ticket struct {
	Ticket  secret.Value
	Expires time.Time
}

// ticket is a stored one, under the hash of its text.
type ticket struct {
	Hash    string
	Caller  access.Caller
	Input   ConsoleInput
	Expires time.Time
}

func newTickets() *store.Collection[ticket] {
	return store.NewCollection("console_ticket", func(t *ticket) string { return t.Hash },
		store.Index[ticket]{Name: "expires", Keys: func(t *ticket) [][]byte { return [][]byte{store.Key(t.Expires, t.Hash)} }})
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// errTicket does not tell a wrong ticket from an old, a used, or another
// resource's.
var errTicket = fault.Unauthenticated("this ticket opens no console here: get a new one and use it at once")

// ConsoleTicket makes a ticket with which the caller's browser opens a console
// of a resource: a socket cannot bring a session. It is good for a moment, once,
// and for this resource alone.
func (s *Service) ConsoleTicket(ctx context.Context, c access.Caller, in ConsoleInput) (Ticket, error) {
	if err := in.check(); err != nil {
		return Ticket{}, err
	}
	if _, err := s.talking(ctx, c, in.ResourceID, contract.VerbConsole); err != nil {
		return Ticket{}, err
	}
	text := ticketPrefix + rand.Text()
	now := s.cfg.Clock.Now()
	t := ticket{Hash: hashOf(text), Caller: c, Input: in, Expires: now.Add(s.limits.TicketLife)}
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if err := s.sweepTickets(tx, now); err != nil {
			return err
		}
		_, err := s.tickets.Insert(tx, t)
		return err
	})
	if err != nil {
		return Ticket{}, fmt.Errorf("storing a console ticket: %w", err)
	}
	return Ticket{Ticket: secret.New(text), Expires: t.Expires}, nil
}

func (in *ConsoleInput) check() error {
	text := 0
	for _, word := range in.Command {
		text += len(word)
	}
	if len(in.Command) > mostCommand || text > mostCommandText {
		return fault.Invalid("command", "must have at most %d words and %d bytes", mostCommand, mostCommandText)
	}
	return nil
}

// sweepTickets removes tickets that nobody used in time.
func (s *Service) sweepTickets(tx store.Tx, now time.Time) error {
	page, err := s.tickets.List(tx, store.Query{Index: "expires", Limit: mostSwept})
	if err != nil {
		return err
	}
	for _, d := range page.Items {
		if d.Value.Expires.After(now) {
			return nil
		}
		if err := s.tickets.Delete(tx, d.Value.Hash, d.Rev); err != nil {
			return err
		}
	}
	return nil
}

// Console is an open console. Run it once.
type Console struct {
	svc    *Service
	ticket ticket
	target Resource
	opened time.Time
	typed  atomic.Bool // since the session was last said to be in use
}

// OpenConsole uses up a ticket and returns the console that it opens. The rights
// of who got it are looked at again, in the same moment.
func (s *Service) OpenConsole(ctx context.Context, resourceID, text, requestID string) (*Console, error) {
	var used ticket
	now := s.cfg.Clock.Now()
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		d, found, err := s.tickets.Find(tx, hashOf(text))
		if err != nil {
			return err
		}
		if !found || !d.Value.Expires.After(now) || d.Value.Input.ResourceID != resourceID {
			return errTicket
		}
		used = d.Value
		return s.tickets.Delete(tx, used.Hash, d.Rev)
	})
	if err != nil {
		return nil, err
	}
	used.Caller.RequestID = requestID
	if used.Caller, _, err = s.renewed(ctx, used.Caller, true); err != nil {
		return nil, err
	}
	v, err := s.talking(ctx, used.Caller, resourceID, contract.VerbConsole)
	if err != nil {
		return nil, err
	}
	return &Console{svc: s, ticket: used, target: v, opened: now}, nil
}

// UserID names whose console it is.
func (k *Console) UserID() string { return k.ticket.Caller.UserID }

// Typed says that its user is at work, by which the session stays in use.
func (k *Console) Typed() { k.typed.Store(true) }

// Run connects the console: in brings what is typed, out takes what comes. It
// returns the exit code when the command has ended. It ends the console when ctx
// ends, when it has lasted for its life, and as soon as its user's session has
// ended, the right to it is lost or the resource was released.
func (k *Console) Run(ctx context.Context, in <-chan contract.ConsoleInput, out func(contract.ConsoleOutput) error) (int, error) {
	if err := k.note(ctx, auditConsoleOpen, map[string]any{"part": k.ticket.Input.Part, "terminal": k.ticket.Input.Terminal}); err != nil {
		return 0, err
	}
	var code int
	g := guard{
		svc: k.svc, caller: k.ticket.Caller, resourceID: k.target.ID, verb: contract.VerbConsole,
		until: k.opened.Add(k.svc.limits.ConsoleLife), active: func() bool { return k.typed.Swap(false) },
	}
	err := g.while(ctx, func(ctx context.Context) (err error) {
		code, err = k.talk(ctx, in, out)
		return err
	})
	after := map[string]any{"seconds": int(k.svc.cfg.Clock.Now().Sub(k.opened).Seconds())}
	if err == nil {
		after["code"] = code
	} else {
		after["problem"] = fault.ClassOf(err).String()
	}
	if why := whyEnded(err); why != "" {
		after["why"] = why
	}
	return code, errors.Join(err, k.note(context.WithoutCancel(ctx), auditConsoleClose, after))
}

func (k *Console) talk(ctx context.Context, in <-chan contract.ConsoleInput, out func(contract.ConsoleOutput) error) (int, error) {
	cloud, call, err := k.svc.openTalk(ctx, k.ticket.Caller, k.target)
	if err != nil {
		return 0, err
	}
	want := k.ticket.Input
	code, err := cloud.Console(ctx, contract.ConsoleRequest{
		Call: call, Kind: k.target.Kind, ID: k.target.VendorID, Part: want.Part, Container: want.Container,
		Command: want.Command, Terminal: want.Terminal, Size: want.Size,
	}, in, out)
	if err != nil {
		return 0, fmt.Errorf("talking to %q: %w", k.target.ID, err)
	}
	return code, nil
}

// note adds a record about the console, without anything of its content.
func (k *Console) note(ctx context.Context, action string, after map[string]any) error {
	return k.svc.noteStream(ctx, k.ticket.Caller, k.target, action, after)
}

// noteStream adds a record about a console or log of a resource.
func (s *Service) noteStream(ctx context.Context, c access.Caller, of Resource, action string, after map[string]any) error {
	return s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		return audit.Append(tx, audit.Record{
			Time: s.cfg.Clock.Now(), Actor: c.Actor(), Org: of.OrgID, Root: of.RootID, Action: action,
			Thing: "resource", ID: of.ID, After: after, RequestID: c.RequestID,
		})
	})
}
