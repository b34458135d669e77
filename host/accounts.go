package host

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tradewind.example/host/guard"
	"tradewind.example/host/session"
	"tradewind.example/sdk/fault"
	pb "tradewind.example/sdk/wire/providerv1"
)

const (
	// maxUnwell bounds how many accounts are remembered; the oldest goes first.
	maxUnwell = 256
	maxReason = 512 // bytes
)

// AccountHealth tells of an account at the cloud that is not served, while the
// plugin itself is well.
type AccountHealth struct {
	Account string // its id
	Reason  string // what the cloud or the plugin said, secrets masked
	Since   time.Time
}

// accounts remembers which accounts are not well, from what calls bring: a check
// that says so, and refused credentials. A later success takes it back. For well
// accounts, the usual case, it costs one load.
type accounts struct {
	redact *session.Redactor
	count  atomic.Int64 // of unwell

	mu     sync.Mutex
	unwell map[string]AccountHealth
}

func newAccounts(redact *session.Redactor) *accounts {
	return &accounts{redact: redact, unwell: map[string]AccountHealth{}}
}

// checked takes in the answer to a check.
func (a *accounts) checked(account string, answer *pb.CheckResponse) {
	if answer.GetOk() {
		a.well(account)
		return
	}
	a.ill(account, answer.GetProblem())
}

// ended takes in how a call of an account ended. A check that ended well has
// said more with its answer.
func (a *accounts) ended(c *guard.Call, err error) {
	switch {
	case c.Route.Account == "" || !c.Sent:
	case err == nil && c.Name() != checkMethod:
		a.well(c.Route.Account)
	case fault.Is(carried(err), fault.ClassUnauthenticated):
		a.ill(c.Route.Account, carried(err).Error())
	}
}

const checkMethod = "PluginService/Check"

func (a *accounts) ill(account, reason string) {
	reason = a.redact.Text(reason)
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	h := AccountHealth{Account: account, Reason: reason, Since: time.Now()}
	if before, ok := a.unwell[account]; ok {
		h.Since = before.Since
	} else if len(a.unwell) >= maxUnwell {
		delete(a.unwell, a.oldest())
	}
	a.unwell[account] = h
	a.count.Store(int64(len(a.unwell)))
}

// oldest needs the lock.
func (a *accounts) oldest() string {
	var found AccountHealth
	for _, h := range a.unwell {
		if found.Account == "" || h.Since.Before(found.Since) {
			found = h
		}
	}
	return found.Account
}

func (a *accounts) well(account string) {
	if a.count.Load() == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.unwell, account)
	a.count.Store(int64(len(a.unwell)))
}

// list returns the unwell accounts by id.
func (a *accounts) list() []AccountHealth {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]AccountHealth, 0, len(a.unwell))
	for _, h := range a.unwell {
		out = append(out, h)
	}
	slices.SortFunc(out, func(x, y AccountHealth) int { return strings.Compare(x.Account, y.Account) })
	return out
}

// tally is the stage that counts and remembers how calls ended.
type tally struct {
	router   *router
	accounts *accounts
}

var _ guard.MessageStage = tally{}

// Begin lets every call pass.
func (tally) Begin(ctx context.Context, _ *guard.Call) (context.Context, error) { return ctx, nil }

// Message sees the answers to checks.
func (t tally) Message(_ context.Context, c *guard.Call, way guard.Direction, m any) {
	if answer, ok := m.(*pb.CheckResponse); ok && way == guard.FromPlugin && c.Route.Account != "" {
		t.accounts.checked(c.Route.Account, answer)
	}
}

// End counts the calls that an open breaker refused for the run that would have
// got them: a version that fails must not look well because it is spared. The
// router counts those that were sent.
func (t tally) End(_ context.Context, c *guard.Call, err error) {
	t.accounts.ended(c, err)
	if c.Sent || !fault.Is(err, fault.ClassUnavailable) {
		return
	}
	if r, ok := t.router.plugin.routes.Load().peek(c.Route, c.Routed); ok {
		r.count(err)
	}
}
