package main

import (
	"context"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// CustomerMoney is what a customer has at the cloud.
type CustomerMoney struct {
	Cash     provider.Decimal `json:"cash" title:"Cash"`
	Currency string           `json:"currency" title:"Currency"`
}

// MovementsInput is a window of time.
type MovementsInput struct {
	From time.Time `json:"from" required:"true" title:"From"`
	To   time.Time `json:"to,omitzero" title:"To" doc:"Empty is now"`
}

// Movement is money that moved between the reseller and a customer.
type Movement struct {
	Direction string           `json:"direction" title:"Direction" doc:"to_customer or from_customer"`
	Amount    provider.Decimal `json:"amount" title:"Amount in yuan"`
	Time      string           `json:"time" title:"Time"`
	Words     string           `json:"description,omitempty" title:"The cloud's words"`
}

// Movements are a customer's.
type Movements struct {
	Movements []Movement `json:"movements" title:"Movements"`
	Total     int        `json:"total" title:"Number of all, when not all are here"`
}

// mostMovements bounds the answer of one action.
const mostMovements = 1000

// balance reads what a customer has.
func (h customers) balance(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[CustomerMoney], error) {
	var out provider.ActionResult[CustomerMoney]
	c, err := h.open(req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.customer(ctx, req.ID)
	if err != nil {
		return out, err
	}
	has, err := c.of(row).cash(ctx)
	out.Output = CustomerMoney{Cash: has, Currency: currency}
	return out, err
}

// movements tells what moved between the reseller and a customer. Transfers that
// were made elsewhere are among them.
func (h customers) movements(ctx context.Context, req provider.TypedAction[MovementsInput]) (provider.ActionResult[Movements], error) {
	out := provider.ActionResult[Movements]{Output: Movements{Movements: []Movement{}}}
	to := req.Input.To
	if to.IsZero() {
		to = h.clock.Now().Add(clockGap)
	}
	if to.Before(req.Input.From) {
		return out, fault.Invalid("input.to", "must not be before the beginning")
	}
	c, err := h.open(req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.customer(ctx, req.ID)
	if err != nil {
		return out, err
	}
	err = c.movements(ctx, req.Input.From, to, func(r movementRow) error {
		for _, direction := range []string{toCustomer, fromCustomer} {
			if !r.concerns(movement{Customer: row.UserID, Account: row.AccountID, Direction: direction}) {
				continue
			}
			amount, err := amountOf(r.Amount)
			if err != nil {
				return err
			}
			if out.Output.Total++; len(out.Output.Movements) < mostMovements {
				out.Output.Movements = append(out.Output.Movements, Movement{Direction: direction, Amount: decimal(amount), Time: r.Time, Words: r.Words})
			}
		}
		return nil
	})
	return out, err
}
