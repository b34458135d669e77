package sim

import (
	"fmt"
	"strconv"
)

// The integer codes of refused business. The vendor publishes none but 3;
// the others are choices, listed in README.md.
const (
	codeOK          = 0
	codeForbidden   = 3
	codeNotFound    = 1001
	codeConflict    = 1002
	codeInvalid     = 1003
	codeSoldOut     = 1004
	codeNoBalance   = 1005
	codeUnavailable = 1500
	// codeSpoiled stands in the call log for an answer a fault destroyed, and
	// codeGateway for a refusal of the gateway.
	codeSpoiled = -1
	codeGateway = -2
)

// refusal is what the API reports instead of a result: of the gateway, with
// a status and a word, or of the product, with an integer code.
type refusal struct {
	status int    // of HTTP; 0 for one of the product
	word   string // the gateway's Code
	code   int    // the product's Code
	text   string
}

func (e *refusal) Error() string {
	if e.word != "" {
		return e.word + ": " + e.text
	}
	return "code " + strconv.Itoa(e.code) + ": " + e.text
}

// logged is the code that the call log shows.
func (e *refusal) logged() int {
	if e.word != "" {
		return codeGateway
	}
	return e.code
}

func refuse(code int, format string, args ...any) *refusal {
	return &refusal{code: code, text: fmt.Sprintf(format, args...)}
}

func gateway(status int, word, format string, args ...any) *refusal {
	return &refusal{status: status, word: word, text: fmt.Sprintf(format, args...)}
}

func missing(name string) *refusal {
	return gateway(400, "Missing"+name, "%s is mandatory for this action.", name)
}

func malformed(name string) *refusal {
	return gateway(400, "Invalid"+name, "The specified parameter %s is not valid.", name)
}

func notFound(what, id string) *refusal { return refuse(codeNotFound, "%s %s not found", what, id) }

func conflict(format string, args ...any) *refusal { return refuse(codeConflict, format, args...) }

func invalid(name string) *refusal { return refuse(codeInvalid, "parameter %s is invalid", name) }
