package sim

import "time"

// Sign lets the external tests reach the signature of flat parameters.
func Sign(params map[string]string, key string) string {
	raw := make(map[string]any, len(params))
	for k, v := range params {
		raw[k] = v
	}
	return sign(raw, key)
}

// Pending tells whether commits wait in memory, for invariants.
func (c *Cloud) Pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.tx.empty()
}

// BillSum adds the amounts of all bill items of an account.
func (c *Cloud) BillSum(name string) Fen {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum Fen
	for _, b := range c.byName[name].bills {
		sum += b.Amount
	}
	return sum
}

// AddMonths is the calendar of prepaid terms.
func AddMonths(t time.Time, n int) time.Time { return addMonths(t, n) }

// FirstHost is the id of the oldest living host with a tag, or empty.
func (c *Cloud) FirstHost(tag string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.scopes {
		for _, h := range s.byTag[tag] {
			return h.ID
		}
	}
	return ""
}

// ParseRule lets the fuzz test reach the parser of rules.
func ParseRule(text string) { _, _ = parseRule(text) }
