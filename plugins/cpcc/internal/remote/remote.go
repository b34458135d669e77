// Package remote runs shell scripts as root on machines over SSH. A script
// travels on standard input, never in a command line, where every user of the
// machine could read it; so does the password, and only to sudo. It knows
// nothing of what the scripts do.
//
// A [Machine] is one connection. Its scripts may run at the same time; nothing
// else may be assumed of their order. It holds the connection's goroutines until
// it is closed.
package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// Bounds of what a script may print.
const (
	MostOutput = 1 << 20
	mostErrors = 16 << 10
)

// Config says which machine and who it is.
type Config struct {
	Addr     string // host:port
	User     string
	Password secret.Value
	// HostKey is the machine's key in the form of [Machine.HostKey]; another key
	// is refused. "" is the first use: then Trust decides.
	HostKey string
	// Trust is told the key of a machine that is used for the first time, before
	// any password is sent. It stores the key, or returns an error to refuse it.
	// nil refuses every key.
	Trust   func(ctx context.Context, hostKey string) error
	Timeout time.Duration // until the machine has let us in; default 20 s
}

// Machine is a connection to a machine.
type Machine struct {
	client   *ssh.Client
	hostKey  string
	password secret.Value
	become   string // the command that reads a script and runs it as root
	asks     bool   // become reads the password first
}

// errUntrusted marks a refused host key; what Trust said is its cause.
type errUntrusted struct{ err error }

func (e errUntrusted) Error() string { return "host key refused" }
func (e errUntrusted) Unwrap() error { return e.err }

