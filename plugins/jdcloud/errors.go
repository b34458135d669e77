package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// throttlePause is how long to wait when the cloud throttles; it does not say.
const throttlePause = time.Second

// The words of refusals that the plugin acts upon.
const (
	codePrecondition = "FAILED_PRECONDITION"
	codeExists       = "ALREADY_EXISTS"
)

// classes is the one place where the cloud's words get their class. A word that
// is missing here goes by its number. The number 429 has two meanings, so the
// word goes first.
func classes() map[string]fault.Class {
	return map[string]fault.Class{
		"INVALID_ARGUMENT": fault.ClassInvalid, "OUT_OF_RANGE": fault.ClassInvalid,
		codePrecondition: fault.ClassPrecondition, "ABORTED": fault.ClassPrecondition,
		"UNAUTHENTICATED": fault.ClassUnauthenticated, "ACCESS_ERROR": fault.ClassUnauthenticated,
		"HTTP_FORBIDDEN": fault.ClassForbidden,
		"NOT_FOUND":      fault.ClassNotFound,
		codeExists:       fault.ClassConflict,
		"QUOTA_EXCEEDED": fault.ClassQuota,
		"RATE_LIMIT":     fault.ClassThrottled,
		"CANCELLED":      fault.ClassUnavailable, "UNKNOWN": fault.ClassUnavailable, "INTERNAL": fault.ClassUnavailable,
		"NOT_IMPLEMENTED":    fault.ClassUnsupported,
		"SOURCE_UNAVAILABLE": fault.ClassUnavailable, "UNAVAILABLE": fault.ClassUnavailable,
	}
}

// numbers are the classes of numbers whose word is not known.
func numbers() map[int]fault.Class {
	return map[int]fault.Class{
		400: fault.ClassInvalid, 401: fault.ClassUnauthenticated, 403: fault.ClassForbidden, 404: fault.ClassNotFound,
		409: fault.ClassConflict, 429: fault.ClassThrottled, 499: fault.ClassUnavailable, 501: fault.ClassUnsupported,
	}
}

// shortages are the failed preconditions that are a matter of money or stock:
// the cloud has no words of their own for them, only sentences. All parts of
// one line must occur.
func shortages() []struct {
	parts []string
	class fault.Class
} {
	return []struct {
		parts []string
		class fault.Class
	}{
		{[]string{"balance", "not enough"}, fault.ClassInsufficientBalance},
		{[]string{"balance", "insufficient"}, fault.ClassInsufficientBalance},
		{[]string{"余额不足"}, fault.ClassInsufficientBalance},
		{[]string{"out of stock"}, fault.ClassOutOfStock},
		{[]string{"sold out"}, fault.ClassOutOfStock},
		{[]string{"售罄"}, fault.ClassOutOfStock},
		{[]string{"库存不足"}, fault.ClassOutOfStock},
	}
}

func classOf(code int, word, message string) fault.Class {
	class, known := classes()[word]
	if !known {
		class = numbers()[code]
	}
	if class == 0 && code >= 500 {
		class = fault.ClassUnavailable
	}
	if class == 0 {
		class = fault.ClassInternal
	}
	if class != fault.ClassPrecondition {
		return class
	}
	for _, s := range shortages() {
		if containsAll(strings.ToLower(message), s.parts) {
			return s.class
		}
	}
	return class
}

