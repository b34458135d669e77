package sim

import "slices"

// Region is one row of the catalogue of places.
type Region struct {
	// ID is the code, such as cn-north-1; Title its name.
	ID    string   `json:"id" yaml:"id"`
	Title string   `json:"title" yaml:"title"`
	Zones []string `json:"zones" yaml:"zones"`
}

// Image is one public operating-system image; it exists in every region.
type Image struct {
	ID   string `json:"id" yaml:"id"`
	Name string `json:"name" yaml:"name"`
	// OSType is linux or windows, Platform the distribution.
	OSType   string `json:"os_type" yaml:"os_type"`
	Platform string `json:"platform" yaml:"platform"`
	Version  string `json:"os_version" yaml:"os_version"`
	// Architecture is x86_64 or arm64.
	Architecture string `json:"architecture" yaml:"architecture"`
	// SizeGB is the least size of a system disk.
	SizeGB int `json:"size_gb" yaml:"size_gb"`
}

// instanceType is one row of the catalogue of machines.
type instanceType struct {
	name, family, architecture string
	cpu, memoryMB              int
	// month is the list price per month.
	month       Fen
	nics, disks int
}

func defaultRegions() []Region {
	zones := func(r string, names ...string) []string {
		var out []string
		for _, n := range names {
			out = append(out, r+n)
		}
		return out
	}
	return []Region{
		{ID: "cn-north-1", Title: "华北-北京", Zones: zones("cn-north-1", "a", "b", "c")},
		{ID: "cn-east-1", Title: "华东-宿迁", Zones: zones("cn-east-1", "a", "b")},
		{ID: "cn-east-2", Title: "华东-上海", Zones: zones("cn-east-2", "a", "b")},
		{ID: "cn-south-1", Title: "华南-广州", Zones: zones("cn-south-1", "a", "b")},
	}
}

func defaultImages() []Image {
	return []Image{
		{"img-ubuntu2204", "Ubuntu 22.04 64位", "linux", "Ubuntu", "22.04", "x86_64", 40},
		{"img-debian12", "Debian 12 64位", "linux", "Debian", "12", "x86_64", 40},
		{"img-rocky9", "Rocky Linux 9 64位", "linux", "Rocky", "9", "x86_64", 40},
		{"img-ubuntu2204arm", "Ubuntu 22.04 ARM 64位", "linux", "Ubuntu", "22.04", "arm64", 40},
		{"img-windows2022", "Windows Server 2022 64位", "windows", "Windows Server", "2022", "x86_64", 50},
	}
}

// family is a kind of machine with its list prices per core and GB a month.
type family struct {
	name, architecture string
	memoryPerCore      int
	core, memory       Fen
	sizes              []int
	gpu                Fen // per 8 cores
}

func families() []family {
	small := []int{1, 2, 4, 8, 16, 32}
	return []family{
		{name: "g.n2", architecture: "x86_64", memoryPerCore: 4, core: 4200, memory: 2100, sizes: small},
		{name: "g.n3", architecture: "x86_64", memoryPerCore: 4, core: 4600, memory: 2300, sizes: small},
		{name: "c.n2", architecture: "x86_64", memoryPerCore: 2, core: 4800, memory: 2000, sizes: small},
		{name: "m.n2", architecture: "x86_64", memoryPerCore: 8, core: 4200, memory: 2000, sizes: small},
		{name: "g.r1", architecture: "arm64", memoryPerCore: 4, core: 3600, memory: 1800, sizes: []int{2, 4, 8, 16}},
		{name: "p.n1t4", architecture: "x86_64", memoryPerCore: 4, core: 4800, memory: 2400, sizes: []int{8, 16}, gpu: 120000},
	}
}

// sizeWord is the last part of an instance type's name.
func sizeWord(cores int) string {
	words := map[int]string{1: "medium", 2: "large", 4: "xlarge", 8: "2xlarge", 16: "4xlarge", 32: "8xlarge"}
	return words[cores]
}

func typeTable() map[string]*instanceType {
	out := map[string]*instanceType{}
	for _, f := range families() {
		for _, cores := range f.sizes {
			memory := cores * f.memoryPerCore
			t := &instanceType{
				name: f.name + "." + sizeWord(cores), family: f.name, architecture: f.architecture,
				cpu: cores, memoryMB: memory * 1024, nics: 2 + cores/8, disks: 8,
				month: f.core*Fen(cores) + f.memory*Fen(memory) + f.gpu*Fen(cores/8),
			}
			out[t.name] = t
		}
	}
	return out
}

// diskPrice is the list price of one GB a month; false is a disk type that
// cannot be bought.
func diskPrice(kind string) (Fen, bool) {
	prices := map[string]Fen{
		"hdd.std1": 30, "ssd.gp1": 70, "ssd.gp2": 80, "ssd.io1": 100, "ssd.io2": 130, "ssd": 100, "premium-hdd": 35,
	}
	p, ok := prices[kind]
	return p, ok
}

// diskBounds are the least and the largest size of a cloud disk, in GB.
func diskBounds(kind string) (lo, hi int) {
	switch kind {
	case "ssd":
		return 20, 1000
	case "premium-hdd":
		return 20, 3000
	default:
		return 20, 16000
	}
}

// eipMonth is the list price of an address per month: the first five Mbps are cheap.
func eipMonth(mbps int, byTraffic bool) Fen {
	if byTraffic {
		return 0
	}
	return 2300*Fen(min(mbps, 5)) + 8000*Fen(max(mbps-5, 0))
}

func (c *Cloud) regionOf(id string) *Region {
	i := slices.IndexFunc(c.cfg.Regions, func(r Region) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return &c.cfg.Regions[i]
}

// zone reads an az of the call's region.
func (c *Cloud) zone(q *request, p *params, name string) string {
	v := p.need(name)
	r := c.regionOf(q.region)
	if v != "" && (r == nil || !slices.Contains(r.Zones, v)) {
		p.fail(invalid(p.at(name), "there is no such az in the region"))
	}
	return v
}
