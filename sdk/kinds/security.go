package kinds

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"

	"tradewind.example/sdk/fault"
)

// SecurityGroupSpec is what a customer chooses of a security group. What no
// rule allows is refused.
type SecurityGroupSpec struct {
	VPCID       string `json:"vpc_id,omitempty" title:"VPC" doc:"Of clouds whose groups belong to one; empty is the default"`
	Description string `json:"description,omitempty" max:"128" title:"Description"`
	Rules       []Rule `json:"rules,omitempty" max:"200" title:"Rules"`
}

// Rule lets traffic through, or does not. The same rule is never kept twice.
type Rule struct {
	Direction   string `json:"direction,omitempty" enum:"in,out" default:"in" title:"Direction"`
	Protocol    string `json:"protocol" required:"true" enum:"tcp,udp,icmp,gre,all" title:"Protocol"`
	FromPort    int    `json:"from_port,omitempty" min:"0" max:"65535" title:"First port" doc:"0 for all, and where there are no ports"`
	ToPort      int    `json:"to_port,omitempty" min:"0" max:"65535" title:"Last port" doc:"0 is the first port"`
	CIDR        string `json:"cidr" required:"true" min:"1" max:"43" title:"Other end" doc:"Like 0.0.0.0/0"`
	Action      string `json:"action,omitempty" enum:"allow,deny" default:"allow" title:"Action"`
	Priority    int    `json:"priority,omitempty" min:"1" max:"100" default:"50" title:"Priority" doc:"The least number goes first; a cloud with fewer steps takes the nearest"`
	Description string `json:"description,omitempty" max:"64" title:"Description"`
}

// The words of a rule.
const (
	In  = "in"
	Out = "out"

	Allow = "allow"
	Deny  = "deny"

	TCP  = "tcp"
	UDP  = "udp"
	ICMP = "icmp"
	GRE  = "gre"
	All  = "all"
)

// SecurityGroupState is what a security group is.
type SecurityGroupState struct {
	VPCID       string     `json:"vpc_id,omitempty" title:"VPC"`
	Description string     `json:"description,omitempty" title:"Description"`
	Default     bool       `json:"default,omitempty" title:"Made by the cloud"`
	Rules       []KeptRule `json:"rules" required:"true" title:"Rules"`
	Bound       int        `json:"bound,omitempty" title:"Number of resources it is bound to"`
}

// KeptRule is a rule that a group has. ID is the cloud's or, where rules have
// none, a hash of what the rule says.
type KeptRule struct {
	ID string `json:"id" required:"true" title:"Rule"`
	Rule
}

// Bindings are what a security group is bound to.
type Bindings struct {
	Bindings []Binding `json:"bindings" required:"true" title:"Bindings"`
	Total    int       `json:"total,omitempty" title:"Number of all, when not all are here"`
}

// Binding is one resource that a security group is bound to.
type Binding struct {
	ResourceID   string `json:"resource_id" required:"true" title:"Resource"`
	ResourceType string `json:"resource_type,omitempty" title:"Type" doc:"The kind, or the cloud's word for what is no kind here"`
	Name         string `json:"name,omitempty" title:"Name"`
	Zone         string `json:"zone,omitempty" title:"Zone"`
	PrivateIP    string `json:"private_ip,omitempty" title:"Private address"`
}

// Filled returns the rule with its defaults, which schemas do not give to the
// members of a list.
func (r Rule) Filled() Rule {
	if r.Direction == "" {
		r.Direction = In
	}
	if r.Action == "" {
		r.Action = Allow
	}
	if r.Priority == 0 {
		r.Priority = defaultPriority
	}
	if r.ToPort == 0 {
		r.ToPort = r.FromPort
	}
	return r
}

const defaultPriority = 50

// Check tells what of a rule contradicts itself, at path. It knows no cloud.
func (r Rule) Check(path string) error {
	r = r.Filled()
	switch {
	case r.ToPort < r.FromPort:
		return fault.Invalid(path+".to_port", "must not be less than from_port")
	case r.FromPort > 0 && r.Protocol != TCP && r.Protocol != UDP:
		return fault.Invalid(path+".from_port", "%q has no ports", r.Protocol)
	}
	if _, err := netip.ParsePrefix(r.CIDR); err != nil {
		if _, err := netip.ParseAddr(r.CIDR); err != nil {
			return fault.Invalid(path+".cidr", "must be a range of addresses like 10.0.0.0/8")
		}
	}
	return nil
}

// Same reports whether two rules let the same traffic through, or stop it, with
// the same priority; their descriptions may differ.
func (r Rule) Same(other Rule) bool {
	a, b := r.Filled(), other.Filled()
	a.Description, b.Description = "", ""
	return a == b
}

// ID is an id for a rule at clouds whose rules have none: rules that are the
// same have the same.
func (r Rule) ID() string {
	r = r.Filled()
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d-%d %q %q %d", r.Direction, r.Protocol, r.FromPort, r.ToPort, r.CIDR, r.Action, r.Priority))
	return "rule-" + hex.EncodeToString(sum[:8])
}
