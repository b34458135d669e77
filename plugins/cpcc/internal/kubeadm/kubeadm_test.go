package kubeadm_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/plugins/cpcc/internal/sshtest"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

var plane *planetest.Plane

func TestMain(m *testing.M) {
	sshtest.Act()
	os.Exit(planetest.Run(m, &plane))
}

// site is a control machine, a worker's and who installs them.
type site struct {
	*testing.T
	ctx             context.Context
	control, worker *sshtest.Machine
	installer       *kubeadm.Installer
	log             *strings.Builder
	network         string
	phases          []string
}

func newSite(t *testing.T, cfg kubeadm.Config) *site {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	s := &site{T: t, ctx: ctx, log: &strings.Builder{}}
	cfg.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.installer = kubeadm.New(cfg)
	for _, m := range []**sshtest.Machine{&s.control, &s.worker} {
		*m = sshtest.Start(t, sshtest.Options{Plane: plane})
		name := (*m).Name
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := plane.Kube.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				t.Error(err)
			}
		})
	}
	return s
}

func (s *site) progress(phase kubeadm.Phase, percent int) {
	s.phases = append(s.phases, fmt.Sprintf("%s %d", phase, percent))
}

func (s *site) newCluster(id string) (kubeadm.Made, error) {
	return s.installer.NewCluster(s.ctx, kubeadm.Cluster{ID: id, Control: s.control.Config("root"), Network: s.network}, s.progress)
}

func (s *site) workerOf(made kubeadm.Made) kubeadm.Worker {
	s.Helper()
	client, err := cluster.Connect(cluster.Config{Kubeconfig: made.Kubeconfig})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(client.Close)
	keeper := node.New(node.Config{Client: client, Log: slog.New(slog.DiscardHandler)})
	return kubeadm.Worker{ID: "w1", Control: s.control.Config("root"), At: s.worker.Config("root"), Nodes: keeper}
}

func (s *site) mustMake(id string) kubeadm.Made {
	s.Helper()
	made, err := s.newCluster(id)
	if err != nil {
		s.Fatalf("new cluster: %v (%v)", err, errors.Unwrap(fault.As(err)))
	}
	return made
}

func (s *site) wantClass(err error, class fault.Class, words string) {
	s.Helper()
	if !fault.Is(err, class) || !strings.Contains(err.Error(), words) {
		s.Errorf("want %s about %q, got %v", class, words, err)
	}
}

