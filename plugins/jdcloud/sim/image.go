package sim

import (
	"slices"
	"time"
)

// The words of an image's status.
const (
	imagePending = "pending"
	imageReady   = "ready"
)

// privateImage is an image that an account made.
type privateImage struct {
	place
	ID       string `json:"id"`
	Name     string `json:"name"`
	Desc     string `json:"desc,omitempty"`
	OSType   string `json:"os_type"`
	Platform string `json:"platform"`
	Version  string `json:"version"`
	Arch     string `json:"arch"`
	SizeGB   int    `json:"size_gb"`
	Snapshot string `json:"snapshot,omitempty"`
	Instance string `json:"instance,omitempty"`
	Imported bool   `json:"imported,omitempty"`
	Created  int64  `json:"created"`
	life
}

// imageView is a public or a private image as an account sees it.
type imageView struct {
	Image
	Source  string
	Status  string
	private *privateImage
}

// imageActions are the calls of the vm service about images.
func imageActions() []action {
	const all = "/v1/regions/{regionId}/images"
	vm := func(name, method, path string, run func(*Cloud, *request) (answer, *apiError)) action {
		return action{name: name, service: "vm", method: method, path: path, run: run}
	}
	return []action{
		vm("DescribeImages", "GET", all, describeImages),
		vm("DescribeImage", "GET", all+"/{imageId}", describeImage),
		vm("DeleteImage", "DELETE", all+"/{imageId}", deleteImage),
		vm("CreateImage", "POST", "/v1/regions/{regionId}/instances/{instanceId}:createImage", createImage),
		vm("CreateImageFromSnapshots", "POST", all+":createImageFromSnapshots", imageFromSnapshots),
		vm("ImportImage", "POST", all+":import", importImage),
		vm("ExportImage", "POST", all+"/{imageId}:exportImage", exportImage),
	}
}

func (p *privateImage) view(now time.Time) *imageView {
	return &imageView{
		Image: Image{
			ID: p.ID, Name: p.Name, OSType: p.OSType, Platform: p.Platform, Version: p.Version, Architecture: p.Arch, SizeGB: p.SizeGB,
		},
		Source: "private", Status: p.at(now), private: p,
	}
}

// imageOf finds a public image or one of the account's in the region.
func (c *Cloud) imageOf(account, region, id string) *imageView {
	for _, im := range c.cfg.Images {
		if im.ID == id {
			return &imageView{Image: im, Source: "public", Status: imageReady}
		}
	}
	if p := c.images.get(id); p != nil && p.Account == account && p.Region == region {
		return p.view(c.now())
	}
	return nil
}

func (c *Cloud) imagesIn(q *request) []*imageView {
	out := []*imageView{}
	for _, im := range c.cfg.Images {
		out = append(out, &imageView{Image: im, Source: "public", Status: imageReady})
	}
	for _, p := range c.images.where(func(p *privateImage) bool { return p.in(q) }) {
		out = append(out, p.view(q.now))
	}
	return out
}

func describeImages(c *Cloud, q *request) (answer, *apiError) {
	p, ids := q.page(), q.list("ids")
	if len(ids) == 0 {
		q.need("imageSource")
	}
	source := q.oneOf("imageSource", "", "public", "thirdparty", "private", "shared", "community")
	q.oneOf("rootDeviceType", "", "localDisk", "cloudDisk")
	platform, name := q.str("platform", ""), q.str("imageName", "")
	status, arch := q.str("status", ""), q.oneOf("architecture", "", "x86_64", "arm64")
	offline := q.flag("offline", false)
	if q.failed() != nil {
		return nil, q.failed()
	}
	found := []*imageView{}
	for _, im := range c.imagesIn(q) {
		if (len(ids) == 0 || slices.Contains(ids, im.ID)) && either(source, im.Source) && either(platform, im.Platform) &&
			either(name, im.Name) && either(status, im.Status) && either(arch, im.Architecture) && !offline {
			found = append(found, im)
		}
	}
	return answer{"images": rowsOf(pageOf(found, p, false), c.imageRow), "totalCount": len(found)}, nil
}

// either passes a value that was not asked for or is the one asked for.
func either(want, got string) bool { return want == "" || want == got }

func (c *Cloud) imageRow(im *imageView) answer {
	row := answer{
		"imageId": im.ID, "name": im.Name, "platform": im.Platform, "osVersion": im.Version, "osType": im.OSType,
		"architecture": im.Architecture, "systemDiskSizeGB": im.SizeGB, "imageSource": im.Source, "status": im.Status,
		"rootDeviceType": "cloudDisk", "offline": false, "snapshotId": "", "bootMode": "bios", "createTime": iso(1735689600), "sizeMB": im.SizeGB * 512,
		"desc": "", "ownerPin": "", "progress": "100", "dataDisks": []answer{},
	}
	if p := im.private; p != nil {
		row["createTime"], row["desc"], row["ownerPin"] = iso(p.Created), p.Desc, pinOf(p.Account)
		row["snapshotId"], row["instanceId"], row["imported"] = p.Snapshot, p.Instance, p.Imported
	}
	return row
}

