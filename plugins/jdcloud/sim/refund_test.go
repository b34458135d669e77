package sim_test

import (
	"fmt"
	"testing"
	"time"
)

// refund asks for a refund and returns what the result says.
func (w *world) refund(id string) string {
	w.t.Helper()
	r := w.ok("refund", "POST", refundPath, map[string]any{"jsonBody": map[string]any{"resourceId": id}})
	return fmt.Sprint(r.Result["success"], " ", r.Result["code"])
}

func TestRefundsOfDisksAndAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := w.running(nil)
	disk := w.disk("t", map[string]any{"charge": monthly}).first("diskIds")
	eip := w.ok("vpc", "POST", vpcBase+"elasticIps/", map[string]any{
		"maxCount": 1, "elasticIpSpec": map[string]any{"bandwidthMbps": 5, "provider": "bgp", "chargeSpec": monthly},
	}).first("elasticIpIds")
	if got := w.books().Spent; got != 70_00+115_00 {
		t.Fatalf("spent %v, want 185.00", got)
	}
	if got := w.refund(disk); got != "false 400" {
		t.Errorf("a disk that is being created: %s", got)
	}
	w.advance(time.Second)
	w.ok("vm", "POST", vmPath+"/"+host+":associateElasticIp", map[string]any{"elasticIpId": eip})
	w.advance(time.Second)
	w.refused("FAILED_PRECONDITION", "disk", "DELETE", diskPath+"/"+disk, nil)
	for id, want := range map[string]string{disk: "true 200", eip: "false 400", "none": "false 404", host: "false 400"} {
		if got := w.refund(id); got != want {
			t.Errorf("refund of %s: %s, want %s", id, got, want)
		}
	}
	w.ok("vm", "POST", vmPath+"/"+host+":disassociateElasticIp", map[string]any{"elasticIpId": eip})
	w.advance(time.Second)
	w.refused("FAILED_PRECONDITION", "vpc", "DELETE", vpcBase+"elasticIps/"+eip, nil)
	if got := w.refund(eip); got != "true 200" {
		t.Errorf("a free address: %s", got)
	}
	w.advance(time.Second)
	if r := w.Report(1); r.EIPs != 0 || r.Disks != 1 { // the instance's system disk
		t.Errorf("%d addresses and %d disks are left", r.EIPs, r.Disks)
	}
}

func TestPricesOfChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.running(map[string]any{"charge": monthly})
	price := func(cmd int, formula []any) string {
		one := map[string]any{"serviceCode": "vm", "billingType": 3, "timeSpan": 2, "timeUnit": 3, "resourceId": id, "formula": formula}
		r := w.ok("billing", "POST", "/v1/regions/cn-north-1/calculateTotalPrice", map[string]any{"cmd": cmd, "packageCount": 1, "orderList": []any{one}})
		return fmt.Sprint(r.Result["discountedTotalPrice"])
	}
	if got := price(2, nil); got != "560" {
		t.Errorf("a renewal of two months: %s", got)
	}
	w.advance(15*24*time.Hour - time.Second)
	bigger := append(formula("g.n2.xlarge", 1), formula("ssd.gp1", 40)...)
	if got := price(3, bigger); got != "126" {
		t.Errorf("a resize for half a month: %s", got)
	}
	if got := price(3, formula("g.n2.medium", 1)); got != "0" {
		t.Errorf("a smaller machine gives nothing back: %s", got)
	}
}

func TestOrdersAreOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(map[string]any{"charge": monthly})
	list := w.ok("order", "POST", ordersPath, map[string]any{"queryVo": map[string]any{"payType": "PRE_PAID"}})
	first, _ := list.list("resultList")[0].(map[string]any)
	number, _ := first["orderNumber"].(string)
	one := "/v2/regions/cn-north-1/order/" + number
	w.refused("FAILED_PRECONDITION", "order", "POST", one+":pay", map[string]any{"autoPay": true})
	w.refused("NOT_FOUND", "order", "GET", "/v2/regions/cn-north-1/order/1", nil)
	two := &world{Cloud: w.Cloud, url: w.url, t: t, key: "access-two", secret: "secret-two"}
	two.refused("NOT_FOUND", "order", "GET", one, nil)
	if got := len(w.ok("order", "POST", ordersPath, map[string]any{"queryVo": map[string]any{"payType": "POST_PAID"}}).list("resultList")); got != 0 {
		t.Errorf("%d orders to be paid afterwards", got)
	}
}

func TestInterfacesByFilter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.running(nil)
	w.running(nil)
	for query, want := range map[string]int{
		"instanceId&filters.1.values.1=" + id:                   1,
		"instanceId&filters.1.values.1=i-none":                  0,
		"role&filters.1.values.1=Primary":                       2,
		"securityGroupId&filters.1.values.1=sg-none":            0,
		"role&filters.1.operator=ne&filters.1.values.1=Primary": 0,
	} {
		if got := len(w.ok("vpc", "GET", vpcBase+"networkInterfaces/?filters.1.name="+query, nil).list("networkInterfaces")); got != want {
			t.Errorf("%s: %d interfaces, want %d", query, got, want)
		}
	}
}
