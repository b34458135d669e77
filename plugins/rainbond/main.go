// Command tradewind-provider-rainbond is the plugin for Rainbond: it installs app
// models of an app store into the clusters of a console, by the console's
// OpenAPI and the store's own API. It is a translator and keeps nothing: what
// must survive a call is written into the name and the note of the app at the
// console, or stands in an operation's id.
//
// One process serves all accounts at once; only the pool of connections is
// common. The vendor has no SDK for either API, so requests are plain HTTP.
package main

import "tradewind.example/sdk"

func main() { sdk.Serve(newProvider()) }
