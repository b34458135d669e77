package sim_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/baidubce/bce-sdk-go/auth"
	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/model"
	"github.com/baidubce/bce-sdk-go/services/bcc"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"
	"github.com/baidubce/bce-sdk-go/services/billing"
	bceeip "github.com/baidubce/bce-sdk-go/services/eip"
	"github.com/baidubce/bce-sdk-go/services/sts"
	stsapi "github.com/baidubce/bce-sdk-go/services/sts/api"
	bcevpc "github.com/baidubce/bce-sdk-go/services/vpc"
)

// must is an answer of the vendor's SDK, which cannot be an error.
func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("the SDK reports: %v", err)
		}
		return v
	}
}

func done(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("the SDK reports: %v", err)
	}
}

// private gives an SDK client its own connections and takes its retries away:
// the SDK's global transport must not be shared.
func (w *world) private(c *bce.BceClient) {
	tr := &http.Transport{}
	w.t.Cleanup(tr.CloseIdleConnections)
	c.HTTPClient = &http.Client{Transport: tr}
	c.Config.Retry = bce.NewNoRetryPolicy()
}

func (w *world) bcc() *bcc.Client {
	w.t.Helper()
	c := must[*bcc.Client](w.t)(bcc.NewClient(partnerKey, partnerSecret, w.url))
	w.private(c.BceClient)
	return c
}

func monthly() api.Billing {
	return api.Billing{PaymentTiming: api.PaymentTimingPrePaid, Reservation: &api.Reservation{ReservationLength: 1, ReservationTimeUnit: "month"}}
}

// args are fresh for each call: the SDK encrypts the password in place.
func args(token string) *api.CreateInstanceBySpecArgs {
	return &api.CreateInstanceBySpecArgs{
		ImageId: linux, Spec: spec, Name: "web", AdminPass: password, Billing: monthly(), ClientToken: token,
		Tags: []model.TagModel{{TagKey: "order", TagValue: token}},
	}
}

func TestSDKInstances(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.bcc()
	made := must[*api.CreateInstanceBySpecResult](t)(c.CreateInstanceBySpec(args("one")))
	again := must[*api.CreateInstanceBySpecResult](t)(c.CreateInstanceBySpec(args("one")))
	id := made.InstanceIds[0]
	if again.InstanceIds[0] != id || again.OrderId != made.OrderId || made.OrderId == "" {
		t.Errorf("a token buys once: %v, %v", made, again)
	}
	if !w.PasswordIs(id, password) {
		t.Error("the password is the decrypted one")
	}
	w.advance(time.Second)
	got := must[*api.GetInstanceDetailResult](t)(c.GetInstanceDetail(id)).Instance
	if got.Status != api.InstanceStatusRunning || got.CpuCount != 2 || got.MemoryCapacityInGB != 8 || got.PaymentTiming != "Prepaid" ||
		got.ExpireTime != "2026-07-10T04:00:00Z" || got.InternalIP == "" || got.SubnetId == "" || got.Tags[0].TagValue != "one" {
		t.Errorf("detail: %+v", got)
	}
	done(t, c.StopInstance(id, false))
	w.advance(time.Second)
	done(t, c.ModifyInstanceAttribute(id, &api.ModifyInstanceAttributeArgs{Name: "renamed"}))
	done(t, c.ResizeInstanceBySpec(id, &api.ResizeInstanceArgs{Spec: "bcc.g5.c4m16"}))
	w.advance(time.Second)
	done(t, c.StartInstance(id))
	w.advance(time.Second)
	must[*api.BatchOperationResp](t)(c.RebootInstance(id, true))
	w.advance(time.Second)
	must[*api.BatchOperationResp](t)(c.ChangeInstancePass(id, &api.ChangeInstancePassArgs{AdminPass: "Other-passw0rd"}))
	if !w.PasswordIs(id, "Other-passw0rd") {
		t.Error("the password changes")
	}
	w.advance(time.Second)
	if vnc := must[*api.GetInstanceVNCResult](t)(c.GetInstanceVNC(id)); vnc.VNCUrl == "" {
		t.Error("no console")
	}
	renewed := must[*api.InstancePurchaseReservedResult](t)(c.InstancePurchaseReserved(id, &api.PurchaseReservedArgs{Billing: monthly(), ClientToken: "two"}))
	if renewed.OrderId == "" {
		t.Error("a renewal has an order")
	}
	list := must[*api.ListInstanceResult](t)(c.ListInstances(&api.ListInstanceArgs{InstanceNames: "renamed"}))
	if len(list.Instances) != 1 || list.Instances[0].ExpireTime != "2026-08-10T04:00:00Z" || list.Instances[0].Spec != "bcc.g5.c4m16" {
		t.Errorf("list: %+v", list)
	}
	done(t, c.RebuildInstance(id, &api.RebuildInstanceArgs{ImageId: "m-debian12", AdminPass: password}))
	refund := must[*api.BatchRefundResourceResult](t)(c.BatchRefundResource(&api.BatchRefundResourceArg{InstanceIds: []string{id, "i-none"}}))
	if len(refund.FailedInstanceIds) != 1 || refund.FailedInstanceIds[0] != "i-none" {
		t.Errorf("refund: %+v", refund)
	}
}

