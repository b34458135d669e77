package main

import (
	"context"
	"encoding/json"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// ClusterSpec is what the account's people choose of a cluster. Its region is
// the call's. Parameters that the cloud ignores are not offered.
type ClusterSpec struct {
	Business    string       `json:"business_code" enum:"JST,NEW_RETAIL,MINI_APP,SUPPLY,MESSAGE" default:"JST" title:"Business domain"`
	Type        string       `json:"cluster_type" enum:"Standard,Serverless,Windows" default:"Standard" title:"Sort"`
	EnvType     string       `json:"env_type" enum:"test,prod" default:"prod" title:"Sort of environments"`
	VPC         string       `json:"vpc_id" required:"true" min:"1" max:"100" title:"Private network"`
	Switches    []string     `json:"vswitch_ids" required:"true" min:"1" max:"10" title:"Subnets"`
	RegionName  string       `json:"region_name,omitempty" max:"100" title:"Name of the region"`
	KeyPair     string       `json:"key_pair,omitempty" max:"128" title:"Key pair" doc:"Or a password"`
	Password    secret.Value `json:"password,omitempty" title:"Password of the nodes" doc:"At least 8 small and capital letters, digits and others; or a key pair"`
	PodCIDR     string       `json:"pod_cidr,omitempty" max:"18" title:"Range of pods" doc:"Not of Serverless"`
	ServiceCIDR string       `json:"service_cidr,omitempty" max:"18" title:"Range of services" doc:"Not of Serverless"`
	Monitoring  *bool        `json:"monitoring,omitempty" title:"Monitoring of the nodes"`
	Logging     *bool        `json:"logging,omitempty" title:"Collect logs" doc:"Of Standard only"`
	PublicAPI   *bool        `json:"public_api,omitempty" title:"API from the internet" doc:"Makes an address, which costs money"`
	SNAT        *bool        `json:"snat,omitempty" title:"Way out for nodes"`
}

// ClusterState is what a cluster is. Passwords in answers are not read.
type ClusterState struct {
	Title       string   `json:"title" title:"Title"`
	Business    string   `json:"business_code,omitempty" title:"Business domain"`
	EnvType     string   `json:"env_type,omitempty" title:"Sort of environments"`
	VPC         string   `json:"vpc_id,omitempty" title:"Private network"`
	Switches    []string `json:"vswitch_ids,omitempty" title:"Subnets"`
	Nodes       []string `json:"instance_ids,omitempty" title:"Nodes"`
	KeyPair     string   `json:"key_pair,omitempty" title:"Key pair"`
	NetPlug     string   `json:"net_plug,omitempty" title:"Network of pods"`
	PodCIDR     string   `json:"pod_cidr,omitempty" title:"Range of pods"`
	ServiceCIDR string   `json:"service_cidr,omitempty" title:"Range of services"`
	CPULoad     string   `json:"cpu_load,omitempty" title:"Load of cores"`
	MemoryLoad  string   `json:"memory_load,omitempty" title:"Load of memory"`
}

// clusterRow is a cluster as the list shows it.
type clusterRow struct {
	ID                                          string `json:"InstanceId"`
	ClusterTitle, BusinessCode, RegionID, VpcID string
	CreateStatus, Status, EnvType               loose
	KeyPair, NetPlug, PodCIDR, ServiceCIDR      string
	WorkLoadCPU                                 loose `json:"WorkLoadCpu"`
	WorkLoadMem                                 loose
	EcsIDs                                      []string `json:"EcsIds"`
	Switches                                    []string `json:"VswitchIds"`
}

type cluster = provider.Thing[ClusterState]

func (r clusterRow) thing() cluster {
	own, mark := split(r.ClusterTitle)
	return cluster{
		ID: r.ID, Name: own, Token: mark, Region: r.RegionID, Status: clusterStatus(r.Status.text()), RawStatus: r.Status.text(),
		State: ClusterState{
			Title: own, Business: r.BusinessCode, EnvType: environmentTold(r.EnvType.text()), VPC: r.VpcID, Switches: r.Switches, Nodes: r.EcsIDs,
			KeyPair: r.KeyPair, NetPlug: r.NetPlug, PodCIDR: r.PodCIDR, ServiceCIDR: r.ServiceCIDR, CPULoad: r.WorkLoadCPU.text(), MemoryLoad: r.WorkLoadMem.text(),
		},
	}
}

// clusters is the handler of the kind cluster. It has no plain delete: what
// ends a cluster with all that runs on it must be confirmed.
type clusters struct{ found[ClusterState] }

func clusterKind(p *plugin) *provider.Kind {
	h := clusters{found[ClusterState]{shelf[ClusterState]{plugin: p, kind: kindCluster, walk: walkClusters}}}
	p.shelves[kindCluster] = h
	return provider.KindOf[ClusterSpec, ClusterState](kindCluster, "Cluster", h,
		provider.ActionOf(provider.ActionDescription{Name: "search", Title: "Search clusters like this"}, h.filtered),
		provider.ActionOf(provider.ActionDescription{Name: "detail", Title: "Load and pods"}, h.detail),
		provider.ActionOf(provider.ActionDescription{Name: "candidates", Title: "Servers that can become nodes"}, h.candidates),
		provider.ActionOf(provider.ActionDescription{Name: "destroy", Title: "Delete with all it runs", Changes: true, Destructive: true}, h.destroy),
	)
}

// clusterFilter narrows a list of clusters.
type clusterFilter struct{ business, env string }

func (c *cloud) clusters(ctx context.Context, f clusterFilter, yield func(cluster) error) error {
	return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
		r := retailcloud.CreateListClusterRequest()
		r.PageNum, r.PageSize, r.BusinessCode, r.EnvType = page, size, f.business, f.env
		return r
	}, func(r clusterRow) string { return r.ID }, func(r clusterRow) error {
		if c.region != "" && r.RegionID != c.region {
			return nil
		}
		return yield(r.thing())
	})
}

