package workload

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/fault"
)

// mostPods bounds the pods that a status looks at.
const mostPods = 200

// object gets what runs the workload.
func (m *Manager) object(ctx context.Context, r Ref) (runtime.Object, error) {
	ns, name, opts := r.Namespace(), r.Name(), metav1.GetOptions{}
	apps, batch := m.client.Kube().AppsV1(), m.client.Kube().BatchV1()
	var out runtime.Object
	var err error
	switch r.Engine {
	case StatefulSet:
		out, err = apps.StatefulSets(ns).Get(ctx, name, opts)
	case Deployment:
		out, err = apps.Deployments(ns).Get(ctx, name, opts)
	case DaemonSet:
		out, err = apps.DaemonSets(ns).Get(ctx, name, opts)
	case CronJob:
		out, err = batch.CronJobs(ns).Get(ctx, name, opts)
	case Job:
		out, err = batch.Jobs(ns).Get(ctx, name, opts)
	case Standalone:
		out, err = m.client.Kube().CoreV1().Pods(ns).Get(ctx, name, opts)
	default:
		return nil, fault.Invalid("engine", "must be one of %v, not %q", Engines(), r.Engine)
	}
	if apierrors.IsNotFound(err) {
		return nil, fault.NotFound("workload", r.ID).With(err)
	}
	return out, cluster.Fault(err)
}

// Status tells where a workload stands; a missing one is a not_found fault.
func (m *Manager) Status(ctx context.Context, r Ref) (Status, error) {
	out, err := m.state(ctx, r)
	if err != nil {
		return Status{}, err
	}
	return m.withReach(ctx, r, out)
}

// Inside is Status without the outside (Reach), for a workload that has none.
func (m *Manager) Inside(ctx context.Context, r Ref) (Status, error) { return m.state(ctx, r) }

// withReach adds the outside.
func (m *Manager) withReach(ctx context.Context, r Ref, s Status) (Status, error) {
	if !r.Engine.serves() {
		return s, nil
	}
	var err error
	s.Reach, err = m.reach(ctx, r)
	return s, err
}

// state is the status without the outside.
func (m *Manager) state(ctx context.Context, r Ref) (Status, error) {
	obj, err := m.object(ctx, r)
	if isGone(err) && r.Engine == Standalone {
		return m.readStopped(ctx, r, err)
	}
	if err != nil {
		return Status{}, err
	}
	out := read(obj)
	if out.Phase == PhasePending || out.Phase == PhaseRunning {
		err = m.readPods(ctx, r, &out)
	}
	return out, err
}

// read turns a controller into a status, as far as it alone tells.
func read(obj runtime.Object) Status {
	var out Status
	var meta metav1.ObjectMeta
	switch o := obj.(type) {
	case *appsv1.StatefulSet:
		meta, out = o.ObjectMeta, readSet(o)
	case *appsv1.Deployment:
		meta, out = o.ObjectMeta, readDeployment(o)
	case *appsv1.DaemonSet:
		meta, out = o.ObjectMeta, readDaemons(o)
	case *batchv1.CronJob:
		meta, out = o.ObjectMeta, readCron(o)
	case *batchv1.Job:
		meta, out = o.ObjectMeta, readJob(o)
	case *corev1.Pod:
		meta, out = o.ObjectMeta, readBare(o)
	}
	out.Created, out.Generation = meta.CreationTimestamp.UTC(), meta.Generation
	switch {
	case meta.DeletionTimestamp != nil:
		out.Phase = PhaseDeleting
	case meta.Annotations[noteStopped] == "true":
		out.Phase, out.Reason, out.Message = PhaseStopped, "", ""
	}
	return out
}

// readStopped tells a pod that was stopped from one that never was.
func (m *Manager) readStopped(ctx context.Context, r Ref, missing error) (Status, error) {
	booked, err := m.sold(ctx, r)
	switch {
	case err != nil:
		return Status{}, err
	case booked == nil || !booked.Stopped:
		return Status{}, missing
	}
	return Status{Phase: PhaseStopped}, nil
}

