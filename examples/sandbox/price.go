package main

import (
	"strconv"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// flavour is one size on sale. Prices are in fen a month, exact integers.
type flavour struct {
	id, class   string
	cpu, memory int
	month       int64
}

var flavours = []flavour{
	{id: "small", class: "shared", cpu: 1, memory: 1, month: 40_00},
	{id: "medium", class: "general", cpu: 2, memory: 4, month: 150_00},
	{id: "large", class: "general", cpu: 4, memory: 8, month: 300_00},
	{id: "gpu", class: "gpu", cpu: 8, memory: 64, month: 1000_00},
}

// diskMonth is the price of one GB of disk a month, in fen.
const diskMonth = 35

func flavourOf(id string) (flavour, error) {
	for _, f := range flavours {
		if f.id == id {
			return f, nil
		}
	}
	return flavour{}, fault.Invalid("spec.flavour", "%q is not on sale: take small, medium, large or gpu", id)
}

// listPrice is the list price in fen of a spec for a whole term.
func listPrice(s Spec, t provider.Term) (int64, error) {
	f, err := flavourOf(s.Flavour)
	if err != nil {
		return 0, err
	}
	month := f.month + int64(s.Disk)*diskMonth
	n := int64(max(t.Periods, 1)) * int64(max(t.Quantity, 1))
	switch t.Period {
	case provider.PeriodHour:
		return (month*n + 719) / 720, nil
	case provider.PeriodDay:
		return (month*n + 29) / 30, nil
	case provider.PeriodMonth:
		return month * n, nil
	case provider.PeriodYear:
		return month * 10 * n, nil
	default:
		return 0, fault.Invalid("term.period", "%q is not sold: take hour, day, month or year", t.Period)
	}
}

// yuan writes fen as a decimal of yuan.
func yuan(fen int64) provider.Decimal {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	frac := strconv.FormatInt(fen%100, 10)
	if len(frac) == 1 {
		frac = "0" + frac
	}
	return provider.Decimal(sign + strconv.FormatInt(fen/100, 10) + "." + frac)
}
