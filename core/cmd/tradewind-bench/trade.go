package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// complete measures what happens with orders all the way through the plugin,
// quotes, and the broker at rest.
func (b *bench) complete(ctx context.Context) (err error) {
	b.say("a broker with the sandbox plugin")
	k, err := b.newBroker("complete", nil)
	if err != nil {
		return err
	}
	if _, err := k.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.process.stop()) }()
	c, err := setUp(k, 0)
	if err != nil {
		return err
	}
	if err := b.atRest(ctx, k, c); err != nil {
		return err
	}
	if err := b.quotes(ctx, k, c); err != nil {
		return err
	}
	return b.completeOrders(ctx, k, c)
}

// atRest restarts the broker some times and looks at it before any load.
func (b *bench) atRest(ctx context.Context, k *broker, c *cast) error {
	var ready, brokerMB, pluginMB []float64
	for range b.rounds {
		if err := k.process.stop(); err != nil {
			return err
		}
		took, err := k.start(ctx)
		if err != nil {
			return err
		}
		ready = append(ready, round3(took.Seconds()))
		c.moved(k.url)
		var plugin struct {
			PID   int    `json:"pid"`
			State string `json:"state"`
		}
		err = poll("the plugin to be ready", func() (bool, error) {
			err := c.operator.get("/v1/plugins/sandbox", &plugin)
			return plugin.State == "ready", err
		})
		if err != nil {
			return err
		}
		time.Sleep(2 * time.Second) // at rest
		for _, m := range []struct {
			pid int
			to  *[]float64
		}{{k.process.cmd.Process.Pid, &brokerMB}, {plugin.PID, &pluginMB}} {
			mb, err := memoryMB(m.pid, "VmRSS")
			if err != nil {
				return err
			}
			*m.to = append(*m.to, mb)
		}
	}
	second, sixty, thirty := atMost(1), atMost(60), atMost(30)
	b.report.add(figure{Name: "start-up", What: "from exec to /readyz, on a store that exists", Unit: "s"}, ready, nil, &second)
	b.report.add(figure{Name: "idle broker", What: "resident memory 2 s after the start", Unit: "MB"}, brokerMB, nil, &sixty)
	b.report.add(figure{Name: "idle plugin", What: "resident memory of the sandbox plugin", Unit: "MB"}, pluginMB, nil, &thirty)
	return nil
}

// moved tells everybody the broker's new address.
func (c *cast) moved(url string) {
	fresh := newClient(url, 256)
	for _, list := range [][]*client{{c.operator}, c.resellers, c.customers} {
		for _, who := range list {
			who.base, who.http = url, fresh.http
		}
	}
}

