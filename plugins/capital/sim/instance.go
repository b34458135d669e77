package sim

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// The states of an instance that the simulator uses.
const (
	insBuilding   = "building"
	insRunning    = "running"
	insRestarting = "restarting"
	insStopping   = "shutting_down"
	insStopped    = "shutdown"
	insStarting   = "starting_up"
	insDeleting   = "deleting"
	insUpdating   = "updating"
	insFailed     = "failed"
	insImaging    = "creating_image"
)

var statusWords = map[string]string{
	insBuilding: "创建中", insRunning: "运行中", insRestarting: "重启中", insStopping: "关机中", insStopped: "已关机",
	insStarting: "开机中", insDeleting: "删除中", insUpdating: "更新中", insFailed: "创建失败", insImaging: "定制镜像中",
}

// instance is one server.
type instance struct {
	id, name string
	zone     *place
	family   *family
	spec     spec
	image    *Image
	subnet   *segment
	ip       netip.Addr
	pub      []pubIP // addresses in virtual gateways
	system   *disk
	groups   []binding
	state    phase
	secret   string
	created  time.Time

	method  string // BillingMethod
	months  int
	renew   int
	ends    time.Time // of a monthly term
	meter   meter
	free    int // NoChargeForShutdown
	hidden  int // list answers that still leave it out
	subject string
}

// pubIP is an instance's address in a virtual gateway.
type pubIP struct {
	net     *segment
	ip      netip.Addr
	virtual bool
}

// binding is a security group of an instance; 1 is the highest priority.
type binding struct {
	group    *group
	priority int
}

// billing methods.
const (
	onDemand = "0"
	monthly  = "1"
	spot     = "3"
)

var methodNames = map[string]string{onDemand: "按需计费", monthly: "包年包月", spot: "竞价计费"}

// findInstance reads a required id.
func findInstance(q *request, name string) (*instance, *apiError) {
	id := q.need(name)
	if err := q.err(); err != nil {
		return nil, err
	}
	q.subject = id
	i := q.acct.instances.get(id)
	if i == nil {
		return nil, noResource(name, id)
	}
	return i, nil
}

// findInstances reads a required list of ids that share zone and vpc.
func findInstances(q *request, name string) ([]*instance, *apiError) {
	ids := q.needStrs(name)
	if err := q.err(); err != nil {
		return nil, err
	}
	q.subject = ids[0]
	out := []*instance{}
	for _, id := range ids {
		i := q.acct.instances.get(id)
		if i == nil {
			return nil, noResource(name, id)
		}
		out = append(out, i)
		if i.zone.Code != out[0].zone.Code {
			return nil, refuse(403, "InvalidOperation.AzMismatch", "the instances are in more than one zone")
		}
		if i.subnet.vpc != out[0].subnet.vpc {
			return nil, refuse(403, "InvalidOperation.VpcMismatch", "the instances are in more than one vpc")
		}
	}
	return out, nil
}

// inState refuses a change of instances that are in no state for it.
func inState(q *request, all []*instance, states ...string) *apiError {
	for _, i := range all {
		if now := i.state.at(q.now); !slices.Contains(states, now) {
			return refuse(403, codeWrongStatus, "instance %q is %s, not %s", i.id, now, strings.Join(states, " or "))
		}
	}
	return nil
}

func idsOf(all []*instance) []string {
	out := []string{}
	for _, i := range all {
		out = append(out, i.id)
	}
	return out
}

// zoneFields are how ecs answers name a place.
func zoneFields(z *place) object {
	return object{"RegionId": z.region.id(), "RegionName": z.region.Name, "AzId": z.azID(), "AzName": z.Name}
}

