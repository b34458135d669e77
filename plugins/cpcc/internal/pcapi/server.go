// Package pcapi speaks the API that compute centres have had for their brokers:
// nine endpoints below one path, parameters in the query, answers in an envelope
// with status 200, and spellings that stay as they are (psssword, darin). Its
// [Server] is a translator onto the packages cluster and kubeadm; its [Client]
// works on the clusters of centres that have no other way in. Neither keeps
// anything.
//
// Passwords and kubeconfigs travel in queries here: requests are logged without
// them, and the service belongs behind TLS. This package's server also takes all
// parameters in a body, and some that others do not know; it says in every answer
// that it is one whose works on machines may be repeated (see [Repeats]). A
// [Server] is safe for concurrent use.
package pcapi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/remote"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/secret"
)

// Prefix is the path above all endpoints.
const Prefix = "/pcapi/api/v1/cluster/common/"

// Repeats is a header of answers. It says that a finished work on a machine is
// left alone when it is asked for again, and that one which goes on when its caller
// leaves is waited for by a repeat.
const Repeats = "Tradewind-Repeats"

// Bounds of a request.
const (
	mostQuery   = 256 << 10 // bytes of a query or a body
	requestTime = 20 * time.Minute
)

// Machines works on machines; *kubeadm.Installer is one.
type Machines interface {
	NewCluster(ctx context.Context, c kubeadm.Cluster, progress kubeadm.Progress) (kubeadm.Made, error)
	NewWorker(ctx context.Context, w kubeadm.Worker, progress kubeadm.Progress) (string, error)
	JoinGiven(ctx context.Context, w kubeadm.Worker, command secret.Value, progress kubeadm.Progress) (string, error)
	RemoveWorker(ctx context.Context, w kubeadm.Worker, name string, r node.Removal) (left string, err error)
}

// Config is what a Server needs; all fields but Clock, Trust and Kubeconfig are
// required.
type Config struct {
	User     string
	Password secret.Value
	Log      *slog.Logger
	Machines Machines
	Clock    clock.Clock // default: the machine's
	// Trust is asked about the key of each machine, by its host and port, since this
	// API pins none; nil refuses all.
	Trust func(ctx context.Context, addr, hostKey string) error
	// Kubeconfig reads what opens a cluster from its control plane's machine; nil
	// reads kubeadm's over SSH.
	Kubeconfig func(ctx context.Context, at remote.Config) (secret.Value, error)
}

// Server answers the API.
type Server struct {
	cfg   Config
	pool  *cluster.Pool
	mux   *http.ServeMux
	turns once.Turns // of machines
}

// New makes a server; it must be closed.
func New(cfg Config) *Server {
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	if cfg.Kubeconfig == nil {
		cfg.Kubeconfig = readKubeconfig
	}
	s := &Server{cfg: cfg, pool: cluster.NewPool(cluster.Config{}), mux: http.NewServeMux()}
	for _, e := range []struct {
		method, name string
		do           func(context.Context, params) (answer, error)
	}{
		{http.MethodPost, "node_label_opt", s.label}, {http.MethodGet, "determine_accommodat", s.accommodate},
		{http.MethodPost, "new_cluster", s.newCluster}, {http.MethodPost, "new_worker", s.newWorker},
		{http.MethodGet, "get_cluster_pods", s.pods}, {http.MethodGet, "get_cluster_nodes", s.nodes},
		{http.MethodPost, "delete_cluster_node", s.deleteNode}, {http.MethodPost, "node_state_switch", s.switchNode},
		{http.MethodPost, "yaml_apply_delete", s.applyDelete},
	} {
		h := s.endpoint(e.name, e.do)
		s.mux.HandleFunc(e.method+" "+Prefix+e.name, h)
		if e.method != http.MethodPost { // for parameters in a body
			s.mux.HandleFunc(http.MethodPost+" "+Prefix+e.name, h)
		}
	}
	return s
}

// Close lets go of the connections to clusters.
func (s *Server) Close() { s.pool.Close() }

// ServeHTTP answers one request of whoever knows the user and the password.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	good := subtle.ConstantTimeCompare(sum(user), sum(s.cfg.User)) & subtle.ConstantTimeCompare(sum(password), sum(s.cfg.Password.Reveal()))
	if !ok || good != 1 {
		w.Header().Set("WWW-Authenticate", `Basic realm="pcapi"`)
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	w.Header().Set(Repeats, "1")
	s.mux.ServeHTTP(w, r)
}

// sum hides how long a text is from who measures the comparison.
func sum(text string) []byte {
	out := sha256.Sum256([]byte(text))
	return out[:]
}

// answer is what an endpoint says.
type answer struct {
	info string
	data any
	bare bool // data alone, without the envelope
	// failed is the info of a failure that has data.
	failed bool
}

