package pcapi

import (
	"encoding/json"
	"testing"

	"tradewind.example/plugins/cpcc/internal/cluster/board"
)

// TestRowsOnTheWire holds the boards to the names that callers have always read, in
// their order and their spellings.
func TestRowsOnTheWire(t *testing.T) {
	t.Parallel()
	p := board.PodRow{
		Namespace: "n", Name: "w-0", Ready: "1/1", Running: "Running", Restarts: "0", Age: "17h", IP: "10.244.0.7", Node: "one", CPURate: "0.004核",
		MemoryRate: "2.539Mi", GPU: "0", CPULimit: "2", MemoryLimit: "5Gi", GPULimit: "0",
	}
	m := board.NodeRow{
		Name: "one", Status: "Ready", Role: "control-plane", Age: "5d18h", Version: "v1.35.4", InternalIP: "192.0.2.1", OSVersion: "Debian", KernelVersion: "6.1",
		ContainerRuntime: "containerd://1.7", Labels: []string{"kyy-gpu=true"}, CPURate: "21.2%", MemoryRate: "4.3%", GPURate: "0%", AvailableCPU: "3.15核",
		AvailableMemory: "15.30Gi", AvailableGPU: 2,
	}
	for want, row := range map[string]any{
		`{"pod_namespace":"n","pod_name":"w-0","pod_ready":"1/1","pod_running":"Running","pod_restart":"0","pod_age":"17h","pod_ip":"10.244.0.7","pod_node":"one",` +
			`"pod_nominated_node":"","pod_cpurate":"0.004核","pod_memrate":"2.539Mi","pod_gpu":"0","pod_cpu_limit":"2","pod_memory_limit":"5Gi","pod_gpu_limit":"0","pod_readiness_gates":[]}`: podOf(p),
		`{"node_name":"one","node_status":"Ready","node_role":"control-plane","node_age":"5d18h","node_version":"v1.35.4","node_internalip":"192.0.2.1","node_externalip":"",` +
			`"node_osversion":"Debian","node_kernelversion":"6.1","node_containeruntime":"containerd://1.7","node_labels":["kyy-gpu=true"],"node_cpurate":"21.2%","node_memrate":"4.3%",` +
			`"node_gpu":"0%","available_cpu":"3.15核","available_memory":"15.30Gi","available_gpu":2}`: memberOf(m),
	} {
		got, err := json.Marshal(row)
		if err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}
