package demo

import (
	"fmt"
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
	// public and secret are the fields of the account's config that hold the
	// key; the simulator's config calls them the same.
	public, secret string
	simulator      map[string]any // its config besides accounts and the time of a change
	account        map[string]any // the simulator's account besides its key and money
	creates        string         // the simulator's name of the call that buys a server
	// servers are vendor ids: two that are sold, whose list price is a few
	// hundred CNY a month, and one whose floor the operator raises.
	servers [3]string
	dear    string // vendor id of a server of 1500 CNY a month or more: nobody has three years of it
	// network is what a customer orders before any server, one after another.
	network []part
	renews  bool // whether the cloud has renewals to order
	repays  bool // whether the cloud pays back what is left of a term
}

// part is something free that a customer needs at the cloud before a server.
type part struct {
	product string            // vendor id
	spec    map[string]string // {n} is the customer's number; the fields of earlier parts are added
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
			network: []part{
				{product: "CN_HongKong/vpc", spec: map[string]string{"cidr": "10.{n}.0.0/16"}, field: "vpc_id"},
				{product: "CN_HongKong/subnet", spec: map[string]string{"cidr": "10.{n}.2.0/24"}, field: "subnet_id"},
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
	account := map[string]any{"name": accountName, c.public: k.public, c.secret: k.secret, "balance_fen": 100_000_000}
	for field, v := range c.account {
		account[field] = v
	}
	out := map[string]any{"transition_ms": 20, "accounts": []map[string]any{account}}
	for field, v := range c.simulator {
		out[field] = v
	}
	return out
}