func describeImage(c *Cloud, q *request) (answer, *apiError) {
	id := q.need("imageId")
	q.subject = id
	im := c.imageOf(q.acct.Name, q.region, id)
	if im == nil {
		return nil, notFound("image", id)
	}
	return answer{"image": c.imageRow(im)}, nil
}

// keepImage adds an image that becomes ready after one transition.
func (c *Cloud) keepImage(q *request, im privateImage) (answer, *apiError) {
	if q.failed() != nil {
		return nil, q.failed()
	}
	im.place, im.ID, im.Created = q.here(), c.newID("img"), q.now.Unix()
	im.become(q.now, c.transition(), imagePending, imageReady)
	c.images.put(im.ID, &im)
	return answer{"imageId": im.ID}, nil
}

func createImage(c *Cloud, q *request) (answer, *apiError) {
	name, desc := q.need("name"), q.limited("description", 256)
	h, err := c.instanceIn(q, stateStopped, stateRunning)
	if err != nil {
		return nil, err
	}
	from := c.imageOf(h.Account, h.Region, h.ImageID)
	im := privateImage{Name: name, Desc: desc, Instance: h.ID, Arch: c.types[h.Type].architecture, SizeGB: 40}
	if from != nil {
		im.OSType, im.Platform, im.Version, im.SizeGB = from.OSType, from.Platform, from.Version, from.SizeGB
	}
	if d := c.disks.get(h.SystemDisk); d != nil {
		im.SizeGB = d.SizeGB
	}
	return c.keepImage(q, im)
}

// onceImage answers a repeated client token with the image it made.
func (c *Cloud) onceImage(q *request, build func() (answer, *apiError)) (answer, *apiError) {
	token := q.limited("clientToken", 64)
	if q.failed() != nil {
		return nil, q.failed()
	}
	ids, err := c.repeated(q, token)
	if err != nil {
		return nil, err
	}
	if len(ids) == 2 {
		out := answer{"imageId": ids[0]}
		if ids[1] != "" {
			out["taskId"] = ids[1]
		}
		return out, nil
	}
	out, err := build()
	if err != nil {
		return nil, err
	}
	id, _ := out["imageId"].(string)
	task, _ := out["taskId"].(string)
	c.noteToken(q, token, []string{id, task})
	return out, nil
}

func imageFromSnapshots(c *Cloud, q *request) (answer, *apiError) {
	return c.onceImage(q, func() (answer, *apiError) {
		im := privateImage{Name: q.need("name"), Desc: q.limited("description", 256), Platform: q.need("platform"), Version: q.str("osVersion", "")}
		im.Arch, im.OSType = q.oneOf("architecture", q.need("architecture"), "x86_64", "arm64"), "linux"
		disks := q.objs("cloudDisks")
		if len(disks) == 0 {
			q.fail(missing("cloudDisks"))
		}
		for i, d := range disks {
			s := c.snapshots.get(d.need("snapshotId"))
			if s == nil || !s.in(q) {
				q.fail(notFound("snapshot", d.str("snapshotId", "")))
			} else if i == 0 {
				im.SizeGB, im.Snapshot = s.SizeGB, s.ID
			}
		}
		return c.keepImage(q, im)
	})
}

func importImage(c *Cloud, q *request) (answer, *apiError) {
	return c.onceImage(q, func() (answer, *apiError) {
		im := privateImage{
			Name: q.need("imageName"), Desc: q.limited("description", 256), Platform: q.need("platform"), Version: q.str("osVersion", ""),
			OSType: q.oneOf("osType", q.need("osType"), "windows", "linux"), SizeGB: q.needNum("systemDiskSizeGB", 10, 500), Imported: true,
			Arch: q.oneOf("architecture", q.need("architecture"), "x86_64", "arm64"),
		}
		q.need("diskFormat")
		q.need("imageUrl")
		out, err := c.keepImage(q, im)
		if err == nil {
			out["taskId"] = c.newID("task")
		}
		return out, err
	})
}

// exportImage answers with a task; nothing is written anywhere.
func exportImage(c *Cloud, q *request) (answer, *apiError) {
	out, err := c.onceImage(q, func() (answer, *apiError) {
		q.need("roleName")
		q.need("ossUrl")
		im := c.imageOf(q.acct.Name, q.region, q.need("imageId"))
		if im == nil || im.private == nil {
			return nil, notFound("image", q.str("imageId", ""))
		}
		if q.failed() != nil {
			return nil, q.failed()
		}
		return answer{"taskId": c.newID("task")}, nil
	})
	if err != nil {
		return nil, err
	}
	delete(out, "imageId")
	return out, nil
}

func deleteImage(c *Cloud, q *request) (answer, *apiError) {
	id := q.need("imageId")
	q.subject = id
	im := c.images.get(id)
	if im == nil || !im.in(q) {
		return nil, notFound("image", id)
	}
	if im.running(q.now) {
		return nil, busy("image", id)
	}
	c.images.drop(id)
	return nil, nil
}
