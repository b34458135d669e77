package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"tradewind.example/plugins/capital/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

func TestWordsOfTheCloud(t *testing.T) {
	t.Parallel()
	servers := map[provider.Status][]string{
		provider.StatusPending: {"building"}, provider.StatusStarting: {"starting_up"}, provider.StatusRunning: {"running"},
		provider.StatusRebooting: {"restarting"}, provider.StatusStopping: {"shutting_down", "deleting", "destroying", "recycling"},
		provider.StatusStopped: {"shutdown"}, provider.StatusFrozen: {"updating", "creating_image", "recovering", "cancel_recycling"},
		provider.StatusDeleted: {"deleted", "destroy"}, provider.StatusError: {"error", "failed"}, provider.StatusUnknown: {"", "new"},
	}
	for status, words := range servers {
		for _, word := range words {
			if got := instanceStatus(word); got != status {
				t.Errorf("a server that is %q is %s, want %s", word, got, status)
			}
		}
	}
	disks := map[provider.Status][]string{
		provider.StatusPending: {"building"}, provider.StatusFree: {"waiting"}, provider.StatusBound: {"running"}, provider.StatusError: {"build_fail", "error"},
		provider.StatusFrozen: {"mounting", "unmounting", "updating", "recovering", "cancel_recycling", "recycling", "creating_snapshot", "rollback"}, provider.StatusUnknown: {"x"},
	}
	for status, words := range disks {
		for _, word := range words {
			if got := diskStatus(word); got != status {
				t.Errorf("a disk that is %q is %s, want %s", word, got, status)
			}
		}
	}
	for word, status := range map[string]provider.Status{
		"ok": provider.StatusFree, "error": provider.StatusError, "creating": provider.StatusPending, "whatever": provider.StatusPending,
		"deleting": provider.StatusStopping, "deleted": provider.StatusDeleted,
	} {
		if got := netStatus(word, false); got != status {
			t.Errorf("a network that is %q is %s, want %s", word, got, status)
		}
	}
	for word, want := range map[string]string{"init": stateRunning, "doing": stateRunning, "success": stateDone, "finish": stateDone, "error": stateFailed, "failed": stateFailed, "new": stateFailed} {
		if got := changeState(word); got != want {
			t.Errorf("an event that is %q is %s, want %s", word, got, want)
		}
	}
}

func TestCodesHaveTheirClass(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]fault.Class{
		"InvalidInstanceSpec.ValueNotSupported": fault.ClassInvalid, "MaxEcsCountExceed": fault.ClassQuota, "InternalError": fault.ClassUnavailable,
		"Auth.SignatureWrong": fault.ClassUnauthenticated, "TooManyRequests": fault.ClassThrottled, "InvalidDisk.NotFound": fault.ClassNotFound,
		"AccountBalanceNotEnough": fault.ClassInsufficientBalance, "EcsSellOut": fault.ClassOutOfStock, "EipQuotaExceeded": fault.ClassQuota,
		"Subnet.InUse": fault.ClassPrecondition, "NameDuplicate": fault.ClassConflict, "AccessDenied": fault.ClassForbidden, "MissingName": fault.ClassInvalid,
	} {
		if got, known := classOf(code); got != want || !known {
			t.Errorf("%q is %s, want %s", code, got, want)
		}
	}
	if _, known := classOf("Strange"); known {
		t.Error("a strange code is known")
	}
}

// TestChangesThatTheCloudDoesNotManage end in failed operations, and what was
// to be made is gone.
func TestChangesThatTheCloudDoesNotManage(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		kind, spec string
		term       provider.Term
	}{
		"Network":   {kinds.VPC, `{"cidr":"10.0.0.0/16"}`, forOnce()},
		"Disk":      {kinds.Disk, `{"size_gb":24}`, hourly()},
		"Address":   {kinds.EIP, `{"bandwidth_mbps":1}`, hourly()},
		"Bandwidth": {kinds.Bandwidth, `{"bandwidth_mbps":1}`, hourly()},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.faults(t, sim.Fault{Kind: sim.KindTaskFail, Count: 1})
			change, err := w.Create(t.Context(), provider.CreateRequest{
				Call: w.call(), Token: "tok-1", Kind: tc.kind, Name: "n", Spec: []byte(tc.spec), Term: tc.term,
			})
			if err != nil {
				t.Fatal(err)
			}
			op := w.finish(t, change.Operation)
			want(t, "it is taken back", op.Failure, fault.ClassUnavailable, fault.OutcomeNotDone)
			if all := append(w.list(t, tc.kind), w.list(t, kinds.Subnet)...); len(all) != 0 {
				t.Errorf("left: %+v", all)
			}
		})
	}
	w := newWorld(t)
	id := w.made(t, kinds.Disk, "tok-1", `{"size_gb":24}`, hourly()).ID
	w.faults(t, sim.Fault{Kind: sim.KindTaskFail})
	change, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "d", Kind: kinds.Disk, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "the delete failed", w.finish(t, change.Operation).Failure, fault.ClassUnavailable, fault.OutcomeNotDone)
}

