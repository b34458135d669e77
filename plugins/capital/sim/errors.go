package sim

import "fmt"

// Codes that the vendor's tables do not hold; README.md lists them as choices.
const (
	codeConflict     = "Cidr.Conflict"
	codeInUse        = "Resource.InUse"
	codeNotFound     = "Resource.NotFound"
	codeQuota        = "Quota.Exceeded"
	codeSoldOut      = "Resource.SoldOut"
	codeNoMoney      = "Balance.Insufficient"
	codeThrottled    = "Throttling"
	codeInternal     = "InternalError"
	codeParameter    = "InvalidParameter"
	codeMissing      = "MissingParameter"
	codeParse        = "ParamParseError"
	codeNoResource   = "InvalidResourceId.NotFound"
	codeWrongStatus  = "InvalidOperation.InstanceStatusUnsupported"
	codeNotPermitted = "InvalidOperation"
)

// apiError is a refusal as the ecs table of the vendor words it; wire.go
// translates it for the services that have other codes.
type apiError struct {
	status int
	code   string
	text   string
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.code, e.text) }

func refuse(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, code: code, text: fmt.Sprintf(format, args...)}
}

func missing(name string) *apiError { return refuse(400, codeMissing, "%s is required", name) }

func invalid(name, why string) *apiError { return refuse(400, codeParameter, "%s %s", name, why) }

func noResource(name, id string) *apiError {
	return refuse(404, codeNoResource, "%s %q does not exist", name, id)
}

func inUse(format string, args ...any) *apiError { return refuse(400, codeInUse, format, args...) }

func notPermitted(format string, args ...any) *apiError {
	return refuse(403, codeNotPermitted, format, args...)
}
