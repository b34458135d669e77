package main

import (
	goplugin "github.com/hashicorp/go-plugin"

	"tradewind.example/sdk/handshake"
)

// newerVersion speaks a major version of the contract that no host knows yet.
func newerVersion() {
	shake(goplugin.CoreProtocolVersion, handshake.ProtocolVersion+98)
	forever()
}
