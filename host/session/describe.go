package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tradewind.example/host/launch"
	"tradewind.example/host/manifest"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
)

// Describe runs the binary once with the one argument that makes it print its
// description, in the same sealed surroundings as a plugin that serves, and
// returns what it printed. ctx bounds the run. A failed run is a [*StartError].
func Describe(ctx context.Context, cfg launch.Config) (provider.Description, error) {
	cfg.Args = []string{handshake.DescribeArg}
	proc, err := launch.New(cfg)
	redact := &Redactor{}
	if err != nil {
		return provider.Description{}, startError(PhaseVerify, nil, redact, "", err)
	}
	stop := context.AfterFunc(ctx, proc.Signal)
	defer stop()
	desc, err := runDescribe(ctx, proc)
	proc.Signal()
	<-proc.Done()
	if err != nil {
		return desc, startError(PhaseDescribe, nil, redact, proc.Report(redact.Text), err)
	}
	return desc, nil
}

func runDescribe(ctx context.Context, proc *launch.Process) (provider.Description, error) {
	var desc provider.Description
	if err := proc.Start(ctx); err != nil {
		return desc, err
	}
	raw, err := io.ReadAll(io.LimitReader(proc.Stdout(), manifest.MaxBytes+1))
	if err != nil {
		return desc, fmt.Errorf("reading the description: %w", err)
	}
	if len(raw) > manifest.MaxBytes {
		return desc, fmt.Errorf("the description is longer than %d bytes", manifest.MaxBytes)
	}
	if err := errors.Join(proc.Wait(ctx), json.Unmarshal(raw, &desc)); err != nil {
		return desc, fmt.Errorf("reading the description: %w", err)
	}
	return desc, nil
}
