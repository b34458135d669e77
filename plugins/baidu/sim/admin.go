package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Admin is the handler for tests: faults, limits, clock, state, calls and what
// happens in the vendor's console. It has no authentication and must not share
// a port with the vendor API.
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
	mux.HandleFunc("POST /orders", c.postOrder)
	mux.HandleFunc("POST /signin/redeem", c.postRedeem)
	return mux
}

func (c *Cloud) putFaults(w http.ResponseWriter, r *http.Request) {
	var faults []Fault
	if !readBody(w, r, &faults) {
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
	if !readBody(w, r, &l) {
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
	if !readBody(w, r, &in) {
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
	if !readBody(w, r, &in) {
		return
	}
	if err := c.Recharge(in.Account, in.AmountFen); err != nil {
		refuseAdmin(w, err)
		return
	}
	reply(w, c.Report(maxReport).Accounts)
}

func (c *Cloud) postOrder(w http.ResponseWriter, r *http.Request) {
	var in ConsoleOrder
	if !readBody(w, r, &in) {
		return
	}
	id, err := c.PlaceOrder(in)
	if err != nil {
		refuseAdmin(w, err)
		return
	}
	reply(w, map[string]string{"order_id": id})
}

func (c *Cloud) postRedeem(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token string `json:"token"`
	}
	if !readBody(w, r, &in) {
		return
	}
	user, ok := c.RedeemSignIn(in.Token)
	if !ok {
		refuseAdmin(w, errors.New("token: unknown, used or too old"))
		return
	}
	reply(w, map[string]string{"user_id": user})
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

func readBody(w http.ResponseWriter, r *http.Request, into any) bool {
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