// envelope is the form of nearly all answers.
type envelope struct {
	Status bool   `json:"status"`
	Info   string `json:"info"`
	Data   any    `json:"data"`
}

// params are the parameters of a request.
type params map[string]string

// parameters reads the query of a request, or its body when that is JSON.
func parameters(r *http.Request) (params, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" {
		if len(r.URL.RawQuery) > mostQuery {
			return nil, fault.Invalid("query", "has more than %d bytes", mostQuery)
		}
		out := params{}
		for key, values := range r.URL.Query() {
			out[key] = values[0]
		}
		return out, nil
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, mostQuery+1))
	if err != nil {
		return nil, fault.Invalid("body", "broke off")
	}
	if len(raw) > mostQuery {
		return nil, fault.Invalid("body", "has more than %d bytes", mostQuery)
	}
	var out params
	if err := json.Unmarshal(raw, &out); err != nil || r.URL.RawQuery != "" {
		return nil, fault.Invalid("body", "must be an object of texts, and the query empty")
	}
	return out, nil
}

// endpoint makes a handler. What went wrong is logged and not told: the answer
// has no place for it.
func (s *Server) endpoint(name string, do func(context.Context, params) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		began := s.cfg.Clock.Now()
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		var out answer
		p, err := parameters(r)
		if err == nil {
			out, err = do(ctx, p)
		}
		log := s.cfg.Log.With("endpoint", name, "took", s.cfg.Clock.Now().Sub(began))
		var body any = envelope{Status: err == nil && !out.failed, Info: out.info, Data: out.data}
		switch {
		case err != nil && out.info == "":
			body = envelope{Info: "operate failed", Data: ""}
		case out.bare:
			body = out.data
		}
		if err != nil {
			log.WarnContext(ctx, "a request failed", "class", fault.ClassOf(err).String(), "error", fault.As(err).Message)
		} else {
			log.InfoContext(ctx, "a request was served")
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if err := json.NewEncoder(w).Encode(body); err != nil {
			log.DebugContext(ctx, "the caller left", "error", err)
		}
	}
}

// need is an invalid fault unless all of the names have a value.
func (p params) need(names ...string) error {
	var bad []fault.Field
	for _, name := range names {
		if p[name] == "" {
			bad = append(bad, fault.Field{Path: "query." + name, Message: "is required"})
		}
	}
	return fault.InvalidFields(bad)
}

// number reads a number; "" is 0.
func (p params) number(name string) (int, error) {
	if p[name] == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(p[name])
	if err != nil || n < 0 {
		return 0, fault.Invalid("query."+name, "must be a number")
	}
	return n, nil
}

func (p params) truth(name string) bool { return strings.EqualFold(p[name], "true") || p[name] == "1" }

// machine is the machine that a request names.
func (s *Server) machine(p params) (remote.Config, error) { return s.other(p, "") }

// other is the machine that a request names in parameters which begin with prefix.
func (s *Server) other(p params, prefix string) (remote.Config, error) {
	if err := p.need(prefix+"host", prefix+"port", prefix+"user", prefix+"psssword"); err != nil {
		return remote.Config{}, err
	}
	addr := net.JoinHostPort(p[prefix+"host"], p[prefix+"port"])
	return remote.Config{
		Addr: addr, User: p[prefix+"user"], Password: secret.New(p[prefix+"psssword"]),
		Trust: func(ctx context.Context, hostKey string) error {
			if s.cfg.Trust == nil {
				return fault.Precondition("no machine is trusted")
			}
			return s.cfg.Trust(ctx, addr, hostKey)
		},
	}, nil
}

// control opens the cluster whose control plane's machine a request names.
func (s *Server) control(ctx context.Context, p params) (*cluster.Client, error) {
	at, err := s.machine(p)
	if err != nil {
		return nil, err
	}
	return s.cluster(ctx, at)
}

// cluster opens the cluster of a control plane's machine.
func (s *Server) cluster(ctx context.Context, control remote.Config) (*cluster.Client, error) {
	config, err := s.cfg.Kubeconfig(ctx, control)
	if err != nil {
		return nil, err
	}
	return s.pool.Get(config)
}

// readKubeconfig reads kubeadm's administrator's kubeconfig.
func readKubeconfig(ctx context.Context, at remote.Config) (secret.Value, error) {
	m, err := remote.Dial(ctx, at)
	if err != nil {
		return secret.Value{}, err
	}
	defer func() { _ = m.Close() }() // what was read is whole, or an error already
	out, err := m.Run(ctx, "cat /etc/kubernetes/admin.conf")
	if err == nil && out.Code != 0 {
		err = fault.Precondition("the machine has no administrator's kubeconfig: it is no control plane")
	}
	return secret.New(out.Stdout), err
}
