package crash

import (
	"bytes"
	"sync"
)

// Bounds of what a Catcher keeps.
const (
	maxTrace     = 48 << 10 // bytes of one trace
	maxTraceLine = 4 << 10  // bytes of one line of it
)

// starts are the beginnings of the lines with which Go's runtime announces that
// it ends the process.
var starts = [][]byte{
	[]byte("panic: "), []byte("fatal error: "), []byte("runtime: "), []byte("SIG"), []byte("unexpected fault address"),
}

// Catcher finds the last words of a process among the lines of its standard
// error: the message and the trace of the panic that ended it. A line costs no
// more than a look at its first bytes until there is a panic. The zero value is
// ready. Safe for concurrent use.
type Catcher struct {
	mu    sync.Mutex
	lines []string
	size  int
	on    bool
}

// Line takes in one line, without its end. Once a panic was announced all lines
// that follow belong to it: a Go program prints nothing else then. Another
// announcement of a panic begins anew: the first may have been recovered.
func (c *Catcher) Line(line []byte) {
	begins := announces(line)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case begins && !c.chained():
		c.lines, c.size, c.on = nil, 0, true
	case !c.on:
		return
	}
	line = line[:min(len(line), maxTraceLine)]
	if c.size += len(line) + 1; c.size <= maxTrace {
		c.lines = append(c.lines, string(line))
	}
}

func announces(line []byte) bool {
	for _, s := range starts {
		if bytes.HasPrefix(line, s) {
			return true
		}
	}
	return false
}

// chained reports whether the trace so far is only the announcement: the
// runtime prints several such lines one after the other.
func (c *Catcher) chained() bool {
	if !c.on || len(c.lines) == 0 || len(c.lines) > 16 {
		return false
	}
	for _, l := range c.lines {
		if bytes.HasPrefix([]byte(l), []byte("goroutine ")) {
			return false
		}
	}
	return true
}

// Words returns the message and the trace of the last panic; empty when there
// was none. Secrets that the plugin put there are in them.
func (c *Catcher) Words() (message string, trace []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) == 0 {
		return "", nil
	}
	return c.lines[0], append([]string(nil), c.lines[1:]...)
}
