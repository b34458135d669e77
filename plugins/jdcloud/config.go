package main

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Config is the account's config. Region and zone come with each call, another
// URL than the vendor's with the account's endpoint.
type Config struct {
	AccessKey     string       `json:"access_key" required:"true" title:"Access key" doc:"The API key's public half"`
	SecretKey     secret.Value `json:"secret_key" required:"true" title:"Secret key" doc:"The API key's private half"`
	SecurityToken secret.Value `json:"security_token" title:"Security token" doc:"Only for temporary keys"`
	ResourceGroup string       `json:"resource_group" pattern:"^[A-Za-z0-9_-]{0,64}$" title:"Resource group" doc:"New servers, disks and addresses belong to it, and so do the rights of sub users; empty is the default group"`
	SettleSeconds int          `json:"settle_seconds" min:"0" max:"3600" default:"120" title:"Settle time" doc:"Seconds after a purchase was asked for until its absence is final"`
	TimeoutSecs   int          `json:"timeout_seconds" min:"1" max:"120" default:"30" title:"Timeout" doc:"Seconds the cloud may take to answer one request"`
	MachineFamily string       `json:"machine_family" default:"g.n" title:"Preferred family" doc:"Of the instance types of one size, those that begin like this go first"`
	Subnets       string       `json:"default_subnets" title:"Default subnets" doc:"Of servers that name none: region=subnet, several joined by semicolons; otherwise the region's oldest one"`
	AllowRules    bool         `json:"allow_auto_renew" title:"Allow renewals by the cloud" doc:"The cloud charges for what it renews by itself, and the broker bills nobody for it"`
	AllowResize   bool         `json:"allow_resize" title:"Allow another size" doc:"The cloud charges for it, and the broker bills nobody for an action"`

	AppCode          string `json:"app_code" default:"jcloud" title:"Product line" doc:"appCode of prices, orders and renewals"`
	ServerCode       string `json:"server_code" default:"vm" title:"Servers" doc:"Their serviceCode in prices, orders and renewals"`
	DiskCode         string `json:"disk_code" default:"disk" title:"Disks" doc:"Their serviceCode"`
	AddressCode      string `json:"address_code" default:"ip" title:"Addresses" doc:"Their serviceCode"`
	ServerFormula    string `json:"server_formula" default:"{type}" title:"Price formula of servers" doc:"Key of the formula; {type} is the instance type. A dash: servers have no price here"`
	DiskFormula      string `json:"disk_formula" default:"{type}" title:"Price formula of disks" doc:"Key of the formula; {type} is the type of the disk. A dash: disks have no price here"`
	BandwidthFormula string `json:"bandwidth_formula" default:"bandwidth" title:"Price formula of addresses" doc:"Key of the formula. A dash: addresses have no price here"`
	OrderTimeUnit    string `json:"order_time_unit" enum:"ms,s" default:"ms" title:"Unit of times" doc:"In which orders are searched for"`
	OrderMoneyUnit   string `json:"order_money_unit" enum:"yuan,fen" default:"yuan" title:"Unit of orders' money"`

	AccountMode    string `json:"account_mode" enum:"subuser,partner_raw,disabled" default:"subuser" title:"Customers' accounts" doc:"subuser: sub users of this account; partner_raw: accounts below it, by the paths of the partner contract"`
	UserPrefix     string `json:"user_prefix" default:"tw" pattern:"^[A-Za-z][A-Za-z0-9]{0,5}$" title:"Prefix of sub users" doc:"They are called prefix-name"`
	UserPolicies   string `json:"sub_user_policies" title:"Policies of sub users" doc:"Names joined by semicolons, attached within the resource group"`
	PartnerService string `json:"partner_service" default:"partner" pattern:"^[a-z0-9-]{1,32}$" title:"Service of the partner contract"`
	PartnerCheck   string `json:"partner_check_path" default:"/regions/{regionId}/customerManage:checkMobile" pattern:"^/[A-Za-z0-9/{}:._-]+$" title:"Path that checks a phone"`
	PartnerSend    string `json:"partner_send_path" default:"/regions/{regionId}/customerManage:sendVerifyCode" pattern:"^/[A-Za-z0-9/{}:._-]+$" title:"Path that sends a code"`
	PartnerCreate  string `json:"partner_create_path" default:"/regions/{regionId}/customerManage:createCustomer" pattern:"^/[A-Za-z0-9/{}:._-]+$" title:"Path that registers a customer"`
	SignInTemplate string `json:"sso_url_template" title:"Sign-in link" doc:"URL with {ticket} and perhaps {target} in it, that the cloud signs people in at"`
	TicketHours    int    `json:"ticket_hours" min:"1" max:"24" default:"1" title:"Hours a sign-in link is good for"`
}

func (c Config) settle() time.Duration { return time.Duration(c.SettleSeconds) * time.Second }

func (c Config) timeout() time.Duration { return time.Duration(c.TimeoutSecs) * time.Second }

// settled tells whether what began at since would be visible by now.
func (c Config) settled(since, now time.Time) bool {
	return !since.IsZero() && now.Sub(since) >= c.settle()
}

// subnetIn is the subnet that the config names for a region, "" for none.
func (c Config) subnetIn(region string) (string, error) {
	for pair := range strings.SplitSeq(c.Subnets, ";") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		at, id, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || !goodID(id) {
			return "", fault.Invalid("account.settings.default_subnets", "must be region=subnet, several joined by semicolons")
		}
		if at == region {
			return id, nil
		}
	}
	return "", nil
}

// defaultEndpoint is the vendor's public API; each service has a host of its own.
const defaultEndpoint = "https://{service}.jdcloud-api.com"

// endpoint is the URL of a service, without a slash at its end. It must be
// given with every request: the SDK's own default is another host.
func endpoint(a provider.Account, service string) (string, error) {
	text := a.Endpoint
	if text == "" {
		text = defaultEndpoint
	}
	text = strings.TrimRight(strings.ReplaceAll(text, "{service}", service), "/")
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fault.Invalid("account.endpoint", "must be an http or https URL without a user and a query; {service} in it is the service's name")
	}
	return text, nil
}

var (
	idPattern     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	regionPattern = regexp.MustCompile(`^[a-z]{2}(-[a-z0-9]+){1,4}$`)
)

// goodID tells whether text can be an id of the cloud. Ids go into paths
// unescaped, where a slash or dots would reach another path.
func goodID(text string) bool { return idPattern.MatchString(text) }
