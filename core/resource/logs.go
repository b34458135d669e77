package resource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/provider"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Talker is what this package asks of a plugin whose resources print or listen.
type Talker interface {
	Logs(ctx context.Context, req contract.LogsRequest, out io.Writer) error
	Console(
		ctx context.Context, req contract.ConsoleRequest, in <-chan contract.ConsoleInput, out func(contract.ConsoleOutput) error,
	) (code int, err error)
}

// LogsInput says what to read of what a resource prints.
type LogsInput struct {
	ResourceID string
	Part       string // "": the first
	Container  string // "": the main one
	Follow     bool   // until ctx ends
	TailLines  int    // 0: all
	Since      time.Time
	Timestamps bool
	Previous   bool
}

// Logs writes what a resource prints to out, for who may act on it. A followed
// log lasts until ctx ends, or until its caller's session has ended, the right to
// it is lost or the resource was released.
func (s *Service) Logs(ctx context.Context, c access.Caller, in LogsInput, out io.Writer) error {
	v, err := s.talking(ctx, c, in.ResourceID, contract.VerbLogs)
	if err != nil {
		return err
	}
	cloud, call, err := s.openTalk(ctx, c, v)
	if err != nil {
		return err
	}
	g := guard{svc: s, caller: c, resourceID: v.ID, verb: contract.VerbLogs}
	err = g.while(ctx, func(ctx context.Context) error {
		return cloud.Logs(ctx, contract.LogsRequest{
			Call: call, Kind: v.Kind, ID: v.VendorID, Part: in.Part, Container: in.Container, Follow: in.Follow,
			TailLines: in.TailLines, Since: in.Since, Timestamps: in.Timestamps, Previous: in.Previous,
		}, out)
	})
	if err == nil {
		return nil
	}
	err = fmt.Errorf("reading the log of %q: %w", v.ID, err)
	if why := whyEnded(err); why != "" {
		err = errors.Join(err, s.noteStream(context.WithoutCancel(ctx), c, v, auditLogsClose, map[string]any{"why": why}))
	}
	return err
}

// talking returns a live resource on which the caller may act, and whose kind
// has the verb.
func (s *Service) talking(ctx context.Context, c access.Caller, resourceID string, verb contract.Verb) (Resource, error) {
	d, err := s.checked(ctx, c, access.ResourceAction, resourceID)
	if err != nil {
		return Resource{}, err
	}
	v := d.Value
	if !v.Live() {
		return Resource{}, fault.Precondition("resource %q was released", v.ID)
	}
	about, err := s.cfg.Plugins.Describe(ctx, v.Plugin)
	if err != nil {
		return Resource{}, fmt.Errorf("describing plugin %q: %w", v.Plugin, err)
	}
	offers := func(k contract.KindDescription) bool { return k.Name == v.Kind && slices.Contains(k.Verbs, verb) }
	if !slices.ContainsFunc(about.Kinds, offers) {
		return Resource{}, fault.Unsupported("resources of kind %q have no %s", v.Kind, verb)
	}
	return v, nil
}

// openTalk opens the account in which a resource lives, for a stream.
func (s *Service) openTalk(ctx context.Context, c access.Caller, v Resource) (Talker, contract.Call, error) {
	cloud, call, err := s.open(ctx, v, provider.PurposeOperate)
	if err != nil {
		return nil, contract.Call{}, err
	}
	call.RequestID = c.RequestID
	return cloud, call, nil
}