func describeInstances(c *Cloud, q *request) (answer, *apiError) {
	zone, vpcID, search := q.optZone(c), q.str("VpcId"), q.str("SearchInfo")
	var ids []string
	if text := q.str("EcsIds"); text != "" {
		ids = strings.Split(text, ",")
	}
	all := q.acct.instances.list(func(i *instance) bool {
		fits := (zone == nil || i.zone.Code == zone.Code) && (vpcID == "" || i.subnet.vpc.id == vpcID) &&
			matches(search, i.id, i.name, i.ip.String()) && (ids == nil || slices.Contains(ids, i.id))
		if fits && i.hidden > 0 {
			i.hidden--
			return false
		}
		return fits
	})
	rows, page := ecsPage(q, all)
	list := []object{}
	for _, i := range rows {
		list = append(list, q.acct.row(i, q.now))
	}
	return answer{data: object{"EcsList": list}, page: page}, nil
}

// ecsPage cuts the page that PageNumber and PageSize ask for; without them it is everything.
func ecsPage[T any](q *request, all []T) ([]T, *page) {
	number, size := q.loose("PageNumber", 0, 0, 1<<20), q.loose("PageSize", 0, 0, 1000)
	if number == 0 && size == 0 {
		return all, &page{1, len(all), len(all)}
	}
	number = max(number, 1)
	if size == 0 {
		size = 20
	}
	lo := min((number-1)*size, len(all))
	rows := all[lo:min(lo+size, len(all))]
	return rows, &page{number, size, len(all)}
}

// row is an instance as DescribeInstanceList has it.
func (a *account) row(i *instance, now time.Time) object {
	word := i.state.at(now)
	row := object{
		"EcsId": i.id, "EcsName": i.name, "VpcId": i.subnet.vpc.id, "VpcName": i.subnet.vpc.name, "SubnetId": i.subnet.id,
		"Status": word, "StatusDisplay": statusWords[word], "PrivateNet": i.ip.String(), "PubNet": i.pubNet(),
		"VirtualNet": i.virtualNets(), "EipInfo": a.eipInfo(i, false), "CreateTime": clock(i.created), "EndBillTime": i.endBill(),
		"IsAutoRenewal": digit(i.renew), "IsGpu": i.spec.gpu > 0, "CardName": i.family.gpuType,
		"CpuSize": i.spec.cpu, "RamSize": i.spec.ram, "GpuSize": i.spec.gpu,
		"BillingMethod": i.method, "BillingMethodName": methodNames[i.method],
		"OsType": i.image.OSType, "OsVersion": i.image.OSVersion, "OsBit": 64, "ImageName": i.image.Name,
		"SystemDiskType": diskWords[i.system.feature], "SystemDiskFeature": i.system.feature, "SystemDiskSize": i.system.size,
		"SupportGpuDriver": i.family.driver, "SpecFamilyId": i.family.id(), "EcsFamilyName": i.family.name,
		"CustomerId": "E100001", "NoChargeForShutdown": i.free,
	}
	for k, v := range zoneFields(i.zone) {
		row[k] = v
	}
	return row
}

func digit(n int) string { return string(rune('0' + n)) }

// endBill is the end of a monthly term; what is paid as it runs ends in 2099.
func (i *instance) endBill() string {
	if i.ends.IsZero() {
		return "2099-01-01 00:00:00"
	}
	return clock(i.ends)
}

func (i *instance) pubNet() string {
	for _, p := range i.pub {
		if !p.virtual {
			return p.ip.String()
		}
	}
	return ""
}

func (i *instance) virtualNets() []string {
	out := []string{}
	for _, p := range i.pub {
		if p.virtual {
			out = append(out, p.ip.String())
		}
	}
	return out
}

// eipInfo tells the public address of each address of an instance.
func (a *account) eipInfo(i *instance, qos bool) object {
	out := object{i.ip.String(): a.eipAt(i.subnet, i.ip, qos)}
	for _, p := range i.pub {
		out[p.ip.String()] = a.eipAt(p.net, p.ip, qos)
	}
	return out
}

