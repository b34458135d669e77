package sim

import (
	"errors"
	"net/http"

	"tradewind.example/simkit/admin"
)

// Admin is the handler for tests: faults, limits, clock, state, calls and what
// happens in the vendor's console. It has no authentication and must not share
// a port with the vendor API.
func (c *Cloud) Admin() http.Handler {
	d := admin.New()
	admin.Switches(d, c.Panel)
	admin.Limits(d, c.Limits, c.SetLimits)
	admin.State(d, c.Report)
	admin.Recharge(d, c.Recharge, func() map[string]Books { return c.Report(admin.MaxRows).Accounts })
	admin.Do(d, "POST /orders", func(in ConsoleOrder) (map[string]string, error) {
		id, err := c.PlaceOrder(in)
		return map[string]string{"order_id": id}, err
	})
	admin.Do(d, "POST /signin/redeem", c.redeem)
	return d
}

// ticket is what a customer brings from a sign-in.
type ticket struct {
	Token string `json:"token"`
}

func (c *Cloud) redeem(in ticket) (map[string]string, error) {
	user, ok := c.RedeemSignIn(in.Token)
	if !ok {
		return nil, errors.New("token: unknown, used or too old")
	}
	return map[string]string{"user_id": user}, nil
}