func walkClusters(ctx context.Context, c *cloud, _ string, yield func(cluster) error) error {
	return c.clusters(ctx, clusterFilter{}, yield)
}

// inClusters calls do for a cluster, or for all of them.
func inClusters(ctx context.Context, c *cloud, within string, do func(id string) error) error {
	if within != "" {
		return do(within)
	}
	return walkClusters(ctx, c, "", func(t cluster) error { return goneIsDone(do(t.ID)) })
}

// check refuses what the cloud would refuse after it was asked.
func (s ClusterSpec) check() error {
	switch {
	case (s.KeyPair == "") == s.Password.IsZero():
		return fault.Invalid("spec.key_pair", "give a key pair or a password, and not both")
	case s.Type != "Serverless" && s.PodCIDR == "":
		return fault.Invalid("spec.pod_cidr", "is required for clusters with nodes")
	case s.Type != "Serverless" && s.ServiceCIDR == "":
		return fault.Invalid("spec.service_cidr", "is required for clusters with nodes")
	case s.Logging != nil && *s.Logging && s.Type != "Standard":
		return fault.Invalid("spec.logging", "is for Standard only")
	}
	return nil
}

// bit writes a truth as a number; "" where it is not said.
func bit(b *bool) requests.Integer {
	switch {
	case b == nil:
		return ""
	case *b:
		return whole(1)
	}
	return whole(0)
}

// Create makes one cluster.
func (h clusters) Create(ctx context.Context, req provider.TypedCreate[ClusterSpec]) (provider.Result[ClusterState], error) {
	var none provider.Result[ClusterState]
	s := req.Spec
	if err := s.check(); err != nil {
		return none, err
	}
	words, err := environmentNamed(s.EnvType, "spec.env_type")
	if err != nil {
		return none, err
	}
	c, mark, err := h.order(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return none, err
	}
	c = c.hiding(s.Password)
	return h.make(ctx, c, making[ClusterState]{mark: mark, takes: true, buy: func(ctx context.Context) (string, error) {
		r := retailcloud.CreateCreateClusterRequest()
		r.BusinessCode, r.ClusterEnvType, r.ClusterTitle, r.ClusterType = s.Business, words.cluster, join(nameOf(req.Name, "cluster"), mark), s.Type
		r.VpcId, r.Vswitchids, r.RegionName, r.KeyPair, r.Password = s.VPC, texts(s.Switches), s.RegionName, s.KeyPair, s.Password.Reveal()
		r.PodCIDR, r.ServiceCIDR = s.PodCIDR, s.ServiceCIDR
		r.CloudMonitorFlags, r.PublicSlb, r.SnatEntry = bit(s.Monitoring), bit(s.PublicAPI), bit(s.SNAT)
		if s.Logging != nil {
			r.CreateWithLogIntegration = truth(*s.Logging)
		}
		out, err := write[struct {
			Result struct {
				ID string `json:"ClusterInstanceId"`
			}
		}](ctx, c, r)
		return madeAs(out.Result.ID, err)
	}})
}

// destroy deletes a cluster.
func (h clusters) destroy(ctx context.Context, req provider.TypedAction[Confirm]) (provider.ActionResult[none], error) {
	return h.destroyed(ctx, req, func(ctx context.Context, c *cloud, id string) error {
		r := retailcloud.CreateDeleteClusterRequest()
		r.ClusterInstanceId = id
		return change(ctx, c, r)
	})
}

// ClustersLike are clusters of one business domain and sort.
type ClustersLike struct {
	Clusters []ClusterState `json:"clusters" title:"Clusters"`
	More     bool           `json:"more,omitempty" title:"There is more"`
}

