package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// An app's name at the console is its own, then a mark of the token that made
// it: "shop.tw-0123456789abcdef". The console lets a name be used once in a
// team and region, so one token cannot make two apps, whoever asks.
//
// nameMost leaves room for the mark.
const nameMost = 100

var marked = regexp.MustCompile(`\.tw-([0-9a-f]{16})$`)

// markOf is a token's mark: a hash, since tokens have any length and letters.
func markOf(token string) (string, error) {
	if token == "" {
		return "", fault.Invalid("token", "is required")
	}
	sum := sha256.Sum256([]byte(token))
	return "tw-" + hex.EncodeToString(sum[:8]), nil
}

// split takes a name of the console apart; mark is "" for apps made elsewhere.
func split(name string) (own, mark string) {
	at := marked.FindStringIndex(name)
	if at == nil {
		return name, ""
	}
	return name[:at[0]], name[at[0]+1:]
}

var notName = regexp.MustCompile(`[^\p{Han}A-Za-z0-9._-]+`)

// nameOf is a name as the console allows it.
func nameOf(name string) string {
	name = strings.Trim(notName.ReplaceAllString(name, "-"), "-.")
	if r := []rune(name); len(r) > nameMost {
		name = strings.Trim(string(r[:nameMost]), "-.")
	}
	return firstText(name, "app")
}

// store is where an app model is installed from, in the console's words.
type store struct{ URL, Domain, Type string }

// purchase is what an order asked for. It stands in the app's note, so that any
// process can go on with an install that another one began.
type purchase struct {
	at             time.Time // to the second
	deploy         bool
	model, version string
	billing        provider.BillingMethod
	store          store // zero: the account's
}

// noted ends a note that carries a purchase.
var noted = regexp.MustCompile(`(?s)^(.*?)\n?\[tradewind ([^\s\]]+)\]$`)

// note is the console's note of an app: the customer's own, then the purchase.
func (b purchase) note(own string) string {
	q := url.Values{"at": {strconv.FormatInt(b.at.Unix(), 10)}, "model": {b.model}, "version": {b.version}}
	if b.deploy {
		q.Set("deploy", "1")
	}
	for name, text := range map[string]string{"pay": string(b.billing), "url": b.store.URL, "domain": b.store.Domain, "type": b.store.Type} {
		if text != "" {
			q.Set(name, text)
		}
	}
	out := "[tradewind " + q.Encode() + "]"
	if own != "" {
		out = own + "\n" + out
	}
	return out
}

// purchaseOf reads a note; ok is false for one that somebody else wrote.
func purchaseOf(note string) (own string, b purchase, ok bool) {
	parts := noted.FindStringSubmatch(note)
	if parts == nil {
		return note, purchase{}, false
	}
	q, err := url.ParseQuery(parts[2])
	if err != nil {
		return note, purchase{}, false
	}
	seconds, err := strconv.ParseInt(q.Get("at"), 10, 64)
	if err != nil || q.Get("model") == "" || q.Get("version") == "" {
		return note, purchase{}, false
	}
	return parts[1], purchase{
		at: time.Unix(seconds, 0).UTC(), deploy: q.Get("deploy") == "1", model: q.Get("model"), version: q.Get("version"),
		billing: provider.BillingMethod(q.Get("pay")), store: store{q.Get("url"), q.Get("domain"), q.Get("type")},
	}, true
}

// alone refuses an order of several: one token makes one.
func alone(t provider.Term) error {
	if t.Quantity > 1 {
		return fault.Invalid("term.quantity", "must be 1: one token makes one")
	}
	return nil
}

// statusOf is a component's state in shared words. No word at all means that
// the console cannot reach the cluster: that is not a stop.
func statusOf(word string) provider.Status {
	switch strings.ToLower(word) {
	case "running", "succeeded":
		return provider.StatusRunning
	case "starting", "checking", "creating", "waiting", "upgrade", "restoring":
		return provider.StatusStarting
	case "stopping", "stoping":
		return provider.StatusStopping
	case "closed", wordUndeployed, "paused":
		return provider.StatusStopped
	case "uncreate":
		return provider.StatusPending
	case "abnormal", "some_abnormal", "unusual", wordFailure:
		return provider.StatusError
	case "owed", "expired":
		return provider.StatusFrozen
	}
	return provider.StatusUnknown
}

// Words that mean more than their status.
const (
	wordUndeployed = "undeploy" // it never ran
	wordFailure    = "failure"  // it does not come back by itself
	rawEmpty       = "empty"
	rawPart        = "part_running"
	rawSilent      = "unknown"
)

// together is the state of an app from those of its components: what is worst,
// or still changing, counts for all.
func together(all []Component) (provider.Status, string) {
	if len(all) == 0 {
		return provider.StatusPending, rawEmpty
	}
	for _, s := range []provider.Status{
		provider.StatusUnknown, provider.StatusError, provider.StatusFrozen, provider.StatusStopping, provider.StatusStarting, provider.StatusPending,
	} {
		i := slices.IndexFunc(all, func(x Component) bool { return x.Status == string(s) })
		if i >= 0 {
			return s, firstText(all[i].RawStatus, rawSilent)
		}
	}
	running := slices.ContainsFunc(all, func(x Component) bool { return x.Status == string(provider.StatusRunning) })
	stopped := slices.ContainsFunc(all, func(x Component) bool { return x.Status == string(provider.StatusStopped) })
	switch {
	case running && stopped:
		return provider.StatusRunning, rawPart
	case stopped:
		return provider.StatusStopped, "closed"
	}
	return provider.StatusRunning, "running"
}

func firstText(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