func TestSDKHourly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.bcc()
	a := args("hour")
	a.Billing = api.Billing{PaymentTiming: api.PaymentTimingPostPaid}
	a.CreateCdsList = []api.CreateCdsModel{{CdsSizeInGB: 50, StorageType: api.StorageTypeEnhancedPl1}}
	a.NetWorkCapacityInMbps = 5
	id := must[*api.CreateInstanceBySpecResult](t)(c.CreateInstanceBySpec(a)).InstanceIds[0]
	w.advance(time.Second)
	got := must[*api.GetInstanceDetailResult](t)(c.GetInstanceDetail(id)).Instance
	if got.PublicIP == "" || got.NetworkCapacityInMbps != 5 || len(got.Volumes) != 1 || got.Volumes[0].Attachments[0].InstanceId != id {
		t.Errorf("detail: %+v", got)
	}
	converted := must[*api.ChangeToPrepaidResponse](t)(c.ChangeToPrepaid(id, &api.ChangeToPrepaidRequest{Duration: 1, RelationCds: true}))
	if converted.OrderId == "" {
		t.Error("the change has an order")
	}
	w.advance(40 * 24 * time.Hour)
	if got := must[*api.GetInstanceDetailResult](t)(c.GetInstanceDetail(id)).Instance.Status; got != api.InstanceStatusExpired {
		t.Errorf("the paid time ended: %v", got)
	}
	done(t, c.DeleteInstanceWithRelateResource(id, &api.DeleteInstanceWithRelateResourceArgs{RelatedReleaseFlag: true}))
	if r := w.Report(10); r.Hosts != 0 || r.EIPs != 0 || r.Volumes != 0 {
		t.Errorf("everything goes along: %+v", r)
	}
}

func TestSDKCatalogue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.bcc()
	if r := must[*api.DescribeRegionsResult](t)(c.DescribeRegions(&api.DescribeRegionsArgs{})); len(r.Regions) != 6 || r.Regions[1].RegionId != "gz" {
		t.Errorf("regions: %+v", r)
	}
	if z := must[*api.ListZoneResult](t)(c.ListZone()); len(z.Zones) != 2 || z.Zones[0].ZoneName != "cn-bj-a" {
		t.Errorf("zones: %+v", z)
	}
	flavors := must[*api.ListFlavorSpecResult](t)(c.ListFlavorSpec(&api.ListFlavorSpecArgs{ZoneName: "cn-bj-a", Specs: spec}))
	if f := flavors.ZoneResources[0].BccResources.FlavorGroups[0].Flavors[0]; f.Spec != spec || f.CpuCount != 2 || f.SpecId != "g5" {
		t.Errorf("flavors: %+v", flavors)
	}
	if s := must[*api.ListSpecResult](t)(c.ListSpec()); len(s.InstanceTypes) == 0 {
		t.Error("no old list")
	}
	if z := must[*api.ListTypeZonesResult](t)(c.ListTypeZones(&api.ListTypeZonesArgs{Spec: "bcc.ic4.c1m1"})); len(z.ZoneNames) != 1 {
		t.Errorf("zones of a specification: %+v", z)
	}
	if s := must[*api.GetAvailableStockWithSpecResults](t)(c.GetAvailableStockWithSpec(&api.GetAvailableStockWithSpecArgs{SpecList: []string{spec}})); len(s.BccStocks) != 2 {
		t.Errorf("stock: %+v", s)
	}
	if s := must[*api.GetStockWithSpecResults](t)(c.GetStockWithSpec(&api.GetStockWithSpecArgs{Spec: spec})); s.BccStocks[0].InventoryQuantity == 0 {
		t.Errorf("stock: %+v", s)
	}
	price := must[*api.GetPriceBySpecResult](t)(c.GetPriceBySpec(&api.GetPriceBySpecArgs{SpecId: "g5", Spec: spec, PaymentTiming: "Prepaid", ZoneName: "cn-bj-a", PurchaseCount: 2, PurchaseLength: 12}))
	if p := price.Price[0].SpecPrices[0]; p.TradePrice != "5040.00" || p.Status != "available" {
		t.Errorf("252 a month, ten months for a year, two machines: %+v", p)
	}
	if m := must[*api.ListImageResult](t)(c.ListImage(&api.ListImageArgs{ImageType: "System"})); len(m.Images) != 4 {
		t.Errorf("images: %+v", m)
	}
	if m := must[*api.GetImageDetailResult](t)(c.GetImageDetail(linux)); m.Image.OsName != "Ubuntu" || m.Image.Status != api.ImageStatusAvailable {
		t.Errorf("image: %+v", m)
	}
	if m := must[*api.GetAvailableImagesBySpecResult](t)(c.GetAvailableImagesBySpec(&api.GetAvailableImagesBySpecArg{Spec: spec, OsName: "Debian"})); len(m.Images) != 1 {
		t.Errorf("images of a specification: %+v", m)
	}
}

func TestSDKErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.bcc()
	_, err := c.GetInstanceDetail("i-none")
	var e *bce.BceServiceError
	if !errors.As(err, &e) || e.Code != "NoSuchObject" || e.StatusCode != 404 || e.RequestId == "" || e.Message == "" {
		t.Errorf("the SDK reads the error body: %v", err)
	}
	wrong := must[*bcc.Client](t)(bcc.NewClient(partnerKey, otherSecret, w.url))
	w.private(wrong.BceClient)
	if _, err := wrong.ListZone(); !errors.As(err, &e) || e.Code != "SignatureDoesNotMatch" {
		t.Errorf("a wrong secret: %v", err)
	}
	twice := args("twice")
	must[*api.CreateInstanceBySpecResult](t)(c.CreateInstanceBySpec(twice))
	twice.ClientToken = ""
	if _, err := c.CreateInstanceBySpec(twice); !errors.As(err, &e) || e.Code != "InappropriateJSON" {
		t.Errorf("a password that was encrypted twice: %v", err)
	}
}

func TestSDKNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := must[*bcevpc.Client](t)(bcevpc.NewClient(partnerKey, partnerSecret, w.url))
	w.private(v.BceClient)
	net := must[*bcevpc.CreateVPCResult](t)(v.CreateVPC(&bcevpc.CreateVPCArgs{Name: "net", Cidr: "10.0.0.0/16", ClientToken: "n"})).VPCID
	part := must[*bcevpc.CreateSubnetResult](t)(v.CreateSubnet(&bcevpc.CreateSubnetArgs{Name: "part", ZoneName: "cn-bj-a", Cidr: "10.0.1.0/24", VpcId: net, SubnetType: "BCC"})).SubnetId
	done(t, v.UpdateVPC(net, &bcevpc.UpdateVPCArgs{Name: "net2"}))
	done(t, v.UpdateSubnet(part, &bcevpc.UpdateSubnetArgs{Name: "part2"}))
	if l := must[*bcevpc.ListVPCResult](t)(v.ListVPC(&bcevpc.ListVPCArgs{})); len(l.VPCs) != 2 || l.VPCs[0].Name != "net2" || !l.VPCs[1].IsDefault {
		t.Errorf("networks: %+v", l)
	}
	if d := must[*bcevpc.GetVPCDetailResult](t)(v.GetVPCDetail(net)); len(d.VPC.Subnets) != 1 || d.VPC.Subnets[0].SubnetId != part {
		t.Errorf("network: %+v", d)
	}
	if l := must[*bcevpc.ListSubnetResult](t)(v.ListSubnets(&bcevpc.ListSubnetArgs{VpcId: net})); len(l.Subnets) != 1 || l.Subnets[0].AvailableIp != 253 {
		t.Errorf("subnets: %+v", l)
	}
	c := w.bcc()
	open := api.SecurityGroupRuleModel{Direction: "ingress", Protocol: "tcp", PortRange: "22", SourceIp: "10.0.0.0/8"}
	g := must[*api.CreateSecurityGroupResult](t)(c.CreateSecurityGroup(&api.CreateSecurityGroupArgs{Name: "ssh", VpcId: net, Rules: []api.SecurityGroupRuleModel{open}})).SecurityGroupId
	web := open
	web.PortRange = "443"
	done(t, c.AuthorizeSecurityGroupRule(g, &api.AuthorizeSecurityGroupArgs{Rule: &web}))
	done(t, c.RevokeSecurityGroupRule(g, &api.RevokeSecurityGroupArgs{Rule: &open}))
	if d := must[*api.GetSecurityGroupDetailResult](t)(c.GetSecurityGroupDetail(g)); len(d.Rules) != 1 || d.Rules[0].PortRange != "443" {
		t.Errorf("group: %+v", d)
	}
	a := args("placed")
	a.SubnetId = part
	id := must[*api.CreateInstanceBySpecResult](t)(c.CreateInstanceBySpec(a)).InstanceIds[0]
	done(t, c.BindSecurityGroup(id, g))
	if l := must[*api.ListSecurityGroupResult](t)(c.ListSecurityGroup(&api.ListSecurityGroupArgs{InstanceId: id})); len(l.SecurityGroups) != 2 {
		t.Errorf("groups of an instance: %+v", l)
	}
	done(t, c.UnBindSecurityGroup(id, g))
	done(t, c.DeleteSecurityGroup(g))
	if err := v.DeleteSubnet(part, ""); err == nil {
		t.Error("a subnet with an instance stays")
	}
}

