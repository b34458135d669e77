package tenant

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/pricing"
	"tradewind.example/core/tenant/password"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// The bounds of input.
const (
	maxName     = 200
	maxText     = 2000
	maxLogin    = 100
	minLogin    = 3
	maxAssigned = 1000
	maxDepth    = 32
)

// checks collects what is wrong with an input, each with its path in the request.
type checks struct{ fields []fault.Field }

func (c *checks) add(path, format string, args ...any) {
	c.fields = append(c.fields, fault.Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *checks) err() error { return fault.InvalidFields(c.fields) }

func (c *checks) text(path, s string, limit int) {
	switch {
	case !utf8.ValidString(s):
		c.add(path, "must be valid UTF-8")
	case utf8.RuneCountInString(s) > limit:
		c.add(path, "must have at most %d characters", limit)
	case strings.ContainsFunc(s, unicode.IsControl):
		c.add(path, "must have no control characters")
	}
}

func (c *checks) name(path, s string) {
	if strings.TrimSpace(s) == "" {
		c.add(path, "is required")
		return
	}
	c.text(path, s, maxName)
}

func (c *checks) email(path, s string) {
	if s == "" {
		return
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s || len(s) > maxName {
		c.add(path, "must be an email address")
	}
}

func (c *checks) login(path, s string) {
	foreign := strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789._@+-")
	if len(s) < minLogin || len(s) > maxLogin || foreign != "" {
		c.add(path, "must be %d to %d of the characters a-z 0-9 . _ @ + -", minLogin, maxLogin)
	}
}

func (c *checks) password(path, login string, p secret.Value) {
	if wrong := password.Check(login, p); wrong != "" {
		c.add(path, "%s", wrong)
	}
}

func (c *checks) roles(path string, roles []access.Role) {
	if len(roles) == 0 {
		c.add(path, "at least one role is required")
	}
	for i, r := range roles {
		switch {
		case !r.Valid():
			c.add(fmt.Sprintf("%s[%d]", path, i), "is not a role")
		case slices.Contains(roles[:i], r):
			c.add(fmt.Sprintf("%s[%d]", path, i), "is named twice")
		}
	}
}

func (c *checks) assigned(path string, orgs []string) {
	if len(orgs) > maxAssigned {
		c.add(path, "must name at most %d orgs", maxAssigned)
		return
	}
	for i, o := range orgs {
		if !id.Valid(o) || slices.Contains(orgs[:i], o) {
			c.add(fmt.Sprintf("%s[%d]", path, i), "must be an id, named once")
		}
	}
}

func (c *checks) timeZone(path, zone string) {
	// "Local" loads, but means another zone on another machine.
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		c.add(path, "must be an IANA time zone such as Asia/Shanghai")
	}
}

// profile checks a profile whose defaults are filled in.
func (c *checks) profile(p Profile) {
	c.name("name", p.Name)
	c.email("email", p.Email)
	for _, f := range [...]struct{ path, text string }{
		{"contact", p.Contact}, {"phone", p.Phone}, {"province_id", p.ProvinceID}, {"city_id", p.CityID},
		{"district_id", p.DistrictID}, {"org_code", p.OrgCode}, {"licence_image", p.LicenceImage},
		{"identity_image", p.IdentityImage}, {"payment_account", p.PaymentAccount},
	} {
		c.text(f.path, f.text, maxName)
	}
	c.text("address", p.Address, maxText)
	c.text("main_business", p.MainBusiness, maxText)
	c.timeZone("time_zone", p.TimeZone)
	if !p.Currency.Valid() {
		c.add("currency", "must be an ISO 4217 code such as CNY")
	}
	switch p.FloorPolicy {
	case pricing.PolicyBlock, pricing.PolicyWarn, pricing.PolicyApprove:
	default:
		c.add("floor_policy", "must be block, warn or approve")
	}
}

func normalLogin(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
