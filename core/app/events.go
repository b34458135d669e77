package app

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tradewind.example/core/order"
	"tradewind.example/core/settlement"
	"tradewind.example/core/store/outbox"
)

// eventLinger gathers a burst of events into few transactions.
const eventLinger = 250 * time.Millisecond

// pluginTopic carries what plugins emit.
const pluginTopic = "plugin.event"

// openEvents builds the outbox: what domain packages tell of in their
// transactions is counted, at least once each, by topic. An event that was
// counted leaves the store.
func (a *App) openEvents(context.Context) (err error) {
	a.counted = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tradewind_events_total", Help: "Events of the business by topic, each counted at least once.",
	}, []string{"topic"})
	consumers := []outbox.Consumer{{Topic: pluginTopic, Name: "act", Linger: eventLinger / 5, Handle: a.actOnPluginEvents}}
	for _, topic := range append(append(order.Topics(), settlement.Topics()...), pluginTopic) {
		consumers = append(consumers, outbox.Consumer{Topic: topic, Name: "metrics", Batch: 1000, Linger: eventLinger, Handle: a.count})
	}
	a.events, err = outbox.New(outbox.Config{Store: a.store, Clock: a.clock, Logger: a.log, Consumers: consumers})
	return err
}

func (a *App) count(ctx context.Context, list []outbox.Event) error {
	for _, e := range list {
		a.counted.WithLabelValues(e.Topic).Inc()
		a.log.DebugContext(ctx, "event", "topic", e.Topic, "id", e.Key, "time", e.Time)
	}
	return nil
}

// deliverEvents runs the outbox, and what plugins' events lead to, until the
// returned function is called, which waits for their end. What is left then is
// delivered after the next start.
func (a *App) deliverEvents(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { a.events.Run(ctx) })
	group.Go(func() { a.told.Run(ctx) })
	return func() {
		cancel()
		group.Wait()
	}
}
