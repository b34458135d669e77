package demo

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
)

// allClouds is the choice of all bundled clouds.
const allClouds = "all"

// accountName is what a simulator calls its one account.
const accountName = "operator"

// cloud is one row of the table of bundled clouds: everything in which the
// story differs from one to the next.
type cloud struct {
	name, title string // of the plugin
	// kind is what is sold, things what people call several of it; empty are
	// instance and servers.
	kind, things string
	// public and secret are the fields of the account's config that hold the
	// key; the simulator's config calls them the same. public is empty where a
	// key has no such half.
	public, secret string
	also           []string          // more secret fields of the account's config that hold the key
	settings       map[string]string // of the account's config besides; {url} is the simulator's
	// people makes the part of the simulator's config that says who may use it;
	// nil for the usual accounts.
	people    func(keys) map[string]any
	simulator map[string]any // its config besides accounts and the time of a change
	account   map[string]any // the simulator's account besides its key and money
	creates   string         // the simulator's name of the call that buys a server
	// servers are vendor ids: two that are sold, whose list price is a few
	// hundred CNY a month, and one whose floor the operator raises.
	servers [3]string
	dear    string // vendor id of a server of 1500 CNY a month or more: nobody has three years of it
	// network is what a customer orders before any server, one after another.
	network []need
	renews  bool // whether the cloud has renewals to order
	repays  bool // whether the cloud pays back what is left of a term
	free    bool // whether the cloud itself charges nothing: the price is the operator's
	months  bool // whether a term is counted in months alone
	// consists says what is done where a purchase consists of parts; nil: it does not.
	consists *assembly
}

// assembly is what the story does with what a purchase consists of.
type assembly struct {
	// before is done to some purchases, which have no parts otherwise; the zero
	// value is nothing.
	before deed
	on     deed // to one part
}

// deed is one action.
type deed struct {
	kind, action string
	input        map[string]any
}

// sells is the kind that is sold.
func (c cloud) sells() string { return cmp.Or(c.kind, "instance") }

// plural is what people call several of what is sold.
func (c cloud) plural() string { return cmp.Or(c.things, "servers") }

// years is a term of that many years as the cloud counts it.
func (c cloud) years(n int) map[string]any {
	if c.months {
		return month(12 * n)
	}
	return map[string]any{"billing": "prepaid", "period": "year", "periods": n, "quantity": 1}
}

// credentials are the secret fields of the account's config.
func (c cloud) credentials(k keys) map[string]string {
	out := map[string]string{c.secret: k.secret}
	for _, field := range c.also {
		out[field] = k.secret
	}
	return out
}

// config is the other half of the account's config; url is the simulator's.
func (c cloud) config(k keys, url string) map[string]string {
	out := map[string]string{"settle_seconds": "2"}
	if c.public != "" {
		out[c.public] = k.public
	}
	for field, text := range c.settings {
		out[field] = strings.ReplaceAll(text, "{url}", url)
	}
	return out
}

// need is something free that a customer needs at the cloud before a server.
type need struct {
	product string            // vendor id
	spec    map[string]string // {n} is the customer's number; the fields of earlier needs are added
	field   string            // of the specs of what comes later, holding its id
}

