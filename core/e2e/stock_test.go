package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tradewind.example/core/pluginstore"
	"tradewind.example/core/seal"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/sdk/clock"
	contract "tradewind.example/sdk/provider"
)

const (
	lamps  = 40 // in stock
	buyers = 64 // who want one or two each
)

// TestTheLastUnitsUnderKills lets 64 buyers order more lamps than there are while
// the broker and the plugin are killed again and again. The stock is kept at the
// broker, so its file is the witness of every moment.
func TestTheLastUnitsUnderKills(t *testing.T) {
	m := openMarket(t, "shelf")
	m.reseller = m.seller("harbour")
	m.offer("shelf", "master", map[string]map[string]string{"harbour": {"stock": fmt.Sprint(lamps)}}, map[string]*client{"harbour": m.reseller})
	m.sub = m.join(m.reseller, "reseller", "pier")
	m.agree(m.reseller, m.reseller.org, m.sub.org, "rebate", "realtime", "0.08")
	m.recharge(m.reseller, m.sub, "60000.00")
	for i := range 8 {
		m.customers = append(m.customers, m.buyer(m.sellerOf(i), fmt.Sprintf("customer-%d", i)))
	}
	m.must(m.stopBroker())
	ctx, leave := context.WithCancel(t.Context())
	s := &shop{w: m.world, refused: map[int]int{}}
	t.Cleanup(func() { leave(); s.group.Wait() })
	for i := range buyers {
		s.group.Go(func() { s.send(ctx, m.wish(i)) })
	}
	deaths := m.dieOften(t, "before_call:3", "after_call:5", "plugin", "before_result:2", "before_call:4", "after_call:9", "plugin", "after_result:5")
	m.start()
	s.group.Wait()
	m.must(s.broken.err())
	m.must(m.decided(t.Context()))
	m.giveSomeBack(t, s, 10)
	m.must(m.decided(t.Context()))
	before := m.verified(t, s)
	m.replayed(t, s)
	m.must(m.decided(t.Context()))
	if after := m.verified(t, s); after != before {
		t.Errorf("repeated requests changed what is kept: %+v before, %+v after", before, after)
	}
	t.Logf("%d buyers, %d lamps, %d deaths of the broker, %d requests sent again: %+v", buyers, lamps, deaths+1, s.resent, before)
}

// wish is what a buyer orders: every eighth wants two.
func (m *market) wish(i int) receipt {
	quantity := 1
	if i%8 == 7 {
		quantity = 2
	}
	return receipt{who: m.customers[i%len(m.customers)], key: fmt.Sprintf("wish-%d", i), path: "/v1/orders", body: map[string]any{
		"product_id": m.goods["shelf/Lamp"], "name": fmt.Sprintf("gift %d", i), "term": map[string]any{"billing": "once", "quantity": quantity},
	}}
}

// dieOften lets brokers live until they are killed, each at a step of an order or
// some time after its plugin was, and looks into the file that each leaves.
func (m *market) dieOften(t *testing.T, ways ...string) (deaths int) {
	t.Helper()
	for _, way := range ways {
		failpoint := way
		if way == "plugin" {
			failpoint = ""
		}
		p := m.launch(failpoint)
		if err := m.serving(p); err != nil && !errors.Is(err, errEnded) {
			t.Fatal(err)
		}
		if way == "plugin" {
			m.killShelf(t)
		}
		if !p.over(3*time.Second) && failpoint != "" {
			t.Logf("step %s was not reached: the broker is killed where it is", failpoint)
		}
		p.kill()
		deaths++
		if left := m.kept(t); left.Stock < 0 || left.Stock+left.Boxes != lamps {
			t.Fatalf("after a death at %q there are %d lamps in stock and %d sold, of %d", way, left.Stock, left.Boxes, lamps)
		}
	}
	return deaths
}

// killShelf ends the plugin's process as a crash would.
func (m *market) killShelf(t *testing.T) {
	t.Helper()
	var now struct{ PID int }
	m.must(wait(20*time.Second, func() (bool, error) {
		err := m.operator.get(t.Context(), "/v1/plugins/shelf", &now)
		return now.PID != 0, err
	}))
	m.must(syscall.Kill(now.PID, syscall.SIGKILL))
}

// kept is what the plugin keeps of lamps in the broker's file.
type kept struct{ Stock, Boxes int }

