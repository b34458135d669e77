package fleet_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/engine"
	"tradewind.example/plugins/cpcc/internal/fleet"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/pcapi"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/plugins/cpcc/internal/sshtest"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wait"
)

var plane *planetest.Plane

func TestMain(m *testing.M) {
	sshtest.Act()
	os.Exit(planetest.Run(m, &plane))
}

// site is a centre with machines that have real SSH servers.
type site struct {
	*testing.T
	book  centre.Book
	host  *plugintest.Host
	fleet *fleet.Fleet
	make  func() *fleet.Fleet
	home  string
	log   *strings.Builder
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, log: &strings.Builder{}}
	log := slog.New(slog.NewTextHandler(&locked{to: s.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	clusters := engine.New(engine.Config{Log: log})
	t.Cleanup(clusters.Close)
	service := pcapi.NewClient()
	t.Cleanup(service.Close)
	s.host = plugintest.NewHost()
	s.book = centre.Book{Area: area.Of(s.host, provider.Call{Org: "org", RootOrg: "root", Account: provider.Account{ID: "a"}}), Now: time.Now()}
	s.make = func() *fleet.Fleet {
		return fleet.New(fleet.Config{
			Installer: kubeadm.New(kubeadm.Config{Log: log, ReadyTime: 30 * time.Second}), Service: service, Members: clusters.Members, Admit: clusters.Admit,
			Empty: func(context.Context, centre.Book, centre.Cluster) error { return nil }, Now: s.host.Now,
		})
	}
	s.fleet = s.again()
	home, err := s.book.Create(t.Context(), "home", centre.Spec{Name: "One", Transport: centre.Native, ContactName: "n", ContactPhone: "000"})
	s.must(err)
	s.home = home.ID
	return s
}

// again makes another fleet, as a process does that takes the place of one.
func (s *site) again() *fleet.Fleet {
	s.Helper()
	f := s.make()
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.Context()), time.Minute)
		defer cancel()
		if err := f.Shutdown(ctx); err != nil {
			s.Error(err)
		}
	})
	return f
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// device adds a machine to the centre.
func (s *site) device(m *sshtest.Machine) string {
	s.Helper()
	host, port, err := net.SplitHostPort(m.Addr)
	s.must(err)
	n, err := strconv.Atoi(port)
	s.must(err)
	d, err := s.book.AddDevice(s.Context(), m.Name, centre.DeviceSpec{
		CentreID: s.home, Name: m.Name, IP: host, Type: "physical", SSHPort: n, AdminUser: "root", Password: secret.New(sshtest.Password),
	})
	s.must(err)
	return d.ID
}

// install begins a cluster on a device.
func (s *site) install(token, device string) (centre.Cluster, string) {
	s.Helper()
	c, err := s.book.AddCluster(s.Context(), token, centre.ClusterSpec{CentreID: s.home, Name: token, Type: "kubernetes", ControllerID: device})
	s.must(err)
	operation, err := s.fleet.Install(s.Context(), s.book, c)
	s.must(err)
	return c, operation
}

func (s *site) ends(operation string, want provider.OperationState) provider.Operation {
	s.Helper()
	out, err := wait.Until(s.Context(), wait.Config{Every: 50 * time.Millisecond, Timeout: time.Minute}, func(ctx context.Context) (provider.Operation, error) {
		return s.fleet.Operation(ctx, s.book, operation)
	}, func(o provider.Operation) (bool, error) { return o.State != provider.OperationRunning, nil })
	s.must(err)
	if out.State != want {
		s.Fatalf("%s: %s, %v", operation, out.State, out.Failure)
	}
	return out
}

func (s *site) row(device string) centre.Device {
	s.Helper()
	d, err := s.book.Device(s.Context(), device)
	s.must(err)
	return d
}

func TestAClusterOnRealMachines(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one, two := sshtest.Start(t, sshtest.Options{Plane: plane}), sshtest.Start(t, sshtest.Options{Plane: plane})
	control, worker := s.device(one), s.device(two)
	c, operation := s.install("k1", control)
	s.ends(operation, provider.OperationSucceeded)
	c, err := s.book.Cluster(t.Context(), c.ID)
	s.must(err)
	operation, err = s.fleet.Join(t.Context(), s.book, c, worker, secret.Value{})
	s.must(err)
	s.ends(operation, provider.OperationSucceeded)
	if d := s.row(worker); d.NodeName != two.Name || d.HostKey != two.HostKey {
		t.Errorf("the worker: %+v", d)
	}
	operation, err = s.fleet.Leave(t.Context(), s.book, c, worker, false)
	s.must(err)
	s.ends(operation, provider.OperationSucceeded)
	_, _, err = s.book.Close(t.Context(), c.ID)
	s.must(err)
	operation, err = s.fleet.Dismantle(t.Context(), s.book, c)
	s.must(err)
	s.ends(operation, provider.OperationSucceeded)
	for _, id := range []string{control, worker} {
		if d := s.row(id); d.State != centre.Idle {
			t.Errorf("the device is not idle: %+v", d)
		}
	}
	s.must(s.fleet.Shutdown(t.Context())) // so that nobody writes the log
	for where, text := range map[string]string{"command lines": one.Calls(t) + two.Calls(t), "the servers' logs": one.Log(t) + two.Log(t), "our log": s.log.String()} {
		if strings.Contains(text, sshtest.Password) {
			t.Errorf("the password stands in %s", where)
		}
	}
	if !strings.Contains(one.Calls(t), "kubeadm reset") || !strings.Contains(two.Calls(t), "kubeadm reset") {
		t.Error("a machine was not reset")
	}
}

func TestAnInstallationThatFailsResetsItsMachine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := sshtest.Start(t, sshtest.Options{}) // whose kubeadm fails
	device := s.device(m)
	_, operation := s.install("k2", device)
	s.ends(operation, provider.OperationFailed)
	if d := s.row(device); d.State != centre.Idle {
		t.Errorf("the device is not idle: %+v", d)
	}
	if calls := m.Calls(t); !strings.Contains(calls, "kubeadm reset") {
		t.Errorf("it was not reset: %s", calls)
	}
}

func TestAMachineWithAnotherHostKeyIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := sshtest.Start(t, sshtest.Options{Plane: plane})
	device := s.device(m)
	s.must(s.book.Known(t.Context(), device, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8Zb6VtYkq0mG1nqg1i0n8m3n0pQy6o1r5Wl0bZ0abc", ""))
	_, operation := s.install("k3", device)
	end := s.ends(operation, provider.OperationFailed)
	if !strings.Contains(end.Failure.Error(), "host key") {
		t.Errorf("it failed by %v", end.Failure)
	}
	if calls := m.Calls(t); calls != "" {
		t.Errorf("it did %s", calls)
	}
}
