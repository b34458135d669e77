package workload_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

func (b *bench) claims(r workload.Ref) map[string]string {
	b.Helper()
	list, err := plane.Kube.CoreV1().PersistentVolumeClaims(r.Namespace()).List(b.ctx, metav1.ListOptions{})
	if err != nil {
		b.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range list.Items {
		if strings.Contains(c.Name, r.Name()) && c.DeletionTimestamp == nil {
			q := c.Spec.Resources.Requests[corev1.ResourceStorage]
			out[c.Name] = q.String()
		}
	}
	return out
}

func TestDisksGrowAroundLivingPods(t *testing.T) {
	t.Parallel()
	for _, engine := range []workload.Engine{workload.StatefulSet, workload.Deployment, workload.Standalone} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.node(planetest.Node{})
			s := b.spec("db", engine)
			s.Storage = &workload.Storage{Size: "1Gi", MountPath: "/var/lib/mysql"}
			b.run(s)
			before := b.pods(s.Ref)
			s.Storage = &workload.Storage{Size: "3Gi", MountPath: "/var/lib/mysql"}
			if now := b.run(s); now.Phase != workload.PhaseRunning {
				t.Errorf("with a larger disk: %+v", now)
			}
			for name, size := range b.claims(s.Ref) {
				if size != "3Gi" {
					t.Errorf("claim %s has %s", name, size)
				}
			}
			if after := b.pods(s.Ref); len(after) != 1 || after[0].UID != before[0].UID {
				t.Error("the pod did not live on")
			}
			s.Storage = &workload.Storage{Size: "2Gi", MountPath: "/var/lib/mysql"}
			_, err := b.m.Apply(b.ctx, s)
			b.wantClass(err, fault.ClassPrecondition, "a disk cannot shrink")
			if now, err := b.m.Status(b.ctx, s.Ref); err != nil || now.Phase != workload.PhaseRunning {
				t.Errorf("after the refusal: %+v, %v", now, err)
			}
		})
	}
}

func TestFixedDisksRefuseToGrow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.node(planetest.Node{})
	class := plane.AddFixedClass(t)
	s := b.spec("db", workload.StatefulSet)
	s.Storage = &workload.Storage{Size: "1Gi", MountPath: "/data", Class: class}
	b.run(s)
	s.Storage = &workload.Storage{Size: "2Gi", MountPath: "/data", Class: class}
	_, err := b.m.Apply(b.ctx, s)
	b.wantClass(err, fault.ClassPrecondition, "the class does not let disks grow")
	s.Storage = &workload.Storage{Size: "1Gi", MountPath: "/data", Class: planetest.StorageClass}
	_, err = b.m.Apply(b.ctx, s)
	b.wantClass(err, fault.ClassPrecondition, "the class of a disk is for ever")
	if now, err := b.m.Status(b.ctx, s.Ref); err != nil || now.Phase != workload.PhaseRunning {
		t.Errorf("after the refusals: %+v, %v", now, err)
	}
}

func TestDataOutlivesWhenAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.node(planetest.Node{})
	s := b.spec("db", workload.StatefulSet)
	s.Storage = &workload.Storage{Size: "1Gi", MountPath: "/data", Retain: true}
	b.run(s)
	for range 2 {
		if err := b.m.Delete(b.ctx, s.Ref, workload.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := b.claims(s.Ref); len(got) != 1 {
			t.Fatalf("a retained disk is gone: %v", got)
		}
	}
	if now := b.run(s); now.Phase != workload.PhaseRunning {
		t.Errorf("over its old data: %+v", now)
	}
	if err := b.m.Delete(b.ctx, s.Ref, workload.DeleteOptions{Data: workload.DataDrop}); err != nil {
		t.Fatal(err)
	}
	if got := b.claims(s.Ref); len(got) != 0 {
		t.Errorf("dropped data is there: %v", got)
	}
}

func TestTemplatesThatCannotChange(t *testing.T) {
	t.Parallel()
	for _, engine := range []workload.Engine{workload.Job, workload.Standalone} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.node(planetest.Node{})
			s := b.spec("a", engine)
			b.run(s)
			first := b.pods(s.Ref)
			s.Image, s.Memory = "image.example/ubuntu:24.04", "512Mi"
			b.run(s)
			second := b.pods(s.Ref)
			if len(second) != 1 || second[0].UID == first[0].UID || second[0].Spec.Containers[0].Image != s.Image {
				t.Errorf("was not made anew: %d pods", len(second))
			}
		})
	}
}

func TestEngineSwitch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.node(planetest.Node{CPU: "16"})
	s := b.spec("a", workload.StatefulSet)
	for _, engine := range []workload.Engine{workload.StatefulSet, workload.Deployment, workload.DaemonSet, workload.Standalone, workload.StatefulSet} {
		s.Engine, s.Replicas = engine, 0
		if engine == workload.StatefulSet || engine == workload.Deployment {
			s.Replicas = 2
		}
		if now := b.run(s); now.Phase != workload.PhaseRunning {
			t.Fatalf("as a %s: %+v", engine, now)
		}
		if got := b.pods(s.Ref); len(got) != max(s.Replicas, 1) {
			t.Errorf("as a %s it has %d pods", engine, len(got))
		}
	}
	s.Storage = &workload.Storage{Size: "1Gi", MountPath: "/data"}
	b.run(s)
	s.Engine, s.Replicas = workload.Deployment, 1
	_, err := b.m.Apply(b.ctx, s)
	b.wantClass(err, fault.ClassPrecondition, "a set's disk cannot move")
}

