package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/baidubce/bce-sdk-go/bce"

	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// throttlePause is how long to wait when the cloud throttles; it does not say.
const throttlePause = time.Second

// codeTokenUsed says that a client token came with another request before.
const codeTokenUsed = "IdempotentParameterMismatch"

// codeExpired says that a request was signed at another time than the cloud's.
const codeExpired = "RequestExpired"

// classes is the one place where the cloud's documented codes get their class.
// What its documents leave out is told by the account's config (error_codes),
// by a word in the code, or by the status, in this order.
func classes() map[string]fault.Class {
	return map[string]fault.Class{
		"AccessDenied": fault.ClassForbidden, "OptInRequired": fault.ClassForbidden, "QualifyNotPass": fault.ClassForbidden,
		"Forbidden":          fault.ClassForbidden,
		"InvalidAccessKeyId": fault.ClassUnauthenticated, "SignatureDoesNotMatch": fault.ClassUnauthenticated,
		"InvalidHTTPAuthHeader": fault.ClassInvalid, "InvalidHTTPRequest": fault.ClassInvalid, "InvalidURI": fault.ClassInvalid,
		"MalformedJSON": fault.ClassInvalid, "InappropriateJSON": fault.ClassInvalid, "InvalidRequest": fault.ClassInvalid,
		"InvalidVersion":     fault.ClassInvalid,
		codeExpired:          fault.ClassUnavailable,
		"PreconditionFailed": fault.ClassPrecondition,
		"NoSuchObject":       fault.ClassNotFound, "NoSuchKey": fault.ClassNotFound, "NotFound": fault.ClassNotFound,
		codeTokenUsed:   fault.ClassConflict,
		"InternalError": fault.ClassUnavailable,
	}
}

// words are parts of codes that say the class of what the documents leave out.
func words() []struct {
	word  string
	class fault.Class
} {
	return []struct {
		word  string
		class fault.Class
	}{
		{"stock", fault.ClassOutOfStock}, {"soldout", fault.ClassOutOfStock}, {"shortage", fault.ClassOutOfStock},
		{"balance", fault.ClassInsufficientBalance}, {"arrear", fault.ClassInsufficientBalance}, {"overdue", fault.ClassInsufficientBalance},
		{"throttl", fault.ClassThrottled}, {"toomanyrequests", fault.ClassThrottled}, {"quota", fault.ClassQuota},
	}
}

// classOf classifies a refusal.
func (c *cloud) classOf(code string, status int) fault.Class {
	if class, ok := c.codes[code]; ok {
		return class
	}
	if class, ok := classes()[code]; ok {
		return class
	}
	if status == http.StatusTooManyRequests {
		return fault.ClassThrottled
	}
	low := strings.ToLower(strings.ReplaceAll(code, "_", ""))
	for _, w := range words() {
		if strings.Contains(low, w.word) {
			return w.class
		}
	}
	return cloudhttp.FromStatus(status, false).Class
}

// failure is what is known of a request that failed.
type failure struct {
	cloud  *cloud
	writes bool
	trip   *trip
}

// of classifies an error of the SDK. Its own texts are not looked at: those of
// the network hold addresses, and those of refusals may be made up.
func (f failure) of(err error) error {
	var service *bce.BceServiceError
	switch {
	case f.trip.err != nil:
		return f.network(f.trip.err)
	case f.trip.status >= 400 && f.trip.code != "":
		return f.refused(f.trip.code, f.trip.message)
	case f.trip.status >= 400:
		return f.httpStatus(f.trip.status)
	case f.trip.status > 0 && !errors.As(err, &service):
		return f.doubt("", "the cloud's answer cannot be read", nil)
	}
	return fault.Internal(nil, "the vendor's SDK cannot write the request")
}

// refused makes the fault of a refusal. Message and code are the cloud's own.
func (f failure) refused(code, message string) error {
	class := f.cloud.classOf(code, f.trip.status)
	e := fault.New(class, "%s", f.clean(message, "the cloud refused the request")).Cloud(f.clean(code, ""), f.trip.requestID)
	e.Message = "the cloud says: " + e.Message
	if code == codeExpired {
		e.Message += ": check the clock of this machine"
	}
	if class == fault.ClassThrottled {
		e.RetryAfter = throttlePause
	}
	if f.writes && (doubtful(f.trip.status) || code == codeTokenUsed) {
		e.Outcome = fault.OutcomeUnknown
	}
	return e
}

// doubtful are the statuses after which a change may still have happened. After
// a client token that was used before, something has.
func doubtful(status int) bool { return status >= 500 || status == http.StatusRequestTimeout }

// httpStatus is for answers without a word of the API, so of something before
// it. That nothing is there does not say that the resource is gone.
func (f failure) httpStatus(status int) error {
	code := "HTTP " + strconv.Itoa(status)
	switch {
	case status == http.StatusTooManyRequests:
		return fault.Throttled(throttlePause, "the cloud throttles: ask less often").Cloud(code, f.trip.requestID)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fault.Forbidden("the cloud's gateway refused the request: check endpoint, domain and keys").Cloud(code, f.trip.requestID)
	case !doubtful(status):
		return fault.New(fault.ClassInternal, "the cloud's gateway refused the request: check endpoint and domain").Cloud(code, f.trip.requestID)
	}
	return f.doubt(code, "the cloud cannot serve this now", nil)
}

func (f failure) network(cause error) error {
	switch {
	case errors.Is(cause, errRedirect):
		return fault.New(fault.ClassInternal, "the cloud sent the request elsewhere: check endpoint and domain").From(fault.SourceCloud)
	case errors.Is(cause, errUnreadable), errors.Is(cause, errTooLarge):
		return f.doubt("", "the cloud's answer cannot be read", cause)
	case !f.trip.sent.Load():
		return fault.Unavailable("the cloud cannot be reached: check endpoint and domain").From(fault.SourceCloud).With(cause)
	case errors.Is(cause, context.DeadlineExceeded), errors.Is(cause, context.Canceled):
		return f.doubt("", "the cloud did not answer in time", cause)
	}
	return f.doubt("", "the connection to the cloud broke", cause)
}

// doubt is unavailable, and for a change also unknown.
func (f failure) doubt(code, message string, cause error) error {
	e := fault.Unavailable("%s", message).Cloud(code, f.trip.requestID).With(cause)
	if f.writes {
		e.Outcome = fault.OutcomeUnknown
	}
	return e
}

// clean makes one line of the cloud's text, without the account's secrets.
func (f failure) clean(text, otherwise string) string {
	for _, s := range f.cloud.secrets {
		if !s.IsZero() {
			text = strings.ReplaceAll(text, s.Reveal(), secret.Mask)
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return otherwise
	}
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300])
	}
	return text
}

// wrongState reports whether the cloud refused because of a resource's state.
func wrongState(err error) bool {
	return fault.Is(err, fault.ClassPrecondition) && fault.As(err).Source == fault.SourceCloud
}

// goneIsDone makes a success of a delete that finds nothing.
func goneIsDone(err error) error {
	if fault.Is(err, fault.ClassNotFound) {
		return nil
	}
	return err
}
