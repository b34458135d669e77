package main

import (
	"os"

	goplugin "github.com/hashicorp/go-plugin"

	"tradewind.example/sdk/handshake"
)

// handshakesThenExits shakes hands well and ends.
func handshakesThenExits() {
	shake(goplugin.CoreProtocolVersion, handshake.ProtocolVersion)
	os.Exit(4)
}
