package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/job"
	"tradewind.example/core/store"
)

// Job is one piece of durable background work.
type Job struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Ref       string    `json:"ref,omitempty" doc:"What it works on"`
	State     string    `json:"state" enum:"ready,running,done,dead,parked"`
	Attempt   int       `json:"attempt"`
	Failures  int       `json:"failures"`
	RunAt     time.Time `json:"run_at"`
	LastError string    `json:"last_error,omitempty"`
	Created   time.Time `json:"created"`
	Updated   time.Time `json:"updated"`
}

type listJobs struct {
	api.Paging
	State string `query:"state" enum:"ready,running,done,dead,parked"`
	Kind  string `query:"kind" maxLength:"64"`
	Ref   string `query:"ref" maxLength:"200" doc:"What they work on"`
}

func (in *listJobs) admits(j *job.Job) bool {
	return (in.Kind == "" || j.Kind == in.Kind) && (in.Ref == "" || j.Ref == in.Ref)
}

// settleSort chooses what is found soonest where the client does not choose.
func (in *listJobs) settleSort() {
	if in.Sort != "" {
		return
	}
	if in.Sort = "-" + job.SortCreated; in.State != "" {
		in.Sort = "-" + job.SortUpdated
	}
}

func bindJobs(s *api.Server, svc Services) {
	const tag = "Jobs"
	target := func(c access.Caller, id string) access.Target {
		return access.Target{OrgID: c.RootID, Thing: "job", ID: id, Unnamed: true}
	}
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/jobs", ID: "list-jobs", Sort: []string{"created", "updated"}, Tag: tag,
		Summary: "List background jobs", Detail: "Of your tree; a page may be short. Dead ones failed for good and wait to be retried. " +
			"Without sort by -created, and those of a state by -updated, when they came into it; without a state there is no updated.",
	}, func(ctx context.Context, c access.Caller, in *listJobs) (*api.ListOut[Job], error) {
		in.settleSort()
		p, err := view(ctx, svc.Store, func(r store.Reader) (job.Page, error) {
			if err := svc.Access.Check(r, c, access.JobRead, target(c, "")); err != nil {
				return job.Page{}, err
			}
			mine := func(j *job.Job) bool {
				return in.admits(j) && svc.Access.Check(r, c, access.JobRead, jobTarget(*j)) == nil
			}
			return svc.Jobs.List(r, job.Filter{State: job.State(in.State), Sort: in.By(), Keep: mine, Cursor: in.Cursor, Limit: in.Limit, OldestFirst: !in.Down()})
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, jobOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/jobs/{id}", ID: "get-job", Tag: tag, Summary: "Read a job",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[Job], error) {
		j, err := view(ctx, svc.Store, func(r store.Reader) (job.Job, error) { return svc.job(r, c, access.JobRead, in.ID) })
		if err != nil {
			return nil, err
		}
		return &One[Job]{jobOf(j)}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/jobs/{id}/retry", ID: "retry-job", Tag: tag, Summary: "Run a dead job again",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[Job], error) {
		var j job.Job
		err := svc.Store.Update(ctx, func(tx store.Tx) (err error) {
			if _, err = svc.job(tx, c, access.JobRetry, in.ID); err != nil {
				return err
			}
			j, err = svc.Jobs.RetryTx(tx, in.ID)
			return err
		})
		if err != nil {
			return nil, err
		}
		return &One[Job]{jobOf(j)}, nil
	})
}

// job returns a job of the caller's tree.
func (svc Services) job(r store.Reader, c access.Caller, right access.Right, id string) (job.Job, error) {
	j, err := svc.Jobs.Get(r, id)
	if err != nil {
		return job.Job{}, err
	}
	return j, svc.Access.Check(r, c, right, jobTarget(j))
}

// jobTarget says whose a job is. Scheduled work belongs to no org and is seen
// by nobody but through the logs.
func jobTarget(j job.Job) access.Target { return access.Target{OrgID: j.OrgID, Thing: "job", ID: j.ID} }

func jobOf(j job.Job) Job {
	return Job{
		ID: j.ID, Kind: j.Kind, Ref: j.Ref, State: string(j.State), Attempt: j.Attempt, Failures: j.Failures,
		RunAt: j.RunAt, LastError: j.LastError, Created: j.Created, Updated: j.Updated,
	}
}
