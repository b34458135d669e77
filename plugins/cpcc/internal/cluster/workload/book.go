package workload

import (
	"context"
	"maps"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/fault"
)

// writeTime bounds one write of a book, for all whose changes are in it.
const writeTime = 20 * time.Second

// booking is one change of a namespace's book. Its writer sets what follows
// change before it closes done.
type booking struct {
	change func(map[string]entry) (before *entry)
	before *entry
	err    error
	done   chan struct{}
}

// book changes the entries of a namespace and with them its limits, and returns
// what change did. Changes that come while the book is being written are written
// together after that: each write meets those of the cluster's own controllers,
// and costs as much as the book is long.
func (m *Manager) book(ctx context.Context, namespace string, change func(map[string]entry) *entry) (*entry, error) {
	b := &booking{change: change, done: make(chan struct{})}
	m.mu.Lock()
	first := len(m.bookings[namespace]) == 0
	m.bookings[namespace] = append(m.bookings[namespace], b)
	m.mu.Unlock()
	if first {
		m.writeBook(ctx, namespace)
	}
	select {
	case <-b.done:
		return b.before, b.err
	case <-ctx.Done():
		return nil, fault.Unknown(ctx.Err(), "the organisation's book was not written in time")
	}
}

// writeBook waits for the namespace's turn and writes all changes that have come
// until then. Others count on it, so that it outlives ctx.
func (m *Manager) writeBook(ctx context.Context, namespace string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	end, err := m.books.Take(ctx, namespace)
	m.mu.Lock()
	all := m.bookings[namespace]
	delete(m.bookings, namespace)
	m.mu.Unlock()
	if err == nil {
		err = cluster.Fault(m.writeAll(ctx, namespace, all))
		end()
	}
	for _, b := range all {
		if b.err == nil {
			b.err = err
		}
		close(b.done)
	}
}

// writeAll writes changes by compare and swap; one for which there is no room is
// left out and told so.
func (m *Manager) writeAll(ctx context.Context, namespace string, changes []*booking) error {
	quotas := m.client.Kube().CoreV1().ResourceQuotas(namespace)
	often := wait.Backoff{Steps: 30, Duration: 5 * time.Millisecond, Factor: 1.3, Jitter: 1}
	return retry.RetryOnConflict(often, func() error {
		q, err := quotas.Get(ctx, quotaName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now := entries(q)
		for _, b := range changes {
			next := maps.Clone(now)
			b.before, b.err = b.change(next), nil
			if len(next) > mostEntries {
				b.err = fault.Quota("an organisation may have %d workloads in a cluster", mostEntries)
				continue
			}
			now = next
		}
		if err := write(q, now); err != nil {
			return err
		}
		_, err = quotas.Update(ctx, q, metav1.UpdateOptions{FieldManager: cluster.Manager})
		return err
	})
}
