package saletest

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/planetest"
)

// own chooses what the engine made.
var own = metav1.ListOptions{LabelSelector: cluster.LabelManagedBy + "=" + cluster.Manager}

// alone makes sure that nobody else's workloads are in the cluster, and removes
// with the test those that it leaves. Their controllers would start them again on
// the nodes of a later test, up to a minute and a half after their own were
// removed, and take the cards that are sold there.
//
// It is called before the broker starts and after the nodes were added: what the
// test leaves is removed when nobody puts it back any more, and before its nodes.
func alone(t *testing.T) {
	t.Helper()
	if n, err := tenants(t.Context()); err != nil || n > 0 {
		t.Fatalf("%d organisations of another test have workloads in the cluster: %v", n, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if t.Failed() {
			tellPods(ctx, t)
		}
		if err := vacate(ctx); err != nil {
			t.Errorf("removing the workloads that the test left: %v", err)
		}
	})
}

// tenants counts the namespaces that are there to stay.
func tenants(ctx context.Context) (int, error) {
	all, err := plane.Kube.CoreV1().Namespaces().List(ctx, own)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, one := range all.Items {
		if one.DeletionTimestamp == nil {
			n++
		}
	}
	return n, nil
}

// vacate removes all namespaces of the engine and waits until none of their pods
// is left.
func vacate(ctx context.Context) error {
	spaces := plane.Kube.CoreV1().Namespaces()
	all, err := spaces.List(ctx, own)
	if err != nil {
		return err
	}
	now := int64(0)
	for _, one := range all.Items {
		if err := spaces.Delete(ctx, one.Name, metav1.DeleteOptions{}); err != nil && one.DeletionTimestamp == nil {
			return err // one that was going already may refuse to be removed again
		}
		// Nobody ends the pods of a node that is gone already.
		err := plane.Kube.CoreV1().Pods(one.Name).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: &now}, metav1.ListOptions{})
		if err != nil {
			return err
		}
	}
	return planetest.Until(ctx, func(ctx context.Context) (bool, error) {
		for _, one := range all.Items {
			pods, err := plane.Kube.CoreV1().Pods(one.Name).List(ctx, metav1.ListOptions{Limit: 1})
			if err != nil || len(pods.Items) > 0 {
				return false, err
			}
		}
		return true, nil
	})
}

// tellPods logs where the pods are, and why one is nowhere.
func tellPods(ctx context.Context, t *testing.T) {
	t.Helper()
	pods, err := plane.Kube.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Logf("the pods: %v", err)
		return
	}
	for _, p := range pods.Items {
		t.Logf("pod %s/%s is %s on %q", p.Namespace, p.Name, p.Status.Phase, p.Spec.NodeName)
		for _, c := range p.Status.Conditions {
			if c.Message != "" {
				t.Logf("  %s: %s", c.Type, c.Message)
			}
		}
	}
}
