// Package fault is the closed list of errors that cross Tradewind's borders:
// from a cloud to its plugin, from the plugin to the host, from the core to
// the REST client.
//
// A fault is made once, at the lowest place that knows the class. Above it,
// wrap with fmt.Errorf and %w; the class survives. Classes are append-only:
// they travel on the wire.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Class says what kind of failure it is, and so what the caller can do.
type Class uint8

// The classes. The zero Class is not a class.
const (
	// ClassInvalid: the request is wrong; Fields say where. Never retry as is.
	ClassInvalid Class = iota + 1
	// ClassUnauthenticated: credentials are missing or wrong.
	ClassUnauthenticated
	// ClassForbidden: the caller is known and may not.
	ClassForbidden
	// ClassNotFound: the thing does not exist, or the caller may not know it does.
	ClassNotFound
	// ClassConflict: the thing exists already or has changed meanwhile.
	ClassConflict
	// ClassPrecondition: the thing is in a state that does not allow this.
	ClassPrecondition
	// ClassThrottled: too many requests; see RetryAfter.
	ClassThrottled
	// ClassQuota: a limit of the account or the org is used up.
	ClassQuota
	// ClassOutOfStock: the cloud has none left.
	ClassOutOfStock
	// ClassInsufficientBalance: a wallet or an account at a cloud lacks money.
	ClassInsufficientBalance
	// ClassUnavailable: it cannot be served now; see RetryAfter.
	ClassUnavailable
	// ClassUnsupported: declared as not offered.
	ClassUnsupported
	// ClassInternal: a defect of ours or of a plugin.
	ClassInternal
)

var classNames = [...]string{
	ClassInvalid:             "invalid",
	ClassUnauthenticated:     "unauthenticated",
	ClassForbidden:           "forbidden",
	ClassNotFound:            "not_found",
	ClassConflict:            "conflict",
	ClassPrecondition:        "precondition",
	ClassThrottled:           "throttled",
	ClassQuota:               "quota",
	ClassOutOfStock:          "out_of_stock",
	ClassInsufficientBalance: "insufficient_balance",
	ClassUnavailable:         "unavailable",
	ClassUnsupported:         "unsupported",
	ClassInternal:            "internal",
}

// Classes lists every class in wire order.
func Classes() []Class {
	out := make([]Class, 0, len(classNames)-1)
	for c := ClassInvalid; int(c) < len(classNames); c++ {
		out = append(out, c)
	}
	return out
}

// String returns the class's wire word; "class(n)" for a number outside the list.
func (c Class) String() string {
	if c == 0 || int(c) >= len(classNames) {
		return fmt.Sprintf("class(%d)", uint8(c))
	}
	return classNames[c]
}

// Source says whose failure it is.
type Source uint8

// The sources. The zero Source means: not said yet; each border fills in its own.
const (
	SourceCore Source = iota + 1
	SourceHost
	SourcePlugin
	SourceCloud
)

var sourceNames = [...]string{SourceCore: "core", SourceHost: "host", SourcePlugin: "plugin", SourceCloud: "cloud"}

// String returns the source's wire word, "" for the zero Source.
func (s Source) String() string {
	if int(s) >= len(sourceNames) {
		return ""
	}
	return sourceNames[s]
}

// Outcome says what is known of a change that ended in an error.
type Outcome uint8

// The outcomes of a failed change.
const (
	// OutcomeNotDone: the change certainly did not happen. Only this may be retried by itself.
	OutcomeNotDone Outcome = iota
	// OutcomeUnknown: it may have happened. Look it up by its token; never repeat it blindly.
	OutcomeUnknown
)

// Field is one wrong place of the input.
type Field struct {
	Path    string // dotted, from the request's root: "spec.disks[0].size_gb"
	Message string // what is wrong and what would be right
}

// Error is a classified error. Treat it as immutable once returned.
type Error struct {
	Class      Class
	Source     Source
	Outcome    Outcome
	Message    string        // one line for the user, lower case, says what to do
	CloudCode  string        // the cloud's own code, verbatim
	RequestID  string        // the cloud's own request id, verbatim
	RetryAfter time.Duration // 0: not said
	Fields     []Field
	Cause      error // for operators only; never shown to users, never sent
}

