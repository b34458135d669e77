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
	// HideNewHostPolls is how many DescribeUHostInstance answers leave a new
	// host out although it exists.
	HideNewHostPolls int `json:"hide_new_host_polls" yaml:"hide_new_host_polls"`
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

// Account is one customer of the cloud with one key pair.
type Account struct {
	// Name identifies the account in the admin API and in the state file.
	Name string `json:"name" yaml:"name"`
	// PublicKey and PrivateKey sign requests.
	PublicKey  string `json:"public_key" yaml:"public_key"`
	PrivateKey string `json:"private_key" yaml:"private_key"`
	// SubUser makes the key an IAM user's: resource calls must name a project.
	SubUser bool `json:"sub_user" yaml:"sub_user"`
	// ChannelKey, when set, must come in the channel-key header (else 174).
	ChannelKey string `json:"channel_key" yaml:"channel_key"`
	// Tokens are the security tokens the account may use.
	Tokens []Token `json:"tokens" yaml:"tokens"`
	// Projects of the account; empty makes one default project.
	Projects []Project `json:"projects" yaml:"projects"`
	// BalanceFen is the money at first start; later starts read the state file.
	BalanceFen Fen `json:"balance_fen" yaml:"balance_fen"`
	// PricePercent is what the account pays of the list price; 0 is 100.
	PricePercent int64 `json:"price_percent" yaml:"price_percent"`
}

// Token is a temporary security token.
type Token struct {
	Value string `json:"value" yaml:"value"`
	// ExpiresUnix is in seconds; 0 never expires.
	ExpiresUnix int64 `json:"expires_unix" yaml:"expires_unix"`
}

// Project is a folder of resources within an account.
type Project struct {
	ID   string `json:"id" yaml:"id"`
	Name string `json:"name" yaml:"name"`
	// Default marks the project used when a request names none.
	Default bool `json:"default" yaml:"default"`
}

// Limits are the switches for stock and quota. They can change at run time.
type Limits struct {
	// MaxHosts and MaxEIPs are quotas per account and region; 0 is no quota.
	MaxHosts int `json:"max_hosts" yaml:"max_hosts"`
	MaxEIPs  int `json:"max_eips" yaml:"max_eips"`
	// MaxFirewalls and MaxVPCs are quotas per project and region; 0 is no quota.
	MaxFirewalls int `json:"max_firewalls" yaml:"max_firewalls"`
	MaxVPCs      int `json:"max_vpcs" yaml:"max_vpcs"`
	// Stock bounds the living hosts per zone and machine type; a pair not
	// listed is unlimited.
	Stock []Stock `json:"stock" yaml:"stock"`
}

// Stock is how many hosts of a machine type a zone can hold at once.
type Stock struct {
	Zone        string `json:"zone" yaml:"zone"`
	MachineType string `json:"machine_type" yaml:"machine_type"`
	Count       int    `json:"count" yaml:"count"`
}

var keyPattern = regexp.MustCompile(`^[\x21-\x7e]{1,200}$`)

func (c *Config) setDefaults() {
	if c.Now == nil {
		c.Now = time.Now
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
	if c.TransitionMS == 0 {
		c.TransitionMS = 300
	}
	if c.CallLogSize == 0 {
		c.CallLogSize = 10000
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
	names, keys := map[string]bool{}, map[string]bool{}
	for i, a := range c.Accounts {
		errs = append(errs, a.validate(fmt.Sprintf("accounts[%d]", i)))
		if names[a.Name] || keys[a.PublicKey] {
			bad("accounts[%d]: name or public_key is used twice", i)
		}
		names[a.Name], keys[a.PublicKey] = true, true
	}
	errs = append(errs, validateLimits(c.Limits), vocabulary().Validate(c.Faults))
	return errors.Join(errs...)
}

func (a *Account) validate(path string) error {
	var errs []error
	if !labelPattern.MatchString(a.Name) {
		errs = append(errs, fmt.Errorf("%s.name: %q is not a name of 1 to 63 letters, digits, '-', '_' or '.'", path, a.Name))
	}
	if !keyPattern.MatchString(a.PublicKey) || !keyPattern.MatchString(a.PrivateKey) {
		errs = append(errs, fmt.Errorf("%s: public_key and private_key must be 1 to 200 printable characters", path))
	}
	if a.BalanceFen < 0 {
		errs = append(errs, fmt.Errorf("%s.balance_fen: must not be negative", path))
	}
	if a.PricePercent < 0 || a.PricePercent > 100 {
		errs = append(errs, fmt.Errorf("%s.price_percent: %d is not between 1 and 100", path, a.PricePercent))
	}
	defaults := 0
	for i, p := range a.Projects {
		if p.ID == "" {
			errs = append(errs, fmt.Errorf("%s.projects[%d].id: must be set", path, i))
		}
		if p.Default {
			defaults++
		}
	}
	if len(a.Projects) > 0 && defaults != 1 {
		errs = append(errs, fmt.Errorf("%s.projects: mark exactly one as default", path))
	}
	return errors.Join(errs...)
}

func validateLimits(l Limits) error {
	if l.MaxHosts < 0 || l.MaxEIPs < 0 || l.MaxFirewalls < 0 || l.MaxVPCs < 0 {
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
