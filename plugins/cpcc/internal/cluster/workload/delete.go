package workload

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/wait"
)

// Data says what a deletion does with the data disks.
type Data string

// The fates of data.
const (
	// DataAsBooked follows the spec that was applied last; without one (the
	// workload is deleted already) data stays.
	DataAsBooked Data = ""
	// DataKeep leaves the disks; a workload of the same ref finds them again.
	DataKeep Data = "keep"
	// DataDrop deletes them, those that an earlier deletion has kept too.
	DataDrop Data = "drop"
)

// DeleteOptions says what a deletion leaves.
type DeleteOptions struct{ Data Data }

func (o DeleteOptions) drops(booked *entry) bool {
	return o.Data == DataDrop || o.Data == DataAsBooked && booked != nil && !booked.Retain
}

// Delete removes a workload with all that belongs to it, and nothing else: its
// things are known by their exact names and by a label with the workload's
// name. It waits, within the Manager's patience, until the pods are gone; with
// an unavailable fault the deletion goes on, and Delete may be repeated. A
// workload that is gone is a success. The namespace stays.
func (m *Manager) Delete(ctx context.Context, r Ref, opts DeleteOptions) error {
	booked, err := m.sold(ctx, r)
	if err != nil {
		return err
	}
	if err := m.deleteEdge(ctx, r); err != nil {
		return err
	}
	engines := Engines()
	if booked != nil {
		engines = []Engine{booked.Engine}
	}
	for _, e := range engines {
		one := r
		one.Engine = e
		if err := m.deleteController(ctx, one); err != nil {
			return err
		}
	}
	if err := m.untilPodsGone(ctx, r); err != nil {
		return err
	}
	if opts.drops(booked) {
		if err := m.deleteClaims(ctx, r); err != nil {
			return err
		}
	}
	if err := gone(m.client.Kube().CoreV1().Secrets(r.Namespace()).Delete(ctx, r.login(), metav1.DeleteOptions{})); err != nil {
		return err
	}
	return m.strike(ctx, r)
}

func (m *Manager) deleteEdge(ctx context.Context, r Ref) error {
	ns, opts := r.Namespace(), metav1.DeleteOptions{}
	core, networks := m.client.Kube().CoreV1(), m.client.Kube().NetworkingV1()
	for _, err := range []error{
		networks.Ingresses(ns).Delete(ctx, r.service(), opts),
		core.Services(ns).Delete(ctx, r.service(), opts),
		core.Services(ns).Delete(ctx, r.governing(), opts),
		networks.NetworkPolicies(ns).Delete(ctx, r.service(), opts),
	} {
		if err := gone(err); err != nil {
			return err
		}
	}
	return nil
}

// deleteController removes the engine's object; its pods go before it does.
func (m *Manager) deleteController(ctx context.Context, r Ref) error {
	ns, name := r.Namespace(), r.Name()
	foreground := metav1.DeletePropagationForeground
	opts := metav1.DeleteOptions{PropagationPolicy: &foreground}
	apps, batch := m.client.Kube().AppsV1(), m.client.Kube().BatchV1()
	switch r.Engine {
	case StatefulSet:
		return gone(apps.StatefulSets(ns).Delete(ctx, name, opts))
	case Deployment:
		return gone(apps.Deployments(ns).Delete(ctx, name, opts))
	case DaemonSet:
		return gone(apps.DaemonSets(ns).Delete(ctx, name, opts))
	case CronJob:
		return gone(batch.CronJobs(ns).Delete(ctx, name, opts))
	case Job:
		return gone(batch.Jobs(ns).Delete(ctx, name, opts))
	default:
		return gone(m.client.Kube().CoreV1().Pods(ns).Delete(ctx, name, metav1.DeleteOptions{}))
	}
}

// untilGone waits for the controller and its pods.
func (m *Manager) untilGone(ctx context.Context, r Ref) error {
	_, err := wait.Until(ctx, m.waiting(), func(ctx context.Context) (bool, error) {
		_, err := m.object(ctx, r)
		if err == nil {
			return false, nil
		}
		return isGone(err), ignoreGone(err)
	}, itself)
	if err != nil {
		return err
	}
	return m.untilPodsGone(ctx, r)
}

func ignoreGone(err error) error {
	if isGone(err) {
		return nil
	}
	return err
}

func (m *Manager) untilPodsGone(ctx context.Context, r Ref) error {
	_, err := wait.Until(ctx, m.waiting(), func(ctx context.Context) (bool, error) {
		pods, err := m.client.Kube().CoreV1().Pods(r.Namespace()).List(ctx, metav1.ListOptions{LabelSelector: r.labelQuery(), Limit: 1})
		if err != nil {
			return false, cluster.Fault(err)
		}
		return len(pods.Items) == 0, nil
	}, itself)
	return err
}

func (m *Manager) deleteClaims(ctx context.Context, r Ref) error {
	err := m.client.Kube().CoreV1().PersistentVolumeClaims(r.Namespace()).
		DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: r.labelQuery()})
	return gone(err)
}
