package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// throttlePause is how long to wait when the cloud throttles; it does not say.
const throttlePause = time.Second

// codeReplayed is the refusal of a request that was received before: of a
// change, it may be the very one that was sent.
const codeReplayed = "SignatureNonceUsed"

// classes is the one place where the words of the gateway get their class; the
// numbers of the product are the account's to say.
func classes() map[string]fault.Class {
	return map[string]fault.Class{
		"MissingParameter": fault.ClassInvalid, "InvalidParameter": fault.ClassInvalid, "UnsupportedHTTPMethod": fault.ClassInternal,
		"InvalidAction.NotFound": fault.ClassUnsupported, "InvalidApi.NotFound": fault.ClassUnsupported,
		"NoSuchVersion": fault.ClassInternal, "InvalidVersion": fault.ClassInternal,

		"InvalidAccessKeyId.NotFound": fault.ClassUnauthenticated, "InvalidAccessKeyId.Inactive": fault.ClassUnauthenticated,
		"InvalidSecurityToken.Mismatch": fault.ClassUnauthenticated, "InvalidSecurityToken.Expired": fault.ClassUnauthenticated,
		"SignatureDoesNotMatch": fault.ClassUnauthenticated, "IncompleteSignature": fault.ClassUnauthenticated,
		"InvalidTimeStamp.Format": fault.ClassUnauthenticated, "InvalidTimeStamp.Expired": fault.ClassUnauthenticated,
		codeReplayed: fault.ClassUnavailable,

		"Forbidden": fault.ClassForbidden, "Forbidden.RAM": fault.ClassForbidden,
		"Throttling": fault.ClassThrottled, "Throttling.User": fault.ClassThrottled, "Throttling.Api": fault.ClassThrottled,
		"ServiceUnavailable": fault.ClassUnavailable, "InternalError": fault.ClassUnavailable,
	}
}

// classOf is the class of a word of the gateway; known is false when it says
// nothing.
func classOf(code string) (class fault.Class, known bool) {
	if c, ok := classes()[code]; ok {
		return c, true
	}
	has := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(code, p) })
	}
	switch {
	case has("Throttling"):
		return fault.ClassThrottled, true
	case has("InvalidAccessKeyId", "InvalidSecurityToken", "Signature", "IncompleteSignature", "InvalidTimeStamp"):
		return fault.ClassUnauthenticated, true
	case has("Forbidden", "NoPermission"):
		return fault.ClassForbidden, true
	case strings.HasSuffix(code, "NotFound"):
		return fault.ClassNotFound, true
	case has("QuotaExceed") || strings.Contains(code, "Quota"):
		return fault.ClassQuota, true
	case has("Missing", "Invalid"):
		return fault.ClassInvalid, true
	}
	return fault.ClassInternal, false
}

// loose is a scalar that the cloud writes as text or as a number.
type loose json.RawMessage

// UnmarshalJSON keeps any value.
func (l *loose) UnmarshalJSON(b []byte) error { *l = append((*l)[:0], b...); return nil }

// text is the value without quotes; "" for null, objects and lists.
func (l loose) text() string {
	var s string
	switch err := json.Unmarshal(l, &s); {
	case err == nil:
		return s
	case len(l) == 0 || l[0] == '{' || l[0] == '[' || string(l) == "null":
		return ""
	}
	return string(l)
}

