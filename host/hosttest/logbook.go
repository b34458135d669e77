package hosttest

import (
	"bytes"
	"strings"
	"sync"
)

// LogBook collects what is logged, for tests that read it meanwhile. The zero
// value is empty, and everything is safe for concurrent use.
type LogBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write takes in p; it never fails.
func (b *LogBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns all that was logged.
func (b *LogBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Has reports whether text was logged.
func (b *LogBook) Has(text string) bool { return strings.Contains(b.String(), text) }

// Lines returns the lines that hold text.
func (b *LogBook) Lines(text string) []string {
	var out []string
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, text) {
			out = append(out, line)
		}
	}
	return out
}
