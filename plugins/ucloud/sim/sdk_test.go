package sim_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ucloud/ucloud-sdk-go/services/uaccount"
	"github.com/ucloud/ucloud-sdk-go/services/ubill"
	"github.com/ucloud/ucloud-sdk-go/services/uhost"
	"github.com/ucloud/ucloud-sdk-go/services/unet"
	"github.com/ucloud/ucloud-sdk-go/ucloud"
)

func (w *world) transport() http.RoundTripper {
	tr := &http.Transport{}
	w.t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func (w *world) unet() *unet.UNetClient {
	c := unet.NewClient(w.sdk())
	c.GetLogger().SetOutput(io.Discard)
	c.SetTransport(w.transport())
	return c
}

func (w *world) ubill() *ubill.UBillClient {
	c := ubill.NewClient(w.sdk())
	c.GetLogger().SetOutput(io.Discard)
	c.SetTransport(w.transport())
	return c
}

func (w *world) uaccount() *uaccount.UAccountClient {
	c := uaccount.NewClient(w.sdk())
	c.GetLogger().SetOutput(io.Discard)
	c.SetTransport(w.transport())
	return c
}

// ok ends the test on an SDK error.
func ok[T any](t *testing.T, reason string) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", reason, err)
		}
		return v
	}
}

func (w *world) host(id string) *uhost.UHostInstanceSet {
	w.t.Helper()
	c := w.uhost()
	r := c.NewDescribeUHostInstanceRequest()
	r.UHostIds = []string{id}
	res, err := c.DescribeUHostInstance(r)
	if err != nil {
		w.t.Fatalf("describing %q: %v", id, err)
	}
	if len(res.UHostSet) == 0 {
		return nil
	}
	return &res.UHostSet[0]
}

func (w *world) state(id string) string {
	w.t.Helper()
	if h := w.host(id); h != nil {
		return h.State
	}
	return "gone"
}

func TestSDKCatalogue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, u := w.uaccount(), w.uhost()

	regions := ok[*uaccount.GetRegionResponse](t, "regions")(a.GetRegion(a.NewGetRegionRequest()))
	if len(regions.Regions) != 5 || regions.Regions[0].Zone != "cn-bj2-04" || !regions.Regions[0].IsDefault {
		t.Errorf("one row per zone, the first default: got %+v", regions.Regions)
	}
	if regions.GetRequestUUID() == "" {
		t.Error("the SDK saw no request UUID")
	}
	projects := ok[*uaccount.GetProjectListResponse](t, "projects")(a.GetProjectList(a.NewGetProjectListRequest()))
	if projects.ProjectCount != 2 || projects.ProjectSet[0].ProjectId != "org-one" || !projects.ProjectSet[0].IsDefault {
		t.Errorf("got projects %+v", projects.ProjectSet)
	}
	r := u.NewDescribeAvailableInstanceTypesRequest()
	r.MachineTypes = []string{"O", "G"}
	types := ok[*uhost.DescribeAvailableInstanceTypesResponse](t, "types")(u.DescribeAvailableInstanceTypes(r))
	if len(types.AvailableInstanceTypes) != 2 || types.AvailableInstanceTypes[1].MachineClass != "GPU" {
		t.Errorf("the filter and the zone leave O and G: got %+v", types.AvailableInstanceTypes)
	}
	images := ok[*uhost.DescribeImageResponse](t, "images")(u.DescribeImage(u.NewDescribeImageRequest()))
	if images.RetCode != 0 || images.TotalCount != 6 || images.ImageSet[0].ImageId != linux {
		t.Errorf("got images %+v", images)
	}
	g := u.NewGenericRequest()
	if err := g.SetPayload(map[string]any{"Action": "DescribeImage", "Region": region, "FuncType": "gpu", "Limit": 100}); err != nil {
		t.Fatal(err)
	}
	res, err := u.GenericInvoke(g)
	if err != nil {
		t.Fatalf("generic images: %v", err)
	}
	if n := res.GetPayload()["TotalCount"]; n != float64(1) {
		t.Errorf("FuncType filters: got %v images", n)
	}
}

