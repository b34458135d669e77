package launch

import (
	"bytes"
	"strings"
	"sync"
)

const (
	tailLines    = 20
	tailLineSize = 1024 // bytes kept of one line
	// shownSize is what is shown of one: a secret that was cut off at the end of
	// what is kept could not be recognised.
	shownSize = 512 // bytes
)

// tail keeps the last lines written to it, each cut to a bounded length.
type tail struct {
	mu      sync.Mutex
	lines   [tailLines]string
	next    int // where the next finished line goes
	current []byte
}

// Write never fails and never blocks longer than the copy of the last lines
// takes: of a flood it looks only at the end.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if from := lastLines(p); from > 0 {
		p, t.current = p[from:], t.current[:0]
	}
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			t.keep(p)
			return n, nil
		}
		t.keep(p[:end])
		t.finish()
		p = p[end+1:]
	}
}

// lastLines returns where the last lines in p begin that can be kept; 0 when p
// has no more of them.
func lastLines(p []byte) int {
	at := len(p)
	for range tailLines + 1 {
		if at = bytes.LastIndexByte(p[:at], '\n'); at < 0 {
			return 0
		}
	}
	return at + 1
}

func (t *tail) keep(p []byte) {
	t.current = append(t.current, p[:min(len(p), tailLineSize-len(t.current))]...)
}

func (t *tail) finish() {
	if line := strings.TrimSpace(string(t.current)); line != "" {
		t.lines[t.next%tailLines] = line
		t.next++
	}
	t.current = t.current[:0]
}

// Lines returns what is kept, oldest first, an unfinished line included.
func (t *tail) Lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for i := max(0, t.next-tailLines); i < t.next; i++ {
		out = append(out, t.lines[i%tailLines])
	}
	if line := strings.TrimSpace(string(t.current)); line != "" {
		out = append(out, line)
	}
	return out
}
