// Command tradewind-provider-alijst is the plugin for Alibaba Cloud's JST
// (product retailcloud): applications with their environments, deploy
// configurations, deploy orders, pods, volumes, access points and services, the
// clusters that they run on, and databases, through the vendor's own SDK. It is
// a translator and keeps nothing: what must survive a call is written into the
// name of the thing at the cloud, or stands in an operation's id.
//
// One process serves all accounts at once. Each request to the cloud gets an
// SDK client of its own, because those are not safe for concurrent use and know
// no contexts; only the pool of connections is common. The SDK signs and sends;
// what the cloud answered is read here, since the SDK panics on it, misreads it
// or takes a failure for a success.
package main

import "tradewind.example/sdk"

func main() { sdk.Serve(newProvider()) }
