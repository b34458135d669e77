package main

import (
	"context"
	"sync"
	"time"

	stsapi "github.com/baidubce/bce-sdk-go/services/sts/api"

	"github.com/baidubce/bce-sdk-go/bce"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/secret"
)

// Work on a customer's own account is done with temporary keys of a role there,
// which the reseller's permanent keys assume. Orders, bills, customers and
// sign-ins go on with the reseller's keys and name the customer.

const (
	// roleSeconds is how long temporary keys are asked for: the most there is.
	roleSeconds = 7200
	// roleMargin is how long before their end temporary keys are no longer used.
	roleMargin = 5 * time.Minute
	// mostRoles bounds the temporary keys that are remembered at once.
	mostRoles = 10_000
)

// keys sign a request.
type keys struct {
	access string
	secret secret.Value
	token  secret.Value // of temporary keys
	role   string       // under which they are remembered; "" for the account's own
}

// roles remembers temporary keys until shortly before they end. Safe for
// concurrent use.
type roles struct {
	clock clock.Clock
	turns once.Turns // so that callers at once ask for the same keys one time

	mu    sync.Mutex
	known map[string]assumed
}

type assumed struct {
	keys
	until time.Time
}

func newRoles(c clock.Clock) *roles { return &roles{clock: c, known: map[string]assumed{}} }

func (r *roles) recall(role string) (keys, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.known[role]
	return k.keys, ok && r.clock.Now().Before(k.until)
}

func (r *roles) remember(k keys, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= mostRoles {
		clear(r.known)
	}
	r.known[k.role] = assumed{k, until}
}

// forget drops keys that the cloud refused.
func (r *roles) forget(role string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, role)
}

// assumes tells whether the account's requests go to a customer's own account.
func (c *cloud) assumes() bool { return c.cfg.AssumeRole != "" }

// keysFor are the keys that a service is asked with.
func (c *cloud) keysFor(ctx context.Context, s service) (keys, error) {
	own := keys{access: c.cfg.AccessKey, secret: c.cfg.SecretKey, token: c.cfg.SecurityToken}
	if !c.assumes() || (s != compute && s != elastic) {
		return own, nil
	}
	role := c.owner() + "\n" + c.cfg.AssumeRole
	if k, ok := c.roles.recall(role); ok {
		return k, nil
	}
	end, err := c.roles.turns.Take(ctx, role)
	if err != nil {
		return keys{}, err
	}
	defer end()
	if k, ok := c.roles.recall(role); ok {
		return k, nil
	}
	return c.assume(ctx, role)
}

// assume gets temporary keys. Asking again harms nobody: each answer has keys of
// its own.
func (c *cloud) assume(ctx context.Context, role string) (keys, error) {
	began := c.roles.clock.Now()
	answer, err := read(ctx, c, tokens, func(k *bce.BceClient) (*stsapi.Credential, error) {
		return stsapi.AssumeRole(k, &stsapi.AssumeRoleArgs{
			DurationSeconds: roleSeconds, AccountId: c.cfg.CustomerAccount, UserId: c.cfg.CustomerUser, RoleName: c.cfg.AssumeRole,
		})
	})
	switch {
	case fault.Is(err, fault.ClassNotFound), fault.Is(err, fault.ClassForbidden):
		return keys{}, fault.Forbidden("the role %q of the customer's account cannot be assumed: %s", c.cfg.AssumeRole, fault.As(err).Message).From(fault.SourceCloud)
	case err != nil:
		return keys{}, err
	case answer.AccessKeyId == "" || answer.SecretAccessKey == "" || answer.SessionToken == "":
		return keys{}, fault.Unavailable("the cloud gives no keys for the role").From(fault.SourceCloud)
	}
	out := keys{access: answer.AccessKeyId, secret: secret.New(answer.SecretAccessKey), token: secret.New(answer.SessionToken), role: role}
	until := began.Add(roleSeconds * time.Second)
	if e := answer.Expiration; !e.IsZero() && e.Before(until) {
		until = e
	}
	c.roles.remember(out, until.Add(-roleMargin))
	return out, nil
}
