package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Region is one region of the cloud with its zones, the default zone first.
type Region struct {
	ID    string
	Name  string
	Zones []string
}

func regions() []Region {
	return []Region{
		{ID: "bj", Name: "North China - Beijing", Zones: []string{"cn-bj-a", "cn-bj-d"}},
		{ID: "gz", Name: "South China - Guangzhou", Zones: []string{"cn-gz-a", "cn-gz-c"}},
		{ID: "su", Name: "East China - Suzhou", Zones: []string{"cn-su-a"}},
		{ID: "hkg", Name: "Hong Kong", Zones: []string{"cn-hkg-a"}},
		{ID: "fwh", Name: "Finance - Wuhan", Zones: []string{"cn-fwh-a"}},
		{ID: "bd", Name: "North China - Baoding", Zones: []string{"cn-bd-a"}},
	}
}

// regionNamed is nil for a region that does not exist.
func regionNamed(id string) *Region {
	for _, r := range regions() {
		if r.ID == id {
			return &r
		}
	}
	return nil
}

// flavor is one specification of instances.
type flavor struct {
	spec, group string
	cpu, memory int // cores and GB
	month       Fen // list price of a month
	kind        string
}

// family is a group of specifications with one price list.
type family struct {
	id        string
	ratio     int // GB for each core
	core, gb  Fen // a month
	cores     []int
	kind, cpu string
	zones     func(zone string) bool
}

func families() []family {
	small := []int{1, 2, 4, 8, 16}
	everywhere := func(string) bool { return true }
	return []family{
		{id: "g5", ratio: 4, core: 4200, gb: 2100, cores: small, kind: "N5", cpu: "Intel Xeon", zones: everywhere},
		{id: "c5", ratio: 2, core: 4400, gb: 2200, cores: small, kind: "N5", cpu: "Intel Xeon", zones: everywhere},
		{id: "m5", ratio: 8, core: 4000, gb: 2000, cores: small, kind: "N5", cpu: "Intel Xeon", zones: everywhere},
		{id: "ic4", ratio: 1, core: 3900, gb: 1900, cores: []int{1, 2, 4}, kind: "N6", cpu: "Intel Xeon", zones: func(z string) bool { return strings.HasSuffix(z, "-a") }},
	}
}

// flavors are the specifications that a zone sells.
func flavors(zone string) []flavor {
	var out []flavor
	for _, f := range families() {
		if !f.zones(zone) {
			continue
		}
		for _, n := range f.cores {
			out = append(out, flavor{
				spec: fmt.Sprintf("bcc.%s.c%dm%d", f.id, n, n*f.ratio), group: f.id, cpu: n, memory: n * f.ratio,
				month: f.core*Fen(n) + f.gb*Fen(n*f.ratio), kind: f.kind,
			})
		}
	}
	return out
}

func flavorOf(zone, spec string) *flavor {
	for _, f := range flavors(zone) {
		if f.spec == spec {
			return &f
		}
	}
	return nil
}

// diskPrices are fen for a GB and a month.
func diskPrices() map[string]Fen {
	return map[string]Fen{
		"hp1": 70, "cloud_hp1": 80, "enhanced_ssd_pl1": 100, "enhanced_ssd_pl2": 200, "hdd": 30, "ssd": 120,
	}
}

// image is one picture an instance starts from.
type image struct {
	id, name, kind, os, osName, version string
	minDisk                             int
}

func images() []image {
	return []image{
		{"m-ubuntu2204", "Ubuntu 22.04 LTS amd64", "System", "linux", "Ubuntu", "22.04 LTS", 20},
		{"m-debian12", "Debian 12 amd64", "System", "linux", "Debian", "12", 20},
		{"m-rocky9", "Rocky Linux 9 x86_64", "System", "linux", "Rocky Linux", "9", 20},
		{"m-windows2022", "Windows Server 2022 x64", "System", "windows", "Windows Server", "2022", 40},
		{"m-lamp2204", "LAMP on Ubuntu 22.04", "Integration", "linux", "Ubuntu", "22.04 LTS", 20},
		{"m-golden01", "golden", "Custom", "linux", "Ubuntu", "22.04 LTS", 20},
	}
}

func imageOf(id string) *image {
	for _, m := range images() {
		if m.id == id {
			return &m
		}
	}
	return nil
}

