package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// ImageSpec makes an image of a server.
type ImageSpec struct {
	kinds.ImageSpec

	TestAccount string `json:"test_account,omitempty" title:"Test fund" doc:"Pays in place of the account; its name"`
}

// ImageState is what an image is.
type ImageState struct {
	kinds.ImageState

	Zones  []string `json:"zones,omitempty" title:"Zones that have it"`
	Driver string   `json:"gpu_driver,omitempty" title:"Driver of graphics cards"`
}

// ZonesInput are the zones that get an image too.
type ZonesInput struct {
	Zones []string `json:"zones" required:"true" min:"1" max:"20" title:"Zones"`
}

// imageRow is an image in one zone.
type imageRow struct {
	ID        string `json:"ImageId"`
	Name      string `json:"ImageName"`
	Sort      string `json:"TemplateType"`
	Status    string
	OSType    string `json:"OsType"`
	OSVersion string `json:"OsVersion"`
	Size      loose  `json:"OsSize"`
	Driver    string `json:"SupportGpuDriver"`
	Zone      string `json:"AvailableZoneCode"`
	Created   string `json:"CreateTime"`
}

// usable is the word for an image that servers can be made of.
const usable = "running"

// private is the word for an image of the account's own.
const ownImage = "private"

func (r imageRow) os() string { return strings.TrimSpace(r.OSType + " " + r.OSVersion) }

type image = provider.Thing[ImageState]

// images is the handler of the kind image: those that the account has made.
type images struct{ shelf[ImageState] }

func imageKind(p *plugin) *provider.Kind {
	h := images{shelf[ImageState]{plugin: p, kind: kinds.Image, walk: walkImages, step: removeImage}}
	p.shelves[kinds.Image] = h
	return provider.KindOf[ImageSpec, ImageState](kinds.Image, "Image", h,
		provider.ActionOf(provider.ActionDescription{Name: "copy", Title: "Copy to other zones", Changes: true}, h.copyTo),
	)
}

// Create makes an image of a server, which is busy meanwhile.
func (h images) Create(ctx context.Context, req provider.TypedCreate[ImageSpec]) (provider.Result[ImageState], error) {
	var zero provider.Result[ImageState]
	c, mark, err := h.order(req.Call, req.Token, req.Term)
	if err != nil {
		return zero, err
	}
	if req.Spec.Description != "" {
		return zero, fault.Invalid("spec.description", "must be empty: images of this cloud have none")
	}
	if _, err := c.here(ctx); err != nil {
		return zero, fault.NotDone(err)
	}
	name := nameOf(req.Name, "image")
	return h.make(ctx, c, req.Call, req.Token, func(ctx context.Context) (image, operation, error) {
		out, _, err := write[struct{ EventId, ImageId string }](ctx, c, post(ecs, "CreateImage", object{
			"EcsId": req.Spec.InstanceID, "Name": join(name, mark), "TestAccount": req.Spec.TestAccount,
		}))
		return image{
			ID: out.ImageId, Name: name, Status: provider.StatusPending, RawStatus: "building",
			State: ImageState{ImageState: kinds.ImageState{Source: ownImage}},
		}, h.event(c, ecs, out.EventId, verbCreate, kinds.Image, out.ImageId), err
	})
}

// imagesIn streams the images of a zone, or the one with the id. What GET takes
// of a list is the text of a JSON array.
func (c *cloud) imagesIn(ctx context.Context, zone, id string, yield func(imageRow) error) error {
	ids := ""
	if id != "" {
		text, err := json.Marshal([]string{id})
		if err != nil {
			return fault.Internal(err, "writing an id")
		}
		ids = string(text)
	}
	fetch := func(ctx context.Context, offset, limit int) ([]imageRow, int, error) {
		out, err := read[struct{ ImageList []imageRow }](ctx, c, get(ecs11, "DescribeImages",
			"AvailableZoneCode", zone, "ImageIds", ids, "PageNumber", whole(offset/limit+1), "PageSize", whole(limit)))
		return out.ImageList, page.UnknownTotal, err
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r imageRow) string { return r.ID + r.Zone }, yield)
}

// walkImages gathers the account's images of the region's zones, each once.
func walkImages(ctx context.Context, c *cloud, id string, yield func(image) error) error {
	r, err := c.here(ctx)
	if err != nil {
		return err
	}
	var all []image
	for _, z := range r.Zones {
		err := c.imagesIn(ctx, z.Code, id, func(row imageRow) error {
			at := slices.IndexFunc(all, func(t image) bool { return t.ID == row.ID })
			switch {
			case row.Sort != ownImage:
			case at < 0:
				all = append(all, c.image(row))
			default:
				all[at].State.Zones = append(all[at].State.Zones, row.Zone)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, t := range all {
		if err := yield(t); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) image(row imageRow) image {
	name, mark := split(row.Name)
	status := provider.StatusPending
	switch row.Status {
	case usable:
		status = provider.StatusFree
	case "error", "failed":
		status = provider.StatusError
	}
	return image{
		ID: row.ID, Name: name, Token: mark, Region: c.region, Status: status, RawStatus: row.Status, Created: moment(row.Created),
		State: ImageState{Zones: []string{row.Zone}, Driver: row.Driver, ImageState: kinds.ImageState{
			OS: row.os(), OSType: osFamily(row.OSType), SizeGB: row.Size.number(), Source: row.Sort,
		}},
	}
}

// removeImage deletes an image in all zones.
func removeImage(ctx context.Context, p *plugin, c *cloud, t image) (bool, operation, error) {
	if t.Status == provider.StatusPending {
		return false, operation{}, nil
	}
	out, _, err := write[eventAnswer](ctx, c, post(ecs, "DeleteImage", object{"ImageIds": []string{t.ID}}))
	return false, p.event(c, ecs, out.EventID, verbDelete, kinds.Image, t.ID), err
}

// copyTo brings an image to zones that do not have it; those that do are no
// mistake.
func (h images) copyTo(ctx context.Context, req provider.TypedAction[ZonesInput]) (provider.ActionResult[none], error) {
	c, err := h.openIn(req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	t, err := h.one(ctx, c.at(c.region, ""), req.ID)
	if err != nil {
		return provider.ActionResult[none]{}, fault.NotDone(err)
	}
	missing := slices.DeleteFunc(slices.Clone(req.Input.Zones), func(z string) bool { return slices.Contains(t.State.Zones, z) })
	if len(missing) == 0 {
		return provider.ActionResult[none]{}, nil
	}
	out, _, err := write[eventAnswer](ctx, c, post(ecs, "SyncImage", object{"ImageId": req.ID, "AvailableZoneCodes": missing}))
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	return provider.ActionResult[none]{Operation: h.event(c, ecs, out.EventID, verbAct, kinds.Image, req.ID).String()}, nil
}
