package sim

import (
	"slices"
	"time"

	"tradewind.example/simkit/admin"
)

// Bought counts what was ever bought under one name, tag or token.
type Bought struct {
	Orders    int `json:"orders"`
	Resources int `json:"resources"`
	// Field and Value say under what it was bought.
	Field string `json:"field"`
	Value string `json:"value"`
}

// countBought notes a purchase under its name, its tags and its client token.
func (c *Cloud) countBought(kind, name, token string, tags []tag, n int) {
	add := func(field, value string) {
		if value == "" {
			return
		}
		id := kind + "." + field + "/" + value
		b := Bought{Field: kind + "." + field, Value: value}
		if old := c.bought.get(id); old != nil {
			b = *old
		}
		b.Orders++
		b.Resources += n
		keep(c, c.bought, id, &b)
	}
	add("name", name)
	add("token", token)
	for _, t := range tags {
		add("tag", t.Key+":"+t.Value)
	}
}

// Report is what a test can hold against a broker's books.
type Report struct {
	Now time.Time `json:"now"`
	// Hosts, EIPs and Volumes count what lives now, over all accounts.
	Hosts        int            `json:"hosts"`
	EIPs         int            `json:"eips"`
	Volumes      int            `json:"volumes"`
	HostsByState map[string]int `json:"hosts_by_state"`
	// OrdersByState counts all orders.
	OrdersByState map[string]int `json:"orders_by_state"`
	// Bought counts purchases ever made, by "instance.name", "instance.token",
	// "instance.tag" (as key:value) and the same of "eip" and "volume", then by value.
	Bought map[string]map[string]Bought `json:"bought"`
	// BoughtTwice lists tags of instances that more than one order carried.
	BoughtTwice []string         `json:"bought_twice"`
	Accounts    map[string]Books `json:"accounts"`
	// Truncated is set when a list reached the limit.
	Truncated bool `json:"truncated"`
	// Error says why the simulator refuses all calls, when it does.
	Error string `json:"error,omitempty"`
}

// Report returns counters of resources, purchases and money; customers are
// named by their user id. Lists hold at most limit rows, and never more than 100000.
func (c *Cloud) Report(limit int) Report {
	limit = min(max(limit, 1), admin.MaxRows)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.settle(now)
	_ = c.commit() // the report says when it failed
	r := Report{
		Now: now, Hosts: len(c.instances.rows), EIPs: len(c.eips.rows), Volumes: len(c.volumes.rows),
		HostsByState: map[string]int{}, OrdersByState: map[string]int{}, Bought: map[string]map[string]Bought{},
		BoughtTwice: []string{}, Accounts: map[string]Books{},
	}
	for _, i := range c.instances.rows {
		r.HostsByState[i.status(now)]++
	}
	for _, o := range c.orders.rows {
		r.OrdersByState[o.Life.at(now)]++
	}
	c.reportBought(&r, limit)
	for id, b := range c.books.rows {
		if len(r.Accounts) >= limit {
			r.Truncated = true
			break
		}
		if a := c.accounts.get(id); a != nil {
			r.Accounts[a.label()] = *b
		}
	}
	if c.broken != nil {
		r.Error = c.broken.Error()
	}
	return r
}

func (c *Cloud) reportBought(r *Report, limit int) {
	for _, id := range c.bought.ids {
		b := c.bought.rows[id]
		rows := r.Bought[b.Field]
		if rows == nil {
			rows = map[string]Bought{}
			r.Bought[b.Field] = rows
		}
		if len(rows) >= limit {
			r.Truncated = true
			continue
		}
		rows[b.Value] = *b
		if b.Field == "instance.tag" && b.Orders > 1 && len(r.BoughtTwice) < limit {
			r.BoughtTwice = append(r.BoughtTwice, b.Value)
		}
	}
	slices.Sort(r.BoughtTwice)
}

// BoughtInstances returns how often instances with this tag, written
// key:value, or else with this name were bought.
func (c *Cloud) BoughtInstances(tagOrName string) Bought {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, field := range []string{"tag", "name"} {
		if b := c.bought.get("instance." + field + "/" + tagOrName); b != nil {
			return *b
		}
	}
	return Bought{}
}
