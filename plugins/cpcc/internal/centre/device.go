package centre

import (
	"context"
	"net/netip"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// The states of a device.
const (
	Idle  = "idle"
	InUse = "in_use"
)

// The roles of a device in a cluster.
const (
	RoleMaster = "master"
	RoleWorker = "worker"
)

// How a device leaves its cluster.
const (
	Gently  = "gently"
	ByForce = "by_force"
)

// Unset is shown for an address that a device does not have.
const Unset = "未设置"

// Stock is what a device brings: whole cores, Gi and cards, by model.
type Stock struct {
	CPUModel    string `json:"cpu_model,omitempty" max:"128" default:"STANDARD" title:"Model of the cores"`
	CPU         int    `json:"cpu_stock,omitempty" min:"0" max:"100000" title:"Cores"`
	MemoryModel string `json:"memory_model,omitempty" max:"128" default:"STANDARD" title:"Model of the memory"`
	Memory      int    `json:"memory_stock,omitempty" min:"0" max:"1000000" title:"Memory in Gi"`
	SystemDisk  int    `json:"system_disk_stock,omitempty" min:"0" max:"10000000" title:"System disk in Gi"`
	DataDisk    int    `json:"data_disk_stock,omitempty" min:"0" max:"10000000" title:"Data disk in Gi"`
	GPUModel    string `json:"gpu_model,omitempty" max:"128" default:"STANDARD" title:"Model of the cards" doc:"Name and memory, like RTX5090-32G"`
	GPU         int    `json:"gpu_stock,omitempty" min:"0" max:"1000" title:"Cards"`
}

// DeviceSpec is what the operator says of a device.
type DeviceSpec struct {
	CentreID   string       `json:"centre_id,omitempty" title:"Centre" doc:"The call's region goes before it"`
	Name       string       `json:"name" required:"true" min:"1" max:"128" title:"Name"`
	IP         string       `json:"ip" required:"true" title:"Address"`
	ExternalIP string       `json:"external_ip,omitempty" title:"External address"`
	Type       string       `json:"device_type,omitempty" enum:"virtual,physical" default:"physical" title:"Type"`
	SSHPort    int          `json:"ssh_port,omitempty" min:"1" max:"65535" default:"22" title:"SSH port"`
	AdminUser  string       `json:"admin_user" required:"true" min:"1" max:"64" pattern:"^[A-Za-z_][A-Za-z0-9_-]*$" title:"User"`
	Password   secret.Value `json:"admin_password,omitempty" title:"Password" doc:"Empty in an update keeps the old one"`
	EnableDate string       `json:"enable_date,omitempty" title:"First day"`
	ExpireDate string       `json:"expire_date,omitempty" title:"Last day"`
	Stock      Stock        `json:"stock,omitempty" title:"What it brings"`
}

// Device is one machine, as it is kept and shown.
type Device struct {
	ID         string    `json:"id" title:"Device"`
	CentreID   string    `json:"centre_id" title:"Centre"`
	Name       string    `json:"name" title:"Name"`
	IP         string    `json:"ip" title:"Address"`
	ExternalIP string    `json:"external_ip" title:"External address"`
	Type       string    `json:"device_type" title:"Type"`
	SSHPort    int       `json:"ssh_port" title:"SSH port"`
	AdminUser  string    `json:"admin_user" title:"User"`
	State      string    `json:"state" title:"State" doc:"idle or in_use"`
	ClusterID  string    `json:"cluster_id,omitempty" title:"Cluster"`
	Role       string    `json:"role,omitempty" title:"Role" doc:"master, worker or nothing"`
	NodeName   string    `json:"node_name,omitempty" title:"Node"`
	HostKey    string    `json:"host_key,omitempty" title:"SSH host key" doc:"Seen first and pinned"`
	Asked      time.Time `json:"asked,omitzero" title:"When its centre's service was asked to let it join"`
	Leaving    string    `json:"leaving,omitempty" title:"Is leaving its cluster" doc:"gently or by_force"`
	LeavesFrom time.Time `json:"leaves_from,omitzero" title:"Is leaving since"`
	Problem    string    `json:"problem,omitempty" title:"Why it did not join or leave, or what is left of that"`
	EnableDate string    `json:"enable_date" title:"First day"`
	ExpireDate string    `json:"expire_date" title:"Last day"`
	Stock      Stock     `json:"stock" title:"What it brings"`
	Token      string    `json:"token" title:"Token it was made with"`
	Created    time.Time `json:"created" title:"Made"`
	Updated    time.Time `json:"updated" title:"Changed"`
}

// What is sealed beside a device.
const (
	devicePasswordName = "device-password"
	deviceJoinName     = "device-join" // the command that it joins by
)

func (s DeviceSpec) apply(d *Device, b Book) (err error) {
	var bad []fault.Field
	if _, err := netip.ParseAddr(s.IP); err != nil {
		bad = append(bad, fault.Field{Path: "spec.ip", Message: "must be an IP address"})
	}
	if _, err := netip.ParseAddr(s.ExternalIP); err != nil && s.ExternalIP != "" && s.ExternalIP != Unset {
		bad = append(bad, fault.Field{Path: "spec.external_ip", Message: "must be an IP address"})
	}
	if len(bad) > 0 {
		return fault.InvalidFields(bad)
	}
	d.Name, d.IP, d.ExternalIP, d.Type = s.Name, s.IP, s.ExternalIP, s.Type
	if d.ExternalIP == "" {
		d.ExternalIP = Unset
	}
	d.SSHPort, d.AdminUser, d.Stock, d.Updated = s.SSHPort, s.AdminUser, s.Stock, b.Now
	d.EnableDate, d.ExpireDate, err = dates(s.EnableDate, s.ExpireDate, b.Today())
	return err
}

// AddDevice adds a machine, once per token.
func (b Book) AddDevice(ctx context.Context, token string, s DeviceSpec) (Device, error) {
	v := Device{ID: area.IDOf("device", token), CentreID: s.CentreID, State: Idle, Token: token, Created: b.Now}
	if err := s.apply(&v, b); err != nil {
		return Device{}, err
	}
	if s.Password.IsZero() {
		return Device{}, fault.Invalid("spec.admin_password", "is required")
	}
	return insert(ctx, b, devices, v.ID, token, func(c *area.Change) (Device, error) {
		c.Seal(devicePasswordName, v.ID, s.Password)
		return v, b.open(ctx, c, v.CentreID)
	})
}

// Device returns one device.
func (b Book) Device(ctx context.Context, id string) (Device, error) {
	row, err := devices.Get(ctx, b.Area, id)
	return row.Value, err
}

// FindDevice returns what a token made; ok is false for nothing.
func (b Book) FindDevice(ctx context.Context, token string) (Device, bool, error) {
	row, err := devices.Find(ctx, b.Area, area.IDOf("device", token))
	return row.Value, row.Revision != 0, err
}

// Devices yields the devices of a centre, "" of all, by id.
func (b Book) Devices(ctx context.Context, centreID string, yield func(Device) error) error {
	return devices.Each(ctx, b.Area, func(r area.Row[Device]) error {
		if centreID != "" && r.Value.CentreID != centreID {
			return nil
		}
		return yield(r.Value)
	})
}

// DevicePassword returns the password of a device's user.
func (b Book) DevicePassword(ctx context.Context, id string) (secret.Value, error) {
	return b.Area.Secret(ctx, devicePasswordName, id)
}

// UpdateDevice changes a device. What it is used for is not the operator's to
// write, and where it is reached cannot change while it is in use.
func (b Book) UpdateDevice(ctx context.Context, id string, s DeviceSpec) (Device, error) {
	return edit(ctx, b, devices, id, func(c *area.Change, v *Device) error {
		if s.CentreID != "" && s.CentreID != v.CentreID {
			return fault.Invalid("spec.centre_id", "cannot be changed: add the device to the other centre")
		}
		if v.State == InUse && (s.IP != v.IP || s.SSHPort != v.SSHPort) {
			return fault.Precondition("the device is in use: its address cannot be changed")
		}
		c.Seal(devicePasswordName, id, s.Password)
		return s.apply(v, b)
	})
}

// RemoveDevice removes a device that is idle.
func (b Book) RemoveDevice(ctx context.Context, id string) error {
	return remove(ctx, b, devices, id, func(c *area.Change, d Device) error {
		if d.State == InUse {
			return fault.Precondition("the device is in use: remove it from its cluster first")
		}
		c.Forget(devicePasswordName, id)
		return nil
	})
}

// Take locks an idle device for a cluster, and keeps the command that it is to
// join by, if there is one; a device that the cluster has in this role already stays
// as it is.
func (b Book) Take(ctx context.Context, id, clusterID, role string, join secret.Value) (Device, error) {
	return edit(ctx, b, devices, id, func(c *area.Change, v *Device) error {
		if v.State == InUse && (v.ClusterID != clusterID || v.Role != role) {
			return fault.Precondition("the device is in use")
		}
		if !inEffect(v.EnableDate, v.ExpireDate, b.Today()) {
			return fault.Precondition("the device is not in effect today")
		}
		if v.State == Idle {
			v.Asked = time.Time{}
			c.Seal(deviceJoinName, id, join)
		}
		v.State, v.ClusterID, v.Role, v.Problem, v.Updated = InUse, clusterID, role, "", b.Now
		return nil
	})
}

// AskJoin notes that the centre's service is being asked to let a device join,
// before it is. False: it was asked before, or the device is not joining.
func (b Book) AskJoin(ctx context.Context, id, clusterID string) (first bool, err error) {
	_, err = edit(ctx, b, devices, id, func(_ *area.Change, v *Device) error {
		if first = v.ClusterID == clusterID && v.NodeName == "" && v.Asked.IsZero(); first {
			v.Asked = b.Now
		}
		return nil
	})
	return first && err == nil, err
}

// UnaskJoin notes that the service was not asked after all.
func (b Book) UnaskJoin(ctx context.Context, id, clusterID string) error {
	_, err := edit(ctx, b, devices, id, func(_ *area.Change, v *Device) error {
		if v.ClusterID == clusterID {
			v.Asked = time.Time{}
		}
		return nil
	})
	return err
}

// Free gives a device back that left the cluster.
func (b Book) Free(ctx context.Context, id, clusterID string) error {
	return b.Left(ctx, id, clusterID, "")
}

// Left gives a device back that left the cluster, and keeps what a person has to
// do to its machine before it is used again; "" for nothing.
func (b Book) Left(ctx context.Context, id, clusterID, problem string) error {
	_, err := edit(ctx, b, devices, id, func(c *area.Change, v *Device) error {
		if v.ClusterID == clusterID {
			v.State, v.ClusterID, v.Role, v.NodeName, v.Problem, v.Updated = Idle, "", "", "", problem, b.Now
			v.Leaving, v.LeavesFrom, v.Asked = "", time.Time{}, time.Time{}
			c.Forget(deviceJoinName, id)
		}
		return nil
	})
	if fault.Is(err, fault.ClassNotFound) {
		return nil
	}
	return err
}

// Unjoined gives a device back that could not join, and keeps why.
func (b Book) Unjoined(ctx context.Context, id, clusterID, problem string) error {
	_, err := edit(ctx, b, devices, id, func(c *area.Change, v *Device) error {
		if v.ClusterID == clusterID && v.NodeName == "" {
			v.State, v.ClusterID, v.Role, v.Problem, v.Updated = Idle, "", "", problem, b.Now
			v.Asked = time.Time{}
			c.Forget(deviceJoinName, id)
		}
		return nil
	})
	return err
}

// Leaving notes that a device is leaving its cluster, from now on.
func (b Book) Leaving(ctx context.Context, id string, force bool) error {
	_, err := edit(ctx, b, devices, id, func(_ *area.Change, v *Device) error {
		if v.Leaving = Gently; force {
			v.Leaving = ByForce
		}
		v.LeavesFrom, v.Problem = b.Now, ""
		return nil
	})
	return err
}

// Stays ends the leaving of a device that could not, and keeps why.
func (b Book) Stays(ctx context.Context, id, clusterID, problem string) error {
	_, err := edit(ctx, b, devices, id, func(_ *area.Change, v *Device) error {
		if v.ClusterID == clusterID {
			v.Leaving, v.LeavesFrom, v.Problem, v.Updated = "", time.Time{}, problem, b.Now
		}
		return nil
	})
	return err
}

// Known keeps the host key that a device showed first, and its node's name when
// it is not empty.
func (b Book) Known(ctx context.Context, id, hostKey, nodeName string) error {
	_, err := edit(ctx, b, devices, id, func(c *area.Change, v *Device) error {
		if v.HostKey != "" && hostKey != "" && v.HostKey != hostKey {
			return fault.Precondition("the device shows another host key than it did first")
		}
		if hostKey != "" {
			v.HostKey = hostKey
		}
		if nodeName != "" {
			v.NodeName = nodeName
			c.Forget(deviceJoinName, id)
		}
		return nil
	})
	return err
}
