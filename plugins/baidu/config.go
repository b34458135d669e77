package main

import (
	"net/url"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Config is the account's config. Region and zone come with each call, another
// way to the vendor's hosts with the account's endpoint.
type Config struct {
	AccessKey      string       `json:"access_key" required:"true" min:"1" max:"128" pattern:"^[A-Za-z0-9_-]+$" title:"Access key" doc:"The key's public half"`
	SecretKey      secret.Value `json:"secret_key" required:"true" min:"16" title:"Secret key" doc:"The key's private half"`
	SecurityToken  secret.Value `json:"security_token" title:"Security token" doc:"Only for temporary keys, which cannot sign customers in"`
	Domain         string       `json:"domain" default:"baidubce.com" max:"100" pattern:"^[a-z0-9.-]+$" title:"Domain" doc:"Of the cloud's hosts, like bcc.bj.baidubce.com"`
	SettleSeconds  int          `json:"settle_seconds" min:"0" max:"3600" default:"120" title:"Settle time" doc:"Seconds after a purchase was asked for until its absence is final: a new resource may show late"`
	CreateMinutes  int          `json:"create_minutes" min:"1" max:"1440" default:"30" title:"Create limit" doc:"Minutes a new server may stay invisible before its create is in doubt"`
	TimeoutSecs    int          `json:"timeout_seconds" min:"1" max:"120" default:"30" title:"Timeout" doc:"Seconds the cloud may take to answer one request"`
	AllowResize    bool         `json:"allow_resize" title:"Allow another size" doc:"The cloud charges for it at once, and the broker bills nobody for an action"`
	AllowRules     bool         `json:"allow_auto_renew" title:"Allow renewal rules" doc:"The cloud charges for what a rule renews, and the broker bills nobody for it"`
	AllowTransfers bool         `json:"allow_transfers" title:"Allow transfers" doc:"The people of the account's org may move money between it and its customers"`
	ErrorCodes     string       `json:"error_codes" title:"Codes of refusals" doc:"Code=class, several joined by semicolons, for codes that the cloud's documents leave out: like PaymentFailed=insufficient_balance"`
	BandwidthItem  string       `json:"bandwidth_price_item" default:"bandwidth" title:"Price item of bandwidth" doc:"Under which name the cloud prices the bandwidth of addresses"`

	ConfirmRefunds bool   `json:"confirm_refunds" default:"true" title:"Confirm refunds" doc:"Of what is released here, when their orders wait for a confirmation"`
	RefundPath     string `json:"refund_confirm_path" default:"/v1/order/pay" max:"64" pattern:"^/v1/[A-Za-z/-]+$" title:"Path that confirms a refund"`

	CustomerAccount string       `json:"customer_account_id" max:"64" pattern:"^[A-Za-z0-9_-]+$" title:"Customer's account" doc:"Whose orders, bills and balance are meant; empty is the key's own account"`
	CustomerUser    string       `json:"customer_user_id" max:"64" pattern:"^[A-Za-z0-9_-]+$" title:"Customer's user" doc:"Who is signed in"`
	AssumeRole      string       `json:"assume_role" max:"64" pattern:"^[A-Za-z0-9_-]+$" title:"Role in the customer's account" doc:"Servers, disks, addresses and networks are then those of the customer's own account, with temporary keys of this role; the reseller's keys must be permanent. Empty: those of the key's account"`
	CustomerRole    string       `json:"customer_role" max:"64" pattern:"^[A-Za-z0-9_-]+$" title:"Role of sub-accounts" doc:"What assume_role is for new sub-accounts, so that they work in their own accounts at the cloud; empty: they do not"`
	QueryBy         string       `json:"query_account" enum:"account_id,user_id" default:"account_id" title:"Id of a customer in billing" doc:"Which of the two ids the billing calls take"`
	CustomerPrefix  string       `json:"customer_prefix" default:"tw" max:"16" pattern:"^[A-Za-z][A-Za-z0-9]*$" title:"Prefix of customers" doc:"New customers are called prefix-name"`
	CustomerType    string       `json:"customer_type" default:"PERSONAL" max:"32" pattern:"^[A-Za-z_]+$" title:"Type of new customers"`
	CustomerDomain  string       `json:"customer_email_domain" max:"100" pattern:"^[a-z0-9.-]+$" title:"Domain of customers' addresses" doc:"For customers without an email address: name@domain"`
	CustomerMobile  secret.Value `json:"customer_mobile" min:"5" max:"20" pattern:"^\\+?[0-9-]+$" title:"Mobile phone of new customers" doc:"For customers who come without one"`
	SignInURL       string       `json:"sign_in_url" default:"https://console.vcp.baidu.com/api/loginvcp/login/securitytoken" title:"Sign-in page" doc:"Where a browser takes its token"`
	SignInTargets   string       `json:"sign_in_targets" default:"https://console.vcp.baidu.com/;https://console.bce.baidu.com/" title:"Sign-in targets" doc:"What the pages after a sign-in begin with, joined by semicolons; the first is the default"`
}

func (c Config) settle() time.Duration { return time.Duration(c.SettleSeconds) * time.Second }

func (c Config) timeout() time.Duration { return time.Duration(c.TimeoutSecs) * time.Second }

// settled tells whether what began at since would be visible by now.
func (c Config) settled(since, now time.Time) bool {
	return !since.IsZero() && now.Sub(since) >= c.settle()
}

// customer is how the billing calls name the customer; "" is the own account.
func (c Config) customer() string {
	if c.QueryBy == "user_id" {
		return c.CustomerUser
	}
	return c.CustomerAccount
}

// checkRole refuses a role that nobody's account has.
func (c Config) checkRole() error {
	switch {
	case c.AssumeRole == "":
		return nil
	case c.CustomerAccount == "":
		return fault.Invalid("account.settings.customer_account_id", "is required with assume_role: it says whose account the role is in")
	case !c.SecurityToken.IsZero():
		return fault.Invalid("account.settings.assume_role", "cannot be used with temporary keys")
	}
	return nil
}

// codes are the classes of refusals that the account's config adds.
func (c Config) codes() (map[string]fault.Class, error) {
	out := map[string]fault.Class{}
	for pair := range strings.SplitSeq(c.ErrorCodes, ";") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		code, word, _ := strings.Cut(pair, "=")
		class, ok := classNamed(strings.TrimSpace(word))
		if !ok || strings.TrimSpace(code) == "" {
			return nil, fault.Invalid("account.settings.error_codes", "must be code=class, several joined by semicolons, with classes like out_of_stock")
		}
		out[strings.TrimSpace(code)] = class
	}
	return out, nil
}

func classNamed(word string) (fault.Class, bool) {
	for _, c := range fault.Classes() {
		if c.String() == word {
			return c, true
		}
	}
	return 0, false
}

// gateway is the account's own way to the cloud; nil is the direct one.
func gateway(a provider.Account) (*url.URL, error) {
	if a.Endpoint == "" {
		return nil, nil //nolint:nilnil // the absence of a gateway is no error
	}
	u, err := url.Parse(a.Endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil ||
		(u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return nil, fault.Invalid("account.endpoint", "must be an http or https URL without a user and a path")
	}
	return u, nil
}
