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
	// Parts are what each environment consists of, by "application/environment":
	// instances and claims by name, pods of its newest deploy order by
	// "order/instance", access points and services by number.
	Parts map[string][]Part `json:"parts"`
	// Bought counts creations ever made, by kind, then by parent and name.
	Bought map[string]map[string]Bought `json:"bought"`
	// BoughtTwice lists "kind parent/name" of what was created more than once.
	BoughtTwice []string `json:"bought_twice"`
	// Truncated is set when a list reached the limit.
	Truncated bool `json:"truncated"`
}

// Part is one thing that another one consists of.
type Part struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Report returns counters of what lives and what was created. Lists hold at
// most limit rows, and never more than 100000.
func (c *Cloud) Report(limit int) Report {
	limit = min(max(limit, 1), admin.MaxRows)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	r := Report{Now: now, Living: map[string]int{}, Bought: map[string]map[string]Bought{}, BoughtTwice: c.boughtTwice(limit), Parts: map[string][]Part{}}
	for _, a := range c.accounts {
		a.world.settle(now)
		a.world.count(r.Living)
		for _, e := range a.world.envs {
			if len(r.Parts) == limit {
				r.Truncated = true
				break
			}
			r.Parts[itoa(e.app.id)+"/"+itoa(e.id)] = a.world.partsOf(e)
		}
	}
	r.Hosts = r.Living["environment"]
	for kind, names := range c.bought {
		r.Bought[kind] = copyBought(names)
		r.Truncated = trim(r.Bought[kind], limit) || r.Truncated
	}
	return r
}

// partsOf are what an environment consists of.
func (w *world) partsOf(e *environment) []Part {
	out := []Part{}
	add := func(kind, id string) { out = append(out, Part{kind, id}) }
	for _, i := range e.instances {
		add("app_instance", i.id)
	}
	var newest *order
	for _, o := range w.orders {
		if o.env == e {
			newest = o
		}
	}
	if newest != nil {
		for _, p := range newest.pods {
			// A pod whose work is done is its instance, while that is there.
			if _, result := newest.at(p); result != resultSuccess || slices.Contains(e.instances, p.inst) {
				add("pod", itoa(newest.id)+"/"+p.inst.id)
			}
		}
	}
	for _, p := range w.points {
		if p.env == e {
			add("access_point", itoa(p.id))
		}
	}
	for _, s := range w.services {
		if s.env == e {
			add("service", itoa(s.id))
		}
	}
	for _, c := range w.claims {
		if c.env == e {
			add("volume_claim", c.name)
		}
	}
	return out
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
