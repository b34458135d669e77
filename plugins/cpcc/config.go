package main

import (
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/sdk/fault"
)

// Config is an account's config. What the account owns is not in it: centres and
// their secrets are rows of the broker's storage.
type Config struct {
	Images        string `json:"images" min:"1" max:"4000" default:"docker.io/ubuntu:22.04,docker.io/mysql:8.0,docker.io/jupyter/base-notebook:latest" title:"Images" doc:"Those that workloads may run, joined by commas"`
	MonthDays     int    `json:"month_days" min:"28" max:"31" default:"30" title:"Days of a month" doc:"For prices by the month"`
	CreateMinutes int    `json:"create_minutes" min:"1" max:"1440" default:"30" title:"Create limit" doc:"Minutes after which a workload that never ran is removed and its create has failed"`
	TimeZone      string `json:"time_zone" min:"1" max:"64" default:"Asia/Shanghai" title:"Time zone" doc:"IANA name; where the days begin on which centres, clusters and devices are enabled and expire"`
	PlainHTTP     bool   `json:"plain_http" title:"Services without encryption" doc:"Also reaches the services of centres by http; what they are told holds passwords"`
}

func (c Config) images() []string {
	var out []string
	for name := range strings.SplitSeq(c.Images, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// zone is where days begin.
func (c Config) zone() (*time.Location, error) {
	out, err := time.LoadLocation(c.TimeZone)
	if err != nil || c.TimeZone == "Local" {
		return nil, fault.Invalid("account.settings.time_zone", "must be an IANA time zone such as Asia/Shanghai")
	}
	return out, nil
}

func (c Config) patience() time.Duration { return time.Duration(c.CreateMinutes) * time.Minute }

func (c Config) calendar() price.Calendar { return price.Calendar{MonthDays: c.MonthDays} }