// TestOperationsThatTheCloudForgets are judged by the thing's own state, and
// one that never ends is in doubt.
func TestOperationsThatTheCloudForgets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vpc, net := w.net(t)
	server := w.server(t, "tok-i", map[string]any{"subnet_id": net.ID})
	began := w.clock.Now().Unix()
	for id, state := range map[string]provider.OperationState{
		fmt.Sprintf("ecs:event:none:create:instance:%s:%s:%d", server.ID, home, began): provider.OperationSucceeded,
		fmt.Sprintf("vpc:task:none:create:vpc:%s:%s:%d", vpc.ID, home, began):          provider.OperationSucceeded,
		fmt.Sprintf("ecs:event:none:delete:instance:ins-none:%s:%d", home, began):      provider.OperationSucceeded,
		fmt.Sprintf("ecs:event:none:act:instance:%s:%s:%d", server.ID, home, began):    provider.OperationSucceeded,
		fmt.Sprintf("ecs:event:none:delete:instance:%s:%s:%d", server.ID, home, began): provider.OperationRunning,
		fmt.Sprintf("ecs:event:none:create:instance:ins-none:%s:%d", home, began):      provider.OperationRunning,
		fmt.Sprintf("ecs:event:none:create:instance:ins-none:%s:%d", home, began-7200): provider.OperationFailed,
		fmt.Sprintf("all:poll:-:delete:vpc:%s:%s:%d", vpc.ID, home, began):             provider.OperationFailed,
	} {
		op, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: id})
		if err != nil || op.State != state {
			t.Errorf("%s: %+v, %v; want %s", id, op, err, state)
		}
	}
	w.faults(t, sim.Fault{Kind: sim.KindHTTP, Status: 502})
	_, err := w.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: fmt.Sprintf("ecs:event:none:create:instance:i:%s:%d", home, began)})
	want(t, "nobody knows how far it is", err, fault.ClassUnavailable, fault.OutcomeNotDone)
}

func TestNamesCarryTheirMark(t *testing.T) {
	t.Parallel()
	mark, err := markOf("tw-0198a-some-token-1")
	if err != nil || len(mark) != 19 {
		t.Fatalf("%q, %v", mark, err)
	}
	for name, want := range map[string]string{
		"web": "web", "": "x", "my web/server": "my-web-server", "名字": "名字", "...": "x",
		"a-name-that-is-much-longer-than-the-cloud-allows": "a-name-that-is-much-longer-than-the-clou",
	} {
		own, got := split(join(nameOf(name, "x"), mark))
		if own != want || got != mark {
			t.Errorf("%q becomes %q with %q", name, own, got)
		}
	}
	for _, name := range []string{"web", "web.tw-short", "web.tw-0123456789abcdeg"} {
		if own, mark := split(name); own != name || mark != "" {
			t.Errorf("%q has the mark %q", name, mark)
		}
	}
	if _, err := markOf(""); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("no token: %v", err)
	}
}

func TestAmountsAreExact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]provider.Decimal{
		"0": "0.00", "12.3": "12.30", "12.345": "12.35", "0.0001": "0.01", "-1.25": "-1.25", "999999999999.99": "999999999999.99", "7": "7.00",
	} {
		a, err := amountOf(json.Number(text))
		if err != nil || a.decimal() != want {
			t.Errorf("%s: %v, %v; want %s", text, a.decimal(), err, want)
		}
	}
	for _, text := range []string{"", "1e3", "1e999999999", "0x10", "1/3", "NaN", "1234567890123456", "."} {
		if a, err := amountOf(json.Number(text)); err == nil {
			t.Errorf("%q is the amount %s", text, a.decimal())
		}
	}
	a, _ := amountOf("5.28")
	if got := a.part(1, 24).rounded().part(3, 1).decimal(); got != "0.66" {
		t.Errorf("three hours of 5.28 a day: %s", got)
	}
}

func FuzzRule(f *testing.F) {
	f.Add("tcp", "22/22", true)
	f.Add("ICMP", "1/1", false)
	f.Add("udp", "1/65535", true)
	f.Add("", "//", false)
	f.Fuzz(func(t *testing.T, protocol, port string, allow bool) {
		shown := ruleShown{ID: "sp-1", Protocol: protocol, Port: port, CIDR: "0.0.0.0/0", Allow: allow, Priority: loose("50")}
		rule := canonical(shown.kept(kinds.In).Rule)
		row, err := ruleRow(rule, "rule")
		if err != nil {
			return // the cloud showed what it does not take
		}
		shown.Protocol, shown.Port = fmt.Sprint(row["Protocol"]), fmt.Sprint(row["Port"])
		if back := canonical(shown.kept(kinds.In).Rule); !back.Same(rule) {
			t.Errorf("%+v comes back as %+v", rule, back)
		}
	})
}