func TestSDKPrices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *simConfig) { c.Accounts[0].PricePercent = 90 })
	u, n := w.uhost(), w.unet()
	r := u.NewGetUHostInstancePriceRequest()
	r.CPU, r.Memory, r.Count, r.ImageId = ucloud.Int(2), ucloud.Int(4096), ucloud.Int(2), ucloud.String(linux)
	r.Disks = []uhost.UHostDisk{{IsBoot: ucloud.String("True"), Size: ucloud.Int(40), Type: ucloud.String("CLOUD_SSD")}}
	r.Quantity, r.ShowPriceDetails = ucloud.Int(3), ucloud.Bool(true)
	prices := ok[*uhost.GetUHostInstancePriceResponse](t, "prices")(u.GetUHostInstancePrice(r))
	// One month: 2 cores at 40 yuan, 4 GB at 20, 40 GB at 1 yuan: 200 yuan; 90 % of it is 180.
	// An hour: 0.34 + 0.09 yuan, discounted part by part to 0.31 + 0.08.
	got := map[string][2]any{}
	for _, p := range prices.PriceSet {
		got[p.ChargeType] = [2]any{p.Price, p.OriginalPrice}
	}
	want := map[string][2]any{
		"Year": {10800.0, 12000.0}, "Month": {1080.0, 1200.0}, "Dynamic": {0.78, 0.86},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all charge types, three periods, two hosts (-want +got):\n%s", diff)
	}
	e := n.NewGetEIPPriceRequest()
	e.OperatorName, e.Bandwidth, e.ChargeType = ucloud.String("BGP"), ucloud.Int(7), ucloud.String("Month")
	eips := ok[*unet.GetEIPPriceResponse](t, "EIP price")(n.GetEIPPrice(e))
	if p := eips.PriceSet[0]; p.OriginalPrice != 275.0 || p.Price != 247.5 || p.PurchaseValue != int(epoch().AddDate(0, 1, 0).Unix()) {
		t.Errorf("five cheap Mbps, two dear ones: got %+v", p)
	}
}

func TestPriceEqualsPurchase(t *testing.T) {
	t.Parallel()
	for _, charge := range []string{"Year", "Month", "Dynamic"} {
		for _, quantity := range []string{"0", "1", "2"} {
			if charge == "Year" && quantity == "0" {
				continue
			}
			w := newWorld(t)
			change := map[string]string{"ChargeType": charge, "Quantity": quantity, "Count": "3", "MaxCount": "3"}
			values := rawCreate(change)
			values["Action"] = "GetUHostInstancePrice"
			set, _ := w.form(signed(values))["PriceSet"].([]any)
			row, _ := set[0].(map[string]any)
			if code := retCode(w.form(signed(rawCreate(change)))); code != 0 {
				t.Fatalf("%s %s: RetCode %d", charge, quantity, code)
			}
			spent := w.Report(1).Accounts["one"].Spent
			if got := simFen(row["Price"]); got != spent {
				t.Errorf("%s %s: quoted %v, paid %v", charge, quantity, got, spent)
			}
		}
	}
}

func TestSDKHostLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.uhost()
	created := ok[*uhost.CreateUHostInstanceResponse](t, "create")(u.CreateUHostInstance(createRequest(u, "order-1")))
	id := created.UHostIds[0]
	if len(created.IPs) != 1 || !w.PasswordIs(id, password) {
		t.Errorf("one address and the plain password once decoded: %+v", created)
	}
	expect := func(reason, want string) {
		t.Helper()
		if got := w.state(id); got != want {
			t.Errorf("%s: state %q, want %q", reason, got, want)
		}
	}
	step := func() { mustAdvance(t, w.Cloud, 300*time.Millisecond) }
	expect("just created", "Initializing")
	step()
	expect("after one transition", "Starting")
	step()
	expect("after two", "Running")

	vnc := u.NewGetUHostInstanceVncInfoRequest()
	vnc.UHostId = &id
	if v := ok[*uhost.GetUHostInstanceVncInfoResponse](t, "vnc")(u.GetUHostInstanceVncInfo(vnc)); v.VncIP == "" || v.VncPort == 0 || v.VncPassword == "" {
		t.Errorf("got vnc %+v", v)
	}
	reboot := u.NewRebootUHostInstanceRequest()
	reboot.UHostId = &id
	ok[*uhost.RebootUHostInstanceResponse](t, "reboot")(u.RebootUHostInstance(reboot))
	expect("rebooting", "Rebooting")
	step()
	expect("rebooted", "Running")
	stop := u.NewStopUHostInstanceRequest()
	stop.UHostId = &id
	ok[*uhost.StopUHostInstanceResponse](t, "stop")(u.StopUHostInstance(stop))
	expect("stopping", "Stopping")
	if _, err := u.StopUHostInstance(stop); codeOf(err) != 8905 {
		t.Errorf("stopping twice: %v, want 8905", err)
	}
	step()
	expect("stopped", "Stopped")
	if _, err := u.GetUHostInstanceVncInfo(vnc); codeOf(err) != 8887 {
		t.Errorf("console of a stopped host: %v, want 8887", err)
	}
	start := u.NewStartUHostInstanceRequest()
	start.UHostId = &id
	ok[*uhost.StartUHostInstanceResponse](t, "start")(u.StartUHostInstance(start))
	expect("starting", "Starting")
	step()
	expect("started", "Running")
}

func TestSDKPasswordAndEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u, id := w.uhost(), w.create("end")
	step := func() { mustAdvance(t, w.Cloud, time.Second) }
	step()
	reset := func(plain string) error {
		r := u.NewResetUHostInstancePasswordRequest()
		r.UHostId, r.Password = &id, &plain
		_, err := u.ResetUHostInstancePassword(r)
		return err
	}
	terminate := u.NewTerminateUHostInstanceRequest()
	terminate.UHostId = &id
	if _, err := u.TerminateUHostInstance(terminate); codeOf(err) != 8856 {
		t.Errorf("terminating a running host: %v, want 8856", err)
	}
	if err := reset("New-password-1"); codeOf(err) != 8010 {
		t.Errorf("resetting while running: %v, want 8010", err)
	}
	off := u.NewPoweroffUHostInstanceRequest()
	off.UHostId = &id
	ok[*uhost.PoweroffUHostInstanceResponse](t, "power-off")(u.PoweroffUHostInstance(off))
	step()
	if err := reset("New-password-1"); err != nil || !w.PasswordIs(id, "New-password-1") {
		t.Errorf("resetting: %v", err)
	}
	if err := reset("New-password-2"); codeOf(err) != 8034 {
		t.Errorf("resetting during a reset: %v, want 8034", err)
	}
	step()
	if got := ok[*uhost.TerminateUHostInstanceResponse](t, "terminate")(u.TerminateUHostInstance(terminate)); got.InRecycle != "No" {
		t.Errorf("got %+v", got)
	}
	if got := w.state(id); got != "gone" {
		t.Errorf("terminated: %q", got)
	}
	if _, err := u.TerminateUHostInstance(terminate); codeOf(err) != 8039 {
		t.Errorf("terminating twice: %v, want 8039", err)
	}
}

func TestSDKModify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, u := w.create("before"), w.uhost()
	name := u.NewModifyUHostInstanceNameRequest()
	name.UHostId, name.Name = &id, ucloud.String("renamed")
	ok[*uhost.ModifyUHostInstanceNameResponse](t, "name")(u.ModifyUHostInstanceName(name))
	tag := u.NewModifyUHostInstanceTagRequest()
	tag.UHostId, tag.Tag = &id, ucloud.String("after")
	ok[*uhost.ModifyUHostInstanceTagResponse](t, "tag")(u.ModifyUHostInstanceTag(tag))
	remark := u.NewModifyUHostInstanceRemarkRequest()
	remark.UHostId, remark.Remark = &id, ucloud.String("any text")
	ok[*uhost.ModifyUHostInstanceRemarkResponse](t, "remark")(u.ModifyUHostInstanceRemark(remark))
	h := w.host(id)
	if got := []string{h.Name, h.Tag, h.Remark}; !cmp.Equal(got, []string{"renamed", "after", "any text"}) {
		t.Errorf("got %q", got)
	}
	if n := len(w.tagged("before")); n != 0 {
		t.Errorf("the old tag still finds %d hosts", n)
	}
	if n := len(w.tagged("after")); n != 1 {
		t.Errorf("the new tag finds %d hosts", n)
	}
	tag.Tag = ucloud.String("not a tag")
	if _, err := u.ModifyUHostInstanceTag(tag); codeOf(err) != 230 {
		t.Errorf("a bad tag: %v, want 230", err)
	}
}

