package main

import (
	"context"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

const kindTeam = "team"

// TeamState is what a team is.
type TeamState struct {
	TenantName   string   `json:"tenant_name" title:"Name in addresses"`
	EnterpriseID string   `json:"enterprise_id,omitempty" title:"Enterprise"`
	Active       bool     `json:"is_active" title:"In use"`
	Own          bool     `json:"own" title:"The account's"`
	Regions      []string `json:"regions,omitempty" title:"Regions that it has opened" doc:"When one team is read"`
}

// teamRow is a team in the console's words.
type teamRow struct {
	ID         string `json:"tenant_id"`
	Name       string `json:"tenant_name"`
	Alias      string `json:"tenant_alias"`
	Enterprise string `json:"enterprise_id"`
	Active     bool   `json:"is_active"`
}

func (r teamRow) name() string { return firstText(r.Alias, r.Name) }

// team reads one team.
func (c *cloud) team(ctx context.Context, id string) (teamRow, error) {
	return read[teamRow](ctx, c, path("teams", id), nil)
}

type team = provider.Thing[TeamState]

// teams is the handler of the kind team.
type teams struct{ *plugin }

func teamKind(p *plugin) *provider.Kind {
	return provider.KindOf[struct{}, TeamState](kindTeam, "Team", teams{p})
}

func (r teamRow) thing(c *cloud) team {
	out := team{ID: r.ID, Name: r.name(), Status: provider.StatusRunning, State: TeamState{
		TenantName: r.Name, EnterpriseID: r.Enterprise, Active: r.Active, Own: c.cfg.Team == r.ID || c.cfg.Team == r.Name,
	}}
	if !r.Active {
		out.Status = provider.StatusStopped
	}
	return out
}

// Get reads a team that the key's user belongs to, by its id or its name.
func (h teams) Get(ctx context.Context, req provider.GetRequest) (team, error) {
	c, err := h.open(req.Call)
	if err != nil {
		return team{}, err
	}
	if req.ID == "" {
		return team{}, fault.Invalid("id", "is required")
	}
	row, err := c.team(ctx, req.ID)
	if fault.Is(err, fault.ClassInvalid) {
		return team{}, fault.NotFound(kindTeam, req.ID).From(fault.SourceCloud)
	}
	if err != nil {
		return team{}, err
	}
	out := row.thing(c)
	open, err := c.of(firstText(row.ID, req.ID)).opened(ctx)
	for _, r := range open {
		out.State.Regions = append(out.State.Regions, r.Name)
	}
	return out, err
}

// List streams the teams of the key's user.
func (h teams) List(ctx context.Context, req provider.ListRequest, yield func(team) error) error {
	c, err := h.open(req.Call)
	if err != nil {
		return err
	}
	return c.eachTeam(ctx, func(r teamRow) error { return yield(r.thing(c)) })
}
