package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
	"unicode"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// pageSize is how many rows are asked for at once.
const pageSize = 100

// nameMost is the longest name, in characters.
const nameMost = 65

var (
	notName = regexp.MustCompile(`[^\p{Han}A-Za-z0-9_/.-]+`)
	goodID  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$`)
)

// idOf refuses ids that the cloud cannot have given: they become parts of paths.
func idOf(thing, id string) error {
	switch {
	case id == "":
		return fault.Invalid("id", "is required")
	case !goodID.MatchString(id):
		return fault.NotFound(thing, id)
	}
	return nil
}

// nameOf is a name as the cloud allows it: it begins with a letter.
func nameOf(name, otherwise string) string {
	name = strings.Trim(notName.ReplaceAllString(name, "-"), "-")
	if name == "" {
		name = otherwise
	}
	if first := []rune(name)[0]; !unicode.IsLetter(first) {
		name = "n-" + name
	}
	if r := []rune(name); len(r) > nameMost {
		name = string(r[:nameMost])
	}
	return name
}

// goodName refuses a new name that the cloud would not take.
func goodName(name string) error {
	if nameOf(name, "n") != name {
		return fault.Invalid("input.name", "must begin with a letter, then letters, digits, dashes, underscores, slashes and dots, at most %d", nameMost)
	}
	return nil
}

// The cloud's words for how something is paid.
const (
	prepaid  = "Prepaid"
	postpaid = "Postpaid"
	unit     = "Month"
)

// lease is a term in the cloud's words; months is 0 when paid by use.
type lease struct {
	payment string
	months  int
}

// leaseOf is a term as the cloud sells it: by months up to nine, or by years up
// to three.
func leaseOf(t provider.Term) (lease, error) {
	n := max(t.Periods, 1)
	switch {
	case t.Billing == provider.BillingPostpay && (t.Period == provider.PeriodHour || t.Period == provider.PeriodNone || t.Period == ""):
		return lease{payment: postpaid}, nil
	case t.Billing == provider.BillingPostpay:
		return lease{}, fault.Invalid("term.period", "what is paid by use is counted by the hour")
	case t.Billing == provider.BillingOnce:
		return lease{}, fault.Invalid("term.billing", "%q is not sold: take prepaid or postpay", t.Billing)
	case t.Period == provider.PeriodYear && n <= 3:
		return lease{payment: prepaid, months: 12 * n}, nil
	case t.Period == provider.PeriodMonth && (n <= 9 || n == 12 || n == 24 || n == 36):
		return lease{payment: prepaid, months: n}, nil
	case t.Period == provider.PeriodYear || t.Period == provider.PeriodMonth:
		return lease{}, fault.Invalid("term.periods", "the cloud sells 1 to 9 months, or 1 to 3 years")
	}
	return lease{}, fault.Invalid("term.period", "%q is not sold: take month or year", t.Period)
}

// one refuses more than one thing: a token buys one.
func one(t provider.Term) error {
	if t.Quantity > 1 {
		return fault.Invalid("term.quantity", "must be 1: one token buys one")
	}
	return nil
}

func billingOf(payment string) provider.BillingMethod {
	switch {
	case strings.EqualFold(payment, prepaid):
		return provider.BillingPrepaid
	case strings.EqualFold(payment, postpaid):
		return provider.BillingPostpay
	}
	return ""
}

// moment is a time of the cloud in UTC; what cannot be read is not told.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// wireTime is how the billing calls write a time.
const wireTime = "2006-01-02T15:04:05Z"

// instanceStatus is a server's state in shared words.
func instanceStatus(state string) provider.Status {
	switch state {
	case "Running":
		return provider.StatusRunning
	case "Starting":
		return provider.StatusStarting
	case "Stopping":
		return provider.StatusStopping
	case "Stopped":
		return provider.StatusStopped
	case "Expired", "Recycled":
		return provider.StatusFrozen
	case "Error":
		return provider.StatusError
	case "Deleted":
		return provider.StatusDeleted
	case "Scaling", "SnapshotProcessing", "ImageProcessing", "ChangeVpc":
		return provider.StatusPending
	}
	return provider.StatusUnknown
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
