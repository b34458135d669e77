package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// SignInInput says where a sign-in leads.
type SignInInput struct {
	Target string `json:"target,omitempty" max:"2000" title:"Page" doc:"Empty is the first of the account's sign_in_targets"`
}

// SignIn is a one-time link.
type SignIn struct {
	URL     string `json:"url" secret:"true" title:"Link"`
	Expires string `json:"expires,omitempty" title:"End"`
}

// SignInLink makes a link with which the account's customer is signed in.
func (p *plugin) SignInLink(ctx context.Context, req provider.SignInLinkRequest) (provider.SignInLink, error) {
	c, err := p.open(req.Call)
	switch {
	case err != nil:
		return provider.SignInLink{}, err
	case c.cfg.CustomerUser == "":
		return provider.SignInLink{}, fault.Invalid("account.settings.customer_user_id", "is required: it says who is signed in")
	}
	return c.signInLink(ctx, c.cfg.CustomerUser, req.Target)
}

// signIn makes a link for a customer.
func (h customers) signIn(ctx context.Context, req provider.TypedAction[SignInInput]) (provider.ActionResult[SignIn], error) {
	var out provider.ActionResult[SignIn]
	c, err := h.open(req.Call)
	if err != nil {
		return out, err
	}
	link, err := c.signInLink(ctx, req.ID, req.Input.Target)
	if err != nil {
		return out, err
	}
	out.Output = SignIn{URL: link.URL.Reveal(), Expires: link.Expires.Format(time.RFC3339)}
	return out, nil
}

// signInLink gets a token and makes the address of the page that takes it. The
// token is the cloud's secret until it ends, so it is not kept.
func (c *cloud) signInLink(ctx context.Context, user, target string) (provider.SignInLink, error) {
	var out provider.SignInLink
	if err := idOf("customer", user); err != nil {
		return out, err
	}
	if !c.cfg.SecurityToken.IsZero() {
		return out, fault.Precondition("temporary keys cannot sign anybody in: use the account's permanent ones")
	}
	target, err := c.cfg.target(target)
	if err != nil {
		return out, err
	}
	page, err := url.Parse(c.cfg.SignInURL)
	if err != nil || page.Scheme != "https" || page.Host == "" {
		return out, fault.Invalid("account.settings.sign_in_url", "must be an https URL")
	}
	answer, err := read(ctx, c, tokens, raw[struct {
		UserID       string       `json:"userId"`
		SessionToken secret.Value `json:"sessionToken"`
		Expiration   string       `json:"expiration"`
	}](call{method: http.MethodPost, path: "/v1/signinSecurityToken", query: map[string]string{"userId": user}}))
	switch {
	case err != nil:
		return out, err
	case answer.SessionToken.IsZero() || answer.UserID != user:
		return out, fault.Unavailable("the cloud gives no token to sign in with").From(fault.SourceCloud)
	}
	query := page.Query()
	query.Set("redirectUrl", target)
	query.Set("signinSecurityToken", answer.SessionToken.Reveal())
	page.RawQuery = query.Encode()
	return provider.SignInLink{URL: secret.New(page.String()), Expires: moment(answer.Expiration)}, nil
}

// target is the page after a sign-in, which must be one of those that the
// account allows: a link must not lead a customer just anywhere.
func (c Config) target(text string) (string, error) {
	allowed := strings.Split(c.SignInTargets, ";")
	if text == "" {
		text = strings.TrimSpace(allowed[0])
	}
	to, err := url.Parse(text)
	if err == nil && to.Scheme == "https" && to.User == nil {
		for _, prefix := range allowed {
			from, err := url.Parse(strings.TrimSpace(prefix))
			if err == nil && from.Host != "" && from.Host == to.Host && below(to.EscapedPath(), from.EscapedPath()) {
				return text, nil
			}
		}
	}
	return "", fault.Invalid("target", "must be an https page below one of the account's sign_in_targets")
}

// below tells whether a path is another or inside it.
func below(path, root string) bool {
	root = strings.TrimSuffix(root, "/")
	return !strings.Contains(path, "..") && (path == root || strings.HasPrefix(path, root+"/"))
}
