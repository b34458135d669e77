package sim_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jdcloud-api/jdcloud-sdk-go/core"
	asset "github.com/jdcloud-api/jdcloud-sdk-go/services/asset/apis"
	assetm "github.com/jdcloud-api/jdcloud-sdk-go/services/asset/models"
	billing "github.com/jdcloud-api/jdcloud-sdk-go/services/billing/apis"
	billingm "github.com/jdcloud-api/jdcloud-sdk-go/services/billing/models"
	chargem "github.com/jdcloud-api/jdcloud-sdk-go/services/charge/models"
	common "github.com/jdcloud-api/jdcloud-sdk-go/services/common/models"
	disk "github.com/jdcloud-api/jdcloud-sdk-go/services/disk/apis"
	diskm "github.com/jdcloud-api/jdcloud-sdk-go/services/disk/models"
	iam "github.com/jdcloud-api/jdcloud-sdk-go/services/iam/apis"
	iamm "github.com/jdcloud-api/jdcloud-sdk-go/services/iam/models"
	order "github.com/jdcloud-api/jdcloud-sdk-go/services/order/apis"
	orderm "github.com/jdcloud-api/jdcloud-sdk-go/services/order/models"
	partnerm "github.com/jdcloud-api/jdcloud-sdk-go/services/partner/models"
	refund "github.com/jdcloud-api/jdcloud-sdk-go/services/refund/apis"
	refundm "github.com/jdcloud-api/jdcloud-sdk-go/services/refund/models"
	renewal "github.com/jdcloud-api/jdcloud-sdk-go/services/renewal/apis"
	renewalm "github.com/jdcloud-api/jdcloud-sdk-go/services/renewal/models"
	tag "github.com/jdcloud-api/jdcloud-sdk-go/services/resourcetag/apis"
	tagm "github.com/jdcloud-api/jdcloud-sdk-go/services/resourcetag/models"
	sms "github.com/jdcloud-api/jdcloud-sdk-go/services/sms/apis"
	sts "github.com/jdcloud-api/jdcloud-sdk-go/services/sts/apis"
	stsm "github.com/jdcloud-api/jdcloud-sdk-go/services/sts/models"
	user "github.com/jdcloud-api/jdcloud-sdk-go/services/user/apis"
	vm "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"
	vmm "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/models"
	vpc "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/apis"
	vpcm "github.com/jdcloud-api/jdcloud-sdk-go/services/vpc/models"

	"tradewind.example/plugins/jdcloud/sim"
)

// raw sends a request with the vendor's own signer and encoder.
func (w *world) raw(service string, req core.RequestInterface) []byte {
	w.t.Helper()
	cfg := core.NewConfig()
	cfg.SetScheme("http")
	cfg.SetEndpoint(strings.TrimPrefix(w.url, "http://") + "/sim/" + service)
	c := core.JDCloudClient{
		Credential: *core.NewCredentials(w.key, w.secret), Config: *cfg, ServiceName: service, Revision: "1.0.0", Logger: core.NewDummyLogger(),
	}
	out, err := c.Send(req, service)
	if err != nil {
		w.t.Fatalf("%s %T: %v", service, req, err)
	}
	return out
}

// do sends a request that must succeed and decodes the answer into the
// vendor's model. A field that the model does not have fails the test.
func do[R any](w *world, service string, req core.RequestInterface) R {
	w.t.Helper()
	text := w.raw(service, req)
	var failed struct {
		Error *core.ErrorResponse `json:"error"`
	}
	if err := json.Unmarshal(text, &failed); err != nil || failed.Error != nil {
		w.t.Fatalf("%s %T: %s", service, req, text)
	}
	var out R
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		w.t.Fatalf("%s %T: %v in %s", service, req, err, text)
	}
	return out
}

func ptr[T any](v T) *T { return &v }

// Every action of the API is called through the vendor's SDK, but for the few
// that the SDK does not have or that never succeed here.
func TestEveryActionThroughTheSDK(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) { c.TransitionMS = -1 })
	s := &sdkWorld{world: w}
	s.networks()
	s.instances()
	s.disks()
	s.images()
	s.addresses()
	s.money()
	s.users()
	s.partners()
	for _, path := range []string{"checkMobile", "sendVerifyCode"} {
		w.ok("partner", "POST", "/v1/regions/cn-north-1/customerManage:"+path, map[string]any{"mobile": "13000000000"})
	}
	counts, never := w.Counts(), []string{"vpc.SetElasticIpStatus", "order.PayOrder", "partner.CreateCustomer"}
	for _, name := range w.ActionNames() {
		_, short, _ := strings.Cut(name, ".")
		if counts[name].OK+counts[short].OK == 0 && !slices.Contains(never, name) {
			t.Errorf("%s was never called with success", name)
		}
	}
}

