package sim

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"tradewind.example/simkit/admin"
)

// Report is what a test can hold against a broker's books.
type Report struct {
	Now time.Time `json:"now"`
	// Hosts, EIPs and Disks count what lives now, over all accounts.
	Hosts        int            `json:"hosts"`
	EIPs         int            `json:"eips"`
	Disks        int            `json:"disks"`
	HostsByState map[string]int `json:"hosts_by_state"`
	// HostsByName counts living instances.
	HostsByName map[string]int `json:"hosts_by_name"`
	// Bought counts purchases ever made, by "ecs.name", "eip.description",
	// "bandwidth.name", "disk.name", "vpc.name" and so on, then by value.
	Bought map[string]map[string]Bought `json:"bought"`
	// BoughtTwice lists names that more than one CreateInstance carried.
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
	c.settle(now)
	r := Report{
		Now: now, HostsByState: map[string]int{}, HostsByName: map[string]int{},
		Bought: map[string]map[string]Bought{}, Accounts: map[string]Books{}, BoughtTwice: []string{},
	}
	for name, a := range c.byName {
		r.add(a, now)
		r.Accounts[name] = a.books
	}
	for name, n := range r.Bought["ecs.name"] {
		if n.Orders > 1 {
			r.BoughtTwice = append(r.BoughtTwice, name)
		}
	}
	slices.Sort(r.BoughtTwice)
	r.BoughtTwice = r.BoughtTwice[:min(len(r.BoughtTwice), limit)]
	r.Truncated = trim(r.HostsByName, limit)
	for _, values := range r.Bought {
		r.Truncated = trim(values, limit) || r.Truncated
	}
	if c.broken != nil {
		r.Error = c.broken.Error()
	}
	return r
}

// add counts what one account has and bought.
func (r *Report) add(a *account, now time.Time) {
	r.Hosts += a.instances.len()
	r.EIPs += a.eips.len()
	r.Disks += a.disks.len()
	for _, i := range a.instances.byID {
		r.HostsByState[i.state.at(now)]++
		r.HostsByName[i.name]++
	}
	for field, values := range a.bought {
		if r.Bought[field] == nil {
			r.Bought[field] = map[string]Bought{}
		}
		for v, n := range values {
			sum := r.Bought[field][v]
			r.Bought[field][v] = Bought{Orders: sum.Orders + n.Orders, Resources: sum.Resources + n.Resources}
		}
	}
}

// trim keeps the first limit keys in order.
func trim[V any](m map[string]V, limit int) bool {
	if len(m) <= limit {
		return false
	}
	for _, k := range slices.Sorted(maps.Keys(m))[limit:] {
		delete(m, k)
	}
	return true
}

// BoughtHosts returns how often instances were bought under this name.
func (c *Cloud) BoughtHosts(name string) Bought {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := Bought{}
	for _, a := range c.byName {
		if n := a.bought["ecs.name"][name]; n != nil {
			sum.Orders, sum.Resources = sum.Orders+n.Orders, sum.Resources+n.Resources
		}
	}
	return sum
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
