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
	limit = min(max(limit, 1), maxReport)
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
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]string{"status": "ok"}) })
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, c.Faults()) })
	mux.HandleFunc("PUT /faults", c.putFaults)
	mux.HandleFunc("GET /state", c.getState)
	mux.HandleFunc("GET /calls", c.getCalls)
	mux.HandleFunc("POST /clock/advance", c.postAdvance)
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