// sdkWorld carries ids from step to step.
type sdkWorld struct {
	*world
	vpc, subnet, group, instance, prepaid, disk, eip, snapshot, nic string
}

func (s *sdkWorld) networks() {
	v := vpc.NewCreateVpcRequestWithoutParam()
	v.RegionId, v.VpcName, v.AddressPrefix = region, "net", ptr("10.1.0.0/16")
	s.vpc = do[vpc.CreateVpcResponse](s.world, "vpc", v).Result.VpcId
	n := vpc.NewCreateSubnetRequestWithoutParam()
	n.RegionId, n.VpcId, n.SubnetName, n.AddressPrefix = region, s.vpc, "sub", "10.1.0.0/24"
	s.subnet = do[vpc.CreateSubnetResponse](s.world, "vpc", n).Result.SubnetId
	list := vpc.NewDescribeVpcsRequest(region)
	list.Filters = []common.Filter{{Name: "vpcIds", Values: []string{s.vpc, "vpc-none"}}}
	if got := do[vpc.DescribeVpcsResponse](s.world, "vpc", list).Result; got.TotalCount != 1 || len(got.Vpcs[0].Subnets) != 1 {
		s.t.Errorf("vpcs by filter: %+v", got)
	}
	do[vpc.DescribeVpcResponse](s.world, "vpc", vpc.NewDescribeVpcRequest(region, s.vpc))
	do[vpc.DescribeSubnetsResponse](s.world, "vpc", vpc.NewDescribeSubnetsRequest(region))
	do[vpc.DescribeSubnetResponse](s.world, "vpc", vpc.NewDescribeSubnetRequest(region, s.subnet))
	mv := vpc.NewModifyVpcRequest(region, s.vpc)
	mv.Description = ptr("text")
	do[vpc.ModifyVpcResponse](s.world, "vpc", mv)
	ms := vpc.NewModifySubnetRequest(region, s.subnet)
	ms.SubnetName = ptr("sub2")
	do[vpc.ModifySubnetResponse](s.world, "vpc", ms)
	s.groups()
	extra := vpc.NewCreateVpcRequest(region, "extra")
	id := do[vpc.CreateVpcResponse](s.world, "vpc", extra).Result.VpcId
	do[vpc.DeleteVpcResponse](s.world, "vpc", vpc.NewDeleteVpcRequest(region, id))
	more := vpc.NewCreateSubnetRequest(region, s.vpc, "more", "10.1.1.0/24")
	sub := do[vpc.CreateSubnetResponse](s.world, "vpc", more).Result.SubnetId
	do[vpc.DeleteSubnetResponse](s.world, "vpc", vpc.NewDeleteSubnetRequest(region, sub))
	do[vpc.DescribeQuotaResponse](s.world, "vpc", vpc.NewDescribeQuotaRequest(region, "vpc"))
}

