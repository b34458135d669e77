package access

import (
	"fmt"
	"slices"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// Reach is the set of orgs over which a caller has a right; lists scan by it.
type Reach struct {
	Org       string          // the org whose index to scan
	Path      []string        // root … Org
	Subtree   bool            // orgs below Org count too
	Customers map[string]bool // only these orgs; nil: no such restriction
}

// Reach returns the orgs over which the caller has the right; a forbidden when
// it has the right nowhere.
func (a *Authority) Reach(r store.Reader, c Caller, right Right) (Reach, error) {
	if !a.Has(c, right) {
		return Reach{}, fault.Forbidden("your roles do not give the right %s", right)
	}
	return a.reach(r, c, right)
}

// reach is Reach with the empty Reach, which admits nothing, for no right.
func (a *Authority) reach(r store.Reader, c Caller, right Right) (Reach, error) {
	e := a.extent(c, right)
	switch {
	case e&All != 0:
		return Reach{Org: c.RootID, Path: []string{c.RootID}, Subtree: true}, nil
	case e&Subtree != 0:
		return Reach{Org: c.OrgID, Path: c.Path, Subtree: true}, nil
	case e&Customers != 0:
		return a.customers(r, c, e)
	case e&Own != 0:
		return Reach{Org: c.OrgID, Path: c.Path}, nil
	default:
		return Reach{}, nil
	}
}

func (a *Authority) customers(r store.Reader, c Caller, e Extent) (Reach, error) {
	assigned, err := a.dir.AssignedTx(r, c.UserID)
	if err != nil {
		return Reach{}, fmt.Errorf("reading the customers of user %q: %w", c.UserID, err)
	}
	only := make(map[string]bool, len(assigned)+1)
	for _, id := range assigned {
		only[id] = true
	}
	if e&Own != 0 {
		only[c.OrgID] = true
	}
	return Reach{Org: c.OrgID, Path: c.Path, Subtree: true, Customers: only}, nil
}

// Admits reports whether the org at the end of the path is within the reach.
// Named customers count only while they are direct buyers of Org: a sale
// further down is not the caller's to see.
func (x Reach) Admits(orgPath []string) bool {
	n := len(x.Path)
	if n == 0 || len(orgPath) < n || !slices.Equal(orgPath[:n], x.Path) {
		return false
	}
	switch {
	case x.Customers != nil:
		return len(orgPath) <= n+1 && x.Customers[orgPath[len(orgPath)-1]]
	case x.Subtree:
		return true
	default:
		return len(orgPath) == n
	}
}

// Within reports whether an org is within a reach where it stands now: a path
// that was stored with a thing of its may be older than a move.
func (a *Authority) Within(r store.Reader, x Reach, org string) (bool, error) {
	path, err := a.dir.PathTx(r, org)
	if err != nil {
		return false, fmt.Errorf("looking up where org %q stands: %w", org, err)
	}
	return x.Admits(path), nil
}
