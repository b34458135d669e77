package job_test

import (
	"context"
	"errors"
	"testing"

	"tradewind.example/core/job"
)

// TestEnterIsAroundEachRun: the handler works in the context that Enter
// returned, and Enter's end is told how the run went, also of one that panics.
func TestEnterIsAroundEachRun(t *testing.T) {
	t.Parallel()
	type mark struct{}
	type run struct {
		trace string
		err   error
	}
	runs := make(chan run, 3)
	r := newRig(t, func(c *job.Config) {
		c.Enter = func(ctx context.Context, j job.Job) (context.Context, func(error)) {
			return context.WithValue(ctx, mark{}, j.Trace), func(err error) { runs <- run{j.Trace, err} }
		}
	})
	r.register("fails", func(ctx context.Context, j job.Job) error {
		if ctx.Value(mark{}) != j.Trace {
			t.Error("the handler does not work in the context of Enter")
		}
		if j.Trace == "panics" {
			panic("oh")
		}
		return errBoom
	}, job.Policy{MaxAttempts: 1})
	r.start()
	r.enqueue(job.Job{Kind: "fails", Trace: "fails"})
	if got := <-runs; got.trace != "fails" || !errors.Is(got.err, errBoom) {
		t.Errorf("told %+v", got)
	}
	r.enqueue(job.Job{Kind: "fails", Trace: "panics"})
	if got := <-runs; got.trace != "panics" || got.err == nil {
		t.Errorf("told %+v", got)
	}
}
