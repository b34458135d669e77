package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// attachTask takes the line that a plugin in development mode has printed.
func attachTask() pluginTask {
	return pluginTask{use: "attach NAME LINE", short: "Let a plugin under a debugger take all calls; LINE is what tradewind-plugin dev prints", args: 2,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			var in map[string]any
			if err := json.Unmarshal([]byte(args[1]), &in); err != nil {
				return fmt.Errorf("%q is not the line that a plugin prints: give it whole and quoted", args[1])
			}
			return b.change(ctx, w, call{method: http.MethodPut, path: pluginPath(args[0], "attachment"), in: in})
		}}
}

func detachTask() pluginTask {
	return pluginTask{use: "detach NAME", short: "Return to the installed plugin", args: 1,
		run: func(ctx context.Context, w io.Writer, b *broker, args []string) error {
			return b.change(ctx, w, call{method: http.MethodDelete, path: pluginPath(args[0], "attachment")})
		}}
}
