// Package node looks after the nodes of a cluster: it labels them, keeps pods
// away from them, empties them and takes them out. It runs no command on a
// node's machine and knows no device.
//
// All functions are safe for concurrent use. Repeating one is harmless.
package node

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/capacity"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

const labelControl = "node-role.kubernetes.io/control-plane"

// Config of a Keeper. Client and Log are required.
type Config struct {
	Client *cluster.Client
	Log    *slog.Logger
	Clock  clock.Clock // default: the machine's
}

// Keeper works on the nodes of one cluster.
type Keeper struct {
	client *cluster.Client
	log    *slog.Logger
	clock  clock.Clock
}

// New returns a Keeper.
func New(cfg Config) *Keeper {
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	return &Keeper{client: cfg.Client, log: cfg.Log, clock: cfg.Clock}
}

func (k *Keeper) get(ctx context.Context, name string) (*corev1.Node, error) {
	n, err := k.client.Kube().CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fault.NotFound("node", name).With(err)
	}
	return n, cluster.Fault(err)
}

func (k *Keeper) patch(ctx context.Context, name string, change map[string]any) error {
	raw, err := json.Marshal(change)
	if err != nil {
		return fault.Internal(err, "writing a change of node %q", name)
	}
	_, err = k.client.Kube().CoreV1().Nodes().Patch(ctx, name, types.MergePatchType, raw, metav1.PatchOptions{FieldManager: cluster.Manager})
	switch {
	case apierrors.IsNotFound(err):
		return fault.NotFound("node", name).With(err)
	case apierrors.IsConflict(err):
		return fault.Conflict("node %q was changed meanwhile: try again", name).With(err)
	}
	return cluster.Fault(err)
}

// Label sets one label.
func (k *Keeper) Label(ctx context.Context, node, key, value string) error {
	if err := checkLabel(key, value); err != nil {
		return err
	}
	return k.patch(ctx, node, map[string]any{"metadata": map[string]any{"labels": map[string]any{key: value}}})
}

// mostTries is how often a label is looked at again because its node was changed
// meanwhile: nodes report how they are all the time.
const mostTries = 10

// Unlabel removes a label that has this value. A label that is not there is a
// success, one with another value a conflict fault.
func (k *Keeper) Unlabel(ctx context.Context, node, key, value string) error {
	if err := checkLabel(key, value); err != nil {
		return err
	}
	for try := 1; ; try++ {
		now, err := k.get(ctx, node)
		if err != nil {
			return err
		}
		have, ok := now.Labels[key]
		switch {
		case !ok:
			return nil
		case have != value:
			return fault.Conflict("node %q has %s=%s, not %s", node, key, have, value)
		}
		err = k.unlabel(ctx, node, key, value)
		if !fault.Is(err, fault.ClassConflict) || try == mostTries {
			return err
		}
	}
}

// unlabel removes the label if it has the value at that moment, whatever else of the
// node changes meanwhile; if it has not, or the node changes too fast, that is a
// conflict fault.
func (k *Keeper) unlabel(ctx context.Context, node, key, value string) error {
	at := "/metadata/labels/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
	raw, err := json.Marshal([]map[string]string{{"op": "test", "path": at, "value": value}, {"op": "remove", "path": at}})
	if err != nil {
		return fault.Internal(err, "writing a change of node %q", node)
	}
	_, err = k.client.Kube().CoreV1().Nodes().Patch(ctx, node, types.JSONPatchType, raw, metav1.PatchOptions{FieldManager: cluster.Manager})
	switch {
	case apierrors.IsNotFound(err):
		return fault.NotFound("node", node).With(err)
	case apierrors.IsConflict(err), apierrors.IsInvalid(err):
		return fault.Conflict("node %q was changed meanwhile: try again", node).With(err)
	}
	return cluster.Fault(err)
}

func checkLabel(key, value string) error {
	if len(validation.IsQualifiedName(key)) > 0 {
		return fault.Invalid("label", "%q is not a label's key", key)
	}
	if len(validation.IsValidLabelValue(value)) > 0 {
		return fault.Invalid("label", "%q is not a label's value", value)
	}
	return nil
}

// Cordon keeps new pods away from a node, or lets them come again.
func (k *Keeper) Cordon(ctx context.Context, node string) error {
	return k.patch(ctx, node, map[string]any{"spec": map[string]any{"unschedulable": true}})
}

// Uncordon undoes Cordon.
func (k *Keeper) Uncordon(ctx context.Context, node string) error {
	return k.patch(ctx, node, map[string]any{"spec": map[string]any{"unschedulable": nil}})
}

// Removal says how a node is taken out.
type Removal struct {
	// Force drains the node and, where its pods or its machine do not answer in
	// time, removes it all the same. Without it a node with pods of workloads is
	// refused.
	Force bool
	// Timeout of the drain; 0: 5 minutes.
	Timeout time.Duration
}

// Remove takes a node out of the cluster; one that is gone is a success. The
// last control plane node is never removed.
func (k *Keeper) Remove(ctx context.Context, node string, r Removal) error {
	now, err := k.get(ctx, node)
	if fault.Is(err, fault.ClassNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := k.notLastControl(ctx, now); err != nil {
		return err
	}
	if err := k.Cordon(ctx, node); err != nil {
		return err
	}
	if err := k.empty(ctx, node, r); err != nil {
		if !r.Force && !now.Spec.Unschedulable {
			err = joinUncordon(err, k.Uncordon(ctx, node))
		}
		return err
	}
	err = k.client.Kube().CoreV1().Nodes().Delete(ctx, node, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return cluster.Fault(err)
}

// empty refuses a node with pods, or drains it as far as that goes.
func (k *Keeper) empty(ctx context.Context, node string, r Removal) error {
	if !r.Force {
		pods, err := k.evictable(ctx, node)
		if err == nil && len(pods) > 0 {
			err = fault.Precondition("node %q still runs %d pods, the first is %q: drain it, or force the removal", node, len(pods), pods[0].name)
		}
		return err
	}
	left, err := k.Drain(ctx, node, DrainOptions{Timeout: r.Timeout, Bare: true})
	if err != nil && ctx.Err() != nil {
		return err
	}
	if err != nil {
		k.log.WarnContext(ctx, "a node is removed with pods on it", "node", node, "pods", left.Left, "error", err)
		return k.forcePods(ctx, node)
	}
	return nil
}

// joinUncordon keeps the first error the one that is classified.
func joinUncordon(err, second error) error {
	if second != nil {
		return fmt.Errorf("%w (and the node stays cordoned: %v)", err, second) //nolint:errorlint // one fault is classified, the other only told
	}
	return err
}

// notLastControl guards the cluster's own life.
func (k *Keeper) notLastControl(ctx context.Context, n *corev1.Node) error {
	if _, ok := n.Labels[labelControl]; !ok {
		return nil
	}
	list, err := k.client.Kube().CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: labelControl, Limit: 2})
	if err != nil {
		return cluster.Fault(err)
	}
	if len(list.Items) < 2 {
		return fault.Precondition("node %q is the cluster's last control plane node: delete the cluster instead", n.Name)
	}
	return nil
}

// Ready tells whether a node is ready; one that is not there is a not_found fault.
func (k *Keeper) Ready(ctx context.Context, node string) (bool, error) {
	n, err := k.get(ctx, node)
	return err == nil && capacity.Ready(n), err
}
