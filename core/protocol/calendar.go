package protocol

import (
	"time"

	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
)

// TemplateTx returns the settle-date template of the pair's protocol in force
// at an instant, "" when there is none. Of several protocols, one for each sale
// mode, discount goes before rebate before floor. It checks no rights.
func (s *Service) TemplateTx(r store.Reader, seller, buyer string, at time.Time) (string, error) {
	for _, mode := range []pricing.Mode{pricing.ModeDiscount, pricing.ModeRebate, pricing.ModeFloor} {
		template := ""
		q := store.Query{Index: protocolsByMode, Prefix: store.Key(seller, buyer, mode), Reverse: true, Limit: store.NoLimit}
		err := s.protocols.Each(r, q, func(d store.Doc[Protocol]) error {
			p := d.Value
			if at.Before(p.Start) || !p.End.IsZero() && !at.Before(p.End) {
				return nil
			}
			template = p.Template
			return store.Stop
		})
		if err != nil || template != "" {
			return template, err
		}
	}
	return "", nil
}
