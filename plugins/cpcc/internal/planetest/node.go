package planetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// GPU is the resource name of cards on the nodes made here.
const GPU = corev1.ResourceName("nvidia.com/gpu")

// StorageClass is the default class of the plane; its volumes can grow.
const StorageClass = "planetest"

// Node says what a node has. Zero fields: 4 cores, 16Gi, 100Gi, 110 pods, no card.
type Node struct {
	Name         string // "": a new one
	CPU, Memory  string
	Ephemeral    string
	Pods, GPUs   int64
	ControlPlane bool
	Labels       map[string]string
	Taints       []corev1.Taint
}

func quantity(text, otherwise string) resource.Quantity {
	if text == "" {
		text = otherwise
	}
	return resource.MustParse(text)
}

// Object returns the node as it is sent to the API.
func (n Node) Object() *corev1.Node {
	have := corev1.ResourceList{
		corev1.ResourceCPU: quantity(n.CPU, "4"), corev1.ResourceMemory: quantity(n.Memory, "16Gi"),
		corev1.ResourceEphemeralStorage: quantity(n.Ephemeral, "100Gi"),
		corev1.ResourcePods:             *resource.NewQuantity(cmp.Or(n.Pods, 110), resource.DecimalSI),
	}
	if n.GPUs > 0 {
		have[GPU] = *resource.NewQuantity(n.GPUs, resource.DecimalSI)
	}
	labels := map[string]string{corev1.LabelHostname: n.Name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"}
	if n.ControlPlane {
		labels["node-role.kubernetes.io/control-plane"] = ""
	}
	maps.Copy(labels, n.Labels)
	out := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: labels, Annotations: map[string]string{}},
		Spec:       corev1.NodeSpec{Taints: n.Taints},
		Status: corev1.NodeStatus{
			Capacity: have, Allocatable: have,
			NodeInfo: corev1.NodeSystemInfo{
				OSImage: "Debian GNU/Linux 12 (bookworm)", KernelVersion: "6.1.0-18-amd64", KubeletVersion: "v1.35.4",
				ContainerRuntimeVersion: "containerd://1.7.13", OperatingSystem: "linux", Architecture: "amd64",
			},
		},
	}
	return out
}

// AddNode adds a node, waits until it is ready, and takes it away with the test.
func (p *Plane) AddNode(t testing.TB, n Node) *corev1.Node {
	t.Helper()
	if n.Name == "" {
		n.Name = fmt.Sprintf("node-%d", p.Serial())
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.CreateNode(ctx, n); err != nil {
		t.Fatalf("adding node %s: %v", n.Name, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.Kube.CoreV1().Nodes().Delete(ctx, n.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("removing node %s: %v", n.Name, err)
		}
	})
	out, err := p.Kube.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// CreateNode creates a node with its capacity and waits until it is ready and
// has no taint but its own.
func (p *Plane) CreateNode(ctx context.Context, n Node) error {
	want := n.Object()
	made, err := p.Kube.CoreV1().Nodes().Create(ctx, want, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status = want.Status
	if _, err := p.Kube.CoreV1().Nodes().UpdateStatus(ctx, made, metav1.UpdateOptions{}); err != nil && !apierrors.IsConflict(err) {
		return err
	}
	return Until(ctx, func(ctx context.Context) (bool, error) {
		now, err := p.Kube.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		return Ready(now) && len(now.Spec.Taints) == len(n.Taints), nil
	})
}

// Ready tells whether the node says that it is.
func Ready(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// prepareCluster makes what a test expects of any cluster: the limited user's
// rights and a default storage class.
func (p *Plane) prepareCluster(ctx context.Context) error {
	_, err := p.Kube.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "pod-viewer"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get", "list"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = p.Kube.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "viewers"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "pod-viewer"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: "viewers"}},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return createClass(ctx, p.Kube, StorageClass, true)
}

func createClass(ctx context.Context, kube kubernetes.Interface, name string, standard bool) error {
	grows, mode := standard, storagev1.VolumeBindingImmediate
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: provisioner,
		AllowVolumeExpansion: &grows, VolumeBindingMode: &mode,
	}
	if standard {
		class.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
	}
	_, err := kube.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{})
	return err
}

// AddFixedClass adds a storage class whose volumes cannot grow and returns its name.
func (p *Plane) AddFixedClass(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("fixed-%d", p.Serial())
	if err := createClass(t.Context(), p.Kube, name, false); err != nil {
		t.Fatal(err)
	}
	return name
}
