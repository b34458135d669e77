package guard

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/wire/convert"
)

// verdict is what the end of a call says about whether the account is served.
type verdict uint8

const (
	undecided verdict = iota // says nothing: never sent, given up by the caller, or a defect
	served                   // answered, if only with a refusal
	failed                   // not served: unavailable, too late, throttled, or nobody knows
	lost                     // as failed, together with all calls of the process that ended
)

// judge gives the verdict on a call that ended with err under ctx.
func judge(ctx context.Context, c *Call, err error) verdict {
	switch {
	case err == nil:
		return served
	case !c.Sent, errors.Is(err, errAbandoned), errors.Is(ctx.Err(), context.Canceled):
		return undecided
	}
	if f, ok := carried(err); ok {
		return judgeFault(f)
	}
	switch code := status.Code(err); {
	case code == codes.DeadlineExceeded, errors.Is(err, context.DeadlineExceeded):
		return failed
	case code == codes.Unavailable:
		return lost
	case code == codes.Canceled, code == codes.Unimplemented, !c.Change:
		return undecided
	}
	return failed // a change of which nobody knows whether it happened
}

func judgeFault(f *fault.Error) verdict {
	switch {
	case f.Source == fault.SourceHost, f.Source == fault.SourceCore:
		return undecided
	case f.Outcome == fault.OutcomeUnknown:
		return failed
	}
	switch f.Class {
	case fault.ClassUnavailable, fault.ClassThrottled:
		return failed
	case fault.ClassInternal, fault.ClassUnsupported:
		return undecided
	}
	return served
}

// carried returns the fault in err, if one of the chain or the plugin is in it.
func carried(err error) (*fault.Error, bool) {
	var f *fault.Error
	if errors.As(err, &f) {
		return f, true
	}
	return convert.FaultFromStatus(err)
}