// kept reads the file of a broker that does not run.
func (m *market) kept(t *testing.T) (k kept) {
	t.Helper()
	db, err := bolt.Open(bolt.Options{Path: filepath.Join(m.dir, "data", "tradewind.db"), Logger: slog.New(slog.DiscardHandler)})
	m.must(err)
	defer func() { m.must(db.Close()) }()
	keys, err := seal.New(seal.Config{Path: filepath.Join(m.dir, "keys", "keyset.json")})
	m.must(err)
	areas, err := pluginstore.New(pluginstore.Config{
		Store: db, Clock: clock.Real{}, Sealer: keys,
		RootExists: func(store.Reader, string) (bool, error) { return true, nil },
		Event:      func(store.Tx, pluginstore.Event) error { return nil },
	})
	m.must(err)
	k.Stock = lamps // what nobody bought yet is not written down
	m.must(areas.EachUsage(t.Context(), func(u pluginstore.Usage) error {
		scope := contract.Scope{RootOrg: u.RootOrg}
		return areas.Area(u.Plugin).Scan(t.Context(), scope, contract.KeyRange{}, func(kv contract.KeyValue) error {
			switch {
			case strings.Contains(kv.Key, "/box/"):
				k.Boxes++
			case strings.HasSuffix(kv.Key, "/stock/lamp"):
				var left struct{ Count int }
				err := json.Unmarshal(kv.Value, &left)
				k.Stock = left.Count
				return err
			}
			return nil
		})
	}))
	return k
}

// giveSomeBack releases so many lamps, while the broker dies once more.
func (m *market) giveSomeBack(t *testing.T, s *shop, n int) {
	t.Helper()
	ctx := t.Context()
	var group sync.WaitGroup
	for i, who := range m.customers {
		mine, err := list[thing](ctx, who, "/v1/resources")
		m.must(err)
		for j, r := range mine {
			if n == 0 {
				break
			}
			n--
			group.Go(func() {
				s.send(ctx, receipt{
					who: who, key: fmt.Sprintf("back-%d-%d", i, j), path: "/v1/resources/" + r.ID + "/release", body: map[string]string{"reason": "no longer needed"},
				})
			})
		}
	}
	m.broker.kill()
	p := m.launch("after_call:4")
	if err := m.serving(p); err != nil && !errors.Is(err, errEnded) {
		t.Fatal(err)
	}
	p.over(5 * time.Second)
	p.kill()
	m.start()
	group.Wait()
	m.must(s.broken.err())
}

// verified holds orders, resources, books and what the plugin keeps against each
// other. The broker is stopped for it and started again.
func (m *market) verified(t *testing.T, s *shop) kept {
	t.Helper()
	ctx := t.Context()
	a := &audit{ctx: ctx, w: m.world, s: s, orders: map[string]orderRow{}}
	all, err := list[orderRow](ctx, m.operator, "/v1/orders")
	m.must(err)
	sold, back := 0, 0
	for _, o := range all {
		a.orders[o.ID] = o
		for _, u := range o.Units {
			switch {
			case u.State == "made" && o.Kind == "buy":
				sold++
			case u.State == "made" && o.Kind == "release":
				back++
			}
		}
	}
	for name, check := range map[string]func() error{
		"requests": a.requests, "orders": a.decisions, "books": a.books, "wallets": a.wallets, "jobs": a.jobs,
	} {
		if err := check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	here, err := list[thing](ctx, m.operator, "/v1/resources")
	m.must(err)
	m.must(m.stopBroker())
	k := m.kept(t)
	m.start()
	if k.Stock < 0 || k.Stock != lamps-sold+back || k.Boxes != sold-back || len(here) != k.Boxes {
		t.Errorf("%d lamps were sold and %d given back, the plugin keeps %+v, the broker knows %d", sold, back, k, len(here))
	}
	if sold < lamps {
		t.Errorf("only %d of %d lamps were sold, and %d buyers wanted one", sold, lamps, buyers)
	}
	return k
}

// replayed sends every accepted request once more.
func (m *market) replayed(t *testing.T, s *shop) {
	t.Helper()
	for _, r := range s.receipts() {
		var o made
		if err := r.who.do(t.Context(), http.MethodPost, r.path, r.key, r.body, &o); err != nil || o.ID != r.id {
			t.Errorf("key %q was order %q, now %q: %v", r.key, r.id, o.ID, err)
		}
	}
}
