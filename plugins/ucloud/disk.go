package main

import (
	"context"

	"github.com/ucloud/ucloud-sdk-go/services/udisk"
	"github.com/ucloud/ucloud-sdk-go/ucloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// DiskSpec is what a customer chooses of a disk.
type DiskSpec struct {
	kinds.DiskSpec

	Type string `json:"type,omitempty" enum:"CLOUD_NORMAL,CLOUD_SSD,CLOUD_RSSD,CLOUD_EFFICIENCY" default:"CLOUD_SSD" title:"Type"`
}

// DiskState is what a disk is.
type DiskState struct{ kinds.DiskState }

type (
	diskRow    = udisk.UDiskDataSet
	disk       = provider.Thing[DiskState]
	diskClient = *udisk.UDiskClient
)

// disks is the handler of the kind disk: disks that live without a server.
type disks struct{ *plugin }

func diskKind(p *plugin) *provider.Kind {
	h := disks{p}
	return provider.KindOf[DiskSpec, DiskState](kinds.Disk, "Disk", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionAttach, Title: "Attach", Changes: true}, h.attach),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionDetach, Title: "Detach", Changes: true}, h.detach),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResize, Title: "Enlarge", Changes: true}, h.resize),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename),
	)
}

// diskWord is a type of disk as the calls that buy and price want it; the lists
// know it by the newer name.
func diskWord(kind string) string {
	return map[string]string{
		"CLOUD_NORMAL": "DataDisk", "CLOUD_SSD": "SSDDataDisk", "CLOUD_RSSD": "RSSDDataDisk", "CLOUD_EFFICIENCY": "EfficiencyDataDisk",
	}[firstText(kind, diskDefault)]
}

// The states of a disk that allow something.
const (
	diskAvailable = "Available"
	diskInUse     = "InUse"
)

func diskStatus(state string) provider.Status {
	switch state {
	case diskAvailable:
		return provider.StatusFree
	case diskInUse:
		return provider.StatusBound
	case "Attaching", "Detaching", "Initializating", "Cloning", "Restoring":
		return provider.StatusPending
	case "Failed", "RestoreFailed":
		return provider.StatusError
	}
	return provider.StatusUnknown
}

// Create buys one disk. Its tag is the token.
func (h disks) Create(ctx context.Context, req provider.TypedCreate[DiskSpec]) (provider.Result[DiskState], error) {
	var zero provider.Result[DiskState]
	c, tag, err := h.free(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	charge, quantity, err := chargeOf(req.Term)
	if err != nil {
		return zero, err
	}
	zone := firstText(req.Call.Zone, req.Spec.Zone)
	if zone == "" {
		return zero, fault.Invalid("spec.zone", "is required when the order has no zone")
	}
	ordered := disk{
		Name: nameOf(req.Name, tag), Region: c.region, Zone: zone, Status: provider.StatusPending, Token: tag, Billing: billingOf(charge),
		State: DiskState{kinds.DiskState{Type: req.Spec.Type, SizeGB: req.Spec.SizeGB, ChargeType: charge}},
	}
	made := func(id string) provider.Result[DiskState] {
		t := ordered
		t.ID = id
		if row, err := c.disk(ctx, id); err == nil {
			t = c.diskThing(row)
		}
		return provider.Done(t)
	}
	find := provider.FindRequest{Call: req.Call, Token: req.Token, Kind: kinds.Disk, Change: provider.ChangeCreate}
	return buyOnce(ctx, h.plugin, c, kinds.Disk, tag, buyer[DiskState]{
		find: func(ctx context.Context) (provider.TypedFound[DiskState], error) { return h.findCreated(ctx, c, find) },
		buy: func(ctx context.Context) (provider.Result[DiskState], string, error) {
			id, err := c.at(c.region, zone).buyDisk(ctx, ordered, quantity)
			if err != nil {
				return zero, "", err
			}
			return made(id), id, nil
		},
		hidden: made,
	})
}

func (c *cloud) buyDisk(ctx context.Context, d disk, quantity int) (string, error) {
	answer, err := write(ctx, c, udisk.NewClient, func(k diskClient) (*udisk.CreateUDiskResponse, error) {
		r := k.NewCreateUDiskRequest()
		r.Name, r.Tag, r.Size, r.DiskType = &d.Name, &d.Token, &d.State.SizeGB, ucloud.String(diskWord(d.State.Type))
		r.ChargeType, r.Quantity = &d.State.ChargeType, &quantity
		return k.CreateUDisk(r)
	})
	switch {
	case err != nil:
		return "", err
	case len(answer.UDiskId) == 0:
		return "", fault.New(fault.ClassOutOfStock, "the cloud has no such disk left").Cloud("", answer.GetRequestUUID())
	}
	return answer.UDiskId[0], nil
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

// List streams the disks of the region, without those that servers boot from.
func (h disks) List(ctx context.Context, req provider.ListRequest, yield func(disk) error) error {
	c, err := h.openIn(req.Call)
	if err != nil {
		return err
	}
	return c.disks(ctx, "", func(row diskRow) error { return yield(c.diskThing(row)) })
}

// Delete releases a disk, which must not be attached. The cloud's refusals are
// not documented, so its state is looked at first.
func (h disks) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	row, err := c.disk(ctx, req.ID)
	switch {
	case err != nil:
		return provider.Started{}, goneIsDone(err)
	case row.Status == diskInUse:
		return provider.Started{}, fault.Precondition("the disk is attached to a server: detach it first")
	}
	_, err = write(ctx, c.at(c.region, row.Zone), udisk.NewClient, func(k diskClient) (*udisk.DeleteUDiskResponse, error) {
		r := k.NewDeleteUDiskRequest()
		r.UDiskId = &req.ID
		return k.DeleteUDisk(r)
	})
	return provider.Started{}, goneIsDone(err)
}

// FindByToken tells what became of a create or a release.
func (h disks) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[DiskState], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.TypedFound[DiskState]{}, err
	}
	return byToken(req, "disk",
		func() (provider.TypedFound[DiskState], error) { return h.findCreated(ctx, c, req) },
		func() error { _, err := c.disk(ctx, req.ID); return err })
}

