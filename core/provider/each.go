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
