package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// pluginRow is what a line about a plugin shows.
type pluginRow struct {
	Name, Version, State, SHA256, Reason string
	PID, Restarts                        int
	Changes                              []struct{ Kind, From, To, State, Error string }
}

// line tells of a plugin, and of an upgrade that is not over.
func (p pluginRow) line() string {
	text := fmt.Sprintf("%s %s %s", p.Name, p.Version, p.State)
	if n := len(p.Changes); n > 0 {
		if c := p.Changes[n-1]; c.State != "done" {
			text += fmt.Sprintf(" (%s from %s to %s: %s)", c.Kind, c.From, c.To, c.State)
		}
	}
	return text
}

func pluginPath(parts ...string) string {
	path := "/v1/plugins"
	for _, p := range parts {
		path += "/" + url.PathEscape(p)
	}
	return path
}

// pluginTask is a command that asks a running broker.
type pluginTask struct {
	use, short string
	args       int
	setup      func(*cobra.Command)
	run        func(ctx context.Context, w io.Writer, b *broker, args []string) error
}

func (t pluginTask) command() *cobra.Command {
	var at remote
	cmd := &cobra.Command{
		Use: t.use, Short: t.short, Args: cobra.ExactArgs(t.args),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := at.open()
			if err != nil {
				return err
			}
			return t.run(cmd.Context(), cmd.OutOrStdout(), b, args)
		},
	}
	at.flags(cmd)
	if t.setup != nil {
		t.setup(cmd)
	}
	return cmd
}

// remotePluginCommands are those that need a running broker.
func remotePluginCommands() []*cobra.Command {
	var out []*cobra.Command
	for _, verb := range []string{"start", "stop", "restart", "reload", "resume"} {
		out = append(out, verbTask(verb).command())
	}
	for _, t := range []pluginTask{
		showTask(), versionsTask(), upgradeTask(), rollbackTask(), enablingTask("enable", "enabled"), enablingTask("disable", "disabled"),
		removeTask(), pinTask(), unpinTask(), logTask(), crashesTask(), crashTask(), breakersTask(), resetTask(), attachTask(), detachTask(), diagnoseTask(),
	} {
		out = append(out, t.command())
	}
	return out
}

// change sends a request and prints the plugin afterwards.
func (b *broker) change(ctx context.Context, w io.Writer, c call) error {
	body, _, err := b.do(ctx, c)
	if err != nil || len(body) == 0 {
		return err
	}
	var p pluginRow
	if err := json.Unmarshal(body, &p); err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, p.line())
	return err
}

// changeRead is change from the revision that the plugin has now: what somebody
// else does in between is not overwritten.
func (b *broker) changeRead(ctx context.Context, w io.Writer, name string, c call) error {
	etag, err := b.get(ctx, pluginPath(name), &pluginRow{})
	if err != nil {
		return err
	}
	if c.etag = etag; etag == "" {
		c.etag = "*"
	}
	return b.change(ctx, w, c)
}

func verbTask(verb string) pluginTask {
	short := map[string]string{
		"start": "Start a plugin", "stop": "Let its calls finish and stop a plugin", "restart": "Stop and start a plugin",
		"reload": "Replace its processes without failing a call", "resume": "Start a plugin that is in quarantine",
	}[verb]
	return pluginTask{use: verb + " NAME", short: short, args: 1, run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
		return b.change(ctx, w, call{method: http.MethodPost, path: pluginPath(args[0], verb)})
	}}
}

func showTask() pluginTask {
	return pluginTask{use: "show NAME", short: "Print everything that is known of a plugin, as JSON", args: 1,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			body, _, err := b.do(ctx, call{method: http.MethodGet, path: pluginPath(args[0])})
			if err != nil {
				return err
			}
			return showJSON(w, body)
		}}
}

