package board_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/board"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

var plane *planetest.Plane

func TestMain(m *testing.M) { os.Exit(planetest.Run(m, &plane)) }

func connect(t testing.TB) (context.Context, *cluster.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	c, err := cluster.Connect(cluster.Config{Kubeconfig: secret.New(string(plane.AdminConfig())), QPS: 5000, Burst: 5000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return ctx, c
}

func namespace(ctx context.Context, t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("board-%d", plane.Serial())
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := plane.Kube.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "board"}}
	if _, err := plane.Kube.CoreV1().ServiceAccounts(name).Create(ctx, account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return name
}

func addPod(ctx context.Context, namespace, name, node, cpu, memory, gpus string) error {
	parts := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
	if gpus != "" {
		parts[planetest.GPU] = resource.MustParse(gpus)
	}
	_, err := plane.Kube.CoreV1().Pods(namespace).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			NodeName: node, ServiceAccountName: "board",
			Containers: []corev1.Container{{Name: "main", Image: "image.example/a", Resources: corev1.ResourceRequirements{Limits: parts}}},
		},
	}, metav1.CreateOptions{})
	return err
}

func untilRunning(ctx context.Context, t testing.TB, namespace, name string) {
	t.Helper()
	err := planetest.Until(ctx, func(ctx context.Context) (bool, error) {
		p, err := plane.Kube.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		return err == nil && p.Status.Phase == corev1.PodRunning, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPodRow(t *testing.T) {
	ctx, c := connect(t)
	ns := namespace(ctx, t)
	node := plane.AddNode(t, planetest.Node{GPUs: 2}).Name
	if err := addPod(ctx, ns, "w-0", node, "2", "5Gi", "1"); err != nil {
		t.Fatal(err)
	}
	untilRunning(ctx, t, ns, "w-0")
	at := func() board.PodRow {
		t.Helper()
		page, err := board.Pods(ctx, c, time.Now().Add(17*time.Hour), board.Query{Namespace: ns})
		if err != nil || len(page.Rows) != 1 || page.Remaining != 0 {
			t.Fatalf("page %+v, %v", page, err)
		}
		return page.Rows[0]
	}
	want := board.PodRow{
		Namespace: ns, Name: "w-0", Ready: "1/1", Running: "Running", Restarts: "0", Age: "17h", Node: node,
		GPU: "1", CPULimit: "2", MemoryLimit: "5Gi", GPULimit: "1", ReadinessGates: []string{},
	}
	got := at()
	if got.IP == "" {
		t.Error("the pod has no address")
	}
	got.IP = ""
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("without the metrics API (-want +got):\n%s", d)
	}
	plane.AddMetrics(t).Set(ns, "w-0", "4m", "2599Ki")
	want.CPURate, want.MemoryRate = "0.004核", "2.538Mi"
	got = at()
	got.IP = ""
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("with the metrics API (-want +got):\n%s", d)
	}
	if got := got.Chinese().NominatedNode; got != "无" {
		t.Errorf("no nominated node is %q", got)
	}
}

func TestNodeRow(t *testing.T) {
	ctx, c := connect(t)
	ns := namespace(ctx, t)
	node := plane.AddNode(t, planetest.Node{CPU: "4", Memory: "16Gi", GPUs: 2, ControlPlane: true, Labels: map[string]string{"kyy-gpu": "true"}})
	if err := addPod(ctx, ns, "system", node.Name, "850m", "716800Ki", ""); err != nil {
		t.Fatal(err)
	}
	untilRunning(ctx, t, ns, "system")
	rows := map[string]board.NodeRow{}
	err := board.EachNode(ctx, c, time.Now().Add(5*24*time.Hour+18*time.Hour), board.Query{Limit: 1}, func(r board.NodeRow) error {
		rows[r.Name] = r
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := board.NodeRow{
		Name: node.Name, Status: "已就绪", Role: "控制节点", Age: "5d18h", Version: "v1.35.4", InternalIP: "127.0.0.1", ExternalIP: "未分配",
		OSVersion: "Debian GNU/Linux 12 (bookworm)", KernelVersion: "6.1.0-18-amd64", ContainerRuntime: "containerd://1.7.13",
		Labels: []string{"kyy-gpu=true"}, CPURate: "21.2%", MemoryRate: "4.3%", GPURate: "0%",
		AvailableCPU: "3.15核", AvailableMemory: "15.32Gi", AvailableGPU: 2,
	}
	got := rows[node.Name].Chinese()
	got.Version, got.ContainerRuntime, got.KernelVersion, got.OSVersion = want.Version, want.ContainerRuntime, want.KernelVersion, want.OSVersion
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestPages(t *testing.T) {
	ctx, c := connect(t)
	ns := namespace(ctx, t)
	node := plane.AddNode(t, planetest.Node{}).Name
	for i := range 7 {
		if err := addPod(ctx, ns, fmt.Sprint("p-", i), node, "1m", "1Mi", ""); err != nil {
			t.Fatal(err)
		}
	}
	var sizes, names []string
	q := board.Query{Namespace: ns, Limit: 3}
	for {
		page, err := board.Pods(ctx, c, time.Now(), q)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, fmt.Sprintf("%d+%d", len(page.Rows), page.Remaining))
		for _, r := range page.Rows {
			names = append(names, r.Name)
		}
		if q.Continue = page.Continue; q.Continue == "" {
			break
		}
	}
	if d := cmp.Diff("3+4 3+1 1+0", strings.Join(sizes, " ")); d != "" || !slices.IsSorted(names) || len(names) != 7 {
		t.Errorf("pages %v of %v", sizes, names)
	}
	_, err := board.Pods(ctx, c, time.Now(), board.Query{Limit: board.MostRows + 1})
	if !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("too long a page: %v", err)
	}
}

// BenchmarkBoards lists 5,000 pods on 500 nodes; heap-MB is the most that was
// held at once above what was held before.
func BenchmarkBoards(b *testing.B) {
	ctx, c := connect(b)
	ns := namespace(ctx, b)
	fill(ctx, b, ns, 500, 5000)
	boards := map[string]func() (int, error){
		"Pods": func() (n int, err error) {
			err = board.EachPod(ctx, c, time.Now(), board.Query{}, func(board.PodRow) error { n++; return nil })
			return n, err
		},
		"Nodes": func() (n int, err error) {
			err = board.EachNode(ctx, c, time.Now(), board.Query{}, func(board.NodeRow) error { n++; return nil })
			return n, err
		},
		"PodPage": func() (int, error) {
			page, err := board.Pods(ctx, c, time.Now(), board.Query{Limit: 20})
			return len(page.Rows), err
		},
	}
	for name, list := range boards {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			peak := watchHeap(b)
			for b.Loop() {
				begin := time.Now()
				n, err := list()
				if err != nil || n < 20 {
					b.Fatalf("%d rows, %v", n, err)
				}
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(peak(), "heap-MB")
		})
	}
}

// watchHeap samples the heap until the function it returns is called.
func watchHeap(b *testing.B) func() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	base, most := m.HeapAlloc, m.HeapAlloc
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			case <-stop:
				return
			}
		}
	})
	return func() float64 {
		close(stop)
		done.Wait()
		return float64(most-base) / (1 << 20)
	}
}

func fill(ctx context.Context, b *testing.B, ns string, nodes, pods int) {
	b.Helper()
	parallel := func(n int, do func(i int) error) {
		b.Helper()
		jobs, errs := make(chan int), make(chan error, 16)
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
	name := func(i int) string { return fmt.Sprintf("bench-%d", i) }
	parallel(nodes, func(i int) error { return plane.CreateNode(ctx, planetest.Node{Name: name(i)}) })
	parallel(pods, func(i int) error {
		return addPod(ctx, ns, fmt.Sprintf("p-%d", i), name(i%nodes), "100m", "256Mi", "")
	})
}
