package cloudhttp

import (
	"net/http"
	"strconv"
	"time"

	"tradewind.example/sdk/fault"
)

// statusClasses maps HTTP statuses that have a meaning of their own.
var statusClasses = map[int]fault.Class{
	http.StatusBadRequest:            fault.ClassInvalid,
	http.StatusUnauthorized:          fault.ClassUnauthenticated,
	http.StatusPaymentRequired:       fault.ClassInsufficientBalance,
	http.StatusForbidden:             fault.ClassForbidden,
	http.StatusNotFound:              fault.ClassNotFound,
	http.StatusMethodNotAllowed:      fault.ClassUnsupported,
	http.StatusRequestTimeout:        fault.ClassUnavailable,
	http.StatusConflict:              fault.ClassConflict,
	http.StatusGone:                  fault.ClassNotFound,
	http.StatusPreconditionFailed:    fault.ClassPrecondition,
	http.StatusRequestEntityTooLarge: fault.ClassInvalid,
	http.StatusUnprocessableEntity:   fault.ClassInvalid,
	http.StatusLocked:                fault.ClassPrecondition,
	http.StatusTooManyRequests:       fault.ClassThrottled,
	http.StatusNotImplemented:        fault.ClassUnsupported,
}

// FromStatus makes the fault of an HTTP status of 300 or more. Only a status
// from 400 to 499 other than 408 says that a change was not made; after any
// other, its outcome is unknown.
func FromStatus(status int, change bool) *fault.Error {
	class, ok := statusClasses[status]
	switch {
	case ok:
	case status >= 500:
		class = fault.ClassUnavailable
	case status >= 400:
		class = fault.ClassInvalid
	default:
		class = fault.ClassInternal // a redirect: the address is wrong
	}
	e := fault.New(class, "the cloud answered with HTTP status %d", status).Cloud(strconv.Itoa(status), "")
	if change && (status < 400 || status >= 500 || status == http.StatusRequestTimeout) {
		e.Outcome = fault.OutcomeUnknown
	}
	return e
}

// RetryAfter reads the header of that name, in seconds or as a date; 0 when it
// is absent, past or not understood.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.ParseInt(v, 10, 32); err == nil {
		return max(0, time.Duration(s)*time.Second)
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
