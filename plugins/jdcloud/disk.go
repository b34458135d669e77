package main

import (
	"context"

	diskapi "github.com/jdcloud-api/jdcloud-sdk-go/services/disk/apis"
	diskmodel "github.com/jdcloud-api/jdcloud-sdk-go/services/disk/models"
	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

// DiskSpec is what a customer chooses of a disk.
type DiskSpec struct {
	kinds.DiskSpec

	Type        string `json:"type,omitempty" enum:"ssd.gp1,ssd.gp2,ssd.io1,ssd.io2,hdd.std1,ssd,premium-hdd" default:"ssd.gp1" title:"Type"`
	Description string `json:"description,omitempty" max:"100" title:"Description"`
}

// DiskState is what a disk is.
type DiskState struct {
	kinds.DiskState

	Description string `json:"description,omitempty" title:"Description"`
}

type (
	diskRow = diskmodel.Disk
	disk    = provider.Thing[DiskState]
)

// disks is the handler of the kind disk.
type disks struct{ *plugin }

// The states of a disk that allow something, or after which it is gone.
const (
	diskAvailable = "available"
	diskInUse     = "in-use"
	diskDeleting  = "deleting"
	diskDeleted   = "deleted"
)

func diskStatus(state string) provider.Status {
	switch state {
	case diskAvailable:
		return provider.StatusFree
	case diskInUse:
		return provider.StatusBound
	case "creating", "extending", "restoring":
		return provider.StatusPending
	case diskDeleting:
		return provider.StatusStopping
	case "in-recyclebin":
		return provider.StatusFrozen
	case diskDeleted:
		return provider.StatusDeleted
	case "error_create", "error_delete", "error_restore", "error_extend":
		return provider.StatusError
	}
	return provider.StatusUnknown
}

// Create buys one disk. The purchase token is the cloud's client token and a tag.
func (h disks) Create(ctx context.Context, req provider.TypedCreate[DiskSpec]) (provider.Result[DiskState], error) {
	var zero provider.Result[DiskState]
	c, err := h.openIn(req.Call)
	if err != nil {
		return zero, err
	}
	tag, err := tagOf(req.Token)
	if err != nil {
		return zero, err
	}
	order, err := diskOrder(req, tag, c.cfg)
	if err != nil {
		return zero, err
	}
	spec := order.DiskSpec
	made := func(id string) provider.Result[DiskState] {
		if row, err := c.disk(ctx, id); err == nil {
			return madeOrStarted(h.plugin, c, kinds.Disk, c.diskThing(row))
		}
		return madeOrStarted(h.plugin, c, kinds.Disk, disk{
			ID: id, Name: spec.Name, Region: c.region, Zone: spec.Az, Status: provider.StatusPending, Token: tag,
			Billing: billingOf(*spec.Charge.ChargeMode),
			State:   DiskState{DiskState: kinds.DiskState{Type: spec.DiskType, SizeGB: spec.DiskSizeGB, ChargeType: *spec.Charge.ChargeMode}},
		})
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kinds.Disk, Change: provider.ChangeCreate}
	return buyOnce(ctx, h.plugin, c, kinds.Disk, tag, buyer[DiskState]{
		find: func(ctx context.Context) (provider.TypedFound[DiskState], error) { return h.findCreated(ctx, c, find) },
		buy: func(ctx context.Context) (provider.Result[DiskState], string, error) {
			answer, err := write[diskapi.CreateDisksResult](ctx, c, serviceDisk, order)
			id, err := one(answer.DiskIds, err)
			if err != nil {
				return zero, "", err
			}
			return made(id), id, nil
		},
		hidden: made,
		safe:   true,
	})
}

// one is the id of the one thing that was bought.
func one(ids []string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if len(ids) == 0 || ids[0] == "" {
		return "", fault.Unknown(nil, "the cloud did not name what it made").From(fault.SourceCloud)
	}
	return ids[0], nil
}

func diskOrder(req provider.TypedCreate[DiskSpec], tag string, cfg Config) (*diskapi.CreateDisksRequest, error) {
	zone := firstText(req.Call.Zone, req.Spec.Zone)
	switch {
	case zone == "":
		return nil, fault.Invalid("spec.zone", "is required when the order has no zone")
	case req.Spec.SizeGB%diskStep != 0:
		return nil, fault.Invalid("spec.size_gb", "must be a multiple of %d", diskStep)
	}
	charge, err := chargeOf(req.Term)
	if err != nil {
		return nil, err
	}
	key := tokenKey
	r := diskapi.NewCreateDisksRequest(req.Call.Region, &diskmodel.DiskSpec{
		Az: zone, Name: nameOf(req.Name, tag, serverName), Description: optional(req.Spec.Description),
		DiskType: firstText(req.Spec.Type, diskDefault), DiskSizeGB: req.Spec.SizeGB, Charge: charge,
	}, 1, tag)
	r.UserTags = []diskmodel.Tag{{Key: &key, Value: &tag}}
	r.ResourceGroupId = optional(cfg.ResourceGroup)
	return r, nil
}

// Get reads one disk.
func (h disks) Get(ctx context.Context, req provider.GetRequest) (disk, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return disk{}, err
	}
	row, err := c.disk(ctx, req.ID)
	if err != nil {
		return disk{}, err
	}
	return c.diskThing(row), nil
}

