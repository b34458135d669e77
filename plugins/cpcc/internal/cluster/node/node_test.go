package node_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

var plane *planetest.Plane

func TestMain(m *testing.M) { os.Exit(planetest.Run(m, &plane)) }

// stage has its own namespace and its own pool of nodes.
type stage struct {
	*testing.T
	ctx  context.Context
	k    *node.Keeper
	ns   string
	pool map[string]string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	client, err := cluster.Connect(cluster.Config{Kubeconfig: secret.New(string(plane.AdminConfig()))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s := &stage{T: t, ctx: ctx, ns: fmt.Sprintf("nodes-%d", plane.Serial())}
	s.k = node.New(node.Config{Client: client, Log: slog.New(slog.DiscardHandler)})
	s.pool = map[string]string{"pool": s.ns}
	_, err = plane.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.ns}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) addNode() string { return plane.AddNode(s, planetest.Node{Labels: s.pool}).Name }

func (s *stage) podSpec() corev1.PodSpec {
	return corev1.PodSpec{NodeSelector: s.pool, Containers: []corev1.Container{{Name: "main", Image: "image.example/a"}}}
}

// deploy starts replicas and waits until they run.
func (s *stage) deploy(replicas int32) {
	s.Helper()
	labels := map[string]string{"app": "web"}
	_, err := plane.Kube.AppsV1().Deployments(s.ns).Create(s.ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: s.podSpec()},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		s.Fatal(err)
	}
	s.until("the replicas run", func(ctx context.Context) (bool, error) {
		d, err := plane.Kube.AppsV1().Deployments(s.ns).Get(ctx, "web", metav1.GetOptions{})
		return err == nil && d.Status.AvailableReplicas == replicas, err
	})
}

func (s *stage) bare(name string) {
	s.Helper()
	_, err := plane.Kube.CoreV1().Pods(s.ns).Create(s.ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: s.podSpec()}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		s.Fatal(err)
	}
	s.until("the pod runs", func(ctx context.Context) (bool, error) {
		p, err := plane.Kube.CoreV1().Pods(s.ns).Get(ctx, name, metav1.GetOptions{})
		return err == nil && p.Status.Phase == corev1.PodRunning, err
	})
}

func (s *stage) budget(atLeast int) {
	s.Helper()
	n := intstr.FromInt32(int32(atLeast))
	_, err := plane.Kube.PolicyV1().PodDisruptionBudgets(s.ns).Create(s.ctx, &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &n, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		s.Fatal(err)
	}
	s.until("the budget counts", func(ctx context.Context) (bool, error) {
		b, err := plane.Kube.PolicyV1().PodDisruptionBudgets(s.ns).Get(ctx, "web", metav1.GetOptions{})
		return err == nil && b.Status.ObservedGeneration > 0 && b.Status.CurrentHealthy > 0, err
	})
}

func (s *stage) until(what string, done func(context.Context) (bool, error)) {
	s.Helper()
	if err := planetest.Until(s.ctx, done); err != nil {
		s.Fatalf("waiting until %s: %v", what, err)
	}
}

