// Package kubeadm makes and takes down Kubernetes clusters on machines that it
// reaches over SSH, by kubeadm. Each step may be repeated: a machine carries a
// mark of what it belongs to and how far it came, so that a repeat goes on, a
// finished step is left alone, and a machine of somebody else is refused.
//
// It keeps nothing itself; [Jobs] runs the long steps. What it returns is secret:
// a kubeconfig opens the whole cluster.
package kubeadm

import (
	"context"
	"embed"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/remote"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wait"
)

//go:embed scripts/*.sh
var scripts embed.FS

// The codes by which scripts say what a person must do.
const (
	codeLacks   = 64
	codeForeign = 65
	codeBusy    = 66
)

// resetTime is how long a machine may take to be given back after a failure.
const resetTime = 2 * time.Minute

// Config of an Installer. Log is required.
type Config struct {
	Log   *slog.Logger
	Clock clock.Clock // default: the machine's
	// PodNetwork is the range of the pods' addresses; default 10.244.0.0/16.
	PodNetwork string
	// Version of Kubernetes ("v1.35.4") and Images, its registry; "": kubeadm's own.
	Version, Images string
	// ReadyTime is how long a new node may take; default 5 minutes.
	ReadyTime time.Duration
}

// Installer makes and takes down clusters. Safe for concurrent use; one machine
// must not be worked on twice at a time.
type Installer struct{ cfg Config }

// New returns an Installer.
func New(cfg Config) *Installer {
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	if cfg.PodNetwork == "" {
		cfg.PodNetwork = "10.244.0.0/16"
	}
	if cfg.ReadyTime <= 0 {
		cfg.ReadyTime = 5 * time.Minute
	}
	return &Installer{cfg: cfg}
}

// Phase is a step of a long work.
type Phase string

// The phases of a new cluster and of a new worker, in their orders.
const (
	PhaseConnect     Phase = "connect"
	PhasePreflight   Phase = "preflight"
	PhaseInit        Phase = "init"
	PhaseNetwork     Phase = "network"
	PhaseCredentials Phase = "credentials"
	PhaseToken       Phase = "token"
	PhaseJoin        Phase = "join"
	PhaseReady       Phase = "ready"
)

// Progress is told when a phase begins and how much is done, in percent.
type Progress func(phase Phase, percent int)

// Cluster is a cluster to make on one machine.
type Cluster struct {
	ID      string // the caller's own; marks the machine
	Control remote.Config
	// Address is another name or address by which the cluster is reached from
	// here; "": the one that kubeadm chooses.
	Address string
	// Network is the manifest of the cluster's network, applied after the control
	// plane is there; "": somebody else applies one, and nodes are not ready before.
	Network string
}

// Made is a new cluster.
type Made struct {
	Kubeconfig secret.Value // an administrator's
	Join       secret.Value // the command that makes a worker; good for an hour
}

// NewCluster makes a control plane. When it fails after the machine was changed,
// the machine is given back; the fault says which phase failed.
func (i *Installer) NewCluster(ctx context.Context, c Cluster, progress Progress) (Made, error) {
	progress(PhaseConnect, 0)
	m, err := remote.Dial(ctx, c.Control)
	if err != nil {
		return Made{}, err
	}
	defer i.closing(ctx, m)
	mark := markOf("control", c.ID)
	progress(PhasePreflight, 5)
	if _, err := i.run(ctx, m, PhasePreflight, "preflight.sh", vars{"MARK": mark, "KEY": ""}); err != nil {
		return Made{}, err
	}
	made, err := i.control(ctx, m, c, mark, progress)
	if err != nil {
		return Made{}, i.giveBack(ctx, c.Control, m.HostKey(), mark, err)
	}
	return made, nil
}

