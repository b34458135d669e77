package sim

import (
	"slices"
	"time"
)

// imagesIn are the images that a zone has now, public ones first.
func (c *Cloud) imagesIn(a *account, z *place, now time.Time) []*Image {
	out := []*Image{}
	for i := range c.cfg.Images {
		out = append(out, &c.cfg.Images[i])
	}
	return append(out, a.images.list(func(img *Image) bool {
		state, ok := img.zones[z.Code]
		return ok && state.at(now) == insRunning
	})...)
}

// imageStates of a private image in a zone; running is usable.
const (
	imageMaking  = "building"
	imageGoing   = "deleting"
	imageError   = "error"
	imageDisplay = "可用"
)

func describeImages(c *Cloud, q *request) (answer, *apiError) {
	zone, ids := q.optZone(c), q.texts("ImageIds")
	all := []object{}
	add := func(img *Image, z *place, state string) {
		if (zone == nil || zone.Code == z.Code) && (len(ids) == 0 || slices.Contains(ids, img.ID)) {
			all = append(all, img.row(z, state))
		}
	}
	for i := range c.cfg.Regions {
		for j := range c.cfg.Regions[i].Zones {
			z := &place{&c.cfg.Regions[i].Zones[j], &c.cfg.Regions[i]}
			for k := range c.cfg.Images {
				add(&c.cfg.Images[k], z, insRunning)
			}
			for _, img := range q.acct.images.list(func(img *Image) bool { _, ok := img.zones[z.Code]; return ok }) {
				add(img, z, img.zones[z.Code].at(q.now))
			}
		}
	}
	rows, page := ecsPage(q, all)
	return answer{data: object{"ImageList": rows}, page: page}, nil
}

func (img *Image) row(z *place, state string) object {
	sort, display, created, use := "public", imageDisplay, img.created, []string{"cpu"}
	if img.private {
		sort = "private"
	}
	if created == "" {
		created = "2022-01-24 17:46:17"
	}
	if img.Driver != "" {
		use = []string{"gpu"}
	}
	if state != insRunning {
		display = state
	}
	return object{
		"TemplateType": sort, "ImageId": img.ID, "ImageName": img.Name, "Status": state, "StatusDisplay": display,
		"OsType": img.OSType, "OsVersion": img.OSVersion, "OsBit": 64, "OsSize": img.SizeGB, "Username": img.Username,
		"SupportType": use, "SupportGpuDriver": img.Driver, "AzId": z.azID(), "AzName": z.Name,
		"AvailableZoneCode": z.Code, "CreateTime": created, "IsOptimized": img.optimized,
	}
}

func createImage(c *Cloud, q *request) (answer, *apiError) {
	name, optimized := q.need("Name"), q.loose("IsOptimized", 0, 0, 1)
	i, err := findInstance(q, "EcsId")
	if err == nil {
		err = inState(q, []*instance{i}, insRunning, insStopped)
	}
	if err == nil {
		err = q.err()
	}
	if err != nil {
		return answer{}, err
	}
	img := &Image{
		ID: c.newID("img-"), Name: name, OSType: i.image.OSType, OSVersion: i.image.OSVersion, SizeGB: i.system.size,
		Username: i.image.Username, Driver: i.image.Driver, private: true, optimized: optimized, created: clock(c.at),
	}
	e := c.newEvent(q, eventImage, c.due(), []string{img.ID}, q.taskFails)
	img.zones = map[string]phase{i.zone.Code: c.imageTo(q, e.due)}
	i.state = phase{doing: insImaging, due: e.due, then: i.state.at(q.now)}
	q.acct.images.add(img.ID, img)
	q.acct.buy("image.name", name, 1)
	return answer{data: object{"EventId": e.id, "ImageId": img.ID}}, nil
}

func (c *Cloud) imageTo(q *request, due time.Time) phase {
	if q.taskFails(0) {
		return phase{doing: imageMaking, due: due, then: imageError}
	}
	return phase{doing: imageMaking, due: due, then: insRunning}
}

func deleteImages(c *Cloud, q *request) (answer, *apiError) {
	zone, ids := q.optZone(c), q.needStrs("ImageIds")
	for _, id := range ids {
		img := q.acct.images.get(id)
		if img == nil {
			return answer{}, refuse(404, "InvalidImage.NotFound", "the private image %q does not exist", id)
		}
		if zone != nil {
			if _, ok := img.zones[zone.Code]; !ok {
				return answer{}, refuse(404, "InvalidImage.NotFound", "the image %q is not in the zone", id)
			}
		}
	}
	if err := q.err(); err != nil {
		return answer{}, err
	}
	e := c.newEvent(q, eventNoImage, c.due(), ids, q.taskFails)
	for _, id := range ids {
		img := q.acct.images.get(id)
		for code, state := range img.zones {
			if zone != nil && zone.Code != code {
				continue
			}
			img.zones[code] = phase{doing: imageGoing, due: e.due, then: state.at(q.now)}
			if e.failed() == 0 {
				c.later(e.due, func() { q.acct.dropImage(img, code) })
			}
		}
	}
	return answer{data: object{"EventId": e.id}}, nil
}

func (a *account) dropImage(img *Image, zone string) {
	delete(img.zones, zone)
	if len(img.zones) == 0 {
		a.images.remove(img.ID)
	}
}

func syncImage(c *Cloud, q *request) (answer, *apiError) {
	id, codes := q.need("ImageId"), q.needStrs("AvailableZoneCodes")
	for _, code := range codes {
		q.zoneOf(c, code)
	}
	if err := q.err(); err != nil {
		return answer{}, err
	}
	img := q.acct.images.get(id)
	if img == nil {
		return answer{}, refuse(404, "InvalidImage.NotFound", "the private image %q does not exist", id)
	}
	for _, code := range codes {
		if _, ok := img.zones[code]; ok {
			return answer{}, notPermitted("the image is in zone %q already", code)
		}
	}
	e := c.newEvent(q, eventSync, c.due(), []string{id}, q.taskFails)
	for _, code := range codes {
		img.zones[code] = c.imageTo(q, e.due)
	}
	return answer{data: object{"EventId": e.id}}, nil
}
