package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"regexp"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// pageSize is how many rows are asked for at once.
const pageSize = 100

// A thing's name at the cloud is its own, then a mark of the token that made
// it: "web.tw-0123456789abcdef". There is no other place that all things have.
const (
	markSign = ".tw-"
	// nameMost leaves room for the mark in the 60 characters that the cloud
	// allows the shortest of its names.
	nameMost = 40
)

var marked = regexp.MustCompile(`\.tw-([0-9a-f]{16})$`)

// markOf is a token's mark. Tokens are longer than the names of the cloud
// allow, so it is a hash.
func markOf(token string) (string, error) {
	if token == "" {
		return "", fault.Invalid("token", "is required")
	}
	sum := sha256.Sum256([]byte(token))
	return "tw-" + hex.EncodeToString(sum[:8]), nil
}

// split takes a name of the cloud apart; mark is "" for things made elsewhere.
func split(name string) (own, mark string) {
	at := marked.FindStringIndex(name)
	if at == nil {
		return name, ""
	}
	return name[:at[0]], name[at[0]+1:]
}

// join puts a name and a mark together.
func join(own, mark string) string {
	if mark == "" {
		return own
	}
	return own + "." + mark
}

var notName = regexp.MustCompile(`[^\p{Han}A-Za-z0-9._-]+`)

// nameOf is a name as the cloud allows it.
func nameOf(name, otherwise string) string {
	name = strings.Trim(notName.ReplaceAllString(name, "-"), "-.")
	if r := []rune(name); len(r) > nameMost {
		name = strings.Trim(string(r[:nameMost]), "-.")
	}
	return firstText(name, otherwise)
}

// newName checks the new name of a thing that keeps its mark.
func newName(name string) error {
	if len([]rune(name)) > nameMost || notName.MatchString(name) || marked.MatchString(name) {
		return fault.Invalid("input.name", "must have at most %d letters, digits, dots, dashes and underscores", nameMost)
	}
	return nil
}

// The cloud's words for how a server is paid.
const (
	payDemand  = "0"
	payMonthly = "1"
	paySpot    = "3"
)

// term is a term in the cloud's words.
type term struct {
	method string
	months int // 0 for what is paid by use
}

// termOf reads a term: by use, or 1 to 11, 12, 24 or 36 months.
func termOf(t provider.Term) (term, error) {
	n := max(t.Periods, 1)
	switch {
	case t.Billing == provider.BillingPostpay && (t.Period == provider.PeriodHour || t.Period == provider.PeriodNone || t.Period == ""):
		return term{method: payDemand}, nil
	case t.Billing == provider.BillingPostpay:
		return term{}, fault.Invalid("term.period", "what is paid by use is counted by the hour")
	case t.Billing == provider.BillingOnce:
		return term{}, fault.Invalid("term.billing", "%q is not sold: take prepaid or postpay", t.Billing)
	case t.Period == provider.PeriodYear:
		n *= 12
	case t.Period != provider.PeriodMonth:
		return term{}, fault.Invalid("term.period", "%q is not sold: take month or year", t.Period)
	}
	if n > 36 || n > 12 && n%12 != 0 {
		return term{}, fault.Invalid("term.periods", "must be 1 to 11 months, or 1 to 3 years")
	}
	return term{payMonthly, n}, nil
}

// alone refuses an order of several: one token makes one.
func alone(t provider.Term) error {
	if t.Quantity > 1 {
		return fault.Invalid("term.quantity", "must be 1: one token makes one")
	}
	return nil
}

func billingOf(method string) provider.BillingMethod {
	switch method {
	case payMonthly:
		return provider.BillingPrepaid
	case payDemand, paySpot:
		return provider.BillingPostpay
	}
	return ""
}

// moment reads a time of the cloud, which writes those of China. What never
// ends has the year 2099.
func moment(text string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, text, china())
	if err != nil || t.Year() >= 2099 {
		return time.Time{}
	}
	return t.UTC()
}

// instanceStatus is a server's state in shared words.
func instanceStatus(state string) provider.Status {
	switch state {
	case "building":
		return provider.StatusPending
	case "starting_up":
		return provider.StatusStarting
	case "running":
		return provider.StatusRunning
	case "restarting":
		return provider.StatusRebooting
	case "shutting_down", "deleting", "destroying", "recycling":
		return provider.StatusStopping
	case "shutdown":
		return provider.StatusStopped
	case "updating", "creating_image", "recovering", "cancel_recycling":
		return provider.StatusFrozen
	case "deleted", "destroy":
		return provider.StatusDeleted
	case "error", "failed":
		return provider.StatusError
	}
	return provider.StatusUnknown
}

// newPassword makes a password that the cloud accepts: small and capital
// letters and digits. Its own rules are not documented.
func newPassword() (secret.Value, error) {
	sets := []string{"abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789"}
	var b strings.Builder
	for i := range 20 {
		set := sets[i%len(sets)]
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(set))))
		if err != nil {
			return secret.Value{}, fault.Internal(err, "making a password")
		}
		b.WriteByte(set[n.Int64()])
	}
	return secret.New(b.String() + "-x7"), nil
}
