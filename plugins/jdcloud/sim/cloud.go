package sim

import (
	"container/heap"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"tradewind.example/simkit/admin"
	"tradewind.example/simkit/calls"
	"tradewind.example/simkit/faults"
	"tradewind.example/simkit/statefile"
)

// Cloud is one simulated JD Cloud with all accounts. Make it with [New] and
// end it with [Cloud.Close].
type Cloud struct {
	*admin.Panel[Fault, Call]
	cfg    Config
	log    *slog.Logger
	routes map[string][]*route // by service
	types  map[string]*instanceType

	mu       sync.Mutex
	offset   time.Duration // what Advance added to the clock
	limits   Limits
	accounts map[string]*account // by name
	keys     map[string]*principal
	tables
	stores  map[string]store
	due     wakeHeap
	planned map[string]int64 // the earliest entry of due for each resource
	seq     int64
	bought  map[string]map[string]*Bought
	faults  *faults.Set[Fault]
	calls   *calls.Log[Call]
	nonces  nonceSet
	rates   map[rateKey]*rateWindow
	codes   map[string]*verifyCode // by mobile; never written to the state file
	tx      *record
	journal *statefile.File
	broken  error // the state file could not be written; nothing is sold any more
}

// tables is the state that survives a restart.
type tables struct {
	books     *table[Books]
	instances *table[instance]
	disks     *table[disk]
	snapshots *table[snapshot]
	images    *table[privateImage]
	keypairs  *table[keypair]
	vpcs      *table[vpc]
	subnets   *table[subnet]
	groups    *table[group]
	nics      *table[nic]
	eips      *table[eip]
	orders    *table[order]
	bills     *table[bill]
	refunds   *table[refund]
	purchases *table[purchase]
	tokens    *table[usedToken]
	subUsers  *table[subUser]
	roles     *table[role]
	sessions  *table[session]
	customers *table[customer]
	warnings  *table[balanceWarning]
}

func newTables(tx *record) (tables, map[string]store) {
	t := tables{
		books: newTable[Books]("books", tx), instances: newTable[instance]("instances", tx),
		disks: newTable[disk]("disks", tx), snapshots: newTable[snapshot]("snapshots", tx),
		images: newTable[privateImage]("images", tx), keypairs: newTable[keypair]("keypairs", tx),
		vpcs: newTable[vpc]("vpcs", tx), subnets: newTable[subnet]("subnets", tx),
		groups: newTable[group]("groups", tx), nics: newTable[nic]("nics", tx), eips: newTable[eip]("eips", tx),
		orders: newTable[order]("orders", tx), bills: newTable[bill]("bills", tx),
		refunds: newTable[refund]("refunds", tx), purchases: newTable[purchase]("purchases", tx),
		tokens: newTable[usedToken]("tokens", tx), subUsers: newTable[subUser]("sub_users", tx),
		roles: newTable[role]("roles", tx), sessions: newTable[session]("sessions", tx),
		customers: newTable[customer]("customers", tx), warnings: newTable[balanceWarning]("warnings", tx),
	}
	all := []store{
		t.books, t.instances, t.disks, t.snapshots, t.images, t.keypairs, t.vpcs, t.subnets, t.groups, t.nics, t.eips,
		t.orders, t.bills, t.refunds, t.purchases, t.tokens, t.subUsers, t.roles, t.sessions, t.customers, t.warnings,
	}
	byName := map[string]store{}
	for _, s := range all {
		byName[s.title()] = s
	}
	return t, byName
}

// account is the running side of an Account.
type account struct {
	Account
	books *Books
}

// New checks the configuration, reads the state file if there is one, and
// returns a cloud that is ready to serve.
func New(cfg Config) (*Cloud, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("checking the simulator's configuration: %w", err)
	}
	c := &Cloud{
		cfg: cfg, log: cfg.Logger, routes: routeTable(), types: typeTable(), limits: cfg.Limits,
		accounts: map[string]*account{}, keys: map[string]*principal{}, bought: map[string]map[string]*Bought{},
		faults: faults.NewSet(vocabulary(), cfg.Seed, cfg.Faults), calls: calls.NewLog(cfg.CallLogSize, func(c *Call) *calls.Line { return &c.Line }),
		nonces:  nonceSet{window: time.Duration(cfg.SkewSeconds) * time.Second, seen: map[string]bool{}},
		planned: map[string]int64{}, rates: map[rateKey]*rateWindow{}, codes: map[string]*verifyCode{}, tx: &record{},
	}
	c.Panel = admin.NewPanel(&c.mu, c.faults, c.calls, admin.Clock{Now: c.now, Advance: c.advance})
	c.tables, c.stores = newTables(c.tx)
	if err := c.openJournal(cfg.StateFile); err != nil {
		return nil, err
	}
	if err := c.start(); err != nil {
		return nil, err
	}
	return c, c.commit()
}