func (s *stage) node(name string) *corev1.Node {
	s.Helper()
	n, err := plane.Kube.CoreV1().Nodes().Get(s.ctx, name, metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return n
}

func (s *stage) wantClass(err error, class fault.Class, reason string) {
	s.Helper()
	if !fault.Is(err, class) {
		s.Errorf("%s: want %s, got %v", reason, class, err)
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	name := s.addNode()
	if err := s.k.Label(s.ctx, name, "kyy-gpu", "false"); err != nil || s.node(name).Labels["kyy-gpu"] != "false" {
		t.Fatalf("label: %v", err)
	}
	s.wantClass(s.k.Unlabel(s.ctx, name, "kyy-gpu", "true"), fault.ClassConflict, "the label has another value")
	for range 2 {
		if err := s.k.Unlabel(s.ctx, name, "kyy-gpu", "false"); err != nil {
			t.Fatalf("unlabel: %v", err)
		}
	}
	if _, ok := s.node(name).Labels["kyy-gpu"]; ok {
		t.Error("the label stayed")
	}
	s.wantClass(s.k.Label(s.ctx, name, "a b", "c"), fault.ClassInvalid, "a blank in a key")
	s.wantClass(s.k.Label(s.ctx, "no-such-node", "a", "c"), fault.ClassNotFound, "no such node")
}

func TestCordon(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	name := s.addNode()
	for range 2 {
		if err := s.k.Cordon(s.ctx, name); err != nil || !s.node(name).Spec.Unschedulable {
			t.Fatalf("cordon: %v", err)
		}
	}
	for range 2 {
		if err := s.k.Uncordon(s.ctx, name); err != nil || s.node(name).Spec.Unschedulable {
			t.Fatalf("uncordon: %v", err)
		}
	}
}

// leastAvailable watches the deployment until ctx ends and then tells the
// fewest replicas that were available at a time.
func (s *stage) leastAvailable(ctx context.Context) <-chan int32 {
	s.Helper()
	w, err := plane.Kube.AppsV1().Deployments(s.ns).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		s.Fatal(err)
	}
	out := make(chan int32, 1)
	go func() {
		least := int32(100)
		for e := range w.ResultChan() {
			if d, ok := e.Object.(*appsv1.Deployment); ok {
				least = min(least, d.Status.AvailableReplicas)
			}
		}
		out <- least
	}()
	return out
}

func TestDrainKeepsBudgets(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	first := s.addNode()
	s.deploy(3)
	s.budget(2)
	second := s.addNode()
	watching, stop := context.WithCancel(s.ctx)
	least := s.leastAvailable(watching)
	rounds := 0
	out, err := s.k.Drain(s.ctx, first, node.DrainOptions{Timeout: 40 * time.Second, Progress: func(node.Drained) { rounds++ }})
	if err != nil || out.Left != 0 || rounds < 2 {
		t.Fatalf("drained %+v in %d rounds, %v", out, rounds, err)
	}
	stop()
	if got := <-least; got != 2 {
		t.Errorf("%d replicas were left at a time, the budget says 2", got)
	}
	pods, err := plane.Kube.CoreV1().Pods(s.ns).List(s.ctx, metav1.ListOptions{})
	for _, p := range pods.Items {
		if p.DeletionTimestamp == nil && p.Spec.NodeName != second && p.Spec.NodeName != "" {
			t.Errorf("pod %s is on %s, %v", p.Name, p.Spec.NodeName, err)
		}
	}
	if !s.node(first).Spec.Unschedulable {
		t.Error("the drained node takes pods again")
	}
}

func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	name := s.addNode()
	s.deploy(1)
	s.budget(1)
	out, err := s.k.Drain(s.ctx, name, node.DrainOptions{Timeout: 3 * time.Second})
	s.wantClass(err, fault.ClassPrecondition, "a budget that never opens")
	if out.Blocked != 1 || out.Left != 1 {
		t.Errorf("drained %+v", out)
	}
	s.wantClass(s.k.Remove(s.ctx, name, node.Removal{}), fault.ClassPrecondition, "a node with a pod, not forced")
	if err := s.k.Uncordon(s.ctx, name); err != nil {
		t.Fatal(err)
	}
	s.wantClass(s.k.Remove(s.ctx, name, node.Removal{}), fault.ClassPrecondition, "the same, not cordoned before")
	if s.node(name).Spec.Unschedulable {
		t.Error("a refused removal left the node cordoned")
	}
	if err := s.k.Remove(s.ctx, name, node.Removal{Force: true, Timeout: 3 * time.Second}); err != nil {
		t.Fatalf("forced: %v", err)
	}
	if _, err := plane.Kube.CoreV1().Nodes().Get(s.ctx, name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the node is there: %v", err)
	}
	if err := s.k.Remove(s.ctx, name, node.Removal{}); err != nil {
		t.Errorf("removing it again: %v", err)
	}
}

func TestBarePodsAreNotLostByAccident(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	name := s.addNode()
	s.bare("alone")
	_, err := s.k.Drain(s.ctx, name, node.DrainOptions{Timeout: 5 * time.Second})
	s.wantClass(err, fault.ClassPrecondition, "nobody makes a bare pod anew")
	if out, err := s.k.Drain(s.ctx, name, node.DrainOptions{Timeout: 20 * time.Second, Bare: true}); err != nil || out.Left != 0 {
		t.Errorf("with leave to lose it: %+v, %v", out, err)
	}
}

// TestLastControlPlane runs alone: it counts the cluster's control plane nodes.
func TestLastControlPlane(t *testing.T) {
	s := newStage(t)
	only := plane.AddNode(t, planetest.Node{ControlPlane: true, Labels: s.pool}).Name
	s.wantClass(s.k.Remove(s.ctx, only, node.Removal{Force: true}), fault.ClassPrecondition, "the last control plane node")
	plane.AddNode(t, planetest.Node{ControlPlane: true, Labels: s.pool})
	if err := s.k.Remove(s.ctx, only, node.Removal{}); err != nil {
		t.Errorf("one of two: %v", err)
	}
}

// TestUnlabelANodeThatReports removes labels while the node is changed all the time,
// as by its own reports.
func TestUnlabelANodeThatReports(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	name := s.addNode()
	ctx, stop := context.WithCancel(s.ctx)
	reports := make(chan struct{})
	go func() {
		defer close(reports)
		for i := 0; ctx.Err() == nil; i++ {
			change := fmt.Appendf(nil, `{"metadata":{"annotations":{"report":"%d"}}}`, i)
			_, _ = plane.Kube.CoreV1().Nodes().Patch(ctx, name, types.MergePatchType, change, metav1.PatchOptions{}) // one that is lost comes again
			timer := time.NewTimer(3 * time.Millisecond)
			<-timer.C
		}
	}()
	for range 20 {
		if err := s.k.Label(s.ctx, name, "pool.example/kyy-gpu", "true"); err != nil {
			t.Fatal(err)
		}
		if err := s.k.Unlabel(s.ctx, name, "pool.example/kyy-gpu", "true"); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	<-reports
	if _, ok := s.node(name).Labels["pool.example/kyy-gpu"]; ok {
		t.Error("the label stayed")
	}
}
