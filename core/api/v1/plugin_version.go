package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/plugin"
)

// PluginVersion is one version of a plugin that is installed or declared.
type PluginVersion struct {
	Version   string           `json:"version"`
	SHA256    string           `json:"sha256" doc:"Of the binary"`
	Source    string           `json:"source" doc:"Where it is declared"`
	Signature string           `json:"signature" enum:"trusted,untrusted,none" doc:"untrusted: its key is not trusted any more"`
	SignedBy  string           `json:"signed_by,omitempty" doc:"Id of the key"`
	Disabled  bool             `json:"disabled" doc:"It must not run"`
	Active    bool             `json:"active"`
	Groups    []string         `json:"groups" nullable:"false" doc:"That are pinned to it"`
	Isolation *PluginIsolation `json:"isolation,omitempty" doc:"Bounds of its own"`
}

// PluginEdit is one past change of a plugin's versions or selection.
type PluginEdit struct {
	Revision uint64    `json:"revision"`
	Time     time.Time `json:"time"`
	Who      string    `json:"who,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	What     string    `json:"what"`
}

type installPlugin struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" pattern:"^[!-~]*$" doc:"Your own unique key for this request, if you want one. The same key with the same body gives the plugin and does nothing twice; with another body it is a conflict"`
	Body struct {
		File     string `json:"file" minLength:"1" maxLength:"128" doc:"Name of a binary or an archive in the drop folder"`
		SHA256   string `json:"sha256" pattern:"^[0-9a-f]{64}$" doc:"Its SHA-256, from whoever you trust"`
		Activate bool   `json:"activate,omitempty" doc:"Upgrade to it at once, and wait for that"`
		Reason   string `json:"reason,omitempty" maxLength:"1000" doc:"Kept with the change"`
	}
}

type listPluginVersions struct {
	ByName
	api.Paging
}

// ByVersion is the path of one version of a plugin.
type ByVersion struct {
	ByName
	Version string `path:"version" minLength:"1" maxLength:"64"`
}

type removePluginVersion struct {
	ByVersion
	api.IfMatch
	Reason string `query:"reason" maxLength:"1000" doc:"Kept with the change"`
}

type setPluginVersionState struct {
	ByVersion
	api.IfMatch
	Body struct {
		State  string `json:"state" enum:"enabled,disabled"`
		Reason string `json:"reason,omitempty" maxLength:"1000" doc:"Kept with the change"`
	}
}

type upgradePlugin struct {
	ByName
	api.IfMatch
	api.Key
	Wait bool `query:"wait" doc:"Answer when it is done or has failed, instead of at once"`
	Body struct {
		Version string `json:"version" minLength:"1" maxLength:"64" doc:"An installed version"`
		Reason  string `json:"reason,omitempty" maxLength:"1000" doc:"Kept with the change"`
	}
}

