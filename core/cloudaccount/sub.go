package cloudaccount

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/provider"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// SubAccount is an account below that of an enablement, made for an org.
type SubAccount struct {
	ID              string
	RootID          string
	EnablementID    string // whose account it is below
	ProviderID      string
	ForOrg          string // whose sub-account it is
	VendorID        string // the cloud's id
	Name            string
	Settings        map[string]string `json:",omitzero"` // for an enablement that uses it
	CredentialNames []string          `json:",omitzero"` // sorted; the values are sealed and never shown
	Sealed          []byte            `json:",omitzero"`
	Created         time.Time
	Updated         time.Time
}

func newSubs() *store.Collection[SubAccount] {
	return store.NewCollection("sub_account", func(v *SubAccount) string { return v.ID },
		store.Index[SubAccount]{Name: "enablement", Keys: func(v *SubAccount) [][]byte {
			return [][]byte{store.Key(v.EnablementID, v.ID)}
		}},
		store.Index[SubAccount]{Name: "vendor", Unique: true, Keys: func(v *SubAccount) [][]byte {
			return [][]byte{store.Key(v.EnablementID, v.VendorID)}
		}})
}

// SubAccountInput makes an account below that of an enablement.
type SubAccountInput struct {
	EnablementID   string
	ForOrg         string // the enablement's own org or one below it; "" is its own
	Name           string
	Email          string
	IdempotencyKey string
}

// Validate returns every wrong field.
func (in SubAccountInput) Validate() error {
	var p problems
	p.Text("name", in.Name, 1, MaxName)
	p.Text("email", in.Email, 0, MaxName)
	p.key(in.IdempotencyKey)
	return p.Err()
}

// MakeSubAccount makes a sub-account, unless the cloud has one of the name. It
// is stored with its token and carried out by a job; the answer is the change as
// far as it is after a bounded time. Its credentials are kept sealed.
func (s *Service) MakeSubAccount(ctx context.Context, c access.Caller, in SubAccountInput) (Change, error) {
	if err := in.Validate(); err != nil {
		return Change{}, err
	}
	return s.change(ctx, c, request{enablement: in.EnablementID, verb: VerbSubAccount, key: in.IdempotencyKey, in: in}, func(tx store.Tx, v *Change) error {
		v.ForOrg, v.Name, v.Email = in.ForOrg, in.Name, in.Email
		if v.ForOrg == "" {
			v.ForOrg = v.OrgID
		}
		path, err := s.cfg.Directory.PathTx(tx, v.ForOrg)
		if err != nil {
			return err
		}
		if !slices.Contains(path, v.OrgID) {
			return fault.NotFound("org", v.ForOrg)
		}
		return nil
	})
}

// keepSub stores a sub-account that the cloud made or found. What it tells
// without keys was made before: the keys that are kept stay.
func (s *Service) keepSub(tx store.Tx, v *Change, sub *contract.SubAccount) error {
	if sub.ID == "" || len(sub.ID) > MaxID {
		return fault.Internal(nil, "the plugin tells a sub-account whose id has not 1 to %d bytes", MaxID).From(fault.SourcePlugin)
	}
	e, err := s.cfg.Accounts.EnablementTx(tx, v.RootID, v.EnablementID)
	if err != nil {
		return err
	}
	d, found, err := s.subs.By(tx, "vendor", store.Key(v.EnablementID, sub.ID))
	if err != nil {
		return err
	}
	row := d.Value
	if !found {
		row = SubAccount{
			ID: id.New(), RootID: v.RootID, EnablementID: v.EnablementID, ProviderID: e.ProviderID, ForOrg: v.ForOrg,
			VendorID: sub.ID, Name: sub.Name, Created: s.cfg.Clock.Now(),
		}
	}
	if row.ForOrg != v.ForOrg {
		return fault.Conflict("the sub-account %q is another org's: choose another name", sub.ID)
	}
	row.Settings, row.Updated = maps.Clone(sub.Settings), s.cfg.Clock.Now()
	if len(sub.Credentials) > 0 {
		if err := s.sealSub(&row, sub); err != nil {
			return err
		}
	}
	v.SubAccountID = row.ID
	if !found {
		_, err = s.subs.Insert(tx, row)
		return err
	}
	_, err = s.subs.Update(tx, row, d.Rev)
	return err
}

