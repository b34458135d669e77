package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/plugin"
	contract "tradewind.example/sdk/provider"
)

// Plugin is an installed plugin.
type Plugin struct {
	Name         string       `json:"name"`
	Title        string       `json:"title"`
	Version      string       `json:"version"`
	SHA256       string       `json:"sha256" doc:"Of the binary; what is pinned"`
	State        string       `json:"state"`
	Since        time.Time    `json:"since"`
	Reason       string       `json:"reason,omitempty" doc:"Of the last change of state"`
	Restarts     int          `json:"restarts"`
	LastError    string       `json:"last_error,omitempty"`
	PID          int          `json:"pid,omitempty"`
	Currency     string       `json:"currency,omitempty"`
	Capabilities []string     `json:"capabilities" nullable:"false"`
	Config       any          `json:"config" doc:"JSON Schema of an account's config; secret fields carry x-secret"`
	Kinds        []PluginKind `json:"kinds" nullable:"false"`
	// Deprecated is what the plugin is going to take away.
	Deprecated []PluginDeprecation `json:"deprecated" nullable:"false" doc:"What it still offers and is going to take away"`
}

// PluginDeprecation is one thing that a plugin is going to take away.
type PluginDeprecation struct {
	Place   string `json:"place" doc:"A field of the config, a kind, an action, or a field of one: instance.spec.size"`
	Instead string `json:"instead" doc:"What to use"`
}

// PluginKind is a resource kind that a plugin manages.
type PluginKind struct {
	Name    string         `json:"name"`
	Title   string         `json:"title"`
	Spec    any            `json:"spec" doc:"JSON Schema"`
	State   any            `json:"state" doc:"JSON Schema"`
	Verbs   []string       `json:"verbs" nullable:"false"`
	Actions []PluginAction `json:"actions" nullable:"false"`
	Parts   []string       `json:"part_kinds,omitempty" nullable:"false" doc:"Kinds of what such a resource consists of"`
}

// PluginAction is one action of a kind.
type PluginAction struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Input       any    `json:"input,omitempty" doc:"JSON Schema"`
	Changes     bool   `json:"changes"`
	Destructive bool   `json:"destructive"`
}

// ByName is the path of a plugin.
type ByName struct {
	Name string `path:"name" minLength:"1" maxLength:"64" doc:"The plugin's name"`
}

type listPlugins struct {
	api.Paging
}

type operatePlugin struct {
	ByName
	Verb string `path:"verb" enum:"start,stop,restart,reload,resume"`
}

func bindPlugins(s *api.Server, svc Services) {
	const tag = "Plugins"
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/plugins", ID: "list-plugins", Sort: []string{"name"}, Order: "name", Tag: tag, Summary: "List installed plugins",
	}, func(ctx context.Context, c access.Caller, in *listPlugins) (*api.ListOut[Plugin], error) {
		p, err := svc.Plugins.List(ctx, c, plugin.Query{Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Down()})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, pluginOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/plugins/{name}", ID: "get-plugin", Tag: tag, Summary: "Inspect an installed plugin",
		Detail: "States, processes, versions, upgrades, load, limits and storage at this moment. The ETag is the revision of its versions and selection.",
	}, func(ctx context.Context, c access.Caller, in *ByName) (*Versioned[PluginDetail], error) {
		return pluginAnswer(svc.Plugins.Inspect(ctx, c, in.Name))
	})
	bindPluginVersions(s, svc)
	bindPluginPins(s, svc)
	bindPluginWatch(s, svc)
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/plugins/{name}/{verb}", ID: "operate-plugin", Tag: tag, Summary: "Start, stop, restart, reload or resume a plugin",
		Detail: "reload brings fresh processes of the same version into use without failing a call; resume ends a quarantine.",
	}, func(ctx context.Context, c access.Caller, in *operatePlugin) (*Versioned[PluginDetail], error) {
		return pluginAnswer(svc.Plugins.Operate(ctx, c, in.Name, plugin.Verb(in.Verb)))
	})
}

func pluginAnswer(d plugin.Detail, err error) (*Versioned[PluginDetail], error) {
	if err != nil {
		return nil, err
	}
	return &Versioned[PluginDetail]{ETag: pluginTag(d), Body: pluginDetailOf(d)}, nil
}

// pluginTag is empty for what is declared elsewhere and not changed here.
func pluginTag(d plugin.Detail) string {
	if d.Selection.Revision == 0 {
		return ""
	}
	return api.ETag(d.Selection.Revision)
}

func pluginOf(p plugin.Plugin) Plugin {
	out := Plugin{
		Name: p.Name, Title: p.Description.Title, Version: p.Version, SHA256: p.SHA256, State: p.State, Since: p.Since, Reason: p.Reason,
		Restarts: p.Restarts, LastError: p.LastError, PID: p.PID, Currency: p.Description.Currency,
		Capabilities: make([]string, 0, len(p.Description.Capabilities)), Config: object(p.Description.Config),
		Kinds: make([]PluginKind, 0, len(p.Description.Kinds)), Deprecated: []PluginDeprecation{},
	}
	for _, d := range p.Description.Deprecations() {
		out.Deprecated = append(out.Deprecated, PluginDeprecation(d))
	}
	for _, c := range p.Description.Capabilities {
		out.Capabilities = append(out.Capabilities, string(c))
	}
	for _, k := range p.Description.Kinds {
		out.Kinds = append(out.Kinds, kindOf(k))
	}
	return out
}

func kindOf(k contract.KindDescription) PluginKind {
	out := PluginKind{
		Name: k.Name, Title: k.Title, Spec: object(k.Spec), State: object(k.State),
		Verbs: make([]string, 0, len(k.Verbs)), Actions: make([]PluginAction, 0, len(k.Actions)),
		Parts: k.PartKinds,
	}
	for _, v := range k.Verbs {
		out.Verbs = append(out.Verbs, string(v))
	}
	for _, a := range k.Actions {
		out.Actions = append(out.Actions, PluginAction{Name: a.Name, Title: a.Title, Input: object(a.Input), Changes: a.Changes, Destructive: a.Destructive})
	}
	return out
}
