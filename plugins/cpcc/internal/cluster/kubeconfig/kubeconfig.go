// Package kubeconfig reads a kubeconfig that somebody else wrote and refuses
// every part of it that would run a program, read a file of this machine or
// trust an unproven server. It opens no connection.
//
// What it returns and the faults it makes never quote the text: that is a secret.
package kubeconfig

import (
	"net"
	"net/url"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// MostBytes bounds the text; a kubeconfig of a few clusters has a few thousand.
const MostBytes = 256 << 10

// field is the place that faults name.
const field = "kubeconfig"

// Parse returns the client configuration of the current context. Faults are of
// the class invalid and say what to change.
func Parse(text secret.Value) (*rest.Config, error) {
	raw := text.Reveal()
	switch {
	case raw == "":
		return nil, fault.Invalid(field, "must not be empty")
	case len(raw) > MostBytes:
		return nil, fault.Invalid(field, "must have at most %d bytes", MostBytes)
	}
	cfg, err := clientcmd.Load([]byte(raw))
	if err != nil {
		return nil, fault.Invalid(field, "is not a kubeconfig in YAML or JSON")
	}
	if fields := problems(cfg); len(fields) > 0 {
		return nil, fault.InvalidFields(fields)
	}
	out, err := clientcmd.NewDefaultClientConfig(*cfg, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, fault.Invalid(field, "its current context names no complete cluster and user")
	}
	return out, nil
}

// problems looks at every cluster and user, the unused ones too: what is
// refused must not be stored either.
func problems(cfg *api.Config) []fault.Field {
	var out []fault.Field
	add := func(wrong bool, message string) {
		if wrong {
			out = append(out, fault.Field{Path: field, Message: message})
		}
	}
	add(len(cfg.Clusters) == 0, "names no cluster")
	used := cfg.Contexts[cfg.CurrentContext]
	add(used == nil, "its current-context names no context")
	add(used != nil && (cfg.Clusters[used.Cluster] == nil || cfg.AuthInfos[used.AuthInfo] == nil), "its current context names a cluster or user that is not there")
	for _, c := range cfg.Clusters {
		add(!goodServer(c.Server), "a server must be an https address, and none of link-local or unspecified addresses")
		add(c.InsecureSkipTLSVerify, "insecure-skip-tls-verify is not allowed: give certificate-authority-data")
		add(c.CertificateAuthority != "", "certificate-authority is a file's path: give certificate-authority-data")
		add(c.ProxyURL != "", "proxy-url is not allowed")
	}
	for _, u := range cfg.AuthInfos {
		add(u.Exec != nil, "exec plugins run programs and are not allowed: give a token or a client certificate")
		add(u.AuthProvider != nil, "auth-provider is not allowed: give a token or a client certificate")
		add(u.TokenFile != "", "tokenFile is a file's path: give token")
		add(u.ClientCertificate != "", "client-certificate is a file's path: give client-certificate-data")
		add(u.ClientKey != "", "client-key is a file's path: give client-key-data")
		add(u.Impersonate != "" || len(u.ImpersonateGroups) > 0 || u.ImpersonateUID != "", "impersonation is not allowed")
	}
	return out
}

// goodServer refuses the addresses behind which machines hide their own secrets.
func goodServer(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip == nil || !ip.IsLinkLocalUnicast() && !ip.IsUnspecified() && !ip.IsMulticast()
}