func TestSDKAddressesAndDisks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := must[*bceeip.Client](t)(bceeip.NewClient(partnerKey, partnerSecret, w.url))
	w.private(e.BceClient)
	hour := &bceeip.Billing{PaymentTiming: "Postpaid", BillingMethod: "ByBandwidth"}
	ip := must[*bceeip.CreateEipResult](t)(e.CreateEip(&bceeip.CreateEipArgs{Name: "front", BandWidthInMbps: 5, Billing: hour, ClientToken: "ip"})).Eip
	again := must[*bceeip.CreateEipResult](t)(e.CreateEip(&bceeip.CreateEipArgs{Name: "front", BandWidthInMbps: 5, Billing: hour, ClientToken: "ip"})).Eip
	if ip != again {
		t.Errorf("a token buys once: %s, %s", ip, again)
	}
	id, _ := w.buy(machine(nil))
	done(t, e.BindEip(ip, &bceeip.BindEipArgs{InstanceType: "BCC", InstanceId: id}))
	w.advance(time.Second)
	list := must[*bceeip.ListEipResult](t)(e.ListEip(&bceeip.ListEipArgs{InstanceId: id}))
	if len(list.EipList) != 1 || list.EipList[0].Status != "binded" || list.EipList[0].InstanceId != id {
		t.Errorf("addresses: %+v", list)
	}
	done(t, e.ResizeEip(ip, &bceeip.ResizeEipArgs{NewBandWidthInMbps: 10}))
	done(t, e.UnBindEip(ip, ""))
	w.advance(time.Second)
	done(t, e.DeleteEip(ip, ""))
	three := must[*bceeip.BatchCreateEipResult](t)(e.BatchCreateEip(&bceeip.BatchCreateEipArgs{Name: "many", BandWidthInMbps: 1, Billing: hour, Count: 3}))
	if len(three.Eips) != 3 {
		t.Errorf("batch: %+v", three)
	}
	month := &bceeip.Billing{PaymentTiming: "Prepaid", BillingMethod: "ByBandwidth", Reservation: &bceeip.Reservation{ReservationLength: 1, ReservationTimeUnit: "Month"}}
	kept := must[*bceeip.CreateEipResult](t)(e.CreateEip(&bceeip.CreateEipArgs{BandWidthInMbps: 5, Billing: month})).Eip
	done(t, e.PurchaseReservedEip(kept, &bceeip.PurchaseReservedEipArgs{Billing: month}))
	done(t, e.RefundEip(kept, ""))

	c := w.bcc()
	disk := must[*api.CreateCDSVolumeResult](t)(c.CreateCDSVolume(&api.CreateCDSVolumeArgs{Name: "data", CdsSizeInGB: 50, StorageType: api.StorageTypeEnhancedPl1, Billing: &api.Billing{PaymentTiming: api.PaymentTimingPostPaid}})).VolumeIds[0]
	w.advance(time.Second)
	must[*api.AttachVolumeResult](t)(c.AttachCDSVolume(disk, &api.AttachVolumeArgs{InstanceId: id}))
	w.advance(time.Second)
	if v := must[*api.GetVolumeDetailResult](t)(c.GetCDSVolumeDetail(disk)); v.Volume.Status != api.VolumeStatusINUSE {
		t.Errorf("disk: %+v", v.Volume)
	}
	done(t, c.DetachCDSVolume(disk, &api.DetachVolumeArgs{InstanceId: id}))
	w.advance(time.Second)
	if l := must[*api.ListCDSVolumeResult](t)(c.ListCDSVolume(&api.ListCDSVolumeArgs{Name: "data"})); len(l.Volumes) != 1 || l.Volumes[0].Status != api.VolumeStatusAVAILABLE {
		t.Errorf("disks: %+v", l)
	}
	done(t, c.DeleteCDSVolume(disk))
}

