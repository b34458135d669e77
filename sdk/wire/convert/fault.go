package convert

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tradewind.example/sdk/fault"
	pb "tradewind.example/sdk/wire/providerv1"
)

// Bounds of a fault on the wire: it travels in the trailers of an answer,
// which transports keep small.
const (
	maxMessageBytes = 1024
	maxFields       = 50
)

// classRow is one row of the only table between classes, wire numbers and
// gRPC codes. Several classes share a code, so the code alone is enough only
// for a peer that sends no Fault.
type classRow struct {
	class fault.Class
	wire  pb.FaultClass
	code  codes.Code
}

var classTable = [...]classRow{
	{fault.ClassInvalid, pb.FaultClass_FAULT_CLASS_INVALID, codes.InvalidArgument},
	{fault.ClassUnauthenticated, pb.FaultClass_FAULT_CLASS_UNAUTHENTICATED, codes.Unauthenticated},
	{fault.ClassForbidden, pb.FaultClass_FAULT_CLASS_FORBIDDEN, codes.PermissionDenied},
	{fault.ClassNotFound, pb.FaultClass_FAULT_CLASS_NOT_FOUND, codes.NotFound},
	{fault.ClassConflict, pb.FaultClass_FAULT_CLASS_CONFLICT, codes.AlreadyExists},
	{fault.ClassPrecondition, pb.FaultClass_FAULT_CLASS_PRECONDITION, codes.FailedPrecondition},
	{fault.ClassThrottled, pb.FaultClass_FAULT_CLASS_THROTTLED, codes.ResourceExhausted},
	{fault.ClassQuota, pb.FaultClass_FAULT_CLASS_QUOTA, codes.ResourceExhausted},
	{fault.ClassOutOfStock, pb.FaultClass_FAULT_CLASS_OUT_OF_STOCK, codes.ResourceExhausted},
	{fault.ClassInsufficientBalance, pb.FaultClass_FAULT_CLASS_INSUFFICIENT_BALANCE, codes.FailedPrecondition},
	{fault.ClassUnavailable, pb.FaultClass_FAULT_CLASS_UNAVAILABLE, codes.Unavailable},
	{fault.ClassUnsupported, pb.FaultClass_FAULT_CLASS_UNSUPPORTED, codes.Unimplemented},
	{fault.ClassInternal, pb.FaultClass_FAULT_CLASS_INTERNAL, codes.Internal},
}

var internalRow = classRow{fault.ClassInternal, pb.FaultClass_FAULT_CLASS_INTERNAL, codes.Internal}

func rowOfClass(c fault.Class) classRow {
	for _, r := range classTable {
		if r.class == c {
			return r
		}
	}
	return internalRow
}

func rowOfWire(w pb.FaultClass) classRow {
	for _, r := range classTable {
		if r.wire == w {
			return r
		}
	}
	return internalRow
}

// CodeOf returns the gRPC code that goes with a class; internal for a number
// outside the list.
func CodeOf(c fault.Class) codes.Code { return rowOfClass(c).code }

var sourceTable = [...]struct {
	source fault.Source
	wire   pb.FaultSource
}{
	{0, pb.FaultSource_FAULT_SOURCE_UNSPECIFIED},
	{fault.SourceCore, pb.FaultSource_FAULT_SOURCE_CORE},
	{fault.SourceHost, pb.FaultSource_FAULT_SOURCE_HOST},
	{fault.SourcePlugin, pb.FaultSource_FAULT_SOURCE_PLUGIN},
	{fault.SourceCloud, pb.FaultSource_FAULT_SOURCE_CLOUD},
}

func sourceToWire(s fault.Source) pb.FaultSource {
	for _, r := range sourceTable {
		if r.source == s {
			return r.wire
		}
	}
	return pb.FaultSource_FAULT_SOURCE_UNSPECIFIED
}

func sourceFromWire(w pb.FaultSource) fault.Source {
	for _, r := range sourceTable {
		if r.wire == w {
			return r.source
		}
	}
	return 0
}

// FaultToWire translates err, made a fault by fault.As first; nil stays nil.
// The cause stays behind, and message and fields are cut to a bound.
func FaultToWire(err error) *pb.Fault {
	e := fault.As(err)
	if e == nil {
		return nil
	}
	out := &pb.Fault{
		Class: rowOfClass(e.Class).wire, Source: sourceToWire(e.Source),
		Outcome: pb.FaultOutcome_FAULT_OUTCOME_NOT_DONE, Message: bounded(e.Message),
		CloudCode: bounded(e.CloudCode), RequestId: bounded(e.RequestID), RetryAfter: durationToWire(e.RetryAfter),
	}
	if e.Outcome != fault.OutcomeNotDone {
		out.Outcome = pb.FaultOutcome_FAULT_OUTCOME_UNKNOWN
	}
	out.Fields = each(e.Fields[:min(len(e.Fields), maxFields)], func(f fault.Field) *pb.FaultField {
		return &pb.FaultField{Path: bounded(f.Path), Message: bounded(f.Message)}
	})
	return out
}

// FaultFromWire is the reverse of [FaultToWire]. A class this version does not
// know becomes internal, an outcome it does not know becomes unknown.
func FaultFromWire(f *pb.Fault) *fault.Error {
	out := &fault.Error{
		Class: rowOfWire(f.GetClass()).class, Source: sourceFromWire(f.GetSource()),
		Outcome: fault.OutcomeUnknown, Message: f.GetMessage(), CloudCode: f.GetCloudCode(),
		RequestID: f.GetRequestId(), RetryAfter: f.GetRetryAfter().AsDuration(),
		Fields: each(f.GetFields(), func(f *pb.FaultField) fault.Field {
			return fault.Field{Path: f.GetPath(), Message: f.GetMessage()}
		}),
	}
	if f.GetOutcome() == pb.FaultOutcome_FAULT_OUTCOME_NOT_DONE {
		out.Outcome = fault.OutcomeNotDone
	}
	return out
}

// bounded cuts s to a length that fits a trailer, and makes it valid UTF-8.
func bounded(s string) string {
	if len(s) > maxMessageBytes {
		s = s[:maxMessageBytes]
	}
	return text(s)
}

// StatusFromFault makes the gRPC error that carries err as a detail; nil stays nil.
func StatusFromFault(err error) error {
	e := fault.As(err)
	if e == nil {
		return nil
	}
	st := status.New(CodeOf(e.Class), e.Class.String())
	detailed, detailErr := st.WithDetails(FaultToWire(e))
	if detailErr != nil {
		return st.Err()
	}
	return detailed.Err()
}

// FaultFromStatus returns the fault that a gRPC error carries. ok is false
// when it carries none: then the error came from a transport, not from a peer
// that knows faults.
func FaultFromStatus(err error) (e *fault.Error, ok bool) {
	st, isStatus := status.FromError(err)
	if !isStatus {
		return nil, false
	}
	for _, d := range st.Details() {
		if f, isFault := d.(*pb.Fault); isFault {
			return FaultFromWire(f), true
		}
	}
	return nil, false
}