func (i *Installer) control(ctx context.Context, m *remote.Machine, c Cluster, mark string, progress Progress) (Made, error) {
	progress(PhaseInit, 15)
	_, err := i.run(ctx, m, PhaseInit, "init.sh", vars{
		"MARK": mark, "PODS": i.cfg.PodNetwork, "NAMES": c.Address, "VERSION": i.cfg.Version, "IMAGES": i.cfg.Images,
	})
	if err != nil {
		return Made{}, err
	}
	if c.Network != "" {
		progress(PhaseNetwork, 80)
		if _, err := i.run(ctx, m, PhaseNetwork, "network.sh", vars{"MANIFEST": encoded(c.Network)}); err != nil {
			return Made{}, err
		}
	}
	progress(PhaseCredentials, 90)
	config, err := i.run(ctx, m, PhaseCredentials, "credentials.sh", nil)
	if err != nil {
		return Made{}, err
	}
	join, err := i.token(ctx, m)
	if err != nil {
		return Made{}, err
	}
	text, err := withAddress(config, c.Address)
	return Made{Kubeconfig: secret.New(text), Join: join.command()}, err
}

// Reset gives a machine back: a control plane is destroyed, a worker leaves. A
// machine that is no member is a success; one of somebody else is refused.
func (i *Installer) Reset(ctx context.Context, role Role, id string, at remote.Config) error {
	m, err := remote.Dial(ctx, at)
	if err != nil {
		return err
	}
	defer i.closing(ctx, m)
	_, err = i.run(ctx, m, "reset", "reset.sh", vars{"MARK": markOf(role, id)})
	return err
}

// Role is what a machine is in its cluster.
type Role string

// The roles.
const (
	RoleControl Role = "control"
	RoleWorker  Role = "worker"
)

// markOf is what stands on the machine before how far it came.
func markOf(role Role, id string) string { return string(role) + " " + id }

// giveBack resets a machine after a failure, on a connection of its own, because
// the old one may be what broke. It returns cause, and what is left to do.
func (i *Installer) giveBack(ctx context.Context, at remote.Config, hostKey, mark string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resetTime)
	defer cancel()
	at.HostKey = hostKey
	m, err := remote.Dial(ctx, at)
	if err == nil {
		defer i.closing(ctx, m)
		_, err = i.run(ctx, m, "reset", "reset.sh", vars{"MARK": mark})
	}
	if err != nil {
		i.cfg.Log.WarnContext(ctx, "a machine was not given back after a failure", "machine", at.Addr, "error", err)
		return fault.Unknown(cause, "%s; the machine %s could not be given back: reset it, or try again", fault.As(cause).Message, at.Addr)
	}
	undone := *fault.As(cause)
	undone.Outcome = fault.OutcomeNotDone
	return &undone
}

func (i *Installer) closing(ctx context.Context, m *remote.Machine) {
	if err := m.Close(); err != nil {
		i.cfg.Log.DebugContext(ctx, "a connection to a machine did not end well", "error", err)
	}
}

// vars are the shell variables that a script begins with.
type vars map[string]string

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// run runs one of the scripts and returns what it printed. The fault of a script
// that failed has its last line, for people, and no more.
func (i *Installer) run(ctx context.Context, m *remote.Machine, phase Phase, name string, v vars) (string, error) {
	body, err := scripts.ReadFile("scripts/" + name)
	if err != nil {
		return "", fault.Internal(err, "reading script %s", name)
	}
	var b strings.Builder
	for k, value := range v {
		fmt.Fprintf(&b, "%s=%s\n", k, remote.Quote(value))
	}
	b.Write(body)
	out, err := m.Run(ctx, b.String())
	if err != nil {
		return "", fmt.Errorf("phase %s: %w", phase, err)
	}
	switch line := lastLine(out.Stderr); out.Code {
	case 0:
		return out.Stdout, nil
	case codeLacks:
		return "", fault.Precondition("the machine %s: install it", line)
	case codeForeign:
		return "", fault.Precondition("the machine %s: choose another one, or reset it by hand", line)
	case codeBusy:
		return "", fault.Unavailable("on the machine %s: try again", line)
	default:
		return "", fault.Precondition("phase %s failed on the machine: %s", phase, line)
	}
}

// mostLine bounds what a machine may say in a fault.
const mostLine = 300

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	line := strings.TrimSpace(lines[len(lines)-1])
	if len(line) > mostLine {
		line = line[:mostLine]
	}
	return strings.ToValidUTF8(line, "?")
}

func (i *Installer) waiting() wait.Config {
	return wait.Config{Every: time.Second, Timeout: i.cfg.ReadyTime, Clock: i.cfg.Clock}
}