func (s *Service) sealSub(row *SubAccount, sub *contract.SubAccount) error {
	text, err := plain(sub)
	if err != nil {
		return err
	}
	if row.Sealed, err = s.cfg.Sealer.Seal(text, sealContext(row.ID)); err != nil {
		return fmt.Errorf("sealing the credentials of sub-account %q: %w", row.ID, err)
	}
	row.CredentialNames = slices.Sorted(maps.Keys(sub.Credentials))
	return nil
}

func sealContext(subID string) []byte { return []byte("sub_account/" + subID) }

// SubAccounts returns one page of the accounts below that of an enablement.
func (s *Service) SubAccounts(ctx context.Context, c access.Caller, in ListInput) (Page[SubAccount], error) {
	in.From, in.To = time.Time{}, time.Time{}
	return list(ctx, s, c, s.subs, in, in.query("enablement"), nil)
}

// EnableInput has an org order with a sub-account that was made for it.
type EnableInput struct {
	SubAccountID string
	CoversAll    bool
}

// Enable enables the provider for the org that the sub-account was made for,
// with the credentials that are kept. Who may do that is decided by package
// provider, as for any other account of the org's own.
func (s *Service) Enable(ctx context.Context, c access.Caller, in EnableInput) (provider.Enablement, error) {
	var v SubAccount
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		d, err := s.subs.Get(r, in.SubAccountID)
		if err != nil {
			return err
		}
		v = d.Value
		return s.cfg.Authority.Check(r, c, access.EnablementWrite, access.Target{OrgID: v.ForOrg, Thing: "sub_account", ID: v.ID})
	})
	if err != nil {
		return provider.Enablement{}, err
	}
	if len(v.Sealed) == 0 {
		return provider.Enablement{}, fault.Precondition("the sub-account has no credentials of its own: its account's enablement serves it")
	}
	text, err := s.cfg.Sealer.Open(v.Sealed, sealContext(v.ID))
	if err != nil {
		return provider.Enablement{}, fmt.Errorf("opening the credentials of sub-account %q: %w", v.ID, err)
	}
	var all map[string]string
	if err := json.Unmarshal(text, &all); err != nil {
		return provider.Enablement{}, fault.Internal(nil, "the credentials of sub-account %q cannot be read", v.ID)
	}
	credentials := make(map[string]secret.Value, len(all))
	for k, text := range all {
		credentials[k] = secret.New(text)
	}
	return s.cfg.Accounts.Enable(ctx, c, provider.EnableInput{
		ProviderID: v.ProviderID, OrgID: v.ForOrg, CoversAll: in.CoversAll, Credentials: credentials, Settings: maps.Clone(v.Settings),
	})
}

const resealBatch = 100

// Reseal seals credentials again that are not sealed with the present key, and
// returns how many. It is for key rotation; repeating it does no harm.
func (s *Service) Reseal(ctx context.Context) (int, error) {
	done, cursor := 0, ""
	for {
		n, next, err := s.resealPage(ctx, cursor)
		done += n
		if err != nil || next == "" {
			return done, err
		}
		cursor = next
	}
}

func (s *Service) resealPage(ctx context.Context, cursor string) (n int, next string, err error) {
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		page, err := s.subs.List(tx, store.Query{Cursor: cursor, Limit: resealBatch})
		if err != nil {
			return err
		}
		n, next = 0, page.Next
		for _, d := range page.Items {
			if len(d.Value.Sealed) == 0 {
				continue
			}
			fresh, changed, err := s.cfg.Sealer.Reseal(d.Value.Sealed, sealContext(d.Value.ID))
			if err != nil {
				return fmt.Errorf("sealing the credentials of sub-account %q again: %w", d.Value.ID, err)
			}
			if !changed {
				continue
			}
			d.Value.Sealed = fresh
			if _, err := s.subs.Update(tx, d.Value, d.Rev); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, next, err
}
