package bolt

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"

	"go.etcd.io/bbolt"

	"tradewind.example/sdk/fault"
)

// committer runs all updates. Its fields belong to the goroutine in loop; they
// are fields and not variables so that a successor can go on with the batch
// when an update function ends that goroutine (runtime.Goexit).
type committer struct {
	queue    *queue
	file     *bbolt.DB
	log      *slog.Logger
	maxBatch int
	stopped  chan struct{}

	waiting []*request // taken from the queue, not run yet
	ran     []*request // run in tx, not answered yet
	tx      *batchTx   // the open transaction, nil between batches
	crowd   int        // updates in the last batch: how many may come back
	broken  error      // set when the state of the disk is not known any more

	updates atomic.Uint64
	commits atomic.Uint64
}

func newCommitter(q *queue, file *bbolt.DB, o Options) *committer {
	return &committer{queue: q, file: file, log: o.Logger, maxBatch: o.MaxBatch, stopped: make(chan struct{})}
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
	clean = true
}

// gather waits until there is something to run; false when the queue is closed
// and empty.
func (c *committer) gather() bool {
	for {
		c.waiting = c.queue.take(c.waiting)
		if len(c.waiting) > 0 || c.tx != nil {
			return true
		}
		if c.queue.isClosed() {
			c.waiting = c.queue.take(c.waiting)
			return len(c.waiting) > 0
		}
		<-c.queue.wakes
	}
}

// batch runs updates until none waits or the batch is full, commits once and
// answers all.
func (c *committer) batch() {
	if err := c.begin(); err != nil {
		c.refuse(err)
		return
	}
	for c.more() {
		r := c.waiting[0]
		c.waiting[0], c.waiting = nil, c.waiting[1:]
		c.ran = append(c.ran, r)
		c.run(r)
	}
	err := c.commit()
	c.tx, c.crowd = nil, len(c.ran)
	c.answer(err)
}

func (c *committer) begin() error {
	if c.broken != nil {
		return c.broken
	}
	if c.tx != nil {
		return nil
	}
	tx, err := c.file.Begin(true)
	if err != nil {
		return closedFault(err)
	}
	c.tx = &batchTx{reader: reader{tx: tx, writes: true}}
	return nil
}

// more says whether the batch goes on. When the queue runs dry but fewer
// updates came than the batch before had, their callers were answered only just
// now and may be about to come back: it lets them run, without ever waiting for
// time to pass.
func (c *committer) more() bool {
	if len(c.ran) >= c.maxBatch || c.tx.bytes >= maxBatchBytes {
		return false
	}
	if len(c.waiting) > 0 {
		return true
	}
	c.waiting = c.queue.take(c.waiting[:0])
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
	defer func() {
		if !returned {
			r.err = unwound(recover())
		}
		if r.err != nil {
			c.tx.undo()
		}
	}()
	tx := &updateTx{batchTx: c.tx, request: r}
	c.tx.log = c.tx.log[:0]
	r.err = r.fn(tx)
	tx.over = true
	returned = true
}

func unwound(p any) error {
	if p == nil {
		return fault.Internal(errGoexit, "the update function did not return")
	}
	return fault.Internal(fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "the update function panicked")
}

// commit makes the batch durable. A batch that wrote nothing needs no commit.
func (c *committer) commit() (err error) {
	defer func() {
		if p := recover(); p != nil {
			_ = c.tx.tx.Rollback()
			err = c.failed(fmt.Errorf("panic: %v", p))
		}
	}()
	if c.tx.failed != nil {
		_ = c.tx.tx.Rollback()
		return c.failed(c.tx.failed)
	}
	if !c.tx.dirty {
		return c.tx.tx.Rollback()
	}
	if err := c.tx.tx.Commit(); err != nil {
		return c.failed(err)
	}
	c.commits.Add(1)
	return nil
}

// failed classifies a commit that failed. Only a full disk is certain to have
// changed nothing: it is met before the page that makes a commit valid.
func (c *committer) failed(cause error) error {
	if errors.Is(cause, syscall.ENOSPC) || errors.Is(cause, syscall.EDQUOT) {
		return fault.Unavailable("the disk of the store is full: make room and try again").With(cause)
	}
	c.log.Error("store commit failed", "error", cause.Error())
	c.broken = fault.Unavailable("the store could not write and must be opened again").With(cause)
	return fault.Unknown(cause, "the store could not write: whether the change is kept shows after the store is opened again")
}

// answer tells the callers how their updates ended. One that failed by itself
// judged by the state of this batch: when the batch is lost, so is its verdict.
func (c *committer) answer(err error) {
	for i, r := range c.ran {
		if err != nil {
			r.err = err
		}
		close(r.done)
		c.ran[i] = nil
	}
	c.ran = c.ran[:0]
}

// refuse answers everything that waits.
func (c *committer) refuse(err error) {
	for i, r := range c.waiting {
		r.err = err
		close(r.done)
		c.waiting[i] = nil
	}
	c.waiting = c.waiting[:0]
}
