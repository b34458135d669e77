package session

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tradewind.example/host/crash"
	"tradewind.example/host/launch"
	"tradewind.example/host/supervise"
)

const (
	maxTraceLines = 400
	shownLine     = 512 // bytes of one line in a report
)

// caught is what the SDK told of a panic that it caught.
type caught struct {
	method, panic, stack string
	input                []string
}

func caughtIn(fields map[string]any) caught {
	text := func(name string) string { s, _ := fields[name].(string); return s }
	c := caught{method: text("method"), panic: text("panic"), stack: text("stack")}
	list, _ := fields["input"].([]any)
	for _, v := range list[:min(len(list), maxTraceLines)] {
		if s, ok := v.(string); ok {
			c.input = append(c.input, s)
		}
	}
	return c
}

// reportPanic makes the report of a panic that the process survived.
func (s *Session) reportPanic(c caught) {
	r := s.newReport(crash.KindPanic)
	r.Message = s.shown("panic: " + c.panic)
	r.Trace = s.masked(strings.Split(strings.TrimRight(c.stack, "\n"), "\n"))
	r.Calls = []crash.Call{{Method: methodName(s.shown(c.method)), Input: s.masked(c.input)}}
	s.onCrash(r)
}

// reportEnd makes the report of a process that ended without being asked to, or
// was killed because of cause.
func (s *Session) reportEnd(kind crash.Kind, cause error) {
	end, ended := s.proc.End()
	if !ended || kind == crash.KindStart && (end.Killed || end.Status == 0) {
		return // never ran, or was ended by the host
	}
	if kind == crash.KindExit && end.Killed {
		kind = crash.KindLost
	}
	r := s.newReport(kind)
	r.Time, r.Uptime, r.Status, r.Signal, r.OutOfMemory = end.At, end.Uptime, end.Status, end.Signal, end.OutOfMemory
	message, trace := s.logs.words.Words()
	r.Message, r.Trace = s.shown(message), s.masked(trace)
	r.Output = s.proc.Tail(s.redact.Text)
	if cause != nil {
		r.Message = s.shown("killed: " + cause.Error())
		r.OutOfMemory = r.OutOfMemory || errors.Is(cause, supervise.ErrExceeded)
	} else if r.Message == "" {
		r.Message = endText(end)
	}
	s.mu.Lock()
	r.Calls = s.lostCalls
	s.mu.Unlock()
	s.onCrash(r)
}

// endText is the message of a process that had no last words.
func endText(end launch.End) string {
	switch {
	case end.OutOfMemory:
		return "ended for lack of memory"
	case end.Signal != "":
		return "ended by signal " + end.Signal
	}
	return fmt.Sprintf("ended with status %d", end.Status)
}

func (s *Session) newReport(kind crash.Kind) crash.Report {
	r := crash.Report{
		Time: time.Now(), Plugin: s.name, Version: s.version, SHA256: s.proc.SHA256(), PID: s.proc.PID(), Kind: kind,
	}
	if begun, _ := s.proc.Executed(); !begun.IsZero() {
		r.Uptime = time.Since(begun)
	}
	if f, ok := s.Figures(); ok {
		r.ResidentBytes, r.ResidentAt = f.ResidentBytes, f.At
	}
	return r
}

// shown is a text for a report: masked, then cut.
func (s *Session) shown(text string) string {
	text = s.redact.Text(text)
	return strings.ToValidUTF8(text[:min(len(text), 4*shownLine)], "")
}

func (s *Session) masked(lines []string) []string {
	out := make([]string, 0, min(len(lines), maxTraceLines))
	for _, l := range lines[:min(len(lines), maxTraceLines)] {
		l = s.redact.Text(l)
		out = append(out, strings.ToValidUTF8(l[:min(len(l), shownLine)], ""))
	}
	return out
}
