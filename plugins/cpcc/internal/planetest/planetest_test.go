package planetest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"

	"tradewind.example/plugins/cpcc/internal/planetest"
)

var plane *planetest.Plane

func TestMain(m *testing.M) { os.Exit(planetest.Run(m, &plane)) }

func withTime(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func namespace(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("test-%d", plane.Serial())
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := plane.Kube.CoreV1().Namespaces().Create(withTime(t), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestCardsSpread: the plane schedules by cards, and its pods run.
func TestCardsSpread(t *testing.T) {
	ctx, ns := withTime(t), namespace(t)
	pool := map[string]string{"pool": ns}
	for range 2 {
		plane.AddNode(t, planetest.Node{GPUs: 2, Labels: pool})
	}
	labels, two := map[string]string{"app": "cards"}, int32(2)
	cards := corev1.ResourceList{planetest.GPU: resource.MustParse("2")}
	_, err := plane.Kube.AppsV1().Deployments(ns).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "cards"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &two, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					NodeSelector: pool,
					Containers:   []corev1.Container{{Name: "main", Image: "image.example/a", Resources: corev1.ResourceRequirements{Limits: cards}}},
				},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	nodes := map[string]bool{}
	err = planetest.Until(ctx, func(ctx context.Context) (bool, error) {
		pods, err := plane.Kube.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
		if err != nil || len(pods.Items) != 2 {
			return false, err
		}
		for _, p := range pods.Items {
			if p.Status.Phase != corev1.PodRunning {
				return false, nil
			}
			nodes[p.Spec.NodeName] = true
		}
		return true, nil
	})
	if err != nil || len(nodes) != 2 {
		t.Fatalf("pods with two cards each run on %v: %v", nodes, err)
	}
}

func TestVolumesBindAndGrow(t *testing.T) {
	ctx, ns := withTime(t), namespace(t)
	claims := plane.Kube.CoreV1().PersistentVolumeClaims(ns)
	_, err := claims.Create(ctx, &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []string{"1Gi", "2Gi"} {
		err := planetest.Until(ctx, func(ctx context.Context) (bool, error) {
			now, err := claims.Get(ctx, "data", metav1.GetOptions{})
			if err != nil {
				return false, err
			}
			has := now.Status.Capacity[corev1.ResourceStorage]
			return now.Status.Phase == corev1.ClaimBound && has.String() == size, nil
		})
		if err != nil {
			t.Fatalf("the claim did not get %s: %v", size, err)
		}
		if size == "2Gi" {
			return
		}
		err = retry.RetryOnConflict(retry.DefaultRetry, func() error { // controllers write to it as well
			now, err := claims.Get(ctx, "data", metav1.GetOptions{})
			if err != nil {
				return err
			}
			now.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("2Gi")
			_, err = claims.Update(ctx, now, metav1.UpdateOptions{})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRights(t *testing.T) {
	withCertificate, err := plane.CertificateConfig()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		config []byte
		is     func(error) bool
	}{
		"Admin":       {"the administrator's token opens all", plane.AdminConfig(), func(err error) bool { return err == nil }},
		"Certificate": {"so does a certificate of the authority", withCertificate, func(err error) bool { return err == nil }},
		"Limited":     {"RBAC holds the limited user back", plane.LimitedConfig(), apierrors.IsForbidden},
		"Stranger":    {"an unknown token is refused", plane.StrangerConfig(), apierrors.IsUnauthorized},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			cfg, err := clientcmd.RESTConfigFromKubeConfig(tc.config)
			if err != nil {
				t.Fatal(err)
			}
			_, err = kubernetes.NewForConfigOrDie(cfg).CoreV1().Secrets("default").List(withTime(t), metav1.ListOptions{Limit: 1})
			if !tc.is(err) {
				t.Errorf("%s: got %v", tc.reason, err)
			}
		})
	}
}

func TestMetricsComeAndGo(t *testing.T) {
	get := func() ([]byte, error) {
		return plane.Kube.Discovery().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods").DoRaw(withTime(t))
	}
	if _, err := get(); !apierrors.IsNotFound(err) {
		t.Fatalf("without the API: %v", err)
	}
	t.Run("Present", func(t *testing.T) {
		plane.AddMetrics(t).Set("default", "a", "4m", "3Mi")
		raw, err := get()
		if err != nil || !strings.Contains(string(raw), `"cpu":"4m"`) {
			t.Errorf("got %s, %v", raw, err)
		}
	})
	if _, err := get(); err == nil {
		t.Error("the metrics API still answers after its removal")
	}
}

func TestAPIGoneAndBack(t *testing.T) {
	ctx := withTime(t)
	if err := plane.StopAPI(); err != nil {
		t.Fatal(err)
	}
	if _, err := plane.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{}); err == nil {
		t.Error("a stopped API answers")
	}
	if err := plane.StartAPI(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := plane.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
}
