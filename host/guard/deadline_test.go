package guard_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"tradewind.example/host/guard"
	"tradewind.example/sdk/fault"
	_ "tradewind.example/sdk/wire/providerv1"
)

// contract returns the full names of all methods of the contract.
func contract() []string {
	var names []string
	protoregistry.GlobalFiles.RangeFilesByPackage("tradewind.provider.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for j := range s.Methods().Len() {
				names = append(names, "/"+string(s.FullName())+"/"+string(s.Methods().Get(j).Name()))
			}
		}
		return true
	})
	return names
}

// TestRulesCoverTheContract: every method of the contract has a row, no row is
// stale, and only the link has no deadline.
func TestRulesCoverTheContract(t *testing.T) {
	t.Parallel()
	const link = "/tradewind.provider.v1.HostLinkService/Link"
	rules := guard.Rules()
	names := contract()
	if len(names) < 29 {
		t.Fatalf("the contract has %d methods only", len(names))
	}
	for _, name := range names {
		rule, ok := rules[name]
		switch {
		case !ok:
			t.Errorf("%s has no rule", name)
		case name != link && (rule.Deadline <= 0 || rule.Max < rule.Deadline):
			t.Errorf("%s: deadline %s, at most %s", name, rule.Deadline, rule.Max)
		case name == link && rule.Deadline+rule.Max != 0:
			t.Errorf("the link ends with its session, not after %s", rule.Deadline)
		}
		delete(rules, name)
	}
	for name := range rules {
		t.Errorf("rule for %s, which the contract does not have", name)
	}
}

func TestTimesReplaceTheTable(t *testing.T) {
	t.Parallel()
	const get = "ResourcesService/Get"
	full := "/tradewind.provider.v1." + get
	table := guard.Rules()[full]
	cases := map[string]struct {
		reason        string
		times         map[string]guard.Times
		deadline, max time.Duration
		wrong         string // path of the field that is refused
	}{
		"None":        {reason: "the table stays", deadline: table.Deadline, max: table.Max},
		"Deadline":    {reason: "the cap stays when it is not below", times: map[string]guard.Times{get: {Deadline: time.Minute}}, deadline: time.Minute, max: table.Max},
		"AboveCap":    {reason: "a deadline alone lifts the cap", times: map[string]guard.Times{get: {Deadline: time.Hour}}, deadline: time.Hour, max: time.Hour},
		"Cap":         {reason: "the deadline stays", times: map[string]guard.Times{get: {Max: time.Hour}}, deadline: table.Deadline, max: time.Hour},
		"CapBelow":    {reason: "a cap below the deadline cannot be meant", times: map[string]guard.Times{get: {Max: time.Second}}, wrong: get},
		"Negative":    {reason: "no call has less than no time", times: map[string]guard.Times{get: {Deadline: -time.Second}}, wrong: get},
		"Unknown":     {reason: "a slip of the pen is told", times: map[string]guard.Times{"ResourceService/Get": {Deadline: time.Second}}, wrong: "ResourceService/Get"},
		"WithoutTime": {reason: "the link has no time that could be set", times: map[string]guard.Times{"HostLinkService/Link": {Deadline: time.Second}}, wrong: "HostLinkService/Link"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules, err := guard.RulesWith(tc.times)
			if tc.wrong != "" {
				if f := fault.As(err); !fault.Is(err, fault.ClassInvalid) || len(f.Fields) != 1 || f.Fields[0].Path != tc.wrong {
					t.Errorf("%s: got %v", tc.reason, err)
				}
				return
			}
			if err != nil || rules[full].Deadline != tc.deadline || rules[full].Max != tc.max {
				t.Errorf("%s: got %+v, %v; want %s, at most %s", tc.reason, rules[full], err, tc.deadline, tc.max)
			}
			if len(rules) != len(guard.Rules()) {
				t.Errorf("%s: %d rules are left", tc.reason, len(rules))
			}
		})
	}
}

func TestEveryCallHasADeadline(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		method  string
		timeout time.Duration
		want    time.Duration
	}{
		"FromTable": {reason: "a call without one gets the table's", method: method, want: 30 * time.Second},
		"NewMethod": {reason: "a method of a newer SDK gets the general one", method: "/x/y", want: 30 * time.Second},
		"Callers":   {reason: "the caller's own is kept", method: method, timeout: time.Second, want: time.Second},
		"Longer":    {reason: "also when it is longer than the table's", method: method, timeout: time.Minute, want: time.Minute},
		"Capped":    {reason: "but not for ever", method: method, timeout: time.Hour, want: 5 * time.Minute},
		"Link":      {reason: "the link ends with its session", method: "/tradewind.provider.v1.HostLinkService/Link", want: 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &conn{stream: &stream{}}
				g, _ := guarded(c, guard.Limits{})
				ctx := t.Context()
				if tc.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tc.timeout)
					defer cancel()
				}
				if err := g.Invoke(ctx, tc.method, nil, nil); err != nil {
					t.Fatal(err)
				}
				if c.deadline != tc.want {
					t.Errorf("%s: unary got %s, want %s", tc.reason, c.deadline, tc.want)
				}
				s, err := g.NewStream(ctx, nil, tc.method)
				if err != nil {
					t.Fatal(err)
				}
				if c.deadline != tc.want {
					t.Errorf("%s: stream got %s, want %s", tc.reason, c.deadline, tc.want)
				}
				_ = s.RecvMsg(nil)
			})
		})
	}
}
