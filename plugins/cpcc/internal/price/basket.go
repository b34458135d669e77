package price

import (
	"fmt"
	"math/big"

	"tradewind.example/sdk/fault"
)

// Part is one line of a basket.
type Part struct {
	Type   Type
	Model  string
	Amount int64
	Unit   Unit // "" is the type's WireUnit
}

// Name is how a line is called.
func (p Part) Name() string { return string(p.Type) + " " + p.Model }

// unit is the unit of the amount.
func (p Part) unit() Unit {
	if p.Unit == "" {
		return WireUnit(p.Type)
	}
	return p.Unit
}

// Smallest is the part's amount in its type's smallest unit.
func (p Part) Smallest() (int64, error) { return Smallest(p.Type, p.Amount, p.Unit) }

// Offer is a priced part that is on sale.
type Offer struct {
	Rate Rate
	// Available is what is left, in the smallest unit.
	Available int64
}

// Shelf is what is on sale, by type and model.
type Shelf map[Type]map[string]Offer

// Line is one priced or refused part; Problem is set instead of the price. The
// words of problems are part of the interface: callers show them.
type Line struct {
	Part     Part
	Unit     Unit // of the amount
	Rate     Rate
	Subtotal *big.Rat // nil with a Problem
	Problem  string
	// Short says that the problem is the stock.
	Short bool
}

// Answer is the price of a basket. Total sums the good lines, whatever the
// others say; Problem is the first line's that has one.
type Answer struct {
	Lines   []Line // in the order that was asked
	Total   *big.Rat
	Problem string
}

// Fault is the problem of the basket as a fault, nil when it has none.
func (a Answer) Fault() error {
	for _, l := range a.Lines {
		switch {
		case l.Short:
			return fault.OutOfStock("%s", l.Problem)
		case l.Problem != "":
			return fault.Precondition("%s", l.Problem)
		}
	}
	return nil
}

// Basket prices parts for a time. What is asked of one model in several lines
// must be there for all of them together.
func (c Calendar) Basket(parts []Part, on Shelf, d Duration) Answer {
	out := Answer{Total: new(big.Rat)}
	taken := map[Part]int64{}
	for _, p := range parts {
		l := c.line(p, on, d, taken)
		if l.Problem == "" {
			out.Total.Add(out.Total, l.Subtotal)
		} else if out.Problem == "" {
			out.Problem = l.Problem
		}
		out.Lines = append(out.Lines, l)
	}
	return out
}

func (c Calendar) line(p Part, on Shelf, d Duration, taken map[Part]int64) Line {
	l := Line{Part: p, Unit: p.unit()}
	if len(on[p.Type]) == 0 {
		l.Problem = "没有该类型组件"
		return l
	}
	offer, ok := on[p.Type][p.Model]
	if !ok {
		l.Problem = fmt.Sprintf("无效的 %s 部件型号: %s", p.Type, p.Model)
		return l
	}
	l.Rate = offer.Rate
	wanted, err := p.Smallest()
	if err != nil {
		l.Problem = fault.As(err).Message
		return l
	}
	same := Part{Type: p.Type, Model: p.Model}
	if taken[same]+wanted > offer.Available {
		l.Short = true
		l.Problem = fmt.Sprintf("%s %s 库存不足 (库存: %s, 请求: %s)", p.Type, p.Model,
			In(p.Type, offer.Available-taken[same], offer.Rate.Per), In(p.Type, wanted, offer.Rate.Per))
		return l
	}
	if l.Subtotal, err = c.Subtotal(p.Type, wanted, offer.Rate, d); err != nil {
		l.Problem, l.Subtotal = fault.As(err).Message, nil
		return l
	}
	taken[same] += wanted
	return l
}
