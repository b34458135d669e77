// Package handshake holds the constants that a plugin and its host must agree
// on before they can talk. It holds no behaviour, and is safe to import from
// both sides.
package handshake

import goplugin "github.com/hashicorp/go-plugin"

const (
	// ProtocolVersion is the major version of the contract spoken by this SDK:
	// the key of go-plugin's VersionedPlugins on both sides.
	ProtocolVersion = 1
	// PluginName is the key of the plugin set.
	PluginName = "provider"
	// MaxMessageBytes limits one gRPC message, in either direction.
	MaxMessageBytes = 16 << 20
	// CookieKey names the variable that tells a plugin that a host started it.
	CookieKey = "TRADEWIND_PLUGIN"
	// CookieValue is what that variable holds. It is no secret.
	CookieValue = "provider-7f2c1d0a"
	// LifelineEnv names the environment variable with the number of the
	// inherited descriptor whose end of file tells that the host is gone.
	LifelineEnv = "TRADEWIND_LIFELINE_FD"
	// DescribeArg is the only argument of a plugin binary: it prints its
	// description as JSON and exits.
	DescribeArg = "describe"
	// BinaryPrefix is what the name of a plugin binary starts with; the rest is
	// the provider's name.
	BinaryPrefix = "tradewind-provider-"
)

// Config returns go-plugin's form of the cookie. The version is negotiated
// through VersionedPlugins, so it is not part of it.
func Config() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{MagicCookieKey: CookieKey, MagicCookieValue: CookieValue}
}
