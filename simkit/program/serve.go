package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"tradewind.example/simkit/statefile"
	"tradewind.example/simkit/web"
)

// drain is how long calls in flight may take after the end of the context.
const drain = 5 * time.Second

// port is a site that listens.
type port struct {
	Site
	at net.Listener
}

func (p port) url() string { return "http://" + p.at.Addr().String() }

// open listens for all sites, or for none.
func open(ctx context.Context, sites []Site) ([]port, error) {
	var (
		listen net.ListenConfig
		ports  []port
	)
	for _, s := range sites {
		l, err := listen.Listen(ctx, "tcp", s.Listen)
		if err != nil {
			for _, p := range ports {
				_ = p.at.Close()
			}
			return nil, fmt.Errorf("listening for the API %q: %w", s.Name, err)
		}
		ports = append(ports, port{Site: s, at: l})
	}
	return ports, nil
}

// serve owns all servers and returns when they have ended.
func (o *options) serve(ctx context.Context, r Running, ready func(map[string]string, map[string]any) []string, stdout io.Writer) error {
	ports, err := open(ctx, append([]Site{
		{Name: "simulated", Listen: o.listen, Handler: r.API}, {Name: "admin", Listen: o.admin, Handler: r.Admin},
	}, r.More...))
	if err != nil {
		return err
	}
	servers, done := make([]*http.Server, len(ports)), make(chan error, len(ports))
	for i, p := range ports {
		servers[i] = web.NewServer(p.Handler)
		go func() { done <- servers[i].Serve(p.at) }()
	}
	err = announce(o.ready, ports, ready, stdout)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-done:
			done <- err // counted again below
		}
	}
	return errors.Join(err, shutdown(ctx, servers, done))
}

// shutdown lets calls in flight end and waits for all servers.
func shutdown(ctx context.Context, servers []*http.Server, done <-chan error) error {
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	var errs []error
	for _, s := range servers {
		if err := s.Shutdown(end); err != nil {
			errs = append(errs, err, s.Close())
		}
	}
	for range servers {
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// announce writes the ready file whole, then prints the URLs.
func announce(path string, ports []port, ready func(map[string]string, map[string]any) []string, stdout io.Writer) error {
	lines := []string{ports[0].url(), ports[1].url()}
	file := map[string]any{"url": lines[0], "admin_url": lines[1], "pid": os.Getpid()}
	if ready != nil {
		urls := map[string]string{}
		for _, p := range ports[2:] {
			urls[p.Name] = p.url()
		}
		lines = append(lines, ready(urls, file)...)
	}
	if path != "" {
		b, err := json.Marshal(file)
		if err == nil {
			err = statefile.Replace(path, b)
		}
		if err != nil {
			return fmt.Errorf("writing the ready file: %w", err)
		}
	}
	_, err := fmt.Fprintln(stdout, strings.Join(lines, "\n"))
	return err
}
