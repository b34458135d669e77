// Package kinds is what resources that exist on several clouds have in common:
// the names of their kinds and actions, and the fields of their specs, states
// and inputs, so that one call works on every cloud that offers it. A plugin
// embeds these types in its own, with what is peculiar to its cloud beside
// them. The package knows no cloud, calls nothing, and holds no status words:
// those are provider.Status.
//
// Everything here is data without state, safe for concurrent use. [Check] tells
// whether a described kind keeps to it; the conformance suite calls it.
package kinds

import "tradewind.example/sdk/secret"

// The names of the common kinds. They travel and are stored.
const (
	Instance      = "instance"
	Image         = "image"
	Disk          = "disk"
	VPC           = "vpc"
	Subnet        = "subnet"
	Gateway       = "gateway" // between a VPC and what is outside it
	EIP           = "eip"
	Bandwidth     = "bandwidth" // shared by several addresses
	SecurityGroup = "security_group"
)

// The names of the common actions; the types beside them are their inputs.
const (
	ActionStart         = "start"          // None
	ActionStop          = "stop"           // StopInput
	ActionReboot        = "reboot"         // None
	ActionResetPassword = "reset_password" // PasswordInput
	ActionConsole       = "console"        // None; answers Console
	ActionRename        = "rename"         // NameInput
	ActionResize        = "resize"         // InstanceSize, DiskSize or BandwidthSize
	ActionAttach        = "attach"         // InstanceRef: a disk to a server
	ActionDetach        = "detach"         // None
	ActionBind          = "bind"           // InstanceRef: an address or a security group to a server
	ActionUnbind        = "unbind"         // None; of a security group InstanceRef
	ActionAddRule       = "add_rule"       // Rule
	ActionRemoveRule    = "remove_rule"    // RuleRef
	ActionBindings      = "bindings"       // None; answers Bindings
	ActionAddEIP        = "add_eip"        // EIPRef
	ActionRemoveEIP     = "remove_eip"     // EIPRef

	// What a cloud prolongs by itself at the end of a paid term.
	ActionAutoRenew     = "auto_renew"      // RenewalPeriod
	ActionStopAutoRenew = "stop_auto_renew" // None
	ActionRenewalRule   = "renewal_rule"    // None; answers RenewalRule
)

// The names of what offerings are besides the products themselves.
const (
	TypeFlavour = "flavour"
	TypeImage   = "image"
	TypeLine    = "line"
	// TypeProtocol is a well-known protocol with its port, to choose a rule from.
	TypeProtocol = "protocol"
)

// The attributes of offerings of the types above, beside those of the cloud's own.
const (
	AttrCPU      = "cpu"       // of a flavour: cores
	AttrMemoryMB = "memory_mb" // of a flavour
	AttrGPU      = "gpu"       // of a flavour: number of cards
	AttrGPUType  = "gpu_type"  // of a flavour
	AttrImageID  = "image_id"  // of an image: what a spec names
	AttrOS       = "os"        // of an image
	AttrOSType   = "os_type"   // of an image: Linux or Windows
	AttrSizeGB   = "size_gb"   // of an image: the smallest boot disk
	AttrProtocol = "protocol"  // of a protocol: tcp, udp, icmp, gre or all
	AttrFromPort = "from_port" // of a protocol: the first port, "" when there are none
	AttrToPort   = "to_port"   // of a protocol: the last port
)

// None is the input or output of an action that has none.
type None struct{}

// StopInput says how to stop a server.
type StopInput struct {
	Force bool `json:"force,omitempty" title:"Switch off" doc:"Does not wait for the system to shut down; data may be lost"`
}

// PasswordInput is a server's new password; each cloud has rules of its own for it.
type PasswordInput struct {
	Password secret.Value `json:"password" required:"true" min:"8" max:"30" title:"New password"`
}

// NameInput is a new name.
type NameInput struct {
	Name string `json:"name" required:"true" min:"1" max:"63" title:"Name"`
}

// InstanceRef names a server.
type InstanceRef struct {
	InstanceID string `json:"instance_id" required:"true" min:"1" title:"Server"`
}

// EIPRef names an elastic address.
type EIPRef struct {
	EIPID string `json:"eip_id" required:"true" min:"1" title:"Elastic address"`
}

// RuleRef names a rule of a security group by the id that the state shows.
type RuleRef struct {
	RuleID string `json:"rule_id" required:"true" min:"1" title:"Rule"`
}

// RenewalPeriod is by how much a cloud prolongs something each time.
type RenewalPeriod struct {
	Period  string `json:"period,omitempty" enum:"month,year" default:"month" title:"Period"`
	Periods int    `json:"periods" required:"true" min:"1" max:"9" title:"Periods"`
}

// RenewalRule tells whether a cloud prolongs something by itself.
type RenewalRule struct {
	Set     bool   `json:"set" title:"Renewed by the cloud"`
	Period  string `json:"period,omitempty" title:"Period" doc:"Empty when the cloud does not tell"`
	Periods int    `json:"periods,omitempty" title:"Periods" doc:"0 when the cloud does not tell"`
	Next    string `json:"next,omitempty" title:"Next renewal" doc:"Empty when the cloud does not tell"`
}

// Console is where the screen of a server is reached: host and port for a
// protocol, or a link for a browser.
type Console struct {
	Protocol string `json:"protocol" title:"Protocol" doc:"vnc, or url for a link"`
	Host     string `json:"host,omitempty" title:"Host"`
	Port     int    `json:"port,omitempty" title:"Port"`
	Password string `json:"password,omitempty" secret:"true" title:"Password"`
	URL      string `json:"url,omitempty" secret:"true" title:"Link"`
}
