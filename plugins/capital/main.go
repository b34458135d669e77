// Command tradewind-provider-capital is the plugin for Capital Online (首云):
// servers, disks, images, private networks, elastic addresses and security
// groups of its cloud of private networks, through the vendor's own SDK. It is
// a translator and keeps nothing: what must survive a call is written on the
// resource at the cloud, or stands in an operation's id.
//
// One process serves all accounts at once. Each request to the cloud gets an
// SDK client of its own, because the SDK knows no contexts; only the pool of
// connections is common. The SDK signs and sends; what the cloud answered is
// read here, since the SDK prints, drops or misreads it.
package main

import "tradewind.example/sdk"

func main() { sdk.Serve(newProvider()) }