// List streams the disks of the region, those of servers among them.
func (h disks) List(ctx context.Context, req provider.ListRequest, yield func(disk) error) error {
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.disks(ctx, "", func(row diskRow) error { return yield(c.diskThing(row)) })
}

// Delete releases a disk, which must not be attached.
func (h disks) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	return h.release(ctx, req, kinds.Disk, "disk")
}

// FindByToken tells what became of a change.
func (h disks) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[DiskState], error) {
	var out provider.TypedFound[DiskState]
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	switch req.Change {
	case provider.ChangeCreate:
		return h.findCreated(ctx, c, req)
	case provider.ChangeRenew:
		out.Done, out.Settled, err = h.findRenewal(ctx, c, req)
		return out, err
	case provider.ChangeRelease:
		row, err := c.disk(ctx, req.ID)
		if err == nil && row.Status == diskDeleting {
			op := h.started(c, opDelete, kinds.Disk, req.ID)
			return provider.TypedFound[DiskState]{Operation: op, Settled: true}, nil
		}
		return released[DiskState](err)
	}
	return out, fault.Unsupported("a disk's %s leaves no trace of its token", req.Change)
}

func (h disks) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[DiskState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(disk)) error {
		return c.disks(ctx, tag, func(row diskRow) error {
			if tagValue(row.Tags) == tag {
				add(c.diskThing(row))
			}
			return nil
		})
	})
}

// disks streams the disks of the region, or those with a tag.
func (c *cloud) disks(ctx context.Context, tag string, yield func(diskRow) error) error {
	fetch := func(ctx context.Context, number, size int) ([]diskRow, int, error) {
		req := diskapi.NewDescribeDisksRequestWithoutParam()
		req.SetRegionId(c.region)
		req.SetPageNumber(number)
		req.SetPageSize(size)
		if tag != "" {
			req.Tags = []diskmodel.TagFilter{{Key: tokenKey, Values: []string{tag}}}
		}
		answer, err := read[diskapi.DescribeDisksResult](ctx, c, serviceDisk, req)
		return answer.Disks, answer.TotalCount, err
	}
	return pages(ctx, pageSize, fetch, func(r diskRow) string { return r.DiskId }, func(r diskRow) error {
		if r.Status == diskDeleted {
			return nil
		}
		return yield(r)
	})
}

func (c *cloud) disk(ctx context.Context, id string) (diskRow, error) {
	if !goodID(id) {
		return diskRow{}, absent("disk", id, false)
	}
	answer, err := read[diskapi.DescribeDiskResult](ctx, c, serviceDisk, diskapi.NewDescribeDiskRequest(c.region, id))
	switch {
	case err != nil:
		return diskRow{}, err
	case answer.Disk.DiskId != id || answer.Disk.Status == diskDeleted:
		return diskRow{}, fault.NotFound("disk", id)
	}
	return answer.Disk, nil
}

