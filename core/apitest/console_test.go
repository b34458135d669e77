package apitest

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/google/go-cmp/cmp"
)

// resellers is a broker with two resellers whose customers each have a server.
func resellers(t *testing.T) (*broker, *tree, *tree) {
	t.Helper()
	b := start(t)
	w := build(t, b, b.first, "A", markA, map[string]string{"A/R1": markR1, "A/R2": markR2})
	return b, w.trees[0], w.trees[1]
}

func (tr *tree) server(t *testing.T) string {
	t.Helper()
	if len(tr.own["resource"]) == 0 {
		t.Fatal("the customer has no server")
	}
	return tr.own["resource"][0]
}

// consoleTicket gets a ticket for a server.
func consoleTicket(t *testing.T, p *person, server string, in map[string]any) string {
	t.Helper()
	var out struct{ Ticket, Path, Protocol string }
	p.must(t, http.MethodPost, "/v1/resources/"+server+"/console", in, &out)
	if out.Path != "/v1/resources/"+server+"/console" || out.Protocol != "tradewind.console.v1" {
		t.Errorf("the ticket says %+v", out)
	}
	return out.Ticket
}

// dial opens a socket with a ticket; an error comes with the answer's status.
func dial(t *testing.T, b *broker, server, ticket string, header http.Header) (*websocket.Conn, int, error) {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{"tradewind.console.v1"}, HandshakeTimeout: 10 * time.Second}
	at := strings.Replace(b.client.base, "http", "ws", 1) + "/v1/resources/" + server + "/console?ticket=" + url.QueryEscape(ticket)
	conn, resp, err := d.DialContext(t.Context(), at, header)
	if err != nil {
		if resp == nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return nil, resp.StatusCode, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, resp.StatusCode, nil
}