func (s *sdkWorld) groups() {
	make := func(name string) string {
		r := vpc.NewCreateNetworkSecurityGroupRequest(region, s.vpc, name)
		return do[vpc.CreateNetworkSecurityGroupResponse](s.world, "vpc", r).Result.NetworkSecurityGroupId
	}
	s.group = make("web")
	add := vpc.NewAddNetworkSecurityGroupRulesRequest(region, s.group, []vpcm.AddSecurityGroupRules{
		{Protocol: 6, Direction: 0, AddressPrefix: "0.0.0.0/0", FromPort: ptr(80), ToPort: ptr(80)},
		{Protocol: 300, Direction: 1, AddressPrefix: "10.0.0.0/8", FromPort: ptr(0), ToPort: ptr(0)},
	})
	rules := do[vpc.AddNetworkSecurityGroupRulesResponse](s.world, "vpc", add).Result.SecurityGroupRules
	if len(rules) != 2 || rules[0].RuleId == "" || rules[0].ToPort != 80 {
		s.t.Fatalf("rules: %+v", rules)
	}
	change := vpc.NewModifyNetworkSecurityGroupRulesRequest(region, s.group, []vpcm.ModifySecurityGroupRules{{RuleId: rules[0].RuleId, ToPort: ptr(90)}})
	do[vpc.ModifyNetworkSecurityGroupRulesResponse](s.world, "vpc", change)
	remove := vpc.NewRemoveNetworkSecurityGroupRulesRequest(region, s.group, []string{rules[1].RuleId})
	do[vpc.RemoveNetworkSecurityGroupRulesResponse](s.world, "vpc", remove)
	got := do[vpc.DescribeNetworkSecurityGroupResponse](s.world, "vpc", vpc.NewDescribeNetworkSecurityGroupRequest(region, s.group)).Result.NetworkSecurityGroup
	if len(got.SecurityGroupRules) != 2 || got.SecurityGroupRules[1].ToPort != 90 || got.NetworkSecurityGroupType != "custom" {
		s.t.Errorf("the group: %+v", got)
	}
	do[vpc.DescribeNetworkSecurityGroupsResponse](s.world, "vpc", vpc.NewDescribeNetworkSecurityGroupsRequest(region))
	rename := vpc.NewModifyNetworkSecurityGroupRequest(region, s.group)
	rename.NetworkSecurityGroupName = ptr("web2")
	do[vpc.ModifyNetworkSecurityGroupResponse](s.world, "vpc", rename)
	do[vpc.DeleteNetworkSecurityGroupResponse](s.world, "vpc", vpc.NewDeleteNetworkSecurityGroupRequest(region, make("gone")))
}

func (s *sdkWorld) order(charge *chargem.ChargeSpec) string {
	spec := vmm.InstanceSpec{
		Az: ptr(zone), InstanceType: ptr(flavor), ImageId: ptr(linux), Name: "web", Password: ptr(password), Charge: charge,
		PrimaryNetworkInterface: &vmm.InstanceNetworkInterfaceAttachmentSpec{NetworkInterface: &vmm.NetworkInterfaceSpec{
			SubnetId: s.subnet, SecurityGroups: []string{s.group},
		}},
		SystemDisk: &vmm.InstanceDiskAttachmentSpec{DiskCategory: ptr("cloud"), CloudDiskSpec: &diskm.DiskSpec{DiskType: "ssd.gp1", DiskSizeGB: 40}},
		DataDisks: []vmm.InstanceDiskAttachmentSpec{{
			DiskCategory: ptr("cloud"), CloudDiskSpec: &diskm.DiskSpec{Az: zone, Name: "data", DiskType: "ssd.gp1", DiskSizeGB: 100},
		}},
		UserTags: []diskm.Tag{{Key: ptr("order"), Value: ptr("o-1")}},
	}
	r := vm.NewCreateInstancesRequest(region, &spec)
	return do[vm.CreateInstancesResponse](s.world, "vm", r).Result.InstanceIds[0]
}

