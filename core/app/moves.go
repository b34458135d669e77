package app

import (
	"context"
	"time"

	"tradewind.example/core/job"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

const (
	followJob = "org.follow"
	// followAgain is how long orders that are at work are waited for.
	followAgain = 5 * time.Minute
)

// moves lets what an org has bought follow it under another seller.
func (a *App) moves() error {
	a.tenants.AddFollower(func(tx store.Tx, org tenant.Org) error {
		_, err := a.jobs.Enqueue(tx, job.Job{Kind: followJob, Ref: org.ID, OrgID: org.RootID})
		return err
	})
	return a.jobs.Register(followJob, a.follow, job.Policy{Timeout: 10 * time.Minute})
}

func (a *App) follow(ctx context.Context, j job.Job) error {
	if err := a.resources.Follow(ctx, j.Ref, a.tenants.PathTx); err != nil {
		return err
	}
	left, err := a.buys.Follow(ctx, j.Ref)
	if err == nil && left {
		return job.Snooze(followAgain)
	}
	return err
}
