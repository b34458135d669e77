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
	// RealNow is the clock that timestamps and nonces are held against; nil is time.Now.
	RealNow func() time.Time `json:"-" yaml:"-"`
	// Logger gets one line per failure of the simulator itself; nil discards.
	Logger *slog.Logger `json:"-" yaml:"-"`
	// Accounts are the customers of the cloud; at least one.
	Accounts []Account `json:"accounts" yaml:"accounts"`
	// SignIn is the distributor's sign-in, which is assumed.
	SignIn SignIn `json:"sign_in" yaml:"sign_in"`
	// TransitionMS is how long one step of asynchronous work takes, in
	// milliseconds of the cloud's clock; 0 is 300, negative is at once.
	TransitionMS int `json:"transition_ms" yaml:"transition_ms"`
	// BusinessStatus is the HTTP status of refused business; 0 is 200. With
	// one of 400 to 499 the body's Code is a number all the same.
	BusinessStatus int `json:"business_status" yaml:"business_status"`
	// AnyVerb accepts GET and POST for every action.
	AnyVerb bool `json:"any_verb" yaml:"any_verb"`
	// CallsPerMinute bounds the calls of an account by the real clock; 0 is without limit.
	CallsPerMinute int `json:"calls_per_minute" yaml:"calls_per_minute"`
	// StateFile keeps what was changed across a kill of the process; empty keeps nothing.
	StateFile string `json:"state_file" yaml:"state_file"`
	// Seed drives fault probabilities.
	Seed uint64 `json:"seed" yaml:"seed"`
	// Faults are in force from the start.
	Faults []Fault `json:"faults" yaml:"faults"`
	// CallLogSize is how many calls the log keeps; 0 is 10000.
	CallLogSize int `json:"call_log_size" yaml:"call_log_size"`
}

// Account is one customer of the cloud with one key pair.
type Account struct {
	// Name identifies the account in the admin API.
	Name string `json:"name" yaml:"name"`
	// AccessKeyID and AccessKeySecret sign requests.
	AccessKeyID     string `json:"access_key_id" yaml:"access_key_id"`
	AccessKeySecret string `json:"access_key_secret" yaml:"access_key_secret"`
	// SecurityToken, when set, must come with every request.
	SecurityToken string `json:"security_token" yaml:"security_token"`
	// Disabled keys are refused as inactive.
	Disabled bool `json:"disabled" yaml:"disabled"`
	// ReadOnly accounts may change nothing: Forbidden.RAM.
	ReadOnly bool `json:"read_only" yaml:"read_only"`
	// BalanceFen is the account's money. JST takes none of it: it is taken here,
	// so that all simulators can be given the same accounts, and not kept.
	BalanceFen int64 `json:"balance_fen" yaml:"balance_fen"`
	// Apps is how many applications the account has from the start.
	Apps int `json:"apps" yaml:"apps"`
}

// SignIn configures the assumed sign-in; without AppID it answers 404.
type SignIn struct {
	AppID     string `json:"app_id" yaml:"app_id"`
	AppSecret string `json:"app_secret" yaml:"app_secret"`
	// AllowHosts are the hosts a login may lead to.
	AllowHosts []string `json:"allow_hosts" yaml:"allow_hosts"`
	// PageURL is the base of links, as they are seen from outside; empty is where the request came to.
	PageURL string `json:"page_url" yaml:"page_url"`
	// TokenSeconds is how long a link lives; 0 is 60.
	TokenSeconds int `json:"token_seconds" yaml:"token_seconds"`
}

var (
	keyPattern  = regexp.MustCompile(`^[\x21-\x7e]{1,200}$`)
	namePattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,63}$`)
)

func (c *Config) setDefaults() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.RealNow == nil {
		c.RealNow = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.TransitionMS == 0 {
		c.TransitionMS = 300
	}
	if c.BusinessStatus == 0 {
		c.BusinessStatus = 200
	}
	if c.CallLogSize == 0 {
		c.CallLogSize = 10000
	}
	if c.SignIn.TokenSeconds == 0 {
		c.SignIn.TokenSeconds = 60
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
	if c.BusinessStatus != 200 && (c.BusinessStatus < 400 || c.BusinessStatus > 499) {
		bad("business_status: %d is neither 200 nor between 400 and 499", c.BusinessStatus)
	}
	if c.CallsPerMinute < 0 || c.SignIn.TokenSeconds < 0 {
		bad("calls_per_minute and sign_in.token_seconds must not be negative")
	}
	if (c.SignIn.AppID == "") != (c.SignIn.AppSecret == "") {
		bad("sign_in: give app_id and app_secret, or neither")
	}
	names, keys := map[string]bool{}, map[string]bool{}
	for i, a := range c.Accounts {
		if !namePattern.MatchString(a.Name) {
			bad("accounts[%d].name: %q is not a name of 1 to 63 letters, digits, '-', '_' or '.'", i, a.Name)
		}
		if !keyPattern.MatchString(a.AccessKeyID) || !keyPattern.MatchString(a.AccessKeySecret) {
			bad("accounts[%d]: access_key_id and access_key_secret must be 1 to 200 printable characters", i)
		}
		if a.Apps < 0 || a.Apps > 1000000 {
			bad("accounts[%d].apps: %d is not between 0 and 1000000", i, a.Apps)
		}
		if names[a.Name] || keys[a.AccessKeyID] {
			bad("accounts[%d]: name or access_key_id is used twice", i)
		}
		names[a.Name], keys[a.AccessKeyID] = true, true
	}
	errs = append(errs, vocabulary().Validate(c.Faults))
	return errors.Join(errs...)
}