// What the SDK has no method for is called with its request builder.
func TestSDKReseller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := must[*sts.Client](t)(sts.NewStsClient(partnerKey, partnerSecret, w.url))
	w.private(s.BceClient)
	var token struct{ UserID, SessionToken, Expiration string }
	done(t, bce.NewRequestBuilder(s).WithMethod("POST").WithURL("/v1/signinSecurityToken").WithQueryParam("userId", userOne).WithResult(&token).Do())
	if user, ok := w.RedeemSignIn(token.SessionToken); !ok || user != userOne || token.Expiration != "2026-06-10T04:01:00Z" {
		t.Errorf("sign-in: %q, %v, %q", user, ok, token.Expiration)
	}
	if _, ok := w.RedeemSignIn(token.SessionToken); ok {
		t.Error("a sign-in token is used once")
	}
	role := must[*stsapi.Credential](t)(s.AssumeRole(&stsapi.AssumeRoleArgs{AccountId: "account-two", RoleName: "Admin", DurationSeconds: 3600}))
	c := must[*bcc.Client](t)(bcc.NewClient(role.AccessKeyId, role.SecretAccessKey, w.url))
	w.private(c.BceClient)
	c.Config.Credentials = must[*auth.BceCredentials](t)(auth.NewSessionBceCredentials(role.AccessKeyId, role.SecretAccessKey, role.SessionToken))
	if l := must[*api.ListInstanceResult](t)(c.ListInstances(nil)); len(l.Instances) != 0 {
		t.Errorf("the customer owns nothing: %+v", l)
	}
	var e *bce.BceServiceError
	if _, err := c.CreateInstanceBySpec(args("poor")); !errors.As(err, &e) || e.Code != "InsufficientBalance" {
		t.Errorf("the customer has 5 yuan: %v", err)
	}
	b := must[*billing.Client](t)(billing.NewClient(partnerKey, partnerSecret, w.url))
	w.private(b.BceClient)
	w.buy(machine(nil))
	bill := must[*billing.ResourceMonthBillResponse](t)(b.ResourceMonthBill("2026-06", "", "", "prepay", "BCC", "", 1, 100))
	if bill.TotalCount != 1 || bill.Bills[0].OrderType != "NEW" || bill.Bills[0].InstanceId == "" {
		t.Errorf("bills: %+v", bill)
	}
	items := must[*billing.ResourceChargeItemBillResponse](t)(b.ResourceChargeItemBill(billing.ResourceChargeItemBillRequest{BillMonth: "2026-06"}))
	if items.TotalCount != 1 {
		t.Errorf("charge items: %+v", items)
	}
	if s := must[*billing.ShareBillResponse](t)(b.ShareBill(billing.ShareBillRequest{Month: "2026-06"})); s.TotalCount != 1 {
		t.Errorf("shares: %+v", s)
	}
	if s := must[*billing.ShareBillResponse](t)(b.CostSplitBill(billing.CostSplitBillRequest{Month: "2026-06"})); s.TotalCount != 1 {
		t.Errorf("splits: %+v", s)
	}
}