// steady says running when every replica is ready with the newest spec.
func steady(out Status, generation int64, settled bool) Status {
	switch {
	case out.Observed < generation || !settled:
		out.Phase = PhasePending
	case out.Desired == 0:
		out.Phase = PhaseStopped
	case out.Ready == out.Desired:
		out.Phase = PhaseRunning
	default:
		out.Phase = PhasePending
	}
	return out
}

func wanted(replicas *int32) int {
	if replicas == nil {
		return 1
	}
	return int(*replicas)
}

func readSet(o *appsv1.StatefulSet) Status {
	out := Status{Desired: wanted(o.Spec.Replicas), Ready: int(o.Status.ReadyReplicas), Observed: o.Status.ObservedGeneration}
	settled := int(o.Status.Replicas) == out.Desired && (int(o.Status.UpdatedReplicas) == out.Desired || o.Status.CurrentRevision == o.Status.UpdateRevision)
	return steady(out, o.Generation, settled)
}

func readDeployment(o *appsv1.Deployment) Status {
	out := Status{Desired: wanted(o.Spec.Replicas), Ready: int(o.Status.AvailableReplicas), Observed: o.Status.ObservedGeneration}
	for _, c := range o.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			out.Reason, out.Message = c.Reason, c.Message
		}
	}
	settled := int(o.Status.Replicas) == out.Desired && int(o.Status.UpdatedReplicas) == out.Desired
	return steady(out, o.Generation, settled)
}

func readDaemons(o *appsv1.DaemonSet) Status {
	out := Status{Desired: int(o.Status.DesiredNumberScheduled), Ready: int(o.Status.NumberAvailable), Observed: o.Status.ObservedGeneration}
	if out.Observed >= o.Generation && out.Desired == 0 {
		out.Phase, out.Reason, out.Message = PhaseDegraded, "NoNode", "no node has the labels and room that are asked for"
		return out
	}
	return steady(out, o.Generation, o.Status.UpdatedNumberScheduled == o.Status.DesiredNumberScheduled)
}

func readCron(o *batchv1.CronJob) Status {
	out := Status{Phase: PhaseRunning, Observed: o.Generation, Desired: len(o.Status.Active), Ready: len(o.Status.Active)}
	if o.Spec.Suspend != nil && *o.Spec.Suspend {
		out.Phase = PhaseStopped
	}
	return out
}

func readJob(o *batchv1.Job) Status {
	out := Status{Phase: PhasePending, Observed: o.Generation, Desired: 1}
	if o.Status.Ready != nil {
		out.Ready = int(*o.Status.Ready)
	}
	if out.Ready > 0 {
		out.Phase = PhaseRunning
	}
	if o.Spec.Suspend != nil && *o.Spec.Suspend {
		out.Phase = PhaseStopped
	}
	for _, c := range o.Status.Conditions {
		switch {
		case c.Status != corev1.ConditionTrue:
		case c.Type == batchv1.JobComplete:
			out.Phase = PhaseSucceeded
		case c.Type == batchv1.JobFailed:
			out.Phase, out.Reason, out.Message = PhaseFailed, c.Reason, c.Message
		}
	}
	return out
}

func readBare(o *corev1.Pod) Status {
	out := Status{Phase: PhasePending, Observed: o.Generation, Desired: 1, Node: o.Spec.NodeName}
	switch o.Status.Phase {
	case corev1.PodSucceeded:
		out.Phase = PhaseSucceeded
	case corev1.PodFailed:
		out.Phase, out.Reason, out.Message = PhaseFailed, o.Status.Reason, o.Status.Message
	case corev1.PodRunning:
		for _, c := range o.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				out.Phase, out.Ready = PhaseRunning, 1
			}
		}
	}
	return out
}

