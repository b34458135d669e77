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

// pageSize is the most the cloud gives in one page.
const pageSize = 100

// labelMost is the longest name or tag, in characters.
const labelMost = 63

var label = regexp.MustCompile(`^[\p{Han}A-Za-z0-9._-]{1,63}$`)

// tagOf is a purchase token as the cloud's tag. Another token never gets the
// same tag: one that does not fit the alphabet is replaced by its hash.
func tagOf(token string) (string, error) {
	if token == "" {
		return "", fault.Invalid("token", "is required")
	}
	if label.MatchString(token) && token != defaultTag {
		return token, nil
	}
	sum := sha256.Sum256([]byte(token))
	return "tw-" + hex.EncodeToString(sum[:20]), nil
}

// defaultTag is what the cloud writes where no tag was given.
const defaultTag = "Default"

// tokenOf is a tag as a token.
func tokenOf(tag string) string {
	if tag == defaultTag {
		return ""
	}
	return tag
}

var notLabel = regexp.MustCompile(`[^\p{Han}A-Za-z0-9._-]+`)

// nameOf is a name as the cloud allows it.
func nameOf(name, otherwise string) string {
	name = strings.Trim(notLabel.ReplaceAllString(name, "-"), "-")
	if r := []rune(name); len(r) > labelMost {
		name = string(r[:labelMost])
	}
	return firstText(name, otherwise)
}

// charge is how the cloud calls a way to pay.
const (
	chargeYear    = "Year"
	chargeMonth   = "Month"
	chargeHour    = "Dynamic"
	chargePostpay = "Postpay"
)

// chargeOf is a term as the cloud's charge type and quantity.
func chargeOf(t provider.Term) (charge string, quantity int, err error) {
	n := max(t.Periods, 1)
	switch {
	case t.Billing == provider.BillingPostpay && (t.Period == provider.PeriodHour || t.Period == provider.PeriodNone || t.Period == ""):
		return chargePostpay, 1, nil
	case t.Billing == provider.BillingPostpay:
		return "", 0, fault.Invalid("term.period", "what is paid by use is counted by the hour")
	case t.Billing == provider.BillingOnce:
		return "", 0, fault.Invalid("term.billing", "%q is not sold: take prepaid or postpay", t.Billing)
	case t.Period == provider.PeriodYear:
		return chargeYear, n, nil
	case t.Period == provider.PeriodMonth:
		return chargeMonth, n, nil
	case t.Period == provider.PeriodHour && n == 1:
		return chargeHour, 1, nil
	case t.Period == provider.PeriodHour:
		return "", 0, fault.Invalid("term.periods", "must be 1: the cloud goes on from hour to hour by itself")
	}
	return "", 0, fault.Invalid("term.period", "%q is not sold: take month, year or hour", t.Period)
}

func billingOf(charge string) provider.BillingMethod {
	switch charge {
	case "":
		return ""
	case chargePostpay:
		return provider.BillingPostpay
	}
	return provider.BillingPrepaid
}

// moment is a time of the cloud, in unix seconds; 0 is not told.
func moment(seconds int) time.Time {
	if seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// hostStatus is a server's state in shared words. "Install Fail" has a space
// on the wire, other than in the SDK's constant.
func hostStatus(state string) provider.Status {
	switch state {
	case "Initializing":
		return provider.StatusPending
	case "Starting":
		return provider.StatusStarting
	case "Running":
		return provider.StatusRunning
	case "Stopping":
		return provider.StatusStopping
	case "Stopped":
		return provider.StatusStopped
	case "Rebooting":
		return provider.StatusRebooting
	case "Install Fail", "ResizeFail":
		return provider.StatusError
	}
	return provider.StatusUnknown
}

func eipStatus(state string) provider.Status {
	switch state {
	case "used":
		return provider.StatusBound
	case "free":
		return provider.StatusFree
	case "freeze":
		return provider.StatusFrozen
	}
	return provider.StatusUnknown
}

// newPassword makes a password that the cloud accepts for every system: three
// classes of characters, and dashes so that it cannot be taken for base64.
func newPassword() (secret.Value, error) {
	sets := []string{"abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789"}
	var b strings.Builder
	for i := range 24 {
		if i%6 == 5 {
			b.WriteByte('-')
			continue
		}
		set := sets[i%len(sets)]
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(set))))
		if err != nil {
			return secret.Value{}, fault.Internal(err, "making a password")
		}
		b.WriteByte(set[n.Int64()])
	}
	return secret.New(b.String() + "x7"), nil
}

// isTrue reads the cloud's truth, which is written in several ways.
func isTrue(s string) bool { return strings.EqualFold(s, "true") }
