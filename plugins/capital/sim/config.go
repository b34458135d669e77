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
	// Wall is the clock that timestamps and nonces of requests are held
	// against; nil is time.Now. Advance does not move it.
	Wall func() time.Time `json:"-" yaml:"-"`
	// Logger gets one line per failure of the simulator itself; nil discards.
	Logger *slog.Logger `json:"-" yaml:"-"`
	// Accounts are the customers of the cloud; at least one.
	Accounts []Account `json:"accounts" yaml:"accounts"`
	// Regions replaces the built-in list.
	Regions []Region `json:"regions" yaml:"regions"`
	// Images replaces the built-in list.
	Images []Image `json:"images" yaml:"images"`
	// TransitionMS is how long one state change takes, in milliseconds of the
	// cloud's clock; 0 is 300, negative is at once.
	TransitionMS int `json:"transition_ms" yaml:"transition_ms"`
	// HideNewHostPolls is how many DescribeInstanceList answers leave a new
	// instance out although it exists.
	HideNewHostPolls int `json:"hide_new_host_polls" yaml:"hide_new_host_polls"`
	// WindowSeconds is how far a request's Timestamp may be from now; 0 is 900.
	WindowSeconds int `json:"window_seconds" yaml:"window_seconds"`
	// VPCNotFound is the code of the vpc service for what does not exist; empty
	// is Resource.NotFound. A client of the vendor knows it as 50002.
	VPCNotFound string `json:"vpc_not_found" yaml:"vpc_not_found"`
	// VPCPageSize is the rows in a page of the vpc service; 0 is 10.
	VPCPageSize int `json:"vpc_page_size" yaml:"vpc_page_size"`
	// Seed drives fault probabilities and identifiers.
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

// Account is one customer of the cloud with one key pair.
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
	// Subjects are the account's test funds.
	Subjects []Subject `json:"subjects" yaml:"subjects"`
}

// Subject is a test fund: money that is lent for trials.
type Subject struct {
	// ID is what the vpc calls name it by, Name what the ecs calls do.
	ID   int    `json:"id" yaml:"id"`
	Name string `json:"name" yaml:"name"`
	// BalanceFen and IncomeFen are what is left and what was given.
	BalanceFen Fen `json:"balance_fen" yaml:"balance_fen"`
	IncomeFen  Fen `json:"income_fen" yaml:"income_fen"`
}

// Limits are the switches for stock and quota. They can change at run time.
type Limits struct {
	// MaxHosts and MaxEIPs are quotas per account; 0 is no quota.
	MaxHosts int `json:"max_hosts" yaml:"max_hosts"`
	MaxEIPs  int `json:"max_eips" yaml:"max_eips"`
	// MaxGroups bounds the security groups of an account; 0 is 100.
	MaxGroups int `json:"max_groups" yaml:"max_groups"`
	// DiskGB is the SSD quota per account and zone; 0 is 100000.
	DiskGB int `json:"disk_gb" yaml:"disk_gb"`
	// Stock bounds the living instances per zone and family; a pair not
	// listed is unlimited.
	Stock []Stock `json:"stock" yaml:"stock"`
}

// Stock is how many instances of a family a zone can hold at once.
type Stock struct {
	Zone string `json:"zone" yaml:"zone"`
	// MachineType is the EcsFamilyName.
	MachineType string `json:"machine_type" yaml:"machine_type"`
	Count       int    `json:"count" yaml:"count"`
}

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
	if c.VPCNotFound == "" {
		c.VPCNotFound = codeNotFound
	}
	for _, n := range []struct {
		value *int
		def   int
	}{{&c.TransitionMS, 300}, {&c.WindowSeconds, 900}, {&c.VPCPageSize, 10}, {&c.CallLogSize, 10000}} {
		if *n.value == 0 {
			*n.value = n.def
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
	if c.VPCPageSize < 0 || c.WindowSeconds < 0 || c.HideNewHostPolls < 0 {
		bad("vpc_page_size, window_seconds and hide_new_host_polls must not be negative")
	}
	names, keys := map[string]bool{}, map[string]bool{}
	for i, a := range c.Accounts {
		errs = append(errs, a.validate(fmt.Sprintf("accounts[%d]", i)))
		if names[a.Name] || keys[a.AccessKey] {
			bad("accounts[%d]: name or access_key is used twice", i)
		}
		names[a.Name], keys[a.AccessKey] = true, true
	}
	errs = append(errs, validateRegions(c.Regions), validateLimits(c.Limits), vocabulary().Validate(c.Faults))
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
	for i, s := range a.Subjects {
		if s.ID <= 0 || s.Name == "" || s.BalanceFen < 0 || s.IncomeFen < s.BalanceFen {
			errs = append(errs, fmt.Errorf("%s.subjects[%d]: set id, name, and no less income_fen than balance_fen", path, i))
		}
	}
	return errors.Join(errs...)
}

func validateRegions(regions []Region) error {
	seen := map[string]bool{}
	for i, r := range regions {
		if r.Code == "" || len(r.Zones) == 0 {
			return fmt.Errorf("regions[%d]: set code and at least one zone", i)
		}
		for _, z := range r.Zones {
			if z.Code == "" || seen[z.Code] {
				return fmt.Errorf("regions[%d].zones: %q is empty or listed twice", i, z.Code)
			}
			seen[z.Code] = true
		}
	}
	return nil
}

func validateLimits(l Limits) error {
	if l.MaxHosts < 0 || l.MaxEIPs < 0 || l.MaxGroups < 0 || l.DiskGB < 0 {
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
