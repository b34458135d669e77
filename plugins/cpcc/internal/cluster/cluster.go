// Package cluster holds connections to Kubernetes clusters and turns their
// errors into faults. What is done with a cluster stands in the packages below
// it: workloads, boards, placement, nodes.
//
// A [Client] is safe for concurrent use and holds no goroutine. A [Pool] keeps
// one Client for each kubeconfig, so that connections are reused.
package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
	metrics "k8s.io/metrics/pkg/client/clientset/versioned"

	"tradewind.example/plugins/cpcc/internal/cluster/kubeconfig"
	"tradewind.example/sdk/secret"
)

// The words that all packages of the engine put on what they make.
const (
	// Manager is the value of [LabelManagedBy] and the field manager of applies.
	Manager = "tradewind-cpcc"
	// LabelManagedBy marks everything the engine makes.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// LabelInstance holds the workload's name on all that belongs to it.
	LabelInstance = "app.kubernetes.io/instance"
	// LabelPrefix begins every key that is ours alone.
	LabelPrefix = "cpcc.tradewind.example/"
	// LabelGPUModel on a node tells its cards' model, as kubename.Label makes it.
	LabelGPUModel = LabelPrefix + "gpu-model"
	// LabelCPUModel on a node tells its processors' model, likewise.
	LabelCPUModel = LabelPrefix + "cpu-model"
	// GPU is the resource that counts cards; it has integer amounts only.
	GPU = corev1.ResourceName("nvidia.com/gpu")
)

// Config says which cluster and how patiently. Zero fields mean the defaults.
type Config struct {
	Kubeconfig secret.Value
	UserAgent  string        // default "tradewind-cpcc"
	QPS        float32       // requests a second on average; default 100
	Burst      int           // requests at once; default 200
	Timeout    time.Duration // longest plain request; default 15 s
}

func (c Config) withDefaults() Config {
	if c.UserAgent == "" {
		c.UserAgent = Manager
	}
	if c.QPS <= 0 {
		c.QPS = 100
	}
	if c.Burst <= 0 {
		c.Burst = 200
	}
	if c.Timeout <= 0 {
		c.Timeout = 15 * time.Second
	}
	return c
}

// Client is one cluster's API.
type Client struct {
	kube    *kubernetes.Clientset
	streams *kubernetes.Clientset
	metrics *metrics.Clientset
	rest    *rest.Config
	http    *http.Client
}

// Connect prepares the clients; it sends nothing. Faults are of the class
// invalid: the kubeconfig cannot be used.
func Connect(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	conf, err := kubeconfig.Parse(cfg.Kubeconfig)
	if err != nil {
		return nil, err
	}
	conf.UserAgent = cfg.UserAgent
	// Protobuf takes a third of JSON's time and memory for long lists.
	conf.ContentType = "application/vnd.kubernetes.protobuf"
	conf.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	conf.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(cfg.QPS, cfg.Burst)
	endless, err := rest.HTTPClientFor(conf)
	if err != nil {
		return nil, Fault(fmt.Errorf("reading the kubeconfig's certificates: %w", errBadConfig))
	}
	bounded := *endless
	bounded.Timeout = cfg.Timeout
	c := &Client{rest: conf, http: endless}
	if c.kube, err = kubernetes.NewForConfigAndClient(conf, &bounded); err != nil {
		return nil, Fault(fmt.Errorf("%w: %w", errBadConfig, err))
	}
	if c.streams, err = kubernetes.NewForConfigAndClient(conf, endless); err != nil {
		return nil, Fault(fmt.Errorf("%w: %w", errBadConfig, err))
	}
	plain := rest.CopyConfig(conf)
	plain.ContentType, plain.AcceptContentTypes = "", "application/json"
	if c.metrics, err = metrics.NewForConfigAndClient(plain, &bounded); err != nil {
		return nil, Fault(fmt.Errorf("%w: %w", errBadConfig, err))
	}
	return c, nil
}

// Kube is for plain requests; each ends after the configured time at the latest.
func (c *Client) Kube() kubernetes.Interface { return c.kube }

// Streams is for watches and logs, which end with their context alone.
func (c *Client) Streams() kubernetes.Interface { return c.streams }

// Metrics is the API of what pods and nodes use; clusters may lack it.
func (c *Client) Metrics() metrics.Interface { return c.metrics }

// REST returns a copy of the configuration, for protocols beyond HTTP requests.
func (c *Client) REST() *rest.Config { return rest.CopyConfig(c.rest) }

// Version asks the cluster for its version ("v1.35.4"): the cheapest proof that
// the kubeconfig is good.
func (c *Client) Version(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	// The version alone is shown to strangers; the node list is not.
	if _, err := c.kube.CoreV1().Nodes().List(ctx, oneRow); err != nil {
		return "", Fault(err)
	}
	v, err := c.kube.Discovery().ServerVersion()
	if err != nil {
		return "", Fault(err)
	}
	return v.GitVersion, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }
