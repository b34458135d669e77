package sim_test

import (
	"net/http"
	"testing"
	"time"

	"tradewind.example/plugins/capital/sim"
)

func (w *world) balance() sim.Fen { return w.Report(1).Accounts["one"].Balance }

// spend tells what a step costs.
func (w *world) spend(step func()) sim.Fen {
	before := w.balance()
	step()
	return before - w.balance()
}

func TestWhatThingsCost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	// A month is 132.00, a day 6.60, an hour a 24th of it rounded up.
	cases := []struct {
		reason string
		change args
		after  time.Duration
		want   sim.Fen
	}{
		{"on demand the first hour is charged at once", nil, 0, 28},
		{"then each hour that begins", nil, 3 * time.Hour, 4 * 28},
		{"a month is paid ahead", args{"BillingMethod": "1", "IsToMonth": 0, "IsAutoRenewal": 0}, 29 * 24 * time.Hour, 13200},
		{"a term that is renewed is paid again", args{"BillingMethod": "1", "IsToMonth": 0}, 31 * 24 * time.Hour, 2 * 13200},
		{"a year costs ten months", args{"BillingMethod": "1", "Duration": 12, "IsToMonth": 0}, 0, 132000},
		{"spot is two fifths", args{"BillingMethod": "3"}, time.Hour, 2 * 11},
	}
	for _, c := range cases {
		id := ""
		got := w.spend(func() {
			id = text(w.post(ecs, "CreateInstance", order(n, edgeZone, c.change)), "Data", "EcsIdSet", 0)
			w.advance(c.after)
		})
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.reason, got, c.want)
		}
		w.advance(time.Second)
		w.post(ecs, "DeleteInstance", args{"EcsIds": []string{id}})
		w.advance(time.Second)
		if got := w.spend(func() { w.advance(100 * 24 * time.Hour) }); got != 0 {
			t.Errorf("%s: what is deleted costs %v", c.reason, got)
		}
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	cases := map[string]struct {
		reason string
		change args
		want   string
	}{
		"Default": {"without IsToMonth the term ends with the month", args{"BillingMethod": "1"}, "2026-07-01 00:00:00"},
		"Whole":   {"a whole month", args{"BillingMethod": "1", "IsToMonth": 0}, "2026-07-10 12:00:02"},
		"Year":    {"a year", args{"BillingMethod": "1", "IsToMonth": 0, "Duration": 12}, "2027-06-10 12:00:02"},
		"Demand":  {"on demand has no end", nil, "2099-01-01 00:00:00"},
	}
	for name, c := range cases {
		made := w.post(ecs, "CreateInstance", order(n, edgeZone, c.change))
		got := text(w.get(ecs, "DescribeInstance", args{"EcsId": text(made, "Data", "EcsIdSet", 0)}), "Data", "EndBillTime")
		if got != c.want {
			t.Errorf("%s: %s: ends %s, want %s", name, c.reason, got, c.want)
		}
	}
	id := w.create(n, edgeZone, args{"BillingMethod": "1", "IsAutoRenewal": 0})[0]
	w.advance(31 * 24 * time.Hour)
	if got := w.status(id); got != "shutdown" {
		t.Errorf("what is not renewed is shut down: %s", got)
	}
}

func TestStopWithoutCharges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	id := w.create(n, edgeZone, nil)[0]
	w.post(ecs, "OperateInstance", args{"EcsIds": []string{id}, "OpType": "free_shutdown_ecs"})
	w.advance(time.Hour)
	if got := w.spend(func() { w.advance(10 * time.Hour) }); got != 50 {
		t.Errorf("only the disk is charged, 1.20 a day: %v", got)
	}
	w.post(ecs, "OperateInstance", args{"EcsIds": []string{id}, "OpType": "start_up_ecs"})
	if got := w.spend(func() { w.advance(10 * time.Hour) }); got != 280 {
		t.Errorf("then all of it again: %v", got)
	}
	local := w.create(n, edgeZone, args{"SystemDisk": args{"DiskFeature": "local", "Size": 50}})[0]
	if r := w.try(http.MethodPost, ecs, "OperateInstance", args{"EcsIds": []string{local}, "OpType": "free_shutdown_ecs"}); r.status != 403 {
		t.Errorf("not with local disks: %s", r.raw)
	}
}

