package sim

import "slices"

// Region is one row of the catalogue of places.
type Region struct {
	// ID is the vendor's number, Name its code such as cn-bj2.
	ID    int      `json:"id" yaml:"id"`
	Name  string   `json:"name" yaml:"name"`
	Title string   `json:"title" yaml:"title"`
	Zones []string `json:"zones" yaml:"zones"`
}

func (r *Region) hasZone(z string) bool { return slices.Contains(r.Zones, z) }

// Image is one operating-system image; it exists in every zone.
type Image struct {
	ID   string `json:"id" yaml:"id"`
	Name string `json:"name" yaml:"name"`
	// OSType is Linux or Windows, OSName the distribution.
	OSType string `json:"os_type" yaml:"os_type"`
	OSName string `json:"os_name" yaml:"os_name"`
	// SizeGB is the least size of a system disk.
	SizeGB int `json:"size_gb" yaml:"size_gb"`
	// Type is Base, Business or Custom.
	Type string `json:"type" yaml:"type"`
	// FuncType is uhost, gpu or app.
	FuncType string `json:"func_type" yaml:"func_type"`
}

func defaultRegions() []Region {
	return []Region{
		{ID: 1000001, Name: "cn-bj2", Title: "Beijing 2", Zones: []string{"cn-bj2-04", "cn-bj2-05"}},
		{ID: 1000009, Name: "cn-sh2", Title: "Shanghai 2", Zones: []string{"cn-sh2-02", "cn-sh2-03"}},
		{ID: 7000001, Name: "hk", Title: "Hong Kong", Zones: []string{"hk-02"}},
	}
}

func defaultImages() []Image {
	img := func(id, name, osType, osName string, size int, function string) Image {
		return Image{
			ID: "uimage-" + id, Name: name, OSType: osType, OSName: osName,
			SizeGB: size, Type: "Base", FuncType: function,
		}
	}
	return []Image{
		img("ubuntu2204", "Ubuntu 22.04 64bit", "Linux", "Ubuntu 22.04", 20, "uhost"),
		img("debian12", "Debian 12 64bit", "Linux", "Debian 12", 20, "uhost"),
		img("rocky9", "Rocky Linux 9 64bit", "Linux", "Rocky 9", 20, "uhost"),
		img("windows2022", "Windows Server 2022 64bit", "Windows", "Windows 2022", 40, "uhost"),
		img("ubuntu2204gpu", "Ubuntu 22.04 with GPU driver", "Linux", "Ubuntu 22.04", 40, "gpu"),
		img("ubuntu2204app", "Ubuntu 22.04 with application stack", "Linux", "Ubuntu 22.04", 20, "app"),
	}
}

// machine is a machine type: what it may be built of and its list price per month.
type machine struct {
	name           string
	gpu            bool
	cpuFen, memFen Fen // per core and per GB
	disks          []diskRule
}

// diskRule allows data disks beside a boot disk.
type diskRule struct {
	boot []string
	data []string
}

func machineTable() (map[string]machine, []string) {
	local := []string{"LOCAL_NORMAL", "LOCAL_SSD"}
	cloud := []string{"CLOUD_NORMAL", "CLOUD_SSD", "CLOUD_ESSD", "CLOUD_RSSD", "CLOUD_EFFICIENCY"}
	n := []diskRule{
		{boot: local, data: local},
		{boot: []string{"CLOUD_SSD"}, data: []string{"CLOUD_NORMAL", "CLOUD_SSD", "CLOUD_ESSD"}},
	}
	o := []diskRule{{boot: []string{"CLOUD_RSSD"}, data: cloud}}
	g := []diskRule{
		{boot: []string{"LOCAL_SSD"}, data: []string{"LOCAL_SSD"}},
		{boot: []string{"CLOUD_SSD"}, data: []string{"CLOUD_SSD"}},
	}
	rows := []machine{
		{name: "N", cpuFen: 4000, memFen: 2000, disks: n},
		{name: "C", cpuFen: 6000, memFen: 2200, disks: n},
		{name: "O", cpuFen: 4500, memFen: 2200, disks: o},
		{name: "OS", cpuFen: 4200, memFen: 2100, disks: o},
		{name: "OM", cpuFen: 4500, memFen: 2500, disks: o},
		{name: "OPRO", cpuFen: 5200, memFen: 2400, disks: o},
		{name: "OMAX", cpuFen: 5600, memFen: 2600, disks: o},
		{name: "G", gpu: true, cpuFen: 5000, memFen: 2400, disks: g},
	}
	out, names := map[string]machine{}, []string{}
	for _, m := range rows {
		out[m.name] = m
		names = append(names, m.name)
	}
	return out, names
}

func cpuSizes() []int { return []int{1, 2, 4, 8, 16, 32, 64} }

// memorySizes lists the GB a machine with that many cores can have.
func memorySizes(cpu int) []int {
	var out []int
	for _, ratio := range []int{1, 2, 4, 8} {
		if gb := cpu * ratio; gb <= 256 {
			out = append(out, gb)
		}
	}
	return out
}

// gpuMonth is the list price of one card per month.
func gpuMonth(gpuType string) (Fen, bool) {
	switch gpuType {
	case "K80":
		return 90000, true
	case "P40":
		return 180000, true
	case "T4":
		return 120000, true
	case "V100":
		return 350000, true
	}
	return 0, false
}

func getRegion(c *Cloud, _ *request) (answer, *retError) {
	rows := []answer{}
	for i, r := range c.cfg.Regions {
		for _, z := range r.Zones {
			rows = append(rows, answer{
				"RegionId": r.ID, "RegionName": r.Title, "IsDefault": i == 0,
				"BitMaps": "1", "Region": r.Name, "Zone": z,
			})
		}
	}
	return answer{"Regions": rows}, nil
}

