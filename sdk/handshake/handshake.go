// Package handshake holds the constants that a plugin and its host must agree
// on before they can talk. It holds no behaviour, and is safe to import from
// both sides.
package handshake

import (
	"fmt"
	"net"

	goplugin "github.com/hashicorp/go-plugin"
)

const (
	// ProtocolVersion is the major version of the contract spoken by this SDK:
	// the key of go-plugin's VersionedPlugins on both sides.
	ProtocolVersion = 1
	// ContractMinor is the newest additive revision of that major version that
	// this SDK knows. A host of revision n serves every plugin that needs at most n.
	ContractMinor = 1
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
	// DescribeArg, as the only argument of a plugin binary, makes it print its
	// description as JSON and exit.
	DescribeArg = "describe"
	// DevArg, as the only argument of a plugin binary, makes it serve without
	// having been started by a host, for work with a debugger: it prints a
	// [Reattach] as one line of JSON and serves until it is interrupted.
	DevArg = "dev"
	// CrashAttr names the attribute, always the first one, that marks a log line
	// as the report of a crash that the SDK caught. The line also has method,
	// panic, input (a list of field shapes) and stack.
	CrashAttr = "@crash"
	// BinaryPrefix is what the name of a plugin binary starts with; the rest is
	// the provider's name.
	BinaryPrefix = "tradewind-provider-"
)

// Config returns go-plugin's form of the cookie. The version is negotiated
// through VersionedPlugins, so it is not part of it.
func Config() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{MagicCookieKey: CookieKey, MagicCookieValue: CookieValue}
}

// Reattach says where a plugin in development mode listens: without TLS, on a
// Unix socket that only its owner can open. Its JSON form is the one line that
// the plugin prints and that a host in development mode takes.
type Reattach struct {
	Network         string `json:"network"` // "unix"
	Addr            string `json:"addr"`    // path of the socket
	PID             int    `json:"pid"`
	ProtocolVersion int    `json:"protocol_version"`
}

// GoPlugin returns go-plugin's form of r, with which Kill ends the connection
// but not the process. A client that uses it needs ClientConfig.Plugins:
// go-plugin does not look at VersionedPlugins when it attaches.
func (r Reattach) GoPlugin() (*goplugin.ReattachConfig, error) {
	if r.Network != "unix" || r.PID <= 0 {
		return nil, fmt.Errorf("network %q and process %d: a plugin in development listens on a unix socket and names its process", r.Network, r.PID)
	}
	addr, err := net.ResolveUnixAddr(r.Network, r.Addr)
	if err != nil {
		return nil, fmt.Errorf("reading where the plugin listens: %w", err)
	}
	return &goplugin.ReattachConfig{
		Protocol: goplugin.ProtocolGRPC, ProtocolVersion: r.ProtocolVersion, Addr: addr, Pid: r.PID, Test: true,
	}, nil
}
