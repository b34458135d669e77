// Package bundle keeps the combinations that the operator sells ready-made: a
// name and a workload with its basket, on one cluster. What is not ready-made a
// customer puts together of the centre's parts; that needs no row.
//
// A [Book] is safe for concurrent use; its rows are in the broker's storage.
package bundle

import (
	"context"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
)

// Spec is what the operator says of a bundle.
type Spec struct {
	CentreID  string        `json:"centre_id,omitempty" title:"Centre" doc:"The call's region goes before it"`
	ClusterID string        `json:"cluster_id,omitempty" title:"Cluster" doc:"The call's zone goes before it"`
	Name      string        `json:"name" required:"true" min:"1" max:"128" title:"Name"`
	Note      string        `json:"spec_note" required:"true" min:"1" max:"512" title:"What it is"`
	Workload  workload.Spec `json:"workload" required:"true" title:"What is sold"`
}

// Bundle is one combination, as it is kept and shown.
type Bundle struct {
	ID        string        `json:"id" title:"Bundle"`
	CentreID  string        `json:"centre_id" title:"Centre"`
	ClusterID string        `json:"cluster_id" title:"Cluster"`
	Name      string        `json:"name" title:"Name"`
	Note      string        `json:"spec_note" title:"What it is"`
	Workload  workload.Spec `json:"workload" title:"What is sold"`
	Token     string        `json:"token" title:"Token it was made with"`
	Created   time.Time     `json:"created" title:"Made"`
	Updated   time.Time     `json:"updated" title:"Changed"`
}

// Book is the bundles of one account.
type Book struct {
	Area   area.Area
	Now    time.Time // by the broker's clock
	Images []string  // that may be run
}

var bundles = area.Table[Bundle]{Name: "bundle"}

// Add makes a bundle, once per token. check runs in the change, and may add to it.
func (b Book) Add(ctx context.Context, token string, s Spec, check func(context.Context, *area.Change) error) (Bundle, error) {
	if token == "" {
		return Bundle{}, fault.Invalid("token", "a create needs a token")
	}
	if _, err := s.Workload.Complete(b.Images); err != nil {
		return Bundle{}, err
	}
	v := Bundle{
		ID: area.IDOf("bundle", token), CentreID: s.CentreID, ClusterID: s.ClusterID, Name: s.Name, Note: s.Note, Workload: s.Workload,
		Token: token, Created: b.Now, Updated: b.Now,
	}
	err := b.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		if old, err := bundles.Find(ctx, b.Area, v.ID); err != nil || old.Revision != 0 {
			return c, err
		}
		c.Once("create-bundle", token)
		c.Replace(bundles.Key(v.ID), 0, v)
		return c, check(ctx, &c)
	})
	if err != nil {
		return Bundle{}, err
	}
	made, err := bundles.Get(ctx, b.Area, v.ID)
	if fault.Is(err, fault.ClassNotFound) {
		return Bundle{}, fault.Precondition("what this token made was removed since")
	}
	return made.Value, err
}

// Bundle returns one bundle.
func (b Book) Bundle(ctx context.Context, id string) (Bundle, error) {
	row, err := bundles.Get(ctx, b.Area, id)
	return row.Value, err
}

// Find returns what a token made; ok is false for nothing.
func (b Book) Find(ctx context.Context, token string) (Bundle, bool, error) {
	row, err := bundles.Find(ctx, b.Area, area.IDOf("bundle", token))
	return row.Value, row.Revision != 0, err
}

// Bundles yields the bundles of a centre and a cluster, "" of all, by id.
func (b Book) Bundles(ctx context.Context, centreID, clusterID string, yield func(Bundle) error) error {
	return bundles.Each(ctx, b.Area, func(r area.Row[Bundle]) error {
		if centreID != "" && r.Value.CentreID != centreID || clusterID != "" && r.Value.ClusterID != clusterID {
			return nil
		}
		return yield(r.Value)
	})
}

// Update changes a bundle's name, note and workload; what was sold stays.
func (b Book) Update(ctx context.Context, id string, s Spec) (Bundle, error) {
	if _, err := s.Workload.Complete(b.Images); err != nil {
		return Bundle{}, err
	}
	var out Bundle
	err := b.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		row, err := bundles.Get(ctx, b.Area, id)
		if err != nil {
			return c, err
		}
		out = row.Value
		if s.ClusterID != "" && s.ClusterID != out.ClusterID {
			return c, fault.Invalid("spec.cluster_id", "cannot be changed: make another bundle")
		}
		out.Name, out.Note, out.Workload, out.Updated = s.Name, s.Note, s.Workload, b.Now
		c.Replace(bundles.Key(id), row.Revision, out)
		return c, nil
	})
	return out, err
}

// Remove removes a bundle; one that is gone is fine.
func (b Book) Remove(ctx context.Context, id string) error {
	return b.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		c.Delete(bundles.Key(id))
		return c, nil
	})
}

// RemoveOf removes the bundles of a cluster that goes.
func (b Book) RemoveOf(ctx context.Context, clusterID string) error {
	var ids []string
	if err := b.Bundles(ctx, "", clusterID, func(v Bundle) error { ids = append(ids, v.ID); return nil }); err != nil {
		return err
	}
	for _, id := range ids {
		if err := b.Remove(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
