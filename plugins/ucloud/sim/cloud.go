package sim

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tradewind.example/simkit/admin"
	"tradewind.example/simkit/calls"
	"tradewind.example/simkit/faults"
	"tradewind.example/simkit/statefile"
)

// Cloud is one simulated UCloud with all accounts. Make it with [New] and
// end it with [Cloud.Close].
type Cloud struct {
	*admin.Panel[Fault, Call]
	cfg      Config
	log      *slog.Logger
	actions  map[string]action
	machines map[string]machine
	machine  []string // names in catalogue order

	mu        sync.Mutex
	offset    time.Duration // what Advance added to the clock
	limits    Limits
	accounts  map[string]*account // by public key
	byName    map[string]*account
	scopes    map[scopeKey]*scope
	hosts     map[string]*host
	eips      map[string]*eip
	firewalls *shelf[*firewall]
	vpcs      *shelf[*vpc]
	subnets   *shelf[*subnet]
	udisks    *shelf[*udisk]
	stock     map[Stock]int // living hosts per zone and type; Count is 0 in the key
	hourly    hourHeap
	seq       int64
	bought    map[string]map[string]*Bought
	faults    *faults.Set[Fault]
	calls     *calls.Log[Call]
	tx        record
	journal   *statefile.File
	broken    error // the state file could not be written; nothing is sold any more
}

// scopeKey is where a resource lives; the same id is unknown everywhere else.
type scopeKey struct{ account, project, region string }

// scope holds the resources of one key in order of creation.
type scope struct {
	hosts []*host
	byTag map[string][]*host
	eips  []*eip
}

// account is the running side of an Account.
type account struct {
	Account
	books      Books
	bills      []*bill
	byResource map[string][]*bill
	members    []*member
	made       []Project // those of Projects that are not in the configuration
}

// New checks the configuration, reads the state file if there is one, and
// returns a cloud that is ready to serve.
func New(cfg Config) (*Cloud, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("checking the simulator's configuration: %w", err)
	}
	c := &Cloud{
		cfg: cfg, log: cfg.Logger, actions: actionTable(), limits: cfg.Limits,
		accounts: map[string]*account{}, byName: map[string]*account{},
		scopes: map[scopeKey]*scope{}, hosts: map[string]*host{}, eips: map[string]*eip{},
		firewalls: newShelf[*firewall](), vpcs: newShelf[*vpc](), subnets: newShelf[*subnet](), udisks: newShelf[*udisk](),
		stock: map[Stock]int{}, bought: map[string]map[string]*Bought{},
		faults: faults.NewSet(vocabulary(), cfg.Seed, cfg.Faults), calls: calls.NewLog(cfg.CallLogSize, func(c *Call) *calls.Line { return &c.Line }),
	}
	c.Panel = admin.NewPanel(&c.mu, c.faults, c.calls, admin.Clock{Now: c.now, Advance: c.advance})
	c.machines, c.machine = machineTable()
	for _, a := range cfg.Accounts {
		c.addAccount(a)
	}
	if err := c.openJournal(cfg.StateFile); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Cloud) addAccount(a Account) {
	if a.PricePercent == 0 {
		a.PricePercent = 100
	}
	if len(a.Projects) == 0 {
		a.Projects = []Project{{ID: "org-" + a.Name, Name: "Default", Default: true}}
	}
	acct := &account{
		Account:    a,
		books:      Books{Start: a.BalanceFen, Balance: a.BalanceFen},
		byResource: map[string][]*bill{},
	}
	c.accounts[a.PublicKey], c.byName[a.Name] = acct, acct
}

// Close writes the state file anew, in short form, and closes it. Calls
// after Close answer RetCode 150.
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
	a := c.byName[name]
	if a == nil || amount <= 0 {
		return fmt.Errorf("recharging account %q by %v: name a known account and a positive amount", name, amount)
	}
	a.books.Recharged += amount
	a.books.Balance += amount
	c.tx.keepBooks(a)
	return c.commit()
}

// Limits returns stock and quota as they are.
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

func (c *Cloud) scopeOf(k scopeKey) *scope {
	s := c.scopes[k]
	if s == nil {
		s = &scope{byTag: map[string][]*host{}}
		c.scopes[k] = s
	}
	return s
}

// stockLeft is how many more hosts fit; the second result is false when there is no bound.
func (c *Cloud) stockLeft(zone, machineType string) (int, bool) {
	for _, s := range c.limits.Stock {
		if s.Zone == zone && s.MachineType == machineType {
			return max(s.Count-c.stock[Stock{Zone: zone, MachineType: machineType}], 0), true
		}
	}
	return 0, false
}
