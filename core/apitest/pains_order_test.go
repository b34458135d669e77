package apitest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Orders and clouds: what other brokers buy twice, forget, or cannot give back.

// TestPain01_RetryBuysAgain: the cloud makes the server and its answer is lost,
// and the client sends its request again, several times. One server is bought.
func TestPain01_RetryBuysAgain(t *testing.T) {
	s := openShop(t, map[string]string{"lose_answer_every": "1"})
	before := s.wallets(t)
	raw, err := json.Marshal(fields{"product_id": s.product})
	if err != nil {
		t.Fatal(err)
	}
	key, ids := freshKey(), map[string]bool{}
	for range 4 {
		a := s.client.send(t, request{
			method: http.MethodPost, path: "/v1/orders", bearer: s.customer.bearer, body: raw, header: map[string]string{"Idempotency-Key": key},
		})
		if a.status != http.StatusCreated {
			t.Fatalf("%d %s", a.status, a.body)
		}
		ids[idOf(t, a)] = true
	}
	if len(ids) != 1 {
		t.Fatalf("one request made %d orders", len(ids))
	}
	for id := range ids {
		o := s.ended(t, id)
		if o.State != "active" || len(o.ResourceIDs) != 1 {
			t.Fatalf("the order ended as %s with %d servers", o.State, len(o.ResourceIDs))
		}
		after, list := s.wallets(t), s.list(t)
		if paid := before[2].posted - after[2].posted; paid != share(list, rates[3]) {
			t.Errorf("the customer paid %d fen, list amount %d", paid, list)
		}
		// The cloud numbers what it makes: nothing was made between two orders.
		if a, b := number(t, o), number(t, s.buy(t)); b != a+1 {
			t.Errorf("the cloud made %d servers for one order", b-a)
		}
	}
	if n := len(s.customer.ids(t, "/v1/resources")); n != 2 {
		t.Errorf("%d servers of two orders", n)
	}
	s.finish(t)
}

// number is which of the cloud's servers an order made.
func number(t *testing.T, o sale) int {
	t.Helper()
	if len(o.Units) != 1 {
		t.Fatalf("order %+v", o)
	}
	n, err := strconv.Atoi(strings.TrimPrefix(o.Units[0].VendorID, "sb-"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPain02_RestartLeavesOrderPending: the broker ends while an order waits for
// its cloud. The next one carries it out, without anybody's help.
func TestPain02_RestartLeavesOrderPending(t *testing.T) {
	s := openShop(t, nil)
	quote := s.customer.make(t, "/v1/quotes", fields{"product_id": s.product})
	s.operate(t, "stop")
	id := s.customer.make(t, "/v1/orders", fields{"product_id": s.product, "quote_id": quote})
	if w := s.wallet(t, s.sub, s.customer); w.held == 0 {
		t.Error("nothing is held for the order")
	}
	s.reopen(t)
	s.operate(t, "start")
	s.clock.advance(time.Minute)
	if o := s.ended(t, id); o.State != "active" || len(o.ResourceIDs) != 1 {
		t.Errorf("the order ended as %s with %d servers", o.State, len(o.ResourceIDs))
	}
	if w := s.wallet(t, s.sub, s.customer); w.held != 0 {
		t.Errorf("%d fen are still held", w.held)
	}
	s.finish(t)
}

// TestPain03_PrepaidCannotBeDeleted: a prepaid server is released before its
// term ends. It is gone at the cloud, and every hop gets its unused part back.
func TestPain03_PrepaidCannotBeDeleted(t *testing.T) {
	s := openShop(t, nil)
	o := s.buy(t)
	paid := s.wallets(t)
	release := s.ended(t, s.customer.make(t, "/v1/resources/"+o.ResourceIDs[0]+"/release", fields{"reason": "done"}))
	if release.State != "refunded" {
		t.Fatalf("the release ended as %s", release.State)
	}
	for i, w := range s.wallets(t) {
		if w.posted <= paid[i].posted || w.held != 0 {
			t.Errorf("leg %d: %+v before, %+v after the release", i, paid[i], w)
		}
	}
	for i, back := range release.Refunded {
		w := s.wallets(t)[2]
		if got := back.leg(t, s.sub.org, s.customer.org); i == 0 && got != w.posted-paid[2].posted {
			t.Errorf("the order says that %d came back, the wallet %d", got, w.posted-paid[2].posted)
		}
	}
	if len(release.Refunded) != 1 {
		t.Errorf("the order tells %d refunds", len(release.Refunded))
	}
	var r struct{ Status, Released string }
	s.customer.must(t, http.MethodGet, "/v1/resources/"+o.ResourceIDs[0], nil, &r)
	if r.Released == "" || r.Status != "deleted" {
		t.Errorf("the server is %+v", r)
	}
	a := s.customer.do(t, http.MethodPost, "/v1/resources/"+o.ResourceIDs[0]+"/renew", fields{"periods": 1})
	if a.status < 400 {
		t.Error("what was given back is billed again")
	}
	s.finish(t)
}

// TestPain18_OrphanCleanUpDeletes: a server that only one side knows is listed,
// by the daily comparison, and neither side is changed.
func TestPain18_OrphanCleanUpDeletes(t *testing.T) {
	s := openShop(t, nil)
	o := s.buy(t)
	// The sandbox forgets everything when its process ends: the server is here
	// and not there, and the broker that comes next compares.
	s.clock.advance(24 * time.Hour)
	s.reopen(t)
	type difference struct {
		Kind       string
		ResourceID string `json:"resource_id"`
	}
	var found []difference
	eventually(t, "the daily comparison", func() bool {
		found = rowsAt[difference](t, s.boss, "/v1/discrepancies")
		return len(found) > 0
	})
	if len(found) != 1 || found[0].Kind != "missing_there" || found[0].ResourceID != o.ResourceIDs[0] {
		t.Errorf("found %+v", found)
	}
	var r struct{ Released string }
	s.customer.must(t, http.MethodGet, "/v1/resources/"+o.ResourceIDs[0], nil, &r)
	if r.Released != "" {
		t.Error("the comparison released a server")
	}
	s.finish(t)
}

// TestPain19_DeadPluginStaysDead: the plugin's process is killed. Another one
// serves soon, the old one is gone, and orders go on.
func TestPain19_DeadPluginStaysDead(t *testing.T) {
	s := openShop(t, nil)
	quote, old := s.customer.make(t, "/v1/quotes", fields{"product_id": s.product}), s.ready(t, 0)
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	id := s.customer.make(t, "/v1/orders", fields{"product_id": s.product, "quote_id": quote})
	if now := s.ready(t, old); now == old || now == 0 {
		t.Errorf("process %d serves after the end of %d", now, old)
	}
	s.clock.advance(time.Minute)
	if o := s.ended(t, id); o.State != "active" {
		t.Errorf("the order ended as %s", o.State)
	}
	if err := syscall.Kill(old, 0); err == nil {
		t.Errorf("process %d is still there", old)
	}
	s.finish(t)
}
