// Command tradewind-provider-ucloud is the plugin for UCloud: servers and
// elastic addresses through the vendor's own SDK. It is a translator and keeps
// nothing: what must survive a call is written on the resource at the cloud.
//
// One process serves all accounts at once. Each request to the cloud gets an
// SDK client of its own, because the SDK's clients are not safe to share; only
// the pool of connections is common.
package main

import "tradewind.example/sdk"

func main() { sdk.Serve(newProvider()) }
