package app

import (
	"tradewind.example/core/config"
	"tradewind.example/host/catalog"
	"tradewind.example/host/signature"
)

// PluginTrust reads the keys whose signatures on plugins count.
func PluginTrust(cfg config.Config) (signature.Trust, error) {
	keys, err := signature.ReadKeys(cfg.Plugins.SigningKeys...)
	return signature.Trust{Keys: keys, Required: cfg.Plugins.RequireSignature}, err
}

// declared are the plugins of the configuration.
func declared(in []config.Plugin) []catalog.Entry {
	out := make([]catalog.Entry, 0, len(in))
	for _, e := range in {
		out = append(out, catalog.Entry{
			Name: e.Name, Version: e.Version, Path: e.Path, SHA256: e.SHA256, Args: e.Args, Env: e.Env, Disabled: e.Disabled,
			Isolation: isolation(e.Isolation),
		})
	}
	return out
}

// selections say which of the declared versions serves whom.
func selections(in []config.PluginSelection) []catalog.Selection {
	out := make([]catalog.Selection, 0, len(in))
	for _, s := range in {
		chosen := catalog.Selection{Name: s.Name, Active: s.Active}
		for _, p := range s.Pins {
			chosen.Pins = append(chosen.Pins, catalog.Pin(p))
		}
		out = append(out, chosen)
	}
	return out
}
