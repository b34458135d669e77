package main

import (
	"context"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

type (
	diskRow   = api.VolumeModel
	diskThing = provider.Thing[kinds.DiskState]
)

// disks is the handler of the kind disk: those that are bought apart from
// servers. They are sold by the hour only, since the cloud documents no call
// that takes a prepaid one back.
type disks struct{ *plugin }

func diskKind(p *plugin) *provider.Kind {
	h := disks{p}
	return provider.KindOf[kinds.DiskSpec, kinds.DiskState](kinds.Disk, "Disk", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionAttach, Title: "Attach", Changes: true}, h.attach),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionDetach, Title: "Detach", Changes: true}, h.detach),
	)
}

// diskLease is leaseOf for disks.
func diskLease(t provider.Term) (lease, error) {
	l, err := leaseOf(t)
	if err == nil && l.months > 0 {
		err = fault.Invalid("term.billing", "disks are sold by the hour only")
	}
	return l, err
}

// Create buys one disk. Its tag is the purchase token.
func (h disks) Create(ctx context.Context, req provider.TypedCreate[kinds.DiskSpec]) (provider.Result[kinds.DiskState], error) {
	var zero provider.Result[kinds.DiskState]
	c, tag, err := h.free(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	l, err := diskLease(req.Term)
	if err != nil {
		return zero, err
	}
	where := firstText(c.zone, req.Spec.Zone)
	if where == "" {
		return zero, fault.Invalid("spec.zone", "is required when the order has no zone")
	}
	paid := l.server()
	args := &api.CreateCDSVolumeArgs{
		Name: nameOf(req.Name, tag), ZoneName: where, PurchaseCount: 1, CdsSizeInGB: req.Spec.SizeGB,
		StorageType: api.StorageType(firstText(req.Spec.Type, diskDefault)), Billing: &paid, Tags: tags(tag),
		ClientToken: clientToken(req.Token, kinds.Disk, "create", c.region),
	}
	return buyOnce(ctx, buyer[kinds.DiskState]{
		find: func(ctx context.Context) (provider.TypedFound[kinds.DiskState], error) {
			return h.findCreated(ctx, c, createOf(req.Call, kinds.Disk, req.Token))
		},
		buy: func(ctx context.Context) (diskThing, error) { return c.buyDisk(ctx, args) },
	})
}

func (c *cloud) buyDisk(ctx context.Context, args *api.CreateCDSVolumeArgs) (diskThing, error) {
	answer, err := write(ctx, c, compute, func(k *bce.BceClient) (*api.CreateCDSVolumeResult, error) { return api.CreateCDSVolume(k, args) })
	switch {
	case err != nil:
		return diskThing{}, err
	case len(answer.VolumeIds) == 0 || answer.VolumeIds[0] == "":
		return diskThing{}, fault.Unknown(nil, "the cloud does not name the disk that it made").From(fault.SourceCloud)
	}
	if row, err := c.disk(ctx, answer.VolumeIds[0]); err == nil {
		return c.diskThing(row), nil
	}
	return diskThing{
		ID: answer.VolumeIds[0], Name: args.Name, Region: c.region, Zone: args.ZoneName, Status: provider.StatusPending, Token: tokenIn(args.Tags),
		Billing: provider.BillingPostpay, State: kinds.DiskState{Type: string(args.StorageType), SizeGB: args.CdsSizeInGB, ChargeType: postpaid},
	}, nil
}

// Get reads one disk.
func (h disks) Get(ctx context.Context, req provider.GetRequest) (diskThing, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return diskThing{}, err
	}
	row, err := c.disk(ctx, req.ID)
	if err != nil {
		return diskThing{}, err
	}
	return c.diskThing(row), nil
}

// List streams the disks of the region, those of servers among them.
func (h disks) List(ctx context.Context, req provider.ListRequest, yield func(diskThing) error) error {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return err
	}
	return c.disks(ctx, diskFilter{}, func(row diskRow) error { return yield(c.diskThing(row)) })
}

// Delete removes a disk that is not attached.
func (h disks) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	return h.release(ctx, c, opDrop, req.ID)
}

// dropStep takes the one step that a disk's state allows on its way out.
func (c *cloud) dropStep(ctx context.Context, o operation) (lent, error) {
	row, err := c.disk(ctx, o.id)
	if err != nil {
		return lent{}, err
	}
	if to := attachedTo(row); to != "" {
		return lent{}, fault.Precondition("the disk is attached to %q: detach it first", to)
	}
	return lent{
		id: row.Id, payment: row.PaymentTiming, expires: moment(row.ExpireTime),
		giveBack: func(context.Context) error {
			return fault.Unsupported("the cloud takes prepaid disks back in its console only")
		},
		remove: func(ctx context.Context) error {
			return writeDone(ctx, c, compute, func(k *bce.BceClient) error { return api.DeleteCDSVolume(k, row.Id) })
		},
	}, nil
}

