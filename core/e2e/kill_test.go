package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestKills kills broker and plugin while customers order, and audits what is
// left. TRADEWIND_KILLS says how often, 200 when absent, and TRADEWIND_SEED at
// which moments.
func TestKills(t *testing.T) {
	w := newWorld(t, build(t))
	ctx, stop := context.WithCancel(t.Context())
	shop := openShop(ctx, w)
	t.Cleanup(func() { stop(); shop.group.Wait() })
	seed := setting(t, "TRADEWIND_SEED", 7)
	//nolint:gosec // each run must be the same
	k := &killer{w: w, shop: shop, dice: rand.New(rand.NewPCG(7, uint64(seed))), began: time.Now(), hits: map[string]int{}}
	if !t.Run("orders", func(t *testing.T) { w.t = t; k.orders(t, wanted(t)) }) {
		return
	}
	t.Run("settlement", func(t *testing.T) { w.t = t; k.settlement(t) })
}

func wanted(t *testing.T) int {
	if testing.Short() {
		return setting(t, "TRADEWIND_KILLS", 10)
	}
	return setting(t, "TRADEWIND_KILLS", 200)
}

// setting is a positive number from the environment.
func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		t.Fatalf("%s=%q: give a positive number", name, text)
	}
	return n
}

// killer counts what it kills.
type killer struct {
	w       *world
	shop    *shop
	dice    *rand.Rand
	began   time.Time
	brokers int            // killed in all
	plugins int            // killed in all
	hits    map[string]int // brokers that died at a failpoint, by its name
	missed  int            // failpoints that were not reached in time
	checks  int
	victim  int // the plugin process killed last
}

// steps are the named steps of an order at which a broker dies.
func steps() []string {
	return []string{
		"before_placed", "after_placed", "before_call", "after_call", "after_lookup", "after_poll", "before_result", "after_result",
	}
}

// failpoint returns the i-th combination of a step and how often it is passed
// before it kills.
func failpoint(i int) string {
	counts := [...]int{1, 2, 4, 7}
	all := steps()
	return fmt.Sprintf("%s:%d", all[i%len(all)], counts[i/len(all)%len(counts)])
}

const (
	perLife    = 10 // requests allowed in one life of the broker
	checkEvery = 50 // kills
)

// orders kills n times: three brokers at failpoints, one at random, two plugins
// with a broker that dies after them, and again.
func (k *killer) orders(t *testing.T, n int) {
	if err := k.w.stopBroker(); err != nil {
		t.Fatal(err)
	}
	k.w.faults(disorder()...)
	points := 0
	for life, next := 0, checkEvery; k.brokers+k.plugins < n; life++ {
		switch life % 5 {
		case 3:
			k.life(t, "", 0)
		case 4:
			k.life(t, "", 2)
		default:
			k.life(t, failpoint(points), 0)
			points++
		}
		if k.brokers+k.plugins >= next {
			k.check(t)
			next += checkEvery
		}
	}
	k.check(t)
	k.say(t)
	if accepted := len(k.shop.receipts()); accepted < n {
		t.Errorf("only %d requests were accepted in %d kills: they hit no work", accepted, n)
	}
	if n >= 100 && k.missed > n/10 {
		t.Errorf("%d failpoints were not reached", k.missed)
	}
}

// disorder is what the cloud does wrong all the time: it is slow, before and
// after a change, it loses answers, it refuses.
func disorder() []map[string]any {
	writes := []string{"CreateUHostInstance", "CreateRenew", "TerminateUHostInstance"}
	return []map[string]any{
		{"kind": "latency", "actions": writes, "delay_ms": 60, "percent": 50},
		{"kind": "latency", "actions": writes, "delay_ms": 60, "percent": 50, "after": true},
		{"kind": "drop", "actions": writes, "percent": 4, "after": true},
		{"kind": "http", "actions": writes, "percent": 4},
		{"kind": "sold_out", "percent": 4},
	}
}

// life starts a broker, lets the customers order and kills it: at the failpoint,
// or at a random moment after some kills of its plugin.
func (k *killer) life(t *testing.T, failpoint string, plugins int) {
	t.Helper()
	p := k.w.launch(failpoint)
	k.shop.allow(perLife)
	if err := k.w.serving(p); err != nil && !errors.Is(err, errEnded) {
		t.Fatal(err)
	}
	for range plugins {
		k.killPlugin(t)
	}
	limit := time.Duration(100+k.dice.IntN(800)) * time.Millisecond
	if failpoint != "" {
		limit = 5 * time.Second
	}
	died := p.over(limit)
	if died && (failpoint == "" || !p.killed()) {
		t.Fatalf("the broker ended by itself, failpoint %q: %v", failpoint, p.ended)
	}
	p.kill()
	k.brokers++
	switch {
	case died:
		k.hits[failpoint]++
	case failpoint != "":
		k.missed++
	}
}

// killPlugin ends the plugin's process as a crash would, at a random moment of
// its life.
func (k *killer) killPlugin(t *testing.T) {
	t.Helper()
	var now struct {
		PID   int    `json:"pid"`
		State string `json:"state"`
	}
	err := wait(20*time.Second, func() (bool, error) {
		now.PID = 0
		err := k.w.operator.get(t.Context(), "/v1/plugins/ucloud", &now)
		return now.PID != 0 && now.PID != k.victim && now.State == "ready", err
	})
	if err != nil {
		t.Fatalf("waiting for the plugin, it is %s: %v", now.State, err)
	}
	pause(t.Context(), time.Duration(k.dice.IntN(250))*time.Millisecond)
	if err := syscall.Kill(now.PID, syscall.SIGKILL); err != nil {
		t.Fatalf("killing the plugin, process %d: %v", now.PID, err)
	}
	k.plugins, k.victim = k.plugins+1, now.PID
}

// check lets everything come to rest under a broker without failpoints, audits
// it, kills that broker and verifies the file it leaves.
func (k *killer) check(t *testing.T) {
	t.Helper()
	k.checks++
	k.w.start()
	if err := k.w.check(t.Context(), k.shop); err != nil {
		t.Fatalf("after %d kills: %v", k.brokers+k.plugins, err)
	}
	k.w.broker.kill()
	k.brokers++
	if err := errors.Join(k.w.verifyStopped(k.checks), k.w.outboxDrains(t.Context())); err != nil {
		t.Fatalf("after %d kills: %v", k.brokers+k.plugins, err)
	}
}

// say prints the summary.
func (k *killer) say(t *testing.T) {
	at := 0
	for _, n := range k.hits {
		at += n
	}
	k.shop.note(func() {
		t.Logf("%d kills in %v: %d brokers (%d at a step of an order, %d steps not reached), %d plugins; %d orders, refused %v, %d requests sent again, %d audits",
			k.brokers+k.plugins, time.Since(k.began).Round(time.Second), k.brokers, at, k.missed, k.plugins,
			len(k.shop.accepted), k.shop.refused, k.shop.resent, k.checks)
	})
}

// stopBroker stops it politely.
func (w *world) stopBroker() error { return w.broker.stop(20 * time.Second) }
