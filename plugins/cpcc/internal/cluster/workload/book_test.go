package workload_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/planetest"
)

// TestManyAreBookedTogether: workloads of one org that are made and removed at
// the same time all stand in its book, and none is left in it.
func TestManyAreBookedTogether(t *testing.T) {
	t.Parallel()
	const many = 24
	b := newBench(t)
	b.node(planetest.Node{CPU: "100", Memory: "100Gi"})
	specs := make([]workload.Spec, many)
	for i := range specs {
		specs[i] = b.spec(fmt.Sprint(i), workload.StatefulSet)
	}
	each := func(do func(s workload.Spec) error) {
		t.Helper()
		errs := make([]error, many)
		var all sync.WaitGroup
		for i, s := range specs {
			all.Go(func() { errs[i] = do(s) })
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	booked := func() string {
		t.Helper()
		q, err := plane.Kube.CoreV1().ResourceQuotas(specs[0].Namespace()).Get(b.ctx, "sold", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return q.Spec.Hard.Pods().String()
	}
	each(func(s workload.Spec) error { _, err := b.m.Apply(b.ctx, s); return err })
	if got, want := booked(), fmt.Sprint(2*many); got != want { // one pod each, and its successor
		t.Errorf("%s pods are booked, want %s", got, want)
	}
	each(func(s workload.Spec) error { return b.m.Delete(b.ctx, s.Ref, workload.DeleteOptions{}) })
	if got := booked(); got != "0" {
		t.Errorf("%s pods are booked after the removal", got)
	}
}
