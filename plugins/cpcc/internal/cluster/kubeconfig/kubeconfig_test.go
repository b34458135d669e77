package kubeconfig_test

import (
	"strings"
	"testing"

	"tradewind.example/plugins/cpcc/internal/cluster/kubeconfig"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

const good = `apiVersion: v1
kind: Config
clusters:
- name: c
  cluster: {server: "https://10.0.0.8:6443"}
users:
- name: u
  user: {token: the-secret-token}
contexts:
- name: x
  context: {cluster: c, user: u}
current-context: x
`

func TestParse(t *testing.T) {
	t.Parallel()
	user := func(what string) string { return strings.Replace(good, "token: the-secret-token", what, 1) }
	server := func(what string) string { return strings.Replace(good, `server: "https://10.0.0.8:6443"`, what, 1) }
	cases := map[string]struct {
		reason, text, wrong string
	}{
		"Good":         {"a token and an https server", good, ""},
		"Empty":        {"there is nothing", "", "empty"},
		"Long":         {"a text without end", good + strings.Repeat("#", kubeconfig.MostBytes), "bytes"},
		"NotYAML":      {"its text is not quoted in the fault", "the-secret-token: [", "YAML"},
		"Exec":         {"a plugin would run on our machine", user("exec: {command: /bin/sh, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}"), "exec"},
		"Provider":     {"so would this one", user("auth-provider: {name: oidc}"), "auth-provider"},
		"TokenFile":    {"a file of our machine would be sent away", user("tokenFile: /etc/passwd"), "tokenFile"},
		"CertFile":     {"likewise", user("client-certificate: /etc/ssl/a.pem"), "client-certificate-data"},
		"KeyFile":      {"likewise", user("client-key: /etc/ssl/a.key"), "client-key-data"},
		"Impersonates": {"the user must be who it says", user("token: a, as: system:admin"), "impersonation"},
		"Insecure":     {"anybody could answer", server(`server: "https://10.0.0.8:6443", insecure-skip-tls-verify: true`), "insecure"},
		"CAFile":       {"a file of our machine", server(`server: "https://10.0.0.8:6443", certificate-authority: /etc/ssl/ca.pem`), "certificate-authority-data"},
		"Proxy":        {"our requests would go elsewhere", server(`server: "https://10.0.0.8:6443", proxy-url: "http://10.0.0.9"`), "proxy-url"},
		"Plain":        {"the token would go in clear", server(`server: "http://10.0.0.8:6443"`), "https"},
		"Metadata":     {"the address of a machine's own secrets", server(`server: "https://169.254.169.254"`), "link-local"},
		"NoContext":    {"nothing says what to use", strings.Replace(good, "current-context: x", "current-context: z", 1), "context"},
		"NoUser":       {"the context names a user that is not there", strings.Replace(good, "user: u", "user: v", 1), "context"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := kubeconfig.Parse(secret.New(tc.text))
			if tc.wrong == "" {
				if err != nil || cfg.Host != "https://10.0.0.8:6443" || cfg.BearerToken != "the-secret-token" {
					t.Errorf("%s: %v", tc.reason, err)
				}
				return
			}
			if !fault.Is(err, fault.ClassInvalid) || !strings.Contains(err.Error(), tc.wrong) || strings.Contains(err.Error(), "the-secret-token") {
				t.Errorf("%s: want a fault about %q, got %v", tc.reason, tc.wrong, err)
			}
		})
	}
}

// TestUnusedUsersAreRefusedToo: what is refused is not stored for later either.
func TestUnusedUsersAreRefusedToo(t *testing.T) {
	t.Parallel()
	text := strings.Replace(good, "users:\n", "users:\n- name: other\n  user: {exec: {command: /bin/sh, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}}\n", 1)
	if _, err := kubeconfig.Parse(secret.New(text)); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("an unused user with a plugin: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("{}")
	f.Add("apiVersion: v1\nkind: Config\nclusters: [{name: a}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := kubeconfig.Parse(secret.New(text))
		if err != nil {
			if !fault.Is(err, fault.ClassInvalid) {
				t.Errorf("%v", err)
			}
			return
		}
		if cfg.ExecProvider != nil || cfg.AuthProvider != nil || cfg.BearerTokenFile != "" || cfg.Insecure ||
			cfg.CAFile != "" || cfg.CertFile != "" || cfg.KeyFile != "" || !strings.HasPrefix(cfg.Host, "https://") {
			t.Errorf("let through: %+v", cfg)
		}
	})
}
