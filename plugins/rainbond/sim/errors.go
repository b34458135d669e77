package sim

import "net/http"

// Codes of the console's answers.
const (
	codeOK             = 200
	codeUnhandled      = 10401
	codeNoPermission   = 10402
	codeNoResources    = 10406
	codeStoreForbidden = 10407
	codeOverdue        = 10410
	codeNoStoreToken   = 10421
	codeInvalid        = 20400
	codeNotOpened      = 2001
	codeNoRegion       = 3000
	codeK8sAppTaken    = 21003
)

// apiError is a refusal with the body that goes on the wire.
type apiError struct {
	status int
	code   int // for the call log
	body   map[string]any
	header map[string]string
}

// trace stands where the console shows a traceback of its own.
const trace = "Traceback (most recent call last):\n  File \"simulated.py\", line 1, in simulated\n"

// refuse is a ServiceHandleException: the envelope of successes with another code.
func refuse(status, code int, msg, show string) *apiError {
	return &apiError{status: status, code: code, body: map[string]any{
		"code": code, "msg": msg, "msg_show": show,
		"data": map[string]any{"bean": map[string]any{}, "list": []any{}},
	}}
}

// invalid is a validation failure of one field.
func invalid(field, reason string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: codeInvalid, body: map[string]any{
		"detail": "参数错误", "err": map[string]any{field: []string{reason}}, "code": codeInvalid, "error_type": "ValidationError",
	}}
}

// exception is an APIException of the framework.
func exception(status int, msg, kind string) *apiError {
	e := &apiError{status: status, code: status, body: map[string]any{
		"detail": msg, "code": status, "msg": msg, "msg_show": msg, "error_type": kind, "error_trace": trace,
	}}
	if status == http.StatusUnauthorized {
		e.header = map[string]string{"WWW-Authenticate": "Token"}
	}
	return e
}

// bare is a refusal that was written by hand: a message and no code.
func bare(msg string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: http.StatusBadRequest, body: map[string]any{"msg": msg}}
}

// unhandled is what an exception that nobody caught becomes.
func unhandled(msg string) *apiError {
	return &apiError{status: http.StatusInternalServerError, code: codeUnhandled, body: map[string]any{
		"code": codeUnhandled, "msg": msg, "msg_show": trace + msg, "data": map[string]any{"bean": map[string]any{}, "list": []any{}},
	}}
}

// storeError is a refusal of the store.
func storeError(status int, msg string) *apiError {
	return &apiError{status: status, code: status, body: map[string]any{"code": status, "msg": msg}}
}

func notFound(show string) *apiError {
	return refuse(http.StatusNotFound, http.StatusNotFound, "not found", show)
}

func noPermission() *apiError {
	return refuse(http.StatusForbidden, codeNoPermission, "no permission", "没有操作权限")
}

func noResources() *apiError {
	return refuse(http.StatusPreconditionFailed, codeNoResources, "cluster resources are not enough", "集群资源不足")
}