func (a *account) eipAt(net *segment, ip netip.Addr, qos bool) object {
	row := object{"ConfName": "", "EipIp": ""}
	if qos {
		row["CurrentUseQos"] = ""
	}
	if e := a.boundTo(net, ip); e != nil {
		row["ConfName"], row["EipIp"] = e.line.name, e.ip
		if qos {
			row["CurrentUseQos"] = e.band().qos
		}
	}
	return row
}

func describeInstance(_ *Cloud, q *request) (answer, *apiError) {
	i, err := findInstance(q, "EcsId")
	if err != nil {
		return answer{}, err
	}
	word := i.state.at(q.now)
	data := object{
		"EcsId": i.id, "EcsName": i.name, "Status": word, "StatusDisplay": statusWords[word],
		"CreateTime": clock(i.created), "Duration": i.months, "EndBillTime": i.endBill(), "IsAutoRenewal": digit(i.renew),
		"TimeZone": "UTC+8", "IsGpu": i.spec.gpu > 0, "NoChargeForShutdown": i.free, "SecurityGroup": i.groupRows(),
		"EcsRule": object{
			"Name": i.family.name, "CpuNum": i.spec.cpu, "CpuUnit": "核", "Ram": i.spec.ram, "RamUnit": "GiB",
			"Gpu": i.spec.gpu, "GpuUnit": "个",
		},
		"OsInfo": object{
			"ImageId": i.image.ID, "ImageName": i.image.Name, "OsType": i.image.OSType, "Bit": 64, "Version": i.image.OSVersion,
		},
		"Disk": q.acct.diskFields(i), "Pipe": q.acct.pipeFields(i), "BillingInfo": i.billingFields(),
	}
	for k, v := range zoneFields(i.zone) {
		data[k] = v
	}
	return answer{data: data}, nil
}

func (i *instance) groupRows() []object {
	out := []object{}
	for _, b := range i.groups {
		out = append(out, object{
			"SecurityGroupId": b.group.id, "SecurityGroupName": b.group.name, "SecurityGroupType": "common",
			"Priority": b.priority, "GroupInterconnected": b.group.joined,
		})
	}
	return out
}

func (a *account) diskFields(i *instance) object {
	system := i.system.conf()
	system["DiskId"] = i.system.id
	data := []object{}
	for _, d := range a.disksOf(i) {
		if d != i.system {
			row := d.conf()
			row["Id"] = d.id
			data = append(data, row)
		}
	}
	return object{"SystemDiskConf": system, "DataDiskConf": data}
}

func (a *account) pipeFields(i *instance) object {
	return object{
		"VpcId": i.subnet.vpc.id, "VpcName": i.subnet.vpc.name, "SubnetId": i.subnet.id, "SubnetName": i.subnet.name,
		"CreateTime": clock(i.created), "PrivateNet": i.ip.String(), "PubNet": i.pubNet(), "VirtualNet": i.virtualNets(),
		"EipInfo": a.eipInfo(i, true),
	}
}

func (i *instance) billingFields() object {
	cycle := "month"
	if i.months >= 12 {
		cycle = "year"
	}
	return object{
		"BillingMethod": i.method, "BillingMethodName": methodNames[i.method], "BillingStatus": "正常", "BillCycleId": cycle,
	}
}

func describeInstanceStatus(_ *Cloud, q *request) (answer, *apiError) {
	status := object{}
	for _, id := range q.needStrs("EcsIds") {
		if i := q.acct.instances.get(id); i != nil {
			word := i.state.at(q.now)
			status[id] = object{"Status": word, "StatusDisplay": statusWords[word]}
		}
	}
	return answer{data: object{"EcsStatus": status}}, nil
}

func describeVNC(_ *Cloud, q *request) (answer, *apiError) {
	i, err := findInstance(q, "EcsId")
	if err == nil {
		err = inState(q, []*instance{i}, insRunning)
	}
	if err != nil {
		return answer{}, err
	}
	return answer{data: object{"InstanceVncUrl": "https://vnc.example/vnc_lite.html?path=websockify/?token=" + randomHex(16)}}, nil
}
