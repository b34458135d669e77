package sim

import "fmt"

// The RetCodes the simulator answers with. Where the vendor's documents leave
// the code open, the choice is listed in README.md.
const (
	codeOK              = 0
	codeUnavailable     = 150
	codeThrottled       = 153
	codeNoAction        = 160
	codeUnknownAction   = 161
	codeNoSignature     = 170
	codeBadSignature    = 171
	codeNoUser          = 172
	codeNoToken         = 174
	codeMissing         = 220
	codeNotAvailable    = 230
	codeNoProject       = 292
	codeEIPBalance      = 4057
	codeEIPTaken        = 4154
	codeEIPQuota        = 4207
	codeNoSuchEIP       = 4210
	codeEIPNotBound     = 4211
	codeEIPInUse        = 4212
	codeEIPBandwidth    = 4227
	codeFirewallFixed   = 4358
	codeBadPriority     = 4359
	codeTooManyRules    = 4360
	codeFirewallInUse   = 4361
	codeFirewallName    = 4364
	codeNetInUse        = 4411
	codeNotStopped      = 8010
	codeResetRunning    = 8034
	codeNoSuchHost      = 8039
	codeBadCPU          = 8044
	codeBadMemory       = 8046
	codePriceCPU        = 8064
	codePriceMemory     = 8065
	codePriceDisk       = 8066
	codeHostQuota       = 8095
	codeHostBalance     = 8104
	codeExpired         = 8117
	codeDiskSize        = 8126
	codeBootTooSmall    = 8315
	codeSoldOut         = 8320
	codeDeleteRunning   = 8856
	codeVNCFailed       = 8887
	codeWrongPowerState = 8905
	codeNoMember        = 10010
	codeMemberExists    = 10011
	codeTooManyKeys     = 10012
	codeDiskBusy        = 17017
	codeNoSuchFirewall  = 54002
	codeNoSuchVPC       = 58000
	codeForbidden       = 299
)

// retError is a refusal the API reports: HTTP 200 with a RetCode and a Message.
type retError struct {
	code int
	text string
}

func (e *retError) Error() string { return fmt.Sprintf("retcode %d: %s", e.code, e.text) }

func refuse(code int, format string, args ...any) *retError {
	return &retError{code: code, text: fmt.Sprintf(format, args...)}
}

func missing(name string) *retError { return refuse(codeMissing, "Missing Params [%s]", name) }

func notAvailable(name string) *retError {
	return refuse(codeNotAvailable, "Params [%s] not available", name)
}

func noSuchHost() *retError { return refuse(codeNoSuchHost, "UHost instance does not exist") }

func noSuchEIP() *retError { return refuse(codeNoSuchEIP, "EIP does not exist") }
