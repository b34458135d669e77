package sim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The power states as they are on the wire; one has a space.
const (
	stateInitializing = "Initializing"
	stateStarting     = "Starting"
	stateRunning      = "Running"
	stateStopping     = "Stopping"
	stateStopped      = "Stopped"
	stateRebooting    = "Rebooting"
	stateInstallFail  = "Install Fail"
)

// host is one UHost. It is guarded by the Cloud's mutex.
type host struct {
	Seq     int64  `json:"seq"`
	ID      string `json:"id"`
	Account string `json:"account"`
	Project string `json:"project"`
	Region  string `json:"region"`
	Zone    string `json:"zone"`
	Name    string `json:"name"`
	Tag     string `json:"tag"`
	Remark  string `json:"remark,omitempty"`

	Spec  hostSpec `json:"spec"`
	State string   `json:"state"`
	Steps []step   `json:"steps,omitempty"`
	// BusyUntil is when a running password reset ends, in unix milliseconds.
	BusyUntil int64 `json:"busy_until,omitempty"`
	// Secret is a digest of the password, salted with the id.
	Secret string `json:"secret"`
	EIP    string `json:"eip,omitempty"`
	// Firewall, VPC and Subnet are empty when nobody chose one.
	Firewall string `json:"firewall,omitempty"`
	VPC      string `json:"vpc,omitempty"`
	Subnet   string `json:"subnet,omitempty"`
	lease

	hidden int // answers that still leave the host out
}

// hostSpec is what a host is built of.
type hostSpec struct {
	ImageID     string `json:"image"`
	MachineType string `json:"machine_type"`
	CPU         int    `json:"cpu"`
	MemoryMB    int    `json:"memory_mb"`
	GPU         int    `json:"gpu,omitempty"`
	GPUType     string `json:"gpu_type,omitempty"`
	Disks       []disk `json:"disks"`
	Net         string `json:"net,omitempty"`
	Platform    string `json:"platform,omitempty"`
	Hotplug     bool   `json:"hotplug,omitempty"`
}

type disk struct {
	Boot   bool   `json:"boot,omitempty"`
	Type   string `json:"type"`
	SizeGB int    `json:"size_gb"`
	Backup string `json:"backup,omitempty"`
}

// step is a state to come, due at unix milliseconds.
type step struct {
	State string `json:"state"`
	At    int64  `json:"at"`
}

// become sets a state and the states that follow, one transition apart.
func (h *host) become(now time.Time, each time.Duration, state string, next ...string) {
	h.State, h.Steps = state, nil
	for i, s := range next {
		h.Steps = append(h.Steps, step{State: s, At: now.Add(each * time.Duration(i+1)).UnixMilli()})
	}
	h.at(now)
}

// at takes the steps that are due and returns the state.
func (h *host) at(now time.Time) string {
	for len(h.Steps) > 0 && h.Steps[0].At <= now.UnixMilli() {
		h.State, h.Steps = h.Steps[0].State, h.Steps[1:]
	}
	return h.State
}

func (h *host) key() scopeKey {
	return scopeKey{account: h.Account, project: h.Project, region: h.Region}
}

func (h *host) stockKey() Stock { return Stock{Zone: h.Zone, MachineType: h.Spec.MachineType} }

func (h *host) billRow() bill {
	return bill{
		Kind: kindHost, Resource: h.ID, Account: h.Account, Project: h.Project,
		Charge: h.Charge, Tag: h.Tag, Name: h.Name, Remark: h.Remark,
	}
}

// digest is how a password is kept.
func digest(id, password string) string {
	sum := sha256.Sum256([]byte(id + "\x00" + password))
	return hex.EncodeToString(sum[:])
}

// PasswordIs tells whether a host was given this password.
func (c *Cloud) PasswordIs(hostID, password string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.hosts[hostID]
	return h != nil && sameSignature(h.Secret, digest(hostID, password))
}

// putHost adds a host to all indexes; the scope's list stays in order of creation.
func (c *Cloud) putHost(h *host) {
	s := c.scopeOf(h.key())
	c.hosts[h.ID] = h
	i, _ := slices.BinarySearchFunc(s.hosts, h.Seq, bySeq)
	s.hosts = slices.Insert(s.hosts, i, h)
	s.byTag[h.Tag] = append(s.byTag[h.Tag], h)
	c.stock[h.stockKey()]++
	c.watch(h.ID, &h.lease)
}

func bySeq(h *host, seq int64) int { return cmp.Compare(h.Seq, seq) }

// replaceHost puts the newer version of a host in the place of the old one.
func (c *Cloud) replaceHost(h *host) {
	old := c.hosts[h.ID]
	if old == nil {
		c.putHost(h)
		return
	}
	s := c.scopeOf(old.key())
	s.untag(old)
	*old = *h
	s.byTag[old.Tag] = append(s.byTag[old.Tag], old)
	c.watch(old.ID, &old.lease)
}

// dropHost removes a host from all indexes; an unknown id is no change.
func (c *Cloud) dropHost(id string) {
	h := c.hosts[id]
	if h == nil {
		return
	}
	s := c.scopeOf(h.key())
	delete(c.hosts, id)
	if i, ok := slices.BinarySearchFunc(s.hosts, h.Seq, bySeq); ok {
		s.hosts = slices.Delete(s.hosts, i, i+1)
	}
	s.untag(h)
	c.stock[h.stockKey()]--
}

func (s *scope) untag(h *host) {
	rest := slices.DeleteFunc(s.byTag[h.Tag], func(e *host) bool { return e.ID == h.ID })
	if len(rest) == 0 {
		delete(s.byTag, h.Tag)
		return
	}
	s.byTag[h.Tag] = rest
}

