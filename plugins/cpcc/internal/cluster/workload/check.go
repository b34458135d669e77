package workload

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/fault"
)

// Bounds of one workload.
const (
	MostReplicas = 1000
	mostGPUs     = 64
	mostLabels   = 20
	mostText     = 4096
)

// checker collects every wrong field.
type checker struct{ fields []fault.Field }

func (c *checker) must(ok bool, path, format string, args ...any) {
	if !ok {
		c.fields = append(c.fields, fault.Field{Path: "spec." + path, Message: fmt.Sprintf(format, args...)})
	}
}

// quantity checks an amount above zero; "" is allowed when it is not required.
func (c *checker) quantity(path, text string, required bool) {
	if text == "" {
		c.must(!required, path, "is required, for example \"2\" or \"512Mi\"")
		return
	}
	q, err := resource.ParseQuantity(text)
	c.must(err == nil && q.Sign() > 0, path, "must be an amount above zero such as \"500m\", \"2\" or \"5Gi\", not %q", text)
}

func (c *checker) labels(path string, labels map[string]string) {
	c.must(len(labels) <= mostLabels, path, "must be at most %d labels", mostLabels)
	for k, v := range labels {
		c.must(len(validation.IsQualifiedName(k)) == 0, path, "%q is not a label's key", k)
		c.must(len(validation.IsValidLabelValue(v)) == 0, path, "%q is not a label's value", v)
	}
}

// Check reports every wrong field of a spec, with paths from "spec.", without
// asking the cluster. [Manager.Apply] does the same first.
func Check(s Spec) error {
	c := &checker{}
	c.must(s.Cluster != "" && s.Org != "" && s.ID != "", "id", "cluster, org and id are required")
	c.must(slices.Contains(Engines(), s.Engine), "engine", "must be one of %v, not %q", Engines(), s.Engine)
	c.must(s.Sort == "" || s.Sort == LinuxOS || s.Sort == RelationalDB, "sort", "must be %s or %s", LinuxOS, RelationalDB)
	c.must(s.Image != "" && len(s.Image) <= 255 && !strings.ContainsAny(s.Image, " \t\n"), "image", "must be an image's name without blanks")
	c.must(s.Replicas >= 0 && s.Replicas <= MostReplicas, "replicas", "must be 0 to %d", MostReplicas)
	c.must(s.many() || s.Replicas <= 1, "replicas", "only StatefulSet and Deployment have replicas")
	c.must(s.Booked >= 0 && s.Booked <= MostReplicas, "booked", "must be 0 to %d", MostReplicas)
	c.must(len(s.Restart) <= mostText, "restart", "must have at most %d bytes", mostText)
	c.quantity("cpu", s.CPU, true)
	c.quantity("memory", s.Memory, true)
	c.quantity("ephemeral", s.Ephemeral, false)
	c.must(s.GPUs >= 0 && s.GPUs <= mostGPUs, "gpus", "must be 0 to %d", mostGPUs)
	c.must(s.GPUModel == "" || s.GPUs > 0, "gpu_model", "needs at least one card")
	c.labels("node_labels", s.NodeLabels)
	c.labels("self_labels", s.SelfLabels)
	for k := range s.SelfLabels {
		c.must(!reserved(k), "self_labels", "%q is set by the platform", k)
	}
	c.must(len(s.Name) <= mostText, "name", "must have at most %d bytes", mostText)
	c.must(s.User == "" || !s.Password.IsZero(), "password", "is required with a user")
	c.engine(s)
	c.storage(s)
	c.expose(s)
	return fault.InvalidFields(c.fields)
}

func reserved(key string) bool {
	domain, _, found := strings.Cut(key, "/")
	if !found {
		return false
	}
	ours := strings.TrimSuffix(cluster.LabelPrefix, "/")
	return domain == ours || domain == "app.kubernetes.io" || domain == "kubernetes.io" || strings.HasSuffix(domain, ".kubernetes.io")
}

// restarts are the policies each engine takes, the usual one first.
func (e Engine) restarts() []Restart {
	switch e {
	case Job, CronJob:
		return []Restart{RestartOnFailure, RestartNever}
	case Standalone:
		return []Restart{RestartAlways, RestartOnFailure, RestartNever}
	default:
		return []Restart{RestartAlways}
	}
}

// many tells whether the engine has replicas of its own.
func (s Spec) many() bool { return s.Engine == StatefulSet || s.Engine == Deployment }

// serves tells whether the engine's pods stay, so that a port makes sense.
func (e Engine) serves() bool { return e != Job && e != CronJob }

func (c *checker) engine(s Spec) {
	allowed := s.Engine.restarts()
	c.must(s.Policy == "" || slices.Contains(allowed, s.Policy), "policy", "%s takes %v only", s.Engine, allowed)
	c.must((s.Schedule != "") == (s.Engine == CronJob), "schedule", "is for CronJob, and required there")
	c.must(s.Schedule == "" || len(strings.Fields(s.Schedule)) == 5, "schedule", "must have the five fields of cron, not %q", s.Schedule)
	c.must(s.TimeZone == "" || s.Engine == CronJob, "time_zone", "is for CronJob only")
}

func (c *checker) storage(s Spec) {
	if s.Storage == nil {
		return
	}
	c.quantity("storage.size", s.Storage.Size, true)
	path := s.Storage.MountPath
	c.must(strings.HasPrefix(path, "/") && path != "/" && !strings.Contains(path, ":") && !strings.Contains(path, ".."),
		"storage.mount_path", "must be an absolute path below \"/\", not %q", path)
	c.must(s.Storage.Class == "" || len(validation.IsDNS1123Subdomain(s.Storage.Class)) == 0, "storage.class", "is not a class's name")
	c.must(s.Engine != DaemonSet, "storage", "a DaemonSet's pods on many nodes cannot share one disk")
	c.must(s.Engine != Deployment || s.Replicas <= 1, "storage", "several replicas of a Deployment cannot share one disk: use StatefulSet")
}

func (c *checker) expose(s Spec) {
	e := s.Expose
	if e == nil {
		return
	}
	port := func(n int) bool { return n >= 1 && n <= 65535 }
	c.must(s.Engine.serves(), "expose", "%s has no lasting pods to reach", s.Engine)
	c.must(e.Mode == "" || e.Mode == NodePort || e.Mode == LoadBalancer || e.Mode == Ingress, "expose.mode", "must be NodePort, LoadBalancer or Ingress")
	c.must(port(e.ContainerPort), "expose.container_port", "must be 1 to 65535")
	c.must(e.Port == 0 || port(e.Port), "expose.port", "must be 1 to 65535")
	c.must(e.NodePort == 0 || port(e.NodePort) && e.mode() == NodePort, "expose.node_port", "is for NodePort only, usually 30000 to 32767")
	c.must((e.Host != "") == (e.mode() == Ingress), "expose.host", "is for Ingress, and required there")
	c.must(e.Host == "" || len(validation.IsDNS1123Subdomain(e.Host)) == 0, "expose.host", "must be a host name in lower case, not %q", e.Host)
	c.must(e.Class == "" || e.mode() == Ingress, "expose.class", "is for Ingress only")
}

func (e *Expose) mode() PortMode {
	if e.Mode == "" {
		return NodePort
	}
	return e.Mode
}

func (e *Expose) port() int {
	if e.Port == 0 {
		return e.ContainerPort
	}
	return e.Port
}
