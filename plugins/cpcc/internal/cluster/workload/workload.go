// Package workload runs what customers buy on a Kubernetes cluster: it applies,
// watches, scales, restarts and deletes one workload with all that belongs to
// it (secret, volumes, service, ingress, network rule), in a namespace of its
// organisation that has a quota, default limits, a security level and closed
// networks. It decides neither prices nor who may do what, and keeps nothing
// outside the cluster.
//
// # Basics
//
// A [Ref] names a workload by the broker's own ids; the cluster's names follow
// from it. [Manager.Apply] makes or changes it and may be repeated at will.
// Apply does not wait until containers run: [Manager.Await] does, from watches,
// and [Manager.Status] looks once.
//
// # Concurrency
//
// A Manager is safe for concurrent use and holds no goroutine between calls.
// Changes of one workload must not run at the same time; changes of different
// workloads of one organisation may.
package workload

import (
	"time"

	"tradewind.example/plugins/cpcc/internal/cluster/kubename"
	"tradewind.example/sdk/secret"
)

// Engine is the sort of controller that runs a workload.
type Engine string

// The engines. Standalone is a pod without a controller.
const (
	StatefulSet Engine = "StatefulSet"
	Deployment  Engine = "Deployment"
	DaemonSet   Engine = "DaemonSet"
	CronJob     Engine = "CronJob"
	Job         Engine = "Job"
	Standalone  Engine = "Standalone"
)

// Engines returns all of them.
func Engines() []Engine {
	return []Engine{StatefulSet, Deployment, DaemonSet, CronJob, Job, Standalone}
}

// Sort is what an image is; it decides the default command and how the login
// reaches the container.
type Sort string

// The sorts.
const (
	// LinuxOS images have no service of their own; without a command they are
	// kept alive. Login: INSTANCE_USER and INSTANCE_PASSWORD.
	LinuxOS Sort = "LinuxOS"
	// RelationalDB images are MySQL's. Login: MYSQL_ROOT_PASSWORD, and
	// MYSQL_USER with MYSQL_PASSWORD for any user but root. A database that has
	// started once keeps its first password.
	RelationalDB Sort = "RelationalDB"
)

// Restart says when a container that has ended starts again.
type Restart string

// The restart policies; which are possible depends on the engine.
const (
	RestartAlways    Restart = "Always"
	RestartOnFailure Restart = "OnFailure"
	RestartNever     Restart = "Never"
)

// Ref names a workload. Cluster, Org and ID are the broker's own ids, exactly.
type Ref struct {
	Cluster, Org, ID string
	Engine           Engine
}

// Namespace is where the workload lives: one for each cluster and org.
func (r Ref) Namespace() string { return kubename.Namespace(r.Cluster, r.Org) }

// Name is that of the controller; everything else of the workload begins with it.
func (r Ref) Name() string { return kubename.Workload(r.ID) }

// Spec is what runs. Quantities are Kubernetes' words ("1000m", "2", "5Gi").
type Spec struct {
	Ref
	Name     string // for people; kept as an annotation
	Replicas int    // StatefulSet and Deployment; 0 is stopped
	Booked   int    // replicas that the quota leaves room for; less than Replicas: those
	Stopped  bool   // no pods; all else stays. A Job begins again from its start
	Restart  string // another text makes the pods anew, one after the other where there are several
	Image    string
	Sort     Sort // "": LinuxOS
	Command  []string
	Args     []string

	CPU, Memory string // of each replica; required
	Ephemeral   string // system disk; "": not limited
	GPUs        int    // cards of each replica
	GPUModel    string // any text; needs nodes with cluster.LabelGPUModel
	CPUModel    string // any text; needs nodes with cluster.LabelCPUModel

	NodeLabels map[string]string // only nodes with these labels
	SelfLabels map[string]string // on the pods, never in selectors

	User     string
	Password secret.Value

	Storage  *Storage // nil: none
	Expose   *Expose  // nil: not reachable from outside its namespace
	Policy   Restart  // "": the engine's usual one
	Schedule string   // CronJob: five fields of cron
	TimeZone string   // CronJob: an IANA name; "": the cluster's
}

// Storage is a data disk: one for each replica of a StatefulSet, else one.
type Storage struct {
	Size      string // may grow later, never shrink
	MountPath string
	Class     string // "": the cluster's default; cannot be changed
	Retain    bool   // the data outlives the workload
}

// PortMode is how a port is reached from outside the cluster.
type PortMode string

// The port modes.
const (
	NodePort     PortMode = "NodePort"
	LoadBalancer PortMode = "LoadBalancer"
	Ingress      PortMode = "Ingress"
)

// Expose opens one port.
type Expose struct {
	Mode          PortMode // "": NodePort
	Port          int      // of the service; 0: ContainerPort
	ContainerPort int
	NodePort      int    // NodePort only; 0: the cluster chooses
	Host          string // Ingress only; required there
	Class         string // Ingress only; "": the cluster's default
}

// Phase is where a workload stands.
type Phase string

// The phases.
const (
	PhasePending   Phase = "pending"   // not all replicas are ready yet
	PhaseRunning   Phase = "running"   // all are, with the newest spec
	PhaseStopped   Phase = "stopped"   // on request; its last pods may still be ending
	PhaseDegraded  Phase = "degraded"  // something keeps it from running; see Reason
	PhaseSucceeded Phase = "succeeded" // Job and Standalone: ended well
	PhaseFailed    Phase = "failed"    // Job and Standalone: ended badly
	PhaseDeleting  Phase = "deleting"
)

// Status is a workload as the cluster has it.
type Status struct {
	Phase   Phase
	Reason  string // Kubernetes' own word: "ImagePullBackOff", "Unschedulable" …
	Message string // one line for people
	Desired int
	Ready   int
	Created time.Time
	// Generation is the newest spec's; Observed the one the controller has seen.
	Generation, Observed int64
	// Node is where the first replica runs, "" when none does.
	Node string
	// Reach is how the workload is reached; zero when it is not exposed.
	Reach Reach
}

// Reach is the outside of a workload. A load balancer without a controller has
// no addresses for ever: that is pending, not failed.
type Reach struct {
	Mode      PortMode
	Port      int
	NodePort  int
	Addresses []string // of the load balancer or ingress
	Pending   bool     // no address yet
}
