package v1

import contract "tradewind.example/sdk/provider"

// Term is how long and how many.
type Term struct {
	Billing  string `json:"billing,omitempty" enum:"prepaid,postpay,once" default:"prepaid" doc:"How time is paid"`
	Period   string `json:"period,omitempty" enum:"hour,day,month,year,none" default:"month" doc:"Unit of the term"`
	Periods  int    `json:"periods,omitempty" minimum:"1" maximum:"120" default:"1" doc:"Number of periods"`
	Quantity int    `json:"quantity,omitempty" minimum:"1" maximum:"100" default:"1" doc:"Number of resources"`
}

func (t Term) contract() contract.Term {
	return contract.Term{Billing: contract.BillingMethod(t.Billing), Period: contract.Period(t.Period), Periods: t.Periods, Quantity: t.Quantity}
}

func termOf(t contract.Term) Term {
	return Term{Billing: string(t.Billing), Period: string(t.Period), Periods: t.Periods, Quantity: t.Quantity}
}
