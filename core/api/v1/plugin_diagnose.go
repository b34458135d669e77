package v1

import (
	"context"
	"net/http"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/plugin"
)

// PluginDiagnosis is what the processes of a plugin are doing.
type PluginDiagnosis struct {
	Processes []PluginDoing `json:"processes" nullable:"false"`
}

// PluginDoing is what one process is doing.
type PluginDoing struct {
	Version    string `json:"version"`
	OrgID      string `json:"org_id,omitempty" doc:"Of a process for one org alone"`
	PID        int    `json:"pid"`
	Calls      int    `json:"calls" doc:"In the plugin's code"`
	Goroutines int    `json:"goroutines"`
	Stacks     string `json:"stacks,omitempty" doc:"Where the goroutines stand, without values of arguments, secrets masked; at most 1 MiB"`
	Cut        bool   `json:"cut,omitempty" doc:"Stacks were left out"`
	Problem    string `json:"problem,omitempty" doc:"Why the process did not tell"`
}

func bindPluginDiagnosis(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/plugins/{name}/diagnosis", ID: "diagnose-plugin", Tag: "Plugins", Summary: "See what a plugin's processes are doing",
		Detail: "Each is asked for its calls at work and where its goroutines stand, and stands still for some milliseconds. Who asks is noted.",
	}, func(ctx context.Context, c access.Caller, in *ByName) (*One[PluginDiagnosis], error) {
		all, err := svc.Plugins.Diagnose(ctx, c, in.Name)
		if err != nil {
			return nil, err
		}
		return &One[PluginDiagnosis]{PluginDiagnosis{Processes: each(all, pluginDoingOf)}}, nil
	})
}

func pluginDoingOf(d plugin.Doing) PluginDoing {
	return PluginDoing{
		Version: d.Version, OrgID: d.Org, PID: d.PID, Calls: d.Calls, Goroutines: d.Goroutines, Stacks: d.Stacks, Cut: d.Cut, Problem: d.Problem,
	}
}
