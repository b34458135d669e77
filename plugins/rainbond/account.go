package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// teamNameMost is how many characters the console allows a team's name.
const teamNameMost = 24

// eachTeam walks the teams of the key's user. No text of anybody's is searched
// for: the console puts it into its query as it is.
func (c *cloud) eachTeam(ctx context.Context, yield func(teamRow) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]teamRow, int, error) {
		out, err := read[struct {
			Teams []teamRow `json:"tenants"`
			Total int       `json:"total"`
		}](ctx, c, path("teams"), url.Values{"page": {strconv.Itoa(offset/limit + 1)}, "page_size": {strconv.Itoa(limit)}})
		return out.Teams, out.Total, err
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(r teamRow) string { return r.ID }, yield)
}

// of is the same account with another team.
func (c *cloud) of(team string) *cloud {
	out := *c
	out.cfg.Team = team
	return &out
}

// EnsureAccount makes a team of the name, unless the key's user has one, and
// opens for it what is open for the account's own team. Names begin with the
// account's prefix, so that nobody gets a team that people made. Its config is the
// account's with another team: the key stays the same. A repeat goes on with
// what is left.
func (p *plugin) EnsureAccount(ctx context.Context, req provider.EnsureAccountRequest) (provider.SubAccount, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return provider.SubAccount{}, err
	}
	name := c.cfg.TeamPrefix + req.Name
	if req.Name == "" || utf8.RuneCountInString(name) > teamNameMost {
		return provider.SubAccount{}, fault.Invalid("name", "must have 1 to %d characters", teamNameMost-len(c.cfg.TeamPrefix))
	}
	end, err := p.purchases.Take(ctx, c.identity()+"\nteam\n"+name)
	if err != nil {
		return provider.SubAccount{}, err
	}
	defer end()
	wanted, err := c.opened(ctx)
	if err != nil {
		return provider.SubAccount{}, fault.NotDone(err)
	}
	row, err := c.teamNamed(ctx, name)
	if err != nil {
		return provider.SubAccount{}, fault.NotDone(err)
	}
	made := row.ID == ""
	if made {
		if row, err = write[teamRow](ctx, c, http.MethodPost, path("teams"), nil, object{"tenant_name": name}); err != nil {
			return provider.SubAccount{}, err
		}
	}
	if row.ID == "" {
		return provider.SubAccount{}, fault.Unknown(nil, "the console does not say which team it made").From(fault.SourceCloud)
	}
	if err := c.of(row.ID).openAll(ctx, wanted); err != nil {
		return provider.SubAccount{}, fault.Unknown(err, "the team is there, and not all of its regions are open: repeat it").From(fault.SourceCloud)
	}
	return provider.SubAccount{ID: row.ID, Name: name, Created: made, Settings: map[string]string{"team": row.ID}}, nil
}

// errFound ends a walk.
var errFound = errors.New("found")

// teamNamed is the team with that name, without an id when there is none.
func (c *cloud) teamNamed(ctx context.Context, name string) (teamRow, error) {
	var out teamRow
	err := c.eachTeam(ctx, func(r teamRow) error {
		if r.Alias == name {
			out = r
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return out, err
}

// openAll opens the regions that the team has not opened yet.
func (c *cloud) openAll(ctx context.Context, wanted []openedRow) error {
	have, err := c.opened(ctx)
	if err != nil {
		return err
	}
	for _, r := range wanted {
		if slices.ContainsFunc(have, func(o openedRow) bool { return o.Name == r.Name }) {
			continue
		}
		if _, err := write[nothing](ctx, c, http.MethodPost, c.inTeam("regions"), nil, object{"region": r.Name}); err != nil {
			return err
		}
	}
	return nil
}
