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

// InstallOptions says how the file is trusted and what becomes of the version.
// Exactly one of SHA256 and AcceptComputed is set.
type InstallOptions struct {
	// SHA256 is the hash the file must have, in lower-case hex: of the archive, if
	// it is one.
	SHA256 string
	// AcceptComputed accepts whatever hash the file has: the operator vouches for it.
	AcceptComputed bool
	// Activate makes the version the active one: the next start uses it. The first
	// version of a plugin becomes active in any case.
	Activate bool
	Edit     catalog.Edit // who installs it and why
}

// Install puts a version of a plugin into the catalogue, beside those that are
// there, and pins the SHA-256 of its binary. file is a binary or an archive, see
// package catalog. The manifest comes with it; a binary that came without one is
// asked for its description in the same sealed surroundings in which it will
// serve. A new plugin is then started. Installing the same version again repairs
// its files and changes nothing.
//
// A wrong hash, a file that is no plugin for this host and a signature that is
// not trusted are invalid faults; a version that exists with another binary, and
// a plugin that is declared elsewhere, are conflicts. Nothing is left of what was
// refused.
func (h *Host) Install(ctx context.Context, file string, opts InstallOptions) (catalog.Entry, error) {
	if err := opts.validate(); err != nil {
		return catalog.Entry{}, err
	}
	staged, err := h.catalog.Stage(ctx, file, opts.SHA256)
	if err != nil {
		return catalog.Entry{}, fmt.Errorf("installing a plugin: %w", err)
	}
	entry, err := h.commit(ctx, staged, opts)
	if err = errors.Join(err, staged.Discard()); err != nil {
		return catalog.Entry{}, fmt.Errorf("installing a plugin: %w", err)
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

func (h *Host) commit(ctx context.Context, staged *catalog.Staged, opts InstallOptions) (catalog.Entry, error) {
	if !staged.Described() {
		m, err := h.askManifest(ctx, staged)
		if err != nil {
			return catalog.Entry{}, fault.Invalid("file", "is not a usable plugin: %v", err).From(fault.SourceHost).With(err)
		}
		if err := staged.Describe(m); err != nil {
			return catalog.Entry{}, err
		}
	}
	return staged.Commit(catalog.CommitOptions{Activate: opts.Activate, Edit: opts.Edit})
}

func (h *Host) askManifest(ctx context.Context, staged *catalog.Staged) (manifest.Manifest, error) {
	desc, err := h.describe(ctx, staged)
	if err != nil {
		return manifest.Manifest{}, err
	}
	return manifest.New(staged.SHA256, desc)
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
		Env: launch.Environment(h.cfg.EnvAllow, nil), Isolation: h.isolation(nil), Log: h.log,
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
