// Package recorder writes down what a plugin and a cloud say to each other over
// HTTP, and plays it back, so that a test runs against a real cloud's answers
// without the cloud. The file is a readable subset of HAR 1.2, without times.
//
// Secrets do not reach the file: headers, query parameters and body fields with
// a telling name are masked, and so are known values wherever they stand. When
// a known value is still found in what would be written, nothing is written.
//
// A [Recorder] and a [Player] are http.RoundTrippers and safe for concurrent
// use. Neither has a goroutine. Bodies are held in memory, [MaxBodyBytes] each.
package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// Bounds of a recording.
const (
	MaxBodyBytes = 8 << 20
	MaxEntries   = 10_000
	MaxFileBytes = 64 << 20
)

// ErrSecret means that a recording was not written because a known secret
// would have been in it.
var ErrSecret = errors.New("a secret would be in the recording")

// Recorder hands requests on and remembers them with their answers.
type Recorder struct {
	next  http.RoundTripper
	scrub *scrubber

	mu   sync.Mutex
	tape tape
}

// Record makes a recorder in front of next, http.DefaultTransport when nil.
func Record(next http.RoundTripper, s Scrub) (*Recorder, error) {
	if next == nil {
		next = http.DefaultTransport
	}
	scrub, err := newScrubber(s)
	if err != nil {
		return nil, err
	}
	return &Recorder{next: next, scrub: scrub}, nil
}

// RoundTrip makes the request. The caller gets the true answer; only the copy
// that is kept is scrubbed. A request without an answer is not kept.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := takeBody(&req.Body)
	if err != nil {
		return nil, fmt.Errorf("recording a request: %w", err)
	}
	e := r.scrub.request(req, sent)
	resp, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	got, err := takeBody(&resp.Body)
	if err != nil {
		return nil, fmt.Errorf("recording an answer: %w", err)
	}
	r.scrub.response(&e, resp, got)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.tape.Log.Entries) == MaxEntries {
		return nil, fmt.Errorf("recording a request: there are %d already; record less in one file", MaxEntries)
	}
	r.tape.Log.Entries = append(r.tape.Log.Entries, e)
	return resp, nil
}

// Save writes what was recorded so far to file, whole or not at all. It fails
// with [ErrSecret] when a known value survived the scrubbing.
func (r *Recorder) Save(file string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	raw, err := r.tape.encode()
	if err != nil {
		return err
	}
	if err := r.scrub.survivors(&r.tape, raw); err != nil {
		return fmt.Errorf("saving the recording %q: %w", file, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".recording-*")
	if err != nil {
		return fmt.Errorf("saving the recording: %w", err)
	}
	_, err = tmp.Write(raw)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("saving the recording: %w", err), os.Remove(tmp.Name()))
	}
	return nil
}

// takeBody reads a body to its end and puts an unread copy in its place.
func takeBody(body *io.ReadCloser) ([]byte, error) {
	if *body == nil || *body == http.NoBody {
		return nil, nil
	}
	raw, err := io.ReadAll(io.LimitReader(*body, MaxBodyBytes+1))
	err = errors.Join(err, (*body).Close())
	*body = io.NopCloser(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxBodyBytes {
		return nil, fmt.Errorf("the body is longer than %d bytes", MaxBodyBytes)
	}
	return raw, nil
}
