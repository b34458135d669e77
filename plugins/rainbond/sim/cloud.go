package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tradewind.example/simkit/admin"
	"tradewind.example/simkit/calls"
	"tradewind.example/simkit/faults"
	"tradewind.example/simkit/statefile"
)

// enterpriseID is the one enterprise of the console.
const enterpriseID = "e0000000000000000000000000000001"

// Cloud is one simulated console with its store. Make it with [New] and end
// it with [Cloud.Close].
type Cloud struct {
	*admin.Panel[Fault, Call]
	cfg   Config
	log   *slog.Logger
	ops   []op
	users map[string]*User // by key

	mu        sync.Mutex
	state     state
	storeApps []StoreApp
	faults    *faults.Set[Fault]
	calls     *calls.Log[Call]
	broken    error // the state file could not be written; nothing is answered any more
}

// state is everything that the state file keeps.
type state struct {
	Seq    int64         `json:"seq"`
	Offset time.Duration `json:"offset"` // what Advance added to the clock
	Teams  []*team       `json:"teams"`
	Apps   []*app        `json:"apps"`
	// Markets are the console's rows of stores, in order of creation.
	Markets []*market `json:"markets"`
	// Bought counts by field and value; see [Report].
	Bought map[string]map[string]Bought `json:"bought"`
}

// market is the console's row of one store. The first install fixes its key.
type market struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Domain string `json:"domain"`
	URL    string `json:"url"`
	Key    string `json:"key"`
	Type   string `json:"type"`
}

// New checks the configuration, reads the state file if there is one, and
// returns a cloud that is ready to serve.
func New(cfg Config) (*Cloud, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("checking the simulator's configuration: %w", err)
	}
	c := &Cloud{
		cfg: cfg, log: cfg.Logger, ops: operations(), users: map[string]*User{}, storeApps: cfg.StoreApps,
		faults: faults.NewSet(vocabulary(), cfg.Seed, cfg.Faults), calls: calls.NewLog(cfg.CallLogSize, func(c *Call) *calls.Line { return &c.Line }),
		state: state{Bought: map[string]map[string]Bought{}},
	}
	c.Panel = admin.NewPanel(&c.mu, c.faults, c.calls, admin.Clock{Now: c.now, Advance: c.advance})
	for i := range cfg.Users {
		c.users[cfg.Users[i].Key] = &cfg.Users[i]
	}
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("reading the state file: %w", err)
	}
	for _, t := range cfg.Teams {
		if c.team(t.Name) == nil {
			c.addTeam(t.Name, t.Alias, "", t.Regions)
		}
	}
	return c, c.save()
}

// Close ends the cloud; calls after it are answered with HTTP 500.
func (c *Cloud) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.broken
	c.broken = statefile.ErrClosed
	if errors.Is(err, statefile.ErrClosed) {
		return nil
	}
	return err
}

func (c *Cloud) now() time.Time { return c.cfg.Now().Add(c.state.Offset).UTC() }

// advance moves the clock forward. It is kept in the state file, so time never
// goes back.
func (c *Cloud) advance(d time.Duration) error {
	c.state.Offset += d
	return c.commit()
}

// SetStoreApps replaces the store's catalogue; what is installed stays. The
// list belongs to the cloud from then on.
func (c *Cloud) SetStoreApps(apps []StoreApp) error {
	if err := validateStoreApps(apps); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.storeApps = apps
	return nil
}

// transition is how long one state change takes.
func (c *Cloud) transition() time.Duration {
	return time.Duration(max(c.cfg.TransitionMS, 0)) * time.Millisecond
}

func (c *Cloud) nextSeq() int64 {
	c.state.Seq++
	return c.state.Seq
}

// hexID derives an id of 32 hexadecimal digits.
func hexID(kind string, of any) string {
	sum := sha256.Sum256(fmt.Append(nil, kind, "/", of))
	return hex.EncodeToString(sum[:16])
}

// stamp is how the console writes times.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
