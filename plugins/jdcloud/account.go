package main

import (
	"context"
	"regexp"
	"strings"

	iamapi "github.com/jdcloud-api/jdcloud-sdk-go/services/iam/apis"
	iam "github.com/jdcloud-api/jdcloud-sdk-go/services/iam/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// A sub-account is a sub user with keys of its own. The cloud shows the private
// half of a key once, and has no action that makes another one. So the user's
// description is the hash of the token that made it: a repeat with that token,
// whose answer may have been lost, gets the user made anew; a call with any
// other token gets the account without keys, since somebody has them.

// The ways of customers' accounts.
const (
	modeSubUser = "subuser"
	modePartner = "partner_raw"
)

const (
	// userName is the longest name of a sub user, userPassword the length of the
	// password that nobody knows.
	userName     = 20
	userPassword = 18
	// userMark stands in front of the token's hash.
	userMark = "tw-"
)

var notUserName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// userNameOf is the name of the sub user of an account. Long names end in a
// hash, so that two accounts never share a user.
func (c Config) userNameOf(name string) string {
	out := c.UserPrefix + "-" + name
	if len(out) > userName || notUserName.MatchString(out) {
		out = c.UserPrefix + "-" + tokenHash(name)[:12]
	}
	return out
}

// EnsureAccount makes the sub-account of a name if there is none.
func (p *plugin) EnsureAccount(ctx context.Context, req provider.EnsureAccountRequest) (provider.SubAccount, error) {
	var zero provider.SubAccount
	c, err := p.open(req.Call)
	switch {
	case err != nil:
		return zero, err
	case req.Token == "":
		return zero, fault.Invalid("token", "is required")
	case req.Name == "":
		return zero, fault.Invalid("name", "is required")
	case c.cfg.AccountMode == modePartner:
		return zero, fault.Unsupported("a customer's account is registered with a code sent to its phone: use the actions of the kind %q", kindReseller)
	case c.cfg.AccountMode != modeSubUser:
		return zero, fault.Unsupported("customers' accounts are switched off in this account's settings")
	}
	end, err := p.purchases.Take(ctx, c.key()+"\naccount\n"+req.Name)
	if err != nil {
		return zero, err
	}
	defer end()
	return c.ensureUser(ctx, req)
}

func (c *cloud) ensureUser(ctx context.Context, req provider.EnsureAccountRequest) (provider.SubAccount, error) {
	var zero provider.SubAccount
	name, mark := c.cfg.userNameOf(req.Name), userMark+tokenHash(req.Token)
	user, err := c.user(ctx, name)
	if err != nil {
		return zero, fault.NotDone(err)
	}
	out := provider.SubAccount{ID: name, Name: req.Name}
	if user != nil && user.Description != mark {
		return out, nil
	}
	if user != nil {
		if err := goneIsDone(act(ctx, c, serviceIAM, iamapi.NewDeleteSubUserRequest(name))); err != nil {
			return zero, err
		}
	}
	made, err := c.createUser(ctx, newUser{name: name, nick: req.Name, mark: mark, email: req.Email, keys: true})
	if err != nil {
		return zero, err
	}
	if made.AccessKey == "" || made.SecretAccessKey == "" {
		return zero, fault.Unknown(nil, "the cloud did not show the keys of the new sub user").From(fault.SourceCloud)
	}
	if err := c.attachPolicies(ctx, name); err != nil {
		return zero, uncertain(err)
	}
	out.Created = user == nil
	out.Settings = map[string]string{"access_key": made.AccessKey}
	out.Credentials = map[string]secret.Value{"secret_key": secret.New(made.SecretAccessKey)}
	return out, nil
}

// uncertain is err after a part of the change has happened: a repeat with the
// same token goes on.
func uncertain(err error) error {
	if err == nil || fault.OutcomeOf(err) == fault.OutcomeUnknown {
		return err
	}
	return fault.Unknown(err, "the change was made in part: %s", fault.As(err).Message).From(fault.SourceCloud)
}

// user finds a sub user by its name; nil is none.
func (c *cloud) user(ctx context.Context, name string) (*iam.SubUser, error) {
	return c.userLike(ctx, func(r *iamapi.DescribeSubUsersRequest) { r.SetName(name) }, func(u iam.SubUser) bool { return u.Name == name })
}

// userPage is how many sub users are asked for at once.
const userPage = 100

// userLike finds the first sub user that is the one; narrow is what the cloud
// searches by.
func (c *cloud) userLike(ctx context.Context, narrow func(*iamapi.DescribeSubUsersRequest), is func(iam.SubUser) bool) (*iam.SubUser, error) {
	var out *iam.SubUser
	fetch := func(ctx context.Context, number, size int) ([]iam.SubUser, int, error) {
		req := iamapi.NewDescribeSubUsersRequestWithoutParam()
		req.SetPageNumber(number)
		req.SetPageSize(size)
		narrow(req)
		answer, err := read[iamapi.DescribeSubUsersResult](ctx, c, serviceIAM, req)
		return answer.SubUsers, answer.Total, err
	}
	err := pages(ctx, userPage, fetch, func(u iam.SubUser) string { return u.Name }, func(u iam.SubUser) error {
		if out == nil && is(u) {
			out = &u
		}
		return nil
	})
	return out, err
}

// newUser is a sub user to be made.
type newUser struct {
	name, nick, mark, email, phone string
	keys                           bool
}

// createUser makes a sub user with a password that nobody knows.
func (c *cloud) createUser(ctx context.Context, u newUser) (iam.CreateSubUserRes, error) {
	password := c.madeUpPassword("user "+u.name, u.mark, userPassword)
	no := false
	req := iamapi.NewCreateSubUserRequest(&iam.CreateSubUserInfo{
		Name: u.name, Password: password.Reveal(), Description: &u.mark, NickName: optional(u.nick), Email: optional(u.email),
		Phone: optional(u.phone), CreateAk: &u.keys, NeedResetPassword: &no,
	})
	answer, err := write[iamapi.CreateSubUserResult](ctx, c.hiding(password), serviceIAM, req)
	return answer.SubUser, err
}

// attachPolicies gives a sub user its rights within the resource group; those
// it has are no mistake.
func (c *cloud) attachPolicies(ctx context.Context, name string) error {
	for policy := range strings.SplitSeq(c.cfg.UserPolicies, ";") {
		if policy = strings.TrimSpace(policy); policy == "" {
			continue
		}
		req := iamapi.NewAttachSubUserPolicyRequest(name, policy)
		req.ScopeId = optional(c.cfg.ResourceGroup)
		if err := act(ctx, c, serviceIAM, req); err != nil && !hasCode(err, codeExists) {
			return err
		}
	}
	return nil
}