func (s *sdkWorld) instances() {
	s.instance = s.order(nil)
	s.prepaid = s.order(&chargem.ChargeSpec{ChargeMode: ptr("prepaid_by_duration"), ChargeUnit: ptr("month"), ChargeDuration: ptr(2)})
	one := do[vm.DescribeInstanceResponse](s.world, "vm", vm.NewDescribeInstanceRequest(region, s.prepaid)).Result.Instance
	if one.Status != "running" || one.Charge.ChargeExpiredTime != "2026-08-10T04:00:00Z" || one.SystemDisk.CloudDisk.DiskSizeGB != 40 ||
		len(one.DataDisks) != 1 || one.PrimaryNetworkInterface.NetworkInterface.SecurityGroups[0].GroupId != s.group || one.OsType != "linux" {
		s.t.Errorf("the instance: %+v", one)
	}
	s.nic = one.PrimaryNetworkInterface.NetworkInterface.NetworkInterfaceId
	list := vm.NewDescribeInstancesRequest(region)
	list.Filters = []common.Filter{{Name: "instanceId", Values: []string{s.instance, s.prepaid}}, {Name: "status", Operator: ptr("eq"), Values: []string{"running"}}}
	list.Tags = []vmm.TagFilter{{Key: ptr("order"), Values: []string{"o-1"}}}
	if got := do[vm.DescribeInstancesResponse](s.world, "vm", list).Result; got.TotalCount != 2 {
		s.t.Errorf("instances by filters and tag: %d", got.TotalCount)
	}
	do[vm.DescribeBriefInstancesResponse](s.world, "vm", vm.NewDescribeBriefInstancesRequest(region))
	do[vm.DescribeInstanceStatusResponse](s.world, "vm", vm.NewDescribeInstanceStatusRequest(region))
	if got := do[vm.DescribeInstanceTypesResponse](s.world, "vm", vm.NewDescribeInstanceTypesRequest(region)).Result; got.TotalCount < 20 || len(got.InstanceTypes[0].State) != 3 {
		s.t.Errorf("instance types: %d", got.TotalCount)
	}
	do[vm.DescribeQuotasResponse](s.world, "vm", vm.NewDescribeQuotasRequest(region))
	if got := do[vm.DescribeInstanceVncUrlResponse](s.world, "vm", vm.NewDescribeInstanceVncUrlRequest(region, s.instance)).Result; got.VncUrl == "" {
		s.t.Error("no console")
	}
	do[vm.RebootInstanceResponse](s.world, "vm", vm.NewRebootInstanceRequest(region, s.instance))
	do[vm.StopInstanceResponse](s.world, "vm", vm.NewStopInstanceRequest(region, s.instance))
	do[vm.ModifyInstancePasswordResponse](s.world, "vm", vm.NewModifyInstancePasswordRequest(region, s.instance, "Other-horse-9"))
	do[vm.ResizeInstanceResponse](s.world, "vm", vm.NewResizeInstanceRequest(region, s.instance, "c.n2.large"))
	do[vm.RebuildInstanceResponse](s.world, "vm", vm.NewRebuildInstanceRequest(region, s.instance))
	rename := vm.NewModifyInstanceAttributeRequest(region, s.instance)
	rename.Name = ptr("renamed")
	do[vm.ModifyInstanceAttributeResponse](s.world, "vm", rename)
	s.keypairs()
	do[vm.StartInstanceResponse](s.world, "vm", vm.NewStartInstanceRequest(region, s.instance))
	do[vm.DeleteInstanceResponse](s.world, "vm", vm.NewDeleteInstanceRequest(region, s.order(nil)))
}

