package provider

import "tradewind.example/core/store"

// EachProviderTx streams the active providers of all roots to scheduled work.
// It checks no rights.
func (s *Service) EachProviderTx(r store.Reader, fn func(Provider) error) error {
	return s.rows.providers.Each(r, store.Query{Limit: store.NoLimit}, func(d store.Doc[Provider]) error {
		if d.Value.State != StateActive {
			return nil
		}
		p := d.Value
		p.Rev = d.Rev
		return fn(p)
	})
}

// BehindTx returns the ids of a root's providers that a plugin speaks for, also
// of those that are not active: what was bought there is still there. It checks
// no rights.
func (s *Service) BehindTx(r store.Reader, plugin, rootID string) (ids []string, err error) {
	q := store.Query{Index: "plugin", Prefix: store.Key(plugin), Limit: store.NoLimit}
	err = s.rows.providers.Each(r, q, func(d store.Doc[Provider]) error {
		if d.Value.RootID == rootID {
			ids = append(ids, d.Value.ID)
		}
		return nil
	})
	return ids, err
}

// EachEnablementTx streams the enablements that hold an account of their own
// and are in use, of all roots, to scheduled work. It checks no rights.
func (s *Service) EachEnablementTx(r store.Reader, fn func(Enablement) error) error {
	return s.rows.enablements.Each(r, store.Query{Limit: store.NoLimit}, func(d store.Doc[account]) error {
		e := d.Value.Enablement
		if e.Shared || e.State != StateActive && e.State != StateDisabled {
			return nil
		}
		e.Rev = d.Rev
		return fn(e)
	})
}

// EnablementTx returns an enablement of a root; one of another root does not
// exist. It checks no rights.
func (s *Service) EnablementTx(r store.Reader, rootID, enablementID string) (Enablement, error) {
	a, err := s.rows.accountIn(r, rootID, enablementID)
	if err != nil {
		return Enablement{}, err
	}
	return a.Enablement, nil
}
