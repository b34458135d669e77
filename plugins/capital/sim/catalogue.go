package sim

import (
	"crypto/sha256"
	"fmt"
)

// Region is a place with zones. Edge regions and platform regions have
// different rules for public addresses.
type Region struct {
	Code string `json:"code" yaml:"code"`
	Name string `json:"name" yaml:"name"`
	// Group is the RegionGroupName.
	Group string `json:"group" yaml:"group"`
	// Platform marks a cloud-platform node; the others are edge nodes.
	Platform bool   `json:"platform" yaml:"platform"`
	Zones    []Zone `json:"zones" yaml:"zones"`
}

// Zone is one data centre of a region.
type Zone struct {
	Code string `json:"code" yaml:"code"`
	Name string `json:"name" yaml:"name"`
}

func defaultRegions() []Region {
	return []Region{
		{Code: "CN_Huhhot", Name: "呼和浩特", Group: "中国大陆", Zones: []Zone{{"CN_Hohhot_A", "呼和浩特A"}, {"CN_Hohhot_B", "呼和浩特B"}}},
		{Code: "CN_Suqian", Name: "宿迁", Group: "中国大陆", Zones: []Zone{{"CN_Suqian_A", "宿迁A"}, {"CN_Suqian_B", "宿迁B"}}},
		{Code: "CN_Qingyang", Name: "庆阳", Group: "中国大陆", Zones: []Zone{{"CN_Qingyang_A", "庆阳A"}}},
		{Code: "CN_HongKong", Name: "中国香港", Group: "亚太", Platform: true, Zones: []Zone{{"CN_Hongkong_A", "香港A"}, {"CN_Hongkong_B", "香港B"}}},
		{Code: "US_Dallas", Name: "达拉斯", Group: "北美", Zones: []Zone{{"US_Dallas_A", "达拉斯A"}}},
	}
}

// place is a zone with its region.
type place struct {
	*Zone
	region *Region
}

