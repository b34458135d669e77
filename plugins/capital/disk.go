package main

import (
	"context"
	"encoding/json"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// DiskSpec is what a customer chooses of a disk.
type DiskSpec struct {
	kinds.DiskSpec

	Type string `json:"type,omitempty" enum:"SSD" default:"SSD" title:"Type"`
}

// diskType is the only type of disks that are sold alone.
const diskType = "SSD"

// leastDisk is the smallest disk in GB; all sizes are multiples of diskStep.
const (
	leastDisk = 24
	diskStep  = 8
)

// diskRow is a disk as the cloud shows it.
type diskRow struct {
	ID       string `json:"DiskId"`
	Name     string `json:"DiskName"`
	Size     loose
	ServerID string `json:"EcsId"`
	Method   loose  `json:"BillingMethod"`
	Zone     string `json:"AvailableZoneCode"`
	Status   string
	Feature  string `json:"DiskFeature"`
	Property string // system or data
	Follows  loose  `json:"ReleaseWithInstance"`
}

// ofServer tells whether a disk belongs to its server, with which it goes.
func (r diskRow) ofServer() bool {
	return r.ServerID != "" && (r.Property == "system" || r.Follows.text() == "1")
}

type disk = provider.Thing[kinds.DiskState]

// disks is the handler of the kind disk: cloud disks that live by themselves.
// Those of servers are read by their ids only.
type disks struct{ shelf[kinds.DiskState] }

func diskKind(p *plugin) *provider.Kind {
	h := disks{shelf[kinds.DiskState]{plugin: p, kind: kinds.Disk, walk: walkDisks, step: removeDisk}}
	p.shelves[kinds.Disk] = h
	return provider.KindOf[DiskSpec, kinds.DiskState](kinds.Disk, "Disk", h,
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionAttach, Title: "Attach", Changes: true}, h.attach),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionDetach, Title: "Detach", Changes: true}, h.detach),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResize, Title: "Enlarge", Changes: true}, h.resize),
	)
}

// check refuses the sizes that the cloud does not make.
func (s DiskSpec) check() error {
	if s.SizeGB < leastDisk || s.SizeGB%diskStep != 0 {
		return fault.Invalid("spec.size_gb", "must be a multiple of %d from %d on", diskStep, leastDisk)
	}
	return nil
}

// byUse refuses every term but postpay: disks alone are sold so only.
func byUse(t provider.Term) error {
	got, err := termOf(t)
	if err == nil && got.method != payDemand {
		err = fault.Invalid("term.billing", "disks are paid by use: take postpay")
	}
	return err
}

