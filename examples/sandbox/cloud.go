package main

import (
	"fmt"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// clouds holds one cloud per account. It is safe for concurrent use.
type clouds struct {
	clock clock.Clock

	next  atomic.Int64 // ids are unique at the whole cloud, as at real ones
	racks atomic.Int64

	mu   sync.Mutex
	byID map[string]*cloud
}

// of returns the account's cloud, made on first use.
func (c *clouds) of(call provider.Call) *cloud {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.byID[call.Account.ID]
	if k == nil {
		k = &cloud{
			clock: c.clock, next: &c.next, nextRack: &c.racks, servers: map[string]*server{}, byToken: map[string]string{}, renewals: map[string]bool{},
			racks: map[string]*rack{}, subs: map[string]subAccount{}, since: c.clock.Now(), news: make(chan struct{}),
		}
		c.byID[call.Account.ID] = k
	}
	return k
}

// cloud is what one account owns.
type cloud struct {
	clock    clock.Clock
	next     *atomic.Int64 // the number of the latest server of any account
	nextRack *atomic.Int64

	mu       sync.Mutex
	creates  int // calls that made something, for the switches that count
	servers  map[string]*server
	byToken  map[string]string // purchase token to server id
	renewals map[string]bool   // renewal tokens already used
	racks    map[string]*rack
	orders   []purchase            // oldest first
	subs     map[string]subAccount // by name
	log      []provider.Event      // what happened by itself, the latest of it
	logged   int                   // how many events there ever were
	since    time.Time             // of its first use
	news     chan struct{}         // closed and replaced when something will happen
}

// server is one instance of the sandbox.
type server struct {
	id, name, token string
	region          string
	spec            Spec
	status          provider.Status
	ready           time.Time // when a create under way is done
	breaks          time.Time // when it stops by itself; zero: never
	created         time.Time
	expires         time.Time
	billing         provider.BillingMethod
	period          provider.Period
	detached        []int // numbers of its data disks; never changed in place
}

// create buys one server, or returns the one this token bought before.
func (c *cloud) create(req provider.TypedCreate[Spec], s Settings) (*server, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id, ok := c.byToken[req.Token]; ok {
		return c.now(c.servers[id]), nil
	}
	if err := c.admit(s); err != nil {
		return nil, err
	}
	if s.Stock > 0 && len(c.servers) >= s.Stock {
		return nil, fault.New(fault.ClassOutOfStock, "all %d servers of the sandbox are taken", s.Stock).Cloud("SandboxSoldOut", "")
	}
	price, err := priceOf(req)
	if err != nil {
		return nil, err
	}
	now := c.clock.Now()
	sv := &server{
		id: "sb-" + strconv.FormatInt(c.next.Add(1), 10), name: req.Name, token: req.Token, region: req.Call.Region, spec: req.Spec,
		status: provider.StatusPending, ready: now.Add(time.Duration(s.CreateMillis) * time.Millisecond),
		created: now, expires: extend(now, req.Term), billing: req.Term.Billing, period: req.Term.Period,
	}
	if s.BreakMillis > 0 {
		sv.breaks = sv.ready.Add(time.Duration(s.BreakMillis) * time.Millisecond)
	}
	c.servers[sv.id], c.byToken[sv.token] = sv, sv.id
	c.bought("create", sv, price, sv.expires)
	close(c.news)
	c.news = make(chan struct{})
	if err := c.lose(s); err != nil {
		return nil, err
	}
	return c.now(sv), nil
}

// admit counts a create and refuses it when its turn has come.
func (c *cloud) admit(s Settings) error {
	c.creates++
	if s.RefuseEvery > 0 && c.creates%s.RefuseEvery == 0 {
		return fault.New(fault.ClassOutOfStock, "the sandbox is sold out").Cloud("SandboxSoldOut", "").From(fault.SourceCloud)
	}
	if s.ThrottleEvery > 0 && c.creates%s.ThrottleEvery == 0 {
		return fault.Throttled(time.Second, "the sandbox is busy").Cloud("SandboxBusy", "").From(fault.SourceCloud)
	}
	return nil
}

// lose keeps the answer of a create that has happened when its turn has come.
func (c *cloud) lose(s Settings) error {
	if s.LoseAnswerEvery > 0 && c.creates%s.LoseAnswerEvery == 0 {
		return fault.Unknown(nil, "the sandbox lost the answer of a create").From(fault.SourceCloud)
	}
	return nil
}

// now returns a copy of sv with its status as of this moment, noting what
// happened to it by itself.
func (c *cloud) now(sv *server) *server {
	now := c.clock.Now()
	if sv.status == provider.StatusPending && !now.Before(sv.ready) {
		sv.status = provider.StatusRunning
		c.note(provider.OperationEvent(c.cursor(), sv.id), sv.ready)
	}
	if !sv.breaks.IsZero() && !now.Before(sv.breaks) {
		if sv.status == provider.StatusRunning {
			sv.status = provider.StatusStopped
			c.note(provider.ResourceEvent(c.cursor(), "instance", sv.id), sv.breaks)
		}
		sv.breaks = time.Time{}
	}
	out := *sv
	return &out
}

func (c *cloud) get(id string) (*server, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sv, ok := c.servers[id]
	if !ok {
		return nil, fault.NotFound("instance", id).Cloud("SandboxNotFound", "")
	}
	return c.now(sv), nil
}

func (c *cloud) find(token string) (*server, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id, ok := c.byToken[token]
	if !ok {
		return nil, false
	}
	sv, ok := c.servers[id]
	if !ok {
		return nil, false
	}
	return c.now(sv), true
}

// list returns the servers of a region ("" for all), by id.
func (c *cloud) list(region string) []*server {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*server, 0, len(c.servers))
	for _, sv := range c.servers {
		if region == "" || sv.region == region {
			out = append(out, c.now(sv))
		}
	}
	sort.Slice(out, func(i, j int) bool {
		return len(out[i].id) < len(out[j].id) || len(out[i].id) == len(out[j].id) && out[i].id < out[j].id
	})
	return out
}

