// Package sshtest runs real OpenSSH servers for tests, each the machine of a
// small make-believe: its /etc is its own, its passwords too, and the programs
// that would change this machine are played: kubeadm and sudo by the test binary,
// swapoff and the like by a script. It needs Debian's openssh-server and root, for the private /etc.
package sshtest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/plugins/cpcc/internal/remote"
	"tradewind.example/sdk/secret"
)

// Password is that of every user of every machine; its odd letters must survive
// all the ways that it goes.
const Password = "pass word of a $device"

// passwordHash is its entry in the shadow file.
const passwordHash = "$6$tradewindtest$t3WUXf8675kda2xht84T7iYbCWQ7zs0oQYnH8SOtEUUhYD/fWH.iW3EvAE0ALRscknyDbngXWvy7T3zTiz1sa/"

const server = "/usr/sbin/sshd"

// stopTime bounds the end of a server.
const stopTime = 10 * time.Second

// Machine is a running machine.
type Machine struct {
	Addr    string
	HostKey string
	Name    string // its host name and the name of its node
	etc     string
	cmd     *exec.Cmd
	exited  chan struct{}
}

// Options say how a machine differs from a plain one.
type Options struct {
	Plane *planetest.Plane // whose kubeconfig and nodes kubeadm plays with; nil: kubeadm fails
	// Asks makes sudo ask operator for the password; without it, sudo needs none.
	Asks bool
}

// Start starts a machine and ends it with the test.
func Start(t testing.TB, o Options) *Machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("the tests over SSH need root: their servers have an /etc of their own")
	}
	if _, err := os.Stat(server); err != nil {
		t.Fatal("the SSH server is missing: run .ci/plane at the root of the repository, which installs it")
	}
	m := &Machine{Name: "machine-" + strings.ToLower(rand.Text()[:8]), etc: filepath.Join(t.TempDir(), "etc")}
	if err := m.prepare(o); err != nil {
		t.Fatalf("preparing a machine: %v", err)
	}
	m.boot(t)
	t.Cleanup(m.Stop)
	return m
}

// boot takes a free port again when somebody else was quicker.
func (m *Machine) boot(t testing.TB) {
	t.Helper()
	for try := 0; ; try++ {
		err := m.serve(t.Context())
		if err == nil {
			return
		}
		if try == 2 {
			t.Fatalf("starting an SSH server: %v\n%s", err, m.Log(t))
		}
	}
}

// Path is where a file of the machine's /etc lies on this machine.
func (m *Machine) Path(name string) string { return m.file(name) }

func (m *Machine) file(name string) string { return filepath.Join(m.etc, name) }

