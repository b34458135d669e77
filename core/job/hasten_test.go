package job_test

import (
	"context"
	"testing"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/store"
)

func (r *rig) hasten(id string) bool {
	r.t.Helper()
	var busy bool
	err := r.st.Update(r.t.Context(), func(tx store.Tx) (err error) {
		busy, err = r.q.HastenTx(tx, id)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return busy
}

func TestHastenWakesAWaitingJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := make(chan job.Job, 1)
	r.register("mail", func(_ context.Context, j job.Job) error { got <- j; return nil }, job.Policy{})
	r.start()
	id := r.enqueue(job.Job{Kind: "mail", RunAt: epoch.Add(time.Hour)}).ID
	if r.hasten(id) {
		t.Error("a waiting job is said to be busy")
	}
	if j := <-got; j.ID != id || j.Attempt != 1 {
		t.Errorf("ran %+v", j)
	}
	r.awaitState(id, job.StateDone)
	if r.hasten(id) || r.get(id).State != job.StateDone {
		t.Error("a finished job was touched")
	}
	if r.hasten("nobody") {
		t.Error("an unknown job is busy")
	}
}

func TestHastenLeavesARunningJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	started, leave := make(chan struct{}), make(chan struct{})
	r.register("mail", func(context.Context, job.Job) error {
		close(started)
		<-leave
		return nil
	}, job.Policy{})
	r.start()
	id := r.enqueue(job.Job{Kind: "mail"}).ID
	<-started
	if !r.hasten(id) {
		t.Error("a running job is not said to be busy")
	}
	close(leave)
	r.awaitState(id, job.StateDone)
}
