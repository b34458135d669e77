package apitest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// oddTexts are values that no text should be broken by.
var oddTexts = map[string]string{
	"empty": "", "blank": " ", "zero": "0", "negative": "-1", "huge": "99999999999999999999999999", "exponent": "1e400", "nan": "NaN", "infinite": "-Infinity",
	"hex": "0x1F", "null": "null", "dots": "../..", "slash": "a/b\\c", "percent": "%00%2e", "nul": "a\x00b", "control": "\x01\x1b[31m\x7f\r\n", "quote": `'";--`,
	"template": "{{.}}${x}%s%d", "markup": "<script>alert(1)</script>", "formula": "=1+1", "emoji": "👩‍👩‍👧‍👦", "rtl": "\u202eabc\u2066", "zalgo": "a\u0301\u0302\u0303\u0304",
	"bom": "\ufeffx", "noncharacter": "\uffff\U0010ffff", "invalid utf-8": "a\xff\xfe", "long": strings.Repeat("x", 65), "longer": strings.Repeat("9", 5000),
	"uuid": missing(7), "time": "0000-00-00T00:00:00Z", "far time": "9999-12-31T23:59:59.999999999+23:59", "cursor": "AAAAAAAAAAAAAAAAAAAAAA", "star": "*",
	"etag": `W/"18446744073709551616"`,
}

// oddValues are JSON values for any field.
func oddValues() map[string]string {
	out := map[string]string{
		"null": "null", "true": "true", "zero": "0", "minus": "-1", "min": "-9223372036854775808", "over": "18446744073709551616", "exponent": "1e400",
		"fraction": "0.0000000000000000000000000001", "minus zero": "-0", "digits": strings.Repeat("9", 4000), "list": "[]", "nulls": "[null,null]",
		"lists": strings.Repeat("[", 200) + strings.Repeat("]", 200), "object": "{}", "objects": `{"a":{"b":{"c":[{"d":null}]}}}`, "numbers": "[1,-1,1e9]",
		"many": "[" + strings.Repeat(`"x",`, 20_000) + `"x"]`, "surrogate": `"\ud800"`, "escapes": `"\u0000\u0001\u001f\u007f\u2028"`,
		"64k": `"` + strings.Repeat("y", 64<<10) + `"`, "keys": `{"":"","\u0000":"x","__proto__":{}}`,
	}
	for name, s := range oddTexts {
		raw, err := json.Marshal(s)
		if err == nil {
			out["text "+name] = string(raw)
		}
	}
	out["raw utf-8"] = "\"a\xff\xfe\""
	return out
}

// oddBodies are whole bodies.
var oddBodies = map[string]string{
	"empty": "", "blank": " \n", "null": "null", "text": `"x"`, "number": "1", "list": "[]", "cut": `{"name":"x`, "broken": `{"a":}`, "trailing": `{} {}`,
	"single quotes": `{'a':1}`, "nan": `{"a":NaN}`, "comment": `{/**/}`, "deep": strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
	"deep lists": strings.Repeat("[", 50_000), "twice": `{"name":"a","name":"b","NAME":"c"}`, "unknown": `{"no_such_field":1}`, "nul": "\x00", "binary": "\xff\xfe\x00\x01",
	"bom": "\ufeff{}", "xml": "<a/>", "form": "a=b&c=d", "cbor": "\xbf\x61a\x01\xff",
}

// mutant is one malformed request, which is made when it is sent.
type mutant struct {
	what string
	make func() request
}

// TestNothingBreaksTheServer sends them all, one after another; with the race
// detector one in so many, see [walkOneIn].
func TestNothingBreaksTheServer(t *testing.T) {
	s := perform(t)
	for _, a := range s.malformers() {
		for _, o := range s.doc.operations {
			all := s.doc.mutants(t, o, *a)
			if o.ID == "sign-out" || o.ID == "change-password" {
				all = aside(t, *a.person, all)
			}
			for _, m := range all {
				if s.walks.due() {
					s.endure(t, o, a, m)
				}
			}
		}
		s.sweep(t, a)
	}
	t.Logf("malformed requests: %v", s.walks)
	if got := s.client.send(t, request{method: http.MethodGet, path: "/readyz"}); got.status != http.StatusOK {
		t.Errorf("the server is not ready any more: %d %s", got.status, got.body)
	}
	if log := s.log.bytes(); bytes.Contains(log, []byte("panic")) {
		t.Errorf("a request panicked: %.2000s", log[max(0, bytes.Index(log, []byte("panic"))-500):])
	}
	s.finish(t)
}

// malformers are people who together have every right.
func (s *stage) malformers() []*actor {
	return []*actor{s.a.actor(s.first), s.r1.actor(s.r1.reseller), s.r1.actor(s.r1.customer)}
}

// aside moves requests that may end a session to one that nobody needs.
func aside(t *testing.T, p person, all []mutant) []mutant {
	t.Helper()
	p.signIn(t)
	for i, m := range all {
		all[i].make = func() request {
			r := m.make()
			r.bearer = p.bearer
			return r
		}
	}
	return all
}

// endure sends a malformed request and wants a proper answer.
func (s *stage) endure(t *testing.T, o operation, a *actor, m mutant) {
	t.Helper()
	r := m.make()
	got := s.client.send(t, r)
	if got.status >= 500 && (got.status != http.StatusNotImplemented || o.Responses["501"] == nil) {
		t.Errorf("%s: %s %.200s, %s: %d %.400s; body %.200q", a.name, o.method, r.path, m.what, got.status, got.body, r.body)
	}
	if got.status >= 400 && !got.isProblem() {
		t.Errorf("%s: %s %.200s, %s: no problem document: %d %q %.300q", a.name, o.method, r.path, m.what, got.status, got.header.Get("Content-Type"), got.body)
	}
	if got.status == http.StatusUnauthorized && o.takesSession() {
		t.Fatalf("%s: %s %.200s, %s: the session is gone: %s", a.name, o.method, r.path, m.what, got.body)
	}
}

