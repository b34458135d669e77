package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/plugin"
)

// PluginCrash is the report of one crash.
type PluginCrash struct {
	ID            string            `json:"id"`
	Time          time.Time         `json:"time"`
	Version       string            `json:"version,omitempty"`
	SHA256        string            `json:"sha256,omitempty"`
	PID           int               `json:"pid,omitempty"`
	Kind          string            `json:"kind" enum:"start,exit,lost,panic" doc:"start: before it could serve; lost: it lived and could not be reached; panic: the process lives on"`
	Status        int               `json:"status" doc:"Exit status; -1 when a signal ended it"`
	Signal        string            `json:"signal,omitempty"`
	OutOfMemory   bool              `json:"out_of_memory,omitempty"`
	UptimeMS      int64             `json:"uptime_ms"`
	ResidentBytes int64             `json:"resident_bytes,omitempty" doc:"When it was last looked at"`
	Message       string            `json:"message" doc:"What the plugin said"`
	Trace         []string          `json:"trace,omitempty" doc:"Lines of the stack"`
	Output        []string          `json:"output,omitempty" doc:"What it printed last, secrets masked"`
	Calls         []PluginCrashCall `json:"calls" nullable:"false" doc:"At work at that moment; any of them may be the cause"`
}

// PluginCrashCall is a call that was at work.
type PluginCrashCall struct {
	Method string   `json:"method"`
	Input  []string `json:"input,omitempty" doc:"Fields that were set, with types and lengths, never with values"`
}

// PluginBreaker is a circuit breaker that has seen a failure lately.
type PluginBreaker struct {
	Account  string     `json:"account" doc:"Id of the account, of its enablement"`
	Region   string     `json:"region,omitempty"`
	Changes  bool       `json:"changes" doc:"It watches changes, or else reads"`
	State    string     `json:"state" enum:"open,half_open,closed"`
	Since    time.Time  `json:"since"`
	Failures int        `json:"failures" doc:"In a row"`
	Failed   *time.Time `json:"failed,omitempty" doc:"The last failure"`
	Cause    string     `json:"cause,omitempty" doc:"Its class, and the cloud's own code"`
	RetryAt  *time.Time `json:"retry_at,omitempty" doc:"When an open one lets a probe through"`
}

type setPluginLog struct {
	ByName
	Body struct {
		Level string `json:"level" enum:"debug,info,warn,error"`
	}
}

type listPluginCrashes struct {
	ByName
	api.Paging
}

type getPluginCrash struct {
	ByName
	Report string `path:"report" minLength:"1" maxLength:"64" doc:"The id of the report"`
}

type listPluginBreakers struct {
	ByName
	api.Paging
}

type resetPluginBreaker struct {
	ByName
	Body struct {
		Account string `json:"account" minLength:"1" maxLength:"128"`
		Region  string `json:"region,omitempty" maxLength:"128"`
		Changes bool   `json:"changes,omitempty"`
	}
}

func bindPluginWatch(s *api.Server, svc Services) {
	const tag = "Plugins"
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/plugins/{name}/log-level", ID: "set-plugin-log-level", Tag: tag,
		Summary: "Show a plugin's log from a level on", Detail: "Its processes are told, too. It lasts until it is set again.",
	}, func(ctx context.Context, c access.Caller, in *setPluginLog) (*Versioned[PluginDetail], error) {
		return pluginAnswer(svc.Plugins.SetLogLevel(ctx, c, in.Name, in.Body.Level))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/plugins/{name}/crashes", ID: "list-plugin-crashes", Sort: []string{"time"}, Order: "-time", Tag: tag, Summary: "List the crash reports of a plugin",
	}, func(ctx context.Context, c access.Caller, in *listPluginCrashes) (*api.ListOut[PluginCrash], error) {
		p, err := svc.Plugins.Crashes(ctx, c, in.Name, plugin.Query{Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Down()})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, pluginCrashOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/plugins/{name}/crashes/{report}", ID: "get-plugin-crash", Tag: tag, Summary: "Read a crash report",
	}, func(ctx context.Context, c access.Caller, in *getPluginCrash) (*One[PluginCrash], error) {
		r, err := svc.Plugins.Crash(ctx, c, in.Name, in.Report)
		if err != nil {
			return nil, err
		}
		return &One[PluginCrash]{pluginCrashOf(r)}, nil
	})
	bindPluginBreakers(s, svc)
	bindPluginAttachment(s, svc)
	bindPluginDiagnosis(s, svc)
}

func bindPluginBreakers(s *api.Server, svc Services) {
	const tag = "Plugins"
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/plugins/{name}/breakers", ID: "list-plugin-breakers", Sort: []string{"account"}, Order: "account", Tag: tag,
		Summary: "List the circuit breakers that have seen a failure lately", Detail: "All others are closed. An open one refuses the calls of one account in one region.",
	}, func(ctx context.Context, c access.Caller, in *listPluginBreakers) (*api.ListOut[PluginBreaker], error) {
		p, err := svc.Plugins.Breakers(ctx, c, in.Name, plugin.Query{Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Down()})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, pluginBreakerOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/plugins/{name}/breakers/reset", ID: "reset-plugin-breaker", Tag: tag, Summary: "Close a circuit breaker at once",
	}, func(ctx context.Context, c access.Caller, in *resetPluginBreaker) (*Versioned[PluginDetail], error) {
		key := plugin.BreakerKey{Account: in.Body.Account, Region: in.Body.Region, Change: in.Body.Changes}
		return pluginAnswer(svc.Plugins.ResetBreaker(ctx, c, in.Name, key))
	})
}

func pluginCrashOf(r plugin.Crash) PluginCrash {
	return PluginCrash{
		ID: r.ID, Time: r.Time, Version: r.Version, SHA256: r.SHA256, PID: r.PID, Kind: r.Kind, Status: r.Status, Signal: r.Signal,
		OutOfMemory: r.OutOfMemory, UptimeMS: r.Uptime.Milliseconds(), ResidentBytes: r.ResidentBytes, Message: r.Message, Trace: r.Trace,
		Output: r.Output, Calls: each(r.Calls, func(c plugin.CrashCall) PluginCrashCall { return PluginCrashCall(c) }),
	}
}

func pluginBreakerOf(b plugin.Breaker) PluginBreaker {
	return PluginBreaker{
		Account: b.Account, Region: b.Region, Changes: b.Change, State: b.State, Since: b.Since, Failures: b.Failures, Failed: when(b.Failed),
		Cause: b.Cause, RetryAt: when(b.RetryAt),
	}
}
