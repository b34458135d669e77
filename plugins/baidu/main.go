// Command tradewind-provider-baidu is the plugin for Baidu AI Cloud: servers,
// disks, addresses and networks through the vendor's own SDK, and what a
// reseller needs besides: customers, their orders, bills, money and sign-in. It is
// a translator and keeps nothing: what must survive a call is written on the
// resource at the cloud, or is one of the cloud's own client tokens. Only of
// transfers of money, which have neither, the broker's storage keeps what was sent.
//
// One process serves all accounts at once. Each request to the cloud gets an
// SDK client of its own, because the SDK's clients are not safe to share; only
// the pool of connections is common.
package main

import "tradewind.example/sdk"

func main() { sdk.Serve(newProvider()) }
