package guard

import (
	"context"
	"slices"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
)

// Rule is how calls of one method are bounded.
type Rule struct {
	// Deadline is what a call without a deadline of its own gets; 0 only for
	// the link, which ends with its session.
	Deadline time.Duration
	// Max caps the deadline that a caller may set; 0 only for the link.
	Max time.Duration
	// Change marks methods that may change something at the cloud. An action
	// changes something when it has a token, whatever stands here.
	Change bool
	// Standing streams stay open for long: they take no slot of the bulkhead and
	// say nothing about how well the cloud serves.
	Standing bool
	// Idle is how long a stream between a person and a resource may pass nothing;
	// 0: for ever. Such streams are standing. They take a slot of their own
	// bulkhead, and an open breaker refuses them but learns nothing from them.
	Idle time.Duration
	// Unbroken methods pass an open breaker and feed none: they are about the
	// plugin itself, or how a person finds out whether an account works again.
	Unbroken bool
}

// Times replaces the times of one method's rule; zero keeps the table's.
type Times struct {
	Deadline time.Duration
	Max      time.Duration
	Idle     time.Duration // of logs and consoles
}

// unlisted bounds a method that a newer SDK has and this table has not.
var unlisted = read(30 * time.Second)

// The ratio of what a caller may ask for to what it gets unasked.
const patience = 10

func read(d time.Duration) Rule   { return Rule{Deadline: d, Max: patience * d} }
func change(d time.Duration) Rule { return Rule{Deadline: d, Max: patience * d, Change: true} }
func own(d time.Duration) Rule    { return Rule{Deadline: d, Max: patience * d, Unbroken: true} }

// longestTalk bounds a stream in which something passes all the time.
const longestTalk = 12 * time.Hour

func talk(idle time.Duration) Rule {
	return Rule{Deadline: longestTalk, Max: longestTalk, Standing: true, Idle: idle}
}

const service = "/tradewind.provider.v1."

// Rules returns the table of all methods, by full gRPC name. The deadlines are
// a safety net for a forgotten one: callers that know better set their own.
func Rules() map[string]Rule {
	return map[string]Rule{
		service + "PluginService/Describe": own(10 * time.Second),
		service + "PluginService/Check":    own(30 * time.Second),
		service + "PluginService/Health":   own(5 * time.Second),
		service + "PluginService/Diagnose": own(5 * time.Second),
		service + "PluginService/Shutdown": own(10 * time.Second),

		service + "RegionsService/Regions":     read(30 * time.Second),
		service + "OfferingsService/Offerings": read(5 * time.Minute),
		service + "QuotesService/Quote":        read(30 * time.Second),
		service + "PlacementsService/Place":    read(30 * time.Second),

		service + "ResourcesService/Create":      change(2 * time.Minute),
		service + "ResourcesService/Get":         read(30 * time.Second),
		service + "ResourcesService/List":        read(5 * time.Minute),
		service + "ResourcesService/Update":      change(2 * time.Minute),
		service + "ResourcesService/Delete":      change(2 * time.Minute),
		service + "ResourcesService/FindByToken": read(time.Minute),
		service + "ResourcesService/Act":         change(2 * time.Minute),
		service + "ResourcesService/Renew":       change(2 * time.Minute),
		service + "OperationsService/Operation":  read(30 * time.Second),

		service + "AccountsService/EnsureAccount":         change(time.Minute),
		service + "AccountsService/SignInLink":            read(30 * time.Second),
		service + "VendorOrdersService/VendorOrders":      read(5 * time.Minute),
		service + "VendorOrdersService/PayVendorOrder":    change(time.Minute),
		service + "VendorOrdersService/CancelVendorOrder": change(time.Minute),
		service + "VendorOrdersService/RefundVendorOrder": change(time.Minute),

		service + "BillingService/BillLines": read(30 * time.Minute),
		service + "BillingService/Usage":     read(30 * time.Minute),
		service + "BillingService/Balance":   read(30 * time.Second),
		service + "ImportsService/Import":    read(10 * time.Minute),
		service + "EventsService/Events":     {Deadline: 24 * time.Hour, Max: 24 * time.Hour, Standing: true, Unbroken: true},
		service + "StreamsService/Logs":      talk(30 * time.Minute),
		service + "StreamsService/Console":   talk(15 * time.Minute),
		service + "HostLinkService/Link":     {Standing: true, Unbroken: true},
	}
}

// RulesWith returns the table with some times replaced, by method name without
// the package ("ResourcesService/Create"). An unknown name, or times that leave
// a deadline above its cap, are an invalid fault. The link takes no times.
func RulesWith(times map[string]Times) (map[string]Rule, error) {
	rules := Rules()
	var wrong []fault.Field
	for name, t := range times {
		rule, ok := rules[service+name]
		if !ok || rule.Deadline == 0 {
			wrong = append(wrong, fault.Field{Path: name, Message: "is not a method with a deadline"})
			continue
		}
		if t.Deadline != 0 {
			rule.Deadline, rule.Max = t.Deadline, max(rule.Max, t.Deadline)
		}
		if t.Max != 0 {
			rule.Max = t.Max
		}
		if rule.Deadline < 0 || rule.Deadline > rule.Max {
			wrong = append(wrong, fault.Field{Path: name, Message: "must have a deadline above zero and not above its maximum"})
		}
		if t.Idle < 0 || t.Idle > 0 && rule.Idle == 0 {
			wrong = append(wrong, fault.Field{Path: name, Message: "cannot be idle: only logs and consoles can, for a time above zero"})
		} else if t.Idle > 0 {
			rule.Idle = t.Idle
		}
		rules[service+name] = rule
	}
	slices.SortFunc(wrong, func(a, b fault.Field) int { return strings.Compare(a.Path, b.Path) })
	return rules, fault.InvalidFields(wrong)
}

// deadline is the stage that bounds every call. A caller's own deadline is kept
// when it is shorter than the rule's maximum.
type deadline struct{}

// Begin gives the call its deadline. A stream always gets a context of its own,
// which its end cancels.
func (deadline) Begin(ctx context.Context, c *Call) (context.Context, error) {
	bound, bounded := c.bound(ctx)
	switch {
	case bounded:
		ctx, c.release = context.WithTimeout(ctx, bound)
	case c.Streaming:
		ctx, c.release = context.WithCancel(ctx)
	}
	return ctx, nil
}

// bound returns what the rule adds to the caller's own deadline, if anything.
func (c *Call) bound(ctx context.Context) (time.Duration, bool) {
	if c.Rule.Deadline == 0 {
		return 0, false
	}
	at, has := ctx.Deadline()
	if !has {
		return c.Rule.Deadline, true
	}
	return c.Rule.Max, at.Sub(c.Begun) > c.Rule.Max
}

// End frees what the deadline holds.
func (deadline) End(_ context.Context, c *Call, _ error) {
	if c.release != nil {
		c.release()
	}
}
