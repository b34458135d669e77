package board

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestWordsOfKubectl compares with what kubectl shows of the same pods.
func TestWordsOfKubectl(t *testing.T) {
	t.Parallel()
	waits := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
	}
	ended := func(reason string, code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: reason, ExitCode: code}}
	}
	runs := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	always, started := corev1.ContainerRestartPolicyAlways, true
	of := func(phase corev1.PodPhase, states ...corev1.ContainerState) corev1.Pod {
		p := corev1.Pod{Status: corev1.PodStatus{Phase: phase}}
		for _, s := range states {
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{State: s, Ready: s.Running != nil})
		}
		return p
	}
	with := func(p corev1.Pod, change func(*corev1.Pod)) corev1.Pod { change(&p); return p }
	before := func(p corev1.Pod, states ...corev1.ContainerState) corev1.Pod {
		for _, s := range states {
			p.Spec.InitContainers = append(p.Spec.InitContainers, corev1.Container{})
			p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, corev1.ContainerStatus{State: s})
		}
		return p
	}
	for want, p := range map[string]corev1.Pod{
		"Pending":               of(corev1.PodPending),
		"Running":               of(corev1.PodRunning, runs),
		"ContainerCreating":     of(corev1.PodPending, waits("ContainerCreating")),
		"ImagePullBackOff":      of(corev1.PodPending, waits("ImagePullBackOff")),
		"CrashLoopBackOff":      of(corev1.PodRunning, waits("CrashLoopBackOff"), runs),
		"Completed":             of(corev1.PodSucceeded, ended("Completed", 0)),
		"OOMKilled":             of(corev1.PodFailed, ended("OOMKilled", 137)),
		"ExitCode:3":            of(corev1.PodFailed, ended("", 3)),
		"Evicted":               with(of(corev1.PodFailed), func(p *corev1.Pod) { p.Status.Reason = "Evicted" }),
		"Terminating":           with(of(corev1.PodRunning, runs), func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }),
		"Unknown":               with(of(corev1.PodRunning, runs), func(p *corev1.Pod) { p.DeletionTimestamp, p.Status.Reason = &metav1.Time{}, "NodeLost" }),
		"Init:1/2":              before(of(corev1.PodPending, waits("PodInitializing")), ended("Completed", 0), runs),
		"Init:ImagePullBackOff": before(of(corev1.PodPending, waits("PodInitializing")), waits("ImagePullBackOff")),
		"Init:Error":            before(of(corev1.PodPending, waits("PodInitializing")), ended("Error", 1)),
		"Init:ExitCode:2":       before(of(corev1.PodPending, waits("PodInitializing")), ended("", 2)),
	} {
		if got := podRow(&p, p.CreationTimestamp.Time).Running; got != want {
			t.Errorf("it is %q; want %q", got, want)
		}
	}
	beside := before(of(corev1.PodRunning, runs, ended("Completed", 0)), runs)
	beside.Spec.InitContainers[0].RestartPolicy, beside.Status.InitContainerStatuses[0].Started = &always, &started
	beside.Status.InitContainerStatuses[0].Ready = true
	beside.Spec.Containers = make([]corev1.Container, 2)
	if got := podRow(&beside, beside.CreationTimestamp.Time); got.Running != "Running" || got.Ready != "2/3" {
		t.Errorf("with a sidecar: %+v", got)
	}
}
