package client

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/wire/convert"
)

// notSent is the fault of a call whose context had ended before it was made.
func notSent(cause error) error {
	return fault.Unavailable("the call's time was over before it was sent").From(fault.SourceHost).With(cause)
}

// orTooLarge makes a fault of a call's error. A request that is too large for a
// message was never sent, whatever it would have changed.
func orTooLarge(req any, err error, classify func(error) error) error {
	if m, ok := req.(proto.Message); ok && status.Code(err) == codes.ResourceExhausted {
		if n := proto.Size(m); n > handshake.MaxMessageBytes {
			return fault.Invalid("request", "has %d bytes and was not sent: at most %d fit into a message to a plugin", n, handshake.MaxMessageBytes).
				From(fault.SourceHost).With(err)
		}
	}
	return classify(err)
}

// known returns the fault that err carries already, or the one for an ability
// that the plugin does not serve at all.
func known(err error) (error, bool) {
	var e *fault.Error
	if errors.As(err, &e) {
		return err, true
	}
	if e, ok := convert.FaultFromStatus(err); ok {
		return e, true
	}
	if status.Code(err) == codes.Unimplemented {
		return fault.Unsupported("the plugin does not serve this call").From(fault.SourcePlugin).With(err), true
	}
	return nil, false
}

// changeFault classifies the error of a call that may have changed something:
// whatever the transport says, the request may have arrived.
func changeFault(err error) error {
	if e, ok := known(err); ok {
		return e
	}
	return fault.Unknown(cause(err), "%s; the change may have happened", why(err)).From(fault.SourceHost)
}

// readFault classifies the error of a call that changes nothing.
func readFault(err error) error {
	if e, ok := known(err); ok {
		return e
	}
	return fault.Unavailable("%s", why(err)).From(fault.SourceHost).With(cause(err))
}

func why(err error) string {
	switch status.Code(err) {
	case codes.DeadlineExceeded:
		return "the plugin did not answer in time"
	case codes.Canceled:
		return "the call was cancelled before the plugin answered"
	case codes.ResourceExhausted:
		return "a message to or from the plugin is larger than allowed"
	default:
		return "the connection to the plugin broke before it answered"
	}
}

// cause keeps err and, for an ended context, makes errors.Is work.
func cause(err error) error {
	switch status.Code(err) {
	case codes.DeadlineExceeded:
		return errors.Join(context.DeadlineExceeded, err)
	case codes.Canceled:
		return errors.Join(context.Canceled, err)
	default:
		return err
	}
}
