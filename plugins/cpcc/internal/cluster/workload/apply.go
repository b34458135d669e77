package workload

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apply "k8s.io/client-go/applyconfigurations/core/v1"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// rollbackTime is how long the leftovers of a failed first apply may take to go.
const rollbackTime = 30 * time.Second

// Apply makes the workload of s or changes it into s, and returns what its
// controller says right after, without a look at pods and service. It may be repeated; a spec that is applied already changes
// nothing. Scaling, stopping, starting, restarting and a new password are
// applies too. What cannot be changed in place is made anew, data disks kept:
//   - another engine, or another template of a Job or Standalone: replaced;
//   - a larger disk: the claims grow, pods stay;
//   - a smaller disk or another class: a precondition fault.
//
// A node port that another service has is a conflict fault. A first apply that
// the cluster refuses leaves nothing behind; after one with the outcome unknown,
// apply again or delete.
func (m *Manager) Apply(ctx context.Context, s Spec) (Status, error) {
	if err := Check(s); err != nil {
		return Status{}, err
	}
	before, err := m.admit(ctx, s)
	if err != nil {
		return Status{}, err
	}
	if s.countedAtOnce() {
		if err := m.quotaCounts(ctx, s.Ref); err != nil {
			return Status{}, err
		}
	}
	if before != nil && before.Engine != s.Engine {
		if err := m.replaceEngine(ctx, s, *before); err != nil {
			return Status{}, err
		}
	}
	obj, err := m.applyAll(ctx, s, before == nil)
	if err != nil {
		if before == nil && fault.OutcomeOf(err) == fault.OutcomeNotDone {
			m.rollBack(ctx, s.Ref)
		}
		return Status{}, err
	}
	if obj == nil { // a pod that is stopped
		return Status{Phase: PhaseStopped}, nil
	}
	return read(obj), nil
}

// admit sees to the namespace and books the workload. A namespace that went
// away after it was last seen is made again.
func (m *Manager) admit(ctx context.Context, s Spec) (*entry, error) {
	if err := m.ensureTenant(ctx, s.Ref); err != nil {
		return nil, err
	}
	before, err := m.enter(ctx, s)
	if !isGone(err) {
		return before, err
	}
	m.forget(s.Namespace())
	if err := m.ensureTenant(ctx, s.Ref); err != nil {
		return nil, err
	}
	return m.enter(ctx, s)
}

func (m *Manager) rollBack(ctx context.Context, r Ref) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	if err := m.Delete(ctx, r, DeleteOptions{}); err != nil {
		m.log.WarnContext(ctx, "leftovers of a refused workload remain", "namespace", r.Namespace(), "workload", r.Name(), "error", err)
	}
}

// applyAll goes from what pods need to the pods and then to their outside. The
// service comes before the pods: a clash of ports is found with nothing running.
// A fresh workload has nothing that the spec no longer wants.
func (m *Manager) applyAll(ctx context.Context, s Spec, fresh bool) (runtime.Object, error) {
	if !fresh {
		if err := m.unwanted(ctx, s); err != nil {
			return nil, err
		}
	}
	login, err := m.applyLogin(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := m.applyServices(ctx, s); err != nil {
		return nil, err
	}
	if s.Storage != nil && s.Engine != StatefulSet {
		if err := m.applyClaim(ctx, s); err != nil {
			return nil, err
		}
	}
	obj, err := m.applyController(ctx, s, login)
	if err != nil {
		return nil, err
	}
	return obj, m.applyEdge(ctx, s)
}

// unwanted removes what an earlier spec had and this one has not.
func (m *Manager) unwanted(ctx context.Context, s Spec) error {
	ns, opts := s.Namespace(), metav1.DeleteOptions{}
	core, networks := m.client.Kube().CoreV1(), m.client.Kube().NetworkingV1()
	var errs []error
	if !s.hasLogin() {
		errs = append(errs, core.Secrets(ns).Delete(ctx, s.login(), opts))
	}
	if s.Expose == nil || s.Expose.mode() != Ingress {
		errs = append(errs, networks.Ingresses(ns).Delete(ctx, s.service(), opts))
	}
	if s.Expose == nil {
		errs = append(errs, core.Services(ns).Delete(ctx, s.service(), opts), networks.NetworkPolicies(ns).Delete(ctx, s.service(), opts))
	}
	for _, err := range errs {
		if err := gone(err); err != nil {
			return err
		}
	}
	return nil
}

// applyLogin returns the secret's version, "" for a workload without a login.
func (m *Manager) applyLogin(ctx context.Context, s Spec) (string, error) {
	if !s.hasLogin() {
		return "", nil
	}
	return m.applySecret(ctx, s.Ref, s.User, s.Password)
}

// applySecret returns the secret's version, which changes with its content
// alone, because nothing but applies of this manager ever writes it.
func (m *Manager) applySecret(ctx context.Context, r Ref, user string, password secret.Value) (string, error) {
	out, err := m.client.Kube().CoreV1().Secrets(r.Namespace()).Apply(ctx, apply.Secret(r.login(), r.Namespace()).
		WithLabels(r.ownLabels()).WithType(corev1.SecretTypeOpaque).
		WithData(map[string][]byte{keyUser: []byte(user), keyPassword: []byte(password.Reveal())}), applying)
	if err != nil {
		return "", cluster.Fault(err)
	}
	return out.ResourceVersion, nil
}

// gone takes a missing thing for a deleted one.
func gone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return cluster.Fault(err)
}

