package main

import (
	"context"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// InstanceState is what an instance of an application is.
type InstanceState struct {
	ID       string `json:"app_instance_id" title:"Instance"`
	Status   string `json:"status" title:"State"`
	Health   string `json:"health,omitempty" title:"Health"`
	Size     string `json:"size,omitempty" title:"Size"`
	Version  string `json:"version,omitempty" title:"Version"`
	HostIP   string `json:"host_ip,omitempty" title:"Address of the host"`
	PodIP    string `json:"pod_ip,omitempty" title:"Address"`
	Requests string `json:"requests,omitempty" title:"Asks for"`
	Limits   string `json:"limits,omitempty" title:"May use"`
	Restarts int64  `json:"restarts" title:"Restarts"`
}

// instanceRow is an instance as the cloud shows it.
type instanceRow struct {
	ID                         string `json:"AppInstanceId"`
	CreateTime, Health, Status string
	Spec, Version              loose
	HostIP                     string `json:"HostIp"`
	PodIP                      string `json:"PodIp"`
	Requests, Limits           loose
	RestartCount               loose
}

type instance = provider.Thing[InstanceState]

// instances is the handler of the kind app_instance.
type instances struct{ shelf[InstanceState] }

func instanceKind(p *plugin) *provider.Kind {
	h := instances{shelf[InstanceState]{plugin: p, kind: kindInstance, walk: walkInstances, within: inEnvironment}}
	p.shelves[kindInstance] = h
	return provider.KindOf[none, InstanceState](kindInstance, "Application instance", h)
}

// inEnvironment is the environment of what has "app/environment/name" as its id.
func inEnvironment(id string) string {
	if p, ok := parts(id, 3, 2); ok {
		return p[0] + "/" + p[1]
	}
	return ""
}

// walkInstances streams those of one environment or of all.
func walkInstances(ctx context.Context, c *cloud, within string, yield func(instance) error) error {
	return inEnvironments(ctx, c, within, func(app, env string) error {
		return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
			r := retailcloud.CreateListAppInstanceRequest()
			r.AppId, r.EnvId, r.PageNumber, r.PageSize = number(app), number(env), page, size
			return r
		}, func(r instanceRow) string { return r.ID }, func(r instanceRow) error {
			return yield(instance{
				ID: app + "/" + env + "/" + r.ID, Name: r.ID, Status: instanceStatus(r.Status, r.Health), RawStatus: r.Status, Created: c.cfg.moment(r.CreateTime),
				State: InstanceState{
					ID: r.ID, Status: r.Status, Health: r.Health, Size: r.Spec.text(), Version: r.Version.text(), HostIP: r.HostIP, PodIP: r.PodIP,
					Requests: r.Requests.text(), Limits: r.Limits.text(), Restarts: r.RestartCount.number(),
				},
			})
		})
	})
}

// countInstances tells how many instances an environment has.
func (c *cloud) countInstances(ctx context.Context, environment string) (n int64, err error) {
	err = walkInstances(ctx, c, environment, func(instance) error { n++; return nil })
	return n, err
}

// ClaimSpec is what a customer chooses of a volume claim.
type ClaimSpec struct {
	Environment string `json:"environment_id" required:"true" min:"3" max:"40" title:"Environment"`
	Capacity    string `json:"capacity" required:"true" pattern:"^[1-9][0-9]{0,15}[KMGTPE]i?$" title:"Size" doc:"Like 10Gi"`
	Access      string `json:"access_mode" enum:"ReadWriteMany,ReadWriteOnce" default:"ReadWriteOnce" title:"Access"`
	Class       string `json:"storage_class" required:"true" pattern:"^[a-z][a-z0-9.-]{0,252}$" title:"Storage class"`
}

// ClaimState is what a volume claim is.
type ClaimState struct {
	Environment string `json:"environment_id" title:"Environment"`
	Name        string `json:"claim_name" title:"Name in Kubernetes"`
	Capacity    string `json:"capacity" title:"Size"`
	Access      string `json:"access_mode" title:"Access"`
	Class       string `json:"storage_class" title:"Storage class"`
	Volume      string `json:"volume,omitempty" title:"Volume"`
}

