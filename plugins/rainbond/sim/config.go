package sim

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"
)

// Config describes one console with its store. The zero value of every field
// but Users is usable.
type Config struct {
	// Now is the clock under the cloud's own offset; nil is time.Now.
	Now func() time.Time `json:"-" yaml:"-"`
	// Logger gets one line per failure of the simulator itself; nil discards.
	Logger *slog.Logger `json:"-" yaml:"-"`
	// Users are those with an access key; at least one.
	Users []User `json:"users" yaml:"users"`
	// Teams exist from the first start; a state file keeps later changes.
	Teams []TeamSeed `json:"teams" yaml:"teams"`
	// Regions replaces the built-in list.
	Regions []Region `json:"regions" yaml:"regions"`
	// StoreKeys are the keys of the store; at least one is built in.
	StoreKeys []StoreKey `json:"store_keys" yaml:"store_keys"`
	// StoreURLs are the addresses under which the console reaches the store;
	// empty lets every address reach it.
	StoreURLs []string `json:"store_urls" yaml:"store_urls"`
	// StoreApps replaces the built-in catalogue of the store.
	StoreApps []StoreApp `json:"store_apps" yaml:"store_apps"`
	// TransitionMS is how long one state change takes, in milliseconds of the
	// cloud's clock; 0 is 300, negative is at once.
	TransitionMS int `json:"transition_ms" yaml:"transition_ms"`
	// Seed drives fault probabilities.
	Seed uint64 `json:"seed" yaml:"seed"`
	// StateFile keeps the state across a kill; empty keeps it in memory.
	StateFile string `json:"state_file" yaml:"state_file"`
	// Faults are in force from the start.
	Faults []Fault `json:"faults" yaml:"faults"`
	// CallLogSize is how many calls the log keeps; 0 is 10000.
	CallLogSize int `json:"call_log_size" yaml:"call_log_size"`
}

// User is one person with one access key.
type User struct {
	// Name is the nick name.
	Name string `json:"name" yaml:"name"`
	// Key is the raw access key: 40 lower-case hexadecimal digits.
	Key string `json:"key" yaml:"key"`
	// Admin marks an administrator of the enterprise, who may do everything.
	Admin bool `json:"admin" yaml:"admin"`
	// ExpiresUnix is in seconds; 0 never expires.
	ExpiresUnix int64 `json:"expires_unix" yaml:"expires_unix"`
	// Teams are the names of the teams that the user belongs to.
	Teams []string `json:"teams" yaml:"teams"`
	// Deny are the actions on apps that the user's role lacks: start, stop,
	// upgrade or deploy.
	Deny []string `json:"deny" yaml:"deny"`
}

// TeamSeed is a team that exists from the first start.
type TeamSeed struct {
	// Name is the technical name; the id is derived from it.
	Name string `json:"name" yaml:"name"`
	// Alias is what people read; empty is the name.
	Alias string `json:"alias" yaml:"alias"`
	// Regions are the names of the regions that the team has opened.
	Regions []string `json:"regions" yaml:"regions"`
}

// Region is one cluster.
type Region struct {
	Name  string `json:"name" yaml:"name"`
	Alias string `json:"alias" yaml:"alias"`
	// Status is 0 editing, 1 on, 2 off, 3 maintenance.
	Status string `json:"status" yaml:"status"`
	// CPU in cores, MemoryMB and DiskGB are what the cluster has. Components
	// that would need more memory are not started.
	CPU      int `json:"cpu" yaml:"cpu"`
	MemoryMB int `json:"memory_mb" yaml:"memory_mb"`
	DiskGB   int `json:"disk_gb" yaml:"disk_gb"`
	Nodes    int `json:"nodes" yaml:"nodes"`
}

// StoreKey opens the store.
type StoreKey struct {
	Key string `json:"key" yaml:"key"`
	// Denied makes the store answer 403 to it.
	Denied bool `json:"denied" yaml:"denied"`
}

var (
	labelPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)
	keyPattern   = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// maxConfigured bounds every list of the configuration.
const maxConfigured = 10000

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
	if c.StoreApps == nil {
		c.StoreApps = defaultStoreApps()
	}
	if c.StoreKeys == nil {
		c.StoreKeys = []StoreKey{{Key: "store-key"}}
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
	if len(c.Users) == 0 {
		errs = append(errs, errors.New("users: give at least one"))
	}
	if c.CallLogSize < 0 || c.CallLogSize > 1000000 {
		errs = append(errs, fmt.Errorf("call_log_size: %d is not between 0 and 1000000", c.CallLogSize))
	}
	for name, n := range map[string]int{"users": len(c.Users), "teams": len(c.Teams), "regions": len(c.Regions), "store_keys": len(c.StoreKeys)} {
		if n > maxConfigured {
			errs = append(errs, fmt.Errorf("%s: give at most %d", name, maxConfigured))
		}
	}
	errs = append(errs, c.validateUsers(), c.validateTeams(), validateStoreApps(c.StoreApps), vocabulary().Validate(c.Faults))
	return errors.Join(errs...)
}

func (c *Config) validateUsers() error {
	var errs []error
	seen := map[string]bool{}
	for i, u := range c.Users {
		if !labelPattern.MatchString(u.Name) || !keyPattern.MatchString(u.Key) {
			errs = append(errs, fmt.Errorf("users[%d]: give a name, and a key of 40 lower-case hexadecimal digits", i))
		}
		if seen[u.Name] || seen["key "+u.Key] {
			errs = append(errs, fmt.Errorf("users[%d]: name or key is used twice", i))
		}
		seen[u.Name], seen["key "+u.Key] = true, true
		for _, d := range u.Deny {
			if permission(d) == 0 {
				errs = append(errs, fmt.Errorf("users[%d].deny: %q is none of start, stop, upgrade, deploy", i, d))
			}
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validateTeams() error {
	var errs []error
	regions, teams := map[string]bool{}, map[string]bool{}
	for i, r := range c.Regions {
		if !labelPattern.MatchString(r.Name) || regions[r.Name] || !slices.Contains([]string{"0", "1", "2", "3"}, r.Status) {
			errs = append(errs, fmt.Errorf("regions[%d]: give a name of its own and a status of 0 to 3", i))
		}
		if r.CPU < 0 || r.MemoryMB < 0 || r.DiskGB < 0 || r.Nodes < 0 {
			errs = append(errs, fmt.Errorf("regions[%d]: sizes must not be negative", i))
		}
		regions[r.Name] = true
	}
	for i, t := range c.Teams {
		if !labelPattern.MatchString(t.Name) || teams[t.Name] {
			errs = append(errs, fmt.Errorf("teams[%d].name: %q is not a name of its own", i, t.Name))
		}
		teams[t.Name] = true
		for _, r := range t.Regions {
			if !regions[r] {
				errs = append(errs, fmt.Errorf("teams[%d].regions: %q is not a region", i, r))
			}
		}
	}
	return errors.Join(errs...)
}
