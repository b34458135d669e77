// Package workload sells and keeps workloads: it takes their stock, tells the
// cluster's engine what to run, and gives the stock back when that is gone. It
// owns the order of these steps, so that each of them may be repeated, lost or
// raced: the stock moves in one transaction with the workload's row, and the
// engine is told only about rows that exist.
//
// It speaks no Kubernetes (see [Engine]) and computes no price. A [Keeper] is safe
// for concurrent use; rows are in the broker's storage, where another process
// may change them at any time.
package workload

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/widget"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// The controllers that a workload can have.
const (
	StatefulSet = "StatefulSet"
	Deployment  = "Deployment"
	DaemonSet   = "DaemonSet"
	CronJob     = "CronJob"
	Job         = "Job"
	Standalone  = "Standalone" // a bare pod
)

// Part is one line of a workload's basket, for one replica.
type Part struct {
	Type   price.Type `json:"type" required:"true" enum:"cpu,memory,disk,gpu" title:"Type"`
	Model  string     `json:"model,omitempty" min:"1" max:"128" title:"Model" doc:"Empty is STANDARD, of disks DATA"`
	Amount int64      `json:"amount" required:"true" min:"0" max:"1000000000" title:"Amount"`
	Unit   price.Unit `json:"unit,omitempty" enum:"核,m,Mi,Gi,卡" title:"Unit" doc:"Empty is 核 for cpu, Mi for memory, Gi for disks, 卡 for gpu"`
}

// Spec is what a customer orders.
type Spec struct {
	Engine        string   `json:"engine,omitempty" enum:"StatefulSet,Deployment,DaemonSet,CronJob,Job,Standalone" default:"StatefulSet" title:"Controller"`
	Replicas      int      `json:"replicas,omitempty" min:"1" max:"500" default:"1" title:"Replicas" doc:"The basket is for one of them"`
	InstanceType  string   `json:"instance_type,omitempty" enum:"LinuxOS,RelationalDB" default:"LinuxOS" title:"Type of instance"`
	Image         string   `json:"image" required:"true" min:"1" max:"256" pattern:"^[a-zA-Z0-9][a-zA-Z0-9._:/@-]*$" title:"Image" doc:"One that the operator allows"`
	Command       []string `json:"command,omitempty" max:"32" title:"Command" doc:"Empty is the image's own, or one that keeps a bare system alive"`
	Parts         []Part   `json:"parts" required:"true" min:"1" max:"16" title:"Basket"`
	User          string   `json:"auth_user,omitempty" max:"64" pattern:"^[A-Za-z_][A-Za-z0-9_.-]*$" title:"User" doc:"Its password is made up; the action credentials tells it"`
	PortMode      string   `json:"port_mode,omitempty" enum:"NodePort,Ingress,LoadBalancer" default:"NodePort" title:"How it is reached"`
	ServicePort   int      `json:"service_port,omitempty" min:"0" max:"65535" title:"Port of the service" doc:"0: no service"`
	ContainerPort int      `json:"container_port,omitempty" min:"0" max:"65535" title:"Port in the container" doc:"0 is the service's"`
	NodePort      int      `json:"node_port,omitempty" min:"0" max:"32767" title:"Port on the nodes" doc:"0: the cluster chooses one"`
	Host          string   `json:"host,omitempty" max:"253" title:"Host name" doc:"For Ingress"`
	RestartPolicy string   `json:"restart_policy,omitempty" enum:"Always,OnFailure,Never" title:"Restart policy" doc:"Empty is what the controller allows"`
	Schedule      string   `json:"schedule,omitempty" max:"64" title:"Schedule" doc:"For CronJob, like 0 3 * * *"`
	MountPath     string   `json:"mount_path,omitempty" max:"256" pattern:"^(/[A-Za-z0-9._-]+)+$" title:"Where the data disk is mounted"`
	Label         string   `json:"self_label,omitempty" max:"400" title:"Label" doc:"key:value"`
	NodeSelector  string   `json:"node_selector,omitempty" max:"400" title:"Nodes" doc:"key=value"`
	RetainVolumes bool     `json:"retain_volumes,omitempty" title:"Keep the data disks when it is deleted"`
}

