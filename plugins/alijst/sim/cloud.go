package sim

import (
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"tradewind.example/simkit/admin"
	"tradewind.example/simkit/calls"
	"tradewind.example/simkit/faults"
	"tradewind.example/simkit/statefile"
)

// Cloud is one simulated JST with all accounts. Make it with [New].
type Cloud struct {
	*admin.Panel[Fault, Call]
	cfg     Config
	log     *slog.Logger
	actions map[string]action

	mu       sync.Mutex
	offset   time.Duration       // what Advance added to the clock
	accounts map[string]*account // by access key id
	nonces   nonces
	faults   *faults.Set[Fault]
	calls    *calls.Log[Call]
	bought   map[string]map[string]*Bought
	signIn   signInBook
	journal  *statefile.File // nil keeps nothing
	broken   error           // the state file could not be written; nothing is done any more
}

// account is the running side of an Account.
type account struct {
	Account
	world  *world
	minute time.Time // start of the minute that counted calls belong to
	count  int
}

// action is one row of the API.
type action struct {
	http    string // the verb that the vendor's SDK sends
	errText string // the field that tells why business was refused
	success bool   // whether the answer has a Success beside the Code
	writes  bool
	bare    bool // whether the answer has no Code, as those of ECS
	params  []param
	run     func(*world, *call) (answer, *refusal)
}

// Bought counts creations under one name.
type Bought struct {
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
		cfg: cfg, log: cfg.Logger, actions: actionTable(), accounts: map[string]*account{},
		nonces: newNonces(), faults: faults.NewSet(vocabulary(), cfg.Seed, cfg.Faults), calls: calls.NewLog(cfg.CallLogSize, func(c *Call) *calls.Line { return &c.Line }),
		bought: map[string]map[string]*Bought{}, signIn: newSignInBook(),
	}
	c.Panel = admin.NewPanel(&c.mu, c.faults, c.calls, admin.Clock{Now: c.now, Advance: c.advance})
	for _, a := range cfg.Accounts {
		c.accounts[a.AccessKeyID] = &account{Account: a, world: newWorld(c, a)}
	}
	if err := c.openJournal(cfg.StateFile); err != nil {
		return nil, err
	}
	return c, nil
}

// actionTable is the API of JST: every action that exists, with what it needs.
func actionTable() map[string]action {
	out := map[string]action{}
	for _, t := range []map[string]action{
		appTable(), environmentTable(), configTable(), claimTable(), slbTable(), serviceTable(),
		orderTable(), podTable(), volumeTable(), labelTable(), allocTable(), clusterTable(), rdsTable(),
	} {
		maps.Copy(out, t)
	}
	return out
}

func (c *Cloud) now() time.Time { return c.cfg.Now().Add(c.offset) }

// advance moves the clock; the clock of signatures stays.
func (c *Cloud) advance(d time.Duration) error {
	c.offset += d
	c.append(&record{At: c.now(), Offset: c.offset})
	return c.broken
}

// step is how long one step of asynchronous work takes.
func (c *Cloud) step() time.Duration {
	return time.Duration(max(c.cfg.TransitionMS, 0)) * time.Millisecond
}

// buy counts a creation of a kind under a name.
func (c *Cloud) buy(kind, name string) {
	if c.bought[kind] == nil {
		c.bought[kind] = map[string]*Bought{}
	}
	n := c.bought[kind][name]
	if n == nil {
		n = &Bought{}
		c.bought[kind][name] = n
	}
	n.Orders++
	n.Resources++
}
