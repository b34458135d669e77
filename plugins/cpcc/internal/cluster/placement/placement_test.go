package placement_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/kubename"
	"tradewind.example/plugins/cpcc/internal/cluster/placement"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

var plane *planetest.Plane

func TestMain(m *testing.M) { os.Exit(planetest.Run(m, &plane)) }

func connect(t *testing.T) (context.Context, *cluster.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c, err := cluster.Connect(cluster.Config{Kubeconfig: secret.New(string(plane.AdminConfig()))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return ctx, c
}

// occupy puts a running pod with an init container, which asks for more than
// the container does, on a node.
func occupy(ctx context.Context, t *testing.T, node, cpu, memory string) {
	t.Helper()
	parts := func(cpu, memory string) corev1.ResourceRequirements {
		return corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
		}}
	}
	name := fmt.Sprintf("placed-%d", plane.Serial())
	err := planetest.Until(ctx, func(ctx context.Context) (bool, error) {
		_, err := plane.Kube.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	create(ctx, t, name, corev1.PodSpec{
		NodeName:       node,
		InitContainers: []corev1.Container{{Name: "first", Image: "image.example/a", Resources: parts(cpu, memory)}},
		Containers:     []corev1.Container{{Name: "main", Image: "image.example/a", Resources: parts("1m", "1Mi")}},
	})
}

// TestWhatANodeStillHolds tells nodes with room from those that say so alone.
func TestWhatANodeStillHolds(t *testing.T) {
	ctx, c := connect(t)
	at := func(pool string) map[string]string { return map[string]string{"pool": pool} }
	fits := func(pool, cpu string) bool {
		t.Helper()
		got, err := placement.Check(ctx, c, []placement.Need{{ID: pool, CPU: cpu, Labels: at(pool)}})
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %+v, %v", pool, got, err)
		}
		return got[0].Fits
	}
	away := plane.AddNode(t, planetest.Node{Labels: at("away")}).Name
	few := plane.AddNode(t, planetest.Node{Pods: 1, Labels: at("few")}).Name
	beside := plane.AddNode(t, planetest.Node{Labels: at("beside")}).Name
	for _, pool := range []string{"away", "few", "beside"} {
		if !fits(pool, "4") {
			t.Errorf("%s: an empty node holds what it has", pool)
		}
	}
	if _, err := plane.Kube.CoreV1().Nodes().Patch(ctx, away, types.MergePatchType, []byte(`{"spec":{"unschedulable":true}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	occupy(ctx, t, few, "1m", "1Mi")
	sidecar(ctx, t, beside)
	for pool, reason := range map[string]string{"away": "it is cordoned", "few": "it has as many pods as it takes"} {
		if fits(pool, "1m") {
			t.Errorf("%s: %s", pool, reason)
		}
	}
	if fits("beside", "1500m") || !fits("beside", "1") {
		t.Error("beside: a sidecar's request counts with its container's: 3 of 4 cores are taken")
	}
	for _, p := range podsOn(ctx, t, few) {
		p.Status.Phase = corev1.PodSucceeded
		if _, err := plane.Kube.CoreV1().Pods(p.Namespace).UpdateStatus(ctx, &p, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if !fits("few", "1m") {
		t.Error("few: pods that have ended take no room")
	}
}

func podsOn(ctx context.Context, t *testing.T, node string) []corev1.Pod {
	t.Helper()
	list, err := plane.Kube.CoreV1().Pods("default").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// sidecar puts a pod on a node whose sidecar and container ask for three cores.
func sidecar(ctx context.Context, t *testing.T, node string) {
	t.Helper()
	always := corev1.ContainerRestartPolicyAlways
	cores := func(n string) corev1.ResourceRequirements {
		return corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(n)}}
	}
	create(ctx, t, fmt.Sprintf("beside-%d", plane.Serial()), corev1.PodSpec{
		NodeName:       node,
		InitContainers: []corev1.Container{{Name: "beside", Image: "image.example/a", RestartPolicy: &always, Resources: cores("2")}},
		Containers:     []corev1.Container{{Name: "main", Image: "image.example/a", Resources: cores("1")}},
	})
}

func create(ctx context.Context, t *testing.T, name string, spec corev1.PodSpec) {
	t.Helper()
	if _, err := plane.Kube.CoreV1().Pods("default").Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestOneNodeHoldsAllParts(t *testing.T) {
	ctx, c := connect(t)
	pool := map[string]string{"pool": "placement"}
	with := func(more ...string) map[string]string {
		out := map[string]string{"pool": "placement"}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	model := "RTX5090-32G"
	cpuModel := "INTEL(R) XEON(R) PLATINUM 8582C"
	big := plane.AddNode(t, planetest.Node{CPU: "8", Memory: "32Gi", Labels: with(cluster.LabelCPUModel, kubename.Label(cpuModel))}).Name
	cards := plane.AddNode(t, planetest.Node{CPU: "4", Memory: "16Gi", GPUs: 2, Labels: with(cluster.LabelGPUModel, kubename.Label(model))}).Name
	plane.AddNode(t, planetest.Node{CPU: "64", Memory: "512Gi", GPUs: 8, Labels: pool, Taints: []corev1.Taint{{Key: "kept", Effect: corev1.TaintEffectNoSchedule}}})
	occupy(ctx, t, big, "2", "4Gi")
	occupy(ctx, t, cards, "1", "4Gi")
	cases := map[string]struct {
		reason string
		need   placement.Need
		fits   bool
	}{
		"Fits":           {"6 cores and 28Gi are free on one node", placement.Need{CPU: "6", Memory: "28Gi"}, true},
		"InitCounts":     {"the init container's request is the pod's", placement.Need{CPU: "6001m"}, false},
		"NotTheSum":      {"the cluster has 8 cores and two cards in sum, no node has them together", placement.Need{CPU: "5", GPUs: 2}, false},
		"Cards":          {"two cards with the rest of their node", placement.Need{CPU: "3", Memory: "12Gi", GPUs: 2, GPUModel: model}, true},
		"OtherModel":     {"no node has this model", placement.Need{GPUs: 1, GPUModel: "RTX4090-24G"}, false},
		"CPUModel":       {"a model that is no label value is found by its slug", placement.Need{CPU: "1", CPUModel: cpuModel}, true},
		"CPUModelRoom":   {"its node has no room for this", placement.Need{CPU: "7", CPUModel: cpuModel}, false},
		"Replicas":       {"3 of 2 cores on one node, 1 on the other", placement.Need{CPU: "2", Memory: "1Gi", Replicas: 4}, true},
		"TooMany":        {"a fifth replica has no place", placement.Need{CPU: "2", Memory: "1Gi", Replicas: 5}, false},
		"TaintedIsOut":   {"the tainted node does not count", placement.Need{CPU: "32"}, false},
		"SystemDiskFits": {"100Gi of system disk", placement.Need{Ephemeral: "100Gi"}, true},
		"SystemDiskFull": {"more than any node has", placement.Need{Ephemeral: "101Gi"}, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tc.need.ID, tc.need.Labels = name, pool
			got, err := placement.Check(ctx, c, []placement.Need{tc.need})
			if err != nil || len(got) != 1 || got[0].ID != name || got[0].Fits != tc.fits || (got[0].Reason == "") != tc.fits {
				t.Errorf("%s: got %+v, %v", tc.reason, got, err)
			}
		})
	}
	stock, err := placement.GPUs(ctx, c)
	want := map[string]placement.Cards{model: {Total: 2, Free: 2}, "": {Total: 8, Free: 0}}
	if d := cmp.Diff(want, stock); d != "" || err != nil {
		t.Errorf("stock of cards, %v (-want +got):\n%s", err, d)
	}
	if got := placement.Merge(stock, map[string]placement.Cards{model: {Total: 3, Free: 1}})[model]; got != (placement.Cards{Total: 5, Free: 3}) {
		t.Errorf("merged %+v", got)
	}
	_, err = placement.Check(ctx, c, []placement.Need{{ID: "a", CPU: "much"}})
	if !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("an amount that is none: %v", err)
	}
}