func containsAll(text string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

// doubtful tells whether a change may have happened although it was refused
// with this number.
func doubtful(code int) bool { return code != 501 && (code >= 499 || code == 408) }

// failure is what is known of a request that failed.
type failure struct {
	writes    bool
	sent      bool
	requestID string
	secrets   []secret.Value
}

// envelope is the frame of every answer. The SDK's own type cannot read a code
// that is a text, and takes an answer without an error for a success.
type envelope struct {
	RequestID string `json:"requestId"`
	Error     *struct {
		Code    json.RawMessage `json:"code"`
		Status  string          `json:"status"`
		Message string          `json:"message"`
	} `json:"error"`
	Result json.RawMessage `json:"result"`
}

// result is the result inside an answer, or why there is none.
func (f *failure) result(status int, body []byte) (json.RawMessage, error) {
	var e envelope
	readable := json.Unmarshal(body, &e) == nil
	f.requestID = e.RequestID
	if !readable && status < 400 {
		return nil, f.doubt("", "the cloud's answer cannot be read", nil)
	}
	if !readable {
		return nil, f.httpStatus(status)
	}
	if e.Error != nil {
		code, err := strconv.Atoi(strings.Trim(string(e.Error.Code), `"`))
		if err != nil || code == 0 {
			code = status
		}
		if code >= 400 || e.Error.Status != "" {
			return nil, f.refused(code, e.Error.Status, e.Error.Message)
		}
	}
	switch {
	case status >= 400:
		return nil, f.httpStatus(status)
	case e.RequestID == "":
		return nil, f.doubt("", "the cloud's answer cannot be read", nil)
	}
	return e.Result, nil
}

// refused makes the fault of an error. Word and message are the cloud's own.
func (f *failure) refused(code int, word, message string) error {
	class := classOf(code, word, message)
	if word == "" {
		word = strconv.Itoa(code)
	}
	e := fault.New(class, "%s", f.clean(message, "the cloud refused the request")).Cloud(word, f.requestID)
	if class == fault.ClassThrottled {
		e.RetryAfter = throttlePause
	}
	if f.writes && (doubtful(code) || class == fault.ClassInternal) {
		e.Outcome = fault.OutcomeUnknown
	}
	return e
}

// httpStatus makes the fault of an answer that is not the API's: something
// before it refused the request.
func (f *failure) httpStatus(status int) error {
	code := "HTTP " + strconv.Itoa(status)
	switch {
	case status == 429:
		return fault.Throttled(throttlePause, "the cloud throttles: ask less often").Cloud(code, f.requestID)
	case status == 401 || status == 403:
		return fault.Unauthenticated("the cloud's gateway refused the request: check endpoint and keys").Cloud(code, f.requestID)
	case status < 500 && status != 408:
		return fault.New(fault.ClassInternal, "the cloud's gateway refused the request: check the endpoint").Cloud(code, f.requestID)
	}
	return f.doubt(code, "the cloud cannot serve this now", nil)
}

// network makes the fault of a request without an answer. The cause loses the
// URL, which is nobody's business.
func (f *failure) network(cause error) error {
	var u *url.Error
	if errors.As(cause, &u) {
		cause = u.Err
	}
	switch {
	case errors.Is(cause, errRedirect):
		return fault.New(fault.ClassInternal, "the cloud sent the request elsewhere: check the endpoint").From(fault.SourceCloud)
	case !f.sent:
		return fault.Unavailable("the cloud cannot be reached: check the endpoint").From(fault.SourceCloud).With(cause)
	case errors.Is(cause, context.DeadlineExceeded), errors.Is(cause, context.Canceled):
		return f.doubt("", "the cloud did not answer in time", cause)
	}
	return f.doubt("", "the connection to the cloud broke", cause)
}

// doubt is unavailable, and for a change also unknown.
func (f *failure) doubt(code, message string, cause error) error {
	e := fault.Unavailable("%s", message).Cloud(code, f.requestID).With(cause)
	if f.writes {
		e.Outcome = fault.OutcomeUnknown
	}
	return e
}

// clean makes one line of the cloud's text, without the account's secrets.
func (f *failure) clean(text, otherwise string) string {
	for _, s := range f.secrets {
		if !s.IsZero() {
			text = strings.ReplaceAll(text, s.Reveal(), secret.Mask)
			text = strings.ReplaceAll(text, base64.StdEncoding.EncodeToString([]byte(s.Reveal())), secret.Mask)
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return otherwise
	}
	return "the cloud says: " + cut(text, 300)
}

// goneIsDone is err, or nil when it says that there is nothing to end.
func goneIsDone(err error) error {
	if fault.Is(err, fault.ClassNotFound) {
		return nil
	}
	return err
}

// hasCode reports whether err is a refusal with one of the cloud's words.
func hasCode(err error, words ...string) bool {
	var e *fault.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, w := range words {
		if e.CloudCode == w {
			return true
		}
	}
	return false
}

// busy reports whether err says that the cloud is still at work on the resource.
func busy(err error) bool {
	return hasCode(err, codePrecondition) && strings.Contains(strings.ToLower(fault.As(err).Message), "task")
}
