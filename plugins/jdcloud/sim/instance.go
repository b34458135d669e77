package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// The words of an instance's status.
const (
	statePending    = "pending"
	stateStarting   = "starting"
	stateRunning    = "running"
	stateStopping   = "stopping"
	stateStopped    = "stopped"
	stateRebooting  = "rebooting"
	stateRebuilding = "rebuilding"
	stateResizing   = "resizing"
	stateDeleting   = "deleting"
	stateError      = "error"
)

// place is where a resource lives; the same id is unknown everywhere else.
type place struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

func (p place) in(q *request) bool { return p.Account == q.acct.Name && p.Region == q.region }

func (q *request) here() place { return place{Account: q.acct.Name, Region: q.region} }

// instance is one virtual machine. It is guarded by the Cloud's mutex.
type instance struct {
	place
	ID          string   `json:"id"`
	AZ          string   `json:"az"`
	Name        string   `json:"name"`
	Hostname    string   `json:"hostname,omitempty"`
	Description string   `json:"description,omitempty"`
	Type        string   `json:"type"`
	ImageID     string   `json:"image"`
	NIC         string   `json:"nic"`
	SystemDisk  string   `json:"system_disk,omitempty"`
	LocalGB     int      `json:"local_gb,omitempty"`
	KeyNames    []string `json:"key_names,omitempty"`
	Tags        []tag    `json:"tags,omitempty"`
	Group       string   `json:"resource_group,omitempty"`
	OnStopped   string   `json:"on_stopped"`
	// Secret is a digest of the password in force, NextSecret of the one that
	// comes into force with the next start; both are salted with the id.
	Secret     string `json:"secret"`
	NextSecret string `json:"next_secret,omitempty"`
	// BusyUntil is when a password change ends, in unix milliseconds.
	BusyUntil int64 `json:"busy_until,omitempty"`
	life
	lease
}

func (h *instance) billRow() bill {
	return bill{
		Service: serviceVM, Resource: h.ID, Account: h.Account, Region: h.Region, AZ: h.AZ,
		Mode: h.Charge.Mode, Name: h.Name, Tags: h.Tags,
	}
}

// working tells whether a task is in progress.
func (h *instance) working(now time.Time) bool {
	return h.running(now) || now.UnixMilli() < h.BusyUntil
}

// digest is how a password is kept.
func digest(id, password string) string {
	sum := sha256.Sum256([]byte(id + "\x00" + password))
	return hex.EncodeToString(sum[:])
}

// PasswordIs tells whether this password is in force on an instance.
func (c *Cloud) PasswordIs(instanceID, password string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.instances.get(instanceID)
	return h != nil && sameText(h.Secret, digest(instanceID, password))
}

// instanceOf finds the instance that the path names.
func (c *Cloud) instanceOf(q *request) (*instance, *apiError) {
	id := q.need("instanceId")
	q.subject = id
	h := c.instances.get(id)
	if h == nil || !h.in(q) || h.at(q.now) == stateGone {
		return nil, notFound("instance", id)
	}
	return h, nil
}

