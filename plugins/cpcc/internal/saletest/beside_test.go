package saletest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/sdk/secret"
)

var beside = flag.Int("beside", 0, "how many workloads to make through the broker, by the engine alone and by client-go alone; 500 to measure, 0: none")

// atOnce is how many are made at the same time, as in the example.
const atOnce = 32

// TestTheBrokerBesideTheClusterAlone makes the same workloads in one namespace
// three times in one run, and tells how many a second were ready: ordered, priced,
// paid and bought through the broker; by the plugin's engine alone; and by
// client-go alone.
func TestTheBrokerBesideTheClusterAlone(t *testing.T) {
	if *beside == 0 {
		t.Skip("measures; say how many with -beside")
	}
	plane.AddNode(t, planetest.Node{CPU: "8", Memory: "32Gi", GPUs: 2})
	plane.AddNode(t, planetest.Node{CPU: "8000", Memory: "8000Gi", Pods: 8000})
	client, err := cluster.Connect(cluster.Config{Kubeconfig: secret.New(string(plane.AdminConfig())), QPS: 5000, Burst: 5000})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	engine := workload.New(workload.Config{Client: client, Log: slog.New(slog.DiscardHandler)})
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}}
	if _, err := client.Kube().CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	through := bought(t)
	alone := rate(t, func(i int) error { return byEngine(t.Context(), engine, i) })
	bare := rate(t, func(i int) error { return byHand(t.Context(), client, i) })
	t.Logf("%d workloads, ready in a second: %.1f through the broker, %.1f by the engine alone, %.1f by client-go alone; the broker at %.0f %% of the engine and %.0f %% of client-go",
		*beside, through, alone, bare, 100*through/alone, 100*through/bare)
}

var perSecond = regexp.MustCompile(`bought and running in \S+: ([0-9.]+) a second`)

// bought lets the example buy them, and returns how many a second ran.
func bought(t *testing.T) float64 {
	t.Helper()
	dir, url, _ := open(t)
	args := []string{"-broker", url, "-password-file", filepath.Join(dir, "password"), "-kubeconfig", filepath.Join(dir, "kubeconfig"), "-load", strconv.Itoa(*beside)}
	out, err := exec.CommandContext(t.Context(), filepath.Join(dir, centre), args...).CombinedOutput()
	found := perSecond.FindSubmatch(out)
	if err != nil || found == nil {
		t.Fatalf("%v: %s", err, out)
	}
	n, err := strconv.ParseFloat(string(bytes.TrimSpace(found[1])), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// rate makes them, some at once, and returns how many a second were ready.
func rate(t *testing.T, one func(i int) error) float64 {
	t.Helper()
	turns, errs := make(chan int), make([]error, *beside)
	began := time.Now()
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := range turns {
				errs[i] = one(i)
			}
		})
	}
	for i := range errs {
		turns <- i
	}
	close(turns)
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return float64(len(errs)) / time.Since(began).Seconds()
}

func byEngine(ctx context.Context, m *workload.Manager, i int) error {
	s := workload.Spec{
		Ref:  workload.Ref{Cluster: "alone", Org: "org", ID: fmt.Sprint("alone-", i), Engine: workload.StatefulSet},
		Name: "small", Image: "docker.io/ubuntu:22.04", CPU: "1", Memory: "256Mi", Replicas: 1, User: "root", Password: secret.New("a-password"),
	}
	if _, err := m.Apply(ctx, s); err != nil {
		return err
	}
	_, err := m.Await(ctx, s.Ref, workload.Settled(false))
	return err
}

// byHand makes a secret, a service and a StatefulSet, and waits until it is ready.
func byHand(ctx context.Context, c *cluster.Client, i int) error {
	ns, name := "by-hand", fmt.Sprint("hand-", i)
	meta, labels, one := metav1.ObjectMeta{Name: name}, map[string]string{"app": name}, int32(1)
	core := c.Kube().CoreV1()
	if _, err := core.Secrets(ns).Create(ctx, &corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{"password": []byte("a")}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: labels}}
	if _, err := core.Services(ns).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		return err
	}
	parts := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("256Mi")}
	set := &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{
		Replicas: &one, ServiceName: name, Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "main", Image: "docker.io/ubuntu:22.04", Resources: corev1.ResourceRequirements{Limits: parts}}},
		}},
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