func (m *Manager) applyServices(ctx context.Context, s Spec) error {
	services := m.client.Kube().CoreV1().Services(s.Namespace())
	if s.Engine == StatefulSet {
		if _, err := services.Apply(ctx, s.governingService(), applying); err != nil {
			return cluster.Fault(err)
		}
	}
	if s.Expose == nil {
		return nil
	}
	_, err := services.Apply(ctx, s.exposing(), applying)
	if apierrors.IsInvalid(err) && s.Expose.NodePort != 0 {
		return m.nodePortFault(ctx, s, err)
	}
	return cluster.Fault(err)
}

// nodePortFault tells a port that is taken from one that is out of range: the
// API answers both alike, so the services are asked.
func (m *Manager) nodePortFault(ctx context.Context, s Spec, cause error) error {
	port := int32(s.Expose.NodePort)
	opts := metav1.ListOptions{Limit: 500}
	for {
		list, err := m.client.Kube().CoreV1().Services("").List(ctx, opts)
		if err != nil {
			return cluster.Fault(err)
		}
		for _, service := range list.Items {
			for _, p := range service.Spec.Ports {
				mine := service.Namespace == s.Namespace() && service.Name == s.service()
				if p.NodePort == port && !mine {
					return fault.Conflict("node port %d is taken: choose another, or none", port).With(cause).From(fault.SourceCloud)
				}
			}
		}
		if opts.Continue = list.Continue; opts.Continue == "" {
			return cluster.Fault(cause)
		}
	}
}

func (m *Manager) applyEdge(ctx context.Context, s Spec) error {
	if s.Expose == nil {
		return nil
	}
	networks := m.client.Kube().NetworkingV1()
	if s.Expose.mode() == Ingress {
		if _, err := networks.Ingresses(s.Namespace()).Apply(ctx, s.ingress(), applying); err != nil {
			return cluster.Fault(err)
		}
	}
	_, err := networks.NetworkPolicies(s.Namespace()).Apply(ctx, s.opening(), applying)
	return cluster.Fault(err)
}

// applyController returns the object that runs the workload, nil for none.
func (m *Manager) applyController(ctx context.Context, s Spec, login string) (runtime.Object, error) {
	ns, apps, batch := s.Namespace(), m.client.Kube().AppsV1(), m.client.Kube().BatchV1()
	var out runtime.Object
	var err error
	switch s.Engine {
	case StatefulSet:
		return m.applyStatefulSet(ctx, s, login)
	case Deployment:
		out, err = apps.Deployments(ns).Apply(ctx, s.deployment(login), applying)
	case DaemonSet:
		out, err = apps.DaemonSets(ns).Apply(ctx, s.daemonSet(login), applying)
	case CronJob:
		out, err = batch.CronJobs(ns).Apply(ctx, s.cronJob(login), applying)
	case Job:
		return m.applyJob(ctx, s, login)
	case Standalone:
		return m.applyBare(ctx, s, login)
	}
	return out, cluster.Fault(err)
}
