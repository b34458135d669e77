package money

import (
	"errors"

	"tradewind.example/sdk/fault"
)

var (
	// ErrSyntax is wrapped when a text is not a plain decimal number, or has
	// more decimals than allowed.
	ErrSyntax = errors.New("not a plain decimal number")
	// ErrRange is wrapped when a result does not fit. It is never cut or rounded instead.
	ErrRange = errors.New("number out of range")
	// ErrCurrency is wrapped when a currency is not in the table.
	ErrCurrency = errors.New("currency is not known")
)

func syntaxError(format string, args ...any) error {
	return fault.New(fault.ClassInvalid, format, args...).With(ErrSyntax)
}

func rangeError(format string, args ...any) error {
	return fault.New(fault.ClassInvalid, format, args...).With(ErrRange)
}