// FindByToken tells what became of a create or a release.
func (h disks) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[kinds.DiskState], error) {
	return whatBecame(ctx, h.plugin, req, h.findCreated, func(ctx context.Context, c *cloud, id string) error {
		_, err := c.disk(ctx, id)
		return err
	})
}

// findCreated walks all disks: the cloud does not search them by tag.
func (h disks) findCreated(ctx context.Context, c *cloud, req provider.FindRequest) (provider.TypedFound[kinds.DiskState], error) {
	return findTagged(h.plugin, c, req, func(tag string, add func(diskThing)) error {
		return c.disks(ctx, diskFilter{}, func(row diskRow) error {
			if tokenIn(row.Tags) == tag {
				add(c.diskThing(row))
			}
			return nil
		})
	})
}

// attach gives a disk to a server; one that the server has is no mistake.
func (h disks) attach(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.disk(ctx, req.ID)
	if err != nil || attachedTo(row) == req.Input.InstanceID {
		return out, fault.NotDone(err)
	}
	_, err = write(ctx, c, compute, func(k *bce.BceClient) (*api.AttachVolumeResult, error) {
		return api.AttachCDSVolume(k, req.ID, &api.AttachVolumeArgs{InstanceId: req.Input.InstanceID})
	})
	return out, err
}

// detach takes a disk from whatever has it; a free one is no mistake.
func (h disks) detach(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.disk(ctx, req.ID)
	if err != nil || attachedTo(row) == "" {
		return out, fault.NotDone(err)
	}
	return out, c.detachDisk(ctx, row)
}

func (c *cloud) detachDisk(ctx context.Context, row diskRow) error {
	return writeDone(ctx, c, compute, func(k *bce.BceClient) error {
		return api.DetachCDSVolume(k, row.Id, &api.DetachVolumeArgs{InstanceId: attachedTo(row)})
	})
}

// attachedTo is the server that a disk is attached to.
func attachedTo(row diskRow) string {
	for _, a := range row.Attachments {
		if a.InstanceId != "" {
			return a.InstanceId
		}
	}
	return ""
}

// diskFilter narrows a list of disks.
type diskFilter struct{ id, server string }

// disks streams the data disks of the region: system disks are parts of servers.
func (c *cloud) disks(ctx context.Context, f diskFilter, yield func(diskRow) error) error {
	fetch := func(ctx context.Context, marker string, limit int) ([]diskRow, string, error) {
		answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*api.ListCDSVolumeResult, error) {
			return api.ListCDSVolume(k, &api.ListCDSVolumeArgs{Marker: marker, MaxKeys: limit, InstanceId: f.server, VolumeIds: f.id})
		})
		if err != nil {
			return nil, "", err
		}
		return answer.Volumes, following(answer.IsTruncated, answer.NextMarker), nil
	}
	return page.ByToken(ctx, page.Options{Size: pageSize}, fetch, func(r diskRow) string { return r.Id }, func(r diskRow) error {
		if r.IsSystemVolume {
			return nil
		}
		return yield(r)
	})
}

func (c *cloud) disk(ctx context.Context, id string) (diskRow, error) {
	return oneRow("disk", id, func(yield func(diskRow) error) error { return c.disks(ctx, diskFilter{id: id}, yield) },
		func(r diskRow) string { return r.Id })
}

// diskStatus is a disk's state in shared words.
func diskStatus(state string) provider.Status {
	switch state {
	case "Available":
		return provider.StatusFree
	case "InUse":
		return provider.StatusBound
	case "Creating", "Attaching", "Detaching", "Scaling", "SnapshotProcessing", "ImageProcessing":
		return provider.StatusPending
	case "Expired", "NotAvailable", "Recycled":
		return provider.StatusFrozen
	case "Error":
		return provider.StatusError
	case "Deleted", "Deleting":
		return provider.StatusDeleted
	}
	return provider.StatusUnknown
}

// diskThing shows a disk in the contract's words.
func (c *cloud) diskThing(row diskRow) diskThing {
	out := diskThing{
		ID: row.Id, Name: row.Name, Region: c.region, Zone: row.ZoneName, Status: diskStatus(string(row.Status)), RawStatus: string(row.Status),
		Token: tokenIn(row.Tags), Billing: billingOf(row.PaymentTiming), Created: moment(row.CreateTime), Expires: moment(row.ExpireTime),
		State: kinds.DiskState{
			Type: string(row.StorageType), SizeGB: row.DiskSizeInGB, InstanceID: attachedTo(row), ChargeType: row.PaymentTiming,
		},
	}
	for _, a := range row.Attachments {
		out.State.Device = firstText(out.State.Device, a.Device)
	}
	return out
}
