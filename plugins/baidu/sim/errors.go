package sim

import (
	"fmt"
	"net/http"
)

// apiError is a refusal the API reports: an HTTP status, a code and a message.
type apiError struct {
	status int
	code   string
	text   string
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.code, e.text) }

func refuse(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, code: code, text: fmt.Sprintf(format, args...)}
}

// The common codes of the vendor. Where its documents leave a code open, the
// choice is listed in README.md.
const (
	codeAccessDenied   = "AccessDenied"
	codeInappropriate  = "InappropriateJSON"
	codeInternal       = "InternalError"
	codeInvalidKey     = "InvalidAccessKeyId"
	codeInvalidHeader  = "InvalidHTTPAuthHeader"
	codeInvalidRequest = "InvalidHTTPRequest"
	codeInvalidURI     = "InvalidURI"
	codeMalformed      = "MalformedJSON"
	codeNoSuchObject   = "NoSuchObject"
	codePrecondition   = "PreconditionFailed"
	codeExpired        = "RequestExpired"
	codeMismatch       = "SignatureDoesNotMatch"
	codeTokenMismatch  = "IdempotentParameterMismatch"

	codeThrottled = "RequestLimitExceeded" // chosen
	codeSoldOut   = "InsufficientStock"    // chosen
	codeBalance   = "InsufficientBalance"  // chosen
	codeQuota     = "QuotaExceeded"        // chosen
)

func accessDenied(format string, args ...any) *apiError {
	return refuse(http.StatusForbidden, codeAccessDenied, format, args...)
}

// badBody is a body of sound JSON that does not fit the call.
func badBody(format string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, codeInappropriate, format, args...)
}

// badParam is a parameter of the query or the path that does not fit the call.
func badParam(name string) *apiError {
	return refuse(http.StatusBadRequest, codeInvalidRequest, "The specified parameter %s is invalid", name)
}

func noSuch(kind, id string) *apiError {
	return refuse(http.StatusNotFound, codeNoSuchObject, "The specified %s %s does not exist", kind, id)
}

// wrongState is a call that the state of the resource forbids.
func wrongState(format string, args ...any) *apiError {
	return refuse(http.StatusPreconditionFailed, codePrecondition, format, args...)
}

func soldOut() *apiError {
	return refuse(http.StatusConflict, codeSoldOut, "The requested specification is sold out")
}

func lowBalance() *apiError {
	return refuse(http.StatusForbidden, codeBalance, "The account balance is insufficient")
}

func overQuota(what string) *apiError {
	return refuse(http.StatusForbidden, codeQuota, "The quota of %s is exceeded", what)
}

func throttled() *apiError {
	return refuse(http.StatusTooManyRequests, codeThrottled, "Too many requests")
}

func internalError() *apiError {
	return refuse(http.StatusInternalServerError, codeInternal, "We encountered an internal error. Please try again.")
}
