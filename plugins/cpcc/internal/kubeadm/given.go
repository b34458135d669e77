package kubeadm

import (
	"context"
	"strings"

	"tradewind.example/plugins/cpcc/internal/remote"
	"tradewind.example/sdk/secret"
)

// JoinGiven is [Installer.NewWorker] with a join command that the caller has,
// for callers that reach the worker alone: Control and Nodes of w are not used,
// and whether its node becomes ready is not waited for. A machine that has joined
// by this command is left alone, one that has by another is refused: whether it
// still is a member is not known here.
func (i *Installer) JoinGiven(ctx context.Context, w Worker, command secret.Value, progress Progress) (string, error) {
	join, err := parseJoin(command.Reveal())
	if err != nil {
		return "", err
	}
	progress(PhaseConnect, 0)
	m, err := remote.Dial(ctx, w.At)
	if err != nil {
		return "", err
	}
	defer i.closing(ctx, m)
	mark := markOf(RoleWorker, w.ID)
	progress(PhasePreflight, 10)
	out, err := i.run(ctx, m, PhasePreflight, "preflight.sh", vars{"MARK": mark, "KEY": join.id()})
	if err != nil {
		return "", err
	}
	name := strings.ToLower(lastLine(out))
	progress(PhaseJoin, 40)
	if _, err := i.run(ctx, m, PhaseJoin, "join.sh", vars{"MARK": mark, "KEY": join.id(), "CONFIG": encoded(join.config(name))}); err != nil {
		return "", i.giveBack(ctx, w.At, m.HostKey(), mark, err)
	}
	return name, nil
}
