package kinds

// VPCSpec is what a customer chooses of a private network.
type VPCSpec struct {
	CIDR        string `json:"cidr" required:"true" min:"9" max:"18" title:"Range of addresses" doc:"Like 10.0.0.0/16"`
	Description string `json:"description,omitempty" max:"255" title:"Description"`
}

// VPCState is what a private network is.
type VPCState struct {
	CIDR        string `json:"cidr" required:"true" title:"Range of addresses"`
	Default     bool   `json:"default,omitempty" title:"Made by the cloud"`
	Subnets     int    `json:"subnets,omitempty" title:"Number of subnets"`
	Description string `json:"description,omitempty" title:"Description"`
}

// SubnetSpec is what a customer chooses of a subnet.
type SubnetSpec struct {
	Zone        string `json:"zone,omitempty" title:"Zone" doc:"The order's zone goes before it"`
	VPCID       string `json:"vpc_id" required:"true" min:"1" title:"VPC"`
	CIDR        string `json:"cidr" required:"true" min:"9" max:"18" title:"Range of addresses" doc:"Like 10.0.1.0/24"`
	Description string `json:"description,omitempty" max:"255" title:"Description"`
}

// SubnetState is what a subnet is.
type SubnetState struct {
	VPCID       string `json:"vpc_id" required:"true" title:"VPC"`
	CIDR        string `json:"cidr" required:"true" title:"Range of addresses"`
	Default     bool   `json:"default,omitempty" title:"Made by the cloud"`
	FreeIPs     int    `json:"free_ips,omitempty" title:"Free addresses"`
	UsedIPs     int    `json:"used_ips,omitempty" title:"Addresses in use"`
	Description string `json:"description,omitempty" title:"Description"`
}

// GatewaySpec is what a customer chooses of a gateway.
type GatewaySpec struct {
	Zone  string `json:"zone,omitempty" title:"Zone" doc:"The order's zone goes before it"`
	VPCID string `json:"vpc_id" required:"true" min:"1" title:"VPC"`
	CIDR  string `json:"cidr,omitempty" max:"18" title:"Range of addresses" doc:"Of clouds whose gateways have one"`
	Line  string `json:"line,omitempty" title:"Line" doc:"The cloud's word; empty is its default"`
}

// GatewayState is what a gateway is.
type GatewayState struct {
	VPCID   string `json:"vpc_id" required:"true" title:"VPC"`
	CIDR    string `json:"cidr,omitempty" title:"Range of addresses"`
	Line    string `json:"line,omitempty" title:"Line"`
	UsedIPs int    `json:"used_ips,omitempty" title:"Addresses in use"`
}

// EIPSpec is what a customer chooses of an elastic address.
type EIPSpec struct {
	Zone      string `json:"zone,omitempty" title:"Zone" doc:"Of clouds whose addresses have one; the order's zone goes before it"`
	Line      string `json:"line,omitempty" title:"Line" doc:"The cloud's word; empty is its default"`
	Bandwidth int    `json:"bandwidth_mbps" required:"true" min:"1" max:"10000" title:"Bandwidth in Mbit/s"`
	PayMode   string `json:"pay_mode,omitempty" enum:"Bandwidth,Traffic" default:"Bandwidth" title:"What is paid for"`
}

// The pay modes.
const (
	PayBandwidth = "Bandwidth"
	PayTraffic   = "Traffic"
)

// EIPState is what an elastic address is.
type EIPState struct {
	IP         string `json:"ip" required:"true" title:"Address"`
	Line       string `json:"line,omitempty" title:"Line"`
	Bandwidth  int    `json:"bandwidth_mbps" required:"true" title:"Bandwidth in Mbit/s"`
	PayMode    string `json:"pay_mode,omitempty" title:"What is paid for"`
	ChargeType string `json:"charge_type,omitempty" title:"Charge type" doc:"The cloud's word"`
	BoundTo    string `json:"bound_to,omitempty" title:"Bound to"`
	BoundType  string `json:"bound_type,omitempty" title:"Type of what it is bound to"`
}

// BandwidthSize is what the bandwidth of an address, or a shared one, becomes.
type BandwidthSize struct {
	Bandwidth int `json:"bandwidth_mbps" required:"true" min:"1" max:"10000" title:"Bandwidth in Mbit/s"`
}

// BandwidthSpec is what a customer chooses of a bandwidth that addresses share.
type BandwidthSpec struct {
	Zone      string `json:"zone,omitempty" title:"Zone" doc:"The order's zone goes before it"`
	Line      string `json:"line,omitempty" title:"Line" doc:"The cloud's word; empty is its default"`
	Bandwidth int    `json:"bandwidth_mbps" required:"true" min:"1" max:"10000" title:"Bandwidth in Mbit/s"`
	PayMode   string `json:"pay_mode,omitempty" enum:"Bandwidth,Traffic" default:"Bandwidth" title:"What is paid for"`
}

// BandwidthState is what a shared bandwidth is.
type BandwidthState struct {
	Line      string   `json:"line,omitempty" title:"Line"`
	Bandwidth int      `json:"bandwidth_mbps" required:"true" title:"Bandwidth in Mbit/s"`
	PayMode   string   `json:"pay_mode,omitempty" title:"What is paid for"`
	EIPIDs    []string `json:"eip_ids,omitempty" title:"Addresses that share it"`
}
