package money

import "tradewind.example/sdk/fault"

// Currency is an ISO 4217 code in capitals. Only codes of the table below are
// known, because an unknown number of decimals would misread every amount.
type Currency string

// CNY is the default currency of an organisation.
const CNY Currency = "CNY"

// ParseCurrency returns s as a currency, ErrCurrency when it is not known.
func ParseCurrency(s string) (Currency, error) {
	c := Currency(s)
	return c, c.check()
}

// Valid reports whether the currency is known.
func (c Currency) Valid() bool {
	_, ok := c.digits()
	return ok
}

// Digits is the number of decimals of the currency's minor unit, 0 when the
// currency is not known; see Valid.
func (c Currency) Digits() int {
	n, _ := c.digits()
	return n
}

func (c Currency) check() error {
	if c.Valid() {
		return nil
	}
	return fault.New(fault.ClassInvalid, "currency %q is not known; use an ISO 4217 code such as CNY", truncate(string(c))).With(ErrCurrency)
}

func (c Currency) digits() (int, bool) {
	switch c {
	case CNY, "USD", "EUR", "HKD", "GBP", "SGD", "TWD", "MOP", "AUD", "CAD", "CHF", "NZD",
		"THB", "MYR", "IDR", "PHP", "INR", "AED", "SAR", "BRL", "MXN", "ZAR", "TRY", "RUB",
		"DKK", "NOK", "SEK", "PLN", "CZK", "HUF", "ILS", "KZT":
		return 2, true
	case "JPY", "KRW", "VND", "CLP":
		return 0, true
	case "KWD", "BHD", "OMR", "JOD", "TND":
		return 3, true
	}
	return 0, false
}

// truncate keeps foreign input in messages short.
func truncate(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
