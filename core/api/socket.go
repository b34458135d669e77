package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"

	"tradewind.example/sdk/fault"
)

// Times and bounds of a socket.
const (
	pingEvery   = 20 * time.Second
	pongWithin  = 60 * time.Second
	writeWithin = 60 * time.Second
	byeWithin   = 5 * time.Second
	// mostFrame bounds one message from a client.
	mostFrame = 64 << 10
	// mostReason is what fits into a closing frame.
	mostReason = 120
)

// The codes with which a socket is closed.
const (
	CloseDone     = websocket.CloseNormalClosure
	CloseStopping = websocket.CloseGoingAway
	CloseRefused  = websocket.ClosePolicyViolation
	CloseTooLong  = websocket.CloseMessageTooBig
	CloseFailed   = websocket.CloseInternalServerErr
)

// SocketRoute describes an endpoint that is a WebSocket. Its path has {id}. A
// browser cannot send a session with it: who opens one brings a ticket in the
// query, which Admit uses up.
type SocketRoute struct {
	Path, ID, Tag   string
	Summary, Detail string
	Protocol        string // the subprotocol's name
	// Admit returns what a ticket opens. Its error is answered as a problem.
	Admit func(ctx context.Context, id, ticket, requestID string) (Conversation, error)
}

// Conversation is what happens on a socket.
type Conversation struct {
	UserID string // whose it is
	// Heard takes a message of the client, one after the other. Its error, which
	// the client reads, ends the conversation.
	Heard func(ctx context.Context, binary bool, data []byte) error
	// Talk lasts until the conversation is over; then the socket is closed with
	// its code and reason. ctx ends when the server stops, or the client is gone.
	Talk func(ctx context.Context, s *Socket) (code int, reason string)
}

// HandleSocket binds a WebSocket and documents it. Pages of other origins are
// refused before the ticket is looked at.
func HandleSocket(s *Server, r SocketRoute) {
	upgrader := websocket.FastHTTPUpgrader{Subprotocols: []string{r.Protocol}, HandshakeTimeout: byeWithin}
	s.app.Get(strings.NewReplacer("{", ":", "}", "").Replace(r.Path), func(c *fiber.Ctx) error {
		ticket := c.Query("ticket")
		if ticket == "" || len(ticket) > 64 {
			return s.answer(c, fault.Unauthenticated("bring a ticket in the query; a POST of this path makes one"))
		}
		if !websocket.FastHTTPIsWebSocketUpgrade(c.Context()) {
			c.Set(fiber.HeaderUpgrade, "websocket")
			return s.answerStatus(c, http.StatusUpgradeRequired, fault.New(fault.ClassInvalid, "this is a WebSocket: send the headers of an upgrade"))
		}
		if !sameOrigin(c) {
			return s.answer(c, fault.Forbidden("a page of another origin may not open this"))
		}
		talk, err := r.Admit(c.UserContext(), c.Params("id"), ticket, requestIDOf(c.UserContext()))
		if err != nil {
			return s.answer(c, err)
		}
		ctx, done, err := s.lasting.begin(c.UserContext(), talk.UserID)
		if err != nil {
			return s.answer(c, err)
		}
		if err := upgrader.Upgrade(c.Context(), func(conn *websocket.Conn) { s.converse(ctx, conn, talk, done) }); err != nil {
			done()
			return s.answer(c, fault.New(fault.ClassInvalid, "the headers of the upgrade are wrong"))
		}
		return nil
	})
	s.huma.OpenAPI().AddOperation(r.operation(s.huma.OpenAPI()))
}

// sameOrigin reports whether the request comes from a page of ours, or from no
// page at all.
func sameOrigin(c *fiber.Ctx) bool {
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" {
		return true
	}
	_, host, ok := strings.Cut(origin, "://")
	return ok && strings.EqualFold(host, string(c.Context().Host()))
}

