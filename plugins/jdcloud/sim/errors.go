package sim

import (
	"fmt"
	"net/http"
)

// The error words of the API.
const (
	statusInvalid      = "INVALID_ARGUMENT"
	statusPrecondition = "FAILED_PRECONDITION"
	statusRange        = "OUT_OF_RANGE"
	statusUnauth       = "UNAUTHENTICATED"
	statusAccess       = "ACCESS_ERROR"
	statusForbidden    = "HTTP_FORBIDDEN"
	statusNotFound     = "NOT_FOUND"
	statusAborted      = "ABORTED"
	statusExists       = "ALREADY_EXISTS"
	statusQuota        = "QUOTA_EXCEEDED"
	statusRate         = "RATE_LIMIT"
	statusUnknown      = "UNKNOWN"
	statusInternal     = "INTERNAL"
	statusNotImpl      = "NOT_IMPLEMENTED"
	statusSource       = "SOURCE_UNAVAILABLE"
	statusUnavailable  = "UNAVAILABLE"
)

// apiError is a refusal: the code is the HTTP status too.
type apiError struct {
	code   int
	status string
	text   string
	detail []string
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.code, e.status, e.text) }

func refuse(code int, status, format string, args ...any) *apiError {
	return &apiError{code: code, status: status, text: fmt.Sprintf(format, args...)}
}

func invalid(name, why string) *apiError {
	e := refuse(http.StatusBadRequest, statusInvalid, "parameter %s is invalid: %s", name, why)
	e.detail = []string{name}
	return e
}

func missing(name string) *apiError { return invalid(name, "it is required") }

func outOfRange(name string, lo, hi int) *apiError {
	e := refuse(http.StatusBadRequest, statusRange, "parameter %s must be between %d and %d", name, lo, hi)
	e.detail = []string{name}
	return e
}

func precondition(format string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, statusPrecondition, format, args...)
}

func notFound(kind, id string) *apiError {
	return refuse(http.StatusNotFound, statusNotFound, "%s '%s' not found", kind, short(id))
}

func exists(kind, id string) *apiError {
	return refuse(http.StatusConflict, statusExists, "%s '%s' already exists", kind, short(id))
}

func quota(kind string) *apiError {
	return refuse(http.StatusTooManyRequests, statusQuota, "quota of %s exceeded", kind)
}

func unauthenticated(text string) *apiError {
	return refuse(http.StatusUnauthorized, statusUnauth, "%s", text)
}

func busy(kind, id string) *apiError {
	return precondition("%s '%s' has a task in progress: Conflict with underlay task", kind, id)
}

func noBalance() *apiError { return precondition("balance is not enough to pay the order") }

func soldOut() *apiError { return precondition("the instance type is out of stock in this az") }

// statusOf is the usual word of a code.
func statusOf(code int) string {
	words := map[int]string{
		400: statusInvalid, 401: statusUnauth, 403: statusForbidden, 404: statusNotFound, 409: statusAborted,
		429: statusRate, 499: "CANCELLED", 500: statusInternal, 501: statusNotImpl, 502: statusSource, 503: statusUnavailable,
	}
	if w, ok := words[code]; ok {
		return w
	}
	return statusUnknown
}

// short cuts client text for messages and the call log.
func short(s string) string {
	if len(s) > 128 {
		return s[:128]
	}
	return s
}