// freeInstance finds the instance and refuses it while a task runs.
func (c *Cloud) freeInstance(q *request) (*instance, *apiError) {
	h, err := c.instanceOf(q)
	if err != nil {
		return nil, err
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	if h.working(q.now) {
		return nil, busy("instance", h.ID)
	}
	return h, nil
}

// instanceIn finds an instance that is idle in one of the given states.
func (c *Cloud) instanceIn(q *request, states ...string) (*instance, *apiError) {
	h, err := c.freeInstance(q)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(states, h.State) {
		return nil, precondition("instance '%s' is %s", h.ID, h.State)
	}
	return h, nil
}

// change keeps a changed instance and wakes it when its state chain ends.
func (c *Cloud) change(h *instance, end time.Time) {
	c.instances.put(h.ID, h)
	c.wakeAt(h.ID, end)
}

// wakeInstance removes an instance whose deletion ended and settles its lease.
func (c *Cloud) wakeInstance(h *instance, now time.Time) {
	if h.at(now) == stateGone {
		c.removeInstance(h, now)
		return
	}
	free := h.State == stateStopped && h.OnStopped == "stopCharging"
	before := h.Expires
	if more := c.settleLease(&h.lease, h.billRow(), free, now); more {
		c.wakeAt(h.ID, time.Unix(h.Expires, 0))
	}
	if len(h.Steps) > 0 {
		c.wakeAt(h.ID, time.UnixMilli(h.Steps[len(h.Steps)-1].At))
	}
	if h.Expires != before {
		c.instances.put(h.ID, h)
	}
}

// removeInstance frees what hung on an instance.
func (c *Cloud) removeInstance(h *instance, now time.Time) {
	for _, d := range c.disksOf(h.ID) {
		if d.System || d.AutoDelete {
			c.dropDisk(d)
			continue
		}
		d.Instance, d.Device = "", ""
		d.become(now, 0, diskAvailable)
		c.disks.put(d.ID, d)
	}
	if n := c.nics.get(h.NIC); n != nil {
		if e := c.eips.get(n.EIP); e != nil {
			e.NIC, e.PrivateIP, e.Instance = "", "", ""
			c.eips.put(e.ID, e)
		}
		c.nics.drop(n.ID)
	}
	c.instances.drop(h.ID)
}

func (c *Cloud) instancesIn(q *request) []*instance {
	return c.instances.where(func(h *instance) bool { return h.in(q) && h.at(q.now) != stateGone })
}

// foundInstances are the instances that pass the filters of a list call.
func (c *Cloud) foundInstances(q *request) []*instance {
	conds := q.filters("instanceId", "privateIpAddress", "az", "vpcId", "status", "name", "imageId", "networkInterfaceId",
		"subnetId", "agId", "faultDomain", "dedicatedHostId", "instanceType", "elasticIpAddress", "chargeMode", "keyName")
	out := []*instance{}
	for _, h := range c.instancesIn(q) {
		if passAll(conds, c.instanceFields(h)) {
			out = append(out, h)
		}
	}
	return out
}

func (c *Cloud) instanceFields(h *instance) func(string) []string {
	fields := map[string]string{
		"instanceId": h.ID, "az": h.AZ, "status": h.State, "name": h.Name, "imageId": h.ImageID,
		"instanceType": h.Type, "networkInterfaceId": h.NIC, "chargeMode": h.Charge.Mode,
	}
	if n := c.nics.get(h.NIC); n != nil {
		fields["privateIpAddress"], fields["vpcId"], fields["subnetId"] = n.IP, n.VPC, n.Subnet
		if e := c.eips.get(n.EIP); e != nil {
			fields["elasticIpAddress"] = e.Addr
		}
	}
	if len(h.KeyNames) > 0 {
		fields["keyName"] = h.KeyNames[0]
	}
	return pick(fields, h.Tags)
}

func describeInstances(c *Cloud, q *request) (answer, *apiError) {
	p := q.page()
	found := c.foundInstances(q)
	if q.failed() != nil {
		return nil, q.failed()
	}
	rows := rowsOf(pageOf(found, p, false), func(h *instance) answer { return c.instanceRow(h, q) })
	return answer{"instances": rows, "totalCount": len(found)}, nil
}

func describeInstance(c *Cloud, q *request) (answer, *apiError) {
	h, err := c.instanceOf(q)
	if err != nil {
		return nil, err
	}
	return answer{"instance": c.instanceRow(h, q)}, nil
}

func describeInstanceStatus(c *Cloud, q *request) (answer, *apiError) {
	p := q.page()
	found := c.foundInstances(q)
	if q.failed() != nil {
		return nil, q.failed()
	}
	rows := rowsOf(pageOf(found, p, false), func(h *instance) answer {
		return answer{"instanceId": h.ID, "status": h.at(q.now)}
	})
	return answer{"instanceStatuses": rows, "totalCount": len(found)}, nil
}

func describeBriefInstances(c *Cloud, q *request) (answer, *apiError) {
	out, err := describeInstances(c, q)
	if err != nil {
		return nil, err
	}
	rows, _ := out["instances"].([]answer)
	for _, r := range rows {
		brief(r)
	}
	return out, nil
}

// brief cuts an Instance down to a BriefInstance.
func brief(r answer) {
	for _, name := range []string{
		"charge", "tags", "elasticIpId", "elasticIpAddress", "osType", "osVersion", "platform", "architecture", "hostname", "resourceGroupId",
	} {
		delete(r, name)
	}
	if n, ok := r["primaryNetworkInterface"].(answer); ok {
		delete(n, "networkInterface")
	}
	disks, _ := r["dataDisks"].([]answer)
	if d, ok := r["systemDisk"].(answer); ok {
		disks = append(disks[:len(disks):len(disks)], d)
	}
	for _, d := range disks {
		if full, ok := d["cloudDisk"].(answer); ok {
			d["cloudDisk"] = answer{"diskId": full["diskId"], "diskType": full["diskType"], "diskSizeGB": full["diskSizeGB"]}
		}
	}
}

// instanceRow writes the Instance model.
func (c *Cloud) instanceRow(h *instance, q *request) answer {
	row := answer{
		"instanceId": h.ID, "instanceName": h.Name, "hostname": h.Hostname, "instanceType": h.Type,
		"status": h.at(q.now), "description": h.Description, "imageId": h.ImageID, "az": h.AZ,
		"launchTime": iso(h.Created), "keyNames": texts(h.KeyNames), "tags": tagRows(h.Tags),
		"charge": h.wire(q.acct, q.now), "chargeOnStopped": h.OnStopped, "resourceGroupId": h.Group,
		"dataDisks": []answer{}, "secondaryNetworkInterfaces": []answer{}, "faultDomain": "",
	}
	if im := c.imageOf(h.Account, h.Region, h.ImageID); im != nil {
		row["osType"], row["osVersion"], row["platform"], row["architecture"] = im.OSType, im.Version, im.Platform, im.Architecture
	}
	c.addNetwork(row, h)
	c.addDisks(row, h, q)
	return row
}

func (c *Cloud) addNetwork(row answer, h *instance) {
	n := c.nics.get(h.NIC)
	if n == nil {
		return
	}
	primary := answer{"privateIpAddress": n.IP, "elasticIpId": "", "elasticIpAddress": ""}
	if e := c.eips.get(n.EIP); e != nil {
		primary["elasticIpId"], primary["elasticIpAddress"] = e.ID, e.Addr
	}
	row["vpcId"], row["subnetId"], row["privateIpAddress"] = n.VPC, n.Subnet, n.IP
	row["elasticIpId"], row["elasticIpAddress"] = primary["elasticIpId"], primary["elasticIpAddress"]
	groups := rowsOf(n.Groups, func(id string) answer {
		name := ""
		if g := c.groups.get(id); g != nil {
			name = g.Name
		}
		return answer{"groupId": id, "groupName": name}
	})
	row["primaryNetworkInterface"] = answer{
		"deviceIndex": 1, "autoDelete": true, "networkInterface": answer{
			"networkInterfaceId": n.ID, "macAddress": n.MAC, "vpcId": n.VPC, "subnetId": n.Subnet, "securityGroups": groups,
			"sanityCheck": 1, "primaryIp": primary, "secondaryIps": []answer{},
		},
	}
}

func (c *Cloud) addDisks(row answer, h *instance, q *request) {
	if h.LocalGB > 0 {
		row["systemDisk"] = answer{
			"diskCategory": "local", "autoDelete": true, "deviceName": "vda", "status": "attached",
			"localDisk": answer{"diskType": "premium-hdd", "diskSizeGB": h.LocalGB},
		}
	}
	data := []answer{}
	for _, d := range c.disksOf(h.ID) {
		r := answer{
			"diskCategory": "cloud", "autoDelete": d.AutoDelete || d.System, "deviceName": d.Device, "status": d.attachment(q.now),
			"cloudDisk": c.diskRow(d, q),
		}
		if d.System {
			row["systemDisk"] = r
		} else {
			data = append(data, r)
		}
	}
	row["dataDisks"] = data
}

func texts(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
