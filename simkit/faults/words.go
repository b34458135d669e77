package faults

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Kind says what a fault does.
type Kind string

// The words that simulators share. A simulator says beside its own constants
// what each of them answers, and adds kinds that its vendor alone has.
const (
	// Latency waits in real time. A client that gives up meanwhile does not stop the change.
	Latency Kind = "latency"
	// Throttle refuses calls over a rate per second, with bursts; rate 0 refuses every call.
	Throttle Kind = "throttle"
	// RetCode answers a code of the vendor.
	RetCode Kind = "retcode"
	// HTTP answers an HTTP status with a page.
	HTTP Kind = "http"
	// Drop closes the connection without an answer.
	Drop Kind = "drop"
	// NonJSON answers an HTML page with status 200.
	NonJSON Kind = "non_json"
	// Empty answers an HTTP status without a body.
	Empty Kind = "empty"
	// RetCodeString writes the code of the answer as a JSON string.
	RetCodeString Kind = "retcode_string"
	// BadSignature refuses the signature although it is right.
	BadSignature Kind = "bad_signature"
	// SoldOut refuses a purchase for want of stock.
	SoldOut Kind = "sold_out"
	// InsufficientBalance refuses a purchase for want of money.
	InsufficientBalance Kind = "insufficient_balance"
	// InstallFail makes what is new end in the vendor's failed state.
	InstallFail Kind = "install_fail"
	// StopHang leaves a graceful stop unfinished.
	StopHang Kind = "stop_hang"
)

// Word is what a simulator knows of one kind.
type Word struct {
	// Late kinds can also come after the change.
	Late bool
	// Quiet kinds change how a call goes on and spoil no answer.
	Quiet bool
	// Writes kinds act only on calls that can change something.
	Writes bool
	// Concerns are the actions of a fault that names none; nil is every action.
	Concerns []string
	// Only are the actions a kind can act on, whatever the fault names; nil is every action.
	Only []string
}

// Words are the kinds that a simulator knows.
type Words map[Kind]Word

// Common are the words that every simulator has, without actions.
func Common() Words {
	return Words{
		Latency: {Late: true, Quiet: true}, Throttle: {}, RetCode: {Late: true}, HTTP: {Late: true}, Drop: {Late: true},
		NonJSON: {Late: true}, BadSignature: {}, SoldOut: {}, InstallFail: {Quiet: true}, StopHang: {Quiet: true},
	}
}

// With returns the words with own ones added or put in their place.
func (w Words) With(own Words) Words {
	out := maps.Clone(w)
	maps.Copy(out, own)
	return out
}

// Bounds of a fault: one wait, the faults in force at once, calls a second.
const (
	MaxDelay  = 10 * time.Minute
	maxFaults = 100
	maxRate   = 1000000
)

// View shows the set the common part of a simulator's Fault. What the set
// fills in is a pointer into the fault itself.
type View struct {
	Kind Kind
	// WritesOnly spares actions that change nothing.
	WritesOnly bool
	// After acts when the change was made and recorded: the client cannot know.
	After bool
	// Skip lets that many matching calls pass first; Count is how often the
	// fault acts, 0 without end; Percent is the chance to act, 0 is 100.
	Skip, Count, Percent int
	// DelayMS is the wait of [Latency] in milliseconds, Rate the calls per
	// second of [Throttle].
	DelayMS, Rate int
	// Actions filters by action name; empty is every action.
	Actions *[]string
	// Burst belongs to Throttle; 0 becomes Rate.
	Burst *int
	// Hits is how often the fault acted.
	Hits *int
}

func (w Words) check(v View) error {
	word, known := w[v.Kind]
	switch {
	case !known:
		return fmt.Errorf("kind %q is unknown", v.Kind)
	case v.After && !word.Late:
		return fmt.Errorf("kind %q cannot come after the change; leave after out", v.Kind)
	case v.Percent < 0 || v.Percent > 100:
		return fmt.Errorf("percent: %d is not between 1 and 100", v.Percent)
	case v.Count < 0 || v.Skip < 0 || v.Rate < 0 || *v.Burst < 0:
		return errors.New("count, skip, rate and burst must not be negative")
	case v.Rate > maxRate:
		return fmt.Errorf("rate: %d is more than %d", v.Rate, maxRate)
	case v.DelayMS < 0 || v.DelayMS > int(MaxDelay.Milliseconds()):
		return fmt.Errorf("delay_ms: %d is not between 0 and %d", v.DelayMS, MaxDelay.Milliseconds())
	}
	return nil
}

// Between refuses a field that is set and out of its bounds.
func Between(field string, n, lo, hi int) error {
	if n != 0 && (n < lo || n > hi) {
		return fmt.Errorf("%s: %d is not between %d and %d", field, n, lo, hi)
	}
	return nil
}

// OrElse returns n, or the default of a field that is not set.
func OrElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func (v View) settle(word Word) {
	*v.Hits = 0
	*v.Actions = slices.Clone(*v.Actions)
	if len(*v.Actions) == 0 {
		*v.Actions = slices.Clone(word.Concerns)
	}
	if v.Kind == Throttle {
		*v.Burst = OrElse(*v.Burst, v.Rate)
	}
}
