package main

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	uerr "github.com/ucloud/ucloud-sdk-go/ucloud/error"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// throttlePause is how long to wait when the cloud throttles; it does not say.
const throttlePause = time.Second

// classes is the one place where the cloud's codes get their class. Codes that
// are missing here are invalid from 200 to 299 and internal otherwise. An
// unknown project is forbidden, not not_found: that would read as if the
// resource were gone.
func classes() map[int]fault.Class {
	return map[int]fault.Class{
		110: fault.ClassUnavailable, 130: fault.ClassUnavailable, 150: fault.ClassUnavailable,
		153: fault.ClassThrottled,
		160: fault.ClassInvalid, 161: fault.ClassUnsupported,
		170: fault.ClassUnauthenticated, 171: fault.ClassUnauthenticated, 172: fault.ClassUnauthenticated,
		174: fault.ClassUnauthenticated, 294: fault.ClassUnauthenticated, 295: fault.ClassUnauthenticated,
		292: fault.ClassForbidden, 293: fault.ClassForbidden, 299: fault.ClassForbidden,
		220: fault.ClassInvalid, 230: fault.ClassInvalid, 214001: fault.ClassInvalid,

		4002: fault.ClassInvalid, 4011: fault.ClassInvalid, 4227: fault.ClassInvalid, 4228: fault.ClassInvalid,
		4008: fault.ClassForbidden,
		4018: fault.ClassInsufficientBalance, 4057: fault.ClassInsufficientBalance,
		4060: fault.ClassInsufficientBalance, 4067: fault.ClassInsufficientBalance,
		4019: fault.ClassPrecondition, 4219: fault.ClassPrecondition, 4154: fault.ClassPrecondition,
		4211: fault.ClassPrecondition, 4212: fault.ClassPrecondition,
		4200: fault.ClassUnavailable, 4206: fault.ClassUnavailable, 4202: fault.ClassUnavailable,
		4203: fault.ClassUnavailable, 4205: fault.ClassUnavailable, 4209: fault.ClassUnavailable,
		4207: fault.ClassQuota, 4210: fault.ClassNotFound,
		4351: fault.ClassUnavailable, 4352: fault.ClassUnavailable, 4353: fault.ClassUnavailable,
		4354: fault.ClassUnavailable, 4356: fault.ClassUnavailable,
		4358: fault.ClassPrecondition, 4359: fault.ClassInvalid, 4360: fault.ClassQuota,
		4361: fault.ClassPrecondition, 4364: fault.ClassConflict, 4411: fault.ClassPrecondition,
		4600: fault.ClassNotFound, 54002: fault.ClassNotFound, 58103: fault.ClassNotFound,

		8010: fault.ClassPrecondition, 8034: fault.ClassPrecondition, 8035: fault.ClassPrecondition,
		8039: fault.ClassNotFound,
		8044: fault.ClassInvalid, 8045: fault.ClassInvalid, 8046: fault.ClassInvalid,
		8064: fault.ClassInvalid, 8065: fault.ClassInvalid, 8066: fault.ClassInvalid,
		8126: fault.ClassInvalid, 8315: fault.ClassInvalid,
		8095: fault.ClassQuota,
		8104: fault.ClassInsufficientBalance, 8117: fault.ClassInsufficientBalance,
		8116: fault.ClassForbidden, 8226: fault.ClassForbidden, 8300: fault.ClassForbidden,
		8320: fault.ClassOutOfStock, 8833: fault.ClassOutOfStock, 8847: fault.ClassOutOfStock,
		8854: fault.ClassUnavailable, 8855: fault.ClassUnavailable,
		8856: fault.ClassPrecondition, 8905: fault.ClassPrecondition,
		8887: fault.ClassUnavailable, 8888: fault.ClassUnavailable,
		8897: fault.ClassUnavailable, 8898: fault.ClassUnavailable,
	}
}

// doubtful are the codes after which a change may still have happened: the
// gateway or the product gave up waiting for itself.
func doubtful(code int) bool {
	switch code {
	case 110, 130, 150, 8854, 8855, 8897, 8898:
		return true
	}
	return false
}

func classOf(code int) fault.Class {
	if c, ok := classes()[code]; ok {
		return c
	}
	if code >= 200 && code < 300 {
		return fault.ClassInvalid
	}
	return fault.ClassInternal
}

// failure is what is known of a request that failed.
type failure struct {
	writes    bool
	sent      bool
	status    int
	requestID string
	secrets   []secret.Value
}

// of classifies an error of the SDK.
func (f failure) of(err error) error {
	var e uerr.Error
	if !errors.As(err, &e) {
		return f.doubt("", "the vendor's SDK failed", nil)
	}
	switch e.Name() {
	case uerr.ErrRetCode:
		return f.refused(e.Code(), e.Message())
	case uerr.ErrHTTPStatus:
		return f.httpStatus(e.StatusCode())
	case uerr.ErrResponseBodyError, uerr.ErrEmptyResponseBodyError:
		return f.doubt("", "the cloud's answer cannot be read", nil)
	case uerr.ErrInvalidRequest:
		return fault.Internal(nil, "the vendor's SDK cannot write the request")
	case uerr.ErrCredentialExpired, uerr.ErrNullCredential, uerr.ErrNullConfig:
		return fault.Unauthenticated("the credentials are not usable: check the keys")
	}
	return f.network(e.OriginError())
}

// refused makes the fault of a RetCode. Message and code are the cloud's own.
func (f failure) refused(code int, message string) error {
	class := classOf(code)
	e := fault.New(class, "%s", f.clean(message, "the cloud refused the request")).Cloud(strconv.Itoa(code), f.requestID)
	if class == fault.ClassThrottled {
		e.RetryAfter = throttlePause
	}
	if f.writes && (doubtful(code) || class == fault.ClassInternal) {
		e.Outcome = fault.OutcomeUnknown
	}
	return e
}

func (f failure) httpStatus(status int) error {
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

func (f failure) network(cause error) error {
	switch {
	case errors.Is(cause, errRedirect):
		return fault.New(fault.ClassInternal, "the cloud sent the request elsewhere: check the endpoint").From(fault.SourceCloud)
	case !f.sent:
		e := fault.Unavailable("the cloud cannot be reached: check the endpoint").From(fault.SourceCloud)
		return e.With(cause)
	case errors.Is(cause, context.DeadlineExceeded), errors.Is(cause, context.Canceled):
		return f.doubt("", "the cloud did not answer in time", cause)
	}
	return f.doubt("", "the connection to the cloud broke", cause)
}

// doubt is unavailable, and for a change also unknown.
func (f failure) doubt(code, message string, cause error) error {
	e := fault.Unavailable("%s", message).Cloud(code, f.requestID).With(cause)
	if f.writes {
		e.Outcome = fault.OutcomeUnknown
	}
	return e
}

// clean makes one line of the cloud's text, without the account's secrets.
func (f failure) clean(text, otherwise string) string {
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
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300])
	}
	return "the cloud says: " + text
}

// Codes that the plugin acts upon.
const (
	codeNoProject  = 292
	codeNameTaken  = 4364
	codeNotStopped = 8010
	codeStopFirst  = 8856
	codeWrongState = 8905
)

// hasCode reports whether err is a refusal with one of the cloud's codes.
func hasCode(err error, codes ...int) bool {
	var e *fault.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.CloudCode == strconv.Itoa(c) {
			return true
		}
	}
	return false
}
