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
	// Hosts and EIPs count what lives now, over all accounts.
	Hosts        int            `json:"hosts"`
	EIPs         int            `json:"eips"`
	HostsByState map[string]int `json:"hosts_by_state"`
	// HostsByTag counts living hosts.
	HostsByTag map[string]int `json:"hosts_by_tag"`
	// Bought counts purchases ever made, by "uhost.tag", "uhost.name",
	// "eip.tag", "eip.name" and "eip.remark", then by value.
	Bought map[string]map[string]Bought `json:"bought"`
	// BoughtTwice lists tags other than Default that more than one order of hosts carried.
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
		Now: now, Hosts: len(c.hosts), EIPs: len(c.eips),
		HostsByState: map[string]int{}, HostsByTag: map[string]int{},
		Bought: map[string]map[string]Bought{}, Accounts: map[string]Books{},
		BoughtTwice: c.boughtTwice(limit),
	}
	for _, h := range c.hosts {
		r.HostsByState[h.at(now)]++
	}
	for _, s := range c.scopes {
		for tag, hosts := range s.byTag {
			r.HostsByTag[tag] += len(hosts)
		}
	}
	r.Truncated = trim(r.HostsByTag, limit)
	for field, values := range c.bought {
		r.Bought[field] = copyBought(values)
		r.Truncated = trim(r.Bought[field], limit) || r.Truncated
	}
	for name, a := range c.byName {
		r.Accounts[name] = a.books
	}
	if c.broken != nil {
		r.Error = c.broken.Error()
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
	for tag, n := range c.bought[kindHost+".tag"] {
		if n.Orders > 1 && tag != "Default" {
			out = append(out, tag)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), limit)]
}

// BoughtHosts returns how often hosts with this tag were bought.
func (c *Cloud) BoughtHosts(tag string) Bought {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.bought[kindHost+".tag"][tag]; n != nil {
		return Bought{Orders: n.Orders, Resources: n.Resources}
	}
	return Bought{}
}

// Admin is the handler for tests: faults, limits, clock, state and calls.
// It has no authentication and must not share a port with the vendor API.
func (c *Cloud) Admin() http.Handler {
	d := admin.New()
	admin.Switches(d, c.Panel)
	admin.Limits(d, c.Limits, c.SetLimits)
	admin.State(d, c.Report)
	admin.Recharge(d, c.Recharge, func() map[string]Books { return c.Report(1).Accounts })
	return d
}
