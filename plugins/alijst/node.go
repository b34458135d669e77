package main

import (
	"context"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// NodeSpec is a server that is to become a node.
type NodeSpec struct {
	Cluster string `json:"cluster_id" required:"true" min:"1" max:"100" title:"Cluster"`
	Server  string `json:"instance_id" required:"true" min:"1" max:"100" pattern:"^[^/]+$" title:"Server" doc:"Id of an ECS instance. What is on it may be lost"`
}

// NodeState is what a node of a cluster is.
type NodeState struct {
	Server       string `json:"instance_id" title:"Server"`
	Name         string `json:"name,omitempty" title:"Name of the server"`
	Business     string `json:"business_code,omitempty" title:"Business domain"`
	Type         string `json:"instance_type,omitempty" title:"Sort of server"`
	Size         string `json:"size,omitempty" title:"Size"`
	CPU          string `json:"cpu,omitempty" title:"Cores"`
	Memory       string `json:"memory,omitempty" title:"Memory"`
	LocalStorage string `json:"local_storage,omitempty" title:"Local disks"`
	OS           string `json:"os,omitempty" title:"Operating system"`
	OSType       string `json:"os_type,omitempty" title:"Sort of operating system"`
	Zone         string `json:"zone,omitempty" title:"Zone"`
	VPC          string `json:"vpc_id,omitempty" title:"Private network"`
	Network      string `json:"network,omitempty" title:"Sort of network"`
	PrivateIP    string `json:"private_ip,omitempty" title:"Private address"`
	PublicIP     string `json:"public_ip,omitempty" title:"Public address"`
	EIP          string `json:"eip,omitempty" title:"Elastic address"`
	MbpsIn       string `json:"mbps_in,omitempty" title:"Mbit/s inwards"`
	MbpsOut      string `json:"mbps_out,omitempty" title:"Mbit/s outwards"`
	Expires      string `json:"expires,omitempty" title:"End of the server's term"`
}

// nodeRow is a server as the cloud shows it.
type nodeRow struct {
	ID                                                   string `json:"InstanceId"`
	InstanceName, InstanceType, BusinessCode             string
	RegionID, VpcID, OSName, EcsOsType, EcsConfiguration string
	EcsCPU, EcsMemory, EcsLocalStorageCapacity           loose
	InternetMaxBandwidthIn, InternetMaxBandwidthOut      loose
	InstanceNetworkType, EcsZone, EcsEip, EcsPublicIP    string
	EcsPrivateIP, EcsExpiredTime                         string
}

type node = provider.Thing[NodeState]

func (r nodeRow) thing(cluster string) node {
	return node{
		ID: cluster + "/" + r.ID, Name: firstText(r.InstanceName, r.ID), Region: r.RegionID, Status: provider.StatusRunning,
		State: NodeState{
			Server: r.ID, Name: r.InstanceName, Business: r.BusinessCode, Type: r.InstanceType, Size: r.EcsConfiguration, CPU: r.EcsCPU.text(), Memory: r.EcsMemory.text(),
			LocalStorage: r.EcsLocalStorageCapacity.text(), OS: r.OSName, OSType: r.EcsOsType, Zone: r.EcsZone, VPC: r.VpcID, Network: r.InstanceNetworkType,
			PrivateIP: r.EcsPrivateIP, PublicIP: r.EcsPublicIP, EIP: r.EcsEip, MbpsIn: r.InternetMaxBandwidthIn.text(),
			MbpsOut: r.InternetMaxBandwidthOut.text(), Expires: r.EcsExpiredTime,
		},
	}
}

// nodes is the handler of the kind cluster_node. A node has nothing that could
// carry a token: it is known by cluster and server.
type nodes struct{ shelf[NodeState] }

func nodeKind(p *plugin) *provider.Kind {
	h := nodes{shelf[NodeState]{plugin: p, kind: kindNode, walk: walkNodes, within: inCluster}}
	p.shelves[kindNode] = h
	return provider.KindOf[NodeSpec, NodeState](kindNode, "Cluster node", h,
		provider.ActionOf(provider.ActionDescription{Name: "destroy", Title: "Take out of the cluster", Changes: true, Destructive: true}, h.destroy),
	)
}

// inCluster is the cluster of what has "cluster/rest" as its id.
func inCluster(id string) string {
	p, _ := parts(id, 2, 0)
	return p[0]
}

// walkNodes streams those of one cluster or of all.
func walkNodes(ctx context.Context, c *cloud, within string, yield func(node) error) error {
	return inClusters(ctx, c, within, func(id string) error {
		return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
			r := retailcloud.CreateListClusterNodeRequest()
			r.ClusterInstanceId, r.PageNum, r.PageSize = id, page, size
			return r
		}, func(r nodeRow) string { return r.ID }, func(r nodeRow) error { return yield(r.thing(id)) })
	})
}

// Create lets a server join a cluster.
func (h nodes) Create(ctx context.Context, req provider.TypedCreate[NodeSpec]) (provider.Result[NodeState], error) {
	s := req.Spec
	c, mark, err := h.order(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return provider.Result[NodeState]{}, err
	}
	id := s.Cluster + "/" + s.Server
	return h.make(ctx, c, making[NodeState]{
		mark: mark, within: s.Cluster, takes: true, is: func(t node) bool { return t.ID == id },
		buy: func(ctx context.Context) (string, error) {
			r := retailcloud.CreateAddClusterNodeRequest()
			r.ClusterInstanceId, r.EcsInstanceIdList = s.Cluster, texts([]string{s.Server})
			return id, change(ctx, c, r)
		},
	})
}

// destroy takes a node out of its cluster.
func (h nodes) destroy(ctx context.Context, req provider.TypedAction[Confirm]) (provider.ActionResult[none], error) {
	return h.destroyed(ctx, req, func(ctx context.Context, c *cloud, id string) error {
		p, ok := parts(id, 2, 0)
		if !ok {
			return fault.NotFound(kindNode, id)
		}
		r := retailcloud.CreateRemoveClusterNodeRequest()
		r.ClusterInstanceId, r.EcsInstanceIdList = p[0], texts([]string{p[1]})
		return change(ctx, c, r)
	})
}