// count of a played command line that begins with prefix.
func (s *site) count(m *sshtest.Machine, prefix string) int {
	s.Helper()
	n := 0
	for line := range strings.Lines(m.Calls(s)) {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

func TestClusterFromMachines(t *testing.T) {
	t.Parallel()
	s := newSite(t, kubeadm.Config{ReadyTime: 30 * time.Second})
	s.network = "kind: List\n# it's 'quoted' $well\n"
	made := s.mustMake("-c1_A")
	want := []string{"connect 0", "preflight 5", "init 15", "network 80", "credentials 90"}
	if d := cmp.Diff(want, s.phases); d != "" {
		t.Errorf("phases (-want +got):\n%s", d)
	}
	if made.Kubeconfig.Reveal() != string(plane.AdminConfig()) || !strings.HasPrefix(made.Join.Reveal(), "kubeadm join 127.0.0.1:") {
		t.Error("the kubeconfig or the join command is another")
	}
	if got := s.control.Read(t, "played/applied"); got != "kind: List\n# it's 'quoted' $well\n" {
		t.Errorf("the network's manifest arrived as %q", got)
	}
	if got := s.control.Read(t, "fstab"); !strings.Contains(got, "#/dev/vdb none swap") || strings.Contains(got, "#/dev/vda") {
		t.Errorf("fstab is %q", got)
	}
	again := s.mustMake("-c1_A")
	if n := s.count(s.control, "kubeadm init"); n != 1 || !again.Kubeconfig.Equal(made.Kubeconfig) {
		t.Errorf("made again: %d inits", n)
	}
	if again.Join.Equal(made.Join) {
		t.Error("the second join command has the first one's token")
	}
	_, err := s.newCluster("another")
	s.wantClass(err, fault.ClassPrecondition, "belongs to something else")

	w := s.workerOf(made)
	s.phases = nil
	for range 2 {
		name, err := s.installer.NewWorker(s.ctx, w, s.progress)
		if err != nil || name != s.worker.Name {
			t.Fatalf("new worker %q: %v (%v)", name, err, errors.Unwrap(fault.As(err)))
		}
	}
	if n := s.count(s.worker, "kubeadm join"); n != 1 {
		t.Errorf("joined %d times", n)
	}
	want = []string{"connect 0", "preflight 10", "token 30", "join 40", "ready 80"}
	if d := cmp.Diff(append(want, want...), s.phases); d != "" {
		t.Errorf("phases of the worker (-want +got):\n%s", d)
	}
	s.noSecrets(made)
	s.takeDown(w)
}

// noSecrets looks wherever others can read.
func (s *site) noSecrets(made kubeadm.Made) {
	s.Helper()
	token := strings.Fields(made.Join.Reveal())[4]
	for where, text := range map[string]string{
		"calls of the control machine": s.control.Calls(s), "calls of the worker": s.worker.Calls(s),
		"log of the control machine": s.control.Log(s), "log of the worker": s.worker.Log(s),
		"our log": s.log.String(), "the join file": s.worker.Read(s, "kubernetes/tradewind-join.yaml"),
	} {
		for what, value := range map[string]string{"password": sshtest.Password, "token": token, "kubeconfig": "token-of-the-administrator"} {
			if strings.Contains(text, value) {
				s.Errorf("the %s stands in %s", what, where)
			}
		}
		if strings.Contains(text, "apiServerEndpoint") {
			s.Errorf("the join configuration stands in %s", where)
		}
	}
}

func (s *site) takeDown(w kubeadm.Worker) {
	s.Helper()
	for range 2 {
		if left, err := s.installer.RemoveWorker(s.ctx, w, s.worker.Name, node.Removal{}); err != nil || left != "" {
			s.Fatalf("removing the worker: %v, %q is left", err, left)
		}
	}
	if n := s.count(s.worker, "kubeadm reset"); n != 1 {
		s.Errorf("the worker was reset %d times", n)
	}
	if _, err := plane.Kube.CoreV1().Nodes().Get(s.ctx, s.worker.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		s.Errorf("the worker's node is there: %v", err)
	}
	s.wantClass(s.installer.Reset(s.ctx, kubeadm.RoleControl, "another", s.control.Config("root")), fault.ClassPrecondition, "belongs to something else")
	for range 2 {
		if err := s.installer.Reset(s.ctx, kubeadm.RoleControl, "-c1_A", s.control.Config("root")); err != nil {
			s.Fatalf("deleting the cluster: %v", err)
		}
	}
	if s.control.Read(s, "kubernetes/tradewind") != "" || s.control.Read(s, "kubernetes/admin.conf") != "" {
		s.Error("the control machine still has its mark or its kubeconfig")
	}
}

func TestFailuresGiveTheMachineBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, kubeadm.Config{})
	s.network = "kind: List\n"
	for _, step := range []string{"fail-kubeadm-init", "fail-kubectl", "fail-kubeadm-token"} {
		s.control.Write(t, "played/"+step, "first line\n[ERROR Port-6443]: "+step+"\n")
		_, err := s.newCluster("c1")
		s.wantClass(err, fault.ClassPrecondition, "[ERROR Port-6443]: "+step)
		if fault.OutcomeOf(err) != fault.OutcomeNotDone || s.control.Read(t, "kubernetes/tradewind") != "" {
			t.Errorf("after %s the machine is not given back: %v", step, err)
		}
		s.control.Remove(t, "played/"+step)
		if err := plane.Kube.CoreV1().Nodes().Delete(s.ctx, s.control.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	made := s.mustMake("c1")
	w := s.workerOf(made)
	s.worker.Write(t, "played/fail-kubeadm-join", "error execution phase preflight")
	_, err := s.installer.NewWorker(s.ctx, w, s.progress)
	s.wantClass(err, fault.ClassPrecondition, "error execution phase preflight")
	s.worker.Remove(t, "played/fail-kubeadm-join")
	if s.worker.Read(t, "kubernetes/tradewind") != "" {
		t.Error("the worker is not given back")
	}
	if _, err := s.installer.NewWorker(s.ctx, w, s.progress); err != nil {
		t.Errorf("the second try: %v", err)
	}
}

func TestHalfDoneIsBegunAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t, kubeadm.Config{})
	s.control.Write(t, "kubernetes/tradewind", "control c1 begun\n")
	s.control.Write(t, "kubernetes/admin.conf", "half\n")
	s.mustMake("c1")
	if s.count(s.control, "kubeadm reset -f") != 1 || s.count(s.control, "kubeadm init") != 1 {
		t.Errorf("calls were %s", s.control.Calls(t))
	}
}

func TestForeignMachinesAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, kubeadm.Config{})
	s.control.Write(t, "kubernetes/admin.conf", "of somebody else\n")
	_, err := s.newCluster("c1")
	s.wantClass(err, fault.ClassPrecondition, "did not make")
	if err := s.installer.Reset(s.ctx, kubeadm.RoleControl, "c1", s.control.Config("root")); err != nil {
		t.Errorf("a reset of a machine without our mark: %v", err)
	}
	if s.count(s.control, "kubeadm") != 0 || s.control.Read(t, "kubernetes/admin.conf") != "of somebody else\n" {
		t.Errorf("it was touched: %s", s.control.Calls(t))
	}
	s.worker.Remove(t, "played/containerd")
	_, err = s.installer.NewCluster(s.ctx, kubeadm.Cluster{ID: "c2", Control: s.worker.Config("root")}, s.progress)
	s.wantClass(err, fault.ClassPrecondition, "lacks containerd")
}

func TestMachineThatIsAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, kubeadm.Config{})
	made := s.mustMake("c1")
	w := s.workerOf(made)
	if _, err := s.installer.NewWorker(s.ctx, w, s.progress); err != nil {
		t.Fatal(err)
	}
	s.worker.Stop()
	_, err := s.installer.RemoveWorker(s.ctx, w, s.worker.Name, node.Removal{})
	s.wantClass(err, fault.ClassUnavailable, "does not answer")
	left, err := s.installer.RemoveWorker(s.ctx, w, s.worker.Name, node.Removal{Force: true})
	if err != nil || !strings.Contains(left, "kubeadm reset") {
		t.Errorf("forced: %v, %q is left", err, left)
	}
	w.Nodes = silent{}
	_, err = s.installer.RemoveWorker(s.ctx, w, s.worker.Name, node.Removal{Force: true})
	s.wantClass(err, fault.ClassUnavailable, "does not answer")
}

// silent is a cluster that does not answer.
type silent struct{}

func (silent) Ready(context.Context, string) (bool, error) {
	return false, fault.Unavailable("no answer")
}

func (silent) Remove(context.Context, string, node.Removal) error {
	return fault.Unavailable("no answer")
}

func TestAClusterThatIsAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, kubeadm.Config{})
	made := s.mustMake("c1")
	w := s.workerOf(made)
	if _, err := s.installer.NewWorker(s.ctx, w, s.progress); err != nil {
		t.Fatal(err)
	}
	w.Nodes = silent{}
	_, err := s.installer.RemoveWorker(s.ctx, w, s.worker.Name, node.Removal{})
	s.wantClass(err, fault.ClassUnavailable, "no answer")
	if n := s.count(s.worker, "kubeadm reset"); n != 0 {
		t.Errorf("its machine was reset %d times before its node was gone", n)
	}
	left, err := s.installer.RemoveWorker(s.ctx, w, s.worker.Name, node.Removal{Force: true})
	if err != nil || !strings.Contains(left, s.worker.Name) {
		t.Errorf("forced: %v, %q is left", err, left)
	}
	if n := s.count(s.worker, "kubeadm reset"); n != 1 {
		t.Errorf("its machine was reset %d times by force", n)
	}
}

func TestAddressReplacesTheServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, kubeadm.Config{})
	made, err := s.installer.NewCluster(s.ctx, kubeadm.Cluster{ID: "c1", Control: s.control.Config("root"), Address: "localhost"}, s.progress)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(made.Kubeconfig.Reveal(), "https://localhost:") {
		t.Error("the kubeconfig still has the machine's own address")
	}
	client, err := cluster.Connect(cluster.Config{Kubeconfig: made.Kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Version(s.ctx); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.control.Calls(t), "--apiserver-cert-extra-sans=localhost") {
		t.Error("the certificate does not name the address")
	}
}

func TestJobs(t *testing.T) {
	t.Parallel()
	jobs := kubeadm.NewJobs()
	begun, finish := make(chan struct{}), make(chan error)
	work := func(_ context.Context, progress kubeadm.Progress) error {
		progress(kubeadm.PhaseInit, 15)
		begun <- struct{}{}
		return <-finish
	}
	if _, known := jobs.Get("a"); known {
		t.Error("a job that was never started is known")
	}
	if err := jobs.Start(t.Context(), "a", work); err != nil {
		t.Fatal(err)
	}
	<-begun
	if err := jobs.Start(t.Context(), "a", work); err != nil { // is left alone: nobody waits for a second begin
		t.Fatal(err)
	}
	if got, _ := jobs.Get("a"); got.Phase != kubeadm.PhaseInit || got.Percent != 15 || got.Ended {
		t.Errorf("running: %+v", got)
	}
	finish <- fault.Precondition("no")
	ended := func() kubeadm.Job {
		t.Helper()
		var got kubeadm.Job
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := planetest.Until(ctx, func(context.Context) (bool, error) {
			got, _ = jobs.Get("a")
			return got.Ended, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := ended(); !fault.Is(got.Err, fault.ClassPrecondition) || got.Percent != 15 {
		t.Errorf("failed: %+v", got)
	}
	if err := jobs.Start(t.Context(), "a", work); err != nil {
		t.Fatal(err)
	}
	<-begun
	finish <- nil
	if got := ended(); got.Err != nil || got.Percent != 100 {
		t.Errorf("succeeded: %+v", got)
	}
	var once sync.Once
	blocked := func(ctx context.Context, _ kubeadm.Progress) error {
		once.Do(func() { close(begun) })
		<-ctx.Done()
		return ctx.Err()
	}
	if err := jobs.Start(t.Context(), "b", blocked); err != nil {
		t.Fatal(err)
	}
	<-begun
	if err := jobs.Shutdown(t.Context()); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if err := jobs.Start(t.Context(), "c", blocked); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("a start after the end: %v", err)
	}
}

func TestSecretsArePrintedMasked(t *testing.T) {
	t.Parallel()
	made := kubeadm.Made{Kubeconfig: secret.New("hush"), Join: secret.New("hush")}
	if text := fmt.Sprintf("%v %+v %#v", made, made, made); strings.Contains(text, "hush") {
		t.Errorf("printed as %s", text)
	}
}
