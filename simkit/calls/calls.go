// Package calls keeps the log of what a simulator was asked: the last calls,
// and exact counts of all.
//
// A line holds no parameters unless a simulator adds them, and then it is the
// simulator that leaves secrets out. Nothing here is safe for concurrent use:
// the simulator guards its [Log] with the mutex of its state.
package calls

import (
	"maps"
	"time"

	"tradewind.example/simkit/faults"
)

// Line is what the logs of all simulators say of a call; a simulator embeds it
// in its own Call, which adds the vendor's code and ids.
type Line struct {
	// Seq counts calls from 1 in the order they ended.
	Seq    int64     `json:"seq"`
	Time   time.Time `json:"time"`
	Action string    `json:"action"`
	// Account is who called; empty where nobody was recognised.
	Account string `json:"account,omitempty"`
	// Subject is the resource that the call was about, or the name, tag or
	// token of what it was to create.
	Subject string `json:"subject,omitempty"`
	// Fault is the kind of the fault that spoiled the answer, and After says
	// that the change had been made.
	Fault faults.Kind `json:"fault,omitempty"`
	After bool        `json:"after,omitempty"`
	// TookUS is the real time in microseconds.
	TookUS int64 `json:"took_us"`
}

// Unknown is the action of all calls that reached none: they share one count,
// so that a client cannot grow the log's map.
const Unknown = "unknown"

// Verdict is how a call ended.
type Verdict int

// The ends of a call: done, refused, or its answer destroyed by a fault.
const (
	OK Verdict = iota
	Refused
	Spoiled
)

// Count sums the calls of one action by how they ended.
type Count struct {
	Calls   int64 `json:"calls"`
	OK      int64 `json:"ok"`
	Refused int64 `json:"refused"`
	Spoiled int64 `json:"spoiled"`
}

// Log is a ring of the last calls and exact counts. Make it with [NewLog].
type Log[C any] struct {
	line   func(*C) *Line
	ring   []C
	size   int
	seq    int64
	counts map[string]Count
}

// NewLog returns a log of the last size calls; line finds the Line in a call.
func NewLog[C any](size int, line func(*C) *Line) *Log[C] {
	return &Log[C]{line: line, size: max(size, 0), counts: map[string]Count{}}
}

// Add numbers a call, dates it and keeps it.
func (l *Log[C]) Add(call C, at time.Time, v Verdict) {
	l.seq++
	line := l.line(&call)
	line.Seq, line.Time = l.seq, at
	n := l.counts[line.Action]
	n.Calls++
	switch v {
	case OK:
		n.OK++
	case Spoiled:
		n.Spoiled++
	case Refused:
		n.Refused++
	}
	l.counts[line.Action] = n
	switch {
	case l.size == 0:
	case len(l.ring) < l.size:
		l.ring = append(l.ring, call)
	default:
		l.ring[int((l.seq-1)%int64(l.size))] = call
	}
}

// Last returns the newest calls, at most n, oldest first.
func (l *Log[C]) Last(n int) []C {
	n = min(max(n, 0), len(l.ring))
	out := make([]C, 0, n)
	for i := l.seq - int64(n); i < l.seq; i++ {
		out = append(out, l.ring[int(i%int64(l.size))])
	}
	return out
}

// Counts returns the counts per action since start.
func (l *Log[C]) Counts() map[string]Count { return maps.Clone(l.counts) }
