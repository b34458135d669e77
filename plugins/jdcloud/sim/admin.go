package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// maxReport bounds every list of a report.
const maxReport = 100000

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
	limit = min(max(limit, 1), maxReport)
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
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]string{"status": "ok"}) })
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, c.Faults()) })
	mux.HandleFunc("PUT /faults", c.putFaults)
	mux.HandleFunc("GET /limits", c.getLimits)
	mux.HandleFunc("PUT /limits", c.putLimits)
	mux.HandleFunc("GET /state", c.getState)
	mux.HandleFunc("GET /calls", c.getCalls)
	mux.HandleFunc("POST /clock/advance", c.postAdvance)
	mux.HandleFunc("POST /recharge", c.postRecharge)
	mux.HandleFunc("GET /codes", c.getCodes)
	return mux
}

func (c *Cloud) putFaults(w http.ResponseWriter, r *http.Request) {
	var faults []Fault
	if !read(w, r, &faults) {
		return
	}
	if err := c.SetFaults(faults...); err != nil {
		refuseAdmin(w, err)
		return
	}
	reply(w, c.Faults())
}

func (c *Cloud) getLimits(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	l := c.limits
	c.mu.Unlock()
	reply(w, l)
}

func (c *Cloud) putLimits(w http.ResponseWriter, r *http.Request) {
	var l Limits
	if !read(w, r, &l) {
		return
	}
	if err := c.SetLimits(l); err != nil {
		refuseAdmin(w, err)
		return
	}
	reply(w, l)
}

func (c *Cloud) getState(w http.ResponseWriter, r *http.Request) {
	limit, err := limitOf(r, 1000)
	if err != nil {
		refuseAdmin(w, err)
		return
	}
	reply(w, c.Report(limit))
}

func (c *Cloud) getCalls(w http.ResponseWriter, r *http.Request) {
	limit, err := limitOf(r, 100)
	if err != nil {
		refuseAdmin(w, err)
		return
	}
	reply(w, map[string]any{"counts": c.Counts(), "calls": c.Calls(limit)})
}

func (c *Cloud) postAdvance(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Seconds int64 `json:"seconds"`
	}
	if !read(w, r, &in) {
		return
	}
	if in.Seconds < 0 || in.Seconds > 10*365*86400 {
		refuseAdmin(w, fmt.Errorf("seconds: %d is not between 0 and ten years", in.Seconds))
		return
	}
	if err := c.Advance(time.Duration(in.Seconds) * time.Second); err != nil {
		refuseAdmin(w, err)
		return
	}
	reply(w, map[string]time.Time{"now": c.Now()})
}

func (c *Cloud) postRecharge(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Account   string `json:"account"`
		AmountFen Fen    `json:"amount_fen"`
	}
	if !read(w, r, &in) {
		return
	}
	if err := c.Recharge(in.Account, in.AmountFen); err != nil {
		refuseAdmin(w, err)
		return
	}
	reply(w, c.Report(1).Accounts)
}

func limitOf(r *http.Request, def int) (int, error) {
	v := r.URL.Query().Get("limit")
	if v == "" {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxReport {
		return 0, fmt.Errorf("limit: %q is not between 1 and %d", v, maxReport)
	}
	return n, nil
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("more than one JSON value")
	}
	if err != nil {
		refuseAdmin(w, fmt.Errorf("reading the body: %w", err))
		return false
	}
	return true
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuseAdmin(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}