// start builds what follows from configuration and state.
func (c *Cloud) start() error {
	for _, a := range c.cfg.Accounts {
		c.addAccount(a)
	}
	for _, name := range c.books.keys {
		if c.accounts[name] == nil {
			return fmt.Errorf("reading the state file: account %q is not configured", name)
		}
	}
	for _, u := range c.subUsers.where(func(u *subUser) bool { return u.AccessKey != "" }) {
		c.addSubUserKey(u)
	}
	for _, s := range c.sessions.where(func(*session) bool { return true }) {
		c.addSessionKey(s)
	}
	for _, p := range c.purchases.where(func(*purchase) bool { return true }) {
		c.countPurchase(p)
	}
	c.wakeAll()
	return nil
}

func (c *Cloud) addAccount(a Account) {
	if a.PricePercent == 0 {
		a.PricePercent = 100
	}
	books := c.books.get(a.Name)
	first := books == nil
	if first {
		books = &Books{Start: a.BalanceFen, Balance: a.BalanceFen}
		c.books.put(a.Name, books)
	}
	acct := &account{Account: a, books: books}
	c.accounts[a.Name] = acct
	c.keys[a.AccessKey] = &principal{acct: acct, secret: a.SecretKey}
	if first && a.DefaultNetwork {
		for _, r := range c.cfg.Regions {
			c.makeDefaultNetwork(acct, r.ID)
		}
	}
}

// Close writes the state file anew, in short form, and closes it. Calls
// after Close answer 503.
func (c *Cloud) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.journal == nil {
		return nil
	}
	c.broken = statefile.ErrClosed
	return c.journal.Close()
}

func (c *Cloud) now() time.Time { return c.cfg.Now().Add(c.offset) }

// advance moves the clock forward and settles what fell due. It is kept in the
// state file, so time never goes back.
func (c *Cloud) advance(d time.Duration) error {
	c.offset += d
	c.tx.Offset = c.offset
	c.settle(c.now())
	return c.commit()
}

// Recharge adds money to an account.
func (c *Cloud) Recharge(name string, amount Fen) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.accounts[name]
	if a == nil || amount <= 0 {
		return fmt.Errorf("recharging account %q by %v: name a known account and a positive amount", name, amount)
	}
	a.books.Recharged += amount
	a.books.Balance += amount
	c.books.put(name, a.books)
	return c.commit()
}

// Limits returns what SetLimits set.
func (c *Cloud) Limits() Limits {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limits
}

// SetLimits replaces stock and quota; resources that exist stay.
func (c *Cloud) SetLimits(l Limits) error {
	if err := validateLimits(l); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits = l
	c.limits.Stock = slices.Clone(l.Stock)
	return nil
}

// transition is how long one state change takes.
func (c *Cloud) transition() time.Duration {
	return time.Duration(max(c.cfg.TransitionMS, 0)) * time.Millisecond
}

func (c *Cloud) nextSeq() int64 {
	c.seq++
	c.tx.Seq = c.seq
	return c.seq
}

// newID makes the id of a resource; ids of a kind sort in order of creation.
func (c *Cloud) newID(prefix string) string {
	n := strconv.FormatInt(c.nextSeq(), 36)
	for len(n) < 7 {
		n = "0" + n
	}
	return prefix + "-" + "jd" + n
}

// wake is an entry of the queue of things that fall due, at unix milliseconds.
type wake struct {
	at int64
	id string
}

type wakeHeap []wake

func (h wakeHeap) Len() int           { return len(h) }
func (h wakeHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h wakeHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop are for container/heap only.
func (h *wakeHeap) Push(x any) {
	if e, ok := x.(wake); ok {
		*h = append(*h, e)
	}
}

func (h *wakeHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

// wakeAt plans to look at a resource. It has one valid entry, the earliest;
// whoever is woken plans what comes after.
func (c *Cloud) wakeAt(id string, at time.Time) {
	ms := at.UnixMilli()
	if first, ok := c.planned[id]; ok && first <= ms {
		return
	}
	c.planned[id] = ms
	heap.Push(&c.due, wake{at: ms, id: id})
}

// wakeAll fills the queue from the state.
func (c *Cloud) wakeAll() {
	now := c.now()
	for id := range c.instances.rows {
		c.wakeAt(id, now)
	}
	for id := range c.disks.rows {
		c.wakeAt(id, now)
	}
	for id := range c.eips.rows {
		c.wakeAt(id, now)
	}
}

// settle does what fell due: resources at the end of their deletion go, and
// leases are billed or renewed.
func (c *Cloud) settle(now time.Time) {
	for len(c.due) > 0 && c.due[0].at <= now.UnixMilli() {
		e, _ := heap.Pop(&c.due).(wake)
		if c.planned[e.id] != e.at {
			continue
		}
		delete(c.planned, e.id)
		switch {
		case c.instances.get(e.id) != nil:
			c.wakeInstance(c.instances.get(e.id), now)
		case c.disks.get(e.id) != nil:
			c.wakeDisk(c.disks.get(e.id), now)
		case c.eips.get(e.id) != nil:
			c.wakeEIP(c.eips.get(e.id), now)
		}
	}
}
