package pricing

import "tradewind.example/core/money"

// Policy is what an organisation does when its own margin would be negative.
type Policy string

// The policies. An organisation without one blocks.
const (
	PolicyBlock   Policy = "block"   // refuse the sale
	PolicyWarn    Policy = "warn"    // go on and say so
	PolicyApprove Policy = "approve" // ask first
)

// Breach is a negative margin and what its organisation wants done about it.
type Breach struct {
	Org    string
	Margin money.Amount // negative
	Policy Policy
}

// Guard returns the organisations whose margin is negative, top of the chain
// first. An unknown or empty policy counts as block.
func Guard(r Result, policy func(org string) Policy) []Breach {
	var breaches []Breach
	for _, m := range r.Margins {
		if m.Amount >= 0 {
			continue
		}
		p := policy(m.Org)
		if p != PolicyWarn && p != PolicyApprove {
			p = PolicyBlock
		}
		breaches = append(breaches, Breach{Org: m.Org, Margin: m.Amount, Policy: p})
	}
	return breaches
}
