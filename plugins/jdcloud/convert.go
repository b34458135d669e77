package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	charge "github.com/jdcloud-api/jdcloud-sdk-go/services/charge/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// pageSize is the most the cloud gives in one page.
const pageSize = 100

// tokenKey is the key of the tag whose value is the purchase token.
const tokenKey = "tradewind-token"

var plainToken = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// tagOf is a purchase token as the cloud's client token and tag. Another token
// never gets the same tag: one that does not fit is replaced by its hash.
func tagOf(token string) (string, error) {
	if token == "" {
		return "", fault.Invalid("token", "is required")
	}
	if plainToken.MatchString(token) {
		return token, nil
	}
	return "tw-" + tokenHash(token) + tokenHash("more "+token), nil
}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:10])
}

var notName = regexp.MustCompile(`[^\p{Han}A-Za-z0-9_-]+`)

// The longest names, in characters.
const (
	serverName  = 63
	networkName = 32
)

// nameOf is a name as the cloud allows it for every kind: without brackets,
// which number the servers of a batch.
func nameOf(name, otherwise string, most int) string {
	name = cut(strings.Trim(notName.ReplaceAllString(name, "-"), "-"), most)
	if len([]rune(name)) < 2 {
		name = cut(notName.ReplaceAllString(otherwise, "-"), most)
	}
	return name
}

// goodName refuses a name that the cloud would not take.
func goodName(name string, most int) error {
	if n := len([]rune(name)); n < 2 || n > most || notName.MatchString(name) {
		return fault.Invalid("input.name", "must be 2 to %d letters, digits, dashes, underscores or Chinese characters", most)
	}
	return nil
}

// cut is the first n characters of a text.
func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n])
	}
	return text
}

// The charge modes.
const (
	prepaid  = "prepaid_by_duration"
	postpaid = "postpaid_by_duration"
	byUsage  = "postpaid_by_usage"
)

// The longest terms of one purchase.
const (
	mostMonths = 9
	mostYears  = 3
)

// chargeOf is a term as the cloud's charge. The mode is always given: the
// documents disagree about which one is the default.
func chargeOf(t provider.Term) (*charge.ChargeSpec, error) {
	spec := func(mode string) *charge.ChargeSpec { return &charge.ChargeSpec{ChargeMode: &mode} }
	n := max(t.Periods, 1)
	switch {
	case t.Quantity > 1:
		return nil, fault.Invalid("term.quantity", "must be 1: one token buys one")
	case t.Billing == provider.BillingPostpay && (t.Period == provider.PeriodHour || t.Period == provider.PeriodNone || t.Period == ""):
		return spec(postpaid), nil
	case t.Billing == provider.BillingPostpay:
		return nil, fault.Invalid("term.period", "what is paid by use is counted by the hour")
	case t.Billing == provider.BillingOnce:
		return nil, fault.Invalid("term.billing", "%q is not sold: take prepaid or postpay", t.Billing)
	case t.Period == provider.PeriodMonth && n > mostMonths:
		return nil, fault.Invalid("term.periods", "must be at most %d months: take years", mostMonths)
	case t.Period == provider.PeriodYear && n > mostYears:
		return nil, fault.Invalid("term.periods", "must be at most %d years", mostYears)
	case t.Period == provider.PeriodMonth, t.Period == provider.PeriodYear:
		out, unit, auto := spec(prepaid), string(t.Period), false
		out.ChargeUnit, out.ChargeDuration, out.AutoRenew = &unit, &n, &auto
		return out, nil
	}
	return nil, fault.Invalid("term.period", "%q is not sold: take month or year, or postpay by the hour", t.Period)
}

func billingOf(mode string) provider.BillingMethod {
	switch mode {
	case prepaid:
		return provider.BillingPrepaid
	case postpaid, byUsage:
		return provider.BillingPostpay
	}
	return ""
}

// expires is when a charge ends, zero when it does not.
func expires(c charge.Charge) time.Time {
	if c.ChargeMode != prepaid {
		return time.Time{}
	}
	return moment(c.ChargeExpiredTime)
}

// unexpired tells whether a prepaid term still runs: then a refund ends it.
func unexpired(c charge.Charge, now time.Time) bool {
	end := expires(c)
	return c.ChargeMode == prepaid && (end.IsZero() || now.Before(end))
}

// The cloud's calendar is Beijing's.
func beijing() *time.Location { return time.FixedZone("CST", 8*60*60) }

// moment is a time of the cloud, which comes with a zone or as Beijing's.
func moment(text string) time.Time {
	layout := time.RFC3339
	if len(text) == len(time.DateTime) {
		layout = time.DateTime
	}
	at, err := time.ParseInLocation(layout, text, beijing())
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// serverStatus is a server's state in shared words.
func serverStatus(state string) provider.Status {
	switch state {
	case "pending", "rebuilding", "resizing":
		return provider.StatusPending
	case "starting":
		return provider.StatusStarting
	case "running":
		return provider.StatusRunning
	case "stopping", stateDeleting:
		return provider.StatusStopping
	case "stopped":
		return provider.StatusStopped
	case "rebooting":
		return provider.StatusRebooting
	case "error":
		return provider.StatusError
	case stateTerminated:
		return provider.StatusDeleted
	}
	return provider.StatusUnknown
}

// The states of a server that is going or gone.
const (
	stateDeleting   = "deleting"
	stateTerminated = "terminated"
)

// madeUpPassword is a password that nobody sees and that the cloud accepts. It
// follows from the account's key and the token, so that a repeat of a purchase
// is the same request and the cloud knows it again by its token. Of the three
// sets that take turns, each place has one; so there are neither runs nor words.
func (c *cloud) madeUpPassword(purpose, token string, length int) secret.Value {
	sets := []string{"abefghkmnpqrtuwxyz", "ABEFGHKMNPQRTUWXYZ", "23456789"}
	mac := hmac.New(sha256.New, []byte(c.cfg.SecretKey.Reveal()))
	_, _ = mac.Write([]byte(purpose + "\n" + token))
	sum := mac.Sum(nil)
	var b strings.Builder
	for i := range length {
		set := sets[i%len(sets)]
		b.WriteByte(set[int(sum[i%len(sum)])%len(set)])
	}
	return secret.New(b.String())
}

// optional is a text for a field that may be left out.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func firstText(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// resourceOf makes the untyped form of a thing.
func resourceOf[State any](kind string, t provider.Thing[State]) (*provider.Resource, error) {
	state, err := json.Marshal(t.State)
	if err != nil {
		return nil, fault.Internal(err, "encoding a state")
	}
	return &provider.Resource{
		ID: t.ID, Kind: kind, Name: t.Name, Region: t.Region, Zone: t.Zone, Status: t.Status, RawStatus: t.RawStatus,
		Token: t.Token, Billing: t.Billing, Created: t.Created, Expires: t.Expires, State: state,
	}, nil
}
