package workload

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// Config of a Manager. Client and Log are required.
type Config struct {
	Client   *cluster.Client
	Log      *slog.Logger
	Clock    clock.Clock   // default: the machine's
	Patience time.Duration // longest wait inside one change; default 60 s
}

// Manager works on the workloads of one cluster.
type Manager struct {
	client   *cluster.Client
	log      *slog.Logger
	clock    clock.Clock
	patience time.Duration

	mu      sync.Mutex
	tenants map[string]time.Time // namespaces that were whole then
	books   map[string]*turn     // of namespaces whose quota is being changed
}

// New returns a Manager.
func New(cfg Config) *Manager {
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	if cfg.Patience <= 0 {
		cfg.Patience = time.Minute
	}
	return &Manager{client: cfg.Client, log: cfg.Log, clock: cfg.Clock, patience: cfg.Patience, tenants: map[string]time.Time{}, books: map[string]*turn{}}
}

// turn lets the writers of one quota go one after the other within the process.
type turn struct {
	busy  chan struct{}
	users int
}

// take waits for the turn of a namespace; the function it returns ends it.
func (m *Manager) take(ctx context.Context, ns string) (end func(), err error) {
	m.mu.Lock()
	t := m.books[ns]
	if t == nil {
		t = &turn{busy: make(chan struct{}, 1)}
		m.books[ns] = t
	}
	t.users++
	m.mu.Unlock()
	leave := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(m.books, ns)
		}
	}
	select {
	case t.busy <- struct{}{}:
		return func() { <-t.busy; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, fault.Unavailable("the organisation's quota is being changed: try again").With(ctx.Err())
	}
}
