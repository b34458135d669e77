package trace

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"tradewind.example/sdk/fault"
)

// Finished is a span that has ended, in the form in which it travels.
type Finished struct {
	Trace   string            `json:"trace"` // 32 hex digits
	Span    string            `json:"span"`  // 16 hex digits
	Parent  string            `json:"parent"`
	Name    string            `json:"name"`
	Kind    Kind              `json:"kind"`
	Start   int64             `json:"start"` // nanoseconds since 1970
	End     int64             `json:"end"`
	Attrs   map[string]string `json:"attrs,omitempty"`
	Failure string            `json:"failure,omitempty"` // class of the error; "" when it went well
}

// LinePrefix is what a line of standard error that holds a span begins with.
const LinePrefix = `{"@span":`

// Bounds of what travels.
const (
	maxName  = 128
	maxValue = 256 // bytes of one attribute
	// MaxLine is the longest line, in bytes.
	MaxLine = 16 << 10
)

type line struct {
	Span Finished `json:"@span"`
}

// errLine means that a line holds no usable span.
var errLine = errors.New("line holds no usable span")

// ParseLine reads a line that a [Writer] wrote. It trusts nothing: what is out
// of bounds is an error.
func ParseLine(raw []byte) (Finished, error) {
	if len(raw) > MaxLine || !bytes.HasPrefix(raw, []byte(LinePrefix)) {
		return Finished{}, errLine
	}
	var l line
	if err := json.Unmarshal(raw, &l); err != nil {
		return Finished{}, fmt.Errorf("%w: %w", errLine, err)
	}
	f := l.Span
	switch {
	case !hexID(f.Trace, 16), !hexID(f.Span, 8), !hexID(f.Parent, 8):
		return Finished{}, fmt.Errorf("%w: its ids are not ids", errLine)
	case f.Name == "" || len(f.Name) > maxName, len(f.Failure) > maxName:
		return Finished{}, fmt.Errorf("%w: its name is empty or too long", errLine)
	case f.Start <= 0 || f.End < f.Start:
		return Finished{}, fmt.Errorf("%w: its times are not times", errLine)
	case len(f.Attrs) > maxAttrs:
		return Finished{}, fmt.Errorf("%w: it has %d attributes", errLine, len(f.Attrs))
	}
	for name, value := range f.Attrs {
		if len(name) > maxName || len(value) > maxValue {
			return Finished{}, fmt.Errorf("%w: an attribute is too long", errLine)
		}
	}
	return f, nil
}

// hexID reports whether s is an id of so many bytes, not all of them zero.
func hexID(s string, size int) bool {
	return len(s) == hex.EncodedLen(size) && lowerHex(s) && strings.Trim(s, "0") != ""
}

// spansASecond bounds what a plugin sends: a loop that starts spans must not
// cost the broker more than the work itself.
const spansASecond = 500

// Writer is the Recorder of a plugin process: it writes each span as one line,
// and drops spans when they come too fast. Safe for concurrent use when w is.
type Writer struct {
	w   io.Writer
	now func() time.Time

	mu     sync.Mutex
	second int64
	count  int
}

// NewWriter makes a Writer. Each span is one call of w's Write.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, now: time.Now} }

// Record writes the span. One that cannot be written is lost: a trace is no
// reason to fail a call.
func (w *Writer) Record(f Finished) {
	if !w.admit() {
		return
	}
	f.Name = cut(f.Name, maxName)
	for name, value := range f.Attrs {
		f.Attrs[name] = cut(value, maxValue)
	}
	raw, err := json.Marshal(line{Span: f})
	if err != nil || len(raw) >= MaxLine {
		return
	}
	_, _ = w.w.Write(append(raw, '\n'))
}

func (w *Writer) admit() bool {
	second := w.now().Unix()
	w.mu.Lock()
	defer w.mu.Unlock()
	if second != w.second {
		w.second, w.count = second, 0
	}
	w.count++
	return w.count <= spansASecond
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// failure is the class of err, "" for none.
func failure(err error) string {
	if err == nil {
		return ""
	}
	return fault.ClassOf(err).String()
}
