package main

import (
	"context"
	"net/url"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

const kindRegion = "region"

// openedRow is a region that a team has opened. Of all that the console tells of
// a region only what is named here is read: its answers also hold certificates
// and keys of clusters.
type openedRow struct {
	Name  string `json:"region_name"`
	Alias string `json:"region_alias"`
}

// opened are the regions that the account's team has opened.
func (c *cloud) opened(ctx context.Context) ([]openedRow, error) {
	out, err := read[struct {
		Regions []openedRow `json:"regions"`
	}](ctx, c, c.inTeam("regions"), nil)
	return out.Regions, err
}

// Regions lists the clusters that the account's team has opened.
func (p *plugin) Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return nil, err
	}
	rows, err := c.opened(ctx)
	var out []provider.Region
	for _, r := range rows {
		out = append(out, provider.Region{ID: r.Name, Name: firstText(r.Alias, r.Name)})
	}
	return out, err
}

// here are the regions that a call is about: its own, which must be open, or all.
func (c *cloud) here(ctx context.Context) ([]openedRow, error) {
	rows, err := c.opened(ctx)
	if err != nil || c.region == "" {
		return rows, err
	}
	for _, r := range rows {
		if r.Name == c.region {
			return []openedRow{r}, nil
		}
	}
	return nil, fault.Invalid("call.region", "%q is not open for the account's team", c.region)
}

// RegionState is what a cluster has, as far as the key's user may know.
type RegionState struct {
	HTTPDomain  string `json:"http_domain,omitempty" title:"Domain of apps"`
	TCPDomain   string `json:"tcp_domain,omitempty" title:"Address of apps"`
	Scope       string `json:"scope,omitempty" title:"For whom"`
	Health      string `json:"health,omitempty" title:"Health"`
	TotalCPU    Amount `json:"total_cpu,omitempty" title:"Cores"`
	UsedCPU     Amount `json:"used_cpu,omitempty" title:"Cores in use"`
	TotalMemory Amount `json:"total_memory_mb,omitempty" title:"Memory in MB"`
	UsedMemory  Amount `json:"used_memory_mb,omitempty" title:"Memory in use in MB"`
	TotalDisk   Amount `json:"total_disk_gb,omitempty" title:"Disk in GB"`
	UsedDisk    Amount `json:"used_disk_gb,omitempty" title:"Disk in use in GB"`
	Nodes       Amount `json:"nodes,omitempty" title:"Nodes"`
	Running     Amount `json:"running_nodes,omitempty" title:"Nodes that run"`
	Details     bool   `json:"details" title:"Told whole" doc:"The console tells sizes to administrators of the enterprise alone"`
}

// regionRow is a region in the console's words, without its certificates and keys.
type regionRow struct {
	Name        string `json:"region_name"`
	Alias       string `json:"region_alias"`
	Status      string `json:"status"`
	HTTPDomain  string `json:"httpdomain"`
	TCPDomain   string `json:"tcpdomain"`
	Scope       string `json:"scope"`
	Health      string `json:"health_status"`
	TotalCPU    Amount `json:"total_cpu"`
	UsedCPU     Amount `json:"used_cpu"`
	TotalMemory Amount `json:"total_memory"`
	UsedMemory  Amount `json:"used_memory"`
	TotalDisk   Amount `json:"total_disk"`
	UsedDisk    Amount `json:"used_disk"`
	Nodes       Amount `json:"all_nodes"`
	Running     Amount `json:"run_nodes"`
}

// Amount is a number as the console writes it, which may have a fraction.
type Amount string

// UnmarshalJSON takes numbers, with or without quotes; anything else is none.
func (a *Amount) UnmarshalJSON(b []byte) error {
	text := string(b)
	if len(text) > 1 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	*a = ""
	if _, err := amountOf(text); err == nil {
		*a = Amount(text)
	}
	return nil
}

type region = provider.Thing[RegionState]

// regions is the handler of the kind region.
type regions struct{ *plugin }

func regionKind(p *plugin) *provider.Kind {
	return provider.KindOf[struct{}, RegionState](kindRegion, "Region", regions{p})
}

// Get reads one region that the team has opened.
func (h regions) Get(ctx context.Context, req provider.GetRequest) (region, error) {
	c, err := h.open(req.Call)
	if err != nil {
		return region{}, err
	}
	rows, err := c.opened(ctx)
	if err != nil {
		return region{}, err
	}
	for _, r := range rows {
		if r.Name == req.ID {
			return c.detail(ctx, r)
		}
	}
	return region{}, fault.NotFound(kindRegion, req.ID)
}

// List streams the regions that the team has opened.
func (h regions) List(ctx context.Context, req provider.ListRequest, yield func(region) error) error {
	c, err := h.open(req.Call)
	if err != nil {
		return err
	}
	rows, err := c.here(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		t, err := c.detail(ctx, r)
		if err == nil {
			err = yield(t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// detail adds what administrators may know.
func (c *cloud) detail(ctx context.Context, r openedRow) (region, error) {
	out := region{ID: r.Name, Name: firstText(r.Alias, r.Name), Region: r.Name, Status: provider.StatusUnknown}
	row, err := read[regionRow](ctx, c, path("regions", r.Name), url.Values{"extend_info": {"true"}})
	if fault.Is(err, fault.ClassForbidden) {
		return out, nil
	}
	out.RawStatus = row.Status
	switch row.Status {
	case "1":
		out.Status = provider.StatusRunning
	case "2":
		out.Status = provider.StatusStopped
	}
	out.State = RegionState{
		HTTPDomain: row.HTTPDomain, TCPDomain: row.TCPDomain, Scope: row.Scope, Health: row.Health, TotalCPU: row.TotalCPU, UsedCPU: row.UsedCPU,
		TotalMemory: row.TotalMemory, UsedMemory: row.UsedMemory, TotalDisk: row.TotalDisk, UsedDisk: row.UsedDisk,
		Nodes: row.Nodes, Running: row.Running, Details: true,
	}
	return out, err
}
