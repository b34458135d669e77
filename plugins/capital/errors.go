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

// The codes that the plugin acts upon.
const (
	codeWrongStatus = "InvalidOperation.InstanceStatusUnsupported"
	codeNoEvent     = "InvalidEvent.NotFound"
	codeInUse       = "Resource.InUse"
)

// classes is the one place where the cloud's codes get their class. Of the
// services vpc and sg no codes are documented: theirs are read by their words,
// see [classOf]. Unknown users and accounts are forbidden, not not_found: that
// would read as if the resource were gone.
func classes() map[string]fault.Class {
	return map[string]fault.Class{
		"ParamParseError": fault.ClassInvalid, "InvalidParameter": fault.ClassInvalid, "MissingParameter": fault.ClassInvalid,
		"InvalidParameter.IsNull": fault.ClassInvalid, "UnSupportedMixingLocalAndEbs": fault.ClassInvalid,
		"InvalidInstanceSpec.ValueNotSupported": fault.ClassInvalid, "InvalidInstanceType.ValueNotSupported": fault.ClassInvalid,
		"InvalidDiskSize.ValueNotSupported": fault.ClassInvalid, "MaxDiskSizeExceed": fault.ClassInvalid, "MinDiskSizeLess": fault.ClassInvalid,
		"UnsupportedHTTPMethod": fault.ClassInternal, "UnsupportedAction": fault.ClassUnsupported,
		"InvalidEvent.InvalidUrl.NotFound": fault.ClassInternal,

		"MaxEcsCountExceed": fault.ClassQuota, "Quota.Exceeded": fault.ClassQuota,
		"Resource.SoldOut": fault.ClassOutOfStock, "Balance.Insufficient": fault.ClassInsufficientBalance,
		"Throttling": fault.ClassThrottled,

		"InvalidOperation": fault.ClassPrecondition, "InvalidOperation.VpcMismatch": fault.ClassPrecondition,
		"InvalidOperation.AzMismatch": fault.ClassPrecondition, codeWrongStatus: fault.ClassPrecondition, codeInUse: fault.ClassPrecondition,
		"Cidr.Conflict": fault.ClassConflict,

		"InvalidUser.NotFound": fault.ClassForbidden, "InvalidAccount.NotFound": fault.ClassForbidden,
		"InvalidRegion.NotFound": fault.ClassInvalid, "InvalidAvailableZone.NotFound": fault.ClassInvalid,
		"InvalidResourceId.NotFound": fault.ClassNotFound, "InvalidVpc.NotFound": fault.ClassNotFound,
		"InvalidImage.NotFound": fault.ClassNotFound, codeNoEvent: fault.ClassNotFound, "Resource.NotFound": fault.ClassNotFound,
		"50002": fault.ClassNotFound,

		"SignatureDoesNotMatch": fault.ClassUnauthenticated, "InvalidAccessKeyId": fault.ClassUnauthenticated,
		"InvalidTimestamp.Expired": fault.ClassUnauthenticated, "SignatureNonceUsed": fault.ClassUnauthenticated,

		"10003": fault.ClassInvalid, "10006": fault.ClassInvalid, "13503": fault.ClassUnavailable, "13507": fault.ClassUnavailable,
		"InternalError": fault.ClassUnavailable,
	}
}

// classOf is the class of a code; known is false when the code says nothing.
func classOf(code string) (class fault.Class, known bool) {
	if c, ok := classes()[code]; ok {
		return c, true
	}
	word := strings.ToLower(code)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(word, p) })
	}
	switch {
	case has("signature", "accesskey", "timestamp"):
		return fault.ClassUnauthenticated, true
	case has("throttl", "toomanyrequest"):
		return fault.ClassThrottled, true
	case has("notfound", "not_found"):
		return fault.ClassNotFound, true
	case has("balance", "arrear"):
		return fault.ClassInsufficientBalance, true
	case has("soldout", "sellout", "stock"):
		return fault.ClassOutOfStock, true
	case has("quota", "exceed"):
		return fault.ClassQuota, true
	case has("invalidoperation", "inuse", "statusunsupported"):
		return fault.ClassPrecondition, true
	case has("conflict", "duplicate"):
		return fault.ClassConflict, true
	case has("denied", "forbidden", "unauthorized"):
		return fault.ClassForbidden, true
	case has("invalid", "missing", "param"):
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
func (l loose) number() int {
	n, err := strconv.Atoi(l.text())
	if err != nil {
		return 0
	}
	return n
}

// envelope is what stands around the data of all answers. Its keys are read in
// any case, since actions differ in that.
type envelope struct {
	Code      loose           `json:"Code"`
	CodeMsg   loose           `json:"CodeMsg"`
	Msg       loose           `json:"Msg"`
	Message   loose           `json:"Message"`
	Desc      loose           `json:"Desc"`
	Data      json.RawMessage `json:"Data"`
	TaskID    loose           `json:"TaskId"`
	RequestID loose           `json:"RequestId"`
}

func (e envelope) message() string {
	return firstText(e.Msg.text(), e.Message.text(), e.CodeMsg.text(), e.Desc.text())
}

// done tells whether the code is one of success, which the cloud writes in
// several ways.
func (e envelope) done() bool {
	code := e.Code.text()
	return strings.EqualFold(code, "success") || strings.EqualFold(code, "ok")
}

// failure is what is known of a request that failed.
type failure struct {
	writes  bool
	sent    bool
	secrets []secret.Value
}

// judge tells success from failure: only the status 200 with a code of success
// is one.
func (f failure) judge(status int, body []byte) (envelope, error) {
	var e envelope
	err := json.Unmarshal(body, &e)
	code := e.Code.text()
	switch {
	case err == nil && status == http.StatusOK && e.done():
		return e, nil
	case err != nil || code == "" || e.done():
		return e, f.httpStatus(status, err)
	}
	return e, f.refused(status, e)
}

// refused makes the fault of a code. Message and code are the cloud's own.
func (f failure) refused(status int, e envelope) error {
	code := e.Code.text()
	class, known := classOf(code)
	switch {
	case status == http.StatusTooManyRequests:
		class, known = fault.ClassThrottled, true
	case !known && status >= 500:
		class = fault.ClassUnavailable
	case !known && status == http.StatusUnauthorized:
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
func (f failure) httpStatus(status int, cause error) error {
	code := strconv.Itoa(status)
	switch {
	case status == http.StatusTooManyRequests:
		return fault.Throttled(throttlePause, "the cloud throttles: ask less often").Cloud(code, "")
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fault.Unauthenticated("the cloud's gateway refused the request: check endpoint and keys").Cloud(code, "")
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		return fault.New(fault.ClassInternal, "the cloud's gateway refused the request: check the endpoint").Cloud(code, "")
	case status == http.StatusOK:
		return f.doubt("", "", "the cloud's answer cannot be read", cause)
	}
	return f.doubt(code, "", "the cloud cannot serve this now", nil)
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

// clean makes one line of the cloud's text, without the account's secrets.
func (f failure) clean(text, otherwise string) string {
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

// hasCode reports whether err is a refusal with one of the cloud's codes.
func hasCode(err error, codes ...string) bool {
	var e *fault.Error
	return errors.As(err, &e) && slices.Contains(codes, e.CloudCode)
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
