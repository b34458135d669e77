package workload_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/kubename"
	"tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/sdk/secret"
)

// BenchmarkFiveHundred makes 500 workloads of ten orgs, 32 at a time, each a
// StatefulSet with its secret and service, and waits until each is ready: by
// this package, and by client-go alone without namespaces' fences and quotas.
func BenchmarkFiveHundred(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	client, err := cluster.Connect(cluster.Config{Kubeconfig: secret.New(string(plane.AdminConfig())), QPS: 5000, Burst: 5000})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for range 4 {
		plane.AddNode(b, planetest.Node{CPU: "1000", Memory: "1000Gi", Pods: 2000})
	}
	m := workload.New(workload.Config{Client: client, Log: slog.New(slog.DiscardHandler)})
	for name, one := range map[string]func(ctx context.Context, round, i int) error{
		"Engine": func(ctx context.Context, round, i int) error { return byEngine(ctx, m, round, i) },
		"Bare":   func(ctx context.Context, round, i int) error { return byHand(ctx, client, round, i) },
	} {
		b.Run(name, func(b *testing.B) {
			begin, n := time.Now(), 0
			for b.Loop() {
				n++
				round := int(plane.Serial())
				if err := orgs(ctx, client, name, round); err != nil {
					b.Fatal(err)
				}
				inParallel(b, 500, func(i int) error { return one(ctx, round, i) })
			}
			b.ReportMetric(500*float64(n)/time.Since(begin).Seconds(), "workloads/s")
		})
	}
}

func inParallel(b *testing.B, n int, do func(i int) error) {
	b.Helper()
	jobs, errs := make(chan int), make(chan error, 32)
	for range cap(errs) {
		go func() {
			var failed error
			for i := range jobs {
				if err := do(i); err != nil && failed == nil {
					failed = err
				}
			}
			errs <- failed
		}()
	}
	for i := range n {
		jobs <- i
	}
	close(jobs)
	for range cap(errs) {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
}

func byEngine(ctx context.Context, m *workload.Manager, round, i int) error {
	s := workload.Spec{
		Ref:  workload.Ref{Cluster: fmt.Sprint("bench-", round), Org: fmt.Sprint("org-", i%10), ID: fmt.Sprintf("%d-%d", round, i), Engine: workload.StatefulSet},
		Name: "bench", Image: "image.example/a", CPU: "100m", Memory: "64Mi", Replicas: 1,
		User: "root", Password: secret.New("a-password"),
	}
	if _, err := m.Apply(ctx, s); err != nil {
		return err
	}
	_, err := m.Await(ctx, s.Ref, workload.Settled(false))
	return err
}

// orgs makes the namespaces of the bare way, which the engine makes itself.
func orgs(ctx context.Context, c *cluster.Client, name string, round int) error {
	if name != "Bare" {
		return nil
	}
	for i := range 10 {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("bare-%d-%d", round, i)}}
		if _, err := c.Kube().CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func byHand(ctx context.Context, c *cluster.Client, round, i int) error {
	ns, name := fmt.Sprintf("bare-%d-%d", round, i%10), kubename.Workload(fmt.Sprint(i))
	meta, labels, one := metav1.ObjectMeta{Name: name}, map[string]string{"app": name}, int32(1)
	core := c.Kube().CoreV1()
	if _, err := core.Secrets(ns).Create(ctx, &corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{"password": []byte("a")}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: labels}}
	if _, err := core.Services(ns).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		return err
	}
	parts := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("64Mi")}
	set := &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{
		Replicas: &one, ServiceName: name, Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "main", Image: "image.example/a", Resources: corev1.ResourceRequirements{Limits: parts},
			}}},
		},
	}}
	made, err := c.Kube().AppsV1().StatefulSets(ns).Create(ctx, set, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	w, err := c.Streams().AppsV1().StatefulSets(ns).Watch(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String(), ResourceVersion: made.ResourceVersion,
	})
	if err != nil {
		return err
	}
	defer w.Stop()
	for e := range w.ResultChan() {
		if now, ok := e.Object.(*appsv1.StatefulSet); ok && now.Status.ReadyReplicas == 1 {
			return nil
		}
	}
	return ctx.Err()
}
