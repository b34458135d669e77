// Command tradewind-pcapi serves the API of a compute centre to its broker: the
// nine endpoints of package pcapi, with Basic authentication. The password and
// the known host keys are read from files; put TLS before it.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/pcapi"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tradewind-pcapi:", err)
		os.Exit(1)
	}
}

// goodbye is how long requests may take that are under way at the end.
const goodbye = 10 * time.Second

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("tradewind-pcapi", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:8091", "address to listen at")
	user := flags.String("user", "pcapi", "user of the broker")
	passwordFile := flags.String("password-file", "", "file with its password")
	hostKeys := flags.String("host-keys", "", "file with a line for each machine: host or host:port, type of key, key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	word, err := os.ReadFile(*passwordFile)
	if err != nil {
		return fmt.Errorf("reading the password: %w", err)
	}
	keys, err := knownKeys(*hostKeys)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	s := pcapi.New(pcapi.Config{
		User: *user, Password: secret.New(strings.TrimSpace(string(word))), Log: log,
		Machines: kubeadm.New(kubeadm.Config{Log: log}), Trust: keys.trust,
	})
	defer s.Close()
	return serve(ctx, *listen, s)
}

// serve listens until ctx ends, and lets requests end that are under way.
func serve(ctx context.Context, listen string, h http.Handler) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening at %q: %w", listen, err)
	}
	fmt.Println("serving at http://" + l.Addr().String())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 512 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	err = server.Shutdown(late)
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// hostKeys are the keys of known machines, by host, or by host and port.
type hostKeys map[string]string

func knownKeys(file string) (hostKeys, error) {
	out := hostKeys{}
	if file == "" {
		return out, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the host keys: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		host, key, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && !strings.HasPrefix(host, "#") {
			out[host] = strings.TrimSpace(key)
		}
	}
	return out, nil
}

// trust refuses machines whose key is not known.
func (k hostKeys) trust(_ context.Context, addr, hostKey string) error {
	host, _, err := net.SplitHostPort(addr)
	if known := cmp.Or(k[addr], k[host]); err != nil || known == "" || known != strings.TrimSpace(hostKey) {
		return fault.Precondition("the host key of %q is not the known one: add it to the file of host keys", addr)
	}
	return nil
}
