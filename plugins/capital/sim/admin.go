package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	limit = min(max(limit, 1), maxReport)
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
	return mux
}

func (c *Cloud) putFaults(w http.ResponseWriter, r *http.Request) {
	var faults []Fault
	if !readAdmin(w, r, &faults) {
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
	if !readAdmin(w, r, &l) {
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
	if !readAdmin(w, r, &in) {
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
	if !readAdmin(w, r, &in) {
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

func readAdmin(w http.ResponseWriter, r *http.Request, into any) bool {
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
