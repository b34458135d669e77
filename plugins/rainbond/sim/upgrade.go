package sim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// newer compares versions part by part: numbers as numbers, all else as text.
func newer(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		x, y := "", ""
		if i < len(as) {
			x = as[i]
		}
		if i < len(bs) {
			y = bs[i]
		}
		nx, ex := strconv.Atoi(x)
		ny, ey := strconv.Atoi(y)
		order := cmp.Compare(x, y)
		if ex == nil && ey == nil {
			order = cmp.Compare(nx, ny)
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// offers tells whether a version of the store is an upgrade of the group.
func (g *group) offers(v *StoreVersion) bool {
	if g.Version == "" {
		return true
	}
	order := newer(v.Version, g.Version)
	return order > 0 || (order == 0 && v.UpdateUnix > g.Updated)
}

func (c *Cloud) upgradeRow(g *group) (map[string]any, *apiError) {
	m := c.marketNamed(g.Market)
	if m == nil {
		return nil, notFound("应用市场不存在")
	}
	a, _, err := c.fromStore(m, g.Model, "")
	if err != nil {
		return nil, err
	}
	versions := []string{}
	for i := range a.Versions {
		if g.offers(&a.Versions[i]) {
			versions = append(versions, a.Versions[i].Version)
		}
	}
	slices.SortFunc(versions, newer)
	return map[string]any{
		"market_name": g.Market, "app_model_id": g.Model, "app_model_name": g.Name, "current_version": g.Version,
		"enterprise_id": enterpriseID, "can_upgrade": len(versions) > 0, "upgrade_versions": versions, "source": "market",
	}, nil
}

func getUpgrade(c *Cloud, q *call) (any, *apiError) {
	rows := []any{}
	for _, g := range q.app.Groups {
		row, err := c.upgradeRow(g)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// target is one row of an upgrade's body.
type target struct {
	Market  *string `json:"market_name"`
	Model   string  `json:"app_model_id"`
	Version string  `json:"app_model_version"`
}

// upgrade brings install groups to other versions. Everything is checked
// before anything changes.
func upgrade(c *Cloud, q *call) (any, *apiError) {
	f := q.form()
	var targets []target
	if !f.into("update_versions", &targets) {
		f.fail("update_versions", msgRequired)
	}
	for _, t := range targets {
		if t.Model == "" || len(t.Model) > 32 || t.Version == "" || len(t.Version) > 64 || t.Market == nil {
			f.fail("update_versions", "请填写合法的值。")
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	var changes []change
	for _, t := range targets {
		more, err := c.changes(q.app, t)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	for _, ch := range changes {
		if q.plan.Has(KindUpgradeAdds) && ch.adds(q.app) {
			return nil, unhandled("takes 3 positional arguments but 4 were given")
		}
	}
	for _, ch := range changes {
		c.applyChange(q, ch)
	}
	return getUpgrade(c, q)
}

// change is one group with the version it goes to.
type change struct {
	group   *group
	version *StoreVersion
}

func (c *Cloud) changes(a *app, t target) ([]change, *apiError) {
	m := c.marketNamed(*t.Market)
	if m == nil {
		return nil, notFound("应用市场不存在")
	}
	_, v, err := c.fromStore(m, t.Model, t.Version)
	if err != nil {
		return nil, err
	}
	var out []change
	for _, g := range a.Groups {
		if g.Market == *t.Market && g.Model == t.Model {
			out = append(out, change{g, v})
		}
	}
	if len(out) == 0 {
		return nil, notFound("应用组不存在")
	}
	return out, nil
}

// adds tells whether the version has components that the group lacks.
func (ch change) adds(a *app) bool {
	return slices.ContainsFunc(ch.version.Components, func(t Template) bool { return a.member(ch.group, t.Key) == nil })
}

func (a *app) member(g *group, key string) *component {
	for _, p := range a.Components {
		if p.Group == g.ID && p.Key == key {
			return p
		}
	}
	return nil
}

// applyChange gives the group's components their new version and deploys
// them. Components that the version lacks stay.
func (c *Cloud) applyChange(q *call, ch change) {
	ch.group.Version, ch.group.Updated = ch.version.Version, ch.version.UpdateUnix
	var parts []*component
	for _, t := range ch.version.Components {
		p := q.app.member(ch.group, t.Key)
		if p == nil {
			p = c.fromTemplate(q.app, ch.group, t, q.now)
		} else {
			p.take(t, ch.version.Version)
		}
		parts = append(parts, p)
	}
	c.deploySilently(q, parts)
}