// tagValue is the purchase token among the tags of a server or a disk.
func tagValue(tags []diskmodel.Tag) string {
	for _, t := range tags {
		if t.Key != nil && t.Value != nil && *t.Key == tokenKey {
			return *t.Value
		}
	}
	return ""
}

// diskThing shows a disk in the contract's words.
func (c *cloud) diskThing(row diskRow) disk {
	_, description := marksOf(row.Description)
	out := disk{
		ID: row.DiskId, Name: row.Name, Region: c.region, Zone: row.Az, Status: diskStatus(row.Status), RawStatus: row.Status,
		Token: tagValue(row.Tags), Billing: billingOf(row.Charge.ChargeMode), Created: moment(row.CreateTime), Expires: expires(row.Charge),
		State: DiskState{Description: description, DiskState: kinds.DiskState{Type: row.DiskType, SizeGB: row.DiskSizeGB, ChargeType: row.Charge.ChargeMode}},
	}
	if len(row.Attachments) > 0 {
		out.State.InstanceID = row.Attachments[0].InstanceId
	}
	return out
}

// attach hangs a disk on a server; one that is there is no mistake.
func (h disks) attach(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, row, err := h.opened(ctx, req.Call, req.ID)
	switch {
	case err != nil:
		return out, err
	case len(row.Attachments) > 0 && row.Attachments[0].InstanceId == req.Input.InstanceID:
		return out, nil
	case !goodID(req.Input.InstanceID):
		return out, fault.Invalid("input.instance_id", "is not an id of this cloud")
	}
	return out, act(ctx, c, serviceVM, vmapi.NewAttachDiskRequest(c.region, req.Input.InstanceID, req.ID))
}

// detach takes a disk off its server; a free one is no mistake.
func (h disks) detach(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, row, err := h.opened(ctx, req.Call, req.ID)
	switch {
	case err != nil || len(row.Attachments) == 0:
		return out, err
	case !goodID(row.Attachments[0].InstanceId):
		return out, fault.Precondition("the disk is attached to nothing that this plugin knows")
	}
	return out, act(ctx, c, serviceVM, vmapi.NewDetachDiskRequest(c.region, row.Attachments[0].InstanceId, req.ID))
}

// opened opens a call for an action on a disk and reads it.
func (h disks) opened(ctx context.Context, call provider.Call, id string) (*cloud, diskRow, error) {
	c, err := h.openIn(call)
	if err != nil {
		return nil, diskRow{}, err
	}
	row, err := c.disk(ctx, id)
	return c, row, fault.NotDone(err)
}

func (h disks) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := goodName(req.Input.Name, serverName); err != nil {
		return out, err
	}
	c, err := h.openIn(req.Call)
	if err != nil {
		return out, err
	}
	if !goodID(req.ID) {
		return out, absent("disk", req.ID, false)
	}
	r := diskapi.NewModifyDiskAttributeRequest(c.region, req.ID)
	r.SetName(req.Input.Name)
	return out, act(ctx, c, serviceDisk, r)
}

// resize enlarges a disk.
func (h disks) resize(ctx context.Context, req provider.TypedAction[kinds.DiskSize]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, row, err := h.opened(ctx, req.Call, req.ID)
	switch {
	case err != nil:
		return out, err
	case row.DiskSizeGB == req.Input.SizeGB:
		return out, nil
	case !c.cfg.AllowResize && !req.Call.Ordered:
		return out, errResize()
	case req.Input.SizeGB < row.DiskSizeGB:
		return out, fault.Invalid("input.size_gb", "must be more than %d: disks only grow", row.DiskSizeGB)
	case req.Input.SizeGB%diskStep != 0:
		return out, fault.Invalid("input.size_gb", "must be a multiple of %d", diskStep)
	}
	return out, act(ctx, c, serviceDisk, diskapi.NewExtendDiskRequest(c.region, req.ID, req.Input.SizeGB))
}
