package bolt

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"tradewind.example/sdk/fault"
)

// committer runs all updates, one after another, and sends them to the disk a
// batch at a time. While one batch is written, the updates of the next one run
// already and see what it wrote.
//
// Its fields belong to the goroutine in loop; they are fields and not variables
// so that a successor can go on with the batch when an update function ends
// that goroutine (runtime.Goexit).
type committer struct {
	queue    *queue
	journal  *journal
	log      *slog.Logger
	maxBatch int
	stopped  chan struct{}

	waiting []*request // taken from the queue, not run yet
	ran     []*request // run in tx, not on their way to the disk yet
	tx      *batchTx
	crowd   int     // updates in the last batch: how many may come back
	flight  *flight // nil: none
	broken  error   // set when the state of the disk is not known any more

	updates atomic.Uint64
	commits atomic.Uint64
}

// flight is a batch on its way to the disk. Its goroutine owns it until done is
// closed.
type flight struct {
	rows   *layer
	ran    []*request
	done   chan struct{}
	err    error
	broken error // why no batch may follow
}

func newCommitter(q *queue, j *journal, o Options) *committer {
	return &committer{
		queue: q, journal: j, log: o.Logger, maxBatch: o.MaxBatch,
		stopped: make(chan struct{}), tx: newBatchTx(),
	}
}

func (c *committer) loop() {
	clean := false
	defer func() {
		if !clean {
			go c.loop()
			return
		}
		close(c.stopped)
	}()
	for c.gather() {
		c.batch()
	}
	if c.flight != nil {
		<-c.flight.done
	}
	clean = true
}

// gather waits until there is something to run; false when the queue is closed
// and empty.
func (c *committer) gather() bool {
	for {
		c.waiting = c.queue.take(c.waiting)
		if len(c.waiting) > 0 || len(c.ran) > 0 {
			return true
		}
		if c.queue.isClosed() {
			c.waiting = c.queue.take(c.waiting)
			return len(c.waiting) > 0
		}
		c.rest()
	}
}

// rest waits for news: another update, or the end of the flight.
func (c *committer) rest() {
	c.tx.leave()
	var landed chan struct{}
	if c.flight != nil {
		landed = c.flight.done
	}
	select {
	case <-c.queue.wakes:
	case <-landed:
		c.settle()
	}
}

// batch runs updates until none waits or the batch is full, and sends them off.
func (c *committer) batch() {
	for c.more() {
		if err := c.ready(); err != nil {
			c.refuse(err)
			break
		}
		r := c.waiting[0]
		c.waiting[0], c.waiting = nil, c.waiting[1:]
		c.ran = append(c.ran, r)
		c.run(r)
	}
	c.tx.leave()
	c.sendOff()
}

// ready makes sure that the next update has a state to run on.
func (c *committer) ready() error {
	if c.tx.base.tx == nil && c.flight != nil {
		select {
		case <-c.flight.done:
			c.settle()
		default:
		}
	}
	if c.broken != nil || c.tx.base.tx != nil {
		return c.broken
	}
	if err := c.tx.enter(c.journal.open); err != nil {
		return closedFault(err)
	}
	return nil
}

// more says whether the batch goes on. While another batch is written there is
// no hurry. Else, when the queue runs dry but fewer updates came than the batch
// before had, their callers were answered only just now and may be about to
// come back: it lets them run, without ever waiting for time to pass.
func (c *committer) more() bool {
	for {
		if len(c.ran) >= c.maxBatch || c.tx.bytes >= maxBatchBytes {
			return false
		}
		if len(c.waiting) == 0 {
			c.waiting = c.queue.take(c.waiting[:0])
		}
		if len(c.waiting) > 0 {
			return true
		}
		if c.flight == nil || len(c.ran) == 0 {
			break
		}
		c.rest()
	}
	for yields := 0; len(c.waiting) == 0 && len(c.ran) < c.crowd && yields < maxYields; yields++ {
		runtime.Gosched()
		c.waiting = c.queue.take(c.waiting)
	}
	return len(c.waiting) > 0
}

const maxYields = 4

// errGoexit is the cause when an update function ended its goroutine.
var errGoexit = errors.New("runtime.Goexit was called")

// run runs one update inside the batch and undoes it when it fails.
func (c *committer) run(r *request) {
	if r.err = ended(r.ended()); r.err != nil {
		return
	}
	c.updates.Add(1)
	returned := false
	tx := &updateTx{batchTx: c.tx, request: r}
	defer func() {
		tx.over = true
		if !returned {
			r.err = unwound(recover())
		}
		if r.err != nil {
			c.tx.undo()
		}
	}()
	c.tx.log = c.tx.log[:0]
	r.err = r.fn(tx)
	returned = true
}

func unwound(p any) error {
	if p == nil {
		return fault.Internal(errGoexit, "the update function did not return")
	}
	return fault.Internal(fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "the update function panicked")
}

// sendOff has the batch written as soon as the one before has landed. A batch
// that wrote nothing is answered then: what its updates saw is durable.
func (c *committer) sendOff() {
	if c.flight != nil && len(c.ran) > 0 {
		<-c.flight.done
		c.settle()
	}
	if len(c.ran) == 0 {
		return
	}
	f := &flight{rows: c.tx.layer, ran: c.ran, done: make(chan struct{})}
	c.tx.layer, c.ran, c.crowd = newLayer(), make([]*request, 0, len(c.ran)), len(c.ran)
	if f.rows.empty() {
		answer(f.ran, nil)
		return
	}
	c.flight, c.tx.below = f, f.rows
	go c.fly(f)
}

// settle takes note of a flight that has ended. When it failed, what ran on top
// of it has seen things that never were: it runs again.
func (c *committer) settle() {
	f := c.flight
	c.tx.leave()
	c.flight, c.tx.below = nil, nil
	if f.err == nil {
		return
	}
	c.broken = f.broken
	for _, r := range c.ran {
		r.hooks, r.err = nil, nil
	}
	c.waiting, c.ran, c.tx.layer = slices.Concat(c.ran, c.waiting), nil, newLayer()
}

// fly makes a batch durable and answers its callers. An update that failed by
// itself judged by the state of this batch: when the batch is lost, so is its
// verdict.
func (c *committer) fly(f *flight) {
	if err := c.journal.persist(f.rows, len(f.ran)); err != nil {
		f.err, f.broken = c.failed(err)
	} else {
		c.commits.Add(1)
	}
	answer(f.ran, f.err)
	close(f.done)
}

// failed classifies a batch that could not be written.
func (c *committer) failed(cause error) (err, broken error) {
	if fullDisk(cause) {
		return fault.Unavailable("the disk of the store is full: make room and try again").With(cause), nil
	}
	c.log.Error("store commit failed", "error", cause.Error())
	refused := fault.Unavailable("the store could not write and must be opened again").With(cause)
	if errors.As(cause, new(*brokenError)) {
		return refused, refused
	}
	return fault.Unknown(cause, "the store could not write: whether the change is kept shows after the store is opened again"), refused
}

// answer tells callers how their updates ended: each by itself, or all with err.
func answer(ran []*request, err error) {
	for _, r := range ran {
		if err != nil {
			r.err = err
		}
		close(r.done)
	}
}

// refuse answers everything that waits.
func (c *committer) refuse(err error) {
	answer(c.waiting, err)
	clear(c.waiting)
	c.waiting = c.waiting[:0]
}
