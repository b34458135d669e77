package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
)

// ErrUnexpected means that a request is not in the recording, or was answered
// as often as it was recorded.
var ErrUnexpected = errors.New("unexpected request")

// ErrUnused means that the recording has more than was asked for.
var ErrUnused = errors.New("recorded requests were not made")

// Player answers requests from a recording. Each entry answers once; equal
// requests are answered in the order in which they were recorded.
type Player struct {
	scrub *scrubber
	tape  *tape

	mu   sync.Mutex
	used []bool
}

// Replay reads the recording at file. s must be what the recording was made
// with: requests are compared after scrubbing, so that other credentials and
// signatures do not matter. Scheme, host and headers are not compared.
func Replay(file string, s Scrub) (*Player, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening the recording: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the recording: %w", err)
	}
	t, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", file, err)
	}
	scrub, err := newScrubber(s)
	if err != nil {
		return nil, err
	}
	return &Player{scrub: scrub, tape: t, used: make([]bool, len(t.Log.Entries))}, nil
}

// RoundTrip answers req from the recording, or fails with [ErrUnexpected] and
// names the recorded request that is nearest and what differs.
func (p *Player) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	sent, err := takeBody(&req.Body)
	if err != nil {
		return nil, fmt.Errorf("replaying a request: %w", err)
	}
	asked := newShape(p.scrub.request(req, sent).Request)
	p.mu.Lock()
	defer p.mu.Unlock()
	best, fewest := -1, 0
	for i, e := range p.tape.Log.Entries {
		differ := asked.differences(newShape(e.Request))
		if len(differ) == 0 && !p.used[i] {
			p.used[i] = true
			return e.Response.http(req)
		}
		if best < 0 || len(differ) < fewest {
			best, fewest = i, len(differ)
		}
	}
	return nil, p.unexpected(asked, best)
}

func (p *Player) unexpected(asked shape, best int) error {
	if best < 0 {
		return fmt.Errorf("%w: %s; the recording is empty", ErrUnexpected, asked)
	}
	near := newShape(p.tape.Log.Entries[best].Request)
	differ := asked.differences(near)
	if len(differ) == 0 {
		return fmt.Errorf("%w: %s was recorded, but less often than it is made; record again", ErrUnexpected, asked)
	}
	return fmt.Errorf("%w: %s; the nearest one recorded is entry %d, %s, with another %s", ErrUnexpected, asked, best, near, strings.Join(differ, ", "))
}

// Unused fails with [ErrUnused], naming them, when recorded requests were not made.
func (p *Player) Unused() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []string
	for i, used := range p.used {
		if !used {
			left = append(left, newShape(p.tape.Log.Entries[i].Request).String())
		}
	}
	if len(left) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrUnused, strings.Join(left, "; "))
}

// shape is what of a request is compared.
type shape struct {
	method, path string
	query        url.Values
	body         string
}

func newShape(r request) shape {
	s := shape{method: r.Method, path: r.URL}
	if u, err := url.Parse(r.URL); err == nil {
		s.path, s.query = u.EscapedPath(), u.Query()
	}
	if s.path == "" {
		s.path = "/"
	}
	if raw, err := r.Body.bytes(); err == nil {
		s.body = string(raw)
	}
	return s
}

// String names the request; query and body are already scrubbed.
func (s shape) String() string {
	if len(s.query) == 0 {
		return s.method + " " + s.path
	}
	return s.method + " " + s.path + "?" + s.query.Encode()
}

// differences names the parts in which s and o differ.
func (s shape) differences(o shape) []string {
	var out []string
	if s.method != o.method {
		out = append(out, fmt.Sprintf("method (%s)", o.method))
	}
	if s.path != o.path {
		out = append(out, "path")
	}
	names := maps.Clone(s.query)
	if names == nil {
		names = url.Values{}
	}
	maps.Copy(names, o.query)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if strings.Join(s.query[name], "\n") != strings.Join(o.query[name], "\n") {
			out = append(out, fmt.Sprintf("query parameter %q", name))
		}
	}
	if s.body != o.body {
		out = append(out, "body")
	}
	return out
}

// http makes the answer to req.
func (r response) http(req *http.Request) (*http.Response, error) {
	raw, err := r.Body.bytes()
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	for _, p := range r.Headers {
		h.Add(p.Name, p.Value)
	}
	h.Del("Content-Length") // of the body before it was scrubbed
	return &http.Response{
		Status: http.StatusText(r.Status), StatusCode: r.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(bytes.NewReader(raw)), ContentLength: int64(len(raw)), Request: req,
	}, nil
}
