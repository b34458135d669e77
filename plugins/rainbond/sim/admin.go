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

// Report returns counters of what lives and what was made. Lists hold at most
// limit rows, and never more than 100000.
func (c *Cloud) Report(limit int) Report {
	limit = min(max(limit, 1), maxReport)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.settle(now)
	r := Report{
		Now: now, Apps: len(c.state.Apps), ComponentsByStatus: map[string]int{},
		Bought: map[string]map[string]Bought{}, BoughtTwice: c.boughtTwice(limit),
	}
	for _, a := range c.state.Apps {
		for _, p := range a.Components {
			r.Components++
			r.ComponentsByStatus[p.Status]++
		}
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
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]string{"status": "ok"}) })
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, c.Faults()) })
	mux.HandleFunc("PUT /faults", c.putFaults)
	mux.HandleFunc("PUT /store/apps", c.putStoreApps)
	mux.HandleFunc("GET /state", c.getState)
	mux.HandleFunc("GET /calls", c.getCalls)
	mux.HandleFunc("POST /clock/advance", c.postAdvance)
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

func (c *Cloud) putStoreApps(w http.ResponseWriter, r *http.Request) {
	var apps []StoreApp
	if !readAdmin(w, r, &apps) {
		return
	}
	if err := c.SetStoreApps(apps); err != nil {
		refuseAdmin(w, err)
		return
	}
	reply(w, map[string]int{"store_apps": len(apps)})
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
