package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"sync"

	"tradewind.example/simkit/admin"
	"tradewind.example/simkit/calls"
	"tradewind.example/simkit/faults"
	"tradewind.example/simkit/statefile"
)

// Cloud is one simulated Baidu AI Cloud with all accounts. Make it with [New]
// and end it with [Cloud.Close].
type Cloud struct {
	*admin.Panel[Fault, Call]
	cfg Config
	log *slog.Logger
	ops []op

	mu     sync.Mutex
	offset time.Duration // what Advance added to the clock
	limits Limits
	state
	seq       int64
	due       int64           // unix second at which the next postpaid hour ends; 0 is none
	ending    map[string]bool // orders of refunds that are confirmed and not over
	keys      map[string]*credential
	signIns   map[string]*signIn
	polls     map[string]int // lists that still leave a new instance out
	billCalls map[string]*window
	faults    *faults.Set[Fault]
	calls     *calls.Log[Call]
	tx        []row
	journal   *statefile.File
	broken    error // the state file could not be written; nothing is sold any more
}

// state is what the state file holds.
type state struct {
	clock     *table[clock]
	accounts  *table[account]
	books     *table[Books]
	bought    *table[Bought]
	instances *table[instance]
	eips      *table[eip]
	volumes   *table[volume]
	groups    *table[group]
	vpcs      *table[vpc]
	subnets   *table[subnet]
	orders    *table[order]
	bills     *table[bill]
	tokens    *table[token]
	renewals  *table[renewRule]
	transfers *table[transfer]
}

// clock is the one row about the cloud itself.
type clock struct {
	Seq    int64         `json:"seq"`
	Offset time.Duration `json:"offset"`
}

func newState() state {
	return state{
		clock:     newTable[clock]("clock"),
		accounts:  newTable[account]("account"),
		books:     newTable[Books]("books"),
		bought:    newTable[Bought]("bought"),
		instances: newTable[instance]("instance"),
		eips:      newTable[eip]("eip"),
		volumes:   newTable[volume]("volume"),
		groups:    newTable[group]("group"),
		vpcs:      newTable[vpc]("vpc"),
		subnets:   newTable[subnet]("subnet"),
		orders:    newTable[order]("order"),
		bills:     newTable[bill]("bill"),
		tokens:    newTable[token]("token"),
		renewals:  newTable[renewRule]("renewal"),
		transfers: newTable[transfer]("transfer"),
	}
}

// tables lists the state by kind, in the order of the state file.
func (s *state) tables() []struct {
	kind string
	stored
} {
	type entry = struct {
		kind string
		stored
	}
	return []entry{
		{"clock", s.clock}, {"account", s.accounts}, {"books", s.books}, {"bought", s.bought},
		{"vpc", s.vpcs}, {"subnet", s.subnets}, {"group", s.groups}, {"instance", s.instances},
		{"eip", s.eips}, {"volume", s.volumes}, {"order", s.orders}, {"bill", s.bills},
		{"token", s.tokens}, {"renewal", s.renewals}, {"transfer", s.transfers},
	}
}

// New checks the configuration, reads the state file if there is one, and
// returns a cloud that is ready to serve.
func New(cfg Config) (*Cloud, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("checking the simulator's configuration: %w", err)
	}
	c := &Cloud{
		cfg: cfg, log: cfg.Logger, ops: operations(cfg.RefundConfirmPath), limits: cfg.Limits, state: newState(),
		keys: map[string]*credential{}, signIns: map[string]*signIn{}, polls: map[string]int{},
		billCalls: map[string]*window{}, ending: map[string]bool{},
		faults: faults.NewSet(vocabulary(), cfg.Seed, cfg.Faults), calls: calls.NewLog(cfg.CallLogSize, func(c *Call) *calls.Line { return &c.Line }),
	}
	c.Panel = admin.NewPanel(&c.mu, c.faults, c.calls, admin.Clock{Now: c.now, Advance: c.advance})
	if err := c.openJournal(cfg.StateFile); err != nil {
		return nil, err
	}
	for _, a := range cfg.Accounts {
		c.addAccount(a)
	}
	for id, o := range c.orders.rows {
		if o.Ends != 0 {
			c.ending[id] = true
		}
	}
	c.due = c.nextHour()
	return c, c.commit()
}

// Close writes the state file anew, in short form, and closes it. Calls
// after Close answer InternalError.
func (c *Cloud) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.journal == nil {
		return nil
	}
	c.broken = statefile.ErrClosed
	return c.journal.Close()
}

func (c *Cloud) now() time.Time { return c.cfg.Now().Add(c.offset).UTC() }

// advance moves the clock forward and settles what fell due. It is kept in the
// state file, so time never goes back.
func (c *Cloud) advance(d time.Duration) error {
	c.offset += d
	c.keepClock()
	c.settle(c.now())
	return c.commit()
}

// Limits returns what SetLimits set.
func (c *Cloud) Limits() Limits {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limits
}

// SetLimits replaces stock, quota and rates; resources that exist stay.
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

func (c *Cloud) keepClock() {
	keep(c, c.clock, "clock", &clock{Seq: c.seq, Offset: c.offset})
}

func (c *Cloud) nextSeq() int64 {
	c.seq++
	c.keepClock()
	return c.seq
}

// meta is what every resource has.
type meta struct {
	ID      string `json:"id"`
	UUID    string `json:"uuid"`
	Account string `json:"account"`
	Region  string `json:"region"`
	Seq     int64  `json:"seq"`
	Created int64  `json:"created"` // unix seconds
}

func (m *meta) head() *meta { return m }

// newMeta makes ids that look like the vendor's: a prefix with eight
// characters, and a long id.
func (c *Cloud) newMeta(prefix, account, region string, now time.Time) meta {
	n := c.nextSeq()
	return meta{
		ID: prefix + shortID(n), UUID: longID(fmt.Sprintf("%s%d", prefix, n)), Account: account,
		Region: region, Seq: n, Created: now.Unix(),
	}
}

// shortID spreads the sequence over eight characters without collisions.
func shortID(n int64) string { return fmt.Sprintf("%08x", uint32(n)*2654435761) } //nolint:gosec // the low bits are meant

func longID(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// stamp writes a time as the vendor does.
func stamp(unix int64) string {
	if unix == 0 {
		return ""
	}
	return time.Unix(unix, 0).UTC().Format(signTime)
}
