package sim

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"
)

// Config describes one cloud. The zero value of every field but Accounts is
// usable.
type Config struct {
	// Now is the clock under the cloud's own offset; nil is time.Now.
	Now func() time.Time `json:"-" yaml:"-"`
	// Wall is the clock that signatures are held against; nil is time.Now. It
	// does not follow Advance, because clients sign with their own clock.
	Wall func() time.Time `json:"-" yaml:"-"`
	// Logger gets one line per failure of the simulator itself; nil discards.
	Logger *slog.Logger `json:"-" yaml:"-"`
	// Accounts are the customers of the cloud; at least one.
	Accounts []Account `json:"accounts" yaml:"accounts"`
	// Regions replaces the built-in list.
	Regions []Region `json:"regions" yaml:"regions"`
	// Images replaces the built-in list of public images.
	Images []Image `json:"images" yaml:"images"`
	// TransitionMS is how long one state change takes, in milliseconds of the
	// cloud's clock; 0 is 300, negative is at once.
	TransitionMS int `json:"transition_ms" yaml:"transition_ms"`
	// SkewSeconds is how far a signature's time may be off; 0 is 900.
	SkewSeconds int `json:"skew_seconds" yaml:"skew_seconds"`
	// CallsPerMinute is what one account may call per service; 0 is 1000,
	// negative is without limit.
	CallsPerMinute int `json:"calls_per_minute" yaml:"calls_per_minute"`
	// VNCSeconds is how long a console URL is good; 0 is 3600.
	VNCSeconds int `json:"vnc_seconds" yaml:"vnc_seconds"`
	// Seed drives fault probabilities.
	Seed uint64 `json:"seed" yaml:"seed"`
	// StateFile keeps purchases across a kill; empty keeps them in memory.
	StateFile string `json:"state_file" yaml:"state_file"`
	// Limits are the stock and quota at start.
	Limits Limits `json:"limits" yaml:"limits"`
	// Faults are in force from the start.
	Faults []Fault `json:"faults" yaml:"faults"`
	// CallLogSize is how many calls the log keeps; 0 is 10000.
	CallLogSize int `json:"call_log_size" yaml:"call_log_size"`
}

// Account is one main account of the cloud with one key pair.
type Account struct {
	// Name identifies the account in the admin API and in the state file.
	Name string `json:"name" yaml:"name"`
	// AccessKey and SecretKey sign requests.
	AccessKey string `json:"access_key" yaml:"access_key"`
	SecretKey string `json:"secret_key" yaml:"secret_key"`
	// BalanceFen is the money at first start; later starts read the state file.
	BalanceFen Fen `json:"balance_fen" yaml:"balance_fen"`
	// PricePercent is what the account pays of the list price; 0 is 100.
	PricePercent int64 `json:"price_percent" yaml:"price_percent"`
	// Partner lets the account use the partner service.
	Partner bool `json:"partner" yaml:"partner"`
	// DefaultNetwork gives the account a vpc with a subnet and a security
	// group in every region at first start.
	DefaultNetwork bool `json:"default_network" yaml:"default_network"`
}

// Limits are the switches for stock and quota. They can change at run time.
type Limits struct {
	// MaxHosts, MaxEIPs and MaxDisks are quotas per account and region; 0 is no quota.
	MaxHosts int `json:"max_hosts" yaml:"max_hosts"`
	MaxEIPs  int `json:"max_eips" yaml:"max_eips"`
	MaxDisks int `json:"max_disks" yaml:"max_disks"`
	// Stock bounds the living instances per az and instance type; a pair not
	// listed is unlimited.
	Stock []Stock `json:"stock" yaml:"stock"`
}

// Stock is how many instances of a type an az can hold at once.
type Stock struct {
	Zone        string `json:"zone" yaml:"zone"`
	MachineType string `json:"machine_type" yaml:"machine_type"`
	Count       int    `json:"count" yaml:"count"`
}

// maxListed bounds every list in a request or a configuration.
const maxListed = 200

var (
	keyPattern  = regexp.MustCompile(`^[\x21-\x7e]{1,200}$`)
	namePattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,63}$`)
)

func (c *Config) setDefaults() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wall == nil {
		c.Wall = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Regions == nil {
		c.Regions = defaultRegions()
	}
	if c.Images == nil {
		c.Images = defaultImages()
	}
	for _, d := range []struct {
		field *int
		value int
	}{{&c.TransitionMS, 300}, {&c.SkewSeconds, 900}, {&c.CallsPerMinute, 1000}, {&c.VNCSeconds, 3600}, {&c.CallLogSize, 10000}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
}

// validate reports every mistake with its path.
func (c *Config) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Accounts) == 0 {
		bad("accounts: give at least one")
	}
	if c.CallLogSize < 0 || c.CallLogSize > 1000000 {
		bad("call_log_size: %d is not between 0 and 1000000", c.CallLogSize)
	}
	if c.SkewSeconds < 0 || c.VNCSeconds < 0 {
		bad("skew_seconds and vnc_seconds must not be negative")
	}
	names, keys := map[string]bool{}, map[string]bool{}
	for i, a := range c.Accounts {
		errs = append(errs, a.validate(fmt.Sprintf("accounts[%d]", i)))
		if names[a.Name] || keys[a.AccessKey] {
			bad("accounts[%d]: name or access_key is used twice", i)
		}
		names[a.Name], keys[a.AccessKey] = true, true
	}
	for i, r := range c.Regions {
		if r.ID == "" || len(r.Zones) == 0 {
			bad("regions[%d]: set id and zones", i)
		}
	}
	errs = append(errs, validateLimits(c.Limits), vocabulary().Validate(c.Faults))
	return errors.Join(errs...)
}

func (a *Account) validate(path string) error {
	var errs []error
	if !namePattern.MatchString(a.Name) {
		errs = append(errs, fmt.Errorf("%s.name: %q is not a name of 1 to 63 letters, digits, '-', '_' or '.'", path, a.Name))
	}
	if !keyPattern.MatchString(a.AccessKey) || !keyPattern.MatchString(a.SecretKey) {
		errs = append(errs, fmt.Errorf("%s: access_key and secret_key must be 1 to 200 printable characters", path))
	}
	if a.BalanceFen < 0 {
		errs = append(errs, fmt.Errorf("%s.balance_fen: must not be negative", path))
	}
	if a.PricePercent < 0 || a.PricePercent > 100 {
		errs = append(errs, fmt.Errorf("%s.price_percent: %d is not between 1 and 100", path, a.PricePercent))
	}
	return errors.Join(errs...)
}

func validateLimits(l Limits) error {
	if l.MaxHosts < 0 || l.MaxEIPs < 0 || l.MaxDisks < 0 {
		return errors.New("limits: quotas must not be negative")
	}
	if len(l.Stock) > maxListed {
		return fmt.Errorf("limits.stock: give at most %d rows", maxListed)
	}
	for i, s := range l.Stock {
		if s.Zone == "" || s.MachineType == "" || s.Count < 0 {
			return fmt.Errorf("limits.stock[%d]: set zone, machine_type and a count of 0 or more", i)
		}
	}
	return nil
}