// tagged finds hosts as a client looks for its own purchase.
func (w *world) tagged(tag string) []uhost.UHostInstanceSet {
	w.t.Helper()
	c := w.uhost()
	r := c.NewDescribeUHostInstanceRequest()
	r.Tag = &tag
	res, err := c.DescribeUHostInstance(r)
	if err != nil {
		w.t.Fatalf("finding %q: %v", tag, err)
	}
	return res.UHostSet
}

func TestSDKAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, id := w.unet(), w.create("host")
	alloc := n.NewAllocateEIPRequest()
	alloc.OperatorName, alloc.Bandwidth, alloc.Remark = ucloud.String("Bgp"), ucloud.Int(2), ucloud.String("order-9")
	e := ok[*unet.AllocateEIPResponse](t, "allocate")(n.AllocateEIP(alloc)).EIPSet[0].EIPId
	show := func() unet.UnetEIPSet {
		t.Helper()
		r := n.NewDescribeEIPRequest()
		r.EIPIds = []string{e}
		set := ok[*unet.DescribeEIPResponse](t, "describe")(n.DescribeEIP(r)).EIPSet
		if len(set) != 1 {
			t.Fatalf("found %d EIPs", len(set))
		}
		return set[0]
	}
	if got := show(); got.Status != "free" || got.Remark != "order-9" {
		t.Errorf("a new EIP is free and carries its remark: %+v", got)
	}
	unbind := n.NewUnBindEIPRequest()
	unbind.EIPId, unbind.ResourceType, unbind.ResourceId = &e, ucloud.String("uhost"), &id
	if _, err := n.UnBindEIP(unbind); codeOf(err) != 4211 {
		t.Errorf("unbinding a free EIP: %v, want 4211", err)
	}
	bind := n.NewBindEIPRequest()
	bind.EIPId, bind.ResourceType, bind.ResourceId = &e, ucloud.String("UHost"), &id
	ok[*unet.BindEIPResponse](t, "bind")(n.BindEIP(bind))
	if got := show(); got.Status != "free" {
		t.Errorf("the status follows later: %q", got.Status)
	}
	mustAdvance(t, w.Cloud, time.Second)
	if got := show(); got.Status != "used" || got.Resource.ResourceID != id {
		t.Errorf("bound: %+v", got)
	}
	if h := w.host(id); len(h.IPSet) != 2 || h.IPSet[1].IPId != e {
		t.Errorf("the host shows the address: %+v", h.IPSet)
	}
	if _, err := n.BindEIP(bind); codeOf(err) != 4154 {
		t.Errorf("binding twice: %v, want 4154", err)
	}
	release := n.NewReleaseEIPRequest()
	release.EIPId = &e
	if _, err := n.ReleaseEIP(release); codeOf(err) != 4212 {
		t.Errorf("releasing a used EIP: %v, want 4212", err)
	}
	ok[*unet.UnBindEIPResponse](t, "unbind")(n.UnBindEIP(unbind))
	ok[*unet.ReleaseEIPResponse](t, "release")(n.ReleaseEIP(release))
	if _, err := n.ReleaseEIP(release); codeOf(err) != 8039 {
		t.Errorf("releasing a gone EIP: %v, want 8039", err)
	}
	if got := w.Report(10).Bought["eip.remark"]["order-9"]; got.Orders != 1 || got.Resources != 1 {
		t.Errorf("the remark counts purchases: %+v", got)
	}
}

func TestSDKMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u, b := w.uhost(), w.ubill()
	id := w.create("money")
	balance := func() string {
		t.Helper()
		return ok[*ubill.GetBalanceResponse](t, "balance")(b.GetBalance(b.NewGetBalanceRequest())).AccountInfo.Amount
	}
	if got := balance(); got != "99800.00" {
		t.Errorf("a month costs 200 yuan: balance %s", got)
	}
	quote := u.NewGetUHostRenewPriceRequest()
	quote.UHostId, quote.ChargeType = &id, ucloud.String("Month")
	if p := ok[*uhost.GetUHostRenewPriceResponse](t, "renew price")(u.GetUHostRenewPrice(quote)).PriceSet[0]; p.Price != 200 {
		t.Errorf("renew price %v", p.Price)
	}
	before := w.host(id).ExpireTime
	renew := b.NewCreateRenewRequest()
	renew.ResourceId, renew.Quantity = &id, ucloud.Int(2)
	order := ok[*ubill.CreateRenewResponse](t, "renew")(b.CreateRenew(renew)).OrderNo
	if after := w.host(id).ExpireTime; after != int(epoch().AddDate(0, 3, 0).Unix()) || after <= before {
		t.Errorf("two more months: from %d to %d", before, after)
	}
	renew.Quantity = ucloud.Int(0)
	ok[*ubill.CreateRenewResponse](t, "renew to the month's end")(b.CreateRenew(renew))
	if got, want := w.host(id).ExpireTime, time.Date(2026, 9, 30, 16, 0, 0, 0, time.UTC).Unix(); got != int(want) {
		t.Errorf("month end: %d, want %d", got, want)
	}
	// 21 of September's 30 days of 200 yuan.
	if got := balance(); got != "99260.00" {
		t.Errorf("after renewals: balance %s", got)
	}
	mustAdvance(t, w.Cloud, 15*24*time.Hour)
	off := u.NewPoweroffUHostInstanceRequest()
	off.UHostId = &id
	ok[*uhost.PoweroffUHostInstanceResponse](t, "power-off")(u.PoweroffUHostInstance(off))
	mustAdvance(t, w.Cloud, time.Second)
	refund := u.NewGetUHostRefundPriceRequest()
	refund.UHostIds = []string{id, "uhost-none"}
	quoted := ok[*uhost.GetUHostRefundPriceResponse](t, "refund price")(u.GetUHostRefundPrice(refund)).RefundPriceSet
	terminate := u.NewTerminateUHostInstanceRequest()
	terminate.UHostId = &id
	ok[*uhost.TerminateUHostInstanceResponse](t, "terminate")(u.TerminateUHostInstance(terminate))
	if got := w.Report(1).Accounts["one"].Refunded; got != simFen(quoted[0].RefundPrice) || got == 0 {
		t.Errorf("quoted %v, refunded %v", quoted[0].RefundPrice, got)
	}
	if quoted[1].Code != 8039 {
		t.Errorf("an unknown host in a list: %+v", quoted[1])
	}
	list := b.NewListUBillDetailRequest()
	list.BillingCycle, list.ResourceIds = ucloud.String("2026-06"), []string{id}
	items := ok[*ubill.ListUBillDetailResponse](t, "bills")(b.ListUBillDetail(list))
	kinds := []string{}
	for _, i := range items.Items {
		kinds = append(kinds, i.OrderType)
	}
	if diff := cmp.Diff([]string{"OT_BUY", "OT_RENEW", "OT_RENEW", "OT_REFUND"}, kinds); diff != "" {
		t.Errorf("bill items (-want +got):\n%s", diff)
	}
	if items.Items[1].OrderNo != order || items.Items[1].Amount != "400.00" {
		t.Errorf("the renewal's item: %+v", items.Items[1])
	}
	list.BillingCycle = ucloud.String("2026-07")
	if n := ok[*ubill.ListUBillDetailResponse](t, "bills")(b.ListUBillDetail(list)).TotalCount; n != 0 {
		t.Errorf("another month has %d items", n)
	}
}
