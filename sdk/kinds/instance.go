package kinds

// InstanceSpec is what a customer chooses of a server. Disk is the plugin's
// type of a disk that comes with it: [InstanceDisk], or a struct with its
// fields and the cloud's own.
type InstanceSpec[Disk any] struct {
	Zone             string   `json:"zone,omitempty" title:"Zone" doc:"The order's zone goes before it"`
	CPU              int      `json:"cpu" required:"true" min:"1" max:"1024" title:"Cores"`
	MemoryMB         int      `json:"memory_mb" required:"true" min:"512" max:"16777216" title:"Memory in MB"`
	GPU              int      `json:"gpu,omitempty" min:"0" max:"16" title:"Graphics cards"`
	GPUType          string   `json:"gpu_type,omitempty" title:"Type of the graphics cards"`
	ImageID          string   `json:"image_id" required:"true" min:"1" title:"Image"`
	BootDisk         Disk     `json:"boot_disk" required:"true" title:"Boot disk"`
	DataDisks        []Disk   `json:"data_disks,omitempty" max:"15" title:"Data disks"`
	VPCID            string   `json:"vpc_id,omitempty" title:"VPC" doc:"Empty is the cloud's default"`
	SubnetID         string   `json:"subnet_id,omitempty" title:"Subnet" doc:"Empty is the cloud's default"`
	SecurityGroupIDs []string `json:"security_group_ids,omitempty" max:"5" title:"Security groups" doc:"None is the cloud's default"`
}

// InstanceDisk is one disk that a server is made with.
type InstanceDisk struct {
	Type   string `json:"type,omitempty" title:"Type" doc:"The cloud's word; empty is its default"`
	SizeGB int    `json:"size_gb" required:"true" min:"1" max:"65536" title:"Size in GB"`
}

// InstanceState is what a server is.
type InstanceState struct {
	CPU              int            `json:"cpu" required:"true" title:"Cores"`
	MemoryMB         int            `json:"memory_mb" required:"true" title:"Memory in MB"`
	GPU              int            `json:"gpu,omitempty" title:"Graphics cards"`
	GPUType          string         `json:"gpu_type,omitempty" title:"Type of the graphics cards"`
	ImageID          string         `json:"image_id,omitempty" title:"Image"`
	OS               string         `json:"os,omitempty" title:"Operating system"`
	OSType           string         `json:"os_type,omitempty" title:"Family of the operating system"`
	ChargeType       string         `json:"charge_type,omitempty" title:"Charge type" doc:"The cloud's word"`
	VPCID            string         `json:"vpc_id,omitempty" title:"VPC"`
	SubnetID         string         `json:"subnet_id,omitempty" title:"Subnet"`
	SecurityGroupIDs []string       `json:"security_group_ids,omitempty" title:"Security groups"`
	Addresses        []Address      `json:"addresses" required:"true" title:"Addresses"`
	Disks            []AttachedDisk `json:"disks" required:"true" title:"Disks"`
}

// Address is one address of a server.
type Address struct {
	Type      string `json:"type" title:"Type" doc:"Private, or the line of a public address"`
	IP        string `json:"ip" title:"Address"`
	EIPID     string `json:"eip_id,omitempty" title:"Elastic address"`
	Bandwidth int    `json:"bandwidth_mbps,omitempty" title:"Bandwidth in Mbit/s"`
}

// AddressPrivate is the type of a private address.
const AddressPrivate = "Private"

// AttachedDisk is a disk that a server has.
type AttachedDisk struct {
	ID     string `json:"id" title:"Disk"`
	Type   string `json:"type" title:"Type"`
	SizeGB int    `json:"size_gb" title:"Size in GB"`
	Boot   bool   `json:"boot" title:"Boot disk"`
}

// InstanceSize is what a server is made larger or smaller to.
type InstanceSize struct {
	CPU      int `json:"cpu" required:"true" min:"1" max:"1024" title:"Cores"`
	MemoryMB int `json:"memory_mb" required:"true" min:"512" max:"16777216" title:"Memory in MB"`
}

// ImageSpec makes an image of a server.
type ImageSpec struct {
	InstanceID  string `json:"instance_id" required:"true" min:"1" title:"Server"`
	Description string `json:"description,omitempty" max:"255" title:"Description"`
}

// ImageState is what an image is.
type ImageState struct {
	OS          string `json:"os,omitempty" title:"Operating system"`
	OSType      string `json:"os_type,omitempty" title:"Family of the operating system"`
	SizeGB      int    `json:"size_gb,omitempty" title:"Smallest boot disk in GB"`
	Source      string `json:"source,omitempty" title:"Source" doc:"The cloud's word: own, public, shared …"`
	Description string `json:"description,omitempty" title:"Description"`
}

// DiskSpec is what a customer chooses of a disk.
type DiskSpec struct {
	Zone   string `json:"zone,omitempty" title:"Zone" doc:"The order's zone goes before it"`
	Type   string `json:"type,omitempty" title:"Type" doc:"The cloud's word; empty is its default"`
	SizeGB int    `json:"size_gb" required:"true" min:"1" max:"65536" title:"Size in GB"`
}

// DiskState is what a disk is.
type DiskState struct {
	Type       string `json:"type,omitempty" title:"Type"`
	SizeGB     int    `json:"size_gb" required:"true" title:"Size in GB"`
	Boot       bool   `json:"boot,omitempty" title:"Boot disk"`
	InstanceID string `json:"instance_id,omitempty" title:"Server it is attached to"`
	Device     string `json:"device,omitempty" title:"Name of the device on the server"`
	ChargeType string `json:"charge_type,omitempty" title:"Charge type" doc:"The cloud's word"`
}

// DiskSize is what a disk grows to.
type DiskSize struct {
	SizeGB int `json:"size_gb" required:"true" min:"1" max:"65536" title:"Size in GB"`
}
