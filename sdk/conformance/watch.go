package conformance

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"tradewind.example/sdk/secret"
)

// minMarker is the length of a text that cannot occur by chance, in bytes.
const minMarker = 8

// mostLine bounds what is kept of a line that has not ended.
const mostLine = 256 << 10

// markers are secrets by the place they were given at.
type markers map[string]secret.Value

func (m markers) put(place string, v secret.Value) {
	if text := v.Reveal(); len(text) >= minMarker {
		m[place] = v
		m[place+" in base64"] = secret.New(base64.StdEncoding.EncodeToString([]byte(text)))
	}
}

// watch looks at everything that comes out of a plugin, answers, errors and
// log, for secrets that were given to it. It keeps places, never texts. It is
// safe for concurrent use.
type watch struct {
	mu      sync.Mutex
	secrets markers
	seen    map[string]bool // findings
	stray   int             // lines that are no log lines
	line    []byte          // the unfinished one
}

func newWatch(m markers) *watch { return &watch{secrets: m, seen: map[string]bool{}} }

// add makes more secrets known.
func (w *watch) add(m markers) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.Copy(w.secrets, m)
}

// findings tells where which secret was seen.
func (w *watch) findings() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.seen))
}

// known returns the places of the secrets that are looked for.
func (w *watch) known() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.secrets))
}

// strays returns how many lines were printed that no logger wrote.
func (w *watch) strays() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stray
}

// look searches what came out at a place.
func (w *watch) look(where string, what []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.find(where, what)
}

func (w *watch) find(where string, what []byte) {
	for place, v := range w.secrets {
		if bytes.Contains(what, []byte(v.Reveal())) {
			w.seen[fmt.Sprintf("the secret %s is in %s", place, where)] = true
		}
	}
}

// Write takes the plugin's log, line by line.
func (w *watch) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = append(w.line, b...)
	for {
		i := bytes.IndexByte(w.line, '\n')
		if i < 0 {
			break
		}
		w.take(w.line[:i])
		w.line = w.line[i+1:]
	}
	if len(w.line) > mostLine {
		w.take(w.line)
		w.line = nil
	}
	return len(b), nil
}

// printed takes what the plugin writes to its standard output, where nothing
// belongs.
func (w *watch) printed() io.Writer { return strayWriter{w} }

type strayWriter struct{ watch *watch }

// Write counts lines.
func (s strayWriter) Write(b []byte) (int, error) {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	s.watch.find("the standard output", b)
	s.watch.stray += max(bytes.Count(b, []byte("\n")), 1)
	return len(b), nil
}

func (w *watch) take(line []byte) {
	w.find("the log", line)
	if len(bytes.TrimSpace(line)) > 0 && !json.Valid(line) {
		w.stray++
	}
}

// over returns conn with everything that arrives through it watched.
func (w *watch) over(conn grpc.ClientConnInterface) grpc.ClientConnInterface {
	return watched{ClientConnInterface: conn, watch: w}
}

type watched struct {
	grpc.ClientConnInterface
	watch *watch
}

// Invoke makes a unary call.
func (c watched) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	err := c.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
	c.watch.answer(method, reply, err)
	return err
}

// NewStream opens a stream.
func (c watched) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := c.ClientConnInterface.NewStream(ctx, desc, method, opts...)
	if err != nil {
		c.watch.answer(method, nil, err)
		return nil, err
	}
	return watchedStream{ClientStream: stream, watch: c.watch, method: method}, nil
}

type watchedStream struct {
	grpc.ClientStream
	watch  *watch
	method string
}

// RecvMsg receives one page.
func (s watchedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	s.watch.answer(s.method, m, err)
	return err
}

// answer looks at an answer, or at the error in its place.
func (w *watch) answer(method string, reply any, err error) {
	name := method[strings.LastIndexByte(method, '/')+1:]
	if err != nil {
		text := []byte(err.Error())
		if raw, bad := proto.Marshal(status.Convert(err).Proto()); bad == nil {
			text = append(text, raw...)
		}
		w.look("an error of "+name, text)
		return
	}
	if m, ok := reply.(proto.Message); ok {
		if raw, bad := proto.Marshal(m); bad == nil {
			w.look("an answer of "+name, raw)
		}
	}
}

// markers returns the credentials of the fixture's accounts.
func (f *Fixture) markers() markers {
	out := markers{}
	for name, v := range f.Account.Credentials {
		out.put("account.credentials."+name, v)
	}
	for name, v := range f.Other.Credentials {
		out.put("credentials."+name+" of the other account", v)
	}
	for name, v := range f.Wrong.Credentials {
		out.put("credentials."+name+" of the wrong account", v)
	}
	return out
}

// specMarkers returns the secret fields of the fixture's specs and inputs.
func (s *session) specMarkers() markers {
	out := markers{}
	for _, d := range s.d.Kinds {
		k := s.fix.Kinds[d.Name]
		for place, doc := range map[string]json.RawMessage{"spec": k.Spec, "update": k.Update} {
			hidden(out, d.Spec, doc, d.Name+"."+place)
		}
		for _, a := range d.Actions {
			hidden(out, a.Input, k.Actions[a.Name], d.Name+"."+a.Name+".input")
		}
	}
	return out
}

// hidden collects the secret fields of doc by its schema.
func hidden(out markers, raw, doc json.RawMessage, place string) {
	for _, name := range shapeOf(raw).secrets() {
		var fields map[string]json.RawMessage
		var text string
		if json.Unmarshal(doc, &fields) == nil && json.Unmarshal(fields[name], &text) == nil {
			out.put(place+"."+name, secret.New(text))
		}
	}
}
