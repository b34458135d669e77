package tenant

import (
	"strings"
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
)

// Kind says what an org is.
type Kind string

// The kinds. Operators are roots; resellers stand below operators and
// resellers; customers are leaves; providers are clouds' commercial parties,
// which belong to a root and stand outside its sale tree.
const (
	KindOperator Kind = "operator"
	KindReseller Kind = "reseller"
	KindProvider Kind = "provider"
	KindCustomer Kind = "customer"
)

// OrgState says whether an org takes part.
type OrgState string

// The states. Nobody signs in at a suspended org; a deleted one is gone for
// every read.
const (
	OrgActive    OrgState = "active"
	OrgSuspended OrgState = "suspended"
	OrgDeleted   OrgState = "deleted"
)

// Org is a legal party.
type Org struct {
	ID       string
	Kind     Kind
	ParentID string   // empty for operators and providers
	RootID   string   // the operator that the org belongs to; its own id for an operator
	Path     []string // root … the org itself; [root, itself] for a provider
	Profile
	State   OrgState
	Created time.Time
	Updated time.Time
}

// Profile is what an org says of itself and how it works.
type Profile struct {
	Name           string
	Contact        string
	Phone          string
	Email          string
	ProvinceID     string
	CityID         string
	DistrictID     string
	Address        string
	MainBusiness   string
	OrgCode        string // organisation code of the register
	LicenceImage   string // reference to a stored document
	IdentityImage  string // reference to a stored document
	PaymentAccount string
	TimeZone       string // IANA name; days and periods of the org begin by it
	Currency       money.Currency
	FloorPolicy    pricing.Policy
}

// Seller is what an org may know of the org that sells to it.
type Seller struct {
	ID   string
	Name string
}

// The orgs' indexes.
const (
	orgsByAncestor = "ancestor" // (each org of the path, name, id)
	orgsByParent   = "parent"   // (parent, name, id); providers count below their root

	orgsByAncestorCreated = "ancestor_created" // (each org of the path, id)
	orgsByParentCreated   = "parent_created"   // (parent, id), deleted ones too: they move with the tree
)

func newOrgs() *store.Collection[Org] {
	return store.NewCollection("org", func(o *Org) string { return o.ID },
		store.Index[Org]{Name: orgsByAncestor, Keys: func(o *Org) [][]byte {
			if o.State == OrgDeleted {
				return nil
			}
			keys := make([][]byte, 0, len(o.Path))
			for _, above := range o.Path {
				keys = append(keys, store.Key(above, strings.ToLower(o.Name), o.ID))
			}
			return keys
		}},
		store.Index[Org]{Name: orgsByAncestorCreated, Keys: func(o *Org) [][]byte {
			if o.State == OrgDeleted {
				return nil
			}
			keys := make([][]byte, 0, len(o.Path))
			for _, above := range o.Path {
				keys = append(keys, store.Key(above, o.ID))
			}
			return keys
		}},
		store.Index[Org]{Name: orgsByParent, Keys: func(o *Org) [][]byte {
			if o.State == OrgDeleted || len(o.Path) < 2 {
				return nil
			}
			return [][]byte{store.Key(o.Path[len(o.Path)-2], strings.ToLower(o.Name), o.ID)}
		}},
		store.Index[Org]{Name: orgsByParentCreated, Keys: func(o *Org) [][]byte {
			if len(o.Path) < 2 {
				return nil
			}
			return [][]byte{store.Key(o.Path[len(o.Path)-2], o.ID)}
		}},
	)
}

// Reindex writes the indexes of all orgs and users anew, for a migration.
func Reindex(tx store.Tx) error {
	if err := newOrgs().Reindex(tx); err != nil {
		return err
	}
	return newUsers().Reindex(tx)
}