func TestResize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	id := w.create(n, edgeZone, nil)[0]
	month := w.create(n, edgeZone, args{"BillingMethod": "1"})[0]
	spot := w.create(n, edgeZone, args{"BillingMethod": "3"})[0]
	to := func(id string, change args) args {
		a := args{"AvailableZoneCode": edgeZone, "EcsFamilyName": fam, "Cpu": 4, "Ram": 8, "EcsIds": []string{id}}
		for k, v := range change {
			a[k] = v
		}
		return a
	}
	if r := w.try(http.MethodPost, ecs, "ChangeInstanceConfigure", to(id, nil)); r.code() != "InvalidOperation.InstanceStatusUnsupported" {
		t.Errorf("it must be shut down: %s", r.raw)
	}
	w.post(ecs, "OperateInstance", args{"EcsIds": []string{id, month, spot}, "OpType": "shutdown_ecs"})
	w.advance(time.Second)
	for name, c := range map[string]struct {
		a    args
		code string
	}{
		"Spot":   {to(spot, nil), "InvalidOperation"},
		"Shrink": {to(month, args{"Cpu": 1, "Ram": 1}), "InvalidOperation"},
		"Zone":   {to(id, args{"AvailableZoneCode": "CN_Suqian_A"}), "InvalidOperation.AzMismatch"},
		"Cards":  {to(id, args{"EcsFamilyName": "极速渲染型re3", "Cpu": 8, "Ram": 16, "Gpu": 1}), "InvalidOperation"},
	} {
		if r := w.try(http.MethodPost, ecs, "ChangeInstanceConfigure", c.a); r.code() != c.code {
			t.Errorf("%s: %s, want %s", name, r.raw, c.code)
		}
	}
	if got := w.spend(func() {
		w.post(ecs, "ChangeInstanceConfigure", to(month, nil))
		w.advance(time.Second)
	}); got != 10800 {
		t.Errorf("growing costs the difference of a month, 216.00-108.00: %v", got)
	}
	row := w.get(ecs, "DescribeInstance", args{"EcsId": month})
	if text(row, "Data", "EcsRule", "CpuNum") != "4" || text(row, "Data", "BillingInfo", "BillingMethod") != "1" {
		t.Errorf("it has grown: %v", row)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	id := w.create(n, edgeZone, nil)[0]
	if !w.PasswordIs(id, password) || w.PasswordIs(id, "other") {
		t.Error("the first password")
	}
	w.post(ecs, "ModifyInstancePassword", args{"EcsIds": []string{id}, "Password": "Another8horse"})
	if got := w.status(id); got != "updating" {
		t.Errorf("meanwhile it is %s", got)
	}
	w.advance(time.Second)
	if !w.PasswordIs(id, "Another8horse") {
		t.Error("the second password")
	}
	name := w.post(ecs, "ModifyInstanceName", args{"EcsId": id, "Name": "新名"})
	if text(name, "Data", "Name") != "新名" {
		t.Errorf("a name changes at once: %v", name)
	}
}

func TestShortBalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	for name, c := range map[string]struct {
		path, action string
		a            args
	}{
		"Instance": {ecs, "CreateInstance", order(n, edgeZone, args{"BillingMethod": "1", "Duration": 36, "Number": 100})},
		"EIP":      {vpcs, "CreateEIP", args{"RegionCode": edge, "AvailableZoneCode": edgeZone, "BandwidthType": "Bandwidth_CMCC", "BillScheme": "BandwIdthMonth", "Qos": 10000, "Size": 1}},
	} {
		if r := w.try(http.MethodPost, c.path, c.action, c.a); r.status != 403 || r.code() != "Balance.Insufficient" {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	if err := w.Recharge("one", 1000); err != nil || w.balance() != 100_010_00 {
		t.Errorf("recharged: %v %v", w.balance(), err)
	}
	if err := w.Recharge("nobody", 1); err == nil {
		t.Error("nobody was recharged")
	}
}

// TestAccountsApart: an account sees nothing of another.
func TestAccountsApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.network(edge, edgeZone)
	id := w.create(n, edgeZone, nil)[0]
	other := *w
	other.key, other.secret = "AKTWO", "SKTWO"
	if r := other.get(ecs, "DescribeInstanceList", nil); text(r, "TotalCount") != "0" {
		t.Errorf("the list of another account: %v", r)
	}
	if r := other.try(http.MethodPost, ecs, "DeleteInstance", args{"EcsIds": []string{id}}); r.status != 404 {
		t.Errorf("a delete by another account: %s", r.raw)
	}
	if r := other.try(http.MethodPost, ecs, "CreateInstance", order(n, edgeZone, nil)); r.code() != "InvalidVpc.NotFound" {
		t.Errorf("a network of another account: %s", r.raw)
	}
}

func TestMonthlyAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// 5 Mbps at 3.31 a day are 331.00 a month; the address itself is charged by the hour.
	id := ""
	if got := w.spend(func() { id = w.eips(edgeZone, args{"BillScheme": "BandwIdthMonth"})[0] }); got != 33102 {
		t.Errorf("a month of bandwidth and an hour of address: %v", got)
	}
	if got := w.spend(func() { w.advance(30 * 24 * time.Hour) }); got != 33100+720*2 {
		t.Errorf("the next month and 720 hours: %v", got)
	}
	w.post(vpcs, "DeleteEIP", args{"EIPId": id})
	if got := w.spend(func() { w.advance(90 * 24 * time.Hour) }); got != 0 {
		t.Errorf("what is deleted costs %v", got)
	}
}
