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
	// Hosts, EIPs and Disks count what lives now, over all accounts; disks
	// include the system disks.
	Hosts        int            `json:"hosts"`
	EIPs         int            `json:"eips"`
	Disks        int            `json:"disks"`
	HostsByState map[string]int `json:"hosts_by_state"`
	// HostsByTag counts living instances by "key=value" of their tags.
	HostsByTag map[string]int `json:"hosts_by_tag"`
	// Bought counts purchases ever made, by "instance.name", "instance.tag",
	// "instance.token" and the same of disk, eip and renewal, then by value.
	Bought map[string]map[string]Bought `json:"bought"`
	// BoughtTwice lists the tags ("key=value") that more than one order of instances carried.
	BoughtTwice []string         `json:"bought_twice"`
	Accounts    map[string]Books `json:"accounts"`
	// Truncated is set when a list reached the limit.
	Truncated bool `json:"truncated"`
	// Error says why the simulator refuses all calls, when it does.
	Error string `json:"error,omitempty"`
}

// Report returns counters of resources, purchases and money. Lists hold at
// most limit rows, and never more than 100000.
func (c *Cloud) Report(limit int) Report {
	limit = min(max(limit, 1), admin.MaxRows)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	r := Report{
		Now: now, Hosts: len(c.instances.rows), EIPs: len(c.eips.rows), Disks: len(c.disks.rows),
		HostsByState: map[string]int{}, HostsByTag: map[string]int{},
		Bought: map[string]map[string]Bought{}, Accounts: map[string]Books{},
		BoughtTwice: c.boughtTwice(limit),
	}
	for _, h := range c.instances.rows {
		r.HostsByState[h.at(now)]++
		for _, t := range h.Tags {
			r.HostsByTag[t.Key+"="+t.Value]++
		}
	}
	r.Truncated = trim(r.HostsByTag, limit)
	for field, values := range c.bought {
		r.Bought[field] = copyBought(values)
		r.Truncated = trim(r.Bought[field], limit) || r.Truncated
	}
	for name, a := range c.accounts {
		r.Accounts[name] = *a.books
	}
	if c.broken != nil {
		r.Error = c.broken.Error()
	}
	return r
}

func copyBought(values map[string]*Bought) map[string]Bought {
	out := make(map[string]Bought, len(values))
	for v, n := range values {
		out[v] = *n
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
	for tag, n := range c.bought[kindInstance+".tag"] {
		if n.Orders > 1 {
			out = append(out, tag)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), limit)]
}

// BoughtHosts returns how often instances with this tag ("key=value") were bought.
func (c *Cloud) BoughtHosts(tag string) Bought {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.bought[kindInstance+".tag"][tag]; n != nil {
		return *n
	}
	return Bought{}
}

// Admin is the handler for tests: faults, limits, clock, state, calls and texted codes.
// It has no authentication and must not share a port with the vendor API.
func (c *Cloud) Admin() http.Handler {
	d := admin.New()
	admin.Switches(d, c.Panel)
	admin.Limits(d, c.Limits, c.SetLimits)
	admin.State(d, c.Report)
	admin.Recharge(d, c.Recharge, func() map[string]Books { return c.Report(1).Accounts })
	admin.Find(d, "/codes", c.textedCode)
	return d
}
