// Package outbox carries events out of a store: an event is appended in the
// transaction that makes it true, and consumers read the events of a topic
// later, in order, each at its own pace.
//
// Delivery is at least once: a consumer's place is stored after its handler
// has returned, so that a crash between the two delivers again. Handlers are
// idempotent. An event that all consumers of its topic have passed is removed.
// The package is not a queue of work with retries and workers: that is package
// job.
//
// An [Outbox] is safe for concurrent use. It starts no goroutine; whoever calls
// [Outbox.Run] owns that loop.
package outbox

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

const (
	events store.Bucket = "outbox"        // Key(topic, seq) -> event
	seqs   store.Bucket = "outbox/seq"    // Key(topic) -> last seq
	places store.Bucket = "outbox/places" // Key(topic, consumer) -> last seq that was handled
)

// Event is one appended message.
type Event struct {
	Topic   string
	Seq     uint64 // counts from 1 within the topic, without gaps
	Key     string // what the event is about
	Time    time.Time
	Payload []byte
}

// Handler takes events of one topic in order. An error has the same events
// delivered again after a pause.
type Handler func(ctx context.Context, list []Event) error

// Consumer reads one topic under a name of its own.
type Consumer struct {
	Topic string
	Name  string
	Batch int           // most events per call of Handle; default 100
	Pause time.Duration // after a failed call; default 1 second
	// Linger is how long to wait after news before looking, so that a burst is
	// delivered together and costs few transactions; default 0.
	Linger time.Duration
	Handle Handler
}

// Config is what an outbox needs.
type Config struct {
	Store  store.Store
	Clock  clock.Clock
	Logger *slog.Logger
	// Consumers names all readers: events are kept until each of them has
	// handled them. A topic that nobody reads takes no events.
	Consumers []Consumer
}

// Outbox appends and delivers events.
type Outbox struct {
	cfg    Config
	topics map[string][]Consumer

	mu    sync.Mutex
	wakes map[string]chan struct{} // per topic; closed and replaced on news
}

// New checks the configuration and returns an outbox.
func New(cfg Config) (*Outbox, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Logger == nil {
		return nil, errors.New("an outbox needs a store, a clock and a logger")
	}
	o := &Outbox{cfg: cfg, topics: map[string][]Consumer{}, wakes: map[string]chan struct{}{}}
	for _, c := range cfg.Consumers {
		if c.Topic == "" || c.Name == "" || c.Handle == nil {
			return nil, fmt.Errorf("consumer %q of topic %q lacks its name, topic or handler", c.Name, c.Topic)
		}
		for _, other := range o.topics[c.Topic] {
			if other.Name == c.Name {
				return nil, fmt.Errorf("consumer %q of topic %q is named twice", c.Name, c.Topic)
			}
		}
		o.topics[c.Topic] = append(o.topics[c.Topic], c.withDefaults())
		o.wakes[c.Topic] = make(chan struct{})
	}
	return o, nil
}

func (c Consumer) withDefaults() Consumer {
	if c.Batch <= 0 {
		c.Batch = 100
	}
	if c.Pause <= 0 {
		c.Pause = time.Second
	}
	return c
}

// Append adds an event in the caller's transaction; consumers hear of it once
// that is durable.
func (o *Outbox) Append(tx store.Tx, topic, key string, payload []byte) error {
	if len(o.topics[topic]) == 0 {
		return fault.Internal(nil, "nobody reads the topic %q", topic)
	}
	last, err := number(tx, seqs, store.Key(topic))
	if err != nil {
		return err
	}
	e := Event{Topic: topic, Seq: last + 1, Key: key, Time: o.cfg.Clock.Now().UTC(), Payload: payload}
	raw, err := json.Marshal(e)
	if err != nil {
		return fault.Internal(err, "an event of %q cannot be encoded", topic)
	}
	if err := tx.Put(events, store.Key(topic, e.Seq), raw); err != nil {
		return err
	}
	if err := setNumber(tx, seqs, store.Key(topic), e.Seq); err != nil {
		return err
	}
	tx.OnCommit(func() { o.wake(topic) })
	return nil
}

// Run delivers to all consumers until ctx ends, and returns when every handler
// has returned.
func (o *Outbox) Run(ctx context.Context) {
	var group sync.WaitGroup
	for _, list := range o.topics {
		for _, c := range list {
			group.Go(func() { o.follow(ctx, c) })
		}
	}
	group.Wait()
}