// filtered finds the clusters that are of a cluster's business domain and sort.
func (h clusters) filtered(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[ClustersLike], error) {
	var out provider.ActionResult[ClustersLike]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	now, err := h.get(ctx, c, req.ID)
	if err != nil {
		return out, err
	}
	f := clusterFilter{business: now.State.Business}
	if words, err := environmentNamed(now.State.EnvType, ""); err == nil {
		f.env = words.cluster
	}
	out.Output.Clusters, out.Output.More, err = gather(func(yield func(cluster) error) error { return c.clusters(ctx, f, yield) })
	return out, err
}

// ClusterDetail is what runs on a cluster. Numbers are told as the cloud writes them.
type ClusterDetail struct {
	Title         string       `json:"title" title:"Title"`
	Region        string       `json:"region" title:"Region"`
	Apps          int64        `json:"apps" title:"Applications"`
	Pods          int64        `json:"pods" title:"Pods"`
	Nodes         int64        `json:"nodes" title:"Nodes"`
	CPU           string       `json:"cpu_total" title:"Cores"`
	CPURequest    string       `json:"cpu_request" title:"Cores asked for"`
	CPUUse        string       `json:"cpu_use" title:"Cores in use"`
	Memory        string       `json:"memory_total" title:"Memory"`
	MemoryRequest string       `json:"memory_request" title:"Memory asked for"`
	MemoryUse     string       `json:"memory_use" title:"Memory in use"`
	Allocated     []ClusterPod `json:"allocated" title:"Pods that have room"`
	Available     []ClusterPod `json:"available" title:"Pods that there is room for"`
}

// ClusterPod is a pod of a cluster.
type ClusterPod struct {
	App           string `json:"app,omitempty" title:"Application"`
	Environment   string `json:"environment,omitempty" title:"Environment"`
	CPURequest    string `json:"cpu_request,omitempty" title:"Cores asked for"`
	MemoryRequest string `json:"memory_request,omitempty" title:"Memory asked for"`
}

// clusterPodRow is a pod in a cluster's detail, in which the cloud misspells
// the cores; the SDK takes it for a text and fails.
type clusterPodRow struct {
	AppName, EnvName                   loose
	CupRequest, CPURequest, MemRequest loose
}

func clusterPods(rows []json.RawMessage) []ClusterPod {
	out := []ClusterPod{}
	for _, raw := range rows[:min(len(rows), mostTold)] {
		var r clusterPodRow
		if err := json.Unmarshal(raw, &r); err != nil {
			continue
		}
		out = append(out, ClusterPod{
			App: r.AppName.text(), Environment: r.EnvName.text(), CPURequest: firstText(r.CPURequest.text(), r.CupRequest.text()), MemoryRequest: r.MemRequest.text(),
		})
	}
	return out
}

// detail tells what runs on a cluster.
func (h clusters) detail(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[ClusterDetail], error) {
	var answer provider.ActionResult[ClusterDetail]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return answer, err
	}
	r := retailcloud.CreateQueryClusterDetailRequest()
	r.ClusterInstanceId = req.ID
	out, err := read[struct {
		Result struct {
			BasicInfo    struct{ ClusterName, RegionID string }
			InstanceInfo struct {
				AllocatePodCount, AppCount loose
				AllocatedPodInfoList       []json.RawMessage
				AvailablePodInfoList       []json.RawMessage
			}
			WorkLoad struct {
				AllNodeCount                 loose
				CPUTotal, CPURequest, CPUUse loose
				MemTotal, MemRequest, MemUse loose
			}
		}
	}](ctx, c, r)
	if err != nil {
		return answer, err
	}
	b, i, w := out.Result.BasicInfo, out.Result.InstanceInfo, out.Result.WorkLoad
	own, _ := split(b.ClusterName)
	answer.Output = ClusterDetail{
		Title: own, Region: b.RegionID, Apps: i.AppCount.number(), Pods: i.AllocatePodCount.number(), Nodes: w.AllNodeCount.number(),
		CPU: w.CPUTotal.text(), CPURequest: w.CPURequest.text(), CPUUse: w.CPUUse.text(),
		Memory: w.MemTotal.text(), MemoryRequest: w.MemRequest.text(), MemoryUse: w.MemUse.text(),
		Allocated: clusterPods(i.AllocatedPodInfoList), Available: clusterPods(i.AvailablePodInfoList),
	}
	return answer, nil
}

// Candidates are servers that can become nodes.
type Candidates struct {
	Nodes []NodeState `json:"nodes" title:"Servers"`
	More  bool        `json:"more,omitempty" title:"There is more"`
}

// candidates tells which servers can become nodes of a cluster.
func (h clusters) candidates(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[Candidates], error) {
	var out provider.ActionResult[Candidates]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	out.Output.Nodes, out.Output.More, err = gather(func(yield func(node) error) error {
		return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
			r := retailcloud.CreateListAvailableClusterNodeRequest()
			r.ClusterInstanceId, r.PageNum, r.PageSize = req.ID, page, size
			return r
		}, func(r nodeRow) string { return r.ID }, func(r nodeRow) error { return yield(r.thing("")) })
	})
	return out, err
}
