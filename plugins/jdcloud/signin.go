package main

import (
	"context"
	"net/url"
	"strings"
	"time"

	userapi "github.com/jdcloud-api/jdcloud-sdk-go/services/user/apis"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// SignInLink makes a link into the cloud's console for whoever the keys belong
// to. Where tickets are redeemed is not documented: the config says it.
func (p *plugin) SignInLink(ctx context.Context, req provider.SignInLinkRequest) (provider.SignInLink, error) {
	var zero provider.SignInLink
	c, err := p.open(req.Call)
	if err != nil {
		return zero, err
	}
	template := c.cfg.SignInTemplate
	if template == "" {
		return zero, fault.Precondition("where the cloud signs people in is not configured: set sso_url_template in the account")
	}
	u, err := url.Parse(strings.NewReplacer("{ticket}", "t", "{target}", "t").Replace(template))
	if err != nil || u.Scheme != "https" || u.Host == "" || !strings.Contains(template, "{ticket}") {
		return zero, fault.Invalid("account.settings.sso_url_template", "must be an https URL with {ticket} in it")
	}
	began := p.clock.Now()
	r := userapi.NewCreateTicketRequestWithoutParam()
	r.SetExpire(int64(c.cfg.TicketHours))
	// A ticket that nobody got does no harm, so it is asked for again when that helps.
	answer, err := read[userapi.CreateTicketResult](ctx, c, serviceUser, r)
	if err != nil {
		return zero, err
	}
	if answer.Ticket == "" {
		return zero, fault.Unavailable("the cloud gave no ticket").From(fault.SourceCloud)
	}
	link := strings.NewReplacer("{ticket}", url.QueryEscape(answer.Ticket), "{target}", url.QueryEscape(req.Target)).Replace(template)
	return provider.SignInLink{URL: secret.New(link), Expires: began.Add(time.Duration(c.cfg.TicketHours) * time.Hour)}, nil
}