// number is the value as a whole number, 0 when it is none.
func (l loose) number() int64 {
	n, err := strconv.ParseInt(l.text(), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// yes is the value as a truth.
func (l loose) yes() bool { return strings.EqualFold(l.text(), "true") }

// envelope is what stands around all answers. Keys are read in any case, since
// the manual's samples are in another one than the SDK, which takes an answer
// that it cannot read for a success.
type envelope struct {
	Code         loose `json:"Code"`
	RequestID    loose `json:"RequestId"`
	Success      loose `json:"Success"`
	ErrMsg       loose `json:"ErrMsg"`
	ErrorMsg     loose `json:"ErrorMsg"`
	ErrMessage   loose `json:"ErrMessage"`
	ErrorMessage loose `json:"ErrorMessage"`
	Message      loose `json:"Message"`
}

func (e envelope) message() string {
	return firstText(e.ErrMsg.text(), e.ErrorMsg.text(), e.ErrMessage.text(), e.ErrorMessage.text(), e.Message.text())
}

// failure is what is known of a request that failed.
type failure struct {
	writes  bool
	sent    bool
	secrets []secret.Value
	codes   map[string]fault.Class // of the product's numbers
	rule    quirk
	bare    bool // a success has no code
}

// judge tells success from failure: only the status 200 with the code 0 and an
// id of the request is one.
func (f failure) judge(status int, body []byte) (envelope, error) {
	var e envelope
	err := json.Unmarshal(body, &e)
	code := e.Code.text()
	whole := e.RequestID.text() != ""
	switch {
	case err == nil && status == http.StatusOK && whole && f.done(code) && !strings.EqualFold(e.Success.text(), "false"):
		return e, nil
	case err != nil || code == "" || status == http.StatusOK && !whole || f.done(code):
		return e, f.httpStatus(status, e.RequestID.text(), err)
	}
	return e, f.refused(status, e)
}

func (f failure) done(code string) bool {
	return code == "0" || f.bare && code == "" || slices.Contains(f.rule.alsoDone, code)
}

// refused makes the fault of a code: the gateway's are words, the product's are
// numbers, in the same field.
func (f failure) refused(status int, e envelope) error {
	code := e.Code.text()
	class, known := classOf(code)
	if _, err := strconv.ParseInt(code, 10, 64); err == nil {
		if class, known = f.codes[code]; !known {
			class = fault.ClassPrecondition
		}
	}
	switch {
	case known:
	case status >= 500:
		class = fault.ClassUnavailable
	case status == http.StatusTooManyRequests:
		class, known = fault.ClassThrottled, true
	case status == http.StatusUnauthorized:
		class, known = fault.ClassUnauthenticated, true
	}
	out := fault.New(class, "%s", f.clean(e.message(), "the cloud refused the request")).Cloud(code, e.RequestID.text())
	if class == fault.ClassThrottled {
		out.RetryAfter = throttlePause
	}
	if f.writes && (!known || class == fault.ClassUnavailable) {
		out.Outcome = fault.OutcomeUnknown
	}
	return out
}

// httpStatus makes the fault of an answer that is not the cloud's JSON.
func (f failure) httpStatus(status int, requestID string, cause error) error {
	code := strconv.Itoa(status)
	switch {
	case status == http.StatusTooManyRequests:
		return fault.Throttled(throttlePause, "the cloud throttles: ask less often").Cloud(code, requestID)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fault.Unauthenticated("the cloud's gateway refused the request: check endpoint and keys").Cloud(code, requestID)
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		return fault.New(fault.ClassInternal, "the cloud's gateway refused the request: check the endpoint").Cloud(code, requestID)
	case status == http.StatusOK:
		return f.doubt("", requestID, "the cloud's answer cannot be read", cause)
	}
	return f.doubt(code, requestID, "the cloud cannot serve this now", nil)
}

// network makes the fault of a request without an answer. The cause never
// holds the URL, which is signed.
func (f failure) network(cause error) error {
	var u *url.Error
	if errors.As(cause, &u) {
		cause = u.Err
	}
	switch {
	case errors.Is(cause, errRedirect):
		return f.doubt("", "", "the cloud sent the request elsewhere: check the endpoint", nil)
	case errors.Is(cause, errTooLong):
		return f.doubt("", "", "the cloud's answer is too long", nil)
	case !f.sent:
		return fault.Unavailable("the cloud cannot be reached: check the endpoint").From(fault.SourceCloud).With(cause)
	case errors.Is(cause, context.DeadlineExceeded), errors.Is(cause, context.Canceled):
		return f.doubt("", "", "the cloud did not answer in time", cause)
	}
	return f.doubt("", "", "the connection to the cloud broke", cause)
}

// doubt is unavailable, and for a change also unknown.
func (f failure) doubt(code, requestID, message string, cause error) error {
	e := fault.Unavailable("%s", message).Cloud(code, requestID).With(cause)
	if f.writes {
		e.Outcome = fault.OutcomeUnknown
	}
	return e
}

// clean makes one line of the cloud's text, without the account's secrets and
// without what a signature was made of.
func (f failure) clean(text, otherwise string) string {
	text, _, _ = strings.Cut(text, "server string to sign is:")
	for _, s := range f.secrets {
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
	return "the cloud says: " + text
}

// goneIsDone makes a success of a delete that finds nothing.
func goneIsDone(err error) error {
	if fault.Is(err, fault.ClassNotFound) {
		return nil
	}
	return err
}

func firstText(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
