package convert_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// overStatus sends a fault the way gRPC does: as the bytes of a status.
func overStatus(t interface{ Fatal(...any) }, e error) *fault.Error {
	b, err := proto.Marshal(status.Convert(convert.StatusFromFault(e)).Proto())
	if err != nil {
		t.Fatal(err)
	}
	st := status.New(codes.OK, "").Proto()
	if err := proto.Unmarshal(b, st); err != nil {
		t.Fatal(err)
	}
	got, ok := convert.FaultFromStatus(status.ErrorProto(st))
	if !ok {
		t.Fatal("the status carries no fault")
	}
	return got
}

func TestEveryClassSourceAndOutcomeSurvives(t *testing.T) {
	t.Parallel()
	wires := map[pb.FaultClass]bool{}
	for _, class := range fault.Classes() {
		for source := fault.Source(0); source <= fault.SourceCloud; source++ {
			for _, outcome := range []fault.Outcome{fault.OutcomeNotDone, fault.OutcomeUnknown} {
				in := &fault.Error{Class: class, Source: source, Outcome: outcome, Message: "m"}
				if diff := cmp.Diff(in, overStatus(t, in)); diff != "" {
					t.Errorf("%s/%d/%d (-sent +arrived):\n%s", class, source, outcome, diff)
				}
			}
		}
		wires[convert.FaultToWire(fault.New(class, "m")).GetClass()] = true
		if code := convert.CodeOf(class); code == codes.OK || code == codes.Unknown {
			t.Errorf("class %s has the code %s", class, code)
		}
	}
	// One wire number of its own for each class, and none left over.
	if want := len(pb.FaultClass_name) - 1; len(wires) != want {
		t.Errorf("%d wire classes in use, the contract has %d", len(wires), want)
	}
}

func TestFaultsSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawFault(t)
		in.Cause = errors.New("secret cause")
		got := overStatus(t, in)
		if diff := cmp.Diff(in, got, cmpopts.IgnoreFields(fault.Error{}, "Cause"), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("lost on the way (-sent +arrived):\n%s", diff)
		}
		if got.Cause != nil {
			t.Fatal("the cause travelled")
		}
	})
}

func TestNewerPeersAreReadSafely(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in     *pb.Fault
		want   fault.Error
		reason string
	}{
		"class": {
			in:     &pb.Fault{Class: 99, Outcome: pb.FaultOutcome_FAULT_OUTCOME_NOT_DONE},
			want:   fault.Error{Class: fault.ClassInternal},
			reason: "a class that this version does not know is internal",
		},
		"no class": {
			in:     &pb.Fault{Outcome: pb.FaultOutcome_FAULT_OUTCOME_NOT_DONE},
			want:   fault.Error{Class: fault.ClassInternal},
			reason: "a fault without a class is internal",
		},
		"source": {
			in:     &pb.Fault{Class: pb.FaultClass_FAULT_CLASS_QUOTA, Source: 99, Outcome: pb.FaultOutcome_FAULT_OUTCOME_NOT_DONE},
			want:   fault.Error{Class: fault.ClassQuota},
			reason: "a source that this version does not know is not said",
		},
		"outcome": {
			in:     &pb.Fault{Class: pb.FaultClass_FAULT_CLASS_QUOTA, Outcome: 99},
			want:   fault.Error{Class: fault.ClassQuota, Outcome: fault.OutcomeUnknown},
			reason: "only a plain not done allows to repeat a change",
		},
		"no outcome": {
			in:     &pb.Fault{Class: pb.FaultClass_FAULT_CLASS_QUOTA},
			want:   fault.Error{Class: fault.ClassQuota, Outcome: fault.OutcomeUnknown},
			reason: "only a plain not done allows to repeat a change",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(&tc.want, convert.FaultFromWire(tc.in)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestChangeWithoutAnAnswerIsUnknown(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]*pb.Change{
		"nil":               nil,
		"neither":           {VendorOrder: "o-1"},
		"started, no token": {Answer: &pb.Change_Started{Started: &pb.ChangeStarted{}}},
	} {
		if _, err := convert.ChangeFromWire(in); fault.As(err) == nil || fault.OutcomeOf(err) != fault.OutcomeUnknown {
			t.Errorf("%s: %v; want an unknown outcome", name, err)
		}
	}
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\u4e2d", 1<<20)
	e := &fault.Error{Class: fault.ClassInvalid, Message: long, CloudCode: long, Fields: make([]fault.Field, 10_000)}
	for i := range e.Fields {
		e.Fields[i] = fault.Field{Path: long[:3000], Message: long[:3000]}
	}
	if size := proto.Size(status.Convert(convert.StatusFromFault(e)).Proto()); size > 128<<10 {
		t.Errorf("the status has %d bytes, too many for a trailer", size)
	}
}

func TestNoFaultInAStatus(t *testing.T) {
	t.Parallel()
	if _, ok := convert.FaultFromStatus(status.Error(codes.Unavailable, "gone")); ok {
		t.Error("a status without details has a fault")
	}
	if convert.StatusFromFault(nil) != nil || convert.FaultToWire(nil) != nil {
		t.Error("nil did not stay nil")
	}
	if got := convert.FaultFromWire(convert.FaultToWire(fault.Throttled(time.Second, "slow"))); got.RetryAfter != time.Second {
		t.Errorf("retry after %v; want 1s", got.RetryAfter)
	}
}
