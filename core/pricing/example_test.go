package pricing_test

import (
	"fmt"

	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
)

// A reseller that works for a commission: the customer's price passes through
// it, and it gets 8 % back.
func ExamplePrice() {
	decimal := func(s string) money.Decimal {
		d, err := money.ParseDecimal(s)
		if err != nil {
			fmt.Println(err)
		}
		return d
	}
	r, err := pricing.Price(pricing.Input{
		Currency: money.CNY, List: decimal("3000.00"), Quantity: 3, Periods: 1,
		Legs: []pricing.Terms{
			{Seller: "cloud", Buyer: "operator", Mode: pricing.ModeDiscount, Rate: decimal("0.60")},
			{Seller: "operator", Buyer: "reseller", Mode: pricing.ModeRebate, Rate: decimal("0.08")},
			{Seller: "reseller", Buyer: "customer", Mode: pricing.ModeDiscount, Rate: decimal("0.90")},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("cloud", r.ProviderNet.Format(money.CNY))
	for _, m := range r.Margins {
		fmt.Println(m.Org, m.Amount.Format(money.CNY))
	}
	fmt.Println("customer pays", r.CustomerPrice.Format(money.CNY))
	fmt.Println("legs the customer sees:", len(r.View("customer").Legs))
	// Output:
	// cloud 1800.00
	// operator 684.00
	// reseller 216.00
	// customer pays 2700.00
	// legs the customer sees: 1
}
