package main

import (
	"net/url"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Config is the account's config. The region comes with each call, another URL
// than the vendor's with the account's endpoint.
type Config struct {
	AccessKeyID     string       `json:"access_key_id" required:"true" min:"1" max:"200" title:"Access key id" doc:"The public half of the key"`
	AccessKeySecret secret.Value `json:"access_key_secret" required:"true" title:"Access key secret" doc:"The private half of the key"`
	SecurityToken   secret.Value `json:"security_token,omitempty" title:"Security token" doc:"Only with temporary keys"`
	Host            string       `json:"host" default:"retailcloud.aliyuncs.com" max:"200" title:"Host of JST"`
	RegionsHost     string       `json:"regions_host" default:"ecs-cn-hangzhou.aliyuncs.com" max:"200" title:"Host of ECS" doc:"It is asked for the regions only"`
	HomeRegion      string       `json:"home_region" default:"cn-hangzhou" pattern:"^[a-zA-Z0-9_-]{1,64}$" title:"Home region" doc:"Goes with calls that belong to no region"`
	ChargeType      string       `json:"charge_type,omitempty" enum:"PrePaid,PostPaid" title:"Charge type" doc:"Only regions that sell servers this way"`
	ResourceType    string       `json:"resource_type,omitempty" enum:"instance,disk,reservedinstance,scu" title:"Resource type" doc:"Only regions that have this"`
	OwnerUser       string       `json:"owner_user_id,omitempty" max:"100" title:"Owner" doc:"User of the cloud who owns new applications. Empty is the first that the cloud lists"`
	OwnerType       string       `json:"owner_user_type" enum:"DING_TALK,TAOBAO" default:"TAOBAO" title:"Owner's type"`
	Databases       string       `json:"rds_instances,omitempty" max:"4000" title:"Database instances" doc:"Ids joined by semicolons: the cloud does not list them"`
	ReplicaPrice    string       `json:"replica_price,omitempty" pattern:"^[0-9]{1,9}(\\.[0-9]{1,4})?$" title:"Price of a replica" doc:"Yuan a month: the cloud has no prices. Empty: the price is what the product says"`
	Sizes           string       `json:"sizes" default:"1;2;4;8" pattern:"^[0-9]{1,3}(;[0-9]{1,3}){0,31}$" title:"Sizes on sale" doc:"Replicas of the environments on sale, joined by semicolons"`
	AllowScaleUp    bool         `json:"allow_scale_up" title:"Allow more replicas" doc:"Than an environment was ordered with: the broker bills nobody for them"`
	ForceRelease    bool         `json:"force_release" title:"Release with all it holds" doc:"A release of an application or environment takes with it what is in it; otherwise the cloud refuses while there is anything"`
	Codes           string       `json:"codes" default:"3=forbidden;1001=not_found;1002=conflict;1003=invalid;1004=out_of_stock;1005=insufficient_balance;1500=unavailable" max:"2000" pattern:"^([0-9]+=[a-z_]+)?(;[0-9]+=[a-z_]+)*$" title:"Codes of refusals" doc:"What the cloud's numbers mean, as code=class joined by semicolons. Only 3 is documented"`
	ZoneHours       int          `json:"zone_hours" min:"-12" max:"14" default:"8" title:"Time zone" doc:"Hours that times without a zone are ahead of UTC"`
	SettleSeconds   int          `json:"settle_seconds" min:"0" max:"3600" default:"60" title:"Settle time" doc:"Seconds after a creation was asked for until its absence is final"`
	CreateMinutes   int          `json:"create_minutes" min:"1" max:"1440" default:"120" title:"Change limit" doc:"Minutes a change may stay unfinished before it is in doubt"`
	TimeoutSecs     int          `json:"timeout_seconds" min:"1" max:"120" default:"30" title:"Timeout" doc:"Seconds the cloud may take to answer one request"`

	SignInURL     string       `json:"sign_in_url,omitempty" max:"500" title:"Sign-in of the distributor" doc:"Its base URL. Its contract is assumed: see the README"`
	SignInApp     string       `json:"sign_in_app_id,omitempty" max:"200" title:"Application at the distributor"`
	SignInSecret  secret.Value `json:"sign_in_app_secret,omitempty" title:"Application's secret"`
	SignInUsers   string       `json:"sign_in_users_path" default:"/sso/users" max:"200" pattern:"^/[A-Za-z0-9/_.-]*$" title:"Path of users"`
	SignInTokens  string       `json:"sign_in_tokens_path" default:"/sso/tokens" max:"200" pattern:"^/[A-Za-z0-9/_.-]*$" title:"Path of tokens"`
	SignInPage    string       `json:"sign_in_page_url,omitempty" max:"500" title:"Sign-in page" doc:"Its scheme and host, where they are not those of sign_in_url"`
	SignInTargets string       `json:"sign_in_targets,omitempty" max:"2000" title:"Pages to sign in to" doc:"https pages joined by semicolons; a sign-in leads to one of them or below. The first is the default"`
}

func (c Config) settle() time.Duration { return time.Duration(c.SettleSeconds) * time.Second }

func (c Config) timeout() time.Duration { return time.Duration(c.TimeoutSecs) * time.Second }

func (c Config) limit() time.Duration { return time.Duration(c.CreateMinutes) * time.Minute }

// settled tells whether what began at since would be visible by now.
func (c Config) settled(since, now time.Time) bool {
	return !since.IsZero() && now.Sub(since) >= c.settle()
}

// databases are the ids of the database instances.
func (c Config) databases() []string {
	var out []string
	for id := range strings.SplitSeq(c.Databases, ";") {
		if id = strings.TrimSpace(id); id != "" {
			out = append(out, id)
		}
	}
	return out
}

// codes reads what the account says of the numbers of refusals.
func (c Config) codes() (map[string]fault.Class, error) {
	words, out := map[string]fault.Class{}, map[string]fault.Class{}
	for _, class := range fault.Classes() {
		words[class.String()] = class
	}
	for pair := range strings.SplitSeq(c.Codes, ";") {
		code, word, ok := strings.Cut(pair, "=")
		if !ok {
			continue
		}
		class, known := words[word]
		if !known {
			return nil, fault.Invalid("account.settings.codes", "%q is no class of refusals", word)
		}
		out[code] = class
	}
	return out, nil
}

// place is where requests go in place of the vendor's hosts; nil is there.
func place(a provider.Account) (*url.URL, error) {
	if a.Endpoint == "" {
		return nil, nil
	}
	u, err := url.Parse(a.Endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return nil, fault.Invalid("account.endpoint", "must be an http or https URL of a host alone")
	}
	return u, nil
}
