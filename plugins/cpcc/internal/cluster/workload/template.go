package workload

import (
	"maps"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	apply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/kubename"
)

// The names inside a pod and the keys of its login.
const (
	container   = "main"
	volume      = "data"
	account     = "workload" // the service account of a namespace's pods
	keyUser     = "user"
	keyPassword = "password"
)

// Annotations with the broker's own words.
const (
	noteID      = cluster.LabelPrefix + "workload-id"
	noteName    = cluster.LabelPrefix + "workload-name"
	noteLogin   = cluster.LabelPrefix + "login-version"
	noteRestart = cluster.LabelPrefix + "restart"
	noteSpec    = cluster.LabelPrefix + "spec-hash"
	noteStopped = cluster.LabelPrefix + "stopped"
	noteCluster = cluster.LabelPrefix + "cluster-id"
	noteOrg     = cluster.LabelPrefix + "org-id"
)

// login names the secret; service, claim and the rest likewise.
func (r Ref) login() string     { return r.Name() + "-login" }
func (r Ref) service() string   { return r.Name() }
func (r Ref) governing() string { return r.Name() + "-pods" }
func (r Ref) claim() string     { return r.Name() + "-data" }
func (r Ref) ownLabels() labels {
	return labels{cluster.LabelManagedBy: cluster.Manager, cluster.LabelInstance: r.Name()}
}
func (r Ref) selector() labels   { return labels{cluster.LabelInstance: r.Name()} }
func (r Ref) labelQuery() string { return cluster.LabelInstance + "=" + r.Name() }

type labels = map[string]string

// podLabels are on the pods alone: selectors hold only what never changes.
func (s Spec) podLabels() labels {
	out := maps.Clone(s.SelfLabels)
	if out == nil {
		out = labels{}
	}
	maps.Copy(out, s.ownLabels())
	return out
}

func (s Spec) notes() labels {
	return labels{noteID: s.ID, noteName: s.Name, noteStopped: strconv.FormatBool(s.Stopped)}
}

func (s Spec) nodeSelector() labels {
	out := labels{}
	maps.Copy(out, s.NodeLabels)
	if s.GPUModel != "" {
		out[cluster.LabelGPUModel] = kubename.Label(s.GPUModel)
	}
	if s.CPUModel != "" {
		out[cluster.LabelCPUModel] = kubename.Label(s.CPUModel)
	}
	if s.Stopped && s.Engine == DaemonSet {
		out[noteStopped] = "true" // which no node has
	}
	return out
}

// running is how many replicas are wanted now.
func (s Spec) running() int32 {
	if s.Stopped {
		return 0
	}
	return int32(s.Replicas)
}

func (s Spec) hasLogin() bool { return !s.Password.IsZero() }

// pod is the template of every engine. loginVersion changes with the login, so
// that the pods are made anew.
func (s Spec) pod(loginVersion string) *apply.PodTemplateSpecApplyConfiguration {
	t := apply.PodTemplateSpec().WithLabels(s.podLabels()).WithSpec(s.podSpec())
	if loginVersion != "" {
		t.WithAnnotations(labels{noteLogin: loginVersion})
	}
	if s.Restart != "" {
		t.WithAnnotations(labels{noteRestart: s.Restart})
	}
	return t
}

func (s Spec) podSpec() *apply.PodSpecApplyConfiguration {
	p := apply.PodSpec().
		WithServiceAccountName(account).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithRestartPolicy(corev1.RestartPolicy(s.policy())).
		WithSecurityContext(apply.PodSecurityContext().
			WithSeccompProfile(apply.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithContainers(s.container())
	if sel := s.nodeSelector(); len(sel) > 0 {
		p.WithNodeSelector(sel)
	}
	if s.Storage != nil && s.Engine != StatefulSet {
		p.WithVolumes(apply.Volume().WithName(volume).
			WithPersistentVolumeClaim(apply.PersistentVolumeClaimVolumeSource().WithClaimName(s.claim())))
	}
	return p
}

func (s Spec) policy() Restart {
	if s.Policy == "" {
		return s.Engine.restarts()[0]
	}
	return s.Policy
}

func (s Spec) container() *apply.ContainerApplyConfiguration {
	c := apply.Container().WithName(container).WithImage(s.Image).
		WithCommand(s.command()...).WithArgs(s.Args...).
		WithResources(apply.ResourceRequirements().WithRequests(s.parts()).WithLimits(s.parts()))
	if s.hasLogin() {
		c.WithEnv(s.env()...)
	}
	if s.Storage != nil {
		c.WithVolumeMounts(apply.VolumeMount().WithName(volume).WithMountPath(s.Storage.MountPath))
	}
	if e := s.Expose; e != nil {
		c.WithPorts(apply.ContainerPort().WithName("main").WithContainerPort(int32(e.ContainerPort)).WithProtocol(corev1.ProtocolTCP))
	}
	return c
}

// keepAlive ends at once when it is told to.
const keepAlive = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"

// command keeps an image without a service of its own alive.
func (s Spec) command() []string {
	kept := s.Engine.serves() && (s.Sort == LinuxOS || s.Sort == "")
	if len(s.Command) == 0 && len(s.Args) == 0 && kept {
		return []string{"/bin/sh", "-c", keepAlive}
	}
	return s.Command
}

// parts are request and limit alike: what is sold is there.
func (s Spec) parts() corev1.ResourceList {
	out := corev1.ResourceList{}
	put := func(name corev1.ResourceName, text string) {
		if q, err := resource.ParseQuantity(text); err == nil {
			out[name] = q
		}
	}
	put(corev1.ResourceCPU, s.CPU)
	put(corev1.ResourceMemory, s.Memory)
	put(corev1.ResourceEphemeralStorage, s.Ephemeral)
	if s.GPUs > 0 {
		out[cluster.GPU] = *resource.NewQuantity(int64(s.GPUs), resource.DecimalSI)
	}
	return out
}

// env hands the login over by reference; the manifest never holds it.
func (s Spec) env() []*apply.EnvVarApplyConfiguration {
	from := func(variable, key string) *apply.EnvVarApplyConfiguration {
		return apply.EnvVar().WithName(variable).WithValueFrom(apply.EnvVarSource().
			WithSecretKeyRef(apply.SecretKeySelector().WithName(s.login()).WithKey(key)))
	}
	if s.Sort != RelationalDB {
		return []*apply.EnvVarApplyConfiguration{from("INSTANCE_USER", keyUser), from("INSTANCE_PASSWORD", keyPassword)}
	}
	out := []*apply.EnvVarApplyConfiguration{from("MYSQL_ROOT_PASSWORD", keyPassword)}
	if s.User != "" && !strings.EqualFold(s.User, "root") {
		out = append(out, from("MYSQL_USER", keyUser), from("MYSQL_PASSWORD", keyPassword))
	}
	return out
}

// claimSpec is the data disk.
func (s Storage) claimSpec() *apply.PersistentVolumeClaimSpecApplyConfiguration {
	out := apply.PersistentVolumeClaimSpec().WithAccessModes(corev1.ReadWriteOnce).
		WithResources(apply.VolumeResourceRequirements().WithRequests(corev1.ResourceList{corev1.ResourceStorage: s.size()}))
	if s.Class != "" {
		out.WithStorageClassName(s.Class)
	}
	return out
}

// size was checked before.
func (s Storage) size() resource.Quantity {
	q, err := resource.ParseQuantity(s.Size)
	if err != nil {
		return resource.Quantity{}
	}
	return q
}

func matching(sel labels) *metaapply.LabelSelectorApplyConfiguration {
	return metaapply.LabelSelector().WithMatchLabels(sel)
}