// prepare lays down the machine's /etc.
func (m *Machine) prepare(o Options) error {
	if err := os.MkdirAll(m.file("played"), 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll(m.file("ssh"), 0o755); err != nil {
		return err
	}
	// Under go test -cover the played programs leave their counters somewhere.
	if err := os.Mkdir(m.file("played/cover"), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(m.file("played/cover"), 0o777); err != nil {
		return err
	}
	key, public, err := newKey()
	if err != nil {
		return err
	}
	m.HostKey = public
	files := map[string]string{
		"passwd":        "root:x:0:0:root:/:/bin/sh\noperator:x:12345:12345:operator:/:/bin/sh\nsshd:x:102:65534::/run/sshd:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
		"group":         "root:x:0:\noperator:x:12345:\nnogroup:x:65534:\n",
		"shadow":        fmt.Sprintf("root:%[1]s:19000:0:99999:7:::\noperator:%[1]s:19000:0:99999:7:::\nsshd:*:19000::::::\n", passwordHash),
		"nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
		"hosts":         "127.0.0.1 localhost\n",
		"hostname":      m.Name + "\n",
		"fstab":         "/dev/vda / ext4 defaults 0 1\n/dev/vdb none swap sw 0 0\n",
		"ssh/key":       key,
		"played/calls":  "",
	}
	if o.Plane != nil {
		files["played/admin.conf"] = string(o.Plane.AdminConfig())
	}
	if o.Asks {
		files["played/sudo-asks"] = ""
	}
	for name, text := range files {
		if err := os.WriteFile(m.file(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	for _, name := range []string{"passwd", "group", "nsswitch.conf", "hosts", "hostname"} {
		if err := os.Chmod(m.file(name), 0o644); err != nil {
			return err
		}
	}
	// operator may play sudo, and what it plays is noted.
	if err := os.Chmod(m.file("played/calls"), 0o666); err != nil {
		return err
	}
	return m.play()
}

// play puts this test binary in the place of the programs, and a script in that
// of the plain ones; see [Act].
func (m *Machine) play() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := share(self, m.file("played/binary")); err != nil {
		return err
	}
	if err := os.WriteFile(m.file("played/script"), plainScript, 0o755); err != nil {
		return err
	}
	for file, names := range map[string][]string{"binary": programs(), "script": plain()} {
		for _, name := range names {
			if err := os.Symlink(file, m.file("played/"+name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// share makes a program known by another name, as a copy when it lies on another
// file system.
func share(program, name string) error {
	if os.Link(program, name) == nil {
		return nil
	}
	raw, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	return os.WriteFile(name, raw, 0o755)
}

func newKey() (private, public string, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return "", "", err
	}
	shown, err := ssh.NewPublicKey(pub)
	if err != nil {
		return "", "", err
	}
	return string(pem.EncodeToMemory(block)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(shown))), nil
}

// serve starts the server inside its own mounts and waits until it answers.
func (m *Machine) serve(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	m.Addr = l.Addr().String()
	_, port, err := net.SplitHostPort(m.Addr)
	if err := l.Close(); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	config := fmt.Sprintf(`Port %s
ListenAddress 127.0.0.1
HostKey /etc/ssh/key
PidFile none
UsePAM no
PermitRootLogin yes
PasswordAuthentication yes
StrictModes no
LogLevel VERBOSE
SetEnv PATH=/etc/played:/usr/bin:/bin:/usr/sbin:/sbin GOCOVERDIR=/etc/played/cover
`, port)
	if err := os.WriteFile(m.file("ssh/config"), []byte(config), 0o600); err != nil {
		return err
	}
	// /run is private too: the server wants its own empty folder there. All its
	// children end with it, because they are in a process space of their own.
	script := `mount --bind "$1" /etc && mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec ` + server + ` -D -e -f /etc/ssh/config`
	m.cmd = exec.CommandContext(context.WithoutCancel(ctx), "unshare",
		"--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", m.etc)
	log, err := os.OpenFile(m.etc+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	m.cmd.Stdout, m.cmd.Stderr = log, log
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := m.cmd.Start(); err != nil {
		return err
	}
	m.exited = make(chan struct{})
	go func() {
		defer close(m.exited)
		_ = m.cmd.Wait() // it is killed in the end
	}()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return planetest.Until(ctx, func(ctx context.Context) (bool, error) {
		select {
		case <-m.exited:
			return false, fmt.Errorf("it ended at once")
		default:
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", m.Addr)
		if err == nil {
			err = conn.Close()
		}
		return err == nil, nil
	})
}

// Stop ends the machine's server, as a machine that is switched off: it returns
// when nobody listens there any more. The kernel ends the processes behind the one
// that is waited for a moment later.
func (m *Machine) Stop() {
	_ = syscall.Kill(-m.cmd.Process.Pid, syscall.SIGKILL)
	<-m.exited
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	_ = planetest.Until(ctx, func(ctx context.Context) (bool, error) { // what comes after it finds out
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", m.Addr)
		if err == nil {
			err = conn.Close()
		}
		return err != nil, nil
	})
}

// Config is how to reach the machine as a user, its host key known.
func (m *Machine) Config(user string) remote.Config {
	return remote.Config{Addr: m.Addr, User: user, Password: secret.New(Password), HostKey: m.HostKey}
}

// Read returns a file below the machine's /etc, "" when there is none.
func (m *Machine) Read(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(m.file(name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(raw)
}

// Write writes a file below the machine's /etc.
func (m *Machine) Write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.file(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.file(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Remove removes a file below the machine's /etc.
func (m *Machine) Remove(t testing.TB, name string) {
	t.Helper()
	if err := os.Remove(m.file(name)); err != nil {
		t.Fatal(err)
	}
}

// Calls returns the command lines of the programs that were played, one a line.
func (m *Machine) Calls(t testing.TB) string {
	t.Helper()
	return m.Read(t, "played/calls")
}

// Log returns what the SSH server logged.
func (m *Machine) Log(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile(m.etc + ".log")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
