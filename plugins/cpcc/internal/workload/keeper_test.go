package workload

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/widget"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster is an engine that keeps what it was told. Its faults are set by tests.
type cluster struct {
	mu      sync.Mutex
	has     map[string]Instance
	applies int
	refuse  error         // what Apply answers
	partly  bool          // Apply takes it all the same
	stuck   error         // what Remove answers
	staying bool          // Remove is not over yet
	notYet  bool          // nothing becomes ready
	hold    chan struct{} // Apply waits for it
	holding chan struct{} // and says so here
}

func (c *cluster) Apply(ctx context.Context, _ Target, in Instance) error {
	if c.hold != nil {
		c.holding <- struct{}{}
		select {
		case <-c.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.applies++
	if c.refuse == nil || c.partly {
		c.has[in.ID] = in
	}
	return c.refuse
}

func (c *cluster) Remove(_ context.Context, _ Target, in Instance) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stuck != nil || c.staying {
		return false, c.stuck
	}
	delete(c.has, in.ID)
	return true, nil
}

func (c *cluster) Observe(_ context.Context, _ Target, in Instance) (Seen, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, ok := c.has[in.ID]
	seen := Seen{Exists: ok, Current: true, Wanted: now.Replicas}
	if !c.notYet {
		seen.Ready = now.Replicas
	}
	return seen, nil
}

func (c *cluster) Fits(_ context.Context, _ Target, needs []Need) ([]Verdict, error) {
	return make([]Verdict, len(needs)), nil
}

func (c *cluster) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *cluster) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.has)
}

// faulty is a storage whose answers get lost.
type faulty struct {
	provider.Storage
	lose atomic.Bool // the next change happens and its answer does not arrive
}

var errLost = fault.Unknown(nil, "the answer was lost")

func (f *faulty) Apply(ctx context.Context, s provider.Scope, t provider.Transaction) error {
	err := f.Storage.Apply(ctx, s, t)
	if err == nil && len(t.Writes) > 0 && f.lose.CompareAndSwap(true, false) {
		return errLost
	}
	return err
}

// world is a centre with a cluster that has so many cards.
type world struct {
	*Keeper
	cluster   *cluster
	store     *faulty
	desk      Desk
	clusterID string
	centreID  string
	card      string // the widget
}

const card = "RTX5090-32G"

func newWorld(t *testing.T, cards int64) *world {
	t.Helper()
	ctx := t.Context()
	store := &faulty{Storage: plugintest.NewHost()}
	call := provider.Call{RootOrg: "root", Account: provider.Account{ID: "a"}}
	now := time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)
	c := &cluster{has: map[string]Instance{}}
	w := &world{Keeper: NewKeeper(c), cluster: c, store: store, desk: Desk{
		Area: area.Of(store, call), Now: now, Patience: 10 * time.Minute, Images: []string{"docker.io/ubuntu:22.04"},
	}}
	home, err := w.desk.centres().Create(ctx, "c", centre.Spec{Name: "One", Transport: centre.Native, ContactName: "n", ContactPhone: "000"})
	if err != nil {
		t.Fatal(err)
	}
	on, err := w.desk.centres().AddCluster(ctx, "k", centre.ClusterSpec{CentreID: home.ID, Name: "k", Type: "kubernetes", Kubeconfig: secret.New("kubeconfig-of-a-test")})
	if err != nil {
		t.Fatal(err)
	}
	w.centreID, w.clusterID = home.ID, on.ID
	for i, s := range []widget.Spec{
		{Type: price.CPU, Model: "STANDARD", UnitPrice: "1.5", Stock: 1000},
		{Type: price.Memory, Model: "STANDARD", UnitPrice: "0.005", Stock: 1000},
		{Type: price.GPU, Model: card, UnitPrice: "6", Stock: cards},
	} {
		s.CentreID, s.ClusterID, s.Every, s.Coin = home.ID, on.ID, price.Hour, price.Yuan
		made, err := w.desk.widgets().Add(ctx, fmt.Sprint("w", i), s, func(context.Context, *area.Change) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		w.card = made.ID
	}
	return w
}

