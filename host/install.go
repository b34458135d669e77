package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tradewind.example/host/catalog"
	"tradewind.example/host/launch"
	"tradewind.example/host/manifest"
	"tradewind.example/host/session"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// describeTimeout bounds the run that asks a binary for its description.
const describeTimeout = 20 * time.Second

// InstallOptions says how the binary is trusted. Exactly one field is set.
type InstallOptions struct {
	// SHA256 is the hash the binary must have, in lower-case hex.
	SHA256 string
	// AcceptComputed pins whatever hash the file has: the operator vouches for it.
	AcceptComputed bool
}

// Install copies the binary at file into the catalogue, pins its SHA-256, asks
// it for its description in the same sealed surroundings in which it will serve,
// and writes its manifest. A new plugin is then started; a new version of a
// running one comes into use with [Host.Restart].
//
// A wrong hash and a binary that is no plugin are invalid faults, a name that is
// declared elsewhere is a conflict.
func (h *Host) Install(ctx context.Context, file string, opts InstallOptions) (catalog.Entry, error) {
	if err := opts.validate(); err != nil {
		return catalog.Entry{}, err
	}
	staged, err := h.catalog.Stage(ctx, file, opts.SHA256)
	if err != nil {
		return catalog.Entry{}, fmt.Errorf("installing a plugin: %w", err)
	}
	entry, err := h.commit(ctx, staged)
	if err != nil {
		return catalog.Entry{}, errors.Join(fmt.Errorf("installing a plugin: %w", err), staged.Discard())
	}
	return entry, h.adopt(ctx, entry)
}

func (o InstallOptions) validate() error {
	switch {
	case o.SHA256 == "" && !o.AcceptComputed:
		return fault.Invalid("sha256", "is needed, unless the computed one is accepted explicitly").From(fault.SourceHost)
	case o.SHA256 != "" && o.AcceptComputed:
		return fault.Invalid("accept_computed", "cannot be combined with sha256").From(fault.SourceHost)
	case o.SHA256 != "" && !manifest.ValidHash(o.SHA256):
		return fault.Invalid("sha256", "must be 64 lower-case hex digits").From(fault.SourceHost)
	}
	return nil
}

func (h *Host) commit(ctx context.Context, staged *catalog.Staged) (catalog.Entry, error) {
	desc, err := h.describe(ctx, staged)
	if err != nil {
		return catalog.Entry{}, fault.Invalid("file", "is not a usable plugin: %v", err).From(fault.SourceHost).With(err)
	}
	m, err := manifest.New(staged.SHA256, desc)
	if err != nil {
		return catalog.Entry{}, fault.Invalid("file", "is not a usable plugin: %v", err).From(fault.SourceHost).With(err)
	}
	return staged.Commit(m)
}

func (h *Host) describe(ctx context.Context, staged *catalog.Staged) (provider.Description, error) {
	binary, err := staged.Binary()
	if err != nil {
		return provider.Description{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	return session.Describe(ctx, launch.Config{
		Dir: h.run, Name: "tradewind-provider", Binary: binary, SHA256: staged.SHA256,
		Env: launch.Environment(h.cfg.EnvAllow, nil), Log: h.log,
	})
}

// adopt makes the installed entry the one that the next start uses.
func (h *Host) adopt(ctx context.Context, e catalog.Entry) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errClosed()
	}
	if _, ok := h.plugins[e.Name]; !ok {
		return h.add(ctx, e.Name)
	}
	return nil
}

func errClosed() error {
	return fault.Unavailable("the host is closed").From(fault.SourceHost)
}