func (h disks) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[DiskState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(disk)) error {
		return c.disks(ctx, "", func(row diskRow) error {
			if row.Tag == tag {
				add(c.diskThing(row))
			}
			return nil
		})
	})
}

func (c *cloud) disks(ctx context.Context, id string, yield func(diskRow) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]diskRow, int, error) {
		answer, err := read(ctx, c.at(c.region, ""), udisk.NewClient, func(k diskClient) (*udisk.DescribeUDiskResponse, error) {
			r := k.NewDescribeUDiskRequest()
			r.UDiskId, r.ProtocolVersion, r.Offset, r.Limit = optional(id), ucloud.Int(1), &offset, &limit
			return k.DescribeUDisk(r)
		})
		if err != nil {
			return nil, 0, err
		}
		return answer.DataSet, answer.TotalCount, nil
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r diskRow) string { return r.UDiskId }, func(r diskRow) error {
		if isTrue(r.IsBoot) {
			return nil
		}
		return yield(r)
	})
}

func (c *cloud) disk(ctx context.Context, id string) (diskRow, error) {
	return pick("disk", id, func(r diskRow) string { return r.UDiskId }, func(yield func(diskRow) error) error {
		return c.disks(ctx, id, yield)
	})
}

// diskThing shows a disk in the contract's words.
func (c *cloud) diskThing(row diskRow) disk {
	return disk{
		ID: row.UDiskId, Name: row.Name, Region: c.region, Zone: row.Zone, Status: diskStatus(row.Status), RawStatus: row.Status,
		Token: tokenOf(row.Tag), Billing: billingOf(row.ChargeType), Created: moment(row.CreateTime), Expires: moment(row.ExpiredTime),
		State: DiskState{kinds.DiskState{
			Type: row.DiskType, SizeGB: row.Size, InstanceID: firstText(row.HostId, row.UHostId), Device: row.DeviceName, ChargeType: row.ChargeType,
		}},
	}
}

// attach attaches a disk; one that is at the server already is no mistake.
func (h disks) attach(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, row, err := h.look(ctx, req.Call, req.ID)
	at := firstText(row.HostId, row.UHostId)
	switch {
	case err != nil:
		return out, err
	case at == req.Input.InstanceID:
		return out, nil
	case row.Status != diskAvailable:
		return out, fault.Precondition("the disk is %q: it must be free to be attached", row.Status)
	}
	_, err = write(ctx, c, udisk.NewClient, func(k diskClient) (*udisk.AttachUDiskResponse, error) {
		r := k.NewAttachUDiskRequest()
		r.UDiskId, r.HostId = &req.ID, &req.Input.InstanceID
		return k.AttachUDisk(r)
	})
	return out, err
}

// detach detaches a disk; a free one is no mistake.
func (h disks) detach(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, row, err := h.look(ctx, req.Call, req.ID)
	at := firstText(row.HostId, row.UHostId)
	if err != nil || at == "" {
		return out, err
	}
	if row.Status != diskInUse {
		return out, fault.Precondition("the disk is %q: it must be attached to be detached", row.Status)
	}
	_, err = write(ctx, c, udisk.NewClient, func(k diskClient) (*udisk.DetachUDiskResponse, error) {
		r := k.NewDetachUDiskRequest()
		r.UDiskId, r.HostId = &req.ID, &at
		return k.DetachUDisk(r)
	})
	return out, err
}

// look opens a call and reads the disk; the account is at the disk's zone then.
func (h disks) look(ctx context.Context, call provider.Call, id string) (*cloud, diskRow, error) {
	c, err := h.openIn(call)
	if err != nil {
		return nil, diskRow{}, err
	}
	row, err := c.disk(ctx, id)
	return c.at(c.region, row.Zone), row, err
}

func (h disks) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if err := goodName(req.Input.Name); err != nil {
		return out, err
	}
	c, _, err := h.look(ctx, req.Call, req.ID)
	if err != nil {
		return out, err
	}
	_, err = write(ctx, c, udisk.NewClient, func(k diskClient) (*udisk.RenameUDiskResponse, error) {
		r := k.NewRenameUDiskRequest()
		r.UDiskId, r.UDiskName = &req.ID, &req.Input.Name
		return k.RenameUDisk(r)
	})
	return out, err
}
