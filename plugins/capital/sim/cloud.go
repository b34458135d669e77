package sim

import (
	"crypto/sha256"
	"encoding/hex"
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

// Cloud is one simulated Capital Online with all accounts. Make it with
// [New] and end it with [Cloud.Close].
type Cloud struct {
	*admin.Panel[Fault, Call]
	cfg    Config
	log    *slog.Logger
	routes map[string]map[string]action

	mu       sync.Mutex
	offset   time.Duration // what Advance added to the clock
	at       time.Time     // the time of the call or effect that is running
	agenda   agenda
	effects  int64
	ids      int64 // how many identifiers were made
	limits   Limits
	accounts map[string]*account // by access key
	byName   map[string]*account
	faults   *faults.Set[Fault]
	calls    *calls.Log[Call]

	journal   *statefile.File
	replaying bool
	broken    error // the state file could not be written; nothing is sold any more
}

// account is the running side of an Account.
type account struct {
	Account
	books  Books
	costs  map[string]Fen // what each resource ever cost, less what came back
	bought map[string]map[string]*Bought
	nonces nonceSet

	instances  store[instance]
	disks      store[disk]
	images     store[Image]
	vpcs       store[vpc]
	segments   store[segment] // subnets and virtual gateways
	eips       store[eip]
	bandwidths store[bandwidth]
	groups     store[group]
	events     store[event]
	tasks      store[task]
	lastIP     map[string]int // per line, for public addresses
}

// Bought is how often something was bought.
type Bought struct {
	// Orders counts calls, Resources what they made.
	Orders    int `json:"orders"`
	Resources int `json:"resources"`
}

// New checks the configuration, reads the state file if there is one, and
// returns a cloud that is ready to serve.
func New(cfg Config) (*Cloud, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("checking the simulator's configuration: %w", err)
	}
	c := &Cloud{
		cfg: cfg, log: cfg.Logger, routes: routeTable(), limits: cfg.Limits,
		accounts: map[string]*account{}, byName: map[string]*account{},
		faults: faults.NewSet(vocabulary(), cfg.Seed, cfg.Faults), calls: calls.NewLog(cfg.CallLogSize, func(c *Call) *calls.Line { return &c.Line }),
	}
	c.Panel = admin.NewPanel(&c.mu, c.faults, c.calls, admin.Clock{Now: c.now, Advance: c.advance})
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
	a.Subjects = slices.Clone(a.Subjects)
	acct := &account{
		Account: a,
		books:   Books{Start: a.BalanceFen, Balance: a.BalanceFen},
		costs:   map[string]Fen{}, bought: map[string]map[string]*Bought{},
		nonces: nonceSet{seen: map[string]bool{}},
		lastIP: map[string]int{},
	}
	c.accounts[a.AccessKey], c.byName[a.Name] = acct, acct
}

// Close closes the state file. Calls after Close answer InternalError.
func (c *Cloud) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.journal == nil || c.broken != nil {
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
	c.settle(c.now())
	c.append(&record{At: c.at, Offset: c.offset})
	return c.broken
}

// Recharge adds money to an account.
func (c *Cloud) Recharge(name string, amount Fen) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.byName[name]
	if a == nil || amount <= 0 {
		return fmt.Errorf("recharging account %q by %v: name a known account and a positive amount", name, amount)
	}
	c.settle(c.now())
	a.recharge(amount)
	c.append(&record{At: c.at, Account: name, Recharge: amount})
	return c.broken
}

func (a *account) recharge(amount Fen) {
	a.books.Recharged += amount
	a.books.Balance += amount
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

func (c *Cloud) due() time.Time { return c.at.Add(c.transition()) }

// digest makes the next identifier's bytes: the same calls give the same
// identifiers, which is what lets the state file be a list of calls.
func (c *Cloud) digest() []byte {
	c.ids++
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d", c.cfg.Seed, c.ids))
	return sum[:]
}

// newID makes an identifier as ecs, ebs and sg have them: prefix and 16
// small letters or digits.
func (c *Cloud) newID(prefix string) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	id := []byte(prefix)
	for _, b := range c.digest()[:16] {
		id = append(id, letters[int(b)%len(letters)])
	}
	return string(id)
}

// newUUID makes an identifier as the vpc service has them.
func (c *Cloud) newUUID() string {
	b := c.digest()
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// buy counts a purchase by what a client could find it again with.
func (a *account) buy(field, value string, resources int) {
	if value == "" {
		return
	}
	if a.bought[field] == nil {
		a.bought[field] = map[string]*Bought{}
	}
	n := a.bought[field][value]
	if n == nil {
		n = &Bought{}
		a.bought[field][value] = n
	}
	n.Orders++
	n.Resources += resources
}

// stockLeft is how many more instances fit; the second result is false when there is no bound.
func (c *Cloud) stockLeft(zone, family string) (int, bool) {
	for _, s := range c.limits.Stock {
		if s.Zone == zone && s.MachineType == family {
			return max(s.Count-c.living(zone, family), 0), true
		}
	}
	return 0, false
}

func (c *Cloud) living(zone, family string) int {
	n := 0
	for _, a := range c.byName {
		n += len(a.instances.list(func(i *instance) bool { return i.zone.Code == zone && i.family.name == family }))
	}
	return n
}

// china is the zone of the vendor's times.
var china = time.FixedZone("UTC+8", 8*3600)

// clock writes a time as the vendor's answers do.
func clock(t time.Time) string { return t.In(china).Format("2006-01-02 15:04:05") }