// stableUUID is an identifier that the vendor gives to things that are always there.
func stableUUID(of string) string {
	b := sha256.Sum256([]byte(of))
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// azID is the AzId, which the gcw service calls siteId.
func (p place) azID() string      { return stableUUID("zone " + p.Code) }
func (r *Region) id() string      { return stableUUID("region " + r.Code) }
func groupID(group string) string { return stableUUID("group " + group) }

// zone finds a zone by its code; nil when there is none.
func (c *Cloud) zone(code string) *place {
	for i := range c.cfg.Regions {
		r := &c.cfg.Regions[i]
		for j := range r.Zones {
			if r.Zones[j].Code == code {
				return &place{&r.Zones[j], r}
			}
		}
	}
	return nil
}

// region finds a region by its code; nil when there is none.
func (c *Cloud) region(code string) *Region {
	for i := range c.cfg.Regions {
		if c.cfg.Regions[i].Code == code {
			return &c.cfg.Regions[i]
		}
	}
	return nil
}

// needZone reads a required zone.
func (p *params) needZone(c *Cloud) *place {
	if code := p.need("AvailableZoneCode"); code != "" {
		return p.zoneOf(c, code)
	}
	return &place{&Zone{}, &Region{}}
}

// optZone reads a zone that may be left out; nil then.
func (p *params) optZone(c *Cloud) *place {
	if code := p.str("AvailableZoneCode"); code != "" {
		return p.zoneOf(c, code)
	}
	return nil
}

func (p *params) zoneOf(c *Cloud, code string) *place {
	if z := c.zone(code); z != nil {
		return z
	}
	p.fail(refuse(404, "InvalidAvailableZone.NotFound", "the zone %q does not exist", code))
	return &place{&Zone{}, &Region{}}
}

// needRegion reads a required region.
func (p *params) needRegion(c *Cloud) *Region {
	if p.need("RegionCode") == "" {
		return &Region{}
	}
	return p.optRegion(c)
}

// optRegion reads a region that may be left out; nil then.
func (p *params) optRegion(c *Cloud) *Region {
	code := p.str("RegionCode")
	if code == "" {
		return nil
	}
	if r := c.region(code); r != nil {
		return r
	}
	p.fail(refuse(404, "InvalidRegion.NotFound", "the region %q does not exist", code))
	return &Region{}
}

// inRegion tells whether a zone lies in the region; no region is any.
func (p *place) inRegion(r *Region) bool { return r == nil || p.region.Code == r.Code }

// spec is one size of a family.
type spec struct{ cpu, ram, gpu int }

// family is a sort of machine. Prices are fen a month.
type family struct {
	name      string
	cpuFen    Fen
	ramFen    Fen
	gpuFen    Fen
	gpuType   string
	driver    string
	cpuName   string
	localDisk bool
	specs     []spec
}

func (f *family) id() string { return stableUUID("family " + f.name) }

// at prices a size for a month.
func (f *family) at(s spec) Fen {
	return Fen(s.cpu)*f.cpuFen + Fen(s.ram)*f.ramFen + Fen(s.gpu)*f.gpuFen
}

func (f *family) has(s spec) bool {
	for _, have := range f.specs {
		if have == s {
			return true
		}
	}
	return false
}

// families is the same list in every zone.
func families() []*family {
	general := []spec{{1, 1, 0}, {1, 2, 0}, {2, 2, 0}, {2, 4, 0}, {4, 4, 0}, {4, 8, 0}, {8, 16, 0}, {16, 32, 0}, {32, 64, 0}}
	cards := []spec{{8, 16, 1}, {12, 24, 1}, {16, 32, 1}, {24, 48, 2}, {32, 64, 4}}
	return []*family{
		{name: "CPU密集计算型I3", cpuFen: 3000, ramFen: 1200, cpuName: "Intel Xeon Gold 6330", localDisk: true, specs: general},
		{name: "优化型M2", cpuFen: 2500, ramFen: 1500, cpuName: "AMD EPYC 7763", specs: general},
		{
			name: "极速渲染型re3", cpuFen: 3000, ramFen: 1200, gpuFen: 90000, gpuType: "NVIDIA GeForce RTX 3090",
			driver: "Geforce", cpuName: "AMD EPYC 7402", localDisk: true, specs: cards,
		},
		{
			name: "Ram专业渲染型rp3", cpuFen: 3200, ramFen: 1300, gpuFen: 150000, gpuType: "NVIDIA RTX A5000",
			driver: "Datacenter", cpuName: "AMD EPYC 7402", specs: cards,
		},
	}
}

func familyOf(name string) *family {
	for _, f := range families() {
		if f.name == name {
			return f
		}
	}
	return nil
}

// needFamily reads a family and a size of it.
func (p *params) needFamily() (*family, spec) {
	name := p.need("EcsFamilyName")
	s := spec{p.needNum("Cpu", 1, 1024), p.needNum("Ram", 1, 8192), p.num("Gpu", 0, 0, 64)}
	f := familyOf(name)
	if f == nil {
		if name != "" {
			p.fail(refuse(400, "InvalidInstanceType.ValueNotSupported", "the family %q does not exist", name))
		}
		return &family{}, s
	}
	if p.err() == nil && !f.has(s) {
		p.fail(refuse(400, "InvalidInstanceSpec.ValueNotSupported", "the family has no %d cores, %d GB and %d cards", s.cpu, s.ram, s.gpu))
	}
	return f, s
}

// line is a carrier of public addresses. Prices are fen a day.
type line struct {
	code, name string
	confID     int
	mbpsFen    Fen // of fixed bandwidth
	gbFen      Fen // of traffic
	edge       bool
	platform   bool
}

// addressFen is a day's price of an address itself.
const addressFen = 33

func lines() []*line {
	return []*line{
		{code: "Bandwidth_China_Telecom", name: "电信", confID: 101, mbpsFen: 331, gbFen: 80, edge: true, platform: true},
		{code: "Bandwidth_China_Unicom", name: "联通", confID: 102, mbpsFen: 320, gbFen: 80, edge: true},
		{code: "Bandwidth_CMCC", name: "移动", confID: 103, mbpsFen: 290, gbFen: 75, edge: true},
		{code: "Bandwidth_Multi_ISP_BGP", name: "多线BGP", confID: 104, mbpsFen: 650, gbFen: 100, edge: true, platform: true},
	}
}

// linesOf are those a region has.
func linesOf(r *Region) []*line {
	out := []*line{}
	for _, l := range lines() {
		if (r.Platform && l.platform) || (!r.Platform && l.edge) {
			out = append(out, l)
		}
	}
	return out
}

func lineOf(r *Region, code string) *line {
	for _, l := range linesOf(r) {
		if l.code == code {
			return l
		}
	}
	return nil
}

// Image is a public image, or one that an account made of an instance.
type Image struct {
	ID        string `json:"id" yaml:"id"`
	Name      string `json:"name" yaml:"name"`
	OSType    string `json:"os_type" yaml:"os_type"`
	OSVersion string `json:"os_version" yaml:"os_version"`
	SizeGB    int    `json:"size_gb" yaml:"size_gb"`
	Username  string `json:"username" yaml:"username"`
	// Driver makes it an image for graphics cards, Geforce or Datacenter.
	Driver string `json:"driver" yaml:"driver"`

	private   bool
	optimized int
	zones     map[string]phase // of a private image, by zone
	created   string
}

func defaultImages() []Image {
	return []Image{
		{ID: stableUUID("image ubuntu"), Name: "Ubuntu 20.04 64位", OSType: "Ubuntu", OSVersion: "20.04", SizeGB: 24, Username: "root"},
		{ID: stableUUID("image centos"), Name: "Centos 7.4 64位", OSType: "Centos", OSVersion: "7.4", SizeGB: 24, Username: "root"},
		{ID: stableUUID("image debian"), Name: "Debian 12 64位", OSType: "Debian", OSVersion: "12", SizeGB: 24, Username: "root"},
		{ID: stableUUID("image ubuntu gpu"), Name: "Ubuntu 20.04 64位-GPU-Datacenter", OSType: "Ubuntu", OSVersion: "20.04", SizeGB: 40, Username: "root", Driver: "Datacenter"},
		{ID: stableUUID("image windows"), Name: "Windows 10 64位-GPU-Geforce", OSType: "Windows", OSVersion: "10", SizeGB: 48, Username: "administrator", Driver: "Geforce"},
	}
}