// console opens a console; without a command it is a shell.
func console(t *testing.T, b *broker, p *person, server string, command ...string) *websocket.Conn {
	t.Helper()
	conn, _, err := dial(t, b, server, consoleTicket(t, p, server, map[string]any{"command": command}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if conn.Subprotocol() != "tradewind.console.v1" {
		t.Errorf("the subprotocol is %q", conn.Subprotocol())
	}
	return conn
}

// heard is what came until a socket's end.
type heard struct {
	out, errs, notes string
	code             int    // of the close
	why              string // its reason
}

// hear reads a socket to its end.
func hear(t *testing.T, conn *websocket.Conn) (h heard) {
	t.Helper()
	for {
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		kind, data, err := conn.ReadMessage()
		var end *websocket.CloseError
		switch {
		case errors.As(err, &end):
			h.code, h.why = end.Code, end.Text
			return h
		case err != nil:
			t.Fatalf("%v after %+v", err, h)
		case kind == websocket.TextMessage:
			h.notes += string(data)
		case data[0] == 1:
			h.out += string(data[1:])
		default:
			h.errs += string(data[1:])
		}
	}
}

func say(t *testing.T, conn *websocket.Conn, kind int, text string) {
	t.Helper()
	if err := conn.WriteMessage(kind, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestAConsoleThroughTheBroker(t *testing.T) {
	b, tr, _ := resellers(t)
	server := tr.server(t)
	conn := console(t, b, tr.customer, server)
	say(t, conn, websocket.TextMessage, `{"type":"resize","columns":132,"rows":50}`)
	say(t, conn, websocket.BinaryMessage, "size\nstatus unspoken-word\nexit 3\n")
	h := hear(t, conn)
	if h.notes != `{"type":"exit","code":3}` || h.code != websocket.CloseNormalClosure {
		t.Errorf("the end: %q, closed with %d", h.notes, h.code)
	}
	if !strings.Contains(h.out, "132 columns, 50 rows\n") || !strings.Contains(h.out, "is running\n") {
		t.Errorf("the shell said %q", h.out)
	}
	if h := hear(t, console(t, b, tr.customer, server, "nonsense")); h.errs != "nonsense: not found\n" || h.notes != `{"type":"exit","code":127}` {
		t.Errorf("an unknown command: %+v", h)
	}
	var log struct{ Items []struct{ Action, ID string } }
	tr.world.boss.must(t, http.MethodGet, "/v1/audit?org_id="+tr.customer.org+"&limit=4", nil, &log)
	var actions []string
	for _, e := range log.Items {
		actions = append(actions, e.Action)
	}
	want := []string{"resource.console.close", "resource.console.open", "resource.console.close", "resource.console.open"}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Errorf("audit, newest first (-want +got):\n%s", diff)
	}
	if strings.Contains(string(b.log.bytes()), "unspoken-word") {
		t.Error("the log tells what was typed")
	}
}

func TestATicketIsOfItsResource(t *testing.T) {
	b, one, two := resellers(t)
	server, foreign := one.server(t), two.server(t)
	if a := one.customer.do(t, http.MethodPost, "/v1/resources/"+foreign+"/console", map[string]any{}); a.status != http.StatusNotFound {
		t.Errorf("a ticket for what is foreign: %d %s", a.status, a.body)
	}
	refused := func(reason, at, ticket string, header http.Header, want int) {
		t.Helper()
		if _, status, err := dial(t, b, at, ticket, header); err == nil || status != want {
			t.Errorf("%s: status %d, want %d", reason, status, want)
		}
	}
	ticket := consoleTicket(t, one.customer, server, map[string]any{})
	refused("no ticket", server, "", nil, http.StatusUnauthorized)
	refused("a ticket nobody made", server, "twc_"+strings.Repeat("A", 26), nil, http.StatusUnauthorized)
	refused("another's resource", foreign, ticket, nil, http.StatusUnauthorized)
	refused("a page of another origin", server, ticket, http.Header{"Origin": {"https://elsewhere.example"}}, http.StatusForbidden)
	plain := b.client.send(t, request{method: http.MethodGet, path: "/v1/resources/" + server + "/console?ticket=" + ticket})
	if plain.status != http.StatusUpgradeRequired || !plain.isProblem() {
		t.Errorf("no socket: %d %s", plain.status, plain.body)
	}
	conn, _, err := dial(t, b, server, ticket, http.Header{"Origin": {b.client.base}})
	if err != nil {
		t.Fatalf("the ticket is good still, and our own page may use it: %v", err)
	}
	refused("a second time", server, ticket, nil, http.StatusUnauthorized)
	say(t, conn, websocket.TextMessage, `{"type":"end"}`)
	if h := hear(t, conn); h.notes != `{"type":"exit","code":0}` {
		t.Errorf("the end of the input: %+v", h)
	}
	ticket = consoleTicket(t, one.customer, server, map[string]any{})
	b.clock.advance(31 * time.Second)
	refused("too late", server, ticket, nil, http.StatusUnauthorized)
}

func TestConsolesAreBounded(t *testing.T) {
	b, tr, _ := resellers(t)
	server := tr.server(t)
	for reason, tc := range map[string]struct {
		kind int
		text string
		code int
	}{
		"a long message":  {websocket.BinaryMessage, strings.Repeat("x", 65<<10), websocket.CloseMessageTooBig},
		"no JSON":         {websocket.TextMessage, `resize`, websocket.ClosePolicyViolation},
		"an unknown word": {websocket.TextMessage, `{"type":"sing"}`, websocket.ClosePolicyViolation},
	} {
		conn := console(t, b, tr.customer, server, "cat")
		say(t, conn, tc.kind, tc.text)
		if h := hear(t, conn); h.code != tc.code {
			t.Errorf("%s: closed with %d, want %d", reason, h.code, tc.code)
		}
	}
	flood := console(t, b, tr.customer, server, "yes")
	if _, _, err := flood.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	_ = flood.Close()
	for range 16 {
		console(t, b, tr.customer, server, "cat")
	}
	if _, status, err := dial(t, b, server, consoleTicket(t, tr.customer, server, map[string]any{}), nil); err == nil || status != http.StatusTooManyRequests {
		t.Errorf("one console too many: status %d", status)
	}
}

func TestLogsThroughTheBroker(t *testing.T) {
	b, one, two := resellers(t)
	path := "/v1/resources/" + one.server(t) + "/logs"
	a := one.customer.do(t, http.MethodGet, path+"?tail_lines=2", nil)
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") || strings.Count(string(a.body), "\n") != 2 {
		t.Errorf("the log: %d %q", a.status, a.body)
	}
	for reason, a := range map[string]answer{
		"foreign":            two.customer.do(t, http.MethodGet, path, nil),
		"foreign, followed":  two.customer.do(t, http.MethodGet, path+"?follow=true", nil),
		"nobody's, followed": one.customer.do(t, http.MethodGet, "/v1/resources/none/logs?follow=true", nil),
	} {
		if a.status != http.StatusNotFound || !a.isProblem() {
			t.Errorf("%s: %d %.200s", reason, a.status, a.body)
		}
	}
	lines, leave := followed(t, b, one.customer, path+"?follow=true&tail_lines=1")
	for range 3 { // one that was there, two that come
		if got := <-lines; !strings.HasPrefix(got, "data: [") {
			t.Errorf("an event says %q", got)
		}
	}
	leave()
	eventually(t, "the cloud has heard that the reader left", func() bool {
		var d struct{ Processes []struct{ Calls int } }
		b.first.must(t, http.MethodGet, "/v1/plugins/sandbox/diagnosis", nil, &d)
		return len(d.Processes) == 1 && d.Processes[0].Calls == 0
	})
}

// followed reads the data of a log's events until leave is called or they end.
func followed(t *testing.T, b *broker, p *person, path string) (data <-chan string, leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.client.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.bearer)
	resp, err := b.client.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("following: %s, %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	out := make(chan string, 64)
	go func() {
		defer close(out)
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "data: ") {
				out <- lines.Text()
			}
		}
	}()
	return out, cancel
}

// TestStreamsEndWithTheBroker: a stop waits for nobody who only listens, and
// says what happens.
func TestStreamsEndWithTheBroker(t *testing.T) {
	b, tr, _ := resellers(t)
	server := tr.server(t)
	conn := console(t, b, tr.customer, server, "cat")
	lines, _ := followed(t, b, tr.customer, "/v1/resources/"+server+"/logs?follow=true&tail_lines=1")
	<-lines
	stopped := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(stopped)
		b.stop()
	}()
	if h := hear(t, conn); h.code != websocket.CloseGoingAway {
		t.Errorf("the console is closed with %d", h.code)
	}
	last := ""
	for got := range lines {
		last = got
	}
	if !strings.Contains(last, `"type":"urn:tradewind:problem:`) {
		t.Errorf("the log ends with %q", last)
	}
	<-stopped
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the stop took %s", took)
	}
}
