package workload

import (
	"context"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/widget"
	"tradewind.example/sdk/fault"
)

// Lost is a workload that went with its cluster while it was sold: what is left of
// it in the books, for people. Its stock was given back; what was paid for it is
// not this plugin's to judge.
type Lost struct {
	ID        string         `json:"id" title:"Workload"`
	Name      string         `json:"name" title:"Name"`
	OrgID     string         `json:"org_id" title:"Whose it was"`
	CentreID  string         `json:"centre_id" title:"Centre"`
	ClusterID string         `json:"cluster_id" title:"Cluster that it went with"`
	Claims    []widget.Claim `json:"claims" title:"Stock that was given back"`
	Token     string         `json:"token" title:"Token it was made with"`
	Created   time.Time      `json:"created" title:"Made"`
	Expires   time.Time      `json:"expires,omitzero" title:"Was paid until"`
	At        time.Time      `json:"lost" title:"Lost"`
}

var losses = area.Table[Lost]{Name: "lost-workload"}

// lost is the fault of a workload that is not there, which says so when it was lost.
func (d Desk) lost(ctx context.Context, id string, notFound error) error {
	row, err := losses.Find(ctx, d.Area, id)
	if err != nil || row.Revision == 0 {
		return notFound
	}
	return fault.New(fault.ClassNotFound, "workload %q was lost with its cluster on %s", id, row.Value.At.UTC().Format(time.DateOnly))
}

// Losses yields the lost workloads of a centre, by id.
func (d Desk) Losses(ctx context.Context, centreID string, yield func(Lost) error) error {
	return losses.Each(ctx, d.Area, func(r area.Row[Lost]) error {
		if r.Value.CentreID != centreID {
			return nil
		}
		return yield(r.Value)
	})
}

// Lose takes all workloads of a closed cluster out of the books, each with its stock
// in one transaction, so that it may be repeated and cut off. A cluster that answers
// is told to remove them, until it does not; told hears of each that is gone.
func (k *Keeper) Lose(ctx context.Context, d Desk, clusterID string, told func(id string)) error {
	all, err := workloads.All(ctx, d.Area, MostLost, func(w Workload) bool { return w.ClusterID == clusterID })
	if err != nil {
		return err
	}
	answers := true
	for _, row := range all {
		if err := ctx.Err(); err != nil {
			return fault.Unavailable("not all workloads of the cluster are released yet").With(err)
		}
		if answers {
			_, err := k.remove(ctx, d, row.Value)
			answers = err == nil
		}
		if err := k.lose(ctx, d, row.Value.ID); err != nil {
			return err
		}
		told(row.Value.ID)
	}
	return nil
}

// MostLost bounds the workloads of a cluster that is removed with them.
const MostLost = 100_000

// lose turns a workload's row into what is kept of it, and gives its stock back.
func (k *Keeper) lose(ctx context.Context, d Desk, id string) error {
	end, err := k.turns.Take(ctx, "workload/"+id)
	if err != nil {
		return err
	}
	defer end()
	return d.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		row, err := workloads.Find(ctx, d.Area, id)
		if err != nil || row.Revision == 0 {
			return c, err
		}
		w := row.Value
		if err := d.widgets().Move(ctx, &c, w.Claims, nil); err != nil {
			return c, err
		}
		c.Once("lose", w.Token)
		c.Expect(workloads.Key(id), row.Revision)
		c.Delete(workloads.Key(id))
		c.Forget(passwordName, id)
		c.Put(losses.Key(id), Lost{
			ID: w.ID, Name: w.Name, OrgID: w.OrgID, CentreID: w.CentreID, ClusterID: w.ClusterID, Claims: w.Claims, Token: w.Token,
			Created: w.Created, Expires: w.Expires, At: d.Now,
		})
		return c, nil
	})
}
