package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	charge "github.com/jdcloud-api/jdcloud-sdk-go/services/charge/models"
	diskmodel "github.com/jdcloud-api/jdcloud-sdk-go/services/disk/models"
	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"
	vm "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// InstanceSpec is what a customer chooses of a server: what all clouds ask
// for, and what only this one has.
type InstanceSpec struct {
	kinds.InstanceSpec[Disk]

	InstanceType    string `json:"instance_type,omitempty" pattern:"^[A-Za-z0-9._-]{0,64}$" title:"Instance type" doc:"Like g.n2.large; empty is the first one of that size. Types with graphics cards must be named"`
	KeyName         string `json:"key_name,omitempty" pattern:"^[A-Za-z0-9_-]{0,64}$" title:"Key pair"`
	ChargeOnStopped string `json:"charge_on_stopped,omitempty" enum:"keepCharging,stopCharging" title:"Charge while stopped" doc:"Of servers paid by use"`
	Description     string `json:"description,omitempty" max:"100" title:"Description"`
}

// Disk is one disk of a server.
type Disk struct {
	Type   string `json:"type,omitempty" enum:"ssd.gp1,ssd.gp2,ssd.io1,ssd.io2,hdd.std1,ssd,premium-hdd" default:"ssd.gp1" title:"Type"`
	SizeGB int    `json:"size_gb" required:"true" min:"20" max:"16000" title:"Size in GB" doc:"A multiple of 10"`
}

const (
	// diskDefault is the type of a disk that has none: the schema's default does
	// not reach the disks of a list.
	diskDefault = "ssd.gp1"
	// diskStep is what sizes of disks are a multiple of, in GB.
	diskStep = 10
	// serverPassword is the length of the password that nobody knows.
	serverPassword = 24
)

// serverOrder is a create in the cloud's words.
type serverOrder struct {
	want            InstanceSpec
	zone, name, tag string
	charge          *charge.ChargeSpec
	kind, subnet    string // set by resolve
}

func newServerOrder(req provider.TypedCreate[InstanceSpec]) (*serverOrder, error) {
	o := &serverOrder{want: req.Spec, zone: firstText(req.Call.Zone, req.Spec.Zone)}
	if o.zone == "" {
		return nil, fault.Invalid("spec.zone", "is required when the order has no zone")
	}
	if err := o.want.check(); err != nil {
		return nil, err
	}
	var err error
	if o.tag, err = tagOf(req.Token); err != nil {
		return nil, err
	}
	if o.charge, err = chargeOf(req.Term); err != nil {
		return nil, err
	}
	o.name = nameOf(req.Name, o.tag, serverName)
	return o, nil
}

// check refuses what the schema cannot.
func (s InstanceSpec) check() error {
	if s.GPU > 0 && s.InstanceType == "" {
		return fault.Invalid("spec.instance_type", "is required for servers with graphics cards: the cloud does not tell which types have how many")
	}
	if s.BootDisk.SizeGB%diskStep != 0 {
		return fault.Invalid("spec.boot_disk.size_gb", "must be a multiple of %d", diskStep)
	}
	for _, d := range s.DataDisks {
		if d.SizeGB%diskStep != 0 {
			return fault.Invalid("spec.data_disks.size_gb", "must be a multiple of %d", diskStep)
		}
	}
	if s.SubnetID != "" && !goodID(s.SubnetID) {
		return fault.Invalid("spec.subnet_id", "is not an id of this cloud")
	}
	return nil
}

// resolve looks up what the cloud wants named and the order leaves open.
func (o *serverOrder) resolve(ctx context.Context, c *cloud) error {
	types, err := c.types(ctx)
	if err != nil {
		return err
	}
	architecture := ""
	if o.want.InstanceType == "" {
		if architecture, err = c.architecture(ctx, o.want.ImageID); err != nil {
			return err
		}
	}
	t, err := choose(types, o.want.wish(c.cfg, o.zone, architecture))
	if err != nil {
		return err
	}
	if t.Cpu != o.want.CPU || t.MemoryMB != o.want.MemoryMB {
		return fault.Invalid("spec.instance_type", "%q has %d cores and %d MB of memory, and the spec says otherwise", t.InstanceType, t.Cpu, t.MemoryMB)
	}
	o.kind = t.InstanceType
	o.subnet, err = c.subnetFor(ctx, o.want)
	return err
}