func computeOps() []op {
	return []op{
		read("DescribeRegions", http.MethodPost, "/v2/region/describeRegions", describeRegions),
		read("ListZone", http.MethodGet, "/v2/zone", listZone),
		read("ListFlavorSpec", http.MethodGet, "/v2/instance/flavorSpec", listFlavorSpec),
		read("ListSpec", http.MethodGet, "/v2/instance/spec", listSpec),
		read("ListTypeZones", http.MethodGet, "/v1/instance/flavorZones", listTypeZones),
		read("GetStockWithSpec", http.MethodPost, "/v2/instance/getStockWithSpec", getStock),
		read("GetAvailableStockWithSpec", http.MethodPost, "/v2/instance/getAvailableStockWithSpec", getAvailableStock),
		read("GetPriceBySpec", http.MethodPost, "/v2/instance/price", getPriceBySpec),
		read("ListImage", http.MethodGet, "/v2/image", listImage),
		read("GetAvailableImagesBySpec", http.MethodGet, "/v2/image/getAvailableImagesBySpec", imagesBySpec),
		read("GetImageDetail", http.MethodGet, "/v2/image/*", getImage),
	}
}

func describeRegions(_ *Cloud, q *request) (any, *apiError) {
	var in struct {
		Region string `json:"region"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	out := []any{}
	for _, r := range regions() {
		if in.Region == "" || in.Region == r.ID {
			out = append(out, map[string]string{
				"regionId": r.ID, "regionName": r.Name, "regionEndpoint": "bcc." + r.ID + ".baidubce.com",
			})
		}
	}
	return map[string]any{"regions": out}, nil
}

func listZone(_ *Cloud, q *request) (any, *apiError) {
	out := []any{}
	for _, z := range q.region.Zones {
		out = append(out, map[string]string{"zoneName": z})
	}
	return map[string]any{"zones": out}, nil
}

// zonesAsked are the region's zones that the query asks for.
func zonesAsked(q *request) []string {
	z := q.str("zoneName")
	if z == "" {
		return q.region.Zones
	}
	if !slices.Contains(q.region.Zones, z) {
		q.fail(badParam("zoneName"))
		return nil
	}
	return []string{z}
}

func listFlavorSpec(_ *Cloud, q *request) (any, *apiError) {
	out := []any{}
	for _, z := range zonesAsked(q) {
		groups := []any{}
		for _, f := range families() {
			rows := []any{}
			for _, v := range flavors(z) {
				if v.group == f.id && q.passes("specs", v.spec) && q.passes("specIds", v.group) {
					rows = append(rows, v.wire(f.cpu))
				}
			}
			if len(rows) > 0 {
				groups = append(groups, map[string]any{"groupId": f.id, "flavors": rows})
			}
		}
		out = append(out, map[string]any{
			"zoneName": z, "bccResources": map[string]any{"flavorGroups": groups},
			"ebcResources": map[string]any{"flavorGroups": []any{}},
		})
	}
	return map[string]any{"zoneResources": out}, nil
}

func (f *flavor) wire(cpu string) any {
	return map[string]any{
		"cpuCount": f.cpu, "memoryCapacityInGB": f.memory, "ephemeralDiskInGb": 0, "ephemeralDiskCount": 0,
		"ephemeralDiskType": "", "gpuCardType": "", "gpuCardCount": 0, "fpgaCardType": "", "fpgaCardCount": 0,
		"productType": "PostPaid,PrePaid", "spec": f.spec, "specId": f.group, "flavorSubType": f.kind, "cpuModel": cpu,
		"cpuGHz": "2.8GHz", "networkBandwidth": "1.5Gbps", "networkPackage": "30wpps",
		"systemDiskType": []string{"enhanced_ssd_pl1", "cloud_hp1", "hp1"}, "dataDiskType": sortedKeys(diskPrices()),
	}
}

// listSpec is the old list, without zones.
func listSpec(_ *Cloud, q *request) (any, *apiError) {
	out := []any{}
	for _, f := range flavors(q.region.Zones[0]) {
		out = append(out, map[string]any{
			"type": f.kind, "name": f.spec, "cpuCount": f.cpu, "memorySizeInGB": f.memory, "localDiskSizeInGB": 0,
		})
	}
	return map[string]any{"instanceTypes": out}, nil
}

func listTypeZones(_ *Cloud, q *request) (any, *apiError) {
	out := []string{}
	for _, z := range q.region.Zones {
		for _, f := range flavors(z) {
			if q.passes("spec", f.spec) && q.passes("specId", f.group) && q.passes("instanceType", f.kind) {
				out = append(out, z)
				break
			}
		}
	}
	return map[string]any{"zoneNames": out}, nil
}

// endlessStock is what a specification without a bound reports.
const endlessStock = 1000

// stockLeft is how many more instances fit into a zone.
func (c *Cloud) stockLeft(zone, spec string) int {
	for _, s := range c.limits.Stock {
		if s.Zone != zone || s.MachineType != spec {
			continue
		}
		used := 0
		for _, i := range c.instances.rows {
			if i.Zone == zone && i.Spec == spec {
				used++
			}
		}
		return max(s.Count-used, 0)
	}
	return endlessStock
}

func (c *Cloud) stockRows(q *request, specs []string) any {
	out := []any{}
	for _, z := range q.region.Zones {
		for _, f := range flavors(z) {
			if len(specs) == 0 || slices.Contains(specs, f.spec) {
				out = append(out, map[string]any{
					"spec": f.spec, "specId": f.group, "inventoryQuantity": c.stockLeft(z, f.spec), "rootOnLocal": false,
					"updatedTime": q.now.Format(signTime), "collectionTime": q.now.Format(signTime), "logicalZone": z,
				})
			}
		}
	}
	return map[string]any{"bccStocks": out}
}

func getStock(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Spec string `json:"spec"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	if in.Spec == "" {
		return nil, badBody("spec is required")
	}
	return c.stockRows(q, []string{in.Spec}), nil
}

func getAvailableStock(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Specs []string `json:"specList"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	if len(in.Specs) > maxListed {
		return nil, badBody("specList is too long")
	}
	return c.stockRows(q, in.Specs), nil
}

// imageRow gives images a place in paged lists.
type imageRow struct {
	meta
	image
}

func (m *imageRow) wire() any {
	return map[string]any{
		"id": m.id, "name": m.name, "type": m.kind, "status": "Available", "osType": m.os, "osName": m.osName,
		"osVersion": m.version, "osArch": "x86_64 (64bit)", "osLang": "ENG", "osBuild": "2026010100", "desc": "",
		"createTime": "2026-01-01T00:00:00Z", "minDiskGb": m.minDisk, "diskSize": m.minDisk, "encrypted": false, "package": false,
	}
}

// imageRows are the images that pass, in the order of the catalogue.
func imageRows(keep func(image) bool) []*imageRow {
	var out []*imageRow
	for i, m := range images() {
		if keep(m) {
			out = append(out, &imageRow{meta: meta{ID: m.id, Seq: int64(i + 1)}, image: m})
		}
	}
	return out
}

func listImage(_ *Cloud, q *request) (any, *apiError) {
	kind, name := q.str("imageType"), q.str("imageName")
	kinds := []string{"", "All", "System", "Custom", "Integration", "Sharing", "GpuBccSystem", "GpuBccCustom"}
	if !slices.ContainsFunc(kinds, func(k string) bool { return strings.EqualFold(k, kind) }) {
		return nil, badParam("imageType")
	}
	rows := imageRows(func(m image) bool {
		of := kind == "" || strings.EqualFold(kind, "All") || strings.EqualFold(kind, m.kind)
		return of && strings.Contains(m.name, name)
	})
	return paged(q, "images", rows, (*imageRow).wire), nil
}

func imagesBySpec(_ *Cloud, q *request) (any, *apiError) {
	if spec := q.str("spec"); spec != "" && flavorOf(q.region.Zones[0], spec) == nil {
		return nil, badParam("spec")
	}
	rows := imageRows(func(m image) bool { return q.passes("osName", m.osName) })
	return paged(q, "images", rows, func(m *imageRow) any {
		return map[string]any{
			"imageId": m.id, "imageName": m.name, "osType": m.os, "osVersion": m.version, "osArch": "x86_64 (64bit)",
			"osName": m.osName, "osLang": "ENG", "minSizeInGiB": m.minDisk,
		}
	}), nil
}

func getImage(_ *Cloud, q *request) (any, *apiError) {
	rows := imageRows(func(m image) bool { return m.id == q.vars[0] })
	if len(rows) == 0 {
		return nil, noSuch("image", q.vars[0])
	}
	return map[string]any{"image": rows[0].wire()}, nil
}
