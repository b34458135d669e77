package apitest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"tradewind.example/core/app"
	"tradewind.example/core/config"
)

// promptly is far below the minute after which rights are looked at anyway.
const promptly = 10 * time.Second

// open is a console and a log of one resource that somebody has open.
type open struct {
	console *websocket.Conn
	log     <-chan string
	leave   func()
}

func (b *broker) open(t *testing.T, p *person, server string) open {
	t.Helper()
	conn := console(t, b, p, server)
	say(t, conn, websocket.BinaryMessage, "status here\n")
	if _, _, err := conn.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	log, leave := followed(t, b, p, "/v1/resources/"+server+"/logs?follow=true&tail_lines=1")
	<-log
	return open{conn, log, leave}
}

// endsFor wants both to be ended at once, and to say why.
func (o open) endsFor(t *testing.T, reason, why string) {
	t.Helper()
	began := time.Now()
	h := hear(t, o.console)
	if h.code != websocket.ClosePolicyViolation || !strings.Contains(h.why, why) || !strings.Contains(h.notes, `"type":"problem"`) {
		t.Errorf("%s: the console is closed with %d, %q, %s", reason, h.code, h.why, h.notes)
	}
	last := ""
	for got := range o.log {
		last = got
	}
	if !strings.Contains(last, why) {
		t.Errorf("%s: the log ends with %q", reason, last)
	}
	if took := time.Since(began); took > promptly {
		t.Errorf("%s: it took %s", reason, took)
	}
}

// tokenFor gives a person that acts by an API token of p's.
func tokenFor(t *testing.T, p *person, life time.Duration) (*person, string) {
	t.Helper()
	var out struct {
		Secret string
		Token  struct{ ID string }
	}
	p.must(t, http.MethodPost, "/v1/tokens", map[string]any{
		"name": "console", "scopes": []string{"resource.read", "resource.action"}, "expires": time.Now().Add(life).UTC().Format(time.RFC3339Nano),
	}, &out)
	p.client.secrets.plant("a token of "+p.name, out.Secret)
	by := *p
	by.bearer = out.Secret
	return &by, out.Token.ID
}

// TestConsolesAndLogsEndWithTheRightToThem opens a console and a log with a real
// socket and takes the right to them away, in every way there is.
func TestConsolesAndLogsEndWithTheRightToThem(t *testing.T) {
	b, one, two := resellers(t)
	server, boss, customer := one.server(t), one.world.boss, one.customer.org
	const session, right = "the session that it was opened with has ended", "the right to the resource was taken away"
	put := func(p *person, path string, in map[string]any) { p.must(t, http.MethodPut, path, in, nil) }
	for name, tc := range map[string]struct {
		reason, why string
		end         func(p *person)
		token       time.Duration // the life of the token that it is opened with; 0: by a session
	}{
		"SignOut": {reason: "the user signs out", why: session, end: func(p *person) { p.must(t, http.MethodDelete, "/v1/sessions/current", nil, nil) }},
		"Session": {reason: "the session is ended by an administrator", why: session, end: func(p *person) { boss.must(t, http.MethodDelete, "/v1/sessions/"+p.session, nil, nil) }},
		"Password": {reason: "the password is reset", why: session, end: func(p *person) {
			put(boss, "/v1/users/"+p.user+"/password", map[string]any{"password": b.secrets.password(p.name + " again")})
		}},
		"Disabled": {reason: "the user is disabled", why: session, end: func(p *person) { put(boss, "/v1/users/"+p.user, map[string]any{"state": "disabled"}) }},
		"Removed":  {reason: "the user is removed", why: session, end: func(p *person) { boss.must(t, http.MethodDelete, "/v1/users/"+p.user, nil, nil) }},
		"Role":     {reason: "the user loses the role", why: right, end: func(p *person) { put(boss, "/v1/users/"+p.user, map[string]any{"roles": []string{"auditor"}}) }},
		"Expiry":   {reason: "the token expires", why: session, end: func(*person) {}, token: 3 * time.Second},
		"Revoked": {reason: "the token is revoked", why: session, token: time.Hour, end: func(p *person) {
			for _, id := range p.ids(t, "/v1/tokens") {
				p.must(t, http.MethodDelete, "/v1/tokens/"+id, nil, nil)
			}
		}},
	} {
		p := hire(t, one.reseller, customer, name, one.mark, "customer_admin")
		by := p
		if tc.token > 0 {
			by, _ = tokenFor(t, p, tc.token)
		}
		o := b.open(t, by, server)
		tc.end(p)
		o.endsFor(t, tc.reason, tc.why)
	}
	stays := b.open(t, one.customer, server) // all that was others'
	org := hire(t, one.reseller, customer, "Org", one.mark, "customer_admin")
	o := b.open(t, org, server)
	put(boss, "/v1/orgs/"+customer, map[string]any{"state": "suspended"})
	o.endsFor(t, "the org is suspended", session)
	stays.endsFor(t, "the org is suspended", session)
	put(boss, "/v1/orgs/"+customer, map[string]any{"state": "active"})

	o = b.open(t, one.reseller, server)
	boss.must(t, http.MethodPost, "/v1/orgs/"+customer+"/move", map[string]any{"parent_id": two.reseller.org}, nil)
	o.endsFor(t, "the org and its resources are moved to another seller", right)
	boss.must(t, http.MethodPost, "/v1/orgs/"+customer+"/move", map[string]any{"parent_id": one.reseller.org}, nil)

	one.customer.signIn(t)
	o = b.open(t, one.reseller, server)
	one.customer.must(t, http.MethodPost, "/v1/resources/"+server+"/release", map[string]any{}, nil)
	o.endsFor(t, "the resource is released", "the resource was released")
	b.closings(t, boss, customer)
}

