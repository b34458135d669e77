package sdk

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/identity"
	"tradewind.example/sdk/internal/serve"
	"tradewind.example/sdk/internal/stdio"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/trace"
)

// describeTimeout bounds the one call of the provider that is made at start.
const describeTimeout = 10 * time.Second

// Serve is the whole main of a plugin. It answers the broker for p until the
// broker ends the process, and then returns; when p cannot be served, it says
// why on standard error and exits with status 1.
//
// Standard output belongs to the SDK from the start of the process: what is
// printed there goes to standard error, and so into the broker's log.
//
// With the argument "describe", the binary prints its description as JSON and
// exits. With the argument "dev" it serves without a host, under a debugger for
// instance, prints where (see handshake.Reattach) and ends when it is
// interrupted. Without a host it says what it is and exits with status 1.
func Serve(p provider.Provider) {
	if err := run(p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(p provider.Provider) error {
	if err := watchLifeline(os.Getenv(handshake.LifelineEnv), func() { os.Exit(0) }); err != nil {
		return err
	}
	mode := ""
	if len(os.Args) == 2 {
		mode = os.Args[1]
	}
	asked := mode == handshake.DescribeArg || mode == handshake.DevArg
	if !asked && os.Getenv(handshake.CookieKey) != handshake.CookieValue {
		return notStarted(filepath.Base(os.Args[0]))
	}
	log := Logger()
	ctx, cancel := context.WithTimeout(context.Background(), describeTimeout) //nolint:forbidigo // Serve is the body of main
	defer cancel()
	server, err := serve.New(ctx, p, serve.Config{
		Logger: log, Spans: trace.NewWriter(stdio.Stderr()), SetLevel: logLevel.Set,
	})
	if err != nil {
		return err
	}
	switch mode {
	case handshake.DescribeArg:
		return describe(stdio.Stdout(), server.Description())
	case handshake.DevArg:
		return develop(server, stdio.Stdout())
	default:
		return answer(server, log)
	}
}

func notStarted(binary string) error {
	return fmt.Errorf("%s is a Tradewind plugin: the broker starts it, it does not run by itself\n"+
		"to see what it offers, run: %s %s", binary, binary, handshake.DescribeArg)
}

// describe writes the manifest.
func describe(w io.Writer, d provider.Description) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return fmt.Errorf("writing the description: %w", err)
	}
	return nil
}

// answer runs go-plugin's server until the host ends it.
func answer(server *serve.Server, log *slog.Logger) error {
	own, err := hostsOwn(os.Getenv(identity.HostVariable))
	if err != nil {
		return err
	}
	handshakes, err := handshakeOutput(log, own.line)
	if err != nil {
		return err
	}
	os.Stdout = handshakes // go-plugin prints there, then replaces it
	cfg := serveConfig(server)
	cfg.TLSProvider = own.settings
	goplugin.Serve(cfg)
	return nil
}

// secured is how a plugin answers a host that has a certificate; the zero value
// is for one that has none.
type secured struct {
	tls  *tls.Config
	line string // the plugin's certificate
}

// hostsOwn makes what serves only the host with the certificate.
func hostsOwn(certificate string) (secured, error) {
	if certificate == "" {
		return secured{}, nil
	}
	own, err := identity.New()
	if err != nil {
		return secured{}, err
	}
	cfg, err := own.Plugin(certificate)
	if err != nil {
		return secured{}, err
	}
	return secured{tls: cfg, line: own.Line()}, nil
}

// settings is go-plugin's TLSProvider.
func (s secured) settings() (*tls.Config, error) { return s.tls, nil }

func serveConfig(server *serve.Server) *goplugin.ServeConfig {
	return &goplugin.ServeConfig{
		HandshakeConfig: handshake.Config(),
		VersionedPlugins: map[int]goplugin.PluginSet{
			handshake.ProtocolVersion: {handshake.PluginName: &registration{server: server}},
		},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, server.Options()...)...)
		},
		Logger: hclog.New(&hclog.LoggerOptions{Name: "sdk", Level: hclog.Warn, Output: stdio.Stderr(), JSONFormat: true}),
	}
}

// handshakeOutput returns a file whose handshake line goes to the real
// standard output. All else that a goroutine of the author prints meanwhile
// goes to standard error. The copying ends with the process.
func handshakeOutput(log *slog.Logger, certificate string) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the handshake's pipe: %w", err)
	}
	go func() {
		if err := sortLines(r, stdio.Stdout(), stdio.Stderr(), certificate); err != nil {
			log.Error("reading what was printed failed", "error", err)
		}
	}()
	return w, nil
}

// certificateField is the place of the plugin's certificate in a handshake, which
// go-plugin leaves empty for one that it has not made.
const certificateField = 5

// withCertificate puts the certificate into a handshake that has none.
func withCertificate(line, certificate string) string {
	fields := strings.Split(strings.TrimSuffix(line, "\n"), "|")
	if certificate == "" || len(fields) <= certificateField || fields[certificateField] != "" {
		return line
	}
	fields[certificateField] = certificate
	return strings.Join(fields, "|") + "\n"
}

// sortLines copies the first line that is a handshake to out, with the plugin's
// certificate, and all others to rest.
func sortLines(r io.Reader, out, rest io.Writer, certificate string) error {
	prefix := fmt.Sprintf("%d|%d|", goplugin.CoreProtocolVersion, handshake.ProtocolVersion)
	lines, done := bufio.NewReader(r), false
	for {
		line, err := lines.ReadString('\n')
		to := rest
		if !done && strings.HasPrefix(line, prefix) {
			to, done, line = out, true, withCertificate(line, certificate)
		}
		if _, werr := io.WriteString(to, line); werr != nil {
			return werr
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// registration is what go-plugin asks for to fill its gRPC server.
type registration struct {
	goplugin.NetRPCUnsupportedPlugin
	server *serve.Server
}

// GRPCServer adds the contract's services.
func (r *registration) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	r.server.Register(s)
	return nil
}

// GRPCClient is never called: a plugin has no client side.
func (r *registration) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a plugin has no client side")
}
