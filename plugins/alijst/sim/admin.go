package sim

import (
	"net/http"
	"slices"
	"time"

	"tradewind.example/simkit/admin"
)

// Report is what a test can hold against a broker's books.
type Report struct {
	Now time.Time `json:"now"`
	// Living counts what lives now, by kind, over all accounts.
	Living map[string]int `json:"living"`
	// Hosts counts environments, under the word that simulators of servers use.
	Hosts int `json:"hosts"`
	// Bought counts creations ever made, by kind, then by parent and name.
	Bought map[string]map[string]Bought `json:"bought"`
	// BoughtTwice lists "kind parent/name" of what was created more than once.
	BoughtTwice []string `json:"bought_twice"`
	// Truncated is set when a list reached the limit.
	Truncated bool `json:"truncated"`
}

// Report returns counters of what lives and what was created. Lists hold at
// most limit rows, and never more than 100000.
func (c *Cloud) Report(limit int) Report {
	limit = min(max(limit, 1), admin.MaxRows)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	r := Report{Now: now, Living: map[string]int{}, Bought: map[string]map[string]Bought{}, BoughtTwice: c.boughtTwice(limit)}
	for _, a := range c.accounts {
		a.world.settle(now)
		a.world.count(r.Living)
	}
	r.Hosts = r.Living["environment"]
	for kind, names := range c.bought {
		r.Bought[kind] = copyBought(names)
		r.Truncated = trim(r.Bought[kind], limit) || r.Truncated
	}
	return r
}

func copyBought(values map[string]*Bought) map[string]Bought {
	out := make(map[string]Bought, len(values))
	for v, n := range values {
		out[v] = Bought{Orders: n.Orders, Resources: n.Resources}
	}
	return out
}

// trim keeps the first limit keys in order.
func trim[V any](m map[string]V, limit int) bool {
	if len(m) <= limit {
		return false
	}
	for _, k := range sortedKeys(m)[limit:] {
		delete(m, k)
	}
	return true
}

func (c *Cloud) boughtTwice(limit int) []string {
	out := []string{}
	for kind, names := range c.bought {
		for name, n := range names {
			if n.Orders > 1 {
				out = append(out, kind+" "+name)
			}
		}
	}
	slices.Sort(out)
	return out[:min(len(out), limit)]
}

// Admin is the handler for tests: faults, clock, state and calls.
// It has no authentication and must not share a port with the vendor API.
func (c *Cloud) Admin() http.Handler {
	d := admin.New()
	admin.Switches(d, c.Panel)
	admin.State(d, c.Report)
	return d
}