func getProjectList(_ *Cloud, q *request) (answer, *retError) {
	rows := []answer{}
	for _, p := range q.acct.Projects {
		rows = append(rows, answer{
			"ProjectId": p.ID, "ProjectName": p.Name, "IsDefault": p.Default,
			"CreateTime": 1600000000, "MemberCount": 1, "ResourceCount": 0, "ParentId": "", "ParentName": "",
		})
	}
	return answer{"ProjectSet": rows, "ProjectCount": len(rows)}, nil
}

func describeImage(c *Cloud, q *request) (answer, *retError) {
	offset, limit := q.page(20, 100)
	kind := q.oneOf("ImageType", "", "Base", "Business", "Custom")
	osType := q.oneOf("OsType", "", "Linux", "Windows")
	if q.err != nil {
		return nil, q.err
	}
	zone := q.str("Zone", firstOf(q.region.Zones))
	function := q.values["FuncType"]
	if !slices.Contains([]string{"gpu", "app", "uhost"}, function) {
		function = "" // wrong values are ignored, as documented
	}
	rows := []answer{}
	for _, m := range c.cfg.Images {
		id := q.str("ImageId", m.ID)
		if id == m.ID && passes(kind, m.Type) && passes(osType, m.OSType) && passes(function, m.FuncType) {
			rows = append(rows, m.row(zone))
		}
	}
	return answer{"TotalCount": len(rows), "ImageSet": pageOf(rows, offset, limit)}, nil
}

// passes tells whether a filter lets a value pass; an empty filter lets all pass.
func passes(filter, v string) bool { return filter == "" || filter == v }

func firstOf(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

func (m *Image) row(zone string) answer {
	gpus := []string{}
	if m.FuncType == "gpu" {
		gpus = []string{"K80", "P40", "T4", "V100"}
	}
	return answer{
		"Zone": zone, "ImageId": m.ID, "ImageName": m.Name, "OsType": m.OSType, "OsName": m.OSName,
		"ImageType": m.Type, "Features": []string{"NetEnhnced", "HotPlug", "CloudInit"},
		"FuncType": m.FuncType, "State": "Available", "ImageSize": m.SizeGB, "MinimalCPU": "Intel/Auto",
		"CreateTime": 1600000000, "Vendor": "", "IntegratedSoftware": "", "PrimarySoftware": "",
		"Links": "", "ImageDescription": m.Name, "SupportedGPUTypes": gpus, "SceneCategories": []string{},
	}
}

func (c *Cloud) image(id string) *Image {
	for i := range c.cfg.Images {
		if c.cfg.Images[i].ID == id {
			return &c.cfg.Images[i]
		}
	}
	return nil
}

func describeInstanceTypes(c *Cloud, q *request) (answer, *retError) {
	wanted := q.list("MachineTypes")
	rows := []answer{}
	for _, zone := range q.region.Zones {
		for _, name := range c.machine {
			if passes(q.zone, zone) && (len(wanted) == 0 || slices.Contains(wanted, name)) {
				rows = append(rows, c.typeRow(zone, c.machines[name]))
			}
		}
	}
	if q.err != nil {
		return nil, q.err
	}
	return answer{"Status": "Normal", "AvailableInstanceTypes": rows}, nil
}

func (c *Cloud) typeRow(zone string, m machine) answer {
	status, class := "Normal", "Normal"
	if left, bounded := c.stockLeft(zone, m.name); bounded && left == 0 {
		status = "Soldout"
	}
	row := answer{
		"Zone": zone, "Name": m.name, "MachineSizes": []answer{{"Gpu": 0, "Collection": sizeRows()}},
		"CpuPlatforms": answer{"Intel": []string{"Intel/Auto"}, "Amd": []string{}, "Ampere": []string{}},
		"Disks":        diskRows(m), "Features": []answer{{"Name": "NetCapability", "Modes": []answer{}}},
	}
	if m.gpu {
		class = "GPU"
		row["MachineSizes"] = []answer{{"Gpu": 1, "Collection": sizeRows()}, {"Gpu": 2, "Collection": sizeRows()}}
		row["GraphicsMemory"] = answer{"Value": 16, "Rate": 1}
		row["Performance"] = answer{"Value": 8, "Rate": 1}
	}
	row["Status"], row["MachineClass"] = status, class
	return row
}

func sizeRows() []answer {
	rows := []answer{}
	for _, cpu := range cpuSizes() {
		rows = append(rows, answer{
			"Cpu": cpu, "Memory": memorySizes(cpu), "MinimalCpuPlatform": []string{"Intel/Auto"},
		})
	}
	return rows
}

func diskRows(m machine) []answer {
	rows := []answer{}
	for _, rule := range m.disks {
		boots, data := []answer{}, []answer{}
		for _, b := range rule.boot {
			boots = append(boots, answer{"Name": b, "InstantResize": true, "MaximalSize": 500, "Features": []string{}})
		}
		for _, d := range rule.data {
			data = append(data, answer{"Name": d, "MinimalSize": 20, "MaximalSize": dataMax(d), "Features": []string{}})
		}
		rows = append(rows, answer{"Name": diskClass(rule), "BootDisk": boots, "DataDisk": data})
	}
	return rows
}

func diskClass(r diskRule) string {
	switch {
	case slices.Contains(r.boot, "LOCAL_NORMAL"):
		return "normalLocalDisk"
	case slices.Contains(r.boot, "LOCAL_SSD"):
		return "ssdLocalDisk"
	default:
		return "cloudDisk"
	}
}

// dataMax is the largest data disk in GB.
func dataMax(diskType string) int {
	if diskType == "CLOUD_RSSD" {
		return 32000
	}
	return 8000
}
