package sim_test

import (
	"maps"
	"testing"

	"tradewind.example/plugins/ucloud/sim"
)

// The vendor publishes this key pair in its manual.
const (
	docPublic  = "ucloudsomeone@example.com1296235120854146120"
	docPrivate = "46f09bb9fab4f12dfc160dae12273d5332b5debe"
)

func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	create := map[string]string{
		"Action": "CreateUHostInstance", "CPU": "2", "ChargeType": "Month", "DiskSpace": "10",
		"ImageId": "f43736e1-65a5-4bea-ad2e-8a46e18883c2", "LoginMode": "Password", "Memory": "2048",
		"Name": "Host01", "Password": "VUNsb3VkLmNu", "Quantity": "1", "Region": "cn-bj2", "Zone": "cn-bj2-04",
	}
	withToken := maps.Clone(create)
	withToken["SecurityToken"] = "some_stoken"
	cases := map[string]struct {
		reason string
		params map[string]string
		want   string
	}{
		"Manual": {
			"the vector of the API manual", map[string]string{"Action": "DescribeUHostInstance", "Limit": "10", "Region": "cn-bj2"},
			"cba5cf5ec4d4233d206b1b54951e3787350a642f",
		},
		"Create":    {"the vector of the vendor's SDK", create, "4f9ef5df2abab2c6fccd1e9515cb7e2df8c6bb65"},
		"WithToken": {"security tokens are signed too", withToken, "170c480ad176a247b324eb92a2cfe536aacfbd04"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := maps.Clone(c.params)
			params["PublicKey"] = docPublic
			params["Signature"] = "is left out"
			if got := sim.Sign(params, docPrivate); got != c.want {
				t.Errorf("%s: got %s, want %s", c.reason, got, c.want)
			}
		})
	}
}
