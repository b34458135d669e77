package workload

import (
	"log/slog"
	"sync"
	"time"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/once"
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
	books    once.Turns // the writers of one namespace's quota go one after another
	fences   once.Turns // so do those who make one namespace

	mu       sync.Mutex
	tenants  map[string]time.Time  // namespaces that were whole then
	bookings map[string][]*booking // by namespace; not being written yet
}

// New returns a Manager.
func New(cfg Config) *Manager {
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	if cfg.Patience <= 0 {
		cfg.Patience = time.Minute
	}
	return &Manager{client: cfg.Client, log: cfg.Log, clock: cfg.Clock, patience: cfg.Patience, tenants: map[string]time.Time{}, bookings: map[string][]*booking{}}
}
