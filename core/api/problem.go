package api

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// statusOf is the one table from fault class to HTTP status.
var statusOf = map[fault.Class]int{
	fault.ClassInvalid:             http.StatusUnprocessableEntity,
	fault.ClassUnauthenticated:     http.StatusUnauthorized,
	fault.ClassForbidden:           http.StatusForbidden,
	fault.ClassNotFound:            http.StatusNotFound,
	fault.ClassConflict:            http.StatusConflict,
	fault.ClassPrecondition:        http.StatusPreconditionFailed,
	fault.ClassThrottled:           http.StatusTooManyRequests,
	fault.ClassQuota:               http.StatusConflict,
	fault.ClassOutOfStock:          http.StatusConflict,
	fault.ClassInsufficientBalance: http.StatusPaymentRequired,
	fault.ClassUnavailable:         http.StatusServiceUnavailable,
	fault.ClassUnsupported:         http.StatusNotImplemented,
	fault.ClassInternal:            http.StatusInternalServerError,
}

// titles are the unchanging one-line summaries, by class.
var titles = map[fault.Class]string{
	fault.ClassInvalid:             "The request is not valid",
	fault.ClassUnauthenticated:     "Sign in first",
	fault.ClassForbidden:           "Not allowed",
	fault.ClassNotFound:            "Not found",
	fault.ClassConflict:            "Clash with what exists",
	fault.ClassPrecondition:        "Not possible in the present state",
	fault.ClassThrottled:           "Too many requests",
	fault.ClassQuota:               "A limit is used up",
	fault.ClassOutOfStock:          "Sold out at the provider",
	fault.ClassInsufficientBalance: "Not enough money",
	fault.ClassUnavailable:         "Cannot be served now",
	fault.ClassUnsupported:         "Not offered",
	fault.ClassInternal:            "Internal error",
}

// typePrefix starts the URN of every problem type; the class follows it.
const typePrefix = "urn:tradewind:problem:"

// Problem is an RFC 9457 problem document.
type Problem struct {
	Type       string         `json:"type" doc:"URN that names the class of the problem" example:"urn:tradewind:problem:invalid"`
	Title      string         `json:"title" doc:"What kind of problem it is; the same for every occurrence"`
	Status     int            `json:"status" doc:"The HTTP status"`
	Detail     string         `json:"detail,omitempty" doc:"What happened here and what to do about it"`
	RequestID  string         `json:"request_id,omitempty" doc:"Quote this when asking for help"`
	Source     string         `json:"source,omitempty" enum:"core,host,plugin,cloud" doc:"Whose failure it is"`
	Outcome    string         `json:"outcome,omitempty" enum:"unknown" doc:"Present when the change may have happened all the same"`
	RetryAfter int            `json:"retry_after_seconds,omitempty" doc:"When to try again, in seconds"`
	CloudCode  string         `json:"cloud_code,omitempty" doc:"The cloud's own error code"`
	Errors     []ProblemField `json:"errors,omitempty" doc:"Each wrong place of the request"`
}

// ProblemField is one wrong place of the request.
type ProblemField struct {
	Path    string `json:"path" doc:"Where: body.spec.cpu, query.limit, header.If-Match"`
	Message string `json:"message" doc:"What is wrong and what would be right"`
}

// Error returns title and detail.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders adds Retry-After where the problem has one.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="tradewind"`)
	}
	return h
}

// ContentType makes huma answer application/problem+json.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statusDependency answers for a cloud that refuses our own credentials or
// account: the caller's request and session are good, so it must not look like
// a 401, and the state of an account upstream is not the caller's to know.
const statusDependency = http.StatusFailedDependency

// upstreamOnly are the classes that speak of the account at the cloud when a
// cloud, plugin or host says them.
var upstreamOnly = map[fault.Class]bool{
	fault.ClassUnauthenticated:     true,
	fault.ClassForbidden:           true,
	fault.ClassInsufficientBalance: true,
}

// ProblemOf turns any error into a problem. The text of internal errors stays
// with the operator: the caller gets the request id to ask with.
func ProblemOf(err error) *Problem {
	f := fault.As(err)
	p := &Problem{
		Type: typePrefix + f.Class.String(), Title: titles[f.Class], Status: statusOf[f.Class],
		Detail: f.Message, Source: f.Source.String(), CloudCode: f.CloudCode,
		RetryAfter: int(math.Ceil(f.RetryAfter.Seconds())),
	}
	if p.Status == 0 {
		p.Type, p.Title, p.Status = typePrefix+"internal", titles[fault.ClassInternal], http.StatusInternalServerError
	}
	if f.Class == fault.ClassInternal {
		p.Detail = "something failed on our side; quote the request id when you ask for help"
	}
	if f.Outcome == fault.OutcomeUnknown {
		p.Outcome = "unknown"
	}
	if f.Source > fault.SourceCore && upstreamOnly[f.Class] {
		p.Status, p.Detail = statusDependency, "the provider refuses the account used for this; ask whoever enabled the provider to check it"
		p.CloudCode = ""
	}
	if errors.Is(err, store.ErrStale) {
		p.Type, p.Title, p.Status = typePrefix+"precondition", titles[fault.ClassPrecondition], http.StatusPreconditionFailed
	}
	for _, x := range f.Fields {
		p.Errors = append(p.Errors, ProblemField{Path: x.Path, Message: x.Message})
	}
	return p
}

// problemTransformer turns huma's own validation errors into problems and
// drops the echoed values: a wrong body may hold a password.
func problemTransformer(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		if p, ok := v.(*Problem); ok {
			p.RequestID = requestIDOf(ctx.Context())
		}
		return v, nil
	}
	p := &Problem{
		Type: typePrefix + fault.ClassInvalid.String(), Title: titles[fault.ClassInvalid],
		Status: m.Status, Detail: m.Detail, RequestID: requestIDOf(ctx.Context()),
	}
	if m.Status >= http.StatusInternalServerError {
		p.Type, p.Title = typePrefix+fault.ClassInternal.String(), titles[fault.ClassInternal]
	}
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, fieldOf(e))
	}
	return p, nil
}

// logFailure writes the operator's side of a failed request; users' own
// mistakes are not worth a line above debug.
func logFailure(ctx context.Context, log *slog.Logger, p *Problem, err error, requestID string) {
	level := slog.LevelDebug
	if p.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	log.LogAttrs(ctx, level, "request failed",
		slog.String("request_id", requestID), slog.Int("status", p.Status), slog.Any("error", err), slog.String("cause", causeOf(err)))
}

// causeOf is what made the fault, for operators: the fault's own text leaves it
// out, because that text is shown to users.
func causeOf(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) || f.Cause == nil {
		return ""
	}
	return f.Cause.Error()
}