type rollBackPlugin struct {
	ByName
	api.IfMatch
	api.Key
	Wait bool `query:"wait" doc:"Answer when it is done or has failed, instead of at once"`
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"1000" doc:"Kept with the change"`
	}
}

// PluginMoved is a plugin on its way to another version.
type PluginMoved struct {
	Status int
	ETag   string `header:"ETag" doc:"The version; send it as If-Match when you change the thing"`
	Body   PluginDetail
}

const movingDetail = "The new version is started and checked beside the old one, all new calls go to it, and the old one ends when its calls have. " +
	"A failure leaves the old one serving. The answer is 202 while it goes on: changes tells the phases."

func bindPluginVersions(s *api.Server, svc Services) {
	const tag = "Plugins"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/plugins", ID: "install-plugin", Tag: tag, Status: http.StatusCreated,
		Summary: "Install a version of a plugin from the drop folder",
		Detail: "It is copied beside the other versions and pinned to its checksum. A plugin's first version starts; a later one waits for an upgrade. " +
			"Installing the same file again changes nothing.",
	}, func(ctx context.Context, c access.Caller, in *installPlugin) (*Versioned[PluginDetail], error) {
		return pluginAnswer(svc.Plugins.Install(ctx, c, plugin.InstallInput{
			File: in.Body.File, SHA256: in.Body.SHA256, Activate: in.Body.Activate, Reason: in.Body.Reason, Key: in.Key,
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/plugins/{name}/versions", ID: "list-plugin-versions", Sort: []string{"version"}, Order: "version", Tag: tag, Summary: "List the versions of a plugin",
	}, func(ctx context.Context, c access.Caller, in *listPluginVersions) (*api.ListOut[PluginVersion], error) {
		p, err := svc.Plugins.Versions(ctx, c, in.Name, plugin.Query{Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Down()})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, pluginVersionOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodDelete, Path: "/v1/plugins/{name}/versions/{version}", ID: "remove-plugin-version", Tag: tag, Status: http.StatusNoContent,
		Summary: "Remove a version and its files", Detail: "One that is active, pinned or running is refused. The last one must be disabled first; the plugin goes with it.",
	}, func(ctx context.Context, c access.Caller, in *removePluginVersion) (*Empty, error) {
		_, err := svc.alterPlugin(ctx, c, in.Name, in.IfMatch, in.Reason, plugin.Alteration{Action: plugin.ActionRemove, Version: in.Version})
		return nil, err
	})
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/plugins/{name}/versions/{version}/state", ID: "set-plugin-version-state", Tag: tag,
		Summary: "Forbid a version to run, or allow it again", Detail: "Who is served by a disabled version is not served until another one is chosen.",
	}, func(ctx context.Context, c access.Caller, in *setPluginVersionState) (*Versioned[PluginDetail], error) {
		action := plugin.ActionEnable
		if in.Body.State == "disabled" {
			action = plugin.ActionDisable
		}
		return pluginAnswer(svc.alterPlugin(ctx, c, in.Name, in.IfMatch, in.Body.Reason, plugin.Alteration{Action: action, Version: in.Version}))
	})
	bindPluginMoves(s, svc)
}

func bindPluginMoves(s *api.Server, svc Services) {
	const tag = "Plugins"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/plugins/{name}/upgrade", ID: "upgrade-plugin", Tag: tag, Status: http.StatusAccepted,
		Summary: "Bring an installed version into use without failing a call", Detail: movingDetail,
	}, func(ctx context.Context, c access.Caller, in *upgradePlugin) (*PluginMoved, error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return movedAnswer(svc.Plugins.Upgrade(ctx, c, plugin.MoveInput{
			Name: in.Name, Version: in.Body.Version, Reason: in.Body.Reason, Revision: rev, Key: in.IdempotencyKey, Wait: in.Wait,
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/plugins/{name}/rollback", ID: "roll-back-plugin", Tag: tag, Status: http.StatusAccepted,
		Summary: "Bring the previous version back without failing a call", Detail: movingDetail,
	}, func(ctx context.Context, c access.Caller, in *rollBackPlugin) (*PluginMoved, error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return movedAnswer(svc.Plugins.Rollback(ctx, c, plugin.MoveInput{
			Name: in.Name, Reason: in.Body.Reason, Revision: rev, Key: in.IdempotencyKey, Wait: in.Wait,
		}))
	})
}

func movedAnswer(m plugin.Moved, err error) (*PluginMoved, error) {
	if err != nil {
		return nil, err
	}
	out := &PluginMoved{Status: http.StatusAccepted, ETag: pluginTag(m.Detail), Body: pluginDetailOf(m.Detail)}
	if m.Over {
		out.Status = http.StatusOK
	}
	return out, nil
}

// alterPlugin makes a change of what is selected from the revision of a header.
func (svc Services) alterPlugin(ctx context.Context, c access.Caller, name string, from api.IfMatch, reason string, a plugin.Alteration) (plugin.Detail, error) {
	rev, err := from.Revision()
	if err != nil {
		return plugin.Detail{}, err
	}
	return svc.Plugins.Alter(ctx, c, plugin.AlterInput{Name: name, Alter: a, Reason: reason, Revision: rev})
}

func pluginVersionOf(v plugin.Version) PluginVersion {
	out := PluginVersion{
		Version: v.Version, SHA256: v.SHA256, Source: v.Source, Signature: v.Signature, SignedBy: v.SignedBy, Disabled: v.Disabled,
		Active: v.Active, Groups: append([]string{}, v.Groups...),
	}
	if v.Isolation != (plugin.Isolation{}) {
		own := pluginIsolationOf(v.Isolation)
		out.Isolation = &own
	}
	return out
}