// readPods adds where the pods are and what holds them up.
func (m *Manager) readPods(ctx context.Context, r Ref, out *Status) error {
	pods, err := m.client.Kube().CoreV1().Pods(r.Namespace()).List(ctx, metav1.ListOptions{LabelSelector: r.labelQuery(), Limit: mostPods})
	if err != nil {
		return cluster.Fault(err)
	}
	if !judge(pods.Items, out) {
		return nil
	}
	return m.readRefusal(ctx, r, out)
}

// judge adds what pods tell; unmade says that some are missing and nobody told why.
func judge(pods []corev1.Pod, out *Status) (unmade bool) {
	living := 0
	for _, p := range pods {
		if p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		living++
		if out.Node == "" {
			out.Node = p.Spec.NodeName
		}
		if reason, message := trouble(&p); reason != "" && out.Phase == PhasePending {
			out.Phase, out.Reason, out.Message = PhaseDegraded, reason, message
		}
	}
	switch {
	case out.Phase != PhasePending || living >= out.Desired:
		return false
	case out.Reason != "": // a Deployment says itself why its pods are not made
		out.Phase = PhaseDegraded
		return false
	}
	return true
}

// trouble is what keeps a pod from running and will not pass by itself soon.
func trouble(p *corev1.Pod) (reason, message string) {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return c.Reason, c.Message
		}
	}
	for _, s := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
		w := s.State.Waiting
		if w != nil && w.Reason != "" && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
			return w.Reason, w.Message
		}
	}
	return "", ""
}

// readRefusal looks for the controller's newest complaint that the cluster
// does not let it make pods.
func (m *Manager) readRefusal(ctx context.Context, r Ref, out *Status) error {
	query := fields.Set{"involvedObject.name": r.Name(), "type": corev1.EventTypeWarning}.AsSelector().String()
	events, err := m.client.Kube().CoreV1().Events(r.Namespace()).List(ctx, metav1.ListOptions{FieldSelector: query, Limit: 100})
	if err != nil {
		return cluster.Fault(err)
	}
	for _, e := range events.Items {
		fresh := m.clock.Now().Sub(e.LastTimestamp.Time) < refusalFresh
		if e.Reason == "FailedCreate" && fresh {
			out.Phase, out.Reason, out.Message = PhaseDegraded, e.Reason, strings.TrimSpace(e.Message)
		}
	}
	return nil
}

// reach reads the service and, where there is one, the ingress.
func (m *Manager) reach(ctx context.Context, r Ref) (Reach, error) {
	service, err := m.client.Kube().CoreV1().Services(r.Namespace()).Get(ctx, r.service(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return Reach{}, nil
	}
	if err != nil {
		return Reach{}, cluster.Fault(err)
	}
	out := Reach{Port: int(service.Spec.Ports[0].Port), NodePort: int(service.Spec.Ports[0].NodePort)}
	switch service.Spec.Type {
	case corev1.ServiceTypeNodePort:
		out.Mode = NodePort
		return out, nil
	case corev1.ServiceTypeLoadBalancer:
		out.Mode = LoadBalancer
		for _, in := range service.Status.LoadBalancer.Ingress {
			out.Addresses = append(out.Addresses, address(in.IP, in.Hostname))
		}
	default:
		out.Mode = Ingress
		if out.Addresses, err = m.ingressAddresses(ctx, r); err != nil {
			return Reach{}, err
		}
	}
	out.Pending = len(out.Addresses) == 0
	return out, nil
}

func address(ip, host string) string {
	if ip == "" {
		return host
	}
	return ip
}

func (m *Manager) ingressAddresses(ctx context.Context, r Ref) ([]string, error) {
	in, err := m.client.Kube().NetworkingV1().Ingresses(r.Namespace()).Get(ctx, r.service(), metav1.GetOptions{})
	if err != nil {
		return nil, gone(err)
	}
	var out []string
	for _, at := range in.Status.LoadBalancer.Ingress {
		out = append(out, fmt.Sprintf("%s via %s", in.Spec.Rules[0].Host, address(at.IP, at.Hostname)))
	}
	return out, nil
}
