// Command tradewind-provider-jdcloud is the plugin for JD Cloud: servers,
// disks, networks, security groups and elastic addresses, with requests,
// signature and answers of the vendor's own SDK. It is a translator and keeps
// nothing: what must survive a call is written on the resource at the cloud.
//
// One process serves all accounts at once. Requests are built and signed by
// the SDK's core and sent by a client of our own, because the SDK's client
// knows no contexts, reads no statuses and uses the process's default
// transport; only the pool of connections is common.
package main

import "tradewind.example/sdk"

func main() { sdk.Serve(newProvider()) }
