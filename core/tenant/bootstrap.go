package tenant

import (
	"context"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant/password"
)

// The defaults of a root.
const (
	defaultLogin    = "admin"
	defaultTimeZone = "Asia/Shanghai"
)

// Bootstrap makes the first root with its superadmin on an empty store. On any
// other store it changes nothing and answers Created false.
func (s *Service) Bootstrap(ctx context.Context, in RootInput) (Root, error) {
	empty, err := s.empty(ctx)
	if err != nil || !empty {
		return Root{}, err
	}
	return s.createRoot(ctx, in, true)
}

// CreateRoot makes a further root: a world of its own beside the others. It
// asks nobody's right; only whoever runs the broker may call it.
func (s *Service) CreateRoot(ctx context.Context, in RootInput) (Root, error) {
	return s.createRoot(ctx, in, false)
}

func (s *Service) empty(ctx context.Context) (bool, error) {
	empty := true
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		empty, err = s.emptyTx(r)
		return err
	})
	return empty, err
}

func (s *Service) emptyTx(r store.Reader) (bool, error) {
	empty := true
	err := s.orgs.Each(r, store.Query{Limit: 1}, func(store.Doc[Org]) error {
		empty = false
		return nil
	})
	return empty, err
}

func (s *Service) createRoot(ctx context.Context, in RootInput, onlyFirst bool) (Root, error) {
	root, err := s.newRoot(in)
	if err != nil {
		return Root{}, err
	}
	hash, err := s.hasher.Hash(ctx, root.Password)
	if err != nil {
		return Root{}, err
	}
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		root.Created = false
		if empty, err := s.emptyTx(tx); err != nil || onlyFirst && !empty {
			return err
		}
		root.Created = true
		return s.insertRoot(tx, root, hash)
	})
	if err != nil || !root.Created {
		return Root{}, err
	}
	return root, nil
}

// FirstRootTx returns the root that the first start made, whose people run the
// broker; "" on an empty store. Ids are ordered by time and the first root is
// the first org of all.
func (s *Service) FirstRootTx(r store.Reader) (string, error) {
	first := ""
	err := s.orgs.Each(r, store.Query{Limit: 1}, func(d store.Doc[Org]) error {
		first = d.Value.RootID
		return nil
	})
	return first, err
}

func (s *Service) newRoot(in RootInput) (Root, error) {
	orString(&in.Login, defaultLogin)
	orString(&in.TimeZone, defaultTimeZone)
	orString(&in.Currency, money.CNY)
	now, orgID := s.cfg.Clock.Now(), id.New()
	org := Org{ID: orgID, Kind: KindOperator, RootID: orgID, Path: []string{orgID}, State: OrgActive, Created: now, Updated: now,
		Profile: Profile{Name: in.OperatorName, TimeZone: in.TimeZone, Currency: in.Currency, FloorPolicy: pricing.PolicyBlock}}
	u := User{ID: id.New(), OrgID: orgID, RootID: orgID, Login: normalLogin(in.Login), Name: in.Login,
		Roles: []access.Role{access.RoleSuperadmin}, State: UserActive, Created: now, Updated: now}
	var ch checks
	ch.profile(org.Profile)
	ch.login("login", u.Login)
	if err := ch.err(); err != nil {
		return Root{}, err
	}
	pass, err := password.Generate()
	return Root{Org: org, User: u, Password: pass}, err
}

func (s *Service) insertRoot(tx store.Tx, root Root, hash string) error {
	if _, err := s.orgs.Insert(tx, root.Org); err != nil {
		return err
	}
	c := access.System(root.Org.ID)
	err := s.record(tx, c, change{action: access.OrgCreate, org: root.Org.ID, root: root.Org.ID,
		thing: "org", id: root.Org.ID, after: root.Org})
	if err != nil {
		return err
	}
	_, err = s.insertUser(tx, c, root.User, hash)
	return err
}