type claimRow struct{ Name, Capacity, AccessModes, Status, StorageClass, VolumeName, CreateTime string }

type claim = provider.Thing[ClaimState]

// claims is the handler of the kind volume_claim.
type claims struct{ store[ClaimState] }

func claimKind(p *plugin) *provider.Kind {
	h := claims{stored(shelf[ClaimState]{plugin: p, kind: kindClaim, walk: walkClaims, within: inEnvironment}, deleteClaim)}
	p.shelves[kindClaim] = h
	return provider.KindOf[ClaimSpec, ClaimState](kindClaim, "Volume claim", h)
}

// walkClaims streams those of one environment or of all.
func walkClaims(ctx context.Context, c *cloud, within string, yield func(claim) error) error {
	return inEnvironments(ctx, c, within, func(app, env string) error {
		return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
			r := retailcloud.CreateListPersistentVolumeClaimRequest()
			r.AppId, r.EnvId, r.PageNumber, r.PageSize = number(app), number(env), page, size
			return r
		}, func(r claimRow) string { return r.Name }, func(r claimRow) error {
			own, mark := split(r.Name)
			return yield(claim{
				ID: app + "/" + env + "/" + r.Name, Name: own, Token: mark, Status: volumeStatus(r.Status), RawStatus: r.Status, Billing: provider.BillingOnce,
				Created: c.cfg.moment(r.CreateTime), State: ClaimState{
					Environment: app + "/" + env, Name: r.Name, Capacity: r.Capacity, Access: r.AccessModes, Class: r.StorageClass, Volume: r.VolumeName,
				},
			})
		})
	})
}

// Create makes one claim.
func (h claims) Create(ctx context.Context, req provider.TypedCreate[ClaimSpec]) (provider.Result[ClaimState], error) {
	var none provider.Result[ClaimState]
	s := req.Spec
	p, err := inner(s.Environment, "spec.environment_id", 2, 2)
	if err != nil {
		return none, err
	}
	c, mark, err := h.order(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return none, err
	}
	return h.make(ctx, c, making[ClaimState]{mark: mark, within: s.Environment, takes: true, buy: func(ctx context.Context) (string, error) {
		r := retailcloud.CreateCreatePersistentVolumeClaimRequest()
		r.AppId, r.EnvId, r.Name = number(p[0]), number(p[1]), join(labelOf(req.Name, "claim"), mark)
		r.AccessModes, r.Capacity, r.StorageClass = s.Access, s.Capacity, s.Class
		_, err := write[nothing](ctx, c, r)
		return strings.Join([]string{p[0], p[1], r.Name}, "/"), err
	}})
}

func deleteClaim(ctx context.Context, c *cloud, id string) error {
	p, ok := parts(id, 3, 2)
	if !ok {
		return fault.NotFound(kindClaim, id)
	}
	r := retailcloud.CreateDeletePersistentVolumeClaimRequest()
	r.AppId, r.EnvId, r.PersistentVolumeClaimName = number(p[0]), number(p[1]), p[2]
	return change(ctx, c, r)
}

// UserState is what a user of the cloud is.
type UserState struct {
	User string `json:"user_id" title:"User"`
	Type string `json:"user_type" title:"Type"`
}

type user = provider.Thing[UserState]

// users is the handler of the kind user.
type users struct{ shelf[UserState] }

func userKind(p *plugin) *provider.Kind {
	h := users{shelf[UserState]{plugin: p, kind: kindUser, walk: walkUsers}}
	p.shelves[kindUser] = h
	return provider.KindOf[none, UserState](kindUser, "User", h)
}

func walkUsers(ctx context.Context, c *cloud, _ string, yield func(user) error) error {
	return pages(ctx, c, func(page, size requests.Integer) requests.AcsRequest {
		r := retailcloud.CreateListUsersRequest()
		r.PageNumber, r.PageSize = page, size
		return r
	}, func(r userRow) string { return r.UserID }, func(r userRow) error {
		return yield(user{ID: r.UserID, Name: r.RealName, Status: provider.StatusRunning, State: UserState{User: r.UserID, Type: userType(r.UserType)}})
	})
}
