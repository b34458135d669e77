// Package price computes what parts of a compute centre cost for a time. It is
// arithmetic alone: no stock is taken, nothing is stored, and no clock is read.
//
// All of it is exact: amounts are whole numbers of a type's smallest unit, rates
// and subtotals are fractions, and only what is shown is rounded, to two places,
// half away from zero. Values are immutable and safe for concurrent use.
package price

import (
	"math/big"
	"strings"

	"tradewind.example/sdk/fault"
)

// Type is what a part is.
type Type string

// The types of parts.
const (
	CPU    Type = "cpu"
	Memory Type = "memory"
	Disk   Type = "disk"
	GPU    Type = "gpu"
)

// Unit is what amounts of a part are counted in.
type Unit string

// The units of amounts.
const (
	Core  Unit = "核"
	Milli Unit = "m" // a thousandth of a core
	Mi    Unit = "Mi"
	Gi    Unit = "Gi"
	Card  Unit = "卡"
)

// MaxAmount bounds one amount, in any unit, so that no sum can overflow.
const MaxAmount = 1_000_000_000

// factors say how many of a type's smallest unit each unit is: thousandths of a
// core, mebibytes, cards.
func factors(t Type) map[Unit]int64 {
	switch t {
	case CPU:
		return map[Unit]int64{Core: 1000, Milli: 1}
	case Memory, Disk:
		return map[Unit]int64{Mi: 1, Gi: 1024}
	case GPU:
		return map[Unit]int64{Card: 1}
	}
	return nil
}

// WireUnit is the unit of an amount that names none.
func WireUnit(t Type) Unit {
	switch t {
	case CPU:
		return Core
	case Memory:
		return Mi
	case Disk:
		return Gi
	}
	return Card
}

// Smallest turns an amount into the type's smallest unit. "" is the type's
// [WireUnit].
func Smallest(t Type, amount int64, u Unit) (int64, error) {
	if u == "" {
		u = WireUnit(t)
	}
	f, ok := factors(t)[u]
	switch {
	case factors(t) == nil:
		return 0, fault.Invalid("type", "must be cpu, memory, disk or gpu")
	case !ok:
		return 0, fault.Invalid("unit", "%s is not counted in %q", t, u)
	case amount < 0 || amount > MaxAmount:
		return 0, fault.Invalid("amount", "must be between 0 and %d", MaxAmount)
	}
	return amount * f, nil
}

// In writes an amount of the smallest unit in u: 1536 Mi is "1.5" Gi.
func In(t Type, smallest int64, u Unit) string {
	f, ok := factors(t)[u]
	if !ok {
		f = 1
	}
	text := big.NewRat(smallest, f).FloatString(10) // 1/1024 has ten places
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Span is a unit of time.
type Span string

// The units of time.
const (
	Second Span = "秒"
	Minute Span = "分钟"
	Hour   Span = "小时"
	Day    Span = "天"
	Week   Span = "周"
	Month  Span = "月"
)

// Duration is a number of units of time.
type Duration struct {
	N    int64
	Unit Span
}

// MaxDuration bounds the number of units.
const MaxDuration = 1_000_000

// seconds returns the length of one unit; a month is as long as the calendar
// of the one who asks says.
func seconds(s Span, monthDays int) (int64, bool) {
	switch s {
	case Second:
		return 1, true
	case Minute:
		return 60, true
	case Hour:
		return 3600, true
	case Day:
		return 86400, true
	case Week:
		return 7 * 86400, true
	case Month:
		return int64(monthDays) * 86400, true
	}
	return 0, false
}

// Coin is the unit of a rate's money.
type Coin string

// The units of money.
const (
	Yuan Coin = "元"
	Jiao Coin = "角"
	Fen  Coin = "分"
)

// perYuan is how many of a coin a yuan has.
func perYuan(c Coin) (int64, bool) {
	switch c {
	case Yuan:
		return 1, true
	case Jiao:
		return 10, true
	case Fen:
		return 100, true
	}
	return 0, false
}
