package v1

import (
	"context"
	"net/http"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/plugin"
)

type attachPlugin struct {
	ByName
	Body struct {
		Network         string `json:"network" enum:"unix"`
		Addr            string `json:"addr" minLength:"1" maxLength:"107" doc:"Path of its socket on the broker's machine"`
		PID             int    `json:"pid" minimum:"1"`
		ProtocolVersion int    `json:"protocol_version" minimum:"1"`
	}
}

func bindPluginAttachment(s *api.Server, svc Services) {
	const tag, path = "Plugins", "/v1/plugins/{name}/attachment"
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: path, ID: "attach-plugin", Tag: tag, Summary: "Let a plugin under a debugger take all calls",
		Detail: "The body is the line that tradewind-plugin dev prints. Only on a broker with plugins.dev; the process is never ended.",
	}, func(ctx context.Context, c access.Caller, in *attachPlugin) (*Versioned[PluginDetail], error) {
		return pluginAnswer(svc.Plugins.Attach(ctx, c, in.Name, plugin.Attachment(in.Body)))
	})
	api.Handle(s, api.Route{
		Method: http.MethodDelete, Path: path, ID: "detach-plugin", Tag: tag, Status: http.StatusNoContent,
		Summary: "Return from a plugin under a debugger to the installed one",
	}, func(ctx context.Context, c access.Caller, in *ByName) (*Empty, error) {
		return nil, svc.Plugins.Detach(ctx, c, in.Name)
	})
}