// hostIn finds a host in the caller's scope.
func (c *Cloud) hostIn(q *request, id string) *host {
	h := c.hosts[id]
	if h == nil || h.key() != q.key() || !passes(q.zone, h.Zone) {
		return nil
	}
	return h
}

// hostOf reads an id parameter and finds its host.
func (c *Cloud) hostOf(q *request, name string) (*host, *retError) {
	id := q.need(name)
	q.subject = short(id)
	if q.err != nil {
		return nil, q.err
	}
	h := c.hostIn(q, id)
	if h == nil {
		return nil, noSuchHost()
	}
	return h, nil
}

// short cuts client text for the call log.
func short(s string) string {
	if len(s) > 255 {
		return s[:255]
	}
	return s
}

func describeHosts(c *Cloud, q *request) (answer, *retError) {
	offset, limit := q.page(20, 100)
	ids := q.list("UHostIds")
	tag := q.values["Tag"]
	q.subject = short(tag)
	if q.err != nil {
		return nil, q.err
	}
	found := []*host{}
	for _, h := range c.candidates(q, ids, tag) {
		if passes(q.zone, h.Zone) && passes(tag, h.Tag) && !h.hide() {
			found = append(found, h)
		}
	}
	rows := []answer{}
	for _, h := range pageOf(found, offset, limit) {
		rows = append(rows, c.hostRow(h, q.now))
	}
	return answer{"TotalCount": len(found), "UHostSet": rows}, nil
}

// candidates narrows by the best index; unknown ids are simply absent.
func (c *Cloud) candidates(q *request, ids []string, tag string) []*host {
	s := c.scopeOf(q.key())
	if len(ids) > 0 {
		var out []*host
		for _, id := range ids {
			if h := c.hostIn(q, id); h != nil && !slices.Contains(out, h) {
				out = append(out, h)
			}
		}
		return out
	}
	if tag != "" {
		return s.byTag[tag]
	}
	return s.hosts
}

// hide uses up one of the answers that leave a new host out.
func (h *host) hide() bool {
	if h.hidden == 0 {
		return false
	}
	h.hidden--
	return true
}

func (c *Cloud) hostRow(h *host, now time.Time) answer {
	image, s := c.image(h.Spec.ImageID), &h.Spec
	row := answer{
		"Zone": h.Zone, "UHostId": h.ID, "Name": h.Name, "Tag": h.Tag, "Remark": h.Remark,
		"State": h.at(now), "MachineType": s.MachineType, "CpuPlatform": s.Platform,
		"CPU": s.CPU, "Memory": s.MemoryMB, "GPU": s.GPU, "GpuType": s.GPUType,
		"BasicImageId": s.ImageID, "ImageId": h.diskID(0), "ChargeType": h.Charge,
		"CreateTime": h.Created, "ExpireTime": h.Expires, "AutoRenew": yesNo(h.Auto),
		"BootDiskState": "Normal", "NetCapability": s.Net, "HotplugFeature": s.Hotplug,
		"CloudInitFeature": true, "RdmaClusterId": "", "LifeCycle": "Normal",
		"DiskSet": h.diskRows(), "IPSet": c.ipRows(h), "TotalDiskSpace": h.diskTotal(),
	}
	if h.State == stateInitializing {
		row["BootDiskState"] = "Initializing"
	}
	if image != nil {
		row["BasicImageName"], row["OsName"], row["OsType"] = image.Name, image.OSName, image.OSType
	}
	return row
}

func (h *host) diskID(i int) string { return fmt.Sprintf("bsi-%s-%d", h.ID[len("uhost-"):], i) }

func (h *host) diskTotal() int {
	sum := 0
	for _, d := range h.Spec.Disks {
		if !d.Boot {
			sum += d.SizeGB
		}
	}
	return sum
}

func (h *host) diskRows() []answer {
	rows := []answer{}
	for i, d := range h.Spec.Disks {
		boot, kind := "False", "Data"
		if d.Boot {
			boot, kind = "True", "Boot"
		}
		rows = append(rows, answer{
			"DiskId": h.diskID(i), "DiskType": d.Type, "IsBoot": boot, "Size": d.SizeGB,
			"Drive": "/dev/vd" + string(rune('a'+i)), "Encrypted": "false",
			"Name": fmt.Sprintf("%s-%d", strings.ToLower(kind), i), "Type": kind, "BackupType": d.Backup,
		})
	}
	return rows
}

func (c *Cloud) ipRows(h *host) []answer {
	rows := []answer{{
		"Type": "Private", "IP": privateIP(h.Seq), "IPId": "", "Bandwidth": 0, "Default": "true",
		"VPCId": h.vpc(), "SubnetId": h.subnet(), "Mac": macOf(h.Seq), "IPMode": "IPv4",
	}}
	if e := c.eips[h.EIP]; e != nil {
		rows = append(rows, answer{
			"Type": e.Operator, "IP": e.Addr, "IPId": e.ID, "Bandwidth": e.Mbps,
			"IPMode": "IPv4", "Weight": 50, "Default": "false",
		})
	}
	return rows
}

func privateIP(seq int64) string {
	return fmt.Sprintf("10.%d.%d.%d", seq>>16&255, seq>>8&255, seq&255)
}

func macOf(seq int64) string {
	return fmt.Sprintf("52:54:00:%02x:%02x:%02x", seq>>16&255, seq>>8&255, seq&255)
}

// yesNo is how the vendor writes a truth.
func yesNo(is bool) string {
	if is {
		return "Yes"
	}
	return "No"
}
