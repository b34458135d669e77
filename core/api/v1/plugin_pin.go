package v1

import (
	"context"
	"net/http"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/plugin"
)

// PluginPin lets a group of orgs be served by another version than the active
// one, or by processes of their own.
type PluginPin struct {
	Group    string   `json:"group"`
	Orgs     []string `json:"orgs" nullable:"false"`
	Version  string   `json:"version,omitempty" doc:"Absent: the active one"`
	Isolated bool     `json:"isolated" doc:"Each org of the group has a process of its own"`
}

// ByGroup is the path of a pin.
type ByGroup struct {
	ByName
	Group string `path:"group" minLength:"1" maxLength:"64" pattern:"^[a-z0-9][a-z0-9._-]*$" doc:"A name of your choice"`
}

type pinPlugin struct {
	ByGroup
	api.IfMatch
	Body struct {
		Orgs     []string `json:"orgs" minItems:"1" maxItems:"4096" nullable:"false" doc:"Ids of orgs; the id of a root means its whole tree"`
		Version  string   `json:"version,omitempty" maxLength:"64" doc:"An installed version; may be absent for an isolated group"`
		Isolated bool     `json:"isolated,omitempty" doc:"Each org of the group gets a process of its own"`
		Reason   string   `json:"reason,omitempty" maxLength:"1000" doc:"Kept with the change"`
	}
}

type unpinPlugin struct {
	ByGroup
	api.IfMatch
	Reason string `query:"reason" maxLength:"1000" doc:"Kept with the change"`
}

func bindPluginPins(s *api.Server, svc Services) {
	const tag = "Plugins"
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/plugins/{name}/pins/{group}", ID: "pin-plugin", Tag: tag,
		Summary: "Serve a group of orgs by a version of their own", Detail: "It takes the place of the group's earlier pin, from the next call on. An org is in one group.",
	}, func(ctx context.Context, c access.Caller, in *pinPlugin) (*Versioned[PluginDetail], error) {
		b := in.Body
		return pluginAnswer(svc.alterPlugin(ctx, c, in.Name, in.IfMatch, b.Reason, plugin.Alteration{
			Action: plugin.ActionPin, Pin: plugin.Pin{Group: in.Group, Orgs: b.Orgs, Version: b.Version, Isolated: b.Isolated},
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodDelete, Path: "/v1/plugins/{name}/pins/{group}", ID: "unpin-plugin", Tag: tag,
		Summary: "Serve a group of orgs by the active version again",
	}, func(ctx context.Context, c access.Caller, in *unpinPlugin) (*Versioned[PluginDetail], error) {
		return pluginAnswer(svc.alterPlugin(ctx, c, in.Name, in.IfMatch, in.Reason, plugin.Alteration{
			Action: plugin.ActionUnpin, Pin: plugin.Pin{Group: in.Group},
		}))
	})
}

func pluginPinOf(p plugin.Pin) PluginPin {
	return PluginPin{Group: p.Group, Orgs: append([]string{}, p.Orgs...), Version: p.Version, Isolated: p.Isolated}
}
