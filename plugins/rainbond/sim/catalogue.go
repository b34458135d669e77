package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// StoreApp is one app model in the store.
type StoreApp struct {
	// Key is the id that installs name: at most 32 characters.
	Key      string         `json:"key" yaml:"key"`
	Name     string         `json:"name" yaml:"name"`
	Desc     string         `json:"desc" yaml:"desc"`
	Official bool           `json:"official" yaml:"official"`
	Tags     []string       `json:"tags" yaml:"tags"`
	Versions []StoreVersion `json:"versions" yaml:"versions"`
}

// StoreVersion is one version of an app model.
type StoreVersion struct {
	Version string `json:"version" yaml:"version"`
	Alias   string `json:"alias" yaml:"alias"`
	Arch    string `json:"arch" yaml:"arch"`
	// UpdateUnix is when the template was last published, in seconds: the same
	// version published later is offered as an upgrade.
	UpdateUnix int64 `json:"update_unix" yaml:"update_unix"`
	// Components are what one install makes.
	Components []Template `json:"components" yaml:"components"`
}

// Template is one component of an app model.
type Template struct {
	Key   string `json:"key" yaml:"key"`
	Name  string `json:"name" yaml:"name"`
	Image string `json:"image" yaml:"image"`
	// CPU is in thousandths of a core, MemoryMB is of one of Nodes instances.
	CPU      int    `json:"cpu" yaml:"cpu"`
	MemoryMB int    `json:"memory_mb" yaml:"memory_mb"`
	Nodes    int    `json:"nodes" yaml:"nodes"`
	Ports    []int  `json:"ports" yaml:"ports"`
	Protocol string `json:"protocol" yaml:"protocol"`
}

// sums adds the processor time and memory of one version.
func (v *StoreVersion) sums() (cpu, memory int) {
	for _, t := range v.Components {
		cpu += t.CPU * t.Nodes
		memory += t.MemoryMB * t.Nodes
	}
	return cpu, memory
}

func defaultRegions() []Region {
	return []Region{
		{Name: "rainbond", Alias: "Default cluster", Status: "1", CPU: 64, MemoryMB: 262144, DiskGB: 4096, Nodes: 4},
		{Name: "edge", Alias: "Edge cluster", Status: "1", CPU: 16, MemoryMB: 32768, DiskGB: 512, Nodes: 2},
	}
}

func defaultStoreApps() []StoreApp {
	at := func(day int) int64 { return time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC).Unix() }
	web := Template{Key: "web", Name: "blog", Image: "registry.example/blog:", CPU: 500, MemoryMB: 512, Nodes: 1, Ports: []int{80}, Protocol: "http"}
	data := Template{Key: "db", Name: "database", Image: "registry.example/database:", CPU: 1000, MemoryMB: 1024, Nodes: 1, Ports: []int{3306}, Protocol: "mysql"}
	cache := Template{Key: "cache", Name: "cache", Image: "registry.example/cache:", CPU: 250, MemoryMB: 256, Nodes: 1, Ports: []int{6379}, Protocol: "tcp"}
	lake := Template{Key: "lake", Name: "lake", Image: "registry.example/lake:", CPU: 4000, MemoryMB: 16384, Nodes: 4, Ports: []int{9000}, Protocol: "tcp"}
	return []StoreApp{
		{
			Key: "5a1e0c7d9b3f4e6a8c2d1f0e9b7a6c5d", Name: "Blog", Desc: "A blog with its database", Official: true, Tags: []string{"web"},
			Versions: []StoreVersion{
				version("1.0", at(1), web, data), version("1.1", at(8), web, data), version("2.0", at(15), web, data, cache),
			},
		},
		{
			Key: "0f9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c", Name: "Cache", Desc: "A cache alone", Tags: []string{"middleware"},
			Versions: []StoreVersion{version("7.2", at(2), cache)},
		},
		{
			Key: "9c8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f", Name: "Warehouse", Desc: "A large data warehouse", Tags: []string{"data"},
			Versions: []StoreVersion{version("3.1", at(5), lake)},
		},
	}
}

func version(v string, at int64, parts ...Template) StoreVersion {
	out := StoreVersion{Version: v, Alias: "release", Arch: "amd64", UpdateUnix: at}
	for _, p := range parts {
		p.Image += v
		out.Components = append(out.Components, p)
	}
	return out
}

func validateStoreApps(apps []StoreApp) error {
	if len(apps) > maxConfigured {
		return fmt.Errorf("store_apps: give at most %d", maxConfigured)
	}
	var errs []error
	seen := map[string]bool{}
	for i, a := range apps {
		if a.Key == "" || len(a.Key) > 32 || strings.Contains(a.Key, "/") || seen[a.Key] || a.Name == "" {
			errs = append(errs, fmt.Errorf("store_apps[%d]: give a key of its own, at most 32 characters, and a name", i))
		}
		seen[a.Key] = true
		for k, v := range a.Versions {
			if err := v.validate(); err != nil {
				errs = append(errs, fmt.Errorf("store_apps[%d].versions[%d]: %w", i, k, err))
			}
		}
	}
	return errors.Join(errs...)
}

// maxComponents bounds one template.
const maxComponents = 100

func (v *StoreVersion) validate() error {
	if v.Version == "" || len(v.Version) > 64 || strings.Contains(v.Version, "/") {
		return fmt.Errorf("version: %q is not 1 to 64 characters without '/'", v.Version)
	}
	if len(v.Components) == 0 || len(v.Components) > maxComponents {
		return fmt.Errorf("components: give 1 to %d", maxComponents)
	}
	seen := map[string]bool{}
	for i, t := range v.Components {
		if t.Key == "" || seen[t.Key] || t.Name == "" || t.CPU < 0 || t.MemoryMB < 0 || t.Nodes < 1 || t.Nodes > 100 {
			return fmt.Errorf("components[%d]: give a key of its own, a name, sizes, and 1 to 100 nodes", i)
		}
		seen[t.Key] = true
	}
	return nil
}

// storeApp finds an app model by its key.
func (c *Cloud) storeApp(key string) *StoreApp {
	for i := range c.storeApps {
		if c.storeApps[i].Key == key {
			return &c.storeApps[i]
		}
	}
	return nil
}

// version finds a version by its name.
func (a *StoreApp) version(name string) *StoreVersion {
	for i := range a.Versions {
		if a.Versions[i].Version == name {
			return &a.Versions[i]
		}
	}
	return nil
}
