// Command tradewind-provider-shelf is a plugin without a cloud: it sells a stock
// of things and keeps what it knows at the host, in the broker's own store. It
// shows how a plugin that owns data stays right when it is killed, called twice
// or raced by many buyers.
package main

import "tradewind.example/sdk"

// version is set by the linker for tests of upgrades.
var version = "1.0.0"

func main() { sdk.Serve(newShelf(version)) }
