package main

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/ucloud/ucloud-sdk-go/services/iam"
	"github.com/ucloud/ucloud-sdk-go/services/uaccount"
	"github.com/ucloud/ucloud-sdk-go/ucloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// A sub-account is a project of the account, and with policies in the config
// also a sub user who may use that project alone. Project and user carry the
// name that was asked for, so that a repeat finds them.
//
// The cloud shows a key's private half once. So the user's display name is the
// hash of the token that made it: a repeat with that token, whose answer may
// have been lost, gets a fresh key in place of the old ones; a call with any
// other token gets the account without keys, since somebody has them.

type iamClient = *iam.IAMClient

// subName is what a sub-account may be called: it must fit projects and users.
var subName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,39}$`)

// userPage is how many sub users are asked for at once.
const userPage = 100

// EnsureAccount makes the sub-account of a name if there is none.
func (p *plugin) EnsureAccount(ctx context.Context, req provider.EnsureAccountRequest) (provider.SubAccount, error) {
	var zero provider.SubAccount
	c, err := p.open(req.Call)
	switch {
	case err != nil:
		return zero, err
	case req.Token == "":
		return zero, fault.Invalid("token", "is required")
	case !subName.MatchString(req.Name):
		return zero, fault.Invalid("name", "must be 1 to 40 letters, digits, dots and dashes")
	}
	c = c.at("", "")
	end, err := p.purchases.Take(ctx, c.endpoint+"\n"+c.cfg.PublicKey+"\naccount\n"+req.Name)
	if err != nil {
		return zero, err
	}
	defer end()
	out, err := c.ensureProject(ctx, req.Name)
	if err != nil || c.cfg.SubPolicies == "" {
		return out, err
	}
	return c.ensureUser(ctx, req, out)
}

// ensureProject finds or makes the project.
func (c *cloud) ensureProject(ctx context.Context, name string) (provider.SubAccount, error) {
	name = c.cfg.ProjectPrefix + "-" + name
	out := provider.SubAccount{Name: name}
	all, err := c.projects(ctx)
	if err != nil {
		return out, fault.NotDone(err)
	}
	for _, p := range all {
		if p.ProjectName == name {
			out.ID = p.ProjectId
		}
	}
	if out.ID == "" {
		answer, err := write(ctx, c, uaccount.NewClient, func(k *uaccount.UAccountClient) (*uaccount.CreateProjectResponse, error) {
			r := k.NewCreateProjectRequest()
			r.ProjectName = &name
			return k.CreateProject(r)
		})
		if err != nil {
			return out, err
		}
		out.ID, out.Created = answer.ProjectId, true
	}
	out.Settings = map[string]string{"project_id": out.ID}
	return out, nil
}

// ensureUser finds or makes the project's sub user and, for the token that made
// it, a key.
func (c *cloud) ensureUser(ctx context.Context, req provider.EnsureAccountRequest, out provider.SubAccount) (provider.SubAccount, error) {
	name, mark := c.cfg.ProjectPrefix+"_"+req.Name, "tw-"+tokenHash(req.Token)
	user, err := c.user(ctx, name)
	if err != nil {
		return provider.SubAccount{}, err
	}
	if user == nil {
		if err := c.createUser(ctx, name, mark); err != nil {
			return provider.SubAccount{}, err
		}
		user, out.Created = &iam.Users{UserName: name, DisplayName: mark}, true
	}
	if user.DisplayName != mark {
		return out, nil
	}
	if err := c.attachPolicies(ctx, name, out.ID); err != nil {
		return provider.SubAccount{}, err
	}
	key, err := c.freshKey(ctx, name)
	if err != nil {
		return provider.SubAccount{}, err
	}
	out.Settings["public_key"] = key.AccessKeyID
	out.Credentials = map[string]secret.Value{"private_key": secret.New(key.AccessKeySecret)}
	return out, nil
}

// user finds a sub user by its name; nil is none. The whole list is read: what
// the cloud answers to an unknown name is not documented.
func (c *cloud) user(ctx context.Context, name string) (*iam.Users, error) {
	fetch := func(ctx context.Context, offset, limit int) ([]iam.Users, int, error) {
		answer, err := read(ctx, c, iam.NewClient, func(k iamClient) (*iam.ListUsersResponse, error) {
			r := k.NewListUsersRequest()
			r.Offset, r.Limit = ucloud.String(strconv.Itoa(offset)), ucloud.String(strconv.Itoa(limit))
			return k.ListUsers(r)
		})
		if err != nil {
			return nil, 0, err
		}
		return answer.Users, answer.TotalCount, nil
	}
	var out *iam.Users
	err := page.ByOffset(ctx, page.Options{Size: userPage}, fetch, func(u iam.Users) string { return u.UserName }, func(u iam.Users) error {
		if u.UserName == name {
			out = &u
		}
		return nil
	})
	return out, err
}

// createUser makes a sub user that has keys and cannot sign in.
func (c *cloud) createUser(ctx context.Context, name, mark string) error {
	_, err := write(ctx, c, iam.NewClient, func(k iamClient) (*iam.CreateUserResponse, error) {
		r := k.NewCreateUserRequest()
		r.UserName, r.DisplayName = &name, &mark
		r.AccessKeyStatus, r.LoginProfileStatus = ucloud.String("Active"), ucloud.String("Inactive")
		return k.CreateUser(r)
	})
	return err
}

// attachPolicies limits a sub user to a project.
func (c *cloud) attachPolicies(ctx context.Context, name, project string) error {
	_, err := write(ctx, c, iam.NewClient, func(k iamClient) (*iam.AttachPoliciesToUserResponse, error) {
		r := k.NewAttachPoliciesToUserRequest()
		r.UserName, r.ProjectID, r.Scope = &name, &project, ucloud.String("Specified")
		for urn := range strings.SplitSeq(c.cfg.SubPolicies, ";") {
			if urn = strings.TrimSpace(urn); urn != "" {
				r.PolicyURNs = append(r.PolicyURNs, urn)
			}
		}
		return k.AttachPoliciesToUser(r)
	})
	return err
}

// freshKey makes a key and ends those before it, whose private halves are lost.
func (c *cloud) freshKey(ctx context.Context, name string) (iam.AccessKey, error) {
	old, err := read(ctx, c, iam.NewClient, func(k iamClient) (*iam.ListAccessKeysResponse, error) {
		r := k.NewListAccessKeysRequest()
		r.UserName = &name
		return k.ListAccessKeys(r)
	})
	if err != nil {
		return iam.AccessKey{}, err
	}
	for _, key := range old.AccessKey {
		_, err := write(ctx, c, iam.NewClient, func(k iamClient) (*iam.DeleteAccessKeyResponse, error) {
			r := k.NewDeleteAccessKeyRequest()
			r.AccessKeyID = &key.AccessKeyID
			return k.DeleteAccessKey(r)
		})
		if err != nil {
			return iam.AccessKey{}, err
		}
	}
	made, err := write(ctx, c, iam.NewClient, func(k iamClient) (*iam.CreateAccessKeyResponse, error) {
		r := k.NewCreateAccessKeyRequest()
		r.UserName = &name
		return k.CreateAccessKey(r)
	})
	if err != nil {
		return iam.AccessKey{}, err
	}
	return made.AccessKey, nil
}
