package engine

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	run "tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

func TestSpecs(t *testing.T) {
	t.Parallel()
	on := workload.Target{ClusterID: "k"}
	for name, tc := range map[string]struct {
		in     workload.Instance
		want   run.Spec
		reason string
	}{
		"all parts": {
			in: workload.Instance{
				ID: "w", OrgID: "o", Name: "web", Replicas: 2, Restart: 3, Password: secret.New("p"),
				Spec: workload.Spec{
					Engine: workload.StatefulSet, Replicas: 3, Image: "i", InstanceType: "LinuxOS", User: "ops", MountPath: "/data", RetainVolumes: true,
					PortMode: "NodePort", ServicePort: 80, ContainerPort: 8080, NodePort: 30080, Label: "a:b", NodeSelector: "c=d", RestartPolicy: "Always",
				},
				Parts: []price.Part{
					{Type: price.CPU, Model: "STANDARD", Amount: 2}, {Type: price.CPU, Model: "STANDARD", Amount: 500, Unit: price.Milli},
					{Type: price.Memory, Model: "STANDARD", Amount: 4, Unit: price.Gi}, {Type: price.Disk, Model: "DATA", Amount: 10},
					{Type: price.Disk, Model: "SYS", Amount: 5}, {Type: price.GPU, Model: "RTX5090-32G", Amount: 2},
				},
			},
			want: run.Spec{
				Ref: run.Ref{Cluster: "k", Org: "o", ID: "w", Engine: run.StatefulSet}, Name: "web", Replicas: 2, Booked: 3, Image: "i", Sort: run.LinuxOS,
				CPU: "2500m", Memory: "4096Mi", Ephemeral: "5120Mi", GPUs: 2, GPUModel: "RTX5090-32G", User: "ops", Password: secret.New("p"),
				NodeLabels: map[string]string{"c": "d"}, SelfLabels: map[string]string{"a": "b"}, Policy: run.RestartAlways, Restart: "3",
				Storage: &run.Storage{Size: "10240Mi", MountPath: "/data", Retain: true},
				Expose:  &run.Expose{Mode: run.NodePort, Port: 80, ContainerPort: 8080, NodePort: 30080},
			},
			reason: "lines of one sort are summed, the standard model is any",
		},
		"stopped, on every node": {
			in: workload.Instance{
				ID: "w", OrgID: "o", Spec: workload.Spec{Engine: workload.DaemonSet, Replicas: 4, Image: "i"},
				Parts: []price.Part{{Type: price.CPU, Model: "EPYC", Amount: 1}, {Type: price.Memory, Model: "STANDARD", Amount: 512}, {Type: price.GPU, Model: "X", Amount: 0}},
			},
			want: run.Spec{
				Ref: run.Ref{Cluster: "k", Org: "o", ID: "w", Engine: run.DaemonSet}, Replicas: 1, Booked: 1, Stopped: true, Image: "i",
				CPU: "1000m", Memory: "512Mi", CPUModel: "EPYC",
			},
			reason: "a DaemonSet has no replicas of its own; nothing of a model asks for no model",
		},
	} {
		got, err := SpecOf(on, tc.in)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		equal := cmp.Comparer(func(a, b secret.Value) bool { return a.Equal(b) })
		if diff := cmp.Diff(tc.want, got, equal); diff != "" {
			t.Errorf("%s: %s (-want +got)\n%s", name, tc.reason, diff)
		}
		if err := run.Check(got); err != nil {
			t.Errorf("%s: the cluster's own check refuses it: %v", name, err)
		}
	}
}

func TestSeen(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   run.Status
		want workload.Seen
	}{
		"runs": {
			run.Status{Phase: run.PhaseRunning, Desired: 2, Ready: 2, Generation: 3, Observed: 3, Reach: run.Reach{NodePort: 30001}},
			workload.Seen{Exists: true, Current: true, Wanted: 2, Ready: 2, Done: true, Ports: []int{30001}},
		},
		"an older change is seen": {
			run.Status{Phase: run.PhasePending, Desired: 2, Ready: 2, Generation: 4, Observed: 3}, workload.Seen{Exists: true, Wanted: 2, Ready: 2},
		},
		"cannot be placed": {
			run.Status{Phase: run.PhaseDegraded, Reason: "Unschedulable", Message: "no node", Desired: 1},
			workload.Seen{Exists: true, Current: true, Wanted: 1, Failed: true, Reason: "Unschedulable", Message: "no node"},
		},
		"stopped":          {run.Status{Phase: run.PhaseStopped, Desired: 2, Ready: 1}, workload.Seen{Exists: true, Current: true}},
		"a job that ended": {run.Status{Phase: run.PhaseSucceeded, Desired: 1}, workload.Seen{Exists: true, Current: true, Wanted: 1, Done: true}},
	} {
		if diff := cmp.Diff(tc.want, seenOf(tc.in)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	e := &Engine{}
	for _, config := range []string{"", "{", "apiVersion: v1\nkind: Config\nusers: [{name: u, user: {exec: {command: sh, apiVersion: client.authentication.k8s.io/v1}}}]"} {
		err := e.Admit(t.Context(), secret.New(config))
		if f := fault.As(err); f == nil || len(f.Fields) != 1 || f.Fields[0].Path != "spec.kubeconfig" {
			t.Errorf("%q is admitted: %v", config, err)
		}
	}
}
