// Package planetest runs a real Kubernetes control plane for tests: etcd,
// kube-apiserver with RBAC, kube-scheduler, kube-controller-manager, and kwok in
// the place of every node's kubelet. It is not a fake: what a test sees is what
// a cluster answers. Containers alone are not real: kwok says that they run.
//
// [Run] starts one for a test binary and ends it with the binary; one alone runs
// on a machine at a time (about 530 MB), further binaries wait for their turn.
// A [Plane] may be used by parallel tests, each in its own namespaces and with
// its own nodes; [Plane.StopAPI] and what changes the whole cluster need a test
// that is alone.
package planetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	startTime = 90 * time.Second
	stopTime  = 20 * time.Second
	folder    = "tradewind-plane-"
)

// Plane is a running control plane.
type Plane struct {
	// Kube is the administrator's client, without a limit of its own.
	Kube kubernetes.Interface
	// REST is the configuration behind Kube.
	REST *rest.Config
	// URL is where the API listens, on this machine.
	URL string
	// Dir holds data, certificates and the programs' logs.
	Dir string

	programs string
	certs    certificates
	family   *family
	api      atomic.Pointer[process]
	ports    ports
	serials  atomic.Int64
	volumes  *volumes
}

// Run starts a control plane, stores it in plane, runs the tests and ends it. It
// returns the exit code for os.Exit. A plane that cannot start is a failure, not
// a reason to skip.
func Run(m *testing.M, plane **Plane) int {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	unlock, err := turn(ctx)
	if err != nil {
		return failed(err)
	}
	defer unlock()
	if err := sweep(); err != nil {
		return failed(err)
	}
	p, err := start(ctx)
	if err != nil {
		return failed(err)
	}
	*plane = p
	code := m.Run()
	if err := p.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "ending the control plane:", err)
		code = max(code, 1)
	}
	return code
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, "no control plane for the tests:", err)
	return 1
}

// turn waits until no other test binary of the machine runs a plane.
func turn(ctx context.Context) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(os.TempDir(), "tradewind-planetest.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("another test binary holds the machine's control plane: %w", ctx.Err())
		}
	}
}

// sweep removes what planes left whose test binaries were killed. None runs
// while the turn is ours.
func sweep() error {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), folder+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// start tries a few times: a free port may be taken between its choice and its use.
func start(ctx context.Context) (*Plane, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		p, err := startOnce(ctx, programs)
		if err == nil || try == 2 || !errors.Is(err, errPortTaken) {
			return p, err
		}
	}
}

func startOnce(ctx context.Context, programs string) (*Plane, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	dir, err := os.MkdirTemp("", folder)
	if err != nil {
		return nil, err
	}
	p := &Plane{Dir: dir, programs: programs, family: newFamily()}
	if err := p.begin(ctx); err != nil {
		tail := p.logTails()
		stopErr := p.stop()
		return nil, errors.Join(fmt.Errorf("%w%s", err, tail), stopErr)
	}
	return p, nil
}

func (p *Plane) begin(ctx context.Context) error {
	var err error
	if p.ports, err = freePorts(ctx); err != nil {
		return err
	}
	p.URL = fmt.Sprintf("https://127.0.0.1:%d", p.ports.api)
	if p.certs, err = newCertificates(p.Dir); err != nil {
		return err
	}
	if err := p.writeFiles(); err != nil {
		return err
	}
	if p.REST, err = p.restConfig(); err != nil {
		return err
	}
	if p.Kube, err = kubernetes.NewForConfig(p.REST); err != nil {
		return err
	}
	if _, err := p.run(ctx, "etcd", p.etcdArgs()...); err != nil {
		return err
	}
	if err := p.StartAPI(ctx); err != nil {
		return err
	}
	for name, args := range p.controllerArgs() {
		if _, err := p.run(ctx, name, args...); err != nil {
			return err
		}
	}
	if err := p.prepareCluster(ctx); err != nil {
		return err
	}
	p.volumes = startVolumes(p.Kube)
	return nil
}

func (p *Plane) stop() error {
	if p.volumes != nil {
		p.volumes.stop()
	}
	err := p.family.end()
	return errors.Join(err, os.RemoveAll(p.Dir))
}

// StopAPI ends the API server, as a crash would; the rest goes on.
func (p *Plane) StopAPI() error {
	if api := p.api.Swap(nil); api != nil {
		return api.kill()
	}
	return nil
}

// StartAPI starts the API server and waits until it is ready.
func (p *Plane) StartAPI(ctx context.Context) error {
	api, err := p.run(ctx, "kube-apiserver", p.apiArgs()...)
	if err != nil {
		return err
	}
	p.api.Store(api)
	return Until(ctx, func(ctx context.Context) (bool, error) {
		if err := api.ended(); err != nil {
			return false, fmt.Errorf("kube-apiserver ended: %w", err)
		}
		body, err := p.Kube.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil && string(body) == "ok", nil
	})
}

// Until polls until done answers true or an error, or ctx ends.
func Until(ctx context.Context, done func(context.Context) (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done(ctx)
		if ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Serial returns a number that no other caller got, for names.
func (p *Plane) Serial() int64 { return p.serials.Add(1) }
