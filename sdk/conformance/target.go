package conformance

import (
	"context"
	"encoding/json"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// Target is the plugin to check. Set exactly one of New, Binary and Conn.
type Target struct {
	// New makes the provider to check in this process. It is called more than
	// once: the description of two instances is compared.
	New func() (provider.Provider, error)
	// Binary is the path of a built plugin.
	Binary string
	// Conn is a connection to a running plugin, through a host for example. It
	// stays the caller's: what ends a plugin is not proved then.
	Conn grpc.ClientConnInterface
	// Manifest is what was published for the plugin, compared with what it
	// describes; nil: there is none.
	Manifest json.RawMessage
	// Fixture is what the suite may work with.
	Fixture Fixture
	// Wrap, when set, stands between suite and plugin. It is for proving that
	// the suite finds what a plugin that is not made with this SDK can break.
	Wrap func(grpc.ClientConnInterface) grpc.ClientConnInterface
}

// Org is the org, and the root org, of all calls of the suite.
const Org = "conformance"

// Fixture is what an author gives for the suite to work with. Everything is
// optional: a rule that needs what is missing is skipped and says so. The zero
// value proves what needs no cloud.
type Fixture struct {
	// Account is good. The suite plants no secrets of its own: the texts in its
	// credentials are the markers that must show up nowhere, so they must be
	// unlike any other text (8 bytes at least).
	Account provider.Account
	// Wrong is an account that the cloud refuses; no credentials: there is none.
	Wrong provider.Account
	// Other is a second good account, of somebody else; without an id there is none.
	Other provider.Account

	Region, Zone string // where to make resources
	Locale       string // "": "zh-CN"

	// Kinds says by name how to make one of each kind; kinds that are not in it
	// are only read.
	Kinds map[string]Kind
	// Own names kinds that have the name of a common one (package kinds) and a
	// spec and state of the plugin's own: only what is named like a common field
	// is held to its type. Calls that work on other clouds do not work on these.
	Own []string
	// Big names a list of at least 100,000 rows; nil: there is none.
	Big *Big
	// Window is a time window with bill lines and usage records; zero: the last day.
	Window Window
	// SubAccount is the name of a sub-account that may be made; "": none.
	SubAccount string
	// Cloud is what can go wrong on demand; nil: nothing.
	Cloud Cloud
	// Alone says that the plugin asks nobody, no cloud and no storage, so that
	// nothing can go wrong for it.
	Alone bool
	// Host serves a provider.HostUser; nil: a new plugintest.Host. One that fails
	// on demand can be the Cloud too.
	Host provider.HostServices
	// Now is the cloud's time; nil: the machine's.
	Now func() time.Time
	// Advance lets time pass at the cloud, so that operations end without
	// waiting; nil: the suite waits for real.
	Advance func(d time.Duration)
}

// Kind says how to make and change one resource of a kind.
type Kind struct {
	Name   string          // of the resource; "": "conformance"
	Spec   json.RawMessage // a spec that can be ordered
	Update json.RawMessage // a spec to change it to; nil: updates are not checked
	Term   provider.Term
	// Actions are good inputs by the action's name; others are called with a
	// wrong input only.
	Actions map[string]json.RawMessage
	// Many is how many resources to list, more than a page of the cloud if
	// possible; 0: 3.
	Many int
	// Commands are what its console can run; nil: its console is only checked
	// for what does not exist.
	Commands *Commands
}

// Commands are commands for a console, run without a terminal. They are those
// of the author's simulator when there is no machine behind it.
type Commands struct {
	Exit  []string // ends at once with Code, having written Says and at most a line end after it
	Code  int      // other than 0
	Says  string   // without a line end; "": whatever it likes
	Echo  []string // writes what it reads until its input ends, and ends with 0
	Flood []string // writes without end, whoever reads; nil: there is none
}

// Window is a half-open span of time.
type Window struct{ From, To time.Time }

// Big names a long list.
type Big struct {
	Account provider.Account
	Stream  Stream
	Kind    string // of the resources, for StreamList
	Rows    int    // how many there are at least; 0: 100,000
}

// Stream names a list of the contract.
type Stream string

// The streams.
const (
	StreamList         Stream = "list"
	StreamImport       Stream = "import"
	StreamOfferings    Stream = "offerings"
	StreamBillLines    Stream = "bill_lines"
	StreamUsage        Stream = "usage"
	StreamVendorOrders Stream = "vendor_orders"
)

// Cloud is what the author's simulator can do wrong on demand. A fault is in
// force until Clear, replaces the one before it, and concerns every account. A
// method returns an unsupported fault for what the cloud cannot do; the rules
// that need it are skipped then.
type Cloud interface {
	// LoseAnswers lets every create happen and its answer be lost.
	LoseAnswers(ctx context.Context) error
	// Delay makes every call to the cloud take at least d.
	Delay(ctx context.Context, d time.Duration) error
	// Refuse makes the cloud refuse every create for a reason that the plugin
	// must report as class: throttled, quota, out_of_stock …
	Refuse(ctx context.Context, class fault.Class) error
	// Clear ends every fault.
	Clear(ctx context.Context) error
}

// Overlay is implemented by a [Cloud] whose faults are settings of the account:
// what it returns goes over the settings of every account in use.
type Overlay interface{ Settings() map[string]string }

// Switches is a [Cloud] for plugins whose settings make their cloud misbehave.
// Each value is the settings to put over the account's while the fault is in
// force; nil: the cloud cannot do it. Make it with new and use it for one run.
type Switches struct {
	Lose    map[string]string                 // for LoseAnswers
	Slow    map[string]string                 // for Delay: by at least a minute, whatever is asked for
	Refused map[fault.Class]map[string]string // for Refuse

	on map[string]string
}

// LoseAnswers turns Lose on.
func (s *Switches) LoseAnswers(context.Context) error { return s.turn(s.Lose, "lose answers") }

// Delay turns Slow on.
func (s *Switches) Delay(context.Context, time.Duration) error { return s.turn(s.Slow, "be slow") }

// Refuse turns the settings of class on.
func (s *Switches) Refuse(_ context.Context, class fault.Class) error {
	return s.turn(s.Refused[class], "refuse with the class "+class.String())
}

// Clear turns everything off.
func (s *Switches) Clear(context.Context) error { s.on = nil; return nil }

// Settings returns what is on.
func (s *Switches) Settings() map[string]string { return s.on }

func (s *Switches) turn(settings map[string]string, what string) error {
	if settings == nil {
		return fault.Unsupported("this cloud has no switch to %s", what)
	}
	s.on = settings
	return nil
}