// sweep reads everything after the walk: what was stored can be shown.
func (s *stage) sweep(t *testing.T, a *actor) {
	t.Helper()
	for _, o := range s.doc.operations {
		if o.method == http.MethodGet {
			s.endure(t, o, a, mutant{"after the walk", func() request { return s.doc.compose(t, o, *a, s.doc.places(t, o), nil) }})
		}
	}
}

// mutants lists the malformed requests of an operation, always in one order.
func (d document) mutants(t *testing.T, o operation, a actor) []mutant {
	t.Helper()
	places := d.places(t, o)
	good := func() request { return d.compose(t, o, a, places, nil) }
	var out []mutant
	for _, p := range o.Parameters {
		for _, name := range sortedKeys(oddTexts) {
			v := oddTexts[name]
			if p.In == "header" && strings.ContainsAny(v, "\x00\x01\r\n\x7f") {
				continue // no HTTP client sends these
			}
			out = append(out, mutant{p.In + " " + p.Name + " " + name, func() request {
				if p.In == "path" {
					odd := place{in: "path", name: p.Name, kind: "none"}
					return d.compose(t, o, a, append(without(places, p.Name), odd), with{odd: v})
				}
				return misplaced(good(), p, v)
			}})
		}
	}
	out = append(out, mutant{"unknown query", func() request {
		r := good()
		r.path += "?no_such_parameter=1"
		return r
	}})
	if _, ok := o.body(); !ok {
		return out
	}
	return append(out, d.bodyMutants(t, o, good)...)
}

// misplaced is a good request with a value for a parameter of its query or header.
func misplaced(r request, p param, v string) request {
	if p.In == "query" {
		r.path += "?" + url.Values{p.Name: {v}}.Encode()
	} else {
		r.header[p.Name] = v
	}
	return r
}

func without(places []place, name string) []place {
	var out []place
	for _, p := range places {
		if p.in != "path" || p.name != name {
			out = append(out, p)
		}
	}
	return out
}

func (d document) bodyMutants(t *testing.T, o operation, good func() request) []mutant {
	t.Helper()
	var out []mutant
	add := func(what string, change func(*request)) {
		out = append(out, mutant{what, func() request {
			r := good()
			change(&r)
			return r
		}})
	}
	for _, name := range sortedKeys(oddBodies) {
		add("body "+name, func(r *request) { r.body = []byte(oddBodies[name]) })
	}
	for _, kind := range []string{"text/plain", "application/xml", "multipart/form-data; boundary=x", "application/cbor", "application/json; charset=utf-16", "x", "/", "application/x-www-form-urlencoded"} {
		add("content type "+kind, func(r *request) { r.contentType = kind })
	}
	values := oddValues()
	s, _ := o.body()
	for _, at := range d.leaves(d.resolve(s), nil) {
		for _, name := range sortedKeys(values) {
			add(fmt.Sprintf("field %v %s", at, name), func(r *request) { r.body = replace(t, r.body, at, values[name]) })
		}
	}
	return out
}

// leaves lists the paths of all fields of a body.
func (d document) leaves(s schema, at []string) [][]string {
	var out [][]string
	for _, name := range sortedKeys(s.Properties) {
		here := append(append([]string{}, at...), name)
		out = append(out, here)
		out = append(out, d.leaves(d.resolve(s.Properties[name]), here)...)
	}
	return out
}

// replace puts raw JSON at a path of a body.
func replace(t *testing.T, body []byte, at []string, raw string) []byte {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil || m == nil {
		m = map[string]json.RawMessage{}
	}
	value := []byte(raw)
	if len(at) > 1 {
		value = replace(t, m[at[0]], at[1:], raw)
	}
	m[at[0]] = nil
	var b bytes.Buffer
	b.WriteByte('{')
	for i, k := range sortedKeys(m) {
		if i > 0 {
			b.WriteByte(',')
		}
		v := []byte(m[k])
		if k == at[0] {
			v = value
		}
		fmt.Fprintf(&b, "%q:%s", k, v)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// TestTooMuchIsRefusedBeforeItIsRead sends only the head of an oversized request.
func TestTooMuchIsRefusedBeforeItIsRead(t *testing.T) {
	b := start(t)
	for reason, tc := range map[string]struct {
		head   string
		status int
	}{
		"a body over the limit":   {fmt.Sprintf("Content-Length: %d\r\n", b.cfg.HTTP.BodyLimit+1), http.StatusRequestEntityTooLarge},
		"headers over the limit":  {"X-Long: " + strings.Repeat("x", 64<<10) + "\r\n", http.StatusRequestHeaderFieldsTooLarge},
		"a length that is absurd": {"Content-Length: 99999999999999999999\r\n", http.StatusBadRequest},
		"a negative length":       {"Content-Length: -1\r\n", http.StatusBadRequest},
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(b.client.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+tc.head+"\r\n"); err != nil {
			t.Logf("%s: the server closed early: %v", reason, err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%s: no answer: %v", reason, err)
			continue
		}
		raw, _ := io.ReadAll(resp.Body) // what can be read is shown
		a := answer{status: resp.StatusCode, header: resp.Header, body: raw}
		if a.status != tc.status || !a.isProblem() {
			t.Errorf("%s: want a problem of status %d, got %d %q", reason, tc.status, a.status, a.body)
		}
		if id := a.header.Get("X-Request-Id"); id == "" || !strings.Contains(string(a.body), id) {
			t.Errorf("%s: the refusal's request id is %q, the body says %q", reason, id, a.body)
		}
		_ = c.Close()
	}
}
