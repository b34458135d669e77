package launch

import (
	"strings"
	"sync"
)

const (
	tailLines    = 20
	tailLineSize = 512 // bytes kept of one line
)

// tail keeps the last lines written to it, each cut to a bounded length.
type tail struct {
	mu      sync.Mutex
	lines   [tailLines]string
	next    int // where the next finished line goes
	current []byte
}

// Write never fails and never blocks longer than the copy takes.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range p {
		switch {
		case c == '\n':
			t.finish()
		case len(t.current) < tailLineSize:
			t.current = append(t.current, c)
		}
	}
	return len(p), nil
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