// Workload is one workload, as it is kept and shown.
type Workload struct {
	ID         string         `json:"id" title:"Workload"`
	CentreID   string         `json:"centre_id" title:"Centre"`
	ClusterID  string         `json:"cluster_id" title:"Cluster"`
	OrgID      string         `json:"org_id" title:"Organisation"`
	Name       string         `json:"name" title:"Name"`
	Spec       Spec           `json:"spec" title:"What runs"`
	Replicas   int            `json:"replicas" title:"Replicas wanted now" doc:"0 while it is stopped"`
	Phase      string         `json:"phase" title:"Phase" doc:"reserved, applied, undoing or deleting"`
	Problem    string         `json:"problem,omitempty" title:"What is wrong"`
	Seen       Seen           `json:"seen" title:"What the cluster says"`
	Claims     []widget.Claim `json:"claims" title:"Stock taken" doc:"In each type's smallest unit"`
	Generation int            `json:"generation" title:"Changes so far"`
	Token      string         `json:"token" title:"Token it was made with"`
	Created    time.Time      `json:"created" title:"Made"`
	Updated    time.Time      `json:"updated" title:"Changed"`
	Expires    time.Time      `json:"expires" title:"End of the paid term"`
	// Ready is when it ran first, zero before that: from then on its create has
	// succeeded, whatever becomes of it.
	Ready    time.Time `json:"ready" title:"Ran first"`
	Restarts int       `json:"restarts,omitempty" title:"Restarts asked for"`
	// OwnPassword says that its user chose the password, which is then told to nobody.
	OwnPassword bool `json:"own_password,omitempty" title:"The password was chosen"`
	// Renewals are the tokens of the last renewals, the newest last.
	Renewals []string `json:"renewals,omitempty" title:"Tokens of the last renewals"`
	// Class is the class of Problem while it is being undone.
	Class fault.Class `json:"class,omitempty" title:"Class of the problem"`
	// Before is what ran before the change that is under way.
	Before *Before `json:"before,omitempty" title:"What ran before the change under way"`
}

// Before is what a workload was before an update.
type Before struct {
	Spec     Spec           `json:"spec" title:"What ran"`
	Replicas int            `json:"replicas" title:"Replicas"`
	Claims   []widget.Claim `json:"claims" title:"Stock taken"`
}

// The phases of a workload. Stock is taken in each of them.
const (
	Reserved = "reserved" // the engine may not have been told yet
	Applied  = "applied"  // the engine was told
	Undoing  = "undoing"  // its create failed; what there is of it is being removed
	Deleting = "deleting"
)

var workloads = area.Table[Workload]{Name: "workload"}

// Parts returns the basket with its defaults.
func (s Spec) basket() []price.Part {
	out := make([]price.Part, 0, len(s.Parts))
	for _, p := range s.Parts {
		if p.Model == "" {
			p.Model = "STANDARD"
			if p.Type == price.Disk {
				p.Model = "DATA"
			}
		}
		out = append(out, price.Part{Type: p.Type, Model: p.Model, Amount: p.Amount, Unit: p.Unit})
	}
	return out
}

// Basket is what all replicas together are made of: what is priced and taken.
func (s Spec) Basket() []price.Part {
	out := s.basket()
	for i := range out {
		out[i].Amount *= int64(s.Replicas)
	}
	return out
}

// allowed are the restart policies that a controller takes, its default first.
func allowed(engine string) []string {
	switch engine {
	case Job, CronJob:
		return []string{"OnFailure", "Never"}
	case Standalone:
		return []string{"Always", "OnFailure", "Never"}
	}
	return []string{"Always"}
}

// problems collects wrong fields.
type problems []fault.Field

func (p *problems) add(bad bool, path, format string, args ...any) {
	if bad {
		*p = append(*p, fault.Field{Path: "spec." + path, Message: fmt.Sprintf(format, args...)})
	}
}

// schedule is five fields of digits, stars, ranges, lists and steps.
var schedule = regexp.MustCompile(`^([0-9*/,-]+ +){4}[0-9*/,-]+$`)

