package workload_test

import (
	"strings"
	"testing"

	"tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change func(*workload.Spec)
		path   string // "": the spec is good
	}{
		"Plain":            {"nothing changed", func(*workload.Spec) {}, ""},
		"NoID":             {"names are made of it", func(s *workload.Spec) { s.ID = "" }, "spec.id"},
		"Engine":           {"Kubernetes has no such controller", func(s *workload.Spec) { s.Engine = "ReplicaSet" }, "spec.engine"},
		"Replicas":         {"a pod is one", func(s *workload.Spec) { s.Engine, s.Replicas = workload.Standalone, 2 }, "spec.replicas"},
		"CPU":              {"it is no amount", func(s *workload.Spec) { s.CPU = "two" }, "spec.cpu"},
		"NoMemory":         {"quotas count it", func(s *workload.Spec) { s.Memory = "" }, "spec.memory"},
		"NegativeMemory":   {"less than nothing", func(s *workload.Spec) { s.Memory = "-1Gi" }, "spec.memory"},
		"Gigabytes":        {"G is not Gi and both are amounts", func(s *workload.Spec) { s.Memory = "1G" }, ""},
		"ModelWithoutCard": {"there is nothing of that model", func(s *workload.Spec) { s.GPUModel = "A" }, "spec.gpu_model"},
		"NodeLabel":        {"a blank", func(s *workload.Spec) { s.NodeLabels = map[string]string{"a b": "c"} }, "spec.node_labels"},
		"OwnLabel":         {"it selects the pods", func(s *workload.Spec) { s.SelfLabels = map[string]string{"app.kubernetes.io/instance": "x"} }, "spec.self_labels"},
		"SelfLabel":        {"the customer's own", func(s *workload.Spec) { s.SelfLabels = map[string]string{"app": "ubuntu3"} }, ""},
		"UserAlone":        {"a login has both", func(s *workload.Spec) { s.User = "root" }, "spec.password"},
		"Restart":          {"a set's pods always start again", func(s *workload.Spec) { s.Policy = workload.RestartNever }, "spec.policy"},
		"JobRestart":       {"a job's never do", func(s *workload.Spec) { s.Engine, s.Replicas, s.Policy = workload.Job, 0, workload.RestartAlways }, "spec.policy"},
		"BareRestart":      {"a pod takes each", func(s *workload.Spec) { s.Engine, s.Policy = workload.Standalone, workload.RestartOnFailure }, ""},
		"NoSchedule":       {"when should it run", func(s *workload.Spec) { s.Engine, s.Replicas = workload.CronJob, 0 }, "spec.schedule"},
		"ScheduleOfSet":    {"a set has none", func(s *workload.Spec) { s.Schedule = "* * * * *" }, "spec.schedule"},
		"DaemonDisk":       {"many nodes, one disk", func(s *workload.Spec) { s.Engine, s.Replicas = workload.DaemonSet, 0; s.Storage = disk() }, "spec.storage"},
		"SharedDisk":       {"two pods, one disk", func(s *workload.Spec) { s.Engine, s.Replicas = workload.Deployment, 2; s.Storage = disk() }, "spec.storage"},
		"RootMount":        {"it would hide the image", func(s *workload.Spec) { s.Storage = disk(); s.Storage.MountPath = "/" }, "spec.storage.mount_path"},
		"Upwards":          {"it climbs", func(s *workload.Spec) { s.Storage = disk(); s.Storage.MountPath = "/a/../b" }, "spec.storage.mount_path"},
		"NoPort":           {"nothing to reach", func(s *workload.Spec) { s.Expose = &workload.Expose{} }, "spec.expose.container_port"},
		"JobPort": {"it does not stay", func(s *workload.Spec) {
			s.Engine, s.Replicas = workload.Job, 0
			s.Expose = &workload.Expose{ContainerPort: 1}
		}, "spec.expose"},
		"NoHost": {"an ingress is found by its host", func(s *workload.Spec) { s.Expose = &workload.Expose{Mode: workload.Ingress, ContainerPort: 1} }, "spec.expose.host"},
		"NodePortOfOthers": {"a load balancer has its own", func(s *workload.Spec) {
			s.Expose = &workload.Expose{Mode: workload.LoadBalancer, ContainerPort: 1, NodePort: 30000}
		}, "spec.expose.node_port"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := workload.Spec{
				Ref:  workload.Ref{Cluster: "c", Org: "o", ID: "i", Engine: workload.StatefulSet},
				Name: "a", Replicas: 1, Image: "docker.io/library/ubuntu:22.04", CPU: "2", Memory: "5Gi",
			}
			tc.change(&s)
			err := workload.Check(s)
			if tc.path == "" {
				if err != nil {
					t.Errorf("%s: %v", tc.reason, err)
				}
				return
			}
			paths := []string{}
			if fault.Is(err, fault.ClassInvalid) {
				for _, f := range fault.As(err).Fields {
					paths = append(paths, f.Path)
				}
			}
			if len(paths) == 0 || paths[0] != tc.path {
				t.Errorf("%s: want a fault at %s, got %v", tc.reason, tc.path, err)
			}
		})
	}
}

func disk() *workload.Storage { return &workload.Storage{Size: "49Gi", MountPath: "/data"} }

func TestCheckTellsNoSecret(t *testing.T) {
	t.Parallel()
	s := workload.Spec{Password: secret.New("hush-hush"), User: "root"}
	if err := workload.Check(s); err == nil || strings.Contains(err.Error(), "hush-hush") {
		t.Errorf("got %v", err)
	}
}
