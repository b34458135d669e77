package planetest

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// The users of every plane, by their tokens.
const (
	adminToken   = "token-of-the-administrator"
	limitedToken = "token-of-a-limited-user"
)

func (p *Plane) file(name string) string { return filepath.Join(p.Dir, name) }

// writeFiles lays down what the programs read.
func (p *Plane) writeFiles() error {
	tokens := adminToken + ",admin,1,system:masters\n" + limitedToken + ",limited,2,viewers\n"
	if err := os.WriteFile(p.file("tokens.csv"), []byte(tokens), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(p.file("kwok.yaml"), []byte(p.kubelet()), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(p.LogFile(), nil, 0o600); err != nil {
		return err
	}
	return os.WriteFile(p.file("admin.conf"), p.AdminConfig(), 0o600)
}

// LogFile is the log of every container; its lines have the kubelet's form
// "2006-01-02T15:04:05.999999999Z07:00 stdout F text".
func (p *Plane) LogFile() string { return p.file("containers.log") }

// kubelet tells kwok what it does when somebody reads a container's log or runs
// a command in it: the command runs on this machine, in the plane's folder.
func (p *Plane) kubelet() string {
	const head = "apiVersion: kwok.x-k8s.io/v1alpha1\nmetadata: {name: planetest}\n"
	return head + fmt.Sprintf("kind: ClusterExec\nspec: {execs: [{local: {workDir: %q}}]}\n---\n", p.Dir) +
		head + fmt.Sprintf("kind: ClusterLogs\nspec: {logs: [{logsFile: %q, previousLogsFile: %q, follow: true}]}\n", p.LogFile(), p.LogFile())
}

func (p *Plane) etcdArgs() []string {
	client := fmt.Sprintf("http://127.0.0.1:%d", p.ports.etcd)
	peer := fmt.Sprintf("http://127.0.0.1:%d", p.ports.peer)
	return []string{
		"--data-dir", p.file("etcd"), "--unsafe-no-fsync", "--log-level", "warn",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer,
	}
}

func (p *Plane) apiArgs() []string {
	return []string{
		"--etcd-servers", fmt.Sprintf("http://127.0.0.1:%d", p.ports.etcd),
		"--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", fmt.Sprint(p.ports.api),
		"--endpoint-reconciler-type", "none",
		"--service-cluster-ip-range", "10.96.0.0/16", "--authorization-mode", "Node,RBAC",
		"--tls-cert-file", p.file("apiserver.crt"), "--tls-private-key-file", p.file("apiserver.key"),
		"--client-ca-file", p.file("ca.crt"), "--token-auth-file", p.file("tokens.csv"),
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", p.file("accounts.key"), "--service-account-signing-key-file", p.file("accounts.key"),
		"--requestheader-client-ca-file", p.file("ca.crt"), "--requestheader-allowed-names", "aggregator",
		"--requestheader-username-headers", "X-Remote-User",
		"--requestheader-group-headers", "X-Remote-Group", "--requestheader-extra-headers-prefix", "X-Remote-Extra-",
		"--proxy-client-cert-file", p.file("proxy.crt"), "--proxy-client-key-file", p.file("proxy.key"),
		"--enable-bootstrap-token-auth",
	}
}

func (p *Plane) controllerArgs() map[string][]string {
	conf := p.file("admin.conf")
	quick := []string{"--kubeconfig", conf, "--leader-elect=false", "--secure-port", "0", "--kube-api-qps", "500", "--kube-api-burst", "1000"}
	return map[string][]string{
		"kube-scheduler": quick,
		"kube-controller-manager": append([]string{
			"--service-account-private-key-file", p.file("accounts.key"), "--root-ca-file", p.file("ca.crt"),
			"--allocate-node-cidrs=false", "--controllers", "*,bootstrapsigner,tokencleaner",
		}, quick...),
		"kwok": {"--kubeconfig", conf, "--manage-all-nodes=true", "--node-lease-duration-seconds", "40",
			"--config", p.file("kwok.yaml"), "--node-ip", "127.0.0.1", "--node-port", fmt.Sprint(p.ports.kubelet),
			"--server-address", fmt.Sprintf("127.0.0.1:%d", p.ports.kubelet),
			"--tls-cert-file", p.file("apiserver.crt"), "--tls-private-key-file", p.file("apiserver.key"),
		},
	}
}

// AdminConfig returns the administrator's kubeconfig, with everything inline.
func (p *Plane) AdminConfig() []byte {
	return p.kubeconfig("admin", &api.AuthInfo{Token: adminToken})
}

// LimitedConfig returns the kubeconfig of a user who may read pods and nothing else.
func (p *Plane) LimitedConfig() []byte {
	return p.kubeconfig("limited", &api.AuthInfo{Token: limitedToken})
}

// StrangerConfig returns a kubeconfig whose token nobody knows.
func (p *Plane) StrangerConfig() []byte {
	return p.kubeconfig("stranger", &api.AuthInfo{Token: "token-of-nobody"})
}

// CertificateConfig returns an administrator's kubeconfig with a client
// certificate, as kubeadm writes it.
func (p *Plane) CertificateConfig() ([]byte, error) {
	tmpl := template("kubernetes-admin", 10+p.Serial())
	tmpl.Subject.Organization = []string{"system:masters"}
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	cert, key, err := p.certs.sign(tmpl)
	if err != nil {
		return nil, err
	}
	return p.kubeconfig("kubernetes-admin", &api.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}), nil
}

func (p *Plane) kubeconfig(user string, auth *api.AuthInfo) []byte {
	raw, err := clientcmd.Write(api.Config{
		Clusters:       map[string]*api.Cluster{"plane": {Server: p.URL, CertificateAuthorityData: p.certs.ca}},
		AuthInfos:      map[string]*api.AuthInfo{user: auth},
		Contexts:       map[string]*api.Context{user: {Cluster: "plane", AuthInfo: user}},
		CurrentContext: user,
	})
	if err != nil {
		return nil // a plain value always encodes
	}
	return raw
}

func (p *Plane) restConfig() (*rest.Config, error) {
	cfg, err := clientcmd.RESTConfigFromKubeConfig(p.AdminConfig())
	if err != nil {
		return nil, err
	}
	cfg.QPS = -1
	return cfg, nil
}
