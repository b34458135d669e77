package sim

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"
)

// Config describes one cloud. The zero value of every field but Accounts is
// usable.
type Config struct {
	// Now is the clock under the cloud's own offset; nil is time.Now.
	Now func() time.Time `json:"-" yaml:"-"`
	// SignClock judges the age of signatures; nil is time.Now. It is apart
	// from Now, because clients sign with their own clock, however fast the
	// cloud's runs.
	SignClock func() time.Time `json:"-" yaml:"-"`
	// Logger gets one line per failure of the simulator itself; nil discards.
	Logger *slog.Logger `json:"-" yaml:"-"`
	// Accounts are the main accounts of the cloud; at least one.
	Accounts []Account `json:"accounts" yaml:"accounts"`
	// DefaultRegion serves hosts that name none; empty is bj.
	DefaultRegion string `json:"default_region" yaml:"default_region"`
	// QueryAccountID says which id of a customer billing calls take:
	// "user_id", "account_id" or, by default, "either".
	QueryAccountID string `json:"query_account_id" yaml:"query_account_id"`
	// RefundConfirmPath is the path that confirms a refund order; empty is
	// /v1/order/pay, which serves payments too in any case.
	RefundConfirmPath string `json:"refund_confirm_path" yaml:"refund_confirm_path"`
	// RefundAtOnce confirms refund orders without waiting.
	RefundAtOnce bool `json:"refund_at_once" yaml:"refund_at_once"`
	// SignInSeconds is how long a sign-in token lives; 0 is 60.
	SignInSeconds int `json:"sign_in_seconds" yaml:"sign_in_seconds"`
	// TransitionMS is how long one state change takes, in milliseconds of the
	// cloud's clock; 0 is 300, negative is at once.
	TransitionMS int `json:"transition_ms" yaml:"transition_ms"`
	// HideNewHostPolls is how many lists leave a new instance out although it exists.
	HideNewHostPolls int `json:"hide_new_host_polls" yaml:"hide_new_host_polls"`
	// Seed drives fault probabilities.
	Seed uint64 `json:"seed" yaml:"seed"`
	// StateFile keeps purchases across a kill; empty keeps them in memory.
	StateFile string `json:"state_file" yaml:"state_file"`
	// Limits are the stock, quota and rates at start.
	Limits Limits `json:"limits" yaml:"limits"`
	// Faults are in force from the start.
	Faults []Fault `json:"faults" yaml:"faults"`
	// CallLogSize is how many calls the log keeps; 0 is 10000.
	CallLogSize int `json:"call_log_size" yaml:"call_log_size"`
}

// Account is one main account of the cloud with one permanent key pair.
type Account struct {
	// Name identifies the account in the admin API.
	Name string `json:"name" yaml:"name"`
	// ID is the account id; empty is derived from the name.
	ID string `json:"id" yaml:"id"`
	// AccessKey and SecretKey sign requests; the secret has 16 characters at least.
	AccessKey string `json:"access_key" yaml:"access_key"`
	SecretKey string `json:"secret_key" yaml:"secret_key"`
	// Reseller lets the account own customers and act for them.
	Reseller bool `json:"reseller" yaml:"reseller"`
	// Customers exist at first start; later starts read the state file.
	Customers []Customer `json:"customers" yaml:"customers"`
	// BalanceFen is the money at first start; later starts read the state file.
	BalanceFen Fen `json:"balance_fen" yaml:"balance_fen"`
	// PricePercent is what the account and its customers pay of the list price; 0 is 100.
	PricePercent int64 `json:"price_percent" yaml:"price_percent"`
}

// Customer is a sub account of a reseller.
type Customer struct {
	// UserID and AccountID are derived from the name when empty.
	UserID    string `json:"user_id" yaml:"user_id"`
	AccountID string `json:"account_id" yaml:"account_id"`
	Name      string `json:"name" yaml:"name"`
	Email     string `json:"email" yaml:"email"`
	Mobile    string `json:"mobile" yaml:"mobile"`
	Type      string `json:"account_type" yaml:"account_type"`
	Company   string `json:"company" yaml:"company"`
	// BalanceFen is the money at first start.
	BalanceFen Fen `json:"balance_fen" yaml:"balance_fen"`
}