// Error returns class, message and field paths, on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Class.String())
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s", f.Path, f.Message)
	}
	if e.CloudCode != "" {
		fmt.Fprintf(&b, " (cloud code %s)", e.CloudCode)
	}
	if e.Outcome == OutcomeUnknown {
		b.WriteString(" [outcome unknown]")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes a fault of class with a formatted message.
func New(class Class, format string, args ...any) *Error {
	return &Error{Class: class, Message: fmt.Sprintf(format, args...)}
}

// Invalid makes a fault for one wrong field.
func Invalid(path, format string, args ...any) *Error {
	msg := fmt.Sprintf(format, args...)
	return &Error{Class: ClassInvalid, Message: "the request is not valid", Fields: []Field{{Path: path, Message: msg}}}
}

// InvalidFields makes a fault for several wrong fields; nil when there are none.
func InvalidFields(fields []Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Class: ClassInvalid, Message: "the request is not valid", Fields: fields}
}

// Unauthenticated makes a fault for missing or wrong credentials.
func Unauthenticated(format string, args ...any) *Error {
	return New(ClassUnauthenticated, format, args...)
}

// Forbidden makes a fault for a caller that may not.
func Forbidden(format string, args ...any) *Error { return New(ClassForbidden, format, args...) }

// NotFound makes a fault for a missing thing: NotFound("order", id).
func NotFound(thing, id string) *Error { return New(ClassNotFound, "%s %q does not exist", thing, id) }

// Conflict makes a fault for a clash with what exists.
func Conflict(format string, args ...any) *Error { return New(ClassConflict, format, args...) }

// Precondition makes a fault for a thing in the wrong state.
func Precondition(format string, args ...any) *Error { return New(ClassPrecondition, format, args...) }

// Throttled makes a fault that asks the caller to come back after d.
func Throttled(d time.Duration, format string, args ...any) *Error {
	e := New(ClassThrottled, format, args...)
	e.RetryAfter = d
	return e
}

// Quota means that a limit of the account, or of an area, is reached; the text
// names the limit.
func Quota(format string, args ...any) *Error { return New(ClassQuota, format, args...) }

// OutOfStock means that the cloud has none left of what was asked for.
func OutOfStock(format string, args ...any) *Error { return New(ClassOutOfStock, format, args...) }

// InsufficientBalance means that an account at the cloud lacks the money.
func InsufficientBalance(format string, args ...any) *Error {
	return New(ClassInsufficientBalance, format, args...)
}

// Unavailable makes a fault for something that cannot be served now.
func Unavailable(format string, args ...any) *Error { return New(ClassUnavailable, format, args...) }

// Unsupported makes a fault for an ability that is declared as not offered.
func Unsupported(format string, args ...any) *Error { return New(ClassUnsupported, format, args...) }

// Internal wraps a defect; cause is for operators only.
func Internal(cause error, format string, args ...any) *Error {
	e := New(ClassInternal, format, args...)
	e.Cause = cause
	return e
}

// Unknown marks a change whose fate is not known (answer lost, time out after sending).
func Unknown(cause error, format string, args ...any) *Error {
	e := New(ClassUnavailable, format, args...)
	e.Outcome, e.Cause = OutcomeUnknown, cause
	return e
}

// With returns a copy with the cause set.
func (e *Error) With(cause error) *Error { c := *e; c.Cause = cause; return &c }

// From returns a copy with the source set.
func (e *Error) From(s Source) *Error { c := *e; c.Source = s; return &c }

// Cloud returns a copy that carries the cloud's own code and request id.
func (e *Error) Cloud(code, requestID string) *Error {
	c := *e
	c.Source, c.CloudCode, c.RequestID = SourceCloud, code, requestID
	return &c
}

// As returns the fault inside err. A context end becomes unavailable with the
// outcome unknown; any other error becomes internal. As(nil) is nil.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Unknown(err, "the call did not end in time")
	}
	return Internal(err, "internal error")
}

// ClassOf returns the class of err, ClassInternal when it is not a fault, 0 for nil.
func ClassOf(err error) Class {
	if err == nil {
		return 0
	}
	return As(err).Class
}

// Is reports whether err is a fault of class c.
func Is(err error, c Class) bool { return err != nil && ClassOf(err) == c }

// NotDone is err with the word that the change a caller asked for was not tried,
// only something before it. An error that is not a fault stays as it is.
func NotDone(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	out.Outcome = OutcomeNotDone
	return &out
}

// OutcomeOf says whether a failed change may have happened. An error that is
// not a fault counts as unknown: nobody vouched that nothing happened.
func OutcomeOf(err error) Outcome {
	var e *Error
	if errors.As(err, &e) {
		return e.Outcome
	}
	return OutcomeUnknown
}
