package engine

import (
	"context"
	"io"

	run "tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/provider"
)

// shell is what runs when no command is asked for: bash where there is one.
func shell() []string {
	return []string{"sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh"}
}

// Stream copies a pod's output to out as it comes.
func (e *Engine) Stream(ctx context.Context, on workload.Target, in workload.Instance, req workload.LogStream, out io.Writer) error {
	m, err := e.manager(on)
	if err != nil {
		return err
	}
	return m.Logs(ctx, refOf(on, in), run.LogOptions{
		Pod: req.Pod, Container: req.Container, Tail: req.Tail, Since: req.Since, Timestamps: req.Timestamps, Follow: req.Follow, Previous: req.Previous,
	}, out)
}

// Console runs a command in a container for somebody who types.
func (e *Engine) Console(ctx context.Context, on workload.Target, in workload.Instance, req workload.Session, t provider.Terminal) (int, error) {
	m, err := e.manager(on)
	if err != nil {
		return 0, err
	}
	command := req.Command
	if len(command) == 0 {
		command = shell()
	}
	return m.Exec(ctx, refOf(on, in), run.Terminal{
		Pod: req.Pod, Container: req.Container, Command: command, Stdin: t.In, Stdout: t.Out, Stderr: t.Err, TTY: req.Terminal,
		Resize: func() (run.Size, bool) {
			s, more := <-t.Sizes
			return run.Size{Width: s.Columns, Height: s.Rows}, more
		},
	})
}

// Await watches a workload until it has come to rest.
func (e *Engine) Await(ctx context.Context, on workload.Target, in workload.Instance) error {
	m, err := e.manager(on)
	if err != nil {
		return err
	}
	return m.Rest(ctx, refOf(on, in))
}