func (r SocketRoute) operation(doc *huma.OpenAPI) *huma.Operation {
	text := &huma.Schema{Type: huma.TypeString, MinLength: new(int), MaxLength: new(int)}
	*text.MinLength, *text.MaxLength = 1, 64
	problem := doc.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	responses := map[string]*huma.Response{strconv.Itoa(http.StatusSwitchingProtocols): {Description: "The socket is open"}}
	for _, status := range []int{
		http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUpgradeRequired,
		http.StatusTooManyRequests, http.StatusNotImplemented, http.StatusServiceUnavailable,
	} {
		responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status), Content: map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
		}
	}
	return &huma.Operation{
		OperationID: r.ID, Method: http.MethodGet, Path: r.Path, Summary: r.Summary, Description: r.Detail, Tags: []string{r.Tag},
		Parameters: []*huma.Param{
			{Name: "id", In: "path", Required: true, Schema: text, Description: "The id"},
			{Name: "ticket", In: "query", Required: true, Schema: text, Description: "Of a POST of this path; used up by this request"},
		},
		Responses: responses, Security: []map[string][]string{{"ticket": {}}},
	}
}

// errUnheard is what a client said wrong.
type errUnheard struct{ error }

// converse holds one conversation. The connection is closed when it returns.
func (s *Server) converse(ctx context.Context, conn *websocket.Conn, talk Conversation, done func()) {
	defer done()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	k := newSocket(conn)
	var work sync.WaitGroup
	work.Go(func() { k.ping(ctx) })
	work.Go(func() { end(k.hear(ctx, talk.Heard)) })
	code, reason := s.talked(ctx, k, talk)
	var wrong errUnheard
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errClosing):
		code, reason = CloseStopping, errClosing.Error()
	case errors.As(cause, &wrong):
		code, reason = CloseRefused, wrong.Error()
	}
	end(nil)
	k.bye(code, reason)
	work.Wait()
}

// talked keeps one conversation's defect from ending the process.
func (s *Server) talked(ctx context.Context, k *Socket, talk Conversation) (code int, reason string) {
	defer func() {
		if r := recover(); r != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "a conversation failed",
				slog.String("request_id", requestIDOf(ctx)), slog.String("cause", fmt.Sprintf("panic: %v", r)))
			code, reason = CloseFailed, "something failed on our side"
		}
	}()
	return talk.Talk(ctx, k)
}

// Socket is an open WebSocket. It is safe for concurrent use.
type Socket struct {
	conn    *websocket.Conn
	sending sync.Mutex
}

func newSocket(conn *websocket.Conn) *Socket {
	conn.SetReadLimit(mostFrame) // a longer frame ends the connection with CloseTooLong
	k := &Socket{conn: conn}
	k.alive()
	conn.SetPongHandler(func(string) error { k.alive(); return nil })
	return k
}

// alive gives the client time until its next sign of life. A connection that is
// gone fails at its next read.
func (k *Socket) alive() { _ = k.conn.SetReadDeadline(time.Now().Add(pongWithin)) }

// hear takes what the client says until it leaves; what it says after the
// conversation's end is dropped. It returns why it ended.
func (k *Socket) hear(ctx context.Context, heard func(context.Context, bool, []byte) error) error {
	for {
		kind, data, err := k.conn.ReadMessage()
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			continue
		}
		if err := heard(ctx, kind == websocket.BinaryMessage, data); err != nil && ctx.Err() == nil {
			return errUnheard{err}
		}
		if ctx.Err() == nil {
			k.alive() // however long that took
		}
	}
}

// Send sends one message and waits until it is taken.
func (k *Socket) Send(binary bool, data []byte) error {
	kind := websocket.TextMessage
	if binary {
		kind = websocket.BinaryMessage
	}
	k.sending.Lock()
	defer k.sending.Unlock()
	if err := k.conn.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	return k.conn.WriteMessage(kind, data)
}

// ping asks the client now and then whether it is there.
func (k *Socket) ping(ctx context.Context) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = k.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(byeWithin)) // its answer is what counts
		}
	}
}

// bye says why the socket is closed, and gives the client a moment to close it
// from its side, so that it reads all that was sent.
func (k *Socket) bye(code int, reason string) {
	if len(reason) > mostReason {
		reason = strings.ToValidUTF8(reason[:mostReason], "")
	}
	_ = k.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(byeWithin))
	_ = k.conn.SetReadDeadline(time.Now().Add(byeWithin))
}