// follow is the loop of one consumer.
func (o *Outbox) follow(ctx context.Context, c Consumer) {
	for ctx.Err() == nil {
		news := o.news(c.Topic)
		n, err := o.Deliver(ctx, c.Topic, c.Name)
		if n > 0 {
			continue
		}
		var pause <-chan time.Time
		if err != nil && ctx.Err() == nil {
			o.cfg.Logger.Error("event delivery failed", "topic", c.Topic, "consumer", c.Name, "error", err.Error())
			news, pause = nil, o.cfg.Clock.After(c.Pause)
		}
		select {
		case <-ctx.Done():
		case <-news:
			o.linger(ctx, c)
		case <-pause:
		}
	}
}

func (o *Outbox) linger(ctx context.Context, c Consumer) {
	if c.Linger <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-o.cfg.Clock.After(c.Linger):
	}
}

// Deliver hands a consumer its next batch and stores its new place. It returns
// how many events were handled, 0 when none waits.
func (o *Outbox) Deliver(ctx context.Context, topic, name string) (int, error) {
	c, err := o.consumer(topic, name)
	if err != nil {
		return 0, err
	}
	list, err := o.waiting(ctx, c)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	if err := handle(ctx, c, list); err != nil {
		return 0, fmt.Errorf("handling events %d to %d of %q: %w", list[0].Seq, list[len(list)-1].Seq, topic, err)
	}
	// The events are handled: not to store that because ctx ends just now would
	// only deliver them again.
	err = o.cfg.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		if err := setNumber(tx, places, store.Key(topic, name), list[len(list)-1].Seq); err != nil {
			return err
		}
		return o.trim(tx, topic)
	})
	if err != nil {
		return 0, fmt.Errorf("storing the place of %q in %q: %w", name, topic, err)
	}
	return len(list), nil
}

// handle turns a panic of the handler into an error.
func handle(ctx context.Context, c Consumer, list []Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Internal(fmt.Errorf("panic: %v", p), "the consumer %q panicked", c.Name)
		}
	}()
	return c.Handle(ctx, list)
}

func (o *Outbox) consumer(topic, name string) (Consumer, error) {
	for _, c := range o.topics[topic] {
		if c.Name == name {
			return c, nil
		}
	}
	return Consumer{}, fault.Internal(nil, "topic %q has no consumer %q", topic, name)
}

func (o *Outbox) waiting(ctx context.Context, c Consumer) ([]Event, error) {
	var list []Event
	err := o.cfg.Store.View(ctx, func(r store.Reader) error {
		place, err := number(r, places, store.Key(c.Topic, c.Name))
		if err != nil {
			return err
		}
		span := store.Prefix(c.Topic).First(c.Batch)
		span.From = store.Key(c.Topic, place+1)
		return r.Scan(events, span, func(_, v []byte) error {
			var e Event
			if err := json.Unmarshal(v, &e); err != nil {
				return fault.Internal(err, "an event of %q cannot be read", c.Topic)
			}
			list = append(list, e)
			return nil
		})
	})
	return list, err
}

// maxTrim bounds the removals of one delivery; the rest goes with the next.
const maxTrim = 1000

// trim removes the events that every consumer of the topic has passed.
func (o *Outbox) trim(tx store.Tx, topic string) error {
	passed := ^uint64(0)
	for _, c := range o.topics[topic] {
		place, err := number(tx, places, store.Key(topic, c.Name))
		if err != nil {
			return err
		}
		passed = min(passed, place)
	}
	span := store.Prefix(topic).First(maxTrim)
	span.To = store.Key(topic, passed+1)
	return tx.Scan(events, span, func(k, _ []byte) error { return tx.Delete(events, k) })
}

func number(r store.Reader, b store.Bucket, key []byte) (uint64, error) {
	raw, err := r.Get(b, key)
	if err != nil || raw == nil {
		return 0, err
	}
	if len(raw) != 8 {
		return 0, fault.Internal(nil, "a counter of %q cannot be read", b)
	}
	return binary.BigEndian.Uint64(raw), nil
}

func setNumber(tx store.Tx, b store.Bucket, key []byte, n uint64) error {
	return tx.Put(b, key, binary.BigEndian.AppendUint64(nil, n))
}

// news returns a channel that closes with the next event of the topic. Take it
// before looking for events, so that none falls between.
func (o *Outbox) news(topic string) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.wakes[topic]
}

func (o *Outbox) wake(topic string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.wakes[topic])
	o.wakes[topic] = make(chan struct{})
}
