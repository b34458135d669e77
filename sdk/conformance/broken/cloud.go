package broken

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// Cloud is a cloud in memory that fails on demand. It is a conformance.Cloud,
// and safe for concurrent use.
type Cloud struct {
	mu       sync.Mutex
	last     int
	accounts map[string]*account
	lose     bool
	delay    time.Duration
	refuse   fault.Class
}

// account is what one account owns.
type account struct {
	disks    []*disk // oldest first
	renewals map[string]bool
	subs     map[string]provider.SubAccount // by token
}

// disk is one resource of the cloud.
type disk struct {
	provider.Thing[State]
	polls int // how often its creation was asked for
}

// NewCloud makes an empty cloud without faults.
func NewCloud() *Cloud { return &Cloud{accounts: map[string]*account{}} }

// LoseAnswers lets every create happen and its answer be lost.
func (c *Cloud) LoseAnswers(context.Context) error {
	return c.set(func() { c.lose, c.delay, c.refuse = true, 0, 0 })
}

// Delay makes every call to the cloud take d.
func (c *Cloud) Delay(_ context.Context, d time.Duration) error {
	return c.set(func() { c.lose, c.delay, c.refuse = false, d, 0 })
}

// Refuse makes the cloud refuse every create.
func (c *Cloud) Refuse(_ context.Context, class fault.Class) error {
	switch class {
	case fault.ClassInvalid, fault.ClassUnsupported, fault.ClassInternal, fault.ClassUnavailable:
		return fault.Unsupported("this cloud does not refuse with the class %s", class)
	}
	return c.set(func() { c.lose, c.delay, c.refuse = false, 0, class })
}

// Clear ends every fault.
func (c *Cloud) Clear(context.Context) error {
	return c.set(func() { c.lose, c.delay, c.refuse = false, 0, 0 })
}

func (c *Cloud) set(change func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	return nil
}

// slow returns how long a call takes now.
func (c *Cloud) slow() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.delay
}

// of returns an account; the caller holds mu.
func (c *Cloud) of(id string) *account {
	a := c.accounts[id]
	if a == nil {
		a = &account{renewals: map[string]bool{}, subs: map[string]provider.SubAccount{}}
		c.accounts[id] = a
	}
	return a
}

// create makes a disk, or returns the one that the token made when once is set.
func (c *Cloud) create(req provider.TypedCreate[Spec], once bool) (disk, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != 0 {
		e := fault.New(c.refuse, "the cloud refuses")
		if c.refuse == fault.ClassThrottled {
			e.RetryAfter = time.Second
		}
		return disk{}, e.Cloud("Refused", "request-1")
	}
	a := c.of(req.Call.Account.ID)
	i := slices.IndexFunc(a.disks, func(d *disk) bool { return d.Token == req.Token })
	if i < 0 || !once {
		c.last++
		now := time.Now().UTC()
		i = len(a.disks)
		a.disks = append(a.disks, &disk{Thing: provider.Thing[State]{
			ID: "disk-" + strconv.Itoa(c.last), Name: req.Name, Region: req.Call.Region, Status: provider.StatusFree, RawStatus: "free",
			Token: req.Token, Billing: req.Term.Billing, Created: now, Expires: now.AddDate(0, max(req.Term.Periods, 1), 0),
			State: State{SizeGB: req.Spec.SizeGB, Since: now},
		}})
	}
	if c.lose {
		return disk{}, fault.Unknown(nil, "the cloud's answer got lost").From(fault.SourceCloud)
	}
	return *a.disks[i], nil
}

// all returns copies of an account's disks in a region; "" is every region.
func (c *Cloud) all(account, region string) []disk {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []disk
	for _, d := range c.of(account).disks {
		if region == "" || d.Region == region {
			out = append(out, *d)
		}
	}
	return out
}

// change works on one disk; missing is a not_found fault.
func (c *Cloud) change(account, id string, do func(*disk)) (disk, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.of(account).disks {
		if d.ID == id {
			do(d)
			return *d, nil
		}
	}
	return disk{}, fault.NotFound("disk", id).Cloud("NotFound", "request-2")
}

func (c *Cloud) remove(account, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.of(account)
	a.disks = slices.DeleteFunc(a.disks, func(d *disk) bool { return d.ID == id })
}

// owner returns the account that has a disk, "" when there is none.
func (c *Cloud) owner(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, a := range c.accounts {
		if slices.ContainsFunc(a.disks, func(d *disk) bool { return d.ID == id }) {
			return name
		}
	}
	return ""
}

// renewed reports whether the token has renewed something, and notes it.
func (c *Cloud) renewed(account, token string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.of(account)
	before := a.renewals[token]
	a.renewals[token] = true
	return before
}

// sub makes a sub-account, or returns the one that the token made when once is set.
func (c *Cloud) sub(req provider.EnsureAccountRequest, once bool) provider.SubAccount {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.of(req.Call.Account.ID)
	if out, ok := a.subs[req.Token]; ok && once {
		out.Created = false
		return out
	}
	c.last++
	out := provider.SubAccount{ID: "sub-" + strconv.Itoa(c.last), Name: req.Name, Created: true}
	a.subs[req.Token] = out
	return out
}
