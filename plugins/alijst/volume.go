package main

import (
	"context"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// VolumeSpec is what the account's people choose of a volume: a folder of a
// file server (NAS).
type VolumeSpec struct {
	Cluster  string `json:"cluster_id" required:"true" min:"1" max:"100" title:"Cluster"`
	Server   string `json:"mount_target" required:"true" min:"1" max:"253" title:"File server"`
	Folder   string `json:"mount_dir,omitempty" max:"1000" title:"Folder" doc:"Empty is the root"`
	NFS      string `json:"nfs_version" enum:"3,4.0" default:"3" title:"Version of NFS"`
	Capacity string `json:"capacity" required:"true" pattern:"^[1-9][0-9]{0,15}[KMGTPE]i?$" title:"Size" doc:"Like 10Gi"`
	Access   string `json:"access_mode" enum:"ReadWriteMany,ReadWriteOnce" default:"ReadWriteMany" title:"Access"`
	Reclaim  string `json:"reclaim_policy" enum:"Retain,Delete" default:"Retain" title:"After the claim" doc:"Delete deletes the data"`
	Class    string `json:"storage_class" required:"true" pattern:"^[a-z][a-z0-9.-]{0,252}$" title:"Storage class"`
}

// VolumeState is what a volume is.
type VolumeState struct {
	Cluster  string `json:"cluster_id" title:"Cluster"`
	Name     string `json:"volume_name" title:"Name in Kubernetes"`
	Folder   string `json:"mount_dir,omitempty" title:"Folder"`
	Capacity string `json:"capacity" title:"Size"`
	Access   string `json:"access_mode" title:"Access"`
	Reclaim  string `json:"reclaim_policy" title:"After the claim"`
	Class    string `json:"storage_class" title:"Storage class"`
	Claim    string `json:"claim,omitempty" title:"Claim"`
	Reason   string `json:"reason,omitempty" title:"Reason of the state"`
}

type volumeRow struct {
	Name, Capacity, AccessModes, ReclaimPolicy, Status  string
	PvcName, MountDir, StorageClass, Reason, CreateTime string
}

type volume = provider.Thing[VolumeState]

// volumes is the handler of the kind volume.
type volumes struct{ store[VolumeState] }

func volumeKind(p *plugin) *provider.Kind {
	h := volumes{stored(shelf[VolumeState]{plugin: p, kind: kindVolume, walk: walkVolumes, within: inCluster}, deleteVolume)}
	p.shelves[kindVolume] = h
	return provider.KindOf[VolumeSpec, VolumeState](kindVolume, "Volume", h)
}

// walkVolumes streams those of one cluster or of all.
func walkVolumes(ctx context.Context, c *cloud, within string, yield func(volume) error) error {
	return inClusters(ctx, c, within, func(id string) error {
		return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
			r := retailcloud.CreateListPersistentVolumeRequest()
			r.ClusterInstanceId, r.PageNumber, r.PageSize = id, page, size
			return r
		}, func(r volumeRow) string { return r.Name }, func(r volumeRow) error {
			own, mark := split(r.Name)
			return yield(volume{
				ID: id + "/" + r.Name, Name: own, Token: mark, Status: volumeStatus(r.Status), RawStatus: r.Status, Created: c.cfg.moment(r.CreateTime),
				State: VolumeState{
					Cluster: id, Name: r.Name, Folder: r.MountDir, Capacity: r.Capacity, Access: r.AccessModes, Reclaim: r.ReclaimPolicy,
					Class: r.StorageClass, Claim: r.PvcName, Reason: r.Reason,
				},
			})
		})
	})
}

// Create makes one volume.
func (h volumes) Create(ctx context.Context, req provider.TypedCreate[VolumeSpec]) (provider.Result[VolumeState], error) {
	s := req.Spec
	c, mark, err := h.order(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return provider.Result[VolumeState]{}, err
	}
	return h.make(ctx, c, making[VolumeState]{mark: mark, within: s.Cluster, buy: func(ctx context.Context) (string, error) {
		r := retailcloud.CreateCreatePersistentVolumeRequest()
		r.ClusterInstanceId, r.Name, r.MountTargetDomain, r.MountDir = s.Cluster, join(labelOf(req.Name, "volume"), mark), s.Server, s.Folder
		r.NFSVersion, r.Capacity, r.AccessModes, r.ReclaimPolicy, r.StorageClass = s.NFS, s.Capacity, s.Access, s.Reclaim, s.Class
		_, err := write[nothing](ctx, c, r)
		return s.Cluster + "/" + r.Name, err
	}})
}

// deleteVolume deletes a volume that nobody claims.
func deleteVolume(ctx context.Context, c *cloud, id string) error {
	p, ok := parts(id, 2, 0)
	if !ok {
		return fault.NotFound(kindVolume, id)
	}
	r := retailcloud.CreateDeletePersistentVolumeRequest()
	r.ClusterInstanceId, r.PersistentVolumeName = p[0], p[1]
	return change(ctx, c, r)
}
