package fleet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/pcapi"
	"tradewind.example/plugins/cpcc/internal/sshtest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wait"
)

const apiPassword = "marker-api-5150"

// gateway stands before a service as a proxy does: it logs what proxies log, and
// can lose answers.
type gateway struct {
	next http.Handler
	old  bool // the service knows the nine endpoints alone

	mu    sync.Mutex
	log   []string // what a proxy sees: method, address, headers but for the sign-in
	asked map[string]int
	lose  map[string]bool // the answers of endpoints, once
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, pcapi.Prefix)
	g.mu.Lock()
	shown := r.Header.Clone()
	shown.Del("Authorization")
	g.log = append(g.log, fmt.Sprint(r.Method, r.RequestURI, shown))
	g.asked[name]++
	lost := g.lose[name]
	delete(g.lose, name)
	g.mu.Unlock()
	if g.old {
		forget(r)
	}
	answer := httptest.NewRecorder()
	g.next.ServeHTTP(answer, r)
	if lost {
		panic(http.ErrAbortHandler) // it was done, and nobody hears of it
	}
	if !g.old && answer.Header().Get(pcapi.Repeats) != "" {
		w.Header().Set(pcapi.Repeats, "1")
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the caller may have left
}

// forget takes out of a request what only newer services know.
func forget(r *http.Request) {
	q := r.URL.Query()
	for name := range q {
		if strings.HasPrefix(name, "control_") || strings.HasPrefix(name, "worker_") && name != "worker_node" || name == "clusterid" {
			q.Del(name)
		}
	}
	r.URL.RawQuery = q.Encode()
}

func (g *gateway) count(endpoint string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked[endpoint]
}

// served is a site whose centre is reached by its service alone.
type served struct {
	*site
	gateway *gateway
	clock   *clock.Fake
	log     *strings.Builder // of the service
	cluster centre.Cluster
}