// Limits are the switches for stock, quota and rates. They can change at run time.
type Limits struct {
	// MaxHosts and MaxEIPs are quotas per account and region; 0 is no quota.
	MaxHosts int `json:"max_hosts" yaml:"max_hosts"`
	MaxEIPs  int `json:"max_eips" yaml:"max_eips"`
	// MaxCustomers is a quota per reseller; 0 is no quota.
	MaxCustomers int `json:"max_customers" yaml:"max_customers"`
	// BillRate is how many bill queries an account may send in a second of the
	// cloud's clock; 0 is 20, negative is no bound.
	BillRate int `json:"bill_rate" yaml:"bill_rate"`
	// Stock bounds the living instances per zone and specification; a pair not
	// listed is unlimited.
	Stock []Stock `json:"stock" yaml:"stock"`
}

// Stock is how many instances of a specification a zone can hold at once.
type Stock struct {
	Zone        string `json:"zone" yaml:"zone"`
	MachineType string `json:"machine_type" yaml:"machine_type"`
	Count       int    `json:"count" yaml:"count"`
}

// maxListed bounds the lists of a configuration and of a request.
const maxListed = 200

var (
	namePattern   = regexp.MustCompile(`^[\p{Han}A-Za-z0-9._-]{1,64}$`)
	keyPattern    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	secretPattern = regexp.MustCompile(`^[\x21-\x7e]{16,128}$`)
)

func (c *Config) setDefaults() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.SignClock == nil {
		c.SignClock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.DefaultRegion == "" {
		c.DefaultRegion = "bj"
	}
	if c.QueryAccountID == "" {
		c.QueryAccountID = "either"
	}
	if c.RefundConfirmPath == "" {
		c.RefundConfirmPath = payPath
	}
	if c.SignInSeconds == 0 {
		c.SignInSeconds = 60
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
	if len(c.Accounts) == 0 || len(c.Accounts) > maxListed {
		bad("accounts: give 1 to %d", maxListed)
	}
	if regionNamed(c.DefaultRegion) == nil {
		bad("default_region: %q is not a region of the simulator", c.DefaultRegion)
	}
	if !slices.Contains([]string{"either", "user_id", "account_id"}, c.QueryAccountID) {
		bad("query_account_id: %q is not either, user_id or account_id", c.QueryAccountID)
	}
	if c.CallLogSize < 0 || c.CallLogSize > 1000000 {
		bad("call_log_size: %d is not between 0 and 1000000", c.CallLogSize)
	}
	if c.SignInSeconds < 1 || c.SignInSeconds > 7200 {
		bad("sign_in_seconds: %d is not between 1 and 7200", c.SignInSeconds)
	}
	names, keys := map[string]bool{}, map[string]bool{}
	for i, a := range c.Accounts {
		errs = append(errs, a.validate(fmt.Sprintf("accounts[%d]", i)))
		if names[a.Name] || keys[a.AccessKey] {
			bad("accounts[%d]: name or access_key is used twice", i)
		}
		names[a.Name], keys[a.AccessKey] = true, true
	}
	errs = append(errs, validateLimits(c.Limits), vocabulary().Validate(c.Faults))
	return errors.Join(errs...)
}

func (a *Account) validate(path string) error {
	var errs []error
	if !namePattern.MatchString(a.Name) {
		errs = append(errs, fmt.Errorf("%s.name: %q is not a name of 1 to 64 letters, digits, '-', '_' or '.'", path, a.Name))
	}
	if !keyPattern.MatchString(a.AccessKey) {
		errs = append(errs, fmt.Errorf("%s.access_key: must be 1 to 64 letters, digits, '-' or '_'", path))
	}
	if !secretPattern.MatchString(a.SecretKey) {
		errs = append(errs, fmt.Errorf("%s.secret_key: must be 16 to 128 printable characters", path))
	}
	if a.BalanceFen < 0 {
		errs = append(errs, fmt.Errorf("%s.balance_fen: must not be negative", path))
	}
	if a.PricePercent < 0 || a.PricePercent > 100 {
		errs = append(errs, fmt.Errorf("%s.price_percent: %d is not between 1 and 100", path, a.PricePercent))
	}
	if len(a.Customers) > 0 && !a.Reseller {
		errs = append(errs, fmt.Errorf("%s.customers: only a reseller has customers; set reseller", path))
	}
	for i, u := range a.Customers {
		if !namePattern.MatchString(u.Name) || u.BalanceFen < 0 {
			errs = append(errs, fmt.Errorf("%s.customers[%d]: set a name and a balance of 0 or more", path, i))
		}
	}
	return errors.Join(errs...)
}

func validateLimits(l Limits) error {
	if l.MaxHosts < 0 || l.MaxEIPs < 0 || l.MaxCustomers < 0 {
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
