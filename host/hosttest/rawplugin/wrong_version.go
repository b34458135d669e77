package main

import (
	goplugin "github.com/hashicorp/go-plugin"

	"tradewind.example/sdk/handshake"
)

// wrongVersion speaks another version of the handshake itself.
func wrongVersion() {
	shake(goplugin.CoreProtocolVersion+1, handshake.ProtocolVersion)
	forever()
}
