package planetest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metricsv1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

const metricsService = "v1beta1.metrics.k8s.io"

// Metrics is a metrics.k8s.io API that answers what the test says, registered
// with the aggregator as metrics-server is.
type Metrics struct {
	mu   sync.Mutex
	pods map[string]metricsv1.PodMetrics // by namespace and name
}

// AddMetrics registers the API, waits until it is available, and takes it away
// with the test. A cluster has one: a test that calls it runs alone.
func (p *Plane) AddMetrics(t testing.TB) *Metrics {
	t.Helper()
	m := &Metrics{pods: map[string]metricsv1.PodMetrics{}}
	server := httptest.NewUnstartedServer(m)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "metrics-server", Namespace: "kube-system"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}
	if _, err := p.Kube.CoreV1().Services("kube-system").Create(ctx, service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":%q},
		"spec":{"group":"metrics.k8s.io","version":"v1beta1","groupPriorityMinimum":100,"versionPriority":100,
		"insecureSkipTLSVerify":true,"service":{"name":"metrics-server","namespace":"kube-system","port":%s}}}`, metricsService, at.Port())
	if err := p.registrations(ctx, http.MethodPost, "", body); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.removeMetrics(t) })
	err = Until(ctx, func(ctx context.Context) (bool, error) {
		return p.metricsAnswer(ctx) == nil, nil
	})
	if err != nil {
		t.Fatalf("the metrics API did not become available: %v", err)
	}
	return m
}

func (p *Plane) metricsAnswer(ctx context.Context) error {
	return p.Kube.Discovery().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/pods").Do(ctx).Error()
}

func (p *Plane) registrations(ctx context.Context, verb, name, body string) error {
	path := strings.TrimSuffix("/apis/apiregistration.k8s.io/v1/apiservices/"+name, "/")
	req := p.Kube.Discovery().RESTClient().Verb(verb).AbsPath(path)
	if body != "" {
		req = req.SetHeader("Content-Type", "application/json").Body([]byte(body))
	}
	return req.Do(ctx).Error()
}

func (p *Plane) removeMetrics(t testing.TB) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.registrations(ctx, http.MethodDelete, metricsService, ""); err != nil {
		t.Errorf("removing the metrics API: %v", err)
	}
	if err := p.Kube.CoreV1().Services("kube-system").Delete(ctx, "metrics-server", metav1.DeleteOptions{}); err != nil {
		t.Errorf("removing the metrics service: %v", err)
	}
	_ = Until(ctx, func(ctx context.Context) (bool, error) { return p.metricsAnswer(ctx) != nil, nil })
}

// Set says what a pod's only container uses.
func (m *Metrics) Set(namespace, pod, cpu, memory string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pods[namespace+"/"+pod] = metricsv1.PodMetrics{
		TypeMeta:   metav1.TypeMeta{Kind: "PodMetrics", APIVersion: "metrics.k8s.io/v1beta1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: pod},
		Window:     metav1.Duration{Duration: 15 * time.Second},
		Containers: []metricsv1.ContainerMetrics{{
			Name:  "main",
			Usage: corev1.ResourceList{corev1.ResourceCPU: quantity(cpu, "0"), corev1.ResourceMemory: quantity(memory, "0")},
		}},
	}
}

// ServeHTTP answers discovery and lists of pod metrics.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const root = "/apis/metrics.k8s.io/v1beta1"
	w.Header().Set("Content-Type", "application/json")
	rest, ok := strings.CutPrefix(r.URL.Path, root)
	switch {
	case !ok:
		http.NotFound(w, r)
	case rest == "":
		_ = json.NewEncoder(w).Encode(metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: "metrics.k8s.io/v1beta1",
			APIResources: []metav1.APIResource{{Name: "pods", Namespaced: true, Kind: "PodMetrics", Verbs: metav1.Verbs{"get", "list"}}},
		})
	default:
		namespace := strings.TrimSuffix(strings.TrimPrefix(rest, "/namespaces/"), "/pods")
		_ = json.NewEncoder(w).Encode(m.list(namespace))
	}
}

func (m *Metrics) list(namespace string) metricsv1.PodMetricsList {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := metricsv1.PodMetricsList{TypeMeta: metav1.TypeMeta{Kind: "PodMetricsList", APIVersion: "metrics.k8s.io/v1beta1"}}
	for _, one := range m.pods {
		if namespace == "" || namespace == "/pods" || one.Namespace == namespace {
			out.Items = append(out.Items, one)
		}
	}
	return out
}
