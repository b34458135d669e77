package workload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/kubename"
	"tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

var plane *planetest.Plane

func TestMain(m *testing.M) { os.Exit(planetest.Run(m, &plane)) }

// bench is one test's part of the cluster: its own pool of nodes and its org.
type bench struct {
	*testing.T
	ctx context.Context
	m   *workload.Manager
	id  string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	client, err := cluster.Connect(cluster.Config{Kubeconfig: secret.New(string(plane.AdminConfig())), QPS: 1000, Burst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	log := slog.New(slog.DiscardHandler)
	return &bench{T: t, ctx: ctx, m: workload.New(workload.Config{Client: client, Log: log}), id: fmt.Sprintf("%d_Test-", plane.Serial())}
}

func (b *bench) node(n planetest.Node) *corev1.Node {
	b.Helper()
	labels := map[string]string{"pool": kubename.Label(b.id)}
	maps.Copy(labels, n.Labels)
	n.Labels = labels
	return plane.AddNode(b, n)
}

// spec is a small workload on the bench's own nodes.
func (b *bench) spec(name string, engine workload.Engine) workload.Spec {
	s := workload.Spec{
		Ref:   workload.Ref{Cluster: "-cluster_" + b.id, Org: "org" + b.id, ID: b.id + name, Engine: engine},
		Name:  "测试 " + name,
		Image: "image.example/ubuntu:22.04", CPU: "500m", Memory: "256Mi",
		NodeLabels: map[string]string{"pool": kubename.Label(b.id)},
	}
	if engine == workload.StatefulSet || engine == workload.Deployment {
		s.Replicas = 1
	}
	if engine == workload.CronJob {
		s.Schedule = "0 3 * * *"
	}
	return s
}

func (b *bench) apply(s workload.Spec) workload.Status {
	b.Helper()
	now, err := b.m.Apply(b.ctx, s)
	if err != nil {
		b.Fatalf("applying: %v (%v)", err, errors.Unwrap(fault.As(err)))
	}
	return now
}

func (b *bench) await(r workload.Ref, reached func(workload.Status) (bool, error)) workload.Status {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 40*time.Second)
	defer cancel()
	now, err := b.m.Await(ctx, r, reached)
	if err != nil {
		b.Fatalf("waiting for %s: %v; it is %+v", r.Engine, err, now)
	}
	return now
}

// run applies and waits until the workload rests well.
func (b *bench) run(s workload.Spec) workload.Status {
	b.Helper()
	b.apply(s)
	return b.await(s.Ref, workload.Settled(false))
}

// stall applies and waits until something holds the workload up.
func (b *bench) stall(s workload.Spec) workload.Status {
	b.Helper()
	b.apply(s)
	return b.await(s.Ref, func(s workload.Status) (bool, error) { return s.Phase == workload.PhaseDegraded, nil })
}

func (b *bench) pods(r workload.Ref) []corev1.Pod {
	b.Helper()
	list, err := plane.Kube.CoreV1().Pods(r.Namespace()).List(b.ctx, metav1.ListOptions{LabelSelector: cluster.LabelInstance + "=" + r.Name()})
	if err != nil {
		b.Fatal(err)
	}
	return list.Items
}

func (b *bench) wantClass(err error, class fault.Class, reason string) {
	b.Helper()
	if !fault.Is(err, class) {
		b.Errorf("%s: want %s, got %v", reason, class, err)
	}
}

func TestEveryEngineRunsAndGoes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.node(planetest.Node{CPU: "16"})
	want := map[workload.Engine]workload.Phase{
		workload.StatefulSet: workload.PhaseRunning, workload.Deployment: workload.PhaseRunning, workload.DaemonSet: workload.PhaseRunning,
		workload.Standalone: workload.PhaseRunning, workload.CronJob: workload.PhaseRunning, workload.Job: workload.PhaseSucceeded,
	}
	for engine, phase := range want {
		t.Run(string(engine), func(t *testing.T) {
			s := b.spec(string(engine), engine)
			s.User, s.Password = "root", secret.New("pass-word-of-"+string(engine))
			s.SelfLabels = map[string]string{"app": "ubuntu3"}
			b.apply(s)
			now := b.await(s.Ref, func(s workload.Status) (bool, error) { return s.Phase == phase, nil })
			if now.Phase == workload.PhaseRunning && engine != workload.CronJob && now.Node == "" {
				t.Errorf("a running workload has no node: %+v", now)
			}
			for _, p := range b.pods(s.Ref) {
				if p.Labels["app"] != "ubuntu3" || p.Spec.AutomountServiceAccountToken == nil || *p.Spec.AutomountServiceAccountToken {
					t.Errorf("pod %s: labels %v, token %v", p.Name, p.Labels, p.Spec.AutomountServiceAccountToken)
				}
				if raw := p.String(); strings.Contains(raw, "pass-word") {
					t.Error("the password stands in the pod")
				}
			}
			if again := b.apply(s); again.Generation != now.Generation {
				t.Errorf("the same spec again: generation %d became %d", now.Generation, again.Generation)
			}
			if err := b.m.Delete(b.ctx, s.Ref, workload.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			b.left(s.Ref, 0)
			_, err := b.m.Status(b.ctx, s.Ref)
			b.wantClass(err, fault.ClassNotFound, "after its deletion")
			if err := b.m.Delete(b.ctx, s.Ref, workload.DeleteOptions{}); err != nil {
				t.Errorf("deleting again: %v", err)
			}
		})
	}
}

// left counts everything that still has the workload's label.
func (b *bench) left(r workload.Ref, want int) {
	b.Helper()
	sel := metav1.ListOptions{LabelSelector: cluster.LabelInstance + "=" + r.Name()}
	ns, found := r.Namespace(), []string{}
	note := func(kind, name string) { found = append(found, kind+"/"+name) }
	pods, _ := plane.Kube.CoreV1().Pods(ns).List(b.ctx, sel)
	for _, x := range pods.Items {
		note("pod", x.Name)
	}
	services, _ := plane.Kube.CoreV1().Services(ns).List(b.ctx, sel)
	for _, x := range services.Items {
		note("service", x.Name)
	}
	secrets, _ := plane.Kube.CoreV1().Secrets(ns).List(b.ctx, sel)
	for _, x := range secrets.Items {
		note("secret", x.Name)
	}
	claims, _ := plane.Kube.CoreV1().PersistentVolumeClaims(ns).List(b.ctx, sel)
	for _, x := range claims.Items {
		if x.DeletionTimestamp == nil {
			note("claim", x.Name)
		}
	}
	walls, _ := plane.Kube.NetworkingV1().NetworkPolicies(ns).List(b.ctx, sel)
	for _, x := range walls.Items {
		note("policy", x.Name)
	}
	ways, _ := plane.Kube.NetworkingV1().Ingresses(ns).List(b.ctx, sel)
	for _, x := range ways.Items {
		note("ingress", x.Name)
	}
	if len(found) != want {
		b.Errorf("want %d things of the workload, found %v", want, found)
	}
}

func TestNeighbourSurvives(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.node(planetest.Node{})
	one, two := b.spec("x", workload.StatefulSet), b.spec("X", workload.StatefulSet)
	for _, s := range []*workload.Spec{&one, &two} {
		s.Storage = &workload.Storage{Size: "1Gi", MountPath: "/data"}
		s.Expose = &workload.Expose{ContainerPort: 22}
		s.User, s.Password = "root", secret.New("a-password")
		b.run(*s)
	}
	before := b.pods(two.Ref)
	if err := b.m.Delete(b.ctx, one.Ref, workload.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	b.left(one.Ref, 0)
	b.left(two.Ref, 6) // pod, service, governing service, secret, claim, policy
	if after := b.pods(two.Ref); len(after) != 1 || after[0].UID != before[0].UID {
		t.Error("deleting a workload whose id differs by case alone touched its neighbour")
	}
	b.wantClass(b.m.RemoveTenant(b.ctx, two.Cluster, two.Org), fault.ClassPrecondition, "the namespace still has a workload")
	if err := b.m.Delete(b.ctx, two.Ref, workload.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := b.m.RemoveTenant(b.ctx, two.Cluster, two.Org); err != nil {
		t.Fatal(err)
	}
	// The namespace is going now: a new workload waits until a new one is there.
	if now := b.run(two); now.Phase != workload.PhaseRunning {
		t.Errorf("after the namespace was deleted: %+v", now)
	}
}

func TestNamespaceIsFenced(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.spec("a", workload.Deployment)
	s.Replicas, s.GPUs = 3, 1
	b.apply(s)
	ns, err := plane.Kube.CoreV1().Namespaces().Get(b.ctx, s.Namespace(), metav1.GetOptions{})
	if err != nil || ns.Labels["pod-security.kubernetes.io/enforce"] != "baseline" {
		t.Fatalf("namespace %v, %v", ns.Labels, err)
	}
	q, err := plane.Kube.CoreV1().ResourceQuotas(s.Namespace()).Get(b.ctx, "sold", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[corev1.ResourceName]string{"limits.cpu": "2", "requests.memory": "1Gi", "pods": "4", "requests.nvidia.com/gpu": "4", "services.nodeports": "0"} {
		if got := q.Spec.Hard[name]; got.String() != want {
			t.Errorf("quota of %s is %s, want %s", name, got.String(), want)
		}
	}
	_, err = plane.Kube.CoreV1().Pods(s.Namespace()).Create(b.ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "bad"},
		Spec:       corev1.PodSpec{HostNetwork: true, Containers: []corev1.Container{{Name: "a", Image: "a"}}},
	}, metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("a pod on the node's own network: %v", err)
	}
	walls, err := plane.Kube.NetworkingV1().NetworkPolicies(s.Namespace()).Get(b.ctx, "default-deny", metav1.GetOptions{})
	if err != nil || len(walls.Spec.PolicyTypes) != 2 || len(walls.Spec.Ingress)+len(walls.Spec.Egress) != 0 {
		t.Errorf("the wall is %+v, %v", walls.Spec, err)
	}
	some, err := plane.Kube.CoreV1().LimitRanges(s.Namespace()).Get(b.ctx, "defaults", metav1.GetOptions{})
	if err != nil || len(some.Spec.Limits) != 1 || some.Spec.Limits[0].Default.Cpu().String() != "100m" || some.Spec.Limits[0].DefaultRequest.Memory().String() != "128Mi" {
		t.Errorf("what a container gets that asks for nothing: %+v, %v", some.Spec.Limits, err)
	}
	b.ownTraffic(s.Ref)
	if err := b.m.Delete(b.ctx, s.Ref, workload.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	q, err = plane.Kube.CoreV1().ResourceQuotas(s.Namespace()).Get(b.ctx, "sold", metav1.GetOptions{})
	if got := q.Spec.Hard[corev1.ResourcePods]; err != nil || !got.IsZero() {
		t.Errorf("after the deletion the quota still allows %s pods, %v", got.String(), err)
	}
}

// ownTraffic checks what passes the wall: an org's own pods, names and the world, and
// nobody else's pods.
func (b *bench) ownTraffic(r workload.Ref) {
	b.Helper()
	way, err := plane.Kube.NetworkingV1().NetworkPolicies(r.Namespace()).Get(b.ctx, "own-traffic", metav1.GetOptions{})
	if err != nil || len(way.Spec.Ingress) != 1 || len(way.Spec.Egress) != 3 {
		b.Fatalf("what passes is %+v, %v", way.Spec, err)
	}
	for _, from := range append(way.Spec.Ingress[0].From, way.Spec.Egress[0].To...) {
		if from.PodSelector == nil || from.NamespaceSelector != nil || from.IPBlock != nil {
			b.Errorf("pods of other namespaces pass: %+v", from)
		}
	}
	for _, to := range way.Spec.Egress[2].To {
		if to.IPBlock == nil || len(to.IPBlock.Except) == 0 {
			b.Errorf("private networks are reached: %+v", to)
		}
	}
}

// TestWhatHoldsAPodUp tells the word of a container that does not run, in place of
// how many are ready.
func TestWhatHoldsAPodUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.node(planetest.Node{})
	s := b.spec("a", workload.StatefulSet)
	b.run(s)
	for _, word := range []string{"ImagePullBackOff", "CrashLoopBackOff"} {
		stuck := fmt.Sprintf(`{"status":{"conditions":[{"type":"Ready","status":"False"},{"type":"ContainersReady","status":"False"}],
			"containerStatuses":[{"name":"main","image":"a","imageID":"","ready":false,"restartCount":1,"state":{"running":null,"waiting":{"reason":%q,"message":"as the kubelet says"}}}]}}`, word)
		pod := b.pods(s.Ref)[0].Name
		if _, err := plane.Kube.CoreV1().Pods(s.Namespace()).Patch(b.ctx, pod, types.StrategicMergePatchType, []byte(stuck), metav1.PatchOptions{}, "status"); err != nil {
			t.Fatal(err)
		}
		now := b.await(s.Ref, func(now workload.Status) (bool, error) { return now.Reason == word, nil })
		if now.Phase != workload.PhaseDegraded || now.Message != "as the kubelet says" || now.Ready != 0 {
			t.Errorf("%s: %+v", word, now)
		}
	}
}

func TestCardsAreScheduled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	node := b.node(planetest.Node{GPUs: 2, Labels: map[string]string{cluster.LabelGPUModel: kubename.Label("RTX5090-32G")}})
	fits, big := b.spec("fits", workload.StatefulSet), b.spec("big", workload.StatefulSet)
	fits.GPUs, fits.GPUModel = 2, "RTX5090-32G"
	big.GPUs, big.GPUModel = 1, "RTX5090-32G"
	if now := b.run(fits); now.Phase != workload.PhaseRunning || now.Node != node.Name {
		t.Errorf("two cards of two: %+v", now)
	}
	if now := b.stall(big); now.Phase != workload.PhaseDegraded || now.Reason != corev1.PodReasonUnschedulable {
		t.Errorf("a third card of two: %+v", now)
	}
	other := b.spec("other", workload.Standalone)
	other.GPUs, other.GPUModel = 1, "RTX4090-24G"
	if now := b.stall(other); now.Reason != corev1.PodReasonUnschedulable {
		t.Errorf("a model that no node has: %+v", now)
	}
	if err := b.m.Delete(b.ctx, fits.Ref, workload.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if now := b.await(big.Ref, workload.Settled(false)); now.Phase != workload.PhaseRunning {
		t.Errorf("after the cards were given back: %+v", now)
	}
}

func TestNodePorts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.node(planetest.Node{})
	first := b.spec("first", workload.Deployment)
	first.Expose = &workload.Expose{ContainerPort: 8888, Port: 80}
	reach := b.run(first).Reach
	if reach.Mode != workload.NodePort || reach.NodePort < 30000 || reach.Port != 80 {
		t.Fatalf("reached by %+v", reach)
	}
	second := b.spec("second", workload.Deployment)
	second.Expose = &workload.Expose{ContainerPort: 8888, NodePort: reach.NodePort}
	_, err := b.m.Apply(b.ctx, second)
	b.wantClass(err, fault.ClassConflict, "the port is the first one's")
	b.left(second.Ref, 0)
	second.Expose.NodePort = 1234
	_, err = b.m.Apply(b.ctx, second)
	b.wantClass(err, fault.ClassInvalid, "the port is out of the cluster's range")
	b.left(second.Ref, 0)
	again := first
	again.Expose = &workload.Expose{ContainerPort: 8888, NodePort: reach.NodePort}
	b.apply(again)
	again.Expose = &workload.Expose{ContainerPort: 8888, Mode: workload.LoadBalancer}
	if now := b.run(again); now.Phase != workload.PhaseRunning || !now.Reach.Pending || now.Reach.Mode != workload.LoadBalancer {
		t.Errorf("a load balancer that nobody serves is pending, not failed: %+v", now)
	}
	again.Expose = &workload.Expose{ContainerPort: 8888, Mode: workload.Ingress, Host: "notebook.customer.example"}
	if now := b.run(again); now.Reach.Mode != workload.Ingress || !now.Reach.Pending {
		t.Errorf("an ingress: %+v", now)
	}
	again.Expose = nil
	if now := b.run(again); now.Reach.Mode != "" {
		t.Errorf("closed again: %+v", now)
	}
}

func TestLogsExecEvents(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.node(planetest.Node{})
	s, neighbour := b.spec("a", workload.StatefulSet), b.spec("b", workload.StatefulSet)
	b.run(s)
	b.run(neighbour)
	line := time.Now().UTC().Format(time.RFC3339Nano) + " stdout F hello from the container\n"
	if err := os.WriteFile(plane.LogFile(), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if err := b.m.Logs(b.ctx, s.Ref, workload.LogOptions{Tail: 10}, &log); err != nil || !strings.Contains(log.String(), "hello from the container") {
		t.Errorf("log %q, %v", log.String(), err)
	}
	follow, stop := context.WithTimeout(b.ctx, time.Second)
	defer stop()
	if err := b.m.Logs(follow, s.Ref, workload.LogOptions{Follow: true}, io.Discard); err != nil {
		t.Errorf("following a log until its context ends: %v", err)
	}
	theirs := workload.LogOptions{Pod: neighbour.Ref.Name() + "-0"}
	b.wantClass(b.m.Logs(b.ctx, s.Ref, theirs, io.Discard), fault.ClassNotFound, "a neighbour's pod")

	var out, bad bytes.Buffer
	code, err := b.m.Exec(b.ctx, s.Ref, workload.Terminal{
		Command: []string{"sh", "-c", "head -c 5; echo oops >&2"}, Stdin: strings.NewReader("typed"), Stdout: &out, Stderr: &bad,
	})
	if err != nil || code != 0 || out.String() != "typed" || strings.TrimSpace(bad.String()) != "oops" {
		t.Errorf("exec: code %d, out %q, err %q, %v", code, out.String(), bad.String(), err)
	}
	events, err := b.m.Events(b.ctx, s.Ref, 50)
	if err != nil || len(events) == 0 {
		t.Fatalf("events %v, %v", events, err)
	}
	for _, e := range events {
		if !strings.Contains(e.About, s.Ref.Name()) {
			t.Errorf("an event of something else: %+v", e)
		}
	}
}
