package sshtest

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"tradewind.example/plugins/cpcc/internal/planetest"
)

const played = "/etc/played"

// programs are played by this binary.
func programs() []string { return []string{"kubeadm", "sudo"} }

// plain are those that only note how they were called, or little more: a shell
// plays them, which starts a hundred times as fast as a test binary.
func plain() []string {
	return []string{"kubectl", "kubelet", "containerd", "swapoff", "modprobe", "sysctl", "systemctl", "hostname"}
}

//go:embed plain.sh
var plainScript []byte

// Act plays a program and exits when this binary was started under the name of
// one. A TestMain calls it first.
func Act() {
	name := filepath.Base(os.Args[0])
	plays := false
	for _, p := range programs() {
		plays = plays || p == name
	}
	if !plays {
		return
	}
	if err := act(name, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// act notes the command line and does what it says. A file "fail-<name>" or
// "fail-<name>-<argument>" makes it fail with its text.
func act(name string, args []string) error {
	if err := note(name + " " + strings.Join(args, " ")); err != nil {
		return err
	}
	for _, file := range []string{"fail-" + name, "fail-" + name + "-" + first(args)} {
		if raw, err := os.ReadFile(filepath.Join(played, file)); err == nil {
			return errors.New(strings.TrimSpace(string(raw)))
		}
	}
	if name == "sudo" {
		return sudo(args)
	}
	return kubeadm(args)
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func note(line string) error {
	f, err := os.OpenFile(filepath.Join(played, "calls"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, line); err != nil {
		return err
	}
	return f.Close()
}

// sudo knows -k, -n, -S and -p ”. The real one is set-uid; this one lets the
// user stay who it is, which is enough for what the machine's /etc allows.
func sudo(args []string) error {
	asks := true
	if _, err := os.Stat(filepath.Join(played, "sudo-asks")); err != nil {
		asks = false
	}
	var silent bool
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		silent = silent || args[0] == "-n"
		if args[0] == "-p" {
			args = args[1:]
		}
		args = args[1:]
	}
	if asks && silent {
		return errors.New("sudo: a password is required")
	}
	if asks {
		// A letter at a time: what follows belongs to the command.
		var line strings.Builder
		for b := make([]byte, 1); ; {
			if n, err := os.Stdin.Read(b); n == 0 || err != nil || b[0] == '\n' {
				break
			}
			line.WriteByte(b[0])
		}
		if line.String() != Password {
			return errors.New("sudo: 1 incorrect password attempt")
		}
	}
	path := "/bin/" + args[0]
	return syscall.Exec(path, args, os.Environ())
}

const (
	etc        = "/etc/kubernetes"
	podNetwork = "--pod-network-cidr="
)

func kubeadm(args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	switch line := strings.Join(args, " "); {
	case first(args) == "init" && strings.Contains(line, podNetwork):
		return initialise(ctx)
	case strings.HasPrefix(line, "token create") && strings.HasSuffix(line, "--print-join-command"):
		return createToken(ctx)
	case strings.HasPrefix(line, "join --config "):
		return join(ctx, args[2])
	case line == "reset -f":
		return errors.Join(gone(etc+"/admin.conf"), gone(etc+"/kubelet.conf"))
	default:
		return fmt.Errorf("kubeadm: unknown command %q", line)
	}
}

func gone(file string) error {
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

func admin() (kubernetes.Interface, *rest.Config, error) {
	raw, err := os.ReadFile(filepath.Join(played, "admin.conf"))
	if err != nil {
		return nil, nil, err
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig(raw)
	if err != nil {
		return nil, nil, err
	}
	kube, err := kubernetes.NewForConfig(cfg)
	return kube, cfg, err
}

// initialise refuses what kubeadm's own preflight does.
func initialise(ctx context.Context) error {
	if _, err := os.Stat(etc + "/admin.conf"); err == nil {
		return errors.New("[ERROR FileAvailable--etc-kubernetes-admin.conf]: it already exists")
	}
	table, err := os.ReadFile("/etc/fstab")
	if err != nil {
		return err
	}
	if regexp.MustCompile(`(?m)^[^#].*\sswap\s`).Match(table) {
		return errors.New("[ERROR Swap]: swap is on")
	}
	raw, err := os.ReadFile(filepath.Join(played, "admin.conf"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(etc+"/admin.conf", raw, 0o600); err != nil {
		return err
	}
	return addNode(ctx, true)
}

func addNode(ctx context.Context, control bool) error {
	kube, _, err := admin()
	if err != nil {
		return err
	}
	name, err := os.ReadFile("/etc/hostname")
	if err != nil {
		return err
	}
	node := planetest.Node{Name: strings.TrimSpace(string(name)), ControlPlane: control}.Object()
	made, err := kube.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status = node.Status
	_, err = kube.CoreV1().Nodes().UpdateStatus(ctx, made, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// createToken makes a real bootstrap token and prints the command for it.
func createToken(ctx context.Context) error {
	if _, err := os.Stat(etc + "/admin.conf"); err != nil {
		return errors.New("failed to load admin kubeconfig")
	}
	kube, cfg, err := admin()
	if err != nil {
		return err
	}
	id, key := strings.ToLower(rand.Text()[:6]), strings.ToLower(rand.Text()[:16])
	_, err = kube.CoreV1().Secrets("kube-system").Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "bootstrap-token-" + id},
		Type:       corev1.SecretTypeBootstrapToken,
		StringData: map[string]string{
			"token-id": id, "token-secret": key, "usage-bootstrap-authentication": "true",
			"expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	hash, err := keyHash(cfg.CAData)
	if err != nil {
		return err
	}
	fmt.Printf("kubeadm join %s --token %s.%s --discovery-token-ca-cert-hash %s \n", strings.TrimPrefix(cfg.Host, "https://"), id, key, hash)
	return nil
}

func keyHash(ca []byte) (string, error) {
	block, _ := pem.Decode(ca)
	if block == nil {
		return "", errors.New("no certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// join proves its token to the API, as a real join does, and that no other user
// could read it.
func join(ctx context.Context, config string) error {
	info, err := os.Stat(config)
	if err != nil {
		return err
	}
	if info.Mode().Perm() != 0o600 {
		return fmt.Errorf("the join configuration has the mode %s", info.Mode())
	}
	have := map[string]string{}
	f, err := os.Open(config)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		key, value, _ := strings.Cut(strings.TrimSpace(sc.Text()), ":")
		have[key] = strings.Trim(strings.TrimSpace(value), `"[]`)
	}
	_, cfg, err := admin()
	if err != nil {
		return err
	}
	hash, err := keyHash(cfg.CAData)
	if err != nil {
		return err
	}
	if hash != have["caCertHashes"] {
		return fmt.Errorf("the authority's hash is %q, not %q", hash, have["caCertHashes"])
	}
	if err := tokenWorks(ctx, cfg, have["apiServerEndpoint"], have["token"]); err != nil {
		return err
	}
	if err := os.WriteFile(etc+"/kubelet.conf", []byte("{}"), 0o600); err != nil {
		return err
	}
	return addNode(ctx, false)
}

// tokenWorks asks for what a bootstrap user may not have: forbidden proves who it is.
func tokenWorks(ctx context.Context, admin *rest.Config, endpoint, token string) error {
	cfg := &rest.Config{Host: "https://" + endpoint, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{CAData: admin.CAData}}
	kube, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	_, err = kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 1})
	if err == nil || apierrors.IsForbidden(err) {
		return nil
	}
	return fmt.Errorf("the token does not open the API: %w", err)
}