func versionsTask() pluginTask {
	return pluginTask{use: "versions NAME", short: "List the versions of a plugin", args: 1,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			all, err := rows[struct {
				Version, SHA256, Signature string
				Active, Disabled           bool
				Groups                     []string
			}](ctx, b, pluginPath(args[0], "versions"))
			for _, v := range all {
				words := []string{v.Version, v.SHA256, "signature " + v.Signature}
				if v.Active {
					words = append(words, "active")
				}
				if v.Disabled {
					words = append(words, "disabled")
				}
				if len(v.Groups) > 0 {
					words = append(words, "for "+strings.Join(v.Groups, ", "))
				}
				fmt.Fprintln(w, strings.Join(words, " "))
			}
			return err
		}}
}

// moving are the flags of an upgrade or a rollback.
type moving struct {
	reason string
	noWait bool
}

func (m *moving) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.reason, "reason", "", "`text` that is kept with the change")
	cmd.Flags().BoolVar(&m.noWait, "no-wait", false, "return at once; show tells how it goes")
}

func (m *moving) path(name, verb string) string {
	if m.noWait {
		return pluginPath(name, verb)
	}
	return pluginPath(name, verb) + "?wait=true"
}

func upgradeTask() pluginTask {
	var m moving
	return pluginTask{use: "upgrade NAME VERSION", short: "Bring an installed version into use without failing a call", args: 2, setup: m.flags,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			in := map[string]string{"version": args[1], "reason": m.reason}
			return b.changeRead(ctx, w, args[0], call{method: http.MethodPost, path: m.path(args[0], "upgrade"), in: in})
		}}
}

func rollbackTask() pluginTask {
	var m moving
	return pluginTask{use: "rollback NAME", short: "Bring the previous version back without failing a call", args: 1, setup: m.flags,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			in := map[string]string{"reason": m.reason}
			return b.changeRead(ctx, w, args[0], call{method: http.MethodPost, path: m.path(args[0], "rollback"), in: in})
		}}
}

func enablingTask(verb, state string) pluginTask {
	short := map[string]string{"enable": "Allow a version to run again", "disable": "Forbid a version to run"}[verb]
	return pluginTask{use: verb + " NAME VERSION", short: short, args: 2, run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
		return b.changeRead(ctx, w, args[0], call{
			method: http.MethodPut, path: pluginPath(args[0], "versions", args[1], "state"), in: map[string]string{"state": state},
		})
	}}
}

func removeTask() pluginTask {
	return pluginTask{use: "remove NAME VERSION", short: "Remove a version and its files", args: 2,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			return b.changeRead(ctx, w, args[0], call{method: http.MethodDelete, path: pluginPath(args[0], "versions", args[1])})
		}}
}

func pinTask() pluginTask {
	var orgs []string
	var version, reason string
	var isolated bool
	setup := func(cmd *cobra.Command) {
		cmd.Flags().StringArrayVar(&orgs, "org", nil, "`id` of an org of the group, or of a root for its whole tree; repeat it")
		cmd.Flags().StringVar(&version, "version", "", "`version` that serves the group; may be left out for an isolated one")
		cmd.Flags().BoolVar(&isolated, "isolated", false, "give each org of the group a process of its own")
		cmd.Flags().StringVar(&reason, "reason", "", "`text` that is kept with the change")
	}
	return pluginTask{use: "pin NAME GROUP", short: "Serve a group of orgs by a version or processes of their own", args: 2, setup: setup,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			in := map[string]any{"orgs": append([]string{}, orgs...), "isolated": isolated, "version": version, "reason": reason}
			return b.changeRead(ctx, w, args[0], call{method: http.MethodPut, path: pluginPath(args[0], "pins", args[1]), in: in})
		}}
}

func unpinTask() pluginTask {
	return pluginTask{use: "unpin NAME GROUP", short: "Serve a group by the active version again", args: 2,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			return b.changeRead(ctx, w, args[0], call{method: http.MethodDelete, path: pluginPath(args[0], "pins", args[1])})
		}}
}

func logTask() pluginTask {
	return pluginTask{use: "log-level NAME LEVEL", short: "Show a plugin's log from debug, info, warn or error on", args: 2,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			in := map[string]string{"level": args[1]}
			return b.change(ctx, w, call{method: http.MethodPut, path: pluginPath(args[0], "log-level"), in: in})
		}}
}

