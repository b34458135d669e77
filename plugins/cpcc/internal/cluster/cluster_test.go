package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

var plane *planetest.Plane

func TestMain(m *testing.M) { os.Exit(planetest.Run(m, &plane)) }

func TestFaultTable(t *testing.T) {
	t.Parallel()
	pods := schema.GroupResource{Resource: "pods"}
	ending := apierrors.NewForbidden(pods, "a", errors.New("going"))
	ending.ErrStatus.Details.Causes = append(ending.ErrStatus.Details.Causes, metav1.StatusCause{Type: corev1.NamespaceTerminatingCause})
	wrong := field.ErrorList{field.Invalid(field.NewPath("spec", "replicas"), -1, "must not be negative")}
	cases := map[string]struct {
		err     error
		class   fault.Class
		outcome fault.Outcome
	}{
		"NotFound":        {apierrors.NewNotFound(pods, "a"), fault.ClassNotFound, fault.OutcomeNotDone},
		"Exists":          {apierrors.NewAlreadyExists(pods, "a"), fault.ClassConflict, fault.OutcomeNotDone},
		"Conflict":        {apierrors.NewConflict(pods, "a", errors.New("older")), fault.ClassConflict, fault.OutcomeNotDone},
		"Invalid":         {apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, "a", wrong), fault.ClassInvalid, fault.OutcomeNotDone},
		"BadRequest":      {apierrors.NewBadRequest("no"), fault.ClassInvalid, fault.OutcomeNotDone},
		"Unauthorized":    {apierrors.NewUnauthorized("who"), fault.ClassUnauthenticated, fault.OutcomeNotDone},
		"Forbidden":       {apierrors.NewForbidden(pods, "a", errors.New("no role")), fault.ClassForbidden, fault.OutcomeNotDone},
		"Quota":           {apierrors.NewForbidden(pods, "a", errors.New("exceeded quota: sold")), fault.ClassQuota, fault.OutcomeNotDone},
		"Terminating":     {ending, fault.ClassUnavailable, fault.OutcomeNotDone},
		"TooMany":         {apierrors.NewTooManyRequests("slow", 7), fault.ClassThrottled, fault.OutcomeNotDone},
		"Unavailable":     {apierrors.NewServiceUnavailable("away"), fault.ClassUnavailable, fault.OutcomeNotDone},
		"ServerTimeout":   {apierrors.NewServerTimeout(pods, "create", 1), fault.ClassUnavailable, fault.OutcomeUnknown},
		"Timeout":         {apierrors.NewTimeoutError("late", 1), fault.ClassUnavailable, fault.OutcomeUnknown},
		"Internal":        {apierrors.NewInternalError(errors.New("oops")), fault.ClassUnavailable, fault.OutcomeUnknown},
		"Expired":         {apierrors.NewResourceExpired("old"), fault.ClassConflict, fault.OutcomeNotDone},
		"NotAllowed":      {apierrors.NewMethodNotSupported(pods, "patch"), fault.ClassUnsupported, fault.OutcomeNotDone},
		"Dial":            {&net.OpError{Op: "dial", Err: errors.New("refused")}, fault.ClassUnavailable, fault.OutcomeNotDone},
		"Read":            {&net.OpError{Op: "read", Err: errors.New("reset")}, fault.ClassUnavailable, fault.OutcomeUnknown},
		"Deadline":        {context.DeadlineExceeded, fault.ClassUnavailable, fault.OutcomeUnknown},
		"Already a fault": {fmt.Errorf("doing: %w", fault.OutOfStock("none")), fault.ClassOutOfStock, fault.OutcomeNotDone},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := cluster.Fault(tc.err)
			if !fault.Is(got, tc.class) || fault.OutcomeOf(got) != tc.outcome {
				t.Errorf("want %s and outcome %d, got %v", tc.class, tc.outcome, got)
			}
			if !errors.Is(got, tc.err) {
				t.Error("the cause is lost")
			}
		})
	}
	if cluster.Fault(nil) != nil {
		t.Error("no error became a fault")
	}
	got := fault.As(cluster.Fault(apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, "a", wrong)))
	if len(got.Fields) != 1 || got.Fields[0].Path != "spec.replicas" || got.CloudCode != "Invalid" || got.Source != fault.SourceCloud {
		t.Errorf("fields %+v, code %q", got.Fields, got.CloudCode)
	}
	if got := fault.As(cluster.Fault(apierrors.NewTooManyRequests("slow", 7))); got.RetryAfter != 7*time.Second {
		t.Errorf("come back after %s", got.RetryAfter)
	}
}

func TestVersionProvesTheKubeconfig(t *testing.T) {
	t.Parallel()
	withCertificate, err := plane.CertificateConfig()
	if err != nil {
		t.Fatal(err)
	}
	other := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	elsewhere := strings.Replace(string(plane.AdminConfig()), plane.URL, other.URL, 1)
	other2 := httptest.NewTLSServer(http.NotFoundHandler())
	nobody := strings.Replace(string(plane.AdminConfig()), plane.URL, other2.URL, 1)
	other2.Close()
	cases := map[string]struct {
		reason, config string
		class          fault.Class
	}{
		"Token":       {"the administrator", string(plane.AdminConfig()), 0},
		"Certificate": {"as kubeadm writes it", string(withCertificate), 0},
		"Limited":     {"a user who may not see nodes is of no use", string(plane.LimitedConfig()), fault.ClassForbidden},
		"Stranger":    {"an unknown user", string(plane.StrangerConfig()), fault.ClassUnauthenticated},
		"Elsewhere":   {"a server with another authority's certificate", elsewhere, fault.ClassPrecondition},
		"Nobody":      {"nobody listens", nobody, fault.ClassUnavailable},
		"Bad":         {"no kubeconfig", "a: b", fault.ClassInvalid},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := cluster.NewPool(cluster.Config{})
			defer pool.Close()
			var version string
			c, err := pool.Get(secret.New(tc.config))
			if err == nil {
				version, err = c.Version(t.Context())
			}
			if fault.ClassOf(err) != tc.class || (tc.class == 0) != (version == "v1.35.4") {
				t.Errorf("%s: version %q, %v", tc.reason, version, err)
			}
			if err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, fault.As(err)), "token-of") {
				t.Error("the fault shows the token")
			}
		})
	}
}

func TestPoolKeepsTheLastUsed(t *testing.T) {
	t.Parallel()
	p := cluster.NewPool(cluster.Config{})
	defer p.Close()
	config := func(i int) secret.Value {
		return secret.New(strings.Replace(string(plane.AdminConfig()), "token-of", fmt.Sprintf("token-%d-of", i), 1))
	}
	get := func(i int) *cluster.Client {
		t.Helper()
		c, err := p.Get(config(i))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, second := get(0), get(1)
	if get(0) != first {
		t.Error("one kubeconfig has two clients")
	}
	for i := 2; i <= 64; i++ {
		get(i)
	}
	if get(0) != first {
		t.Error("the client used last was dropped")
	}
	if get(1) == second {
		t.Error("more clients are kept than the bound")
	}
}
