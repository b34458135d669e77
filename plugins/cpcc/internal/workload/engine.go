package workload

import (
	"context"
	"io"
	"time"

	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Target is the cluster that an engine works on.
type Target struct {
	ClusterID  string
	Kubeconfig secret.Value
	// Service is that of a centre whose clusters are reached by it alone; without
	// a URL the cluster itself is reached.
	Service Service
}

// Service is how the own service of a centre is reached.
type Service struct {
	CentreID, URL, User string
	Password            secret.Value
	Plain               bool    // may be reached without encryption
	Body                bool    // takes parameters in a body, and none in a query
	Control             Machine // of the cluster's control plane
}

// Machine is how a service reaches a machine.
type Machine struct {
	Host     string
	Port     int
	User     string
	Password secret.Value
}

// Instance is a workload as an engine is told of it.
type Instance struct {
	ID       string
	OrgID    string // whose it is: one namespace for each org and cluster
	Name     string // for people
	Spec     Spec
	Parts    []price.Part // of one replica
	Replicas int          // 0 is stopped
	Password secret.Value
	// Restart is another number when the pods are to be started again.
	Restart int
}

// Seen is what a cluster says of a workload.
type Seen struct {
	Unknown bool     `json:"unknown,omitempty" title:"The cluster cannot be asked"`
	Exists  bool     `json:"exists" title:"The cluster has it"`
	Current bool     `json:"current" title:"The cluster works on the newest change"`
	Wanted  int      `json:"wanted" title:"Pods wanted"`
	Ready   int      `json:"ready" title:"Pods ready"`
	Done    bool     `json:"done,omitempty" title:"A job that has succeeded, or a schedule that is kept"`
	Failed  bool     `json:"failed,omitempty" title:"It will not become ready by itself"`
	Reason  string   `json:"reason,omitempty" title:"Why it is not ready" doc:"The cluster's own word"`
	Message string   `json:"message,omitempty" title:"The cluster's own text"`
	Ports   []int    `json:"node_ports,omitempty" title:"Ports on the nodes"`
	Links   []string `json:"addresses,omitempty" title:"Where it is reached"`
}

// Engine runs workloads on clusters. Each method may be repeated; errors are
// faults, whose class says whether it is worth it. An engine keeps nothing of a
// workload that it cannot find again at the cluster.
type Engine interface {
	// Apply makes the workload what in says, whether it exists or not.
	Apply(ctx context.Context, on Target, in Instance) error
	// Remove removes all there is of the workload and nothing else; gone reports
	// that nothing is left of it.
	Remove(ctx context.Context, on Target, in Instance) (gone bool, err error)
	// Observe tells how the workload is.
	Observe(ctx context.Context, on Target, in Instance) (Seen, error)
	// Fits tells for each need, as if it alone were bought, whether nodes can hold
	// it now: all parts of a replica on one of them.
	Fits(ctx context.Context, on Target, needs []Need) ([]Verdict, error)
}

// Need is what somebody thinks of buying.
type Need struct {
	Parts    []price.Part // of one replica
	Replicas int
	Labels   []string // key=value, that nodes must have
}

// Verdict is the answer to a need.
type Verdict struct {
	OK     bool
	Reason string // when it does not fit
}

// LogRequest chooses what to read of a workload's output.
type LogRequest struct {
	Pod      string // "": the first
	Tail     int    // lines
	Previous bool   // of the container that ended
}

// Ran is what a command in a container did. Its output is bounded.
type Ran struct {
	Stdout, Stderr string
	Code           int
}

// Happening is one event of a workload.
type Happening struct {
	Time    string `json:"time" title:"When" doc:"RFC 3339"`
	Type    string `json:"type" title:"Type" doc:"Normal or Warning"`
	Reason  string `json:"reason" title:"Reason"`
	Object  string `json:"object" title:"What it is about"`
	Message string `json:"message" title:"Message"`
	Count   int    `json:"count" title:"How often"`
}

// Inspector looks into running workloads.
type Inspector interface {
	Logs(ctx context.Context, on Target, in Instance, req LogRequest) (string, error)
	Exec(ctx context.Context, on Target, in Instance, pod string, command []string, stdin string) (Ran, error)
	Events(ctx context.Context, on Target, in Instance) ([]Happening, error)
}

// LogStream chooses what to read of a workload's output as it comes.
type LogStream struct {
	Pod, Container string // "": the first; the workload's own
	Tail           int    // lines; 0: all
	Since          time.Time
	Follow         bool
	Timestamps     bool
	Previous       bool // of the container that ended
}

// Session is a command to run for somebody who types.
type Session struct {
	Pod, Container string   // "": the first; the workload's own
	Command        []string // none: a shell
	Terminal       bool
}

// Talker connects people with running workloads, and tells when one has come to
// rest. Nothing is kept or read ahead.
type Talker interface {
	// Await returns nil once the workload has come to rest as it is now wanted. An
	// error says nothing but that it was not seen.
	Await(ctx context.Context, on Target, in Instance) error
	Stream(ctx context.Context, on Target, in Instance, req LogStream, out io.Writer) error
	Console(ctx context.Context, on Target, in Instance, req Session, t provider.Terminal) (code int, err error)
}
