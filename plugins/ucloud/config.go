package main

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Config is the account's config. Region and zone come with each call, another
// URL than the vendor's with the account's endpoint.
type Config struct {
	PublicKey     string       `json:"public_key" required:"true" title:"Public key" doc:"The API key's public half"`
	PrivateKey    secret.Value `json:"private_key" required:"true" title:"Private key" doc:"The API key's private half"`
	SecurityToken secret.Value `json:"security_token" title:"Security token" doc:"Only for temporary keys"`
	ProjectID     string       `json:"project_id" title:"Project" doc:"Like org-abc; empty is the account's default project. Keys of sub users need it"`
	ChannelKey    secret.Value `json:"channel_key" title:"Channel key" doc:"Sent as the header channel-key, for accounts of a dedicated channel"`
	ExtraHeaders  string       `json:"extra_headers" title:"Extra headers" doc:"Sent with each request: name=value, several joined by semicolons"`
	SettleSeconds int          `json:"settle_seconds" min:"0" max:"3600" default:"120" title:"Settle time" doc:"Seconds after a purchase was asked for until its absence is final. The cloud's gateway may hold a request for 60 s, then the new resource may show late"`
	CreateMinutes int          `json:"create_minutes" min:"1" max:"1440" default:"30" title:"Create limit" doc:"Minutes a new server may stay invisible before its create is in doubt"`
	TimeoutSecs   int          `json:"timeout_seconds" min:"1" max:"120" default:"30" title:"Timeout" doc:"Seconds the cloud may take to answer one request"`
	AllowResize   bool         `json:"allow_resize" title:"Allow another size" doc:"The cloud charges for it at once, and the broker bills nobody for an action"`
	AllowRules    bool         `json:"allow_auto_renew" title:"Allow renewals by the cloud" doc:"The cloud charges for what it renews by itself, and the broker bills nobody for it"`
	ProjectPrefix string       `json:"project_prefix" default:"tw" pattern:"^[A-Za-z0-9]{1,16}$" title:"Prefix of sub-accounts" doc:"Their projects are called prefix-name, their sub users prefix_name"`
	SubPolicies   string       `json:"sub_user_policies" title:"Policies of sub users" doc:"URNs joined by semicolons; with them a sub-account gets a sub user with keys of its own, limited to its project"`
	MemoryUnit    string       `json:"memory_unit" enum:"gb,mb" default:"gb" title:"Unit of memory" doc:"In which the cloud lists the memory of its machine types"`
}

func (c Config) settle() time.Duration { return time.Duration(c.SettleSeconds) * time.Second }

func (c Config) timeout() time.Duration { return time.Duration(c.TimeoutSecs) * time.Second }

// settled tells whether what began at since would be visible by now.
func (c Config) settled(since, now time.Time) bool {
	return !since.IsZero() && now.Sub(since) >= c.settle()
}

// headers are sent with each request besides the SDK's own.
func (c Config) headers() (http.Header, error) {
	h := http.Header{}
	for pair := range strings.SplitSeq(c.ExtraHeaders, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		switch {
		case strings.TrimSpace(pair) == "":
			continue
		case !ok || !headerText(name) || strings.ContainsAny(value, "\r\n"):
			return nil, fault.Invalid("account.settings.extra_headers", "must be name=value, several joined by semicolons")
		}
		h.Set(name, value)
	}
	if !c.ChannelKey.IsZero() {
		h.Set("channel-key", c.ChannelKey.Reveal())
	}
	return h, nil
}

// headerText reports whether name can be a header's name.
func headerText(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// defaultEndpoint is the vendor's public API.
const defaultEndpoint = "https://api.ucloud.cn"

func endpoint(a provider.Account) (string, error) {
	if a.Endpoint == "" {
		return defaultEndpoint, nil
	}
	u, err := url.Parse(a.Endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return "", fault.Invalid("account.endpoint", "must be an http or https URL without a user")
	}
	return a.Endpoint, nil
}
