// Package admin is the API over which tests drive a simulator: faults, limits,
// clock, state and calls, in the same words for all simulators.
//
// It has no authentication and must not share a port with a vendor's API.
// Bodies are bounded JSON and unknown fields are refused. The functions that a
// simulator hands in do their own locking.
package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Bounds of the API: rows of a list, bytes of a body, and one step of the clock.
const (
	MaxRows    = 100000
	maxBody    = 1 << 20
	maxAdvance = 10 * 365 * 24 * time.Hour
)

// Desk is an admin API. Make it with [New].
type Desk struct{ mux *http.ServeMux }

// New returns an API that tells its health and nothing else yet.
func New() *Desk {
	d := &Desk{mux: http.NewServeMux()}
	d.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]string{"status": "ok"}) })
	return d
}

// ServeHTTP makes a Desk a handler.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

// Get adds a read without parameters under a path.
func Get[Out any](d *Desk, path string, get func() Out) {
	d.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { reply(w, get()) })
}

// Find adds a read with parameters in the query. Errors of find are the
// caller's mistakes and answered with status 400.
func Find[Out any](d *Desk, path string, find func(url.Values) (Out, error)) {
	d.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		out, err := find(r.URL.Query())
		if err != nil {
			refuse(w, err)
			return
		}
		reply(w, out)
	})
}

// List adds a read with a bound on rows: the query's limit, or def, up to [MaxRows].
func List[Out any](d *Desk, path string, def int, list func(limit int) Out) {
	Find(d, path, func(q url.Values) (Out, error) {
		limit, err := limitOf(q.Get("limit"), def)
		if err != nil {
			var none Out
			return none, err
		}
		return list(limit), nil
	})
}

// Do adds a change under a pattern such as "POST /recharge": the body is read
// into In and the answer is what do returns. Errors of do are the caller's
// mistakes and answered with status 400.
func Do[In, Out any](d *Desk, pattern string, do func(In) (Out, error)) {
	d.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := read(w, r, &in); err != nil {
			refuse(w, err)
			return
		}
		out, err := do(in)
		if err != nil {
			refuse(w, err)
			return
		}
		reply(w, out)
	})
}

// Limits adds GET and PUT /limits.
func Limits[L any](d *Desk, current func() L, replace func(L) error) {
	Get(d, "/limits", current)
	Do(d, "PUT /limits", func(in L) (L, error) { return in, replace(in) })
}

// State adds GET /state with the simulator's report.
func State[R any](d *Desk, report func(limit int) R) { List(d, "/state", 1000, report) }

// Recharge adds POST /recharge, which adds money to an account and answers
// with what books returns. Fen is the simulator's amount in 1/100 yuan.
func Recharge[Fen ~int64, Out any](d *Desk, recharge func(account string, amount Fen) error, books func() Out) {
	type in struct {
		Account   string `json:"account"`
		AmountFen Fen    `json:"amount_fen"`
	}
	Do(d, "POST /recharge", func(in in) (Out, error) {
		if err := recharge(in.Account, in.AmountFen); err != nil {
			var none Out
			return none, err
		}
		return books(), nil
	})
}

func limitOf(v string, def int) (int, error) {
	if v == "" {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > MaxRows {
		return 0, fmt.Errorf("limit: %q is not between 1 and %d", v, MaxRows)
	}
	return n, nil
}

func read(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("more than one JSON value")
	}
	if err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	return nil
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}