func (s *sdkWorld) keypairs() {
	if k := do[vm.CreateKeypairResponse](s.world, "vm", vm.NewCreateKeypairRequest(region, "key1")).Result; !strings.Contains(k.PrivateKey, "PRIVATE KEY") {
		s.t.Error("no private key")
	}
	do[vm.ImportKeypairResponse](s.world, "vm", vm.NewImportKeypairRequest(region, "key2", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== x"))
	attach := vm.NewAttachKeypairRequest(region, "key1", []string{s.instance, "i-none"}, "yes")
	if got := do[vm.AttachKeypairResponse](s.world, "vm", attach).Result; len(got.SuccessInstanceId) != 1 || len(got.FailInstanceId) != 1 {
		s.t.Errorf("attached: %+v", got)
	}
	if got := do[vm.DescribeKeypairsResponse](s.world, "vm", vm.NewDescribeKeypairsRequest(region)).Result; got.TotalCount != 2 || len(got.Keypairs[0].InstanceIds) != 1 {
		s.t.Errorf("key pairs: %+v", got)
	}
	do[vm.DetachKeypairResponse](s.world, "vm", vm.NewDetachKeypairRequest(region, "key1", []string{s.instance}))
	do[vm.DeleteKeypairResponse](s.world, "vm", vm.NewDeleteKeypairRequest(region, "key1"))
}

func (s *sdkWorld) disks() {
	spec := diskm.DiskSpec{Az: zone, Name: "vol", DiskType: "ssd.gp1", DiskSizeGB: 100}
	make := func(token string) string {
		return do[disk.CreateDisksResponse](s.world, "disk", disk.NewCreateDisksRequest(region, &spec, 1, token)).Result.DiskIds[0]
	}
	s.disk = make("t-1")
	if make("t-1") != s.disk {
		s.t.Error("the same token made another disk")
	}
	do[disk.DescribeDisksResponse](s.world, "disk", disk.NewDescribeDisksRequest(region))
	do[vm.AttachDiskResponse](s.world, "vm", vm.NewAttachDiskRequest(region, s.instance, s.disk))
	if got := do[disk.DescribeDiskResponse](s.world, "disk", disk.NewDescribeDiskRequest(region, s.disk)).Result.Disk; got.Status != "in-use" || len(got.Attachments) != 1 {
		s.t.Errorf("attached: %+v", got)
	}
	do[disk.ExtendDiskResponse](s.world, "disk", disk.NewExtendDiskRequest(region, s.disk, 200))
	do[vm.DetachDiskResponse](s.world, "vm", vm.NewDetachDiskRequest(region, s.instance, s.disk))
	rename := disk.NewModifyDiskAttributeRequest(region, s.disk)
	rename.Name = ptr("vol2")
	do[disk.ModifyDiskAttributeResponse](s.world, "disk", rename)
	snap := disk.NewCreateSnapshotRequest(region, &diskm.SnapshotSpec{Name: "snap", DiskId: s.disk}, "t-2")
	s.snapshot = do[disk.CreateSnapshotResponse](s.world, "disk", snap).Result.SnapshotId
	do[disk.DescribeSnapshotsResponse](s.world, "disk", disk.NewDescribeSnapshotsRequest(region))
	do[disk.DescribeSnapshotResponse](s.world, "disk", disk.NewDescribeSnapshotRequest(region, s.snapshot))
	sr := disk.NewModifySnapshotAttributeRequest(region, s.snapshot)
	sr.Name = ptr("snap2")
	do[disk.ModifySnapshotAttributeResponse](s.world, "disk", sr)
	do[disk.RestoreDiskResponse](s.world, "disk", disk.NewRestoreDiskRequest(region, s.disk, s.snapshot))
	bin := disk.NewDeleteDiskRequest(region, s.disk)
	bin.PutInRecycleBin = ptr(true)
	do[disk.DeleteDiskResponse](s.world, "disk", bin)
	do[disk.RecoverDiskResponse](s.world, "disk", disk.NewRecoverDiskRequest(region, s.disk))
	do[disk.DescribeQuotaResponse](s.world, "disk", disk.NewDescribeQuotaRequest(region, "disk"))
}

func (s *sdkWorld) images() {
	list := vm.NewDescribeImagesRequest(region)
	list.Ids = []string{linux, "img-none"}
	if got := do[vm.DescribeImagesResponse](s.world, "vm", list).Result; got.TotalCount != 1 || got.Images[0].OsType != "linux" {
		s.t.Errorf("images by id: %+v", got)
	}
	do[vm.DescribeImageResponse](s.world, "vm", vm.NewDescribeImageRequest(region, linux))
	id := do[vm.CreateImageResponse](s.world, "vm", vm.NewCreateImageRequest(region, s.instance, "mine")).Result.ImageId
	do[vm.ExportImageResponse](s.world, "vm", vm.NewExportImageRequest(region, id, "role", "https://oss.example/bucket"))
	do[vm.DeleteImageResponse](s.world, "vm", vm.NewDeleteImageRequest(region, id))
	from := vm.NewCreateImageFromSnapshotsRequestWithoutParam()
	from.RegionId, from.Name, from.Platform, from.Architecture, from.BootMode = region, "snapped", "Ubuntu", "x86_64", "bios"
	from.CloudDisks, from.ClientToken = []vmm.CloudDiskSpec{{SnapshotId: ptr(s.snapshot)}}, ptr("t-3")
	first := do[vm.CreateImageFromSnapshotsResponse](s.world, "vm", from).Result.ImageId
	if again := do[vm.CreateImageFromSnapshotsResponse](s.world, "vm", from).Result.ImageId; again != first {
		s.t.Error("the same token made another image")
	}
	in := vm.NewImportImageRequestWithoutParam()
	in.RegionId, in.Architecture, in.OsType, in.Platform, in.DiskFormat = region, "x86_64", "linux", "Ubuntu", "qcow2"
	in.SystemDiskSizeGB, in.ImageUrl, in.ImageName = 40, "https://oss.example/image", "imported"
	do[vm.ImportImageResponse](s.world, "vm", in)
	do[disk.DeleteSnapshotResponse](s.world, "disk", disk.NewDeleteSnapshotRequest(region, s.snapshot))
}

func (s *sdkWorld) addresses() {
	r := vpc.NewCreateElasticIpsRequest(region, 2, &vpcm.ElasticIpSpec{BandwidthMbps: 5, Provider: "bgp"})
	ids := do[vpc.CreateElasticIpsResponse](s.world, "vpc", r).Result.ElasticIpIds
	s.eip = ids[0]
	do[vm.AssociateElasticIpResponse](s.world, "vm", vm.NewAssociateElasticIpRequest(region, s.instance, s.eip))
	got := do[vpc.DescribeElasticIpResponse](s.world, "vpc", vpc.NewDescribeElasticIpRequest(region, s.eip)).Result.ElasticIp
	if got.Status != "ASSOCIATED" || got.InstanceId != s.instance || got.InstanceType != "compute" || got.State != "UP" {
		s.t.Errorf("bound: %+v", got)
	}
	do[vm.DisassociateElasticIpResponse](s.world, "vm", vm.NewDisassociateElasticIpRequest(region, s.instance, s.eip))
	bind := vpc.NewAssociateElasticIpRequest(region, s.nic)
	bind.ElasticIpId = ptr(s.eip)
	do[vpc.AssociateElasticIpResponse](s.world, "vpc", bind)
	free := vpc.NewDisassociateElasticIpRequest(region, s.nic)
	free.ElasticIpAddress = ptr(got.ElasticIpAddress)
	do[vpc.DisassociateElasticIpResponse](s.world, "vpc", free)
	do[vpc.ModifyElasticIpResponse](s.world, "vpc", vpc.NewModifyElasticIpRequest(region, s.eip, 10))
	list := vpc.NewDescribeElasticIpsRequest(region)
	list.Filters = []common.Filter{{Name: "status", Values: []string{"NOT_ASSOCIATED"}}}
	if got := do[vpc.DescribeElasticIpsResponse](s.world, "vpc", list).Result; got.TotalCount != 2 {
		s.t.Errorf("free addresses: %d", got.TotalCount)
	}
	marked := do[tag.TagResourcesResponse](s.world, "resourcetag", tag.NewTagResourcesRequest(region, &tagm.TagResourcesReqVo{
		Resources: []tagm.ResourcesMap{{ServiceCode: "ip", ResourceId: []string{s.eip, "fip-none"}}}, Tags: []tagm.Tag{{Key: "order", Value: "o-1"}},
	})).Result.Data
	if marked.SuccessCount != 1 || len(marked.FailedResourcesMap) != 1 || marked.FailedResourcesMap[0].ResourceId != "fip-none" {
		s.t.Errorf("tags of addresses: %+v", marked)
	}
	do[vpc.DeleteElasticIpResponse](s.world, "vpc", vpc.NewDeleteElasticIpRequest(region, ids[1]))
	do[vpc.DescribeNetworkInterfacesResponse](s.world, "vpc", vpc.NewDescribeNetworkInterfacesRequest(region))
	change := vpc.NewModifyNetworkInterfaceRequest(region, s.nic)
	change.SecurityGroups = []string{s.group}
	do[vpc.ModifyNetworkInterfaceResponse](s.world, "vpc", change)
	do[vpc.DescribeNetworkInterfaceResponse](s.world, "vpc", vpc.NewDescribeNetworkInterfaceRequest(region, s.nic))
}

func (s *sdkWorld) money() {
	price := billing.NewCalculateTotalPriceRequest(region, 1, 1)
	price.OrderList = []billingm.OrderPriceProtocol{{
		AppCode: ptr("jcloud"), ServiceCode: ptr("vm"), BillingType: ptr(3), TimeSpan: ptr(2), TimeUnit: ptr(3), Formula: []billingm.Formula{
			{Key: ptr(flavor), Value: ptr(1.0), Number: ptr(1.0)}, {Key: ptr("ssd.gp1"), Value: ptr(40.0), Number: ptr(1.0)},
		},
	}}
	quote := do[billing.CalculateTotalPriceResponse](s.world, "billing", price).Result
	if quote.DiscountedTotalPrice != 560 { // 2 × (2×42 + 8×21 + 40×0.70)
		s.t.Errorf("the price: %v", quote.DiscountedTotalPrice)
	}
	q := orderm.ListOrderRequest{OrderType: ptr("NEW"), PageNumber: ptr(1), PageSize: ptr(10)}
	ask := order.NewQueryOrdersRequest(region)
	ask.QueryVo = &q
	orders := do[order.QueryOrdersResponse](s.world, "order", ask).Result
	if orders.TotalCount != 1 || orders.ResultList[0].TotalFee != 560+140 {
		s.t.Fatalf("orders: %+v", orders)
	}
	one := order.NewQueryOrderRequest(region, orders.ResultList[0].OrderNumber)
	one.IncludeDetail = ptr(true)
	detail := do[order.QueryOrderResponse](s.world, "order", one).Result.Data
	if len(detail.OrderItemDetails) != 2 || detail.OrderItemDetails[0].ItemId != s.prepaid {
		s.t.Errorf("the order names its resources: %+v", detail)
	}
	renew := renewalm.RenewInstanceParam{AppCode: "jcloud", ServiceCode: "vm", TimeSpan: 1, TimeUnit: "MONTH", InstanceIds: s.prepaid, AutoPay: ptr(true)}
	if n := do[renewal.RenewInstanceResponse](s.world, "renewal", renewal.NewRenewInstanceRequest(region, &renew)).Result.OrderNumber; n == "" {
		s.t.Error("no order of the renewal")
	}
	auto := renewalm.SetRenewalParam{AppCode: "jcloud", ServiceCode: "vm", InstanceIds: s.prepaid, AutoRenewStatus: "OPEN"}
	do[renewal.SetRenewalResponse](s.world, "renewal", renewal.NewSetRenewalRequest(region, &auto))
	renewals := renewalm.QueryInstanceParam{AppCode: "jcloud", ServiceCode: "vm"}
	list := do[renewal.QueryInstanceResponse](s.world, "renewal", renewal.NewQueryInstanceRequest(region, &renewals)).Result
	if list.TotalCount != 1 || list.ListQueries[0].AutoRenewStatus != "AUTO" || list.ListQueries[0].ExpireTime != "2026-09-10 12:00:00" {
		s.t.Errorf("renewals: %+v", list)
	}
	s.advance(time.Hour)
	give := refund.NewSubmitResourceRefundRequest(region)
	give.JsonBody = &refundm.ResourceRefundReq{ResourceId: s.prepaid}
	back := do[refund.SubmitResourceRefundResponse](s.world, "refund", give).Result
	if !back.Success {
		s.t.Errorf("the refund: %+v", back)
	}
	status := refund.NewDescirbeRefundStatusRequest(region, "pin-one")
	if got := do[refund.DescirbeRefundStatusResponse](s.world, "refund", status).Result; len(got.Data) != 1 || got.Data[0].RefundAmount == "" {
		s.t.Errorf("refunds: %+v", got)
	}
	bills := billing.NewDescribeBillSummarysRequest(region, "2026-06-01 00:00:00", "2026-06-30 23:59:59")
	if got := do[billing.DescribeBillSummarysResponse](s.world, "billing", bills).Result; got.Pagination.NumberRecords == 0 {
		s.t.Error("no bills")
	}
	do[billing.DescribeBillDetailsResponse](s.world, "billing", billing.NewDescribeBillDetailsRequest(region, "2026-06-01 00:00:00", "2026-06-30 23:59:59"))
	if got := do[asset.DescribeAccountAmountResponse](s.world, "asset", asset.NewDescribeAccountAmountRequest(region)).Result; got.AvailableAmount != s.Report(1).Accounts["one"].Balance.String() {
		s.t.Errorf("balance: %+v", got)
	}
	warn := asset.NewModifyBalanceWarningInfoRequest(region, &assetm.BalanceWarningInfoVo{Status: ptr("1"), Threshold: ptr("100")})
	do[asset.ModifyBalanceWarningInfoResponse](s.world, "asset", warn)
}

func (s *sdkWorld) users() {
	info := iamm.CreateSubUserInfo{Name: "worker", Password: "Correct7horse", Phone: ptr("86-13000000000"), CreateAk: ptr(true)}
	made := do[iam.CreateSubUserResponse](s.world, "iam", iam.NewCreateSubUserRequest(&info)).Result.SubUser
	do[iam.AttachSubUserPolicyResponse](s.world, "iam", iam.NewAttachSubUserPolicyRequest("worker", "JDCloudVMRead"))
	find := iam.NewDescribeSubUsersRequest()
	find.Phone = ptr("86-13000000000")
	if got := do[iam.DescribeSubUsersResponse](s.world, "iam", find).Result; got.Total != 1 || got.SubUsers[0].Name != "worker" {
		s.t.Errorf("sub users by phone: %+v", got)
	}
	do[iam.DescribeSubUserResponse](s.world, "iam", iam.NewDescribeSubUserRequest("worker"))
	do[iam.UpdateSubUserResponse](s.world, "iam", iam.NewUpdateSubUserRequest("worker", &iamm.UpdateSubUserInfo{NickName: ptr("nick")}))
	do[iam.AddPermissionsToSubUserResponse](s.world, "iam", iam.NewAddPermissionsToSubUserRequest(region, "worker", &iamm.AddPermissionsInfo{PermissionIds: []int{7}}))
	do[iam.DescribePoliciesResponse](s.world, "iam", iam.NewDescribePoliciesRequest())
	who := iam.NewDescribeUserPinRequest(region)
	who.AccessKey = ptr(key)
	if got := do[iam.DescribeUserPinResponse](s.world, "iam", who).Result; got.Pin != "pin-one" {
		s.t.Errorf("pin: %+v", got)
	}
	as := &world{Cloud: s.Cloud, url: s.url, t: s.t, key: made.AccessKey, secret: made.SecretAccessKey}
	if got := do[user.DescribeUserResponse](as, "user", user.NewDescribeUserRequest()).Result; got.LoginName != "worker" || got.Pin != "pin-one" {
		s.t.Errorf("the sub user: %+v", got)
	}
	if got := do[user.CreateTicketResponse](as, "user", user.NewCreateTicketRequest()).Result; got.Ticket == "" {
		s.t.Error("no ticket")
	}
	do[iam.DetachSubUserPolicyResponse](s.world, "iam", iam.NewDetachSubUserPolicyRequest("worker", "JDCloudVMRead"))
	do[iam.DeleteSubUserResponse](s.world, "iam", iam.NewDeleteSubUserRequest("worker"))
	as.refused("UNAUTHENTICATED", "user", "GET", "/v1/describeUser", nil)
	s.roles()
}

func (s *sdkWorld) roles() {
	role := do[iam.CreateRoleResponse](s.world, "iam", iam.NewCreateRoleRequest(&iamm.CreateRoleInfo{RoleName: "helper", Type: 3, AssumeRolePolicyDocument: "{}"})).Result.RoleInfo
	do[iam.DescribeRoleResponse](s.world, "iam", iam.NewDescribeRoleRequest("helper"))
	c := do[sts.AssumeRoleResponse](s.world, "sts", sts.NewAssumeRoleRequest(&stsm.AssumeRoleInfo{RoleJrn: role.Jrn, RoleSessionName: "session"})).Result.Credentials
	as := &world{Cloud: s.Cloud, url: s.url, t: s.t, key: c.AccessKey, secret: c.SecretKey}
	as.refused("UNAUTHENTICATED", "vm", "GET", vmPath, nil)
	list := vm.NewDescribeInstancesRequest(region)
	list.AddHeader("x-jdcloud-security-token", c.SessionToken)
	do[vm.DescribeInstancesResponse](as, "vm", list)
	s.advance(2 * time.Hour)
	if text := as.raw("vm", list); !bytes.Contains(text, []byte("UNAUTHENTICATED")) {
		s.t.Errorf("the token expires: %s", text)
	}
	do[sms.BatchSendResponse](s.world, "sms", sms.NewBatchSendRequestWithAllParams(region, "t", "s", []string{"13000000009"}, []string{"123456"}))
}

// partners calls without the vendor's requests: its partner package does not
// compile at this version. The vendor's models are held against the answers.
func (s *sdkWorld) partners() {
	const at = "/v1/regions/cn-north-1/"
	days := "?startTime=2026%2F06%2F01&endTime=2026%2F06%2F30&pageSize=10&pageIndex=1"
	fits[partnerm.Customer](s.ok("partner", "POST", at+"customerManage:queryMyCustomerList", nil).list("result"), s.t)
	fits[partnerm.PartnerUserDTO](s.ok("partner", "GET", at+"getPartnerUserList", nil).list("partnerUserDTOList"), s.t)
	bills := s.ok("partner", "POST", at+"describePartnerBills", map[string]any{"billDate": "2026-06"})
	fits[partnerm.PinBill](bills.list("pinBills"), s.t)
	fits[partnerm.ProductBill](bills.list("productBills"), s.t)
	fits[partnerm.SummaryBill](s.ok("partner", "GET", at+"accountingBill:getEachConsumption"+days, nil).list("result"), s.t)
	fits[partnerm.SummaryBill](s.ok("partner", "GET", at+"accountingBill:getTotalConsumption"+days, nil).list("result"), s.t)
	byProduct := s.ok("partner", "GET", at+"accountingBill:describeCustomerBillByProduct?startTime=2026-06-01&endTime=2026-06-30&pageSize=10&pageIndex=1", nil)
	fits[partnerm.ServiceCodeBill](byProduct.list("result"), s.t)
}

// fits holds rows against a model of the vendor.
func fits[M any](rows []any, t testing.TB) {
	t.Helper()
	for _, r := range rows {
		text, _ := json.Marshal(r)
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		var m M
		if err := d.Decode(&m); err != nil {
			t.Errorf("%T: %v in %s", m, err, text)
		}
	}
}
