package kubeadm

import (
	"context"
	"sync"
	"time"

	"tradewind.example/sdk/fault"
)

const (
	// jobTime bounds one job.
	jobTime = 30 * time.Minute
	// mostEnded bounds the ended jobs that are remembered.
	mostEnded = 256
)

// Job is how far a long work is.
type Job struct {
	Phase   Phase
	Percent int
	Ended   bool
	Err     error // of an ended job; nil: it succeeded
}

// Jobs runs long works in the background, one for an id at a time, and tells how
// far they are. What a work makes it must store itself before it ends: a process
// that dies forgets its jobs, and the works are repeated.
//
// Safe for concurrent use. It owns its goroutines; Shutdown waits for them.
type Jobs struct {
	works sync.WaitGroup

	mu     sync.Mutex
	closed bool
	jobs   map[string]*Job
	cancel map[string]context.CancelFunc // of the running ones
	ended  []string                      // the oldest first
}

// NewJobs returns Jobs without a work.
func NewJobs() *Jobs { return &Jobs{jobs: map[string]*Job{}, cancel: map[string]context.CancelFunc{}} }

// Start begins a work unless one of this id is running; then it is left alone.
// An ended one is forgotten and begun anew. The work outlives ctx.
func (j *Jobs) Start(ctx context.Context, id string, work func(ctx context.Context, progress Progress) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return fault.Unavailable("the plugin is ending: try again")
	}
	if now := j.jobs[id]; now != nil && !now.Ended {
		return nil
	}
	job := &Job{Phase: PhaseConnect}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), jobTime)
	j.jobs[id], j.cancel[id] = job, cancel
	j.works.Go(func() {
		defer cancel()
		err := work(ctx, func(phase Phase, percent int) {
			j.mu.Lock()
			defer j.mu.Unlock()
			job.Phase, job.Percent = phase, percent
		})
		j.end(id, job, err)
	})
	return nil
}

func (j *Jobs) end(id string, job *Job, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.cancel, id)
	job.Ended, job.Err = true, err
	if err == nil {
		job.Percent = 100
	}
	j.ended = append(j.ended, id)
	for len(j.ended) > mostEnded {
		if old := j.jobs[j.ended[0]]; old != nil && old.Ended {
			delete(j.jobs, j.ended[0])
		}
		j.ended = j.ended[1:]
	}
}

// Get tells how far the work of an id is; false: none is known here.
func (j *Jobs) Get(id string) (Job, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	job := j.jobs[id]
	if job == nil {
		return Job{}, false
	}
	return *job, true
}

// Shutdown cancels every work and waits for their ends, or for ctx's.
func (j *Jobs) Shutdown(ctx context.Context) error {
	j.mu.Lock()
	j.closed = true
	for _, cancel := range j.cancel {
		cancel()
	}
	j.mu.Unlock()
	done := make(chan struct{})
	go func() {
		j.works.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fault.Unavailable("works on machines did not end in time").With(ctx.Err())
	}
}
