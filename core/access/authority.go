package access

import (
	"fmt"
	"slices"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// Directory tells the Authority where orgs stand. Package tenant implements it.
type Directory interface {
	// PathTx returns the path root … org. An org that never existed is a not_found.
	PathTx(r store.Reader, org string) ([]string, error)
	// AssignedTx returns the direct buyers assigned to a user.
	AssignedTx(r store.Reader, user string) ([]string, error)
}

// Config is what an Authority needs.
type Config struct {
	Directory Directory
	// Home returns the root that runs the broker: the rights of [Right.OfBroker]
	// are its users' alone. Nil: of every root.
	Home func(r store.Reader) (string, error)
}

// Authority answers whether a caller may do something.
type Authority struct {
	dir    Directory
	home   func(store.Reader) (string, error)
	rights map[Right][roleCount]Extent
	column map[Role]int
}

// New returns the Authority over the table of rights.
func New(cfg Config) (*Authority, error) {
	if cfg.Directory == nil {
		return nil, fmt.Errorf("access: a directory is required")
	}
	a := &Authority{dir: cfg.Directory, home: cfg.Home, rights: map[Right][roleCount]Extent{}, column: map[Role]int{}}
	for _, row := range Table() {
		a.rights[row.Right] = row.Extents
	}
	for i, role := range Roles() {
		a.column[role] = i
	}
	return a, nil
}

// Target is the thing a right is asked for.
type Target struct {
	OrgID string // whose thing it is
	Thing string // what a not_found calls it: "order"
	ID    string // its id; empty for "a new one" or "the list" of OrgID
	// Unnamed: not the request names the org, but where the caller stands. A
	// refusal does not name it either: a root is above most sellers.
	Unnamed bool
}

// Check returns nil when the caller has the right over the target's org.
// Outside the caller's reach of reading it is the not_found of a missing id;
// inside, a forbidden.
func (a *Authority) Check(r store.Reader, c Caller, right Right, t Target) error {
	path, err := a.path(r, c, t.OrgID)
	if fault.Is(err, fault.ClassNotFound) {
		return missing(right, t)
	}
	if err != nil {
		return fmt.Errorf("looking up the org of %s %q: %w", t.Thing, t.ID, err)
	}
	ok, err := a.gives(r, c, right, path)
	if err != nil || ok {
		return err
	}
	readable, err := a.gives(r, c, readingOf(right, t), path)
	switch {
	case err != nil:
		return err
	case readable:
		return fault.Forbidden("your roles do not give the right %s here", right)
	default:
		return missing(right, t)
	}
}

// gives reports whether the caller has the right over the org of a path.
func (a *Authority) gives(r store.Reader, c Caller, right Right, path []string) (bool, error) {
	ok, err := a.admits(r, c, right, path)
	if !ok || err != nil {
		return false, err
	}
	return a.runs(r, c, right)
}

// runs reports whether the caller's root may use a right over the whole broker;
// other rights end at the root by themselves.
func (a *Authority) runs(r store.Reader, c Caller, right Right) (bool, error) {
	if a.home == nil || !right.OfBroker() {
		return true, nil
	}
	home, err := a.home(r)
	return home == c.RootID, err
}

// CheckAny is Check for a thing between several orgs (seller and buyer of a
// bill): one that admits the caller is enough. Its refusal is that of the org
// that the caller can see, else a not_found.
func (a *Authority) CheckAny(r store.Reader, c Caller, right Right, t Target, orgs ...string) error {
	refusal := missing(right, t)
	for _, org := range orgs {
		t.OrgID = org
		err := a.Check(r, c, right, t)
		if err == nil {
			return nil
		}
		if !fault.Is(err, fault.ClassNotFound) {
			refusal = err
		}
	}
	return refusal
}

// Has reports whether the caller has the right anywhere at all.
func (a *Authority) Has(c Caller, right Right) bool { return a.extent(c, right) != 0 }

// Extent returns over which orgs the caller has the right.
func (a *Authority) Extent(c Caller, right Right) Extent { return a.extent(c, right) }

// Rights lists the caller's rights in the order of the table.
func (a *Authority) Rights(c Caller) []Right {
	var out []Right
	for _, row := range Table() {
		if a.Has(c, row.Right) {
			out = append(out, row.Right)
		}
	}
	return out
}

func (a *Authority) extent(c Caller, right Right) Extent {
	if c.RootID == "" || len(c.Path) == 0 {
		return 0
	}
	row, known := a.rights[right]
	if !known {
		return 0
	}
	if c.System {
		return All
	}
	if c.Scopes != nil && !slices.Contains(c.Scopes, right) {
		return 0
	}
	var e Extent
	for _, role := range c.Roles {
		if i, ok := a.column[role]; ok {
			e |= row[i]
		}
	}
	if c.OrgID != c.RootID {
		e &^= All // an auditor of a reseller audits the reseller
	}
	return e
}

func (a *Authority) path(r store.Reader, c Caller, org string) ([]string, error) {
	if org != "" && org == c.OrgID {
		return c.Path, nil
	}
	return a.dir.PathTx(r, org)
}

func (a *Authority) admits(r store.Reader, c Caller, right Right, path []string) (bool, error) {
	reach, err := a.reach(r, c, right)
	return err == nil && reach.Admits(path), err
}

// readingOf returns the right that tells a forbidden from a not_found. Who
// asks for a new thing or a list names an org, so reading the org decides.
func readingOf(right Right, t Target) Right {
	if t.ID == "" {
		return OrgRead
	}
	return right.Reading()
}

func missing(right Right, t Target) error {
	if t.Unnamed && t.ID == "" {
		return fault.Forbidden("your roles do not give the right %s", right)
	}
	if t.ID == "" {
		return fault.NotFound("org", t.OrgID)
	}
	return fault.NotFound(t.Thing, t.ID)
}
