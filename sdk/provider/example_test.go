package provider_test

import (
	"fmt"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

func ExampleKindOf() {
	k := provider.KindOf[spec, state]("disk", "Disk", half{})
	fmt.Println(k.Description.Verbs, k.Err())
	// Output: [create get] <nil>
}

func ExampleDecodeAccount() {
	call := provider.Call{Account: provider.Account{
		Settings:    map[string]string{"public_key": "pub"},
		Credentials: map[string]secret.Value{"private_key": secret.New("do-not-print")},
	}}
	c, err := provider.DecodeAccount[config](call)
	fmt.Println(c.PublicKey, c.PrivateKey, c.Region, err)
	// Output: pub ****** a <nil>
}