func (w *world) order(token string, cards int64) Order {
	return Order{
		Token: token, OrgID: "org", ClusterID: w.clusterID, Name: "web",
		Spec: Spec{Engine: StatefulSet, Replicas: 1, Image: "docker.io/ubuntu:22.04", PortMode: "NodePort", Parts: []Part{
			{Type: price.CPU, Amount: 1}, {Type: price.Memory, Amount: 512}, {Type: price.GPU, Model: card, Amount: cards},
		}},
	}
}

// taken is how many cards are taken.
func (w *world) taken(t *testing.T) string {
	t.Helper()
	v, err := w.desk.widgets().Widget(t.Context(), w.card)
	if err != nil {
		t.Fatal(err)
	}
	return string(v.Consumed)
}

// adds checks that what is taken is what the rows say: no card is lost and none
// is sold twice.
func (w *world) adds(t *testing.T, want string) {
	t.Helper()
	var sum int64
	err := workloads.Each(t.Context(), w.desk.Area, func(r area.Row[Workload]) error {
		for _, c := range r.Value.Claims {
			if c.WidgetID == w.card {
				sum += c.Amount
			}
		}
		return nil
	})
	if got := w.taken(t); err != nil || got != want || fmt.Sprint(sum) != want {
		t.Errorf("%s cards are taken, the workloads say %d, want %s (%v)", got, sum, want, err)
	}
}

func (w *world) create(t *testing.T, token string, cards int64) Workload {
	t.Helper()
	v, err := w.Create(t.Context(), w.desk, w.order(token, cards))
	if err != nil {
		t.Fatalf("creating %q: %v", token, err)
	}
	return v
}

func (w *world) advance(t *testing.T, op string) provider.Operation {
	t.Helper()
	out, err := w.Advance(t.Context(), w.desk, op)
	if err != nil {
		t.Fatalf("operation %q: %v", op, err)
	}
	return out
}

func TestTheLastCardIsSoldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	other := NewKeeper(w.cluster) // another process
	var sold, refused atomic.Int64
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			k := w.Keeper
			if i%2 == 1 {
				k = other
			}
			_, err := k.Create(t.Context(), w.desk, w.order(fmt.Sprint("buyer ", i), 1))
			switch {
			case err == nil:
				sold.Add(1)
			case fault.Is(err, fault.ClassOutOfStock) && fault.OutcomeOf(err) == fault.OutcomeNotDone:
				refused.Add(1)
			default:
				t.Errorf("buyer %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if sold.Load() != 1 || refused.Load() != 63 || w.cluster.count() != 1 {
		t.Errorf("%d sold, %d out of stock, %d run; want 1, 63, 1", sold.Load(), refused.Load(), w.cluster.count())
	}
	w.adds(t, "1")
}

func TestAReplayReservesOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := w.Create(t.Context(), w.desk, w.order("same", 2)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.adds(t, "2")
	first := w.create(t, "same", 2)
	if gone, err := w.Delete(t.Context(), w.desk, first.ID); !gone || err != nil {
		t.Fatal(gone, err)
	}
	w.adds(t, "0")
	if _, err := w.Create(t.Context(), w.desk, w.order("same", 2)); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("a token whose workload is gone buys again: %v", err)
	}
	w.adds(t, "0")
}

func TestALostReservationIsTakenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	w.store.lose.Store(true)
	_, err := w.Create(t.Context(), w.desk, w.order("lost", 2))
	if fault.OutcomeOf(err) != fault.OutcomeUnknown {
		t.Fatalf("a lost answer: %v; want an unknown outcome", err)
	}
	next := NewKeeper(w.cluster) // the process was killed between reserve and apply
	v, ok, err := next.Find(t.Context(), w.desk, "lost")
	if err != nil || !ok || v.Phase != Reserved {
		t.Fatalf("found %+v, %t, %v", v, ok, err)
	}
	op, err := next.Advance(t.Context(), w.desk, v.Operation())
	if err != nil || op.State != provider.OperationSucceeded || w.cluster.count() != 1 {
		t.Errorf("%+v, %v, %d run", op, err, w.cluster.count())
	}
	w.adds(t, "2")
}

func TestARefusedCreateGivesBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		partly bool
		reason string
	}{
		"nothing was made": {false, "a refusal leaves nothing"},
		"half was made":    {true, "what was made before the refusal is removed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 8)
			w.cluster.refuse, w.cluster.partly = fault.Invalid("spec.node_port", "is taken"), tc.partly
			_, err := w.Create(t.Context(), w.desk, w.order("refused", 2))
			if !fault.Is(err, fault.ClassInvalid) || fault.OutcomeOf(err) != fault.OutcomeNotDone {
				t.Errorf("%s: %v", tc.reason, err)
			}
			if w.cluster.count() != 0 {
				t.Errorf("%s: %d run", tc.reason, w.cluster.count())
			}
			w.adds(t, "0")
			if _, ok, err := w.Find(t.Context(), w.desk, "refused"); ok || err != nil {
				t.Errorf("found after it was refused: %v", err)
			}
		})
	}
}

func TestAnUndoThatIsStuckStaysOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	w.cluster.refuse, w.cluster.partly, w.cluster.stuck = fault.Quota("too much"), true, fault.Unavailable("gone away")
	_, err := w.Create(t.Context(), w.desk, w.order("stuck", 2))
	if fault.OutcomeOf(err) != fault.OutcomeUnknown {
		t.Fatalf("half made and not removed: %v; want an unknown outcome", err)
	}
	if _, _, err := w.Find(t.Context(), w.desk, "stuck"); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("found while it is being undone: %v", err)
	}
	w.adds(t, "2")
	w.cluster.set(func() { w.cluster.stuck = nil })
	if _, ok, err := w.Find(t.Context(), w.desk, "stuck"); ok || err != nil {
		t.Errorf("after it was undone: %t, %v", ok, err)
	}
	w.adds(t, "0")
}

func TestAnAbsentClusterIsToldLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	w.cluster.refuse = fault.Unavailable("no answer")
	v := w.create(t, "later", 2)
	if op := w.advance(t, v.Operation()); op.State != provider.OperationRunning {
		t.Errorf("while the cluster is away: %+v", op)
	}
	w.cluster.set(func() { w.cluster.refuse = nil })
	if op := w.advance(t, v.Operation()); op.State != provider.OperationSucceeded {
		t.Errorf("when it is back: %+v", op)
	}
	if op := w.advance(t, v.Operation()); op.State != provider.OperationSucceeded {
		t.Errorf("asked again: %+v", op)
	}
	w.adds(t, "2")
}

func TestACreateThatNeverRunsIsUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	w.cluster.notYet = true
	v := w.create(t, "never", 2)
	if op := w.advance(t, v.Operation()); op.State != provider.OperationRunning {
		t.Fatalf("in time: %+v", op)
	}
	w.desk.Now = w.desk.Now.Add(w.desk.Patience)
	op := w.advance(t, v.Operation())
	if op.State != provider.OperationFailed || !fault.Is(op.Failure, fault.ClassOutOfStock) {
		t.Errorf("late: %+v", op)
	}
	if w.cluster.count() != 0 {
		t.Error("it still runs")
	}
	w.adds(t, "0")
}

func TestWhatRanOnceIsNotUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	v := w.create(t, "ran", 2)
	if op := w.advance(t, v.Operation()); op.State != provider.OperationSucceeded {
		t.Fatalf("%+v", op)
	}
	w.cluster.set(func() { w.cluster.notYet = true })
	w.desk.Now = w.desk.Now.Add(24 * time.Hour)
	if op := w.advance(t, v.Operation()); op.State != provider.OperationSucceeded {
		t.Errorf("its create is asked about when it fails later: %+v", op)
	}
	w.adds(t, "2")
}

func TestADeleteGivesBackOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	v, kept := w.create(t, "one", 2), w.create(t, "two", 3)
	w.cluster.set(func() { w.cluster.staying = true })
	gone, err := w.Delete(t.Context(), w.desk, v.ID)
	if gone || err != nil {
		t.Fatalf("while it is terminating: %t, %v", gone, err)
	}
	w.adds(t, "5")
	w.cluster.set(func() { w.cluster.staying = false })
	for range 2 {
		if op := w.advance(t, Removal(v.ID)); op.State != provider.OperationSucceeded {
			t.Errorf("%+v", op)
		}
	}
	for range 2 {
		if gone, err := w.Delete(t.Context(), w.desk, v.ID); !gone || err != nil {
			t.Errorf("again: %t, %v", gone, err)
		}
	}
	w.adds(t, "3")
	if _, ok := w.cluster.has[kept.ID]; !ok {
		t.Error("the neighbour is gone too")
	}
}

func TestADeleteDuringACreateLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	w.cluster.hold, w.cluster.holding = make(chan struct{}), make(chan struct{})
	made := make(chan error, 1)
	go func() {
		_, err := w.Create(t.Context(), w.desk, w.order("raced", 2))
		made <- err
	}()
	<-w.cluster.holding
	other := NewKeeper(w.cluster) // another process
	if gone, err := other.Delete(t.Context(), w.desk, area.IDOf("workload", "raced")); !gone || err != nil {
		t.Fatal(gone, err)
	}
	close(w.cluster.hold)
	if err := <-made; err == nil {
		t.Error("a create that was removed meanwhile says it was made")
	}
	if w.cluster.count() != 0 {
		t.Error("it still runs")
	}
	w.adds(t, "0")
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	v := w.create(t, "one", 2)
	more := w.order("", 5).Spec
	for range 2 {
		if _, err := w.Update(t.Context(), w.desk, v.ID, "up", more); err != nil {
			t.Fatal(err)
		}
		w.adds(t, "5")
	}
	if _, err := w.Update(t.Context(), w.desk, v.ID, "too much", w.order("", 9).Spec); !fault.Is(err, fault.ClassOutOfStock) {
		t.Errorf("more than there is: %v", err)
	}
	w.adds(t, "5")
	w.cluster.set(func() { w.cluster.refuse = fault.Precondition("immutable") })
	if _, err := w.Update(t.Context(), w.desk, v.ID, "refused", w.order("", 1).Spec); err == nil {
		t.Error("a refused update succeeds")
	}
	w.cluster.set(func() { w.cluster.refuse = nil })
	w.adds(t, "5")
	if got, err := w.Workload(t.Context(), w.desk, v.ID); err != nil || got.Spec.Parts[2].Amount != 5 {
		t.Errorf("after a refused update: %+v, %v", got.Spec, err)
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	o := w.order("one", 1)
	o.Spec.Replicas = 3
	v, err := w.Create(t.Context(), w.desk, o)
	if err != nil {
		t.Fatal(err)
	}
	w.adds(t, "3")
	running := func() int { return w.cluster.has[v.ID].Replicas }
	if _, err := w.Scale(t.Context(), w.desk, v.ID, "s1", 4); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("more than is paid for: %v", err)
	}
	if _, err := w.Scale(t.Context(), w.desk, v.ID, "s2", 0); err != nil || running() != 0 {
		t.Errorf("stopping: %v, %d run", err, running())
	}
	if got, err := w.Workload(t.Context(), w.desk, v.ID); err != nil || got.status() != provider.StatusStopped {
		t.Errorf("stopped: %s, %v", got.status(), err)
	}
	if _, err := w.Start(t.Context(), w.desk, v.ID, "s3"); err != nil || running() != 3 {
		t.Errorf("starting: %v, %d run", err, running())
	}
	_, before, err := w.Credentials(t.Context(), w.desk, v.ID)
	if err != nil || before.IsZero() {
		t.Fatal("it was made without a password", err)
	}
	if _, err := w.ResetPassword(t.Context(), w.desk, v.ID, "s4", secret.New("another-password-1")); err != nil {
		t.Error(err)
	}
	if !w.cluster.has[v.ID].Password.Equal(secret.New("another-password-1")) {
		t.Error("the cluster was not told the password")
	}
	was := w.cluster.has[v.ID].Restart
	for range 2 {
		if _, err := w.Restart(t.Context(), w.desk, v.ID, "s5"); err != nil || w.cluster.has[v.ID].Restart != was+1 {
			t.Errorf("restart %d after %d, %v; want one more", w.cluster.has[v.ID].Restart, was, err)
		}
	}
	w.adds(t, "3")
}