func crashesTask() pluginTask {
	return pluginTask{use: "crashes NAME", short: "List the crash reports of a plugin, newest first", args: 1,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			all, err := rows[struct{ ID, Kind, Version, Message string }](ctx, b, pluginPath(args[0], "crashes"))
			for _, r := range all {
				first, _, _ := strings.Cut(r.Message, "\n")
				fmt.Fprintf(w, "%s %s %s %s\n", r.ID, r.Version, r.Kind, first)
			}
			return err
		}}
}

func crashTask() pluginTask {
	return pluginTask{use: "crash NAME ID", short: "Print a crash report, as JSON", args: 2,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			body, _, err := b.do(ctx, call{method: http.MethodGet, path: pluginPath(args[0], "crashes", args[1])})
			if err != nil {
				return err
			}
			return showJSON(w, body)
		}}
}

func diagnoseTask() pluginTask {
	return pluginTask{use: "diagnose NAME", short: "Print what a plugin's processes are doing: calls and where goroutines stand", args: 1,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			body, _, err := b.do(ctx, call{method: http.MethodGet, path: pluginPath(args[0], "diagnosis")})
			if err != nil {
				return err
			}
			var out struct {
				Processes []struct {
					Version, Stacks, Problem string
					OrgID                    string `json:"org_id"`
					PID, Calls, Goroutines   int
					Cut                      bool
				}
			}
			if err := json.Unmarshal(body, &out); err != nil {
				return fmt.Errorf("reading the broker's answer: %w", err)
			}
			for _, p := range out.Processes {
				fmt.Fprintf(w, "process %d, version %s %s: %d calls, %d goroutines\n%s\n", p.PID, p.Version, p.OrgID, p.Calls, p.Goroutines, p.Stacks)
				if p.Problem != "" {
					fmt.Fprintf(w, "it does not tell more: %s\n", p.Problem)
				}
				if p.Cut {
					fmt.Fprintln(w, "the rest was left out")
				}
			}
			return nil
		}}
}

func breakersTask() pluginTask {
	return pluginTask{use: "breakers NAME", short: "List the circuit breakers that have seen a failure lately", args: 1,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			all, err := rows[struct {
				Account, Region, State, Cause string
				Changes                       bool
				Failures                      int
				RetryAt                       *time.Time `json:"retry_at"`
			}](ctx, b, pluginPath(args[0], "breakers"))
			for _, x := range all {
				class := "reads"
				if x.Changes {
					class = "changes"
				}
				fmt.Fprintf(w, "%s %q %s %s: %d failures, the last one %s\n", x.Account, x.Region, class, x.State, x.Failures, x.Cause)
			}
			return err
		}}
}

func resetTask() pluginTask {
	var region string
	var changes bool
	setup := func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&region, "region", "", "`region` that it watches; empty where calls have none")
		cmd.Flags().BoolVar(&changes, "changes", false, "the one that watches changes, not reads")
	}
	return pluginTask{use: "reset-breaker NAME ACCOUNT", short: "Close a circuit breaker at once", args: 2, setup: setup,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			in := map[string]any{"account": args[1], "region": region, "changes": changes}
			return b.change(ctx, w, call{method: http.MethodPost, path: pluginPath(args[0], "breakers") + "/reset", in: in})
		}}
}

// listRemote prints the plugins of a running broker.
func listRemote(ctx context.Context, w io.Writer, at remote) error {
	b, err := at.open()
	if err != nil {
		return err
	}
	all, err := rows[pluginRow](ctx, b, pluginPath())
	for _, p := range all {
		fmt.Fprintf(w, "%s %s %s %s\n", p.Name, p.Version, p.SHA256, p.State)
	}
	return err
}

// installRemote lets a running broker install a file of its drop folder.
func installRemote(ctx context.Context, w io.Writer, at remote, file, sum string, activate bool) error {
	b, err := at.open()
	if err != nil {
		return err
	}
	in := map[string]any{"file": file, "sha256": sum, "activate": activate}
	return b.change(ctx, w, call{method: http.MethodPost, path: pluginPath(), in: in})
}