// Create makes one disk, attached to nothing.
func (h disks) Create(ctx context.Context, req provider.TypedCreate[DiskSpec]) (provider.Result[kinds.DiskState], error) {
	var zero provider.Result[kinds.DiskState]
	c, mark, err := h.order(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	if err := byUse(req.Term); err != nil {
		return zero, err
	}
	if err := req.Spec.check(); err != nil {
		return zero, err
	}
	z, err := c.zoneOf(ctx, req.Spec.Zone)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	name := nameOf(req.Name, "disk")
	return h.make(ctx, c, req.Call, req.Token, func(ctx context.Context) (disk, operation, error) {
		out, _, err := write[struct {
			EventId   string
			DiskIdSet []string
		}](ctx, c, post(ebs, "CreateDisk", object{
			"AvailableZoneCode": z.Code, "DiskFeature": diskType, "Size": req.Spec.SizeGB, "DiskName": join(name, mark),
			"BillingMethod": payDemand, "Number": 1, "ReleaseWithInstance": 0,
		}))
		id, err := theOne(out.DiskIdSet, err)
		return disk{
			ID: id, Name: name, Zone: z.Code, Status: provider.StatusPending, RawStatus: "building", Billing: provider.BillingPostpay,
			State: kinds.DiskState{Type: diskType, SizeGB: req.Spec.SizeGB, ChargeType: payDemand},
		}, h.event(c, ebs, out.EventId, verbCreate, kinds.Disk, id), err
	})
}

// walkDisks streams the disks of the region's zones.
func walkDisks(ctx context.Context, c *cloud, id string, yield func(disk) error) error {
	zones, err := c.zoneCodes(ctx)
	if err != nil {
		return err
	}
	ids := ""
	if id != "" {
		text, err := json.Marshal([]string{id})
		if err != nil {
			return fault.Internal(err, "writing an id")
		}
		ids = string(text)
	}
	for _, z := range zones {
		fetch := func(ctx context.Context, offset, limit int) ([]diskRow, int, error) {
			out, err := read[struct{ DiskList []diskRow }](ctx, c, get(ebs, "DescribeDiskList",
				"AvailableZoneCode", z.Code, "DiskIds", ids, "PageNumber", whole(offset/limit+1), "PageSize", whole(limit)))
			return out.DiskList, page.UnknownTotal, err
		}
		err := page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r diskRow) string { return r.ID }, func(row diskRow) error {
			if id == "" && row.ofServer() {
				return nil
			}
			return yield(c.disk(row))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) disk(row diskRow) disk {
	name, mark := split(row.Name)
	return disk{
		ID: row.ID, Name: name, Token: mark, Region: c.region, Zone: row.Zone, Status: diskStatus(row.Status), RawStatus: row.Status,
		Billing: billingOf(row.Method.text()),
		State: kinds.DiskState{
			Type: row.Feature, SizeGB: row.Size.number(), Boot: row.Property == "system", InstanceID: row.ServerID, ChargeType: row.Method.text(),
		},
	}
}

// diskStatus is a disk's state in shared words.
func diskStatus(state string) provider.Status {
	switch state {
	case "building":
		return provider.StatusPending
	case "waiting":
		return provider.StatusFree
	case "running":
		return provider.StatusBound
	case "build_fail", "error":
		return provider.StatusError
	case "mounting", "unmounting", "updating", "recovering", "cancel_recycling", "recycling", "creating_snapshot", "rollback":
		return provider.StatusFrozen
	}
	return provider.StatusUnknown
}

// removeDisk deletes a disk that is attached to nothing.
func removeDisk(ctx context.Context, p *plugin, c *cloud, t disk) (bool, operation, error) {
	switch t.Status {
	case provider.StatusFree, provider.StatusError:
	case provider.StatusBound:
		return false, operation{}, fault.Precondition("the disk is attached: detach it first")
	default:
		return false, operation{}, nil
	}
	out, _, err := write[eventAnswer](ctx, c, post(ebs, "DeleteDisk", object{"DiskIds": []string{t.ID}}))
	return false, p.event(c, ebs, out.EventID, verbDelete, kinds.Disk, t.ID), err
}

// of opens an action on a disk and reads that.
func (h disks) of(ctx context.Context, call provider.Call, id string) (*cloud, disk, error) {
	c, err := h.openIn(call)
	if err != nil {
		return nil, disk{}, err
	}
	c = c.at(c.region, "")
	t, err := h.one(ctx, c, id)
	return c, t, fault.NotDone(err)
}

// send sends a change of a disk and answers its event.
func (h disks) send(ctx context.Context, c *cloud, action string, body object, id string) (provider.ActionResult[none], error) {
	out, _, err := write[eventAnswer](ctx, c, post(ebs, action, body))
	if err != nil || out.EventID == "" {
		return provider.ActionResult[none]{}, err
	}
	return provider.ActionResult[none]{Operation: h.event(c, ebs, out.EventID, verbAct, kinds.Disk, id).String()}, nil
}

// attach gives a disk to a server, which it outlives; one that has it is no
// mistake.
func (h disks) attach(ctx context.Context, req provider.TypedAction[kinds.InstanceRef]) (provider.ActionResult[none], error) {
	c, t, err := h.of(ctx, req.Call, req.ID)
	if err != nil || t.State.InstanceID == req.Input.InstanceID {
		return provider.ActionResult[none]{}, err
	}
	return h.send(ctx, c, "AttachDisk", object{"DiskIds": []string{req.ID}, "InstanceId": req.Input.InstanceID, "ReleaseWithInstance": 0}, req.ID)
}

// detach takes a disk from its server; a free one is no mistake.
func (h disks) detach(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	c, t, err := h.of(ctx, req.Call, req.ID)
	if err != nil || t.State.InstanceID == "" {
		return provider.ActionResult[none]{}, err
	}
	return h.send(ctx, c, "DetachDisk", object{"DiskIds": []string{req.ID}}, req.ID)
}

// resize enlarges a disk.
func (h disks) resize(ctx context.Context, req provider.TypedAction[kinds.DiskSize]) (provider.ActionResult[none], error) {
	if err := h.mayResize(req.Call); err != nil {
		return provider.ActionResult[none]{}, err
	}
	c, t, err := h.of(ctx, req.Call, req.ID)
	switch {
	case err != nil || t.State.SizeGB == req.Input.SizeGB:
		return provider.ActionResult[none]{}, err
	case req.Input.SizeGB < t.State.SizeGB || req.Input.SizeGB%diskStep != 0:
		return provider.ActionResult[none]{}, fault.Invalid("input.size_gb", "must be a multiple of %d above %d: disks only grow", diskStep, t.State.SizeGB)
	}
	return h.send(ctx, c, "ExtendDisk", object{"DiskId": req.ID, "ExtendedSize": req.Input.SizeGB}, req.ID)
}

// diskQuota is how many GB of cloud disks a zone has left for the account.
func (c *cloud) diskQuota(ctx context.Context, zone string) (int, error) {
	out, err := read[struct {
		QuotaList []struct {
			FreeQuota   loose
			DiskFeature string
		}
	}](ctx, c, get(ebs, "DescribeDiskQuota", "AvailableZoneCode", zone))
	for _, q := range out.QuotaList {
		if strings.EqualFold(q.DiskFeature, diskType) {
			return q.FreeQuota.number(), err
		}
	}
	return 0, err
}