func (c *cloud) remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.servers, id)
}

// renew prolongs a server once per token.
func (c *cloud) renew(req provider.RenewRequest) (*server, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sv, ok := c.servers[req.ID]
	if !ok {
		return nil, fault.NotFound("instance", req.ID).Cloud("SandboxNotFound", "")
	}
	if !c.renewals[req.Token] {
		price, err := listPrice(sv.spec, req.Term)
		if err != nil {
			return nil, err
		}
		c.renewals[req.Token] = true
		sv.expires = extend(sv.expires, req.Term)
		c.bought("renew", sv, price, sv.expires)
	}
	return c.now(sv), nil
}

func (c *cloud) renewed(token string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.renewals[token]
}

// power moves a server from one of the allowed statuses to another.
func (c *cloud) power(id string, to provider.Status, from ...provider.Status) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	sv, ok := c.servers[id]
	if !ok {
		return fault.NotFound("instance", id).Cloud("SandboxNotFound", "")
	}
	status := c.now(sv).status
	for _, f := range from {
		if status == f {
			sv.status = to
			return nil
		}
	}
	return fault.Precondition("the instance is %s", status).Cloud("SandboxWrongState", "")
}

// extend adds a term to t; a term without an end gives the zero time.
func extend(t time.Time, term provider.Term) time.Time {
	n := max(term.Periods, 1)
	switch term.Period {
	case provider.PeriodHour:
		return t.Add(time.Duration(n) * time.Hour)
	case provider.PeriodDay:
		return t.AddDate(0, 0, n)
	case provider.PeriodMonth:
		return t.AddDate(0, n, 0)
	case provider.PeriodYear:
		return t.AddDate(n, 0, 0)
	default:
		return time.Time{}
	}
}

func (sv *server) address() string {
	n, _ := strconv.Atoi(sv.id[len("sb-"):])
	return fmt.Sprintf("10.%d.%d.%d", n>>16&0xff, n>>8&0xff, n&0xff)
}