// newServed makes one that takes parameters where params says, with its machines
// known to the service.
func newServed(t *testing.T, params string, machines ...*sshtest.Machine) *served {
	t.Helper()
	s := &served{site: newSite(t), clock: clock.NewFake(time.Now()), log: &strings.Builder{}}
	s.host.Clock = s.clock
	keys := map[string]string{}
	for _, m := range machines {
		keys[m.Addr] = m.HostKey
	}
	log := slog.New(slog.NewTextHandler(&locked{to: s.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := pcapi.New(pcapi.Config{
		User: "broker", Password: secret.New(apiPassword), Log: log, Machines: kubeadm.New(kubeadm.Config{Log: log, ReadyTime: 30 * time.Second}),
		Trust: func(_ context.Context, addr, key string) error {
			if keys[addr] != key {
				return fault.Precondition("unknown")
			}
			return nil
		},
	})
	s.gateway = &gateway{next: server, asked: map[string]int{}, lose: map[string]bool{}}
	front := httptest.NewServer(s.gateway)
	t.Cleanup(func() { front.Close(); server.Close() })
	home, err := s.book.Create(t.Context(), "served", centre.Spec{
		Name: "Far", Transport: centre.PCAPI, URL: front.URL, User: "broker", Password: secret.New(apiPassword), Parameters: params,
		ContactName: "n", ContactPhone: "000",
	})
	s.must(err)
	s.home = home.ID
	return s
}

// locked lets several write to one text.
type locked struct {
	mu sync.Mutex
	to io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

// begin begins an installation by the service.
func (s *served) begin(token, device string) string {
	s.Helper()
	c, err := s.book.Adopt(s.Context(), token, centre.ClusterSpec{CentreID: s.home, Name: token, Type: "kubernetes", ControllerID: device})
	s.must(err)
	s.cluster = c
	operation, err := s.fleet.Install(s.Context(), s.book, c)
	s.must(err)
	return operation
}

func (s *served) now() centre.Cluster {
	s.Helper()
	c, err := s.book.Cluster(s.Context(), s.cluster.ID)
	s.must(err)
	return c
}

// joins has a device join and waits for its end.
func (s *served) joins(device string, command secret.Value) {
	s.Helper()
	operation, err := s.fleet.Join(s.Context(), s.book, s.now(), device, command)
	s.must(err)
	s.ends(operation, provider.OperationSucceeded)
}

func (s *served) leaves(device string) {
	s.Helper()
	operation, err := s.fleet.Leave(s.Context(), s.book, s.now(), device, false)
	s.must(err)
	s.ends(operation, provider.OperationSucceeded)
}

// runs wants an operation to be under way, however often it is asked about.
func (s *served) runs(operation string) {
	s.Helper()
	for range 3 {
		s.settled()
		out, err := s.fleet.Operation(s.Context(), s.book, operation)
		s.must(err)
		if out.State != provider.OperationRunning {
			s.Fatalf("%s: %+v", operation, out)
		}
	}
	s.settled()
}

// settled waits until nobody asks the service any more.
func (s *served) settled() {
	s.Helper()
	before := -1
	_, err := wait.Until(s.Context(), wait.Config{Every: 30 * time.Millisecond, Timeout: 20 * time.Second}, func(context.Context) (bool, error) {
		s.gateway.mu.Lock()
		defer s.gateway.mu.Unlock()
		n := len(s.gateway.log)
		same := n == before
		before = n
		return same, nil
	}, func(same bool) (bool, error) { return same, nil })
	s.must(err)
}

func calls(t *testing.T, m *sshtest.Machine, prefix string) int {
	t.Helper()
	n := 0
	for line := range strings.Lines(m.Calls(t)) {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// secretless looks for secrets wherever others can read.
func (s *served) secretless(machines ...*sshtest.Machine) {
	s.Helper()
	s.must(s.fleet.Shutdown(s.Context())) // so that nobody writes the log
	join, err := s.book.Join(s.Context(), s.cluster.ID, "")
	s.must(err)
	places := map[string]string{"what a proxy logs": strings.Join(s.gateway.log, "\n"), "the service's log": s.log.String(), "our log": s.site.log.String()}
	for _, m := range machines {
		places["command lines of "+m.Name] = m.Calls(s)
		places["log of "+m.Name] = m.Log(s)
	}
	marks := []string{sshtest.Password, strings.ReplaceAll(sshtest.Password, " ", "+"), "pass%20word", apiPassword, "certificate-authority-data", "kubeadm+join"}
	if word := strings.Fields(join.Reveal()); len(word) > 4 {
		marks = append(marks, word[4])
	}
	for where, text := range places {
		for _, mark := range marks {
			if strings.Contains(text, mark) {
				s.Errorf("%s holds a secret: %.12s…", where, mark)
			}
		}
	}
	for _, row := range []any{s.now(), s.devices()} {
		raw, err := json.Marshal(row)
		if err != nil || bytes.Contains(raw, []byte("kubeadm join")) || bytes.Contains(raw, []byte("certificate-authority")) {
			s.Errorf("a row holds a secret: %v", err)
		}
	}
}

func (s *served) devices() (out []centre.Device) {
	s.Helper()
	s.must(s.book.Devices(s.Context(), s.home, func(d centre.Device) error { out = append(out, d); return nil }))
	return out
}

// TestAServiceMakesAClusterOnRealMachines goes the whole way of machines over the
// wire: a control plane, a worker that joins, leaves, joins again and is lost.
func TestAServiceMakesAClusterOnRealMachines(t *testing.T) {
	t.Parallel()
	one, two := sshtest.Start(t, sshtest.Options{Plane: plane}), sshtest.Start(t, sshtest.Options{Plane: plane})
	s := newServed(t, centre.InBody, one, two)
	control, worker := s.device(one), s.device(two)
	s.ends(s.begin("far-1", control), provider.OperationSucceeded)
	config, err := s.book.Kubeconfig(t.Context(), s.cluster.ID)
	s.must(err)
	if c := s.now(); c.State != centre.Ready || config.Reveal() != string(plane.AdminConfig()) {
		t.Fatalf("the cluster: %+v", c)
	}
	for i := range 2 { // the second time the machine was reset, and is made a worker anew
		name := fmt.Sprint(two.Name, "-", i) // kwok may leave a node alone that comes back under its name
		two.Write(t, "hostname", name+"\n")
		s.joins(worker, secret.Value{})
		if d := s.row(worker); d.NodeName != name || d.Role != centre.RoleWorker {
			t.Errorf("the worker: %+v", d)
		}
		s.leaves(worker)
		if d := s.row(worker); d.State != centre.Idle || d.Problem != "" {
			t.Errorf("the device that left: %+v", d)
		}
	}
	if joined, reset := calls(t, two, "kubeadm join"), calls(t, two, "kubeadm reset"); joined != 2 || reset != 2 {
		t.Errorf("it joined %d times and was reset %d times", joined, reset)
	}
	two.Write(t, "hostname", two.Name+"\n")
	s.joins(worker, secret.Value{})
	two.Stop()
	operation, err := s.fleet.Leave(t.Context(), s.book, s.now(), worker, true)
	s.must(err)
	s.ends(operation, provider.OperationSucceeded)
	if d := s.row(worker); d.State != centre.Idle || !strings.Contains(d.Problem, "kubeadm reset") {
		t.Errorf("a machine that was lost: %+v", d)
	}
	s.secretless(one, two)
	s.site.fleet = s.again()
	_, _, err = s.book.Close(t.Context(), s.cluster.ID)
	s.must(err)
	operation, err = s.fleet.Dismantle(t.Context(), s.book, s.cluster)
	s.must(err)
	s.ends(operation, provider.OperationSucceeded)
	if d := s.row(control); d.State != centre.Idle || !strings.Contains(d.Problem, "takes no control plane down") {
		t.Errorf("the control plane's device: %+v", d)
	}
}

// TestAnAnswerThatGetsLostIsLookedUp loses the answer of each work after it was
// done. A service of the old kind is never asked twice.
func TestAnAnswerThatGetsLostIsLookedUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		old    bool
		asked  int // how often what the board does not tell is
		params string
	}{
		"by a service that may be asked again": {false, 2, centre.InBody},
		"by one of the old kind":               {true, 1, centre.InQuery},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, two := sshtest.Start(t, sshtest.Options{Plane: plane}), sshtest.Start(t, sshtest.Options{Plane: plane})
			s := newServed(t, tc.params, one, two)
			s.gateway.old = tc.old
			s.gateway.lose = map[string]bool{"new_cluster": true, "new_worker": true, "delete_cluster_node": true}
			control, worker := s.device(one), s.device(two)
			operation := s.begin("far-2", control)
			command := secret.Value{}
			if tc.old {
				s.opened(operation)
				command = s.mint(one)
			} else {
				s.ends(operation, provider.OperationSucceeded)
			}
			s.joins(worker, command)
			if d := s.row(worker); d.NodeName != two.Name {
				t.Errorf("the worker: %+v", d)
			}
			s.leaves(worker)
			if d := s.row(worker); d.State != centre.Idle || (d.Problem != "") != tc.old {
				t.Errorf("the device that left: %+v", d)
			}
			for endpoint, want := range map[string]int{"new_cluster": tc.asked, "new_worker": 1, "delete_cluster_node": tc.asked} {
				if n := s.gateway.count(endpoint); n != want {
					t.Errorf("%s was asked %d times; want %d", endpoint, n, want)
				}
			}
			if init, join := calls(t, one, "kubeadm init"), calls(t, two, "kubeadm join"); init != 1 || join != 1 {
				t.Errorf("%d control planes were made, and %d joins", init, join)
			}
		})
	}
}

// opened follows an installation whose kubeconfig got lost until a person gives it.
func (s *served) opened(operation string) {
	s.Helper()
	s.runs(operation)
	s.clock.Advance(30 * time.Minute)
	if end := s.ends(operation, provider.OperationFailed); !strings.Contains(end.Failure.Error(), "give_kubeconfig") {
		s.Errorf("it failed by %v", end.Failure)
	}
	for again, want := range []fault.Class{0, fault.ClassPrecondition} {
		_, err := s.book.Open(s.Context(), s.cluster.ID, secret.New(string(plane.AdminConfig())))
		if fault.ClassOf(err) != want {
			s.Errorf("opened, %d: %v", again, err)
		}
	}
}

// mint makes a join command as a person does on the control plane's machine.
func (s *served) mint(control *sshtest.Machine) secret.Value {
	s.Helper()
	made, err := kubeadm.New(kubeadm.Config{Log: slog.New(slog.DiscardHandler)}).NewCluster(s.Context(), kubeadm.Cluster{ID: control.Addr, Control: control.Config("root")}, func(kubeadm.Phase, int) {})
	s.must(err)
	return made.Join
}

// TestAServiceOfTheOldKindTakesTheKeptCommand joins by what new_cluster answered.
func TestAServiceOfTheOldKindTakesTheKeptCommand(t *testing.T) {
	t.Parallel()
	one, two := sshtest.Start(t, sshtest.Options{Plane: plane}), sshtest.Start(t, sshtest.Options{Plane: plane})
	s := newServed(t, centre.InQuery, one, two)
	s.gateway.old = true
	control, worker := s.device(one), s.device(two)
	s.ends(s.begin("far-3", control), provider.OperationSucceeded)
	s.joins(worker, secret.Value{})
	if d := s.row(worker); d.NodeName != two.Name {
		t.Errorf("the worker: %+v", d)
	}
	s.leaves(worker)
	if d := s.row(worker); !strings.Contains(d.Problem, "takes out nodes alone") {
		t.Errorf("its machine was not reset: %+v", d)
	}
	// The machine is a member by its own account: joining by another command is no
	// success, and does not touch it.
	operation, err := s.fleet.Join(t.Context(), s.book, s.now(), worker, s.mint(one))
	s.must(err)
	end := s.ends(operation, provider.OperationFailed)
	if d := s.row(worker); d.State != centre.Idle || !strings.Contains(d.Problem, "kubeadm reset") || calls(t, two, "kubeadm reset") != 0 {
		t.Errorf("%v; the device: %+v", end.Failure, d)
	}
	if !strings.Contains(s.log.String(), "by another join command") {
		t.Error("the service's log does not tell why")
	}
}

func TestAServiceThatLetsNobodyIn(t *testing.T) {
	t.Parallel()
	one := sshtest.Start(t, sshtest.Options{Plane: plane})
	s := newServed(t, centre.InBody, one)
	_, err := s.book.Update(t.Context(), s.home, centre.Spec{
		Name: "Far", Transport: centre.PCAPI, URL: s.url(), User: "broker", Password: secret.New("another"), Parameters: centre.InBody, ContactName: "n", ContactPhone: "000",
	})
	s.must(err)
	control := s.device(one)
	end := s.ends(s.begin("far-4", control), provider.OperationFailed)
	if d := s.row(control); d.State != centre.Idle || !strings.Contains(end.Failure.Error(), "api_user") || one.Calls(t) != "" {
		t.Errorf("%v; the device: %+v; it did %q", end.Failure, d, one.Calls(t))
	}
	if strings.Contains(end.Failure.Error(), "another") {
		t.Error("the failure holds the password")
	}
}

func (s *served) url() string {
	s.Helper()
	c, err := s.book.Centre(s.Context(), s.home)
	s.must(err)
	return c.URL
}

func TestAServiceThatRefuses(t *testing.T) {
	t.Parallel()
	one, two := sshtest.Start(t, sshtest.Options{Plane: plane}), sshtest.Start(t, sshtest.Options{}) // whose kubeadm fails
	s := newServed(t, centre.InBody, one, two)
	control, worker := s.device(one), s.device(two)
	s.ends(s.begin("far-5", control), provider.OperationSucceeded)
	operation, err := s.fleet.Join(t.Context(), s.book, s.now(), worker, secret.Value{})
	s.must(err)
	s.ends(operation, provider.OperationFailed)
	if d := s.row(worker); d.State != centre.Idle || !strings.Contains(d.Problem, "refused new_worker") {
		t.Errorf("a worker: %+v", d)
	}
	s.ends(s.begin("far-6", worker), provider.OperationFailed)
	if c := s.now(); !strings.Contains(c.Problem, "half made") || s.row(worker).State != centre.InUse {
		t.Errorf("a cluster: %+v", c)
	}
	if n := s.gateway.count("new_cluster"); n != 2 {
		t.Errorf("new_cluster was asked %d times; want 2, one for each", n)
	}
	if !slices.Contains(strings.Fields(s.log.String()), "endpoint=new_cluster") {
		t.Error("the service's log does not name what failed")
	}
}