// bundled is the table; the first row is the default.
func bundled() []cloud {
	return []cloud{
		{
			name: "ucloud", title: "UCloud", public: "public_key", secret: "private_key", creates: "CreateUHostInstance",
			simulator: map[string]any{"hide_new_host_polls": 1, "limits": map[string]any{"max_hosts": 1000}},
			servers:   [3]string{"cn-bj2-04/C/2/4096", "cn-bj2-04/N/4/8192", "cn-bj2-04/O/2/8192"},
			dear:      "cn-bj2-04/N/64/65536", renews: true, repays: true,
		},
		{
			name: "baidu", title: "Baidu AI Cloud", public: "access_key", secret: "secret_key", creates: "CreateInstanceBySpec",
			simulator: map[string]any{"hide_new_host_polls": 1, "limits": map[string]any{"max_hosts": 1000}},
			servers:   [3]string{"cn-bj-a/bcc.g5.c2m8", "cn-bj-a/bcc.c5.c4m8", "cn-bj-a/bcc.m5.c2m16"},
			dear:      "cn-bj-a/bcc.m5.c16m128", renews: true, repays: true,
		},
		{
			name: "jdcloud", title: "JD Cloud", public: "access_key", secret: "secret_key", creates: "CreateInstances",
			simulator: map[string]any{"calls_per_minute": -1, "limits": map[string]any{"max_hosts": 1000}},
			account:   map[string]any{"default_network": true},
			servers:   [3]string{"cn-north-1a/g.n2.large", "cn-north-1a/c.n2.xlarge", "cn-north-1a/m.n2.large"},
			dear:      "cn-north-1a/g.n2.8xlarge", renews: true, repays: true,
		},
		{
			name: "capital", title: "Capital Online", public: "access_key", secret: "secret_key", creates: "CreateInstance",
			simulator: map[string]any{"hide_new_host_polls": 1, "limits": map[string]any{"max_hosts": 1000}},
			servers:   [3]string{"CN_Hongkong_A/优化型M2/4/8192/0", "CN_Hongkong_A/优化型M2/8/16384/0", "CN_Hongkong_A/CPU密集计算型I3/4/8192/0"},
			dear:      "CN_Hongkong_A/CPU密集计算型I3/32/65536/0",
			network: []need{
				{product: "CN_HongKong/vpc", spec: map[string]string{"cidr": "10.{n}.0.0/16"}, field: "vpc_id"},
				{product: "CN_HongKong/subnet", spec: map[string]string{"cidr": "10.{n}.2.0/24"}, field: "subnet_id"},
			},
		},
		{
			name: "rainbond", title: "Rainbond", kind: "app", things: "apps", secret: "access_key", also: []string{"market_access_key"}, creates: "install",
			settings: map[string]string{
				"team": "demo", "market_url": "{url}", "plain_http": "true", "install_seconds": "2", "core_price": "100", "memory_price": "100",
			},
			people: func(k keys) map[string]any {
				return map[string]any{
					"users":      []map[string]any{{"name": accountName, "key": k.secret, "teams": []string{"demo"}}},
					"teams":      []map[string]any{{"name": "demo", "regions": []string{"rainbond"}}},
					"store_keys": []map[string]any{{"key": k.secret}},
				}
			},
			servers: [3]string{
				"rainbond/5a1e0c7d9b3f4e6a8c2d1f0e9b7a6c5d/1.0", "rainbond/5a1e0c7d9b3f4e6a8c2d1f0e9b7a6c5d/2.0",
				"rainbond/0f9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c/7.2",
			},
			dear: "rainbond/9c8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f/3.1", repays: true, free: true, months: true,
			consists: &assembly{on: deed{kind: "component", action: "restart"}},
		},
		{
			name: "alijst", title: "Alibaba JST", kind: "environment", things: "environments",
			public: "access_key_id", secret: "access_key_secret", creates: "CreateEnvironment",
			settings: map[string]string{"replica_price": "180", "sizes": "1;2;3;20", "force_release": "true"},
			servers:  [3]string{"cn-hangzhou/environment/prod/1", "cn-hangzhou/environment/prod/2", "cn-hangzhou/environment/prod/3"},
			dear:     "cn-hangzhou/environment/prod/20", repays: true, free: true,
			network: []need{{product: "cn-hangzhou/app", field: "app_id"}, {product: "cn-hangzhou/deploy_config", field: "deploy_config_id"}},
			consists: &assembly{
				before: deed{kind: "environment", action: "deploy", input: map[string]any{"partitions": 1}},
				on:     deed{kind: "pod", action: "logs"},
			},
		},
	}
}

// Clouds returns what can be chosen: the bundled clouds, and all of them. The
// first is the default.
func Clouds() []string {
	var out []string
	for _, c := range bundled() {
		out = append(out, c.name)
	}
	return append(out, allClouds)
}

// chosen returns the rows of a choice.
func chosen(name string) ([]cloud, error) {
	all := bundled()
	if name == allClouds {
		return all, nil
	}
	for _, c := range all {
		if c.name == name {
			return []cloud{c}, nil
		}
	}
	return nil, fmt.Errorf("the cloud %q is not bundled: choose one of %s", name, strings.Join(Clouds(), ", "))
}

// simulatorBinary and pluginBinary are the names of a cloud's programs.
func (c cloud) simulatorBinary() string { return c.name + "-sim" }

func (c cloud) pluginBinary() string { return "tradewind-provider-" + c.name }

// simulatorConfig is the simulator's whole config, with one account.
func (c cloud) simulatorConfig(k keys) map[string]any {
	out := map[string]any{"transition_ms": 20}
	if c.people != nil {
		maps.Copy(out, c.people(k))
	} else {
		account := map[string]any{"name": accountName, c.public: k.public, c.secret: k.secret, "balance_fen": 100_000_000}
		maps.Copy(account, c.account)
		out["accounts"] = []map[string]any{account}
	}
	maps.Copy(out, c.simulator)
	return out
}