// quotes compares quotes with a handler that only reads and writes JSON.
func (b *bench) quotes(ctx context.Context, k *broker, c *cast) error {
	b.say("quotes by %d clients", customers)
	var answer json.RawMessage
	if err := c.customers[0].post("/v1/quotes", c.purchase(), &answer); err != nil {
		return err
	}
	file := filepath.Join(k.dir, "quote.json")
	if err := os.WriteFile(file, answer, 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bare, err := launch(filepath.Join(k.dir, "bare.log"), self, "bare-http", file)
	if err != nil {
		return err
	}
	defer func() { _ = bare.kill() }()
	url, err := bare.await(ctx, "serving at ")
	if err != nil {
		return err
	}
	limitDo, err := quoting(c, newClient(url, customers))
	if err != nil {
		return err
	}
	do, err := quoting(c, nil)
	if err != nil {
		return err
	}
	p, err := b.inTurns(
		func() (rate, error) { return load(ctx, customers, b.warm, b.round, do) },
		func() (rate, error) { return load(ctx, customers, b.warm, b.round, limitDo) })
	if err != nil {
		return err
	}
	half := ratioAtLeast(0.50)
	f := b.report.add(figure{
		Name: "quotes at 64", What: "POST /v1/quotes by 64 clients", Unit: "/s", Details: p.details(),
		Bare: "a Fiber handler in a process of its own that reads the same request and writes the same answer",
	}, p.values, p.limits, &half)
	b.say("%g quotes/s, bare %g/s", f.Value, f.Limit)
	return nil
}

// quoting sends quotes as every customer, to another server when given.
func quoting(c *cast, other *client) (worker, error) {
	var shots []*shot
	for _, who := range c.customers {
		if other != nil {
			who = other.as(who.org, who.bearer)
		}
		s, err := who.shot("/v1/quotes", c.purchase())
		if err != nil {
			return nil, err
		}
		shots = append(shots, s)
	}
	return func(client, _ int) error { return shots[client].fire("") }, nil
}

// orders are the order requests of one round: every client its own customer,
// or all the first one.
type orders struct {
	run   string // makes the idempotency keys of the round its own
	shots []*shot
}

func ordering(c *cast, run string, hot bool) (*orders, error) {
	o := &orders{run: run}
	for i := range customers {
		who := c.customers[i]
		if hot {
			who = c.customers[0]
		}
		s, err := who.shot("/v1/orders", c.purchase())
		if err != nil {
			return nil, err
		}
		o.shots = append(o.shots, s)
	}
	return o, nil
}

func (o *orders) send(client, n int) error {
	return o.shots[client].fire(o.run + "-" + strconv.Itoa(client) + "-" + strconv.Itoa(n))
}

// completeOrders places orders by 64 clients and waits until the cloud has
// delivered all of them.
func (b *bench) completeOrders(ctx context.Context, k *broker, c *cast) error {
	b.say("%d orders from request to server, by %d clients", b.orders, customers)
	var values []float64
	var last rate
	for i := range b.rounds + 1 {
		var err error
		last, err = b.completeRound(k.pid(), c, "complete-"+strconv.Itoa(i))
		if err != nil {
			return err
		}
		if i > 0 { // the first one warms up
			values = append(values, last.perSecond)
		}
	}
	enough := atLeast(1500)
	f := b.report.add(figure{
		Name: "complete orders", What: "from POST /v1/orders to active through the sandbox plugin, 64 clients", Unit: "/s",
		Details: map[string]float64{"cpu_us": micros(last.cpu)},
	}, values, nil, &enough)
	b.say("%g complete orders/s for %v CPU of the broker each", f.Value, last.cpu)
	return ctx.Err()
}

func (b *bench) completeRound(broker int, c *cast, run string) (rate, error) {
	orders, err := ordering(c, run, false)
	if err != nil {
		return rate{}, err
	}
	all := b.orders / customers * customers
	from := time.Now()
	r, err := costing(broker, func() (rate, error) {
		err := b.sendAll(orders)
		return rate{all: all}, errors.Join(err, c.settled(orders))
	})
	if err != nil {
		return r, err
	}
	var last time.Time
	err = poll("all orders to be decided", func() (over bool, err error) {
		last, over, err = c.lastDecision(from)
		return over, err
	})
	r.perSecond = float64(all) / last.Sub(from).Seconds()
	return r, err
}

// sendAll has every client send its part of the round's orders.
func (b *bench) sendAll(o *orders) error {
	errs := make([]error, customers)
	var group sync.WaitGroup
	for client := range customers {
		group.Go(func() {
			for n := 0; n < b.orders/customers && errs[client] == nil; n++ {
				errs[client] = o.send(client, n)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// settled waits until the last order of every client is decided.
func (c *cast) settled(sent *orders) error {
	for i, s := range sent.shots {
		var o made
		if err := json.Unmarshal(s.resp.Body(), &o); err != nil {
			return err
		}
		err := poll("order "+o.ID, func() (bool, error) {
			var now struct{ State string }
			err := c.customers[i].get("/v1/orders/"+o.ID, &now)
			return now.State == "active" || now.State == "failed", err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lastDecision reads all orders since from; over is false when one is open.
func (c *cast) lastDecision(from time.Time) (last time.Time, over bool, err error) {
	for cursor := ""; ; {
		var page struct {
			Items []struct {
				ID, State string
				Decided   time.Time `json:"decided"`
			} `json:"items"`
			Next string `json:"next"`
		}
		err := c.operator.get("/v1/orders?limit=500&from="+from.UTC().Format(time.RFC3339Nano)+"&cursor="+cursor, &page)
		if err != nil {
			return last, false, err
		}
		for _, o := range page.Items {
			if o.State == "failed" {
				return last, false, fmt.Errorf("order %s is %s", o.ID, o.State)
			}
			if o.State != "active" {
				return last, false, nil
			}
			if o.Decided.After(last) {
				last = o.Decided
			}
		}
		if cursor = page.Next; cursor == "" {
			return last, true, nil
		}
	}
}