func TestScaleStopStartRestart(t *testing.T) {
	t.Parallel()
	for _, engine := range workload.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.node(planetest.Node{CPU: "16"})
			s := b.spec("a", engine)
			step := func(what string, phase workload.Phase, ready int) {
				t.Helper()
				b.apply(s)
				now := b.await(s.Ref, func(s workload.Status) (bool, error) {
					return s.Phase == phase && s.Observed >= s.Generation, nil
				})
				if engine != workload.CronJob && phase != workload.PhaseStopped && now.Ready != ready {
					t.Errorf("%s: %+v", what, now)
				}
				if err := planetest.Until(b.ctx, func(context.Context) (bool, error) {
					return phase == workload.PhaseRunning || phase == workload.PhaseSucceeded || len(b.pods(s.Ref)) == 0, nil
				}); err != nil {
					t.Errorf("%s: %d pods are left", what, len(b.pods(s.Ref)))
				}
			}
			runs, ready := workload.PhaseRunning, 1
			if engine == workload.Job {
				runs, ready = workload.PhaseSucceeded, 0
			}
			if engine == workload.StatefulSet || engine == workload.Deployment {
				s.Replicas, s.Booked = 3, 3
				step("make", runs, 3)
				s.Replicas = 1
				step("scale down", runs, 1)
			}
			if engine != workload.Job { // which would have ended before it is stopped
				step("run", runs, ready)
			}
			s.Stopped = true
			step("stop", workload.PhaseStopped, 0)
			step("stop again", workload.PhaseStopped, 0)
			s.Stopped = false
			step("start", runs, ready)
			if engine == workload.CronJob {
				return
			}
			old := map[string]bool{}
			for _, p := range b.pods(s.Ref) {
				old[string(p.UID)] = true
			}
			s.Restart = "1"
			step("restart", runs, ready)
			for _, p := range b.pods(s.Ref) {
				if old[string(p.UID)] && p.DeletionTimestamp == nil {
					t.Errorf("pod %s was not made anew", p.Name)
				}
			}
		})
	}
}

func TestPasswordMakesPodsAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.node(planetest.Node{})
	s := b.spec("db", workload.StatefulSet)
	s.Sort, s.User, s.Password = workload.RelationalDB, "app", secret.New("the-first-one")
	b.run(s)
	first := b.pods(s.Ref)[0]
	s.Password = secret.New("the-second-one")
	b.run(s)
	second := b.pods(s.Ref)[0]
	if second.UID == first.UID {
		t.Error("the pod kept the old password")
	}
	kept, err := plane.Kube.CoreV1().Secrets(s.Namespace()).Get(b.ctx, s.Ref.Name()+"-login", metav1.GetOptions{})
	if err != nil || string(kept.Data["password"]) != "the-second-one" || string(kept.Data["user"]) != "app" {
		t.Errorf("the secret has the wrong login, %v", err)
	}
	b.run(s)
	if third := b.pods(s.Ref)[0]; third.UID != second.UID {
		t.Error("the same password again made the pod anew")
	}
}

// runs fails for a workload that is told to rest and does not run.
func (b *bench) runs(r workload.Ref) error {
	now, err := b.m.Inside(b.ctx, r)
	if err == nil && now.Phase != workload.PhaseRunning {
		err = fmt.Errorf("it is %+v", now)
	}
	return err
}

func TestManyAtOnceInOneNamespace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.node(planetest.Node{CPU: "64", Memory: "64Gi"})
	const n = 24
	errs := make(chan error, n)
	for i := range n {
		go func() {
			s := b.spec(fmt.Sprint("many-", i), workload.Deployment)
			_, err := b.m.Apply(b.ctx, s)
			switch {
			case err != nil:
			case i%2 == 0:
				_, err = b.m.Await(b.ctx, s.Ref, workload.Settled(false))
			default:
				if err = b.m.Rest(b.ctx, s.Ref); err == nil {
					err = b.runs(s.Ref)
				}
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	b.wantClass(b.m.Rest(b.ctx, b.spec("none", workload.Deployment).Ref), fault.ClassNotFound, "a workload that is not there")
	s := b.spec("many-0", workload.Deployment)
	q, err := plane.Kube.CoreV1().ResourceQuotas(s.Namespace()).Get(b.ctx, "sold", metav1.GetOptions{})
	if got := q.Spec.Hard[corev1.ResourcePods]; err != nil || got.Value() != 2*n {
		t.Errorf("the quota allows %s pods, %v", got.String(), err)
	}
}

// TestAPIGoneAndBack runs alone: it stops the cluster's API.
func TestAPIGoneAndBack(t *testing.T) {
	b := newBench(t)
	b.node(planetest.Node{})
	s := b.spec("a", workload.StatefulSet)
	b.run(s)
	waiting, looks := make(chan error, 1), make(chan struct{}, 1)
	go func() {
		_, err := b.m.Await(b.ctx, s.Ref, func(s workload.Status) (bool, error) {
			select {
			case looks <- struct{}{}:
			default:
			}
			return s.Phase == workload.PhaseStopped, nil
		})
		waiting <- err
	}()
	<-looks // it waits
	if err := plane.StopAPI(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
	defer cancel()
	_, err := b.m.Status(ctx, s.Ref)
	b.wantClass(err, fault.ClassUnavailable, "the API is gone")
	if err := plane.StartAPI(b.ctx); err != nil {
		t.Fatal(err)
	}
	s.Stopped = true
	b.apply(s)
	if err := <-waiting; err != nil {
		t.Errorf("a wait over an outage: %v", err)
	}
}
