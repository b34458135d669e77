package broken

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// The commands that the console of a disk knows.
const (
	commandExit  = "exit"
	commandEcho  = "echo"
	commandFlood = "flood"

	exitCode = 3
	lastWord = "bye"
)

// logLines is how many lines a disk has printed.
const logLines = 10

// Logs writes what the disk has printed; it prints no more.
func (h disks) Logs(ctx context.Context, req provider.LogsRequest, out io.Writer) error {
	p := h.p
	if err := h.known(ctx, req.Call, req.ID); err != nil {
		return err
	}
	lines := logLines
	if req.TailLines > 0 && !p.has("logs-read") {
		lines = min(lines, req.TailLines)
	}
	for i := range lines {
		if _, err := fmt.Fprintf(out, "line %d\n", i); err != nil {
			return err
		}
	}
	switch {
	case !req.Follow, p.has("logs-follow/ends"):
		return nil
	case p.has("logs-follow"):
		<-p.release
	}
	<-ctx.Done()
	return ctx.Err()
}

// known wants a disk to be there.
func (h disks) known(ctx context.Context, call provider.Call, id string) error {
	if err := h.p.open(ctx, call); err != nil {
		return err
	}
	_, err := h.p.cloud.change(call.Account.ID, id, func(*disk) {})
	if err != nil && h.p.has("streams-missing") {
		return fault.Unavailable("there is nothing to read")
	}
	return err
}

// Console runs one of the commands.
func (h disks) Console(ctx context.Context, req provider.ConsoleRequest, t provider.Terminal) (int, error) {
	if err := h.known(ctx, req.Call, req.ID); err != nil {
		return 0, err
	}
	if len(req.Command) != 1 {
		return 0, fault.Invalid("command", "must be one word")
	}
	switch req.Command[0] {
	case commandExit:
		return h.exit(t)
	case commandEcho:
		return h.echo(ctx, t)
	case commandFlood:
		return h.flood(ctx, t)
	}
	return 0, fault.Invalid("command", "is not known")
}

func (h disks) exit(t provider.Terminal) (int, error) {
	if h.p.has("console-exit") {
		return 0, nil
	}
	if h.p.has("console-exit/mute") {
		return exitCode, nil
	}
	_, err := io.WriteString(t.Out, lastWord+"\n")
	return exitCode, err
}

// echo copies the input. The one flaw stays when the caller leaves, the other
// leaves somebody behind.
func (h disks) echo(ctx context.Context, t provider.Terminal) (int, error) {
	p := h.p
	in := t.In
	if p.has("console-input") {
		in = io.LimitReader(in, 1000)
	}
	if p.has("console-leave/goroutine") {
		go func() { <-p.release }()
	}
	_, err := io.Copy(t.Out, in)
	if err != nil && p.has("console-leave") {
		<-p.release
	}
	if err != nil {
		err = errors.Join(err, ctx.Err())
	}
	return 0, err
}

// flood writes until nobody wants it any more. With the flaw it does not wait
// for the reader.
func (h disks) flood(ctx context.Context, t provider.Terminal) (int, error) {
	part := bytes.Repeat([]byte("water "), 1000)
	if !h.p.has("console-slow") {
		for {
			if _, err := t.Out.Write(part); err != nil {
				return 0, err
			}
		}
	}
	var kept bytes.Buffer
	for range 2 * logLines {
		for range 1000 {
			kept.Write(part)
		}
		if _, err := t.Out.Write(part); err != nil {
			return 0, err
		}
	}
	<-ctx.Done()
	_, err := kept.WriteTo(t.Out)
	return 0, err
}