// TestStreamsAreBoundAsConfigured: one console of an org at a time, which ends
// when nothing passes.
func TestStreamsAreBoundAsConfigured(t *testing.T) {
	b := startWith(t, app.Options{}, func(c *config.Config) {
		c.Plugins.Streams = config.Streams{Concurrent: 2, PerOrg: 1, ConsoleIdle: 2 * time.Second, LogIdle: time.Hour}
	})
	tr := build(t, b, b.first, "A", markA, map[string]string{"A/R1": markR1}).trees[0]
	server := tr.server(t)
	conn := console(t, b, tr.customer, server)
	say(t, conn, websocket.BinaryMessage, "status here\n")
	if _, _, err := conn.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	if a := tr.customer.do(t, http.MethodGet, "/v1/resources/"+server+"/logs", nil); a.status < 400 || !strings.Contains(string(a.body), "open") {
		t.Errorf("a log beside the org's only console: %d %s", a.status, a.body)
	}
	if h := hear(t, conn); h.code != websocket.CloseInternalServerErr || !strings.Contains(h.notes, `"type":"problem"`) {
		t.Errorf("a silent console is closed with %d, %s", h.code, h.notes)
	}
	if a := tr.customer.do(t, http.MethodGet, "/v1/resources/"+server+"/logs", nil); a.status != http.StatusOK {
		t.Errorf("a log after it: %d %s", a.status, a.body)
	}
}

// closings wants the audit log to say why each console and log was ended.
func (b *broker) closings(t *testing.T, boss *person, org string) {
	t.Helper()
	for _, action := range []string{"resource.console.close", "resource.logs.close"} {
		var log struct {
			Items []struct{ After struct{ Why string } }
		}
		boss.must(t, http.MethodGet, "/v1/audit?limit=100&org_id="+org+"&action="+action, nil, &log)
		why := map[string]int{}
		for _, e := range log.Items {
			why[e.After.Why]++
		}
		if len(log.Items) < 11 || why[""] > 0 || len(why) != 3 {
			t.Errorf("%s: the audit log tells of %d, for the reasons %v", action, len(log.Items), why)
		}
	}
}