// Dial connects, signs in and finds out how to become root. Faults: precondition
// for another host key, unauthenticated for a wrong password, forbidden for a
// user that may not become root, unavailable for a machine that does not answer.
func Dial(ctx context.Context, cfg Config) (*Machine, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, fault.Unavailable("the machine %s does not answer: check its address and SSH port", cfg.Addr).With(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	m := &Machine{password: cfg.Password}
	client, err := m.handshake(ctx, conn, cfg)
	if !stop() || err != nil {
		_ = conn.Close()
		return nil, dialFault(ctx, cfg, err)
	}
	m.client = client
	if err := m.findRoot(ctx, cfg); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Machine) handshake(ctx context.Context, conn net.Conn, cfg Config) (*ssh.Client, error) {
	answer := func(_, _ string, questions []string, _ []bool) ([]string, error) {
		out := make([]string, len(questions))
		for i := range out {
			out[i] = cfg.Password.Reveal()
		}
		return out, nil
	}
	conf := &ssh.ClientConfig{
		User: cfg.User,
		Auth: []ssh.AuthMethod{
			ssh.PasswordCallback(func() (string, error) { return cfg.Password.Reveal(), nil }),
			ssh.KeyboardInteractive(answer),
		},
		HostKeyCallback:   func(_ string, _ net.Addr, key ssh.PublicKey) error { return m.check(ctx, cfg, key) },
		HostKeyAlgorithms: algorithms(cfg.HostKey),
	}
	c, channels, requests, err := ssh.NewClientConn(conn, cfg.Addr, conf)
	if err != nil {
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// algorithms asks for the pinned sort of key: a machine has several, and would
// else show whichever it likes best.
func algorithms(hostKey string) []string {
	kind, _, _ := strings.Cut(hostKey, " ")
	switch kind {
	case "":
		return nil
	case ssh.KeyAlgoRSA:
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{kind}
}

// check runs before any password leaves.
func (m *Machine) check(ctx context.Context, cfg Config, key ssh.PublicKey) error {
	m.hostKey = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	switch {
	case cfg.HostKey == m.hostKey:
		return nil
	case cfg.HostKey != "":
		return errUntrusted{fault.Precondition("the machine %s shows another SSH host key (%s) than before: find out why, then forget the old one", cfg.Addr, ssh.FingerprintSHA256(key))}
	case cfg.Trust == nil:
		return errUntrusted{fault.Precondition("the SSH host key of %s (%s) is not trusted yet", cfg.Addr, ssh.FingerprintSHA256(key))}
	}
	if err := cfg.Trust(ctx, m.hostKey); err != nil {
		return errUntrusted{err}
	}
	return nil
}

// failureMessage is how the library reports a server that ends a dialogue of
// questions with a refusal instead of a question: message 51 is the refusal.
const failureMessage = "unexpected message type 51"

func dialFault(ctx context.Context, cfg Config, err error) error {
	var refused errUntrusted
	switch {
	case errors.As(err, &refused):
		return refused.err
	case ctx.Err() != nil:
		return fault.Unavailable("the machine %s did not let us in in time", cfg.Addr).With(ctx.Err())
	case strings.Contains(err.Error(), "no common algorithm for host key"):
		return fault.Precondition("the machine %s no longer has the SSH host key that it had before: find out why, then forget the old one", cfg.Addr).With(err)
	case strings.Contains(err.Error(), "unable to authenticate"), strings.Contains(err.Error(), failureMessage):
		return fault.Unauthenticated("the machine %s does not accept the user %q with this password", cfg.Addr, cfg.User)
	}
	return fault.Unavailable("the SSH server of %s broke the connection off", cfg.Addr).With(err)
}

// findRoot prefers what needs no password.
func (m *Machine) findRoot(ctx context.Context, cfg Config) error {
	out, err := m.exec(ctx, "id -u", nil)
	switch {
	case err != nil:
		return err
	case strings.TrimSpace(out.Stdout) == "0":
		m.become = "sh -s"
		return nil
	}
	if out, err = m.exec(ctx, "sudo -k -n true", nil); err != nil {
		return err
	}
	if out.Code == 0 {
		m.become = "sudo -k -n sh -s"
		return nil
	}
	// sudo is asked with nothing behind the password: it must not take a
	// script's lines for further tries.
	if out, err = m.exec(ctx, "sudo -k -S -p '' true", strings.NewReader(cfg.Password.Reveal()+"\n")); err != nil {
		return err
	}
	if out.Code != 0 {
		return fault.Forbidden("the user %q of %s may not become root by sudo with its password", cfg.User, cfg.Addr)
	}
	m.become, m.asks = "sudo -k -S -p '' sh -s", true
	return nil
}

// HostKey is the machine's key as authorized_keys files write it, without comment.
func (m *Machine) HostKey() string { return m.hostKey }

// Close ends the connection and what still runs on it.
func (m *Machine) Close() error {
	if err := m.client.Close(); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// Output is what a script printed and how it ended. Errors is the last of it.
type Output struct {
	Stdout, Stderr string
	Code           int
}

// Run runs a script as root by sh until it ends; a code other than 0 is no
// error. When ctx ends first or the connection breaks, the script may go on: an
// unavailable fault with the outcome unknown.
func (m *Machine) Run(ctx context.Context, script string) (Output, error) {
	var in io.Reader = strings.NewReader(script)
	if m.asks {
		in = io.MultiReader(strings.NewReader(m.password.Reveal()+"\n"), in)
	}
	return m.exec(ctx, m.become, in)
}

func (m *Machine) exec(ctx context.Context, command string, in io.Reader) (Output, error) {
	session, err := m.client.NewSession()
	if err != nil {
		return Output{}, fault.Unavailable("the connection to the machine is broken").With(err)
	}
	defer func() { _ = session.Close() }()
	stdout, stderr := &head{most: MostOutput}, &last{most: mostErrors}
	session.Stdin, session.Stdout, session.Stderr = in, stdout, stderr
	if err := session.Start(command); err != nil {
		return Output{}, fault.Unavailable("the machine does not run commands").With(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = session.Signal(ssh.SIGKILL)
		_ = session.Close()
		_ = m.client.Close() // what does not answer must not hold Wait
		return Output{}, fault.Unknown(errors.Join(ctx.Err(), <-ended), "a script on the machine did not end in time")
	}
	out := Output{Stdout: stdout.buf.String(), Stderr: string(stderr.buf)}
	var exit *ssh.ExitError
	switch {
	case errors.As(err, &exit) && exit.Signal() == "":
		out.Code = exit.ExitStatus()
	case err != nil:
		return out, fault.Unknown(err, "the connection to the machine broke while a script ran")
	case stdout.over:
		return out, fault.New(fault.ClassInternal, "a script printed more than %d bytes", MostOutput)
	}
	return out, nil
}

// head keeps the first bytes and swallows the rest.
type head struct {
	buf  bytes.Buffer
	most int
	over bool
}

func (h *head) Write(b []byte) (int, error) {
	room := h.most - h.buf.Len()
	h.over = h.over || len(b) > room
	h.buf.Write(b[:min(len(b), room)])
	return len(b), nil
}

// last keeps the last bytes.
type last struct {
	buf  []byte
	most int
}

func (l *last) Write(b []byte) (int, error) {
	l.buf = append(l.buf, b...)
	if len(l.buf) > l.most {
		l.buf = append([]byte(nil), l.buf[len(l.buf)-l.most:]...)
	}
	return len(b), nil
}

// Quote makes a text one word of a shell script.
func Quote(text string) string {
	return fmt.Sprintf("'%s'", strings.ReplaceAll(text, "'", `'\''`))
}
