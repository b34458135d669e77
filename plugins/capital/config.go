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
// URL than the vendor's with the account's endpoint.
type Config struct {
	AccessKey       string       `json:"access_key" required:"true" min:"1" max:"200" title:"Access key" doc:"The public half of the API key"`
	SecretKey       secret.Value `json:"secret_key" required:"true" title:"Secret key" doc:"The private half of the API key"`
	Area            string       `json:"area" enum:"cn,asia,us" default:"cn" title:"Area" doc:"Whose host for networks and prices is called: cn is mainland China, asia the Asia-Pacific, us America and Europe"`
	PlatformRegions string       `json:"platform_regions" default:"CN_HongKong" title:"Platform regions" doc:"Codes joined by semicolons. There an address is bound to a server's private address; in all others, the edge regions, to one at a gateway"`
	Line            string       `json:"line" default:"Bandwidth_Multi_ISP_BGP" max:"60" title:"Default line" doc:"Of networks, gateways, addresses and bandwidths that name none"`
	SharedSubnets   string       `json:"shared_subnets" title:"Subnets for everybody" doc:"Ids joined by semicolons: a server that names no subnet goes to the one in its zone. Empty: it must name one"`
	AutoRenew       bool         `json:"auto_renew" title:"Renew at the cloud" doc:"Monthly servers are prolonged by the cloud when their term ends; otherwise it shuts them down"`
	PayFreeStop     bool         `json:"free_stop" title:"Stop without charges" doc:"A stop of a server that is paid by use frees its cores at the cloud, which may not be there again at the start"`
	AllowResize     bool         `json:"allow_resize" title:"Allow another size" doc:"The cloud charges for it at once, and the broker bills nobody for an action"`
	RefundsReleases bool         `json:"refunds_releases" title:"Cloud refunds releases" doc:"The cloud pays the unused time back when something is released early; otherwise a release is quoted with nothing, and customers get nothing back"`
	DayHours        int          `json:"day_hours" min:"1" max:"24" default:"24" title:"Hours of a day's price" doc:"The cloud tells what is paid by use for a day; an hour is that part of it, rounded up"`
	SettleSeconds   int          `json:"settle_seconds" min:"0" max:"3600" default:"120" title:"Settle time" doc:"Seconds after a purchase was asked for until its absence is final"`
	CreateMinutes   int          `json:"create_minutes" min:"1" max:"1440" default:"60" title:"Change limit" doc:"Minutes a change may stay unfinished before it is in doubt"`
	TimeoutSecs     int          `json:"timeout_seconds" min:"1" max:"120" default:"60" title:"Timeout" doc:"Seconds the cloud may take to answer one request"`
}

func (c Config) settle() time.Duration { return time.Duration(c.SettleSeconds) * time.Second }

func (c Config) timeout() time.Duration { return time.Duration(c.TimeoutSecs) * time.Second }

func (c Config) limit() time.Duration { return time.Duration(c.CreateMinutes) * time.Minute }

// settled tells whether what began at since would be visible by now.
func (c Config) settled(since, now time.Time) bool {
	return !since.IsZero() && now.Sub(since) >= c.settle()
}

// platform tells whether a region is a platform node, which the cloud itself
// does not say. Its documents write the codes in more than one case.
func (c Config) platform(region string) bool {
	for code := range strings.SplitSeq(c.PlatformRegions, ";") {
		if strings.EqualFold(strings.TrimSpace(code), region) {
			return true
		}
	}
	return false
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