// Complete fills in what depends on other fields, and checks what a schema
// cannot: combinations that no cluster would take. images are those allowed.
func (s Spec) Complete(images []string) (Spec, error) {
	var p problems
	if s.RestartPolicy == "" {
		s.RestartPolicy = allowed(s.Engine)[0]
	}
	if s.ContainerPort == 0 {
		s.ContainerPort = s.ServicePort
	}
	p.add(!contains(images, s.Image), "image", "is not offered: take one of %s", strings.Join(images, ", "))
	p.add(!contains(allowed(s.Engine), s.RestartPolicy), "restart_policy", "must be %s for %s", strings.Join(allowed(s.Engine), " or "), s.Engine)
	single := s.Engine == Standalone || s.Engine == Job || s.Engine == CronJob
	p.add(single && s.Replicas != 1, "replicas", "must be 1 for %s", s.Engine)
	p.add((s.Engine == CronJob) != (s.Schedule != ""), "schedule", "is for CronJob, which needs it")
	p.add(s.Schedule != "" && !schedule.MatchString(s.Schedule), "schedule", "must be five fields, like 0 3 * * *")
	p.add(s.NodePort != 0 && (s.PortMode != "NodePort" || s.NodePort < 30000), "node_port", "must be 30000 to 32767, for NodePort")
	p.add(s.NodePort != 0 && s.ServicePort == 0, "service_port", "is required with node_port")
	p.add((s.PortMode == "Ingress") != (s.Host != ""), "host", "is for Ingress, which needs it")
	p.pair("self_label", s.Label, ":")
	p.pair("node_selector", s.NodeSelector, "=")
	s.checkParts(&p)
	return s, fault.InvalidFields(p)
}

// pair checks a label that is written with a symbol.
func (p *problems) pair(path, text, symbol string) {
	if text == "" {
		return
	}
	key, value, ok := strings.Cut(text, symbol)
	p.add(!ok || centre.CheckLabel("", key, value) != nil, path, "must be a label written key%svalue", symbol)
}

func (s Spec) checkParts(p *problems) {
	disks, cards := 0, 0
	have := map[price.Type]bool{}
	for i, part := range s.basket() {
		at := fmt.Sprintf("parts[%d]", i)
		have[part.Type] = have[part.Type] || part.Amount > 0
		_, err := part.Smallest()
		p.add(err != nil, at, "has an amount or a unit that %s is not counted in", part.Type)
		p.add(part.Amount > price.MaxAmount/int64(max(s.Replicas, 1)), at+".amount", "is too much for all replicas")
		p.add(part.Type == price.Disk && part.Model != "DATA" && part.Model != "SYS", at+".model", "must be DATA or SYS for disks")
		if part.Type == price.Disk && part.Model == "DATA" {
			disks++
		}
		if part.Type == price.GPU && part.Amount > 0 {
			cards++
		}
	}
	p.add(!have[price.CPU], "parts", "must have cores")
	p.add(!have[price.Memory], "parts", "must have memory")
	p.add(disks > 1, "parts", "must have one data disk at most")
	p.add(cards > 1, "parts", "must have cards of one model only")
	p.add(disks == 1 && s.MountPath == "", "mount_path", "is required with a data disk")
	p.add(disks == 1 && s.Engine == DaemonSet, "parts", "must have no data disk for DaemonSet: its pods would share one")
	p.add(disks == 1 && s.Engine == Deployment && s.Replicas > 1, "parts", "must have no data disk for a Deployment of several replicas: they would share one")
}

func contains(all []string, s string) bool {
	for _, one := range all {
		if one == s {
			return true
		}
	}
	return false
}

// status is the workload in words shared by all clouds.
func (w Workload) status() provider.Status {
	switch {
	case w.Phase == Deleting || w.Phase == Undoing:
		return provider.StatusStopping
	case w.Phase == Reserved:
		return provider.StatusPending
	case w.Seen.Unknown:
		return provider.StatusUnknown
	case w.Replicas == 0 && w.Seen.Ready == 0:
		return provider.StatusStopped
	case w.Replicas == 0:
		return provider.StatusStopping
	case w.Seen.Failed:
		return provider.StatusError
	case w.Seen.Done || w.Seen.Ready >= w.Seen.Wanted && w.Seen.Current:
		return provider.StatusRunning
	}
	return provider.StatusStarting
}

// Renewed reports whether the renewal of a token has happened. The last few are
// remembered, which is enough for the one that is under way.
func (w Workload) Renewed(token string) bool { return contains(w.Renewals, token) }

// Thing is the workload as the broker reads it.
func (w Workload) Thing() provider.Thing[Workload] {
	raw := w.Seen.Reason
	if raw == "" {
		raw = w.Phase
	}
	return provider.Thing[Workload]{
		ID: w.ID, Name: w.Name, Region: w.CentreID, Zone: w.ClusterID, Status: w.status(), RawStatus: raw, Token: w.Token,
		Billing: provider.BillingPrepaid, Created: w.Created, Expires: w.Expires, State: w,
	}
}
