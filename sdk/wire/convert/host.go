package convert

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"tradewind.example/sdk/provider"
	pb "tradewind.example/sdk/wire/providerv1"
)

// EventsRequestToWire translates a subscription.
func EventsRequestToWire(r provider.EventsRequest) *pb.EventsRequest {
	return &pb.EventsRequest{Call: CallToWire(r.Call), Cursor: r.Cursor}
}

// EventsRequestFromWire is the reverse of [EventsRequestToWire].
func EventsRequestFromWire(r *pb.EventsRequest) provider.EventsRequest {
	return provider.EventsRequest{Call: CallFromWire(r.GetCall()), Cursor: r.GetCursor()}
}

// EventToWire translates an event.
func EventToWire(e provider.Event) *pb.Event {
	return &pb.Event{
		Cursor: e.Cursor, Time: timeToWire(e.Time), Type: e.Type, Kind: e.Kind, ResourceId: e.ResourceID, Data: e.Data,
	}
}

// EventFromWire is the reverse of [EventToWire].
func EventFromWire(e *pb.Event) provider.Event {
	return provider.Event{
		Cursor: e.GetCursor(), Time: timeFromWire(e.GetTime()), Type: e.GetType(), Kind: e.GetKind(),
		ResourceID: e.GetResourceId(), Data: jsonFromWire(e.GetData()),
	}
}

// KeyRangeToWire translates a range into the question for one of its pages.
func KeyRangeToWire(r provider.KeyRange) *pb.HostScan {
	return &pb.HostScan{From: r.From, To: r.To, Reverse: r.Reverse, Limit: int64(r.Limit)}
}

// KeyRangeFromWire is the reverse of [KeyRangeToWire].
func KeyRangeFromWire(r *pb.HostScan) provider.KeyRange {
	return provider.KeyRange{From: r.GetFrom(), To: r.GetTo(), Reverse: r.GetReverse(), Limit: int(r.GetLimit())}
}

// KeyValueToWire translates a stored pair.
func KeyValueToWire(kv provider.KeyValue) *pb.KeyValue {
	return &pb.KeyValue{Key: kv.Key, Value: kv.Value, Revision: kv.Revision, Sealed: kv.Sealed}
}

// KeyValueFromWire is the reverse of [KeyValueToWire].
func KeyValueFromWire(kv *pb.KeyValue) provider.KeyValue {
	return provider.KeyValue{Key: kv.GetKey(), Value: kv.GetValue(), Revision: kv.GetRevision(), Sealed: kv.GetSealed()}
}

// TransactionToWire translates a transaction.
func TransactionToWire(t provider.Transaction) *pb.HostApply {
	return &pb.HostApply{
		Token: t.Token,
		Expect: each(t.Expect, func(e provider.Expectation) *pb.Expectation {
			return &pb.Expectation{Key: e.Key, Revision: e.Revision}
		}),
		Writes: each(t.Writes, func(w provider.Write) *pb.Write {
			return &pb.Write{Key: w.Key, Value: w.Value, Sealed: w.Sealed, Delete: w.Delete}
		}),
	}
}

// TransactionFromWire is the reverse of [TransactionToWire].
func TransactionFromWire(t *pb.HostApply) provider.Transaction {
	return provider.Transaction{
		Token: t.GetToken(),
		Expect: each(t.GetExpect(), func(e *pb.Expectation) provider.Expectation {
			return provider.Expectation{Key: e.GetKey(), Revision: e.GetRevision()}
		}),
		Writes: each(t.GetWrites(), func(w *pb.Write) provider.Write {
			return provider.Write{Key: w.GetKey(), Value: w.GetValue(), Sealed: w.GetSealed(), Delete: w.GetDelete()}
		}),
	}
}

// NowToWire translates the host's time.
func NowToWire(t time.Time) *pb.HostNowResult { return &pb.HostNowResult{Now: timeToWire(t)} }

// NowFromWire is the reverse of [NowToWire].
func NowFromWire(r *pb.HostNowResult) time.Time { return timeFromWire(r.GetNow()) }

// TimeoutToWire translates how long the asker waits; 0 means not said.
func TimeoutToWire(d time.Duration) *durationpb.Duration { return durationToWire(d) }