func (s InstanceSpec) wish(cfg Config, zone, architecture string) wish {
	return wish{
		size: size{cpu: s.CPU, memoryMB: s.MemoryMB}, name: s.InstanceType, architecture: architecture, zone: zone, family: cfg.MachineFamily,
	}
}

// architecture is what an image runs on.
func (c *cloud) architecture(ctx context.Context, image string) (string, error) {
	if !goodID(image) {
		return "", fault.Invalid("spec.image_id", "is not an id of this cloud")
	}
	answer, err := read[vmapi.DescribeImageResult](ctx, c, serviceVM, vmapi.NewDescribeImageRequest(c.region, image))
	if fault.Is(err, fault.ClassNotFound) {
		return "", fault.Invalid("spec.image_id", "the cloud has no such image in this region")
	}
	return answer.Image.Architecture, err
}

// subnetFor is the subnet of a server: the spec's, the config's, or the oldest
// one of the VPC or the region.
func (c *cloud) subnetFor(ctx context.Context, s InstanceSpec) (string, error) {
	if s.SubnetID != "" {
		return s.SubnetID, nil
	}
	if s.VPCID == "" {
		if id, err := c.cfg.subnetIn(c.region); id != "" || err != nil {
			return id, err
		}
	}
	var all []subnetRow
	err := c.subnets(ctx, s.VPCID, func(row subnetRow) error {
		all = append(all, row)
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case len(all) == 0:
		return "", fault.Precondition("there is no subnet to put the server into: make one, or name one in the spec")
	}
	return slices.MinFunc(all, func(a, b subnetRow) int {
		return cmp.Or(moment(a.CreatedTime).Compare(moment(b.CreatedTime)), strings.Compare(a.SubnetId, b.SubnetId))
	}).SubnetId, nil
}

// spec is the whole order for the SDK. Names and zones of disks are always
// given: the SDK would send empty ones.
func (o *serverOrder) spec(cfg Config, password secret.Value) *vm.InstanceSpec {
	yes, text, key := true, password.Reveal(), tokenKey
	s := &vm.InstanceSpec{
		Az: &o.zone, InstanceType: &o.kind, ImageId: &o.want.ImageID, Name: o.name, Password: &text,
		Description: optional(o.want.Description), Charge: o.charge, ChargeOnStopped: optional(o.want.ChargeOnStopped),
		UserTags: []diskmodel.Tag{{Key: &key, Value: &o.tag}}, ResourceGroupId: optional(cfg.ResourceGroup),
		PrimaryNetworkInterface: &vm.InstanceNetworkInterfaceAttachmentSpec{
			AutoDelete:       &yes,
			NetworkInterface: &vm.NetworkInterfaceSpec{SubnetId: o.subnet, Az: &o.zone, SecurityGroups: o.want.SecurityGroupIDs},
		},
		SystemDisk: o.disk(o.want.BootDisk, o.name+"-system"),
	}
	s.SystemDisk.CloudDiskSpec.Charge = nil // it is paid with the server
	for _, d := range o.want.DataDisks {
		s.DataDisks = append(s.DataDisks, *o.disk(d, o.name+"-data"))
	}
	if o.want.KeyName != "" {
		s.KeyNames = []string{o.want.KeyName}
	}
	return s
}

// disk is a disk that comes and goes with the server, paid like it.
func (o *serverOrder) disk(d Disk, name string) *vm.InstanceDiskAttachmentSpec {
	yes, category := true, "cloud"
	return &vm.InstanceDiskAttachmentSpec{
		DiskCategory: &category, AutoDelete: &yes,
		CloudDiskSpec: &diskmodel.DiskSpec{Az: o.zone, Name: cut(name, serverName), DiskType: firstText(d.Type, diskDefault), DiskSizeGB: d.SizeGB, Charge: o.charge},
	}
}
