package main

import (
	"net/url"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Config is the account's config: a key of a console, one team there, and the
// store that is sold from. The console's URL is the account's endpoint, the
// cluster comes with each call as its region.
type Config struct {
	AccessKey      secret.Value     `json:"access_key" required:"true" min:"8" max:"200" title:"Access key" doc:"Of a user of the console, who belongs to the team or administers the enterprise"`
	Team           string           `json:"team" required:"true" min:"1" max:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9_.-]*$" title:"Team" doc:"Id or name of the team that everything is installed for. Each org that sells or buys on its own has one of its own"`
	MarketURL      string           `json:"market_url" max:"255" title:"Store" doc:"Address of the app store, for the console and for this plugin. Empty: nothing is on sale"`
	MarketDomain   string           `json:"market_domain" default:"rainbond" min:"1" max:"64" title:"Store's domain"`
	MarketType     string           `json:"market_type" default:"rainstore" min:"1" max:"64" title:"Store's type"`
	MarketKey      secret.Value     `json:"market_access_key" max:"64" title:"Store's key" doc:"A console that knows the store already uses its own and ignores this one"`
	TeamPrefix     string           `json:"team_prefix" default:"tw-" min:"1" max:"12" pattern:"^[A-Za-z0-9_.-]+$" title:"Prefix of teams" doc:"Begins the names of teams that are made for orgs, so that none is taken that people made"`
	OtherStores    bool             `json:"other_stores" title:"Allow other stores" doc:"Orders may name another store, which must be known to the console: no key is sent for it"`
	CorePrice      provider.Decimal `json:"core_price" pattern:"^[0-9]{1,9}(\\.[0-9]{1,6})?$" title:"Price of a core" doc:"In CNY for a month. With the price of memory it makes the list prices of the catalogue; without either the operator writes the products by hand"`
	MemoryPrice    provider.Decimal `json:"memory_price" pattern:"^[0-9]{1,9}(\\.[0-9]{1,6})?$" title:"Price of a GB of memory" doc:"In CNY for a month"`
	AllowResize    bool             `json:"allow_resize" title:"Allow growth" doc:"Lets apps get larger by scaling and by further installs: the broker bills nobody for an action"`
	Purge          bool             `json:"purge" title:"Delete at once" doc:"Deletes an app with all that runs in it; otherwise its components are stopped first"`
	PlainHTTP      bool             `json:"plain_http" title:"Without encryption" doc:"Also calls console and store by http: keys are sent as they are"`
	GraceSeconds   int              `json:"grace_seconds" min:"0" max:"86400" default:"300" title:"Grace" doc:"Seconds for which components may be abnormal, or not begin, until a start has failed"`
	SettleSeconds  int              `json:"settle_seconds" min:"0" max:"3600" default:"120" title:"Settle time" doc:"Seconds after an order was asked for until its absence is final"`
	InstallSeconds int              `json:"install_seconds" min:"1" max:"3600" default:"600" title:"Install limit" doc:"Seconds the console may take to install a template: before that it is not asked again"`
	CreateMinutes  int              `json:"create_minutes" min:"1" max:"1440" default:"60" title:"Change limit" doc:"Minutes a change may stay unfinished before it is in doubt"`
	TimeoutSecs    int              `json:"timeout_seconds" min:"1" max:"600" default:"60" title:"Timeout" doc:"Seconds console and store may take to answer one request, but for installs and upgrades"`
}

func (c Config) settle() time.Duration { return time.Duration(c.SettleSeconds) * time.Second }

func (c Config) grace() time.Duration { return time.Duration(c.GraceSeconds) * time.Second }

func (c Config) install() time.Duration { return time.Duration(c.InstallSeconds) * time.Second }

func (c Config) timeout() time.Duration { return time.Duration(c.TimeoutSecs) * time.Second }

func (c Config) limit() time.Duration { return time.Duration(c.CreateMinutes) * time.Minute }

// settled tells whether what began at since would be visible by now.
func (c Config) settled(since, now time.Time) bool {
	return !since.IsZero() && now.Sub(since) >= c.settle()
}

// check refuses what the schema cannot.
func (c Config) check() error {
	if c.MarketURL == "" {
		return nil
	}
	_, err := c.address(c.MarketURL, "account.settings.market_url")
	return err
}

// address is a base URL that keys may be sent to. field names it in the fault.
func (c Config) address(text, field string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "http" && u.Scheme != "https"):
		return "", fault.Invalid(field, "must be an https URL without a query")
	case u.Scheme == "http" && !c.PlainHTTP:
		return "", fault.Invalid(field, "must be an https URL: keys are sent as they are, unless the account allows plain_http")
	}
	return strings.TrimRight(text, "/"), nil
}
