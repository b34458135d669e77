package sim

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"tradewind.example/simkit/admin"
)

// Bought counts calls that made something, and what they made.
type Bought struct {
	Orders    int `json:"orders"`
	Resources int `json:"resources"`
}

// Report is what a test can hold against a broker's books.
type Report struct {
	Now time.Time `json:"now"`
	// Apps and Components count what lives now, over all teams.
	Apps               int            `json:"apps"`
	Components         int            `json:"components"`
	ComponentsByStatus map[string]int `json:"components_by_status"`
	// Parts are the ids of the components of each app that lives, by its number.
	Parts map[string][]Part `json:"parts"`
	// Bought counts what was ever made, by "app.name", "app.note",
	// "install.app" (installs by the name of their app), "component.name",
	// "team.name", "http_rule.domain" and "tcp_rule.end_point", then by value.
	Bought map[string]map[string]Bought `json:"bought"`
	// BoughtTwice lists the names of apps that were installed into, or made, more than once.
	BoughtTwice []string `json:"bought_twice"`
	// Truncated is set when a list reached the limit.
	Truncated bool `json:"truncated"`
	// Error says why the simulator refuses all calls, when it does.
	Error string `json:"error,omitempty"`
}

// Part is one thing that another one consists of.
type Part struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Report returns counters of what lives and what was made. Lists hold at most
// limit rows, and never more than 100000.
func (c *Cloud) Report(limit int) Report {
	limit = min(max(limit, 1), admin.MaxRows)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.settle(now)
	r := Report{
		Now: now, Apps: len(c.state.Apps), ComponentsByStatus: map[string]int{},
		Bought: map[string]map[string]Bought{}, BoughtTwice: c.boughtTwice(limit), Parts: map[string][]Part{},
	}
	for _, a := range c.state.Apps {
		parts := []Part{}
		for _, p := range a.Components {
			r.Components++
			r.ComponentsByStatus[p.Status]++
			parts = append(parts, Part{"component", p.ID})
		}
		if len(r.Parts) == limit {
			r.Truncated = true
			continue
		}
		r.Parts[strconv.FormatInt(a.ID, 10)] = parts
	}
	for field, values := range c.state.Bought {
		r.Bought[field] = map[string]Bought{}
		for v, n := range values {
			if len(r.Bought[field]) == limit {
				r.Truncated = true
				break
			}
			r.Bought[field][v] = n
		}
	}
	if c.broken != nil {
		r.Error = c.broken.Error()
	}
	return r
}

func (c *Cloud) boughtTwice(limit int) []string {
	out := []string{}
	for _, field := range []string{"install.app", "app.name"} {
		for name, n := range c.state.Bought[field] {
			if n.Orders > 1 && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out[:min(len(out), limit)]
}

// Admin is the handler for tests: faults, the store's catalogue, clock, state
// and calls. It has no authentication and must not share a port with the
// vendor API.
func (c *Cloud) Admin() http.Handler {
	d := admin.New()
	admin.Switches(d, c.Panel)
	admin.State(d, c.Report)
	admin.Do(d, "PUT /store/apps", func(apps []StoreApp) (map[string]int, error) {
		return map[string]int{"store_apps": len(apps)}, c.SetStoreApps(apps)
	})
	return d
}
